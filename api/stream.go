package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"
)

// Trailers of an export, which tell the whole from the broken off.
const (
	trailerTip     = "Ingchain-Tip"
	trailerProblem = "Ingchain-Problem"
)

var (
	errTooHeavy    = fmt.Errorf("%w: as much heavy work as it takes on at once", ErrBusy)
	errManyStreams = fmt.Errorf("%w: %d streams are open already", ErrBusy, maxStreams)
)

// streamLine is the last line of a stream that failed, beside the lines that
// are items.
type streamLine struct {
	Error *Problem `json:"error,omitempty"`
}

// verifyLine is a line of a verify stream: progress, or the result.
type verifyLine struct {
	Done   uint32        `json:"done"`
	Total  uint32        `json:"total"`
	Result *VerifyResult `json:"result,omitempty"`
	Error  *Problem      `json:"error,omitempty"`
}

func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	stream(s, w, r, func() iter.Seq2[Event, error] {
		return s.backend.Events(r.Context(), r.URL.Query().Get("since"))
	})
}

func (s *Server) announcements(w http.ResponseWriter, r *http.Request) {
	stream(s, w, r, func() iter.Seq2[Announcement, error] { return s.backend.Announcements(r.Context()) })
}

// stream sends a sequence as NDJSON, one line per item, each flushed. The
// headers go out as soon as the backend listens, so that a client which has them
// misses nothing from then on.
func stream[T any](s *Server, w http.ResponseWriter, r *http.Request, open func() iter.Seq2[T, error]) {
	if !s.streams.take() {
		s.fail(w, r, errManyStreams)
		return
	}
	defer s.streams.give()
	seq := open()
	lines := newLineWriter(w)
	if lines.flush() != nil || r.Method == http.MethodHead {
		return
	}
	for v, err := range seq {
		if err != nil {
			p := s.problem(r, err)
			_ = lines.write(streamLine{Error: &p})
			return
		}
		if lines.write(v) != nil {
			return // the client has gone, or does not read
		}
	}
	if err := r.Context().Err(); err != nil {
		p := s.problem(r, err)
		_ = lines.write(streamLine{Error: &p})
	}
}

func (s *Server) verify(w http.ResponseWriter, r *http.Request) {
	if !wantMedia(w, r, "application/json") {
		return
	}
	var none struct{}
	if err := decodeBody(w, r, maxBodyBytes, &none); err != nil {
		s.fail(w, r, err)
		return
	}
	if !s.heavy.take() {
		s.fail(w, r, errTooHeavy)
		return
	}
	defer s.heavy.give()
	lines := newLineWriter(w)
	if lines.flush() != nil {
		return
	}
	result, err := s.backend.Verify(r.Context(), func(done, total uint32) {
		_ = lines.write(verifyLine{Done: done, Total: total}) // a client that has gone cancels the context
	})
	if err != nil {
		p := s.problem(r, err)
		_ = lines.write(verifyLine{Error: &p})
		return
	}
	_ = lines.write(verifyLine{Result: &result})
}

func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	if !s.heavy.take() {
		s.fail(w, r, errTooHeavy)
		return
	}
	defer s.heavy.give()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Trailer", trailerTip+", "+trailerProblem)
	if r.Method == http.MethodHead {
		return
	}
	out := &timedWriter{w: w, rc: http.NewResponseController(w)}
	tip, err := s.backend.Export(r.Context(), out)
	if err != nil && !out.wrote {
		w.Header().Del("Trailer")
		s.fail(w, r, err)
		return
	}
	if err != nil {
		p, _ := json.Marshal(s.problem(r, err))
		w.Header().Set(trailerProblem, string(p))
		return
	}
	t, _ := json.Marshal(tip)
	w.Header().Set(trailerTip, string(t))
}

func (s *Server) importBlocks(w http.ResponseWriter, r *http.Request) {
	if !wantMedia(w, r, "application/octet-stream") {
		return
	}
	if r.ContentLength > maxImportBytes {
		s.fail(w, r, &http.MaxBytesError{Limit: maxImportBytes})
		return
	}
	if !s.heavy.take() {
		s.fail(w, r, errTooHeavy)
		return
	}
	defer s.heavy.give()
	rc := http.NewResponseController(w)
	body := &timedReader{r: http.MaxBytesReader(w, r.Body, maxImportBytes), rc: rc, limit: s.readBody}
	tip, err := s.backend.Import(r.Context(), body)
	s.answer(w, r, tip, err)
}

// lineWriter writes NDJSON with a deadline per line.
type lineWriter struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func newLineWriter(w http.ResponseWriter) *lineWriter {
	w.Header().Set("Content-Type", "application/x-ndjson")
	return &lineWriter{w: w, rc: http.NewResponseController(w)}
}

func (l *lineWriter) write(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_ = l.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := l.w.Write(append(line, '\n')); err != nil {
		return err
	}
	return l.rc.Flush()
}

func (l *lineWriter) flush() error {
	_ = l.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	l.w.WriteHeader(http.StatusOK)
	return l.rc.Flush()
}

// timedWriter renews the write deadline with every write.
type timedWriter struct {
	w     io.Writer
	rc    *http.ResponseController
	wrote bool
}

func (t *timedWriter) Write(b []byte) (int, error) {
	_ = t.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	t.wrote = true
	return t.w.Write(b)
}

// timedReader renews the read deadline with every read, and lifts it at the end:
// what the backend then does with what it read may take longer.
type timedReader struct {
	r     io.Reader
	rc    *http.ResponseController
	limit time.Duration // for one read
}

func (t *timedReader) Read(b []byte) (int, error) {
	_ = t.rc.SetReadDeadline(time.Now().Add(t.limit))
	n, err := t.r.Read(b)
	if err != nil {
		_ = t.rc.SetReadDeadline(time.Time{})
	}
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &tooLarge) {
		err = errBrokenBody
	}
	return n, err
}
