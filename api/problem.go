package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ingchain/ingchain/core"
)

// Problem is how the server reports a failure (RFC 9457), as a document of its
// own or, once a stream has begun, as the stream's last line.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Code is stable and meant for programs.
	Code string `json:"code"`
	// Missing are the transactions that a refused payment misses.
	Missing []core.Hash `json:"missing,omitempty"`
}

// Codes of a Problem that have no error kind of their own.
const (
	codeInternal     = "internal"
	codeUnauthorized = "unauthorized"
	codeForeignHost  = "foreign-host"
	codeCrossOrigin  = "cross-origin"
	codeMethod       = "method-not-allowed"
	codeMediaType    = "unsupported-media-type"
	codeTooLarge     = "too-large"
	codeTooMany      = "too-many-attempts"
)

// kinds is the one place that maps failures to HTTP and back. The first row of
// a kind is what the server sends for it; the client maps every code to its
// kind.
var kinds = []struct {
	kind   error
	status int
	code   string
}{
	{ErrBadRequest, http.StatusBadRequest, "bad-request"},
	{ErrNotFound, http.StatusNotFound, "not-found"},
	{ErrNotAllowed, http.StatusForbidden, "not-allowed"},
	{ErrTimeout, http.StatusGatewayTimeout, "timeout"},
	{ErrShuttingDown, http.StatusServiceUnavailable, "shutting-down"},
	{ErrBusy, http.StatusServiceUnavailable, "busy"},
	{ErrFailed, http.StatusConflict, "failed"},
	{ErrRefused, http.StatusUnprocessableEntity, "refused"},
	{ErrNoIndex, http.StatusServiceUnavailable, CodeIndexOff},

	{ErrNotAllowed, http.StatusUnauthorized, codeUnauthorized},
	{ErrNotAllowed, http.StatusForbidden, codeForeignHost},
	{ErrNotAllowed, http.StatusForbidden, codeCrossOrigin},
	{ErrBusy, http.StatusTooManyRequests, codeTooMany},
	{ErrNoIndex, http.StatusServiceUnavailable, CodeIndexBuilding},
	{ErrNoIndex, http.StatusServiceUnavailable, CodeIndexBehind},
	{ErrNoIndex, http.StatusServiceUnavailable, CodeIndexFailed},
	{ErrBadRequest, http.StatusMethodNotAllowed, codeMethod},
	{ErrBadRequest, http.StatusUnsupportedMediaType, codeMediaType},
	{ErrBadRequest, http.StatusRequestEntityTooLarge, codeTooLarge},
}

// problemOf describes err to a client. What is none of our kinds stays inside:
// known is false, and the caller logs it.
func problemOf(err error) (p Problem, known bool) {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return problem(http.StatusRequestEntityTooLarge, codeTooLarge, fmt.Sprintf("the body is longer than %d bytes", tooLarge.Limit)), true
	case errors.Is(err, context.Canceled):
		return problem(http.StatusServiceUnavailable, "shutting-down", ErrShuttingDown.Error()), true
	case errors.Is(err, context.DeadlineExceeded):
		return problem(http.StatusGatewayTimeout, "timeout", ErrTimeout.Error()), true
	}
	if p, ok := coded(err); ok {
		return p, true
	}
	for _, k := range kinds {
		if errors.Is(err, k.kind) {
			return problem(k.status, k.code, err.Error()), true
		}
	}
	return problem(http.StatusInternalServerError, codeInternal, "internal error; the node's log says more"), false
}

func problem(status int, code, detail string) Problem {
	return Problem{Title: http.StatusText(status), Status: status, Detail: detail, Code: code}
}

// write sends p as the answer to a request.
func (p Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	// A client that has gone away needs no answer.
	_ = json.NewEncoder(w).Encode(p)
}

// Error is a failure that a node reported, as the [Client] returns it. It unwraps
// to one of the error kinds of this package where the code has one, and errors.As
// finds in it what the node's [Backend] failed with: [Refusal] or [IndexError].
type Error struct {
	Problem
	// RetryAfter is when it may make sense to ask again; 0 if the node did not say.
	RetryAfter time.Duration
}

// Error implements error with what the node said.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Title
	}
	return e.Detail
}

// Unwrap returns the kind, or nil. Codes of rules and policies are of the kind
// [ErrRefused].
func (e *Error) Unwrap() error {
	for _, k := range kinds {
		if k.code == e.Code {
			return k.kind
		}
	}
	if e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusConflict {
		return ErrRefused
	}
	return nil
}

// As makes a [Refusal] or an [IndexError] of the failure where it is one.
func (e *Error) As(target any) bool {
	kind := e.Unwrap()
	switch t := target.(type) {
	case **Refusal:
		if !errors.Is(kind, ErrRefused) {
			return false
		}
		// People read the code once.
		_, detail, _ := strings.Cut(e.Detail, e.Code+": ")
		*t = &Refusal{Code: core.Code(e.Code), Detail: detail, Later: e.Status == http.StatusConflict, Missing: e.Missing}
		return true
	case **IndexError:
		if !errors.Is(kind, ErrNoIndex) {
			return false
		}
		*t = &IndexError{Code: e.Code, Detail: e.Detail, RetryAfter: e.RetryAfter}
		return true
	}
	return false
}

// Is reports whether the failure is the given code of a rule or a policy, such
// as [core.ErrMissingCoin].
func (e *Error) Is(target error) bool {
	code, ok := target.(core.Code)
	return ok && string(code) == e.Code
}
