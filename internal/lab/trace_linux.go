package lab

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Trace is a file for "ingchain up --phase-trace": a named pipe, so that a
// line is read the moment it is written.
type Trace struct {
	path string
	file *os.File

	mu      sync.Mutex
	begun   map[string]int // guarded by mu; begins of each phase
	open    map[string]int // guarded by mu; begins less ends
	drained bool           // guarded by mu; all lines of a dead node are read
	changed chan struct{}  // guarded by mu; closed and replaced at every line
}

// traceEnd is a line that no node writes.
const traceEnd = "drained"

// NewTrace makes a trace for one start of one node.
func NewTrace(tb testing.TB) (*Trace, error) {
	path := filepath.Join(tb.TempDir(), "phases")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return nil, fmt.Errorf("lab: making %s: %w", path, err)
	}
	// For writing as well: the node's open must find a reader, and its end
	// must not end ours.
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("lab: opening %s: %w", path, err)
	}
	t := &Trace{path: path, file: file, begun: make(map[string]int), open: make(map[string]int), changed: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			t.add(lines.Text())
		}
	}()
	tb.Cleanup(func() {
		file.Close()
		<-done
	})
	return t, nil
}

// Path is what to give to --phase-trace.
func (t *Trace) Path() string { return t.path }

func (t *Trace) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what, phase, _ := strings.Cut(line, " ")
	switch what {
	case "begin":
		t.begun[phase]++
		t.open[phase]++
	case "end":
		t.open[phase]--
	case traceEnd:
		t.drained = true
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// AwaitBegin waits until a phase has begun since the last call for it.
func (t *Trace) AwaitBegin(phase string, within time.Duration) error {
	return t.await(within, "phase "+phase, func() bool {
		if t.begun[phase] == 0 {
			return false
		}
		t.begun[phase] = 0
		return true
	})
}

// Inside reports, of a node that is dead, whether it died inside a phase.
func (t *Trace) Inside(phase string) bool {
	if _, err := fmt.Fprintln(t.file, traceEnd); err != nil {
		return false
	}
	if err := t.await(verbTimeout, "end of trace", func() bool { return t.drained }); err != nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[phase] > 0
}

// await waits for a condition on what mu guards.
func (t *Trace) await(within time.Duration, what string, cond func() bool) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		t.mu.Lock()
		ok, changed := cond(), t.changed
		t.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return fmt.Errorf("lab: no %s in the trace within %v", what, within)
		}
	}
}
