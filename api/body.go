package api

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// firstRead is how many bytes of memory a body gets before it has sent any. What it
// announces costs nothing.
const firstRead = 64 << 10

var errBrokenBody = fmt.Errorf("%w: the body broke off", ErrBadRequest)

// bodyBuffer holds a body while it is decoded.
type bodyBuffer struct{ data []byte }

// bodies are buffers of bodies of firstRead bytes and more, to be used again.
var bodies = sync.Pool{New: func() any { return &bodyBuffer{make([]byte, 0, firstRead)} }}

// decodeBody reads a JSON body of at most limit bytes into v: one object of known
// keys, none of them twice, and nothing behind it. The body's bytes are used again
// afterwards: a decoding method of v's must copy what it keeps.
func decodeBody(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	if r.ContentLength > limit {
		return &http.MaxBytesError{Limit: limit} // before reading any of it
	}
	var buf *bodyBuffer
	if 0 <= r.ContentLength && r.ContentLength < firstRead {
		buf = &bodyBuffer{make([]byte, 0, r.ContentLength+1)}
	} else {
		buf = bodies.Get().(*bodyBuffer)
		defer buf.release()
	}
	err := buf.read(http.MaxBytesReader(w, r.Body, limit), r.ContentLength, limit)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return err
	case err != nil:
		return errBrokenBody
	}
	// The deadline was for the body. If it stayed, it would end a long call.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return decodeObject(buf.data, v)
}

// read reads a body that announces its length, or -1, and ends within limit bytes.
// The memory at most doubles with what has come.
func (b *bodyBuffer) read(body io.Reader, announced, limit int64) error {
	for {
		if have := int64(len(b.data)); have == int64(cap(b.data)) {
			most := limit
			if have <= announced {
				most = announced
			}
			// One byte more than there should be, to see the end.
			b.data = append(make([]byte, 0, min(2*have, most+1)), b.data...)
		}
		n, err := body.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// release gives the buffer to others. A large one that was hardly used is let go,
// lest it live on small bodies.
func (b *bodyBuffer) release() {
	if cap(b.data) > firstRead && len(b.data) < cap(b.data)/4 {
		return
	}
	b.data = b.data[:0]
	bodies.Put(b)
}

// decodeObject decodes data, which must be one JSON object, in place. The library
// refuses keys that are there twice, at any depth, and nesting beyond 10,000.
func decodeObject(data []byte, v any) error {
	if jsontext.Value(data).Kind() != jsontext.KindBeginObject {
		return fmt.Errorf("%w: the body must be one JSON object", ErrBadRequest)
	}
	err := jsonv2.Unmarshal(data, v, jsonv2.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrBadRequest, bodyError(data, err))
}

// bodyError words an error of the decoder, which would name our types, for clients.
func bodyError(data []byte, err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *jsonv2.SemanticError
	switch {
	case errors.As(err, &syntax) && errors.Is(syntax.Err, jsontext.ErrDuplicateName):
		return fmt.Errorf("key %.40q is there twice", syntax.JSONPointer.LastToken())
	case !utf8.Valid(data):
		return errors.New("the body is not UTF-8")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the body ends within its JSON object, after %d bytes", len(data))
	case syntax != nil:
		return fmt.Errorf("the body must be one plain JSON object; it cannot be read beyond byte %d", syntax.ByteOffset)
	case !errors.As(err, &semantic):
		return errors.New("the body is not what this takes")
	case errors.Is(semantic.Err, jsonv2.ErrUnknownName):
		return fmt.Errorf("key %.40q is not known here; keys are exact, in lower case", semantic.JSONPointer.LastToken())
	case semantic.JSONKind == jsontext.KindString && isText(semantic.GoType) && semantic.Err != nil:
		return fmt.Errorf("%s: %w", place(semantic.JSONPointer), semantic.Err)
	}
	return fmt.Errorf("%s: want %s", place(semantic.JSONPointer), wanted(semantic.GoType))
}

// place words where in a body something is: a known key, and which element.
func place(p jsontext.Pointer) string {
	var words []string
	for token := range p.Tokens() {
		words = append(words, token)
	}
	if len(words) == 2 {
		return fmt.Sprintf("%s[%s]", words[0], words[1])
	}
	return strings.Join(words, " ")
}

// isText reports whether values of t are strings with a form of their own.
func isText(t reflect.Type) bool {
	return t != nil && reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// wanted words what JSON a value of t is.
func wanted(t reflect.Type) string {
	switch {
	case t == nil:
		return "another value"
	case isText(t):
		return "a string"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		most := int64(math.MaxInt64) >> (64 - t.Bits())
		return fmt.Sprintf("a whole number from %d to %d", -most-1, most)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64)>>(64-t.Bits()))
	case reflect.Slice:
		return "a list"
	}
	return "another value"
}

// answer sends v, or the problem that err makes.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, v any, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	data, err := json.Marshal(v)
	if err != nil {
		s.fail(w, r, fmt.Errorf("encode the answer: %w", err))
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // a client that has gone away needs no answer
	_, _ = io.WriteString(w, "\n")
}

// fail sends the problem that err makes. The body may not have been read.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	if after := retryAfter(err); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((after+time.Second-1)/time.Second)))
	}
	refuse(w, r, s.problem(r, err))
}

// problem describes err, and logs what a client is not told.
func (s *Server) problem(r *http.Request, err error) Problem {
	p, known := problemOf(err)
	if !known {
		s.log.Error("api: request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	return p
}
