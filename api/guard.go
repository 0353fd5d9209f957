package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// guard wraps the routes in what every request must pass, the cheapest check
// first: host, origin, token, media type.
func (s *Server) guard(routes http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, problem(http.StatusForbidden, codeCrossOrigin, "a page of another origin may not give orders"))
	}))
	inner := cross.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, ok := s.authorize(r); !ok {
			if p.Code == codeUnauthorized {
				w.Header().Set("WWW-Authenticate", "Bearer")
			} else {
				w.Header().Set("Retry-After", "1")
			}
			refuse(w, r, p)
			return
		}
		routes.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sw := &statusWriter{ResponseWriter: w}
		defer s.recover(sw, r)
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		rc := http.NewResponseController(w)
		// Errors here mean that the writer has no deadlines, as in a test.
		_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout))
		if r.Body != http.NoBody {
			_ = rc.SetReadDeadline(time.Now().Add(s.readBody))
		}
		if !s.allowedHost(r.Host) {
			refuse(sw, r, problem(http.StatusForbidden, codeForeignHost,
				"the API answers to localhost and addresses of this machine, not to other names"))
			return
		}
		inner.ServeHTTP(sw, r)
	})
}

// recover answers a request whose handler panicked and tells the log.
func (s *Server) recover(w *statusWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	s.log.Error("api: request panicked", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(v),
		"stack", string(debug.Stack()))
	if w.started {
		panic(http.ErrAbortHandler) // cuts the connection: half an answer must not look whole
	}
	p, _ := problemOf(errors.New("panic"))
	p.write(w)
}

// authorize checks the bearer token. Wrong ones wait, so that guessing is slow;
// right ones never wait for them.
func (s *Server) authorize(r *http.Request) (Problem, bool) {
	if s.cfg.Token == "" {
		return Problem{}, true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	// Hashing makes the comparison independent of the lengths.
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.cfg.Token))
	if subtle.ConstantTimeCompare(got[:], want[:]) == 1 && strings.EqualFold(scheme, "Bearer") {
		return Problem{}, true
	}
	if !s.wrong.take() {
		return problem(http.StatusTooManyRequests, codeTooMany, "too many wrong tokens"), false
	}
	defer s.wrong.give()
	wait(r.Context(), wrongTokenDelay)
	return problem(http.StatusUnauthorized, codeUnauthorized,
		"a token is needed; the node writes it to "+EndpointFile+" in its data directory"), false
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// refuse answers without having read the body, and does not wait for it.
func refuse(w http.ResponseWriter, r *http.Request, p Problem) {
	if r.Body != nil && r.Body != http.NoBody {
		w.Header().Set("Connection", "close")
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(refusalLinger))
	}
	p.write(w)
}

// wantMedia refuses a body of another media type, such as a form that a web
// page may send anywhere without asking.
func wantMedia(w http.ResponseWriter, r *http.Request, want string) bool {
	got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && got == want {
		return true
	}
	refuse(w, r, problem(http.StatusUnsupportedMediaType, codeMediaType, "the body must be "+want))
	return false
}

// statusWriter remembers whether an answer has begun.
type statusWriter struct {
	http.ResponseWriter
	started bool
}

func (w *statusWriter) WriteHeader(status int) {
	w.started = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	w.started = true
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
