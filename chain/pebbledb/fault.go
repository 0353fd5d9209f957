package pebbledb

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ingchain/ingchain/chain"
)

// fault is Pebble's logger. Pebble reports failures after which it cannot go on
// by Fatalf, which must not return; by default it ends the process there and
// then. Here the failure becomes an error that the node can end on in good
// order.
type fault struct {
	log    *slog.Logger
	failed chan struct{} // closed once err is set

	mu  sync.Mutex
	err error // the first failure
}

func newFault(log *slog.Logger) *fault {
	return &fault{log: log, failed: make(chan struct{})}
}

var _ pebble.Logger = (*fault)(nil)

// Err returns the first fatal failure, or nil.
func (f *fault) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *fault) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
		close(f.failed)
	}
}

// Infof implements pebble.Logger.
func (f *fault) Infof(format string, args ...any) {
	f.log.Debug(fmt.Sprintf(format, args...), "store", "pebble")
}

// Errorf implements pebble.Logger.
func (f *fault) Errorf(format string, args ...any) {
	f.log.Warn(fmt.Sprintf(format, args...), "store", "pebble")
}

// Fatalf implements pebble.Logger. It does not return: under guard it unwinds
// to there; on a goroutine of Pebble's own, which nobody can unwind, it stays.
func (f *fault) Fatalf(format string, args ...any) {
	err := fmt.Errorf("%w: %s", chain.ErrDisk, fmt.Sprintf(format, args...))
	for _, a := range args {
		if cause, ok := a.(error); ok && pebble.IsCorruptionError(cause) {
			err = fmt.Errorf("%w: %s", chain.ErrCorrupt, fmt.Sprintf(format, args...))
		}
	}
	f.fail(err)
	if underGuard() {
		panic(unwind{err})
	}
	select {}
}

// corruption is Pebble's event of damaged data on disk.
func (f *fault) corruption(info pebble.DataCorruptionInfo) {
	f.fail(fmt.Errorf("%w: %s", chain.ErrCorrupt, info.String()))
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

// lifetime lets a store be closed while others use it: closing waits for them,
// and later uses are refused.
type lifetime struct {
	mu    sync.Mutex
	idle  *sync.Cond
	users int
	ended bool
}

func (l *lifetime) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.users++
	return true
}

func (l *lifetime) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users--; l.users == 0 && l.idle != nil {
		l.idle.Broadcast()
	}
}

// end refuses new uses and waits for the others; false means that it was called
// before.
func (l *lifetime) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.ended = true
	l.idle = sync.NewCond(&l.mu)
	for l.users > 0 {
		l.idle.Wait()
	}
	return true
}
