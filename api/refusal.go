package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ingchain/ingchain/core"
)

// Refusal says why a payment was not taken. It wraps [ErrRefused] and the code
// of the rule or policy, on either side of HTTP.
type Refusal struct {
	// Code is that of the rule or of the node's policy.
	Code core.Code
	// Detail says it to people.
	Detail string
	// Later is whether the payment may be taken another time, or on another branch
	// of the chain: what it spends is missing, or not mature yet.
	Later bool
	// Missing are transactions whose coins it spends and that the node does not
	// have; they are unknown, or their coins are spent.
	Missing []core.Hash
}

// Error implements error.
func (r *Refusal) Error() string { return fmt.Sprintf("%v: %s: %s", ErrRefused, r.Code, r.Detail) }

// Unwrap lets errors.Is find ErrRefused and the code.
func (r *Refusal) Unwrap() []error { return []error{ErrRefused, r.Code} }

// problem describes r; text is what is said to people, which may say more.
func (r *Refusal) problem(text string) Problem {
	status := http.StatusUnprocessableEntity
	if r.Later {
		status = http.StatusConflict
	}
	p := problem(status, string(r.Code), text)
	p.Missing = r.Missing
	return p
}

// Codes of an [IndexError].
const (
	CodeIndexOff      = "index-off"      // the node was started without it
	CodeIndexBuilding = "index-building" // it is far behind the chain's tip
	CodeIndexBehind   = "index-behind"   // it did not catch up with the tip in time; try again
	CodeIndexFailed   = "index-failed"   // its store failed; the node runs on without
)

// IndexError says why a node cannot answer about addresses. It wraps
// [ErrNoIndex].
type IndexError struct {
	Code   string // one of the CodeIndex… constants
	Detail string
	// RetryAfter is when it may make sense to ask again; 0 if that is not known.
	RetryAfter time.Duration
}

// Error implements error.
func (e *IndexError) Error() string { return e.Detail }

// Unwrap lets errors.Is find ErrNoIndex.
func (e *IndexError) Unwrap() error { return ErrNoIndex }

// busyRetry is when to ask a busy server again.
const busyRetry = time.Second

// retryAfter is when the same request may make sense again; 0 if that is not
// known.
func retryAfter(err error) time.Duration {
	var index *IndexError
	switch {
	case errors.As(err, &index):
		return index.RetryAfter
	case errors.Is(err, ErrBusy):
		return busyRetry
	}
	return 0
}

// coded describes failures that bring a code of their own.
func coded(err error) (Problem, bool) {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal.problem(err.Error()), true
	}
	var index *IndexError
	if errors.As(err, &index) {
		return problem(http.StatusServiceUnavailable, index.Code, err.Error()), true
	}
	return Problem{}, false
}
