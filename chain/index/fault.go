package index

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ingchain/ingchain/chain"
)

// fault is Pebble's logger. Pebble reports failures after which it cannot go on
// by Fatalf, which must not return and by default ends the process. Here it
// becomes an error.
type fault struct {
	log *slog.Logger
	// damaged is closed once err is set, stuck once Pebble can no longer be
	// called.
	damaged, stuck chan struct{}

	mu    sync.Mutex
	err   error // the first failure
	flush error // what the last flush ended with
}

func newFault(log *slog.Logger) *fault {
	return &fault{log: log, damaged: make(chan struct{}), stuck: make(chan struct{})}
}

// Err returns the first failure, or nil.
func (f *fault) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// stuckErr returns what made Pebble stop for good, or nil.
func (f *fault) stuckErr() error {
	select {
	case <-f.stuck:
		return f.Err()
	default:
		return nil
	}
}

func (f *fault) fail(err error, stuck bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
		close(f.damaged)
	}
	select {
	case <-f.stuck:
	default:
		if stuck {
			close(f.stuck)
		}
	}
}

// Infof implements pebble.Logger.
func (f *fault) Infof(format string, args ...any) {
	f.log.Debug(fmt.Sprintf(format, args...), "store", "index")
}

// Errorf implements pebble.Logger.
func (f *fault) Errorf(format string, args ...any) {
	f.log.Warn(fmt.Sprintf(format, args...), "store", "index")
}

// Fatalf implements pebble.Logger. It does not return: under guard it unwinds
// to there; on a goroutine of Pebble's own, which nobody can unwind, it stays.
func (f *fault) Fatalf(format string, args ...any) {
	kind := chain.ErrDisk
	for _, a := range args {
		if cause, ok := a.(error); ok && pebble.IsCorruptionError(cause) {
			kind = ErrDamaged
		}
	}
	err := fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...))
	f.fail(err, true)
	if underGuard() {
		panic(unwind{err})
	}
	select {}
}

// corruption is Pebble's event of damaged data on disk.
func (f *fault) corruption(info pebble.DataCorruptionInfo) {
	f.fail(damagedf("%s", info), false)
}

// flushed is told how a flush ended. A flush of nothing ends with an error, too,
// which only background can tell from others.
func (f *fault) flushed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush = err
}

// background is told of errors that Pebble goes on after; among those are some
// that matter little, as when the free space is not known.
func (f *fault) background(err error) {
	f.mu.Lock()
	flush := f.flush
	f.mu.Unlock()
	if flush != nil && errors.Is(err, flush) {
		f.ended("flush", err)
		return
	}
	f.log.Debug("store goes on after a failure", "store", "index", "err", err)
}

// ended is told how work in the background went.
func (f *fault) ended(what string, err error) {
	switch {
	case err == nil || errors.Is(err, pebble.ErrCancelledCompaction):
	case pebble.IsCorruptionError(err):
		f.fail(damagedf("%s: %v", what, err), true)
	default:
		f.fail(fmt.Errorf("%w: %s: %w", chain.ErrDisk, what, err), true)
	}
}

// unwind carries a fatal failure from Fatalf to guard.
type unwind struct{ err error }

// guard runs a call into Pebble and turns Fatalf inside it into an error.
func (f *fault) guard(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			u, ok := p.(unwind)
			if !ok {
				panic(p)
			}
			err = u.err
		}
	}()
	return call()
}

// underGuard reports whether guard is on the stack of this goroutine.
func underGuard() bool {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "(*fault).guard") {
			return true
		}
		if !more {
			return false
		}
	}
}
