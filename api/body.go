package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// keyLetters are what the keys of bodies are made of.
const keyLetters = "abcdefghijklmnopqrstuvwxyz_"

var errBrokenBody = fmt.Errorf("%w: the body broke off", ErrBadRequest)

// decodeBody reads a JSON body of at most limit bytes: one object of known keys,
// none of them twice, and nothing behind it.
func decodeBody(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	if r.ContentLength > limit {
		return &http.MaxBytesError{Limit: limit} // before reading any of it
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return err
	case err != nil:
		return errBrokenBody
	}
	// The deadline was for the body. If it stayed, it would end a long call.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	if !utf8.Valid(data) {
		return fmt.Errorf("%w: the body is not UTF-8", ErrBadRequest)
	}
	if err := uniqueKeys(data); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%w: body: %w", ErrBadRequest, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the body must be one JSON object", ErrBadRequest)
	}
	return nil
}

// uniqueKeys refuses an object that names a key twice, or in another case, which
// encoding/json would let pass: readers differ on which one counts.
func uniqueKeys(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("%w: the body must be one JSON object", ErrBadRequest)
	}
	seen := make(map[string]bool)
	for dec.More() {
		t, err := dec.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return fmt.Errorf("%w: the body is not JSON", ErrBadRequest)
		}
		if strings.Trim(key, keyLetters) != "" {
			return fmt.Errorf("%w: key %.40q, want lower-case letters and '_'", ErrBadRequest, key)
		}
		if seen[key] {
			return fmt.Errorf("%w: key %.40q is there twice", ErrBadRequest, key)
		}
		seen[key] = true
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			return fmt.Errorf("%w: the body is not JSON", ErrBadRequest)
		}
	}
	return nil
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
