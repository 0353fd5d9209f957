package node

import (
	"fmt"
	"os"
	"sync"
)

// phaseTrace writes the begin and end of a node's phases to a file, one
// unbuffered line each, so that a test can kill the node in the midst of one.
type phaseTrace struct {
	mu   sync.Mutex // one line at a time
	file *os.File   // nil: no trace
}

func openTrace(path string) (*phaseTrace, error) {
	if path == "" {
		return &phaseTrace{}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open phase trace: %w", err)
	}
	return &phaseTrace{file: f}, nil
}

// mark notes that a phase begins or ends. A trace that cannot be written does
// not stop the node.
func (t *phaseTrace) mark(phase string, begin bool) {
	if t.file == nil {
		return
	}
	word := "end"
	if begin {
		word = "begin"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.file, "%s %s\n", word, phase)
}

// hook returns mark, or nil if there is no trace to keep.
func (t *phaseTrace) hook() func(string, bool) {
	if t.file == nil {
		return nil
	}
	return t.mark
}

// Close closes the file.
func (t *phaseTrace) Close() error {
	if t.file == nil {
		return nil
	}
	return t.file.Close()
}
