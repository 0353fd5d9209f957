// Package failstop makes Pebble stop where the disk fails, rather than end the
// process or try again for ever. Pebble reports most failed writes by Fatalf, and
// some by a panic in the midst of its locks that nobody can recover from: its
// commit that rotates the log on a full disk ends with "unlock of unlocked
// mutex". So it never learns of one here: what writes to the disk goes through
// [Fault.FS], where the first failure is noted and the goroutine that met it
// stays for good, as does every later one that would write. What was synced is
// on disk, nothing comes after it, and whoever waits in [Fault.Call] gets an
// error that the node can end on in good order.
//
// It is not a way to go on: a store that has failed is read from at best, and
// its goroutines end with the process. Start with [New].
package failstop

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ingchain/ingchain/chain"
)

// Fault is what a store knows of its own failure. It is Pebble's logger, too.
type Fault struct {
	log    *slog.Logger
	store  string // names the store in the log
	damage error  // the kind of error that damaged data is
	// failed is closed once err is set, stuck once Pebble can no longer be called.
	failed, stuck chan struct{}

	mu    sync.Mutex
	err   error // the first failure
	flush error // what the last flush ended with
}

var _ pebble.Logger = (*Fault)(nil)

// New makes the Fault of one store, which the log calls by that name. Damaged
// data is an error of the given kind; other failures are [chain.ErrDisk].
func New(log *slog.Logger, store string, damage error) *Fault {
	return &Fault{log: log, store: store, damage: damage, failed: make(chan struct{}), stuck: make(chan struct{})}
}

// Failed is closed at the first failure.
func (f *Fault) Failed() <-chan struct{} { return f.failed }

// Stuck is closed once Pebble can no longer be called: it may hold its locks for
// good. Damage that was only read does not go so far.
func (f *Fault) Stuck() <-chan struct{} { return f.stuck }

// Err returns the first failure, or nil.
func (f *Fault) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// StuckErr returns what made Pebble stop for good, or nil.
func (f *Fault) StuckErr() error {
	select {
	case <-f.stuck:
		return f.Err()
	default:
		return nil
	}
}

// Fail notes a failure after which Pebble can still be called.
func (f *Fault) Fail(err error) { f.fail(err, false) }

func (f *Fault) fail(err error, stuck bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
		close(f.failed)
	}
	select {
	case <-f.stuck:
	default:
		if stuck {
			close(f.stuck)
		}
	}
}

// Call runs a call into Pebble that may write. If Pebble stops meanwhile, it
// returns at once with the reason, and leaves the call behind: what that uses
// is no longer the caller's.
func (f *Fault) Call(call func() error) error {
	if err := f.StuckErr(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-f.stuck:
		return f.Err()
	}
}

// Infof implements pebble.Logger.
func (f *Fault) Infof(format string, args ...any) {
	f.log.Debug(fmt.Sprintf(format, args...), "store", f.store)
}

// Errorf implements pebble.Logger.
func (f *Fault) Errorf(format string, args ...any) {
	f.log.Warn(fmt.Sprintf(format, args...), "store", f.store)
}

// Fatalf implements pebble.Logger. As Pebble demands, it does not return.
func (f *Fault) Fatalf(format string, args ...any) {
	kind := chain.ErrDisk
	for _, a := range args {
		if cause, ok := a.(error); ok && pebble.IsCorruptionError(cause) {
			kind = f.damage
		}
	}
	f.fail(fmt.Errorf("%w: %s", kind, fmt.Sprintf(format, args...)), true)
	select {}
}

// Listener returns what tells f of failures that Pebble survives. It would try
// again without a pause for as long as a flush or a compaction fails, while
// writers wait.
func (f *Fault) Listener() *pebble.EventListener {
	return &pebble.EventListener{
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			f.Fail(fmt.Errorf("%w: %s", f.damage, info))
		},
		FlushEnd:        func(info pebble.FlushInfo) { f.flushed(info.Err) },
		BackgroundError: f.background,
		CompactionEnd:   func(info pebble.CompactionInfo) { f.ended("compaction", info.Err) },
	}
}

// flushed is told how a flush ended. A flush of nothing ends with an error, too,
// which only background can tell from others.
func (f *Fault) flushed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush = err
}

// background is told of errors that Pebble goes on after; among those are some
// that matter little, as when the free space is not known.
func (f *Fault) background(err error) {
	f.mu.Lock()
	flush := f.flush
	f.mu.Unlock()
	if flush != nil && errors.Is(err, flush) {
		f.ended("flush", err)
		return
	}
	f.log.Debug("store goes on after a failure", "store", f.store, "err", err)
}

// ended is told how work in the background went.
func (f *Fault) ended(what string, err error) {
	switch {
	case err == nil || errors.Is(err, pebble.ErrCancelledCompaction):
	case pebble.IsCorruptionError(err):
		f.fail(fmt.Errorf("%w: %s: %w", f.damage, what, err), true)
	default:
		f.fail(fmt.Errorf("%w: %s: %w", chain.ErrDisk, what, err), true)
	}
}
