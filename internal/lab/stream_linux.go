package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"sync"
	"time"
)

const (
	// maxStreamLine bounds one line of a stream, in bytes.
	maxStreamLine = 16 << 20

	// maxStreamLines bounds what a stream keeps.
	maxStreamLines = 1 << 20
)

// Line is one JSON object of a stream and when it arrived here.
type Line struct {
	At   time.Time
	Text json.RawMessage
}

// Stream collects the lines that a verb prints for as long as it runs.
type Stream struct {
	proc *Proc

	mu      sync.Mutex
	lines   []Line        // guarded by mu; at most maxStreamLines
	changed chan struct{} // guarded by mu; closed and replaced at every line
	ended   bool          // guarded by mu
}

// Stream runs a verb that streams, with --json, until [Stream.Close] or the
// end of the test.
func (n *Node) Stream(args ...string) *Stream {
	n.Host.net.tb.Helper()
	s, err := n.Host.stream(n.Verb(context.Background(), append(args, "--json")...))
	if err != nil {
		n.Host.net.tb.Fatal(err)
	}
	return s
}

// StreamOf collects the lines of any command made by [Host.Command].
func (h *Host) StreamOf(cmd *exec.Cmd) *Stream {
	h.net.tb.Helper()
	s, err := h.stream(cmd)
	if err != nil {
		h.net.tb.Fatal(err)
	}
	return s
}

func (h *Host) stream(cmd *exec.Cmd) (*Stream, error) {
	s := &Stream{changed: make(chan struct{})}
	w := &lineWriter{stream: s}
	cmd.Stdout = w
	var err error
	if s.proc, err = h.Start(cmd); err != nil {
		return nil, err
	}
	go func() {
		<-s.proc.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = true
		close(s.changed)
		s.changed = make(chan struct{})
	}()
	return s, nil
}

// lineWriter cuts what a process writes into lines. Only the process's own
// copying goroutine uses it.
type lineWriter struct {
	stream *Stream
	rest   []byte // no more than maxStreamLine
}

func (w *lineWriter) Write(data []byte) (int, error) {
	now := time.Now()
	w.rest = append(w.rest, data...)
	for {
		n, line, err := bufio.ScanLines(w.rest, false)
		if err != nil || n == 0 {
			break
		}
		w.stream.add(Line{At: now, Text: append(json.RawMessage(nil), line...)})
		w.rest = w.rest[n:]
	}
	if len(w.rest) > maxStreamLine {
		return 0, fmt.Errorf("lab: a line longer than %d bytes", maxStreamLine)
	}
	return len(data), nil
}

func (s *Stream) add(l Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) < maxStreamLines {
		s.lines = append(s.lines, l)
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// Lines returns what has come so far.
func (s *Stream) Lines() []Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Line(nil), s.lines...)
}

// Wait waits until a line from index first on satisfies match, and returns
// it. It fails when time is up or the verb has ended.
func (s *Stream) Wait(within time.Duration, first int, match func(Line) bool) (Line, error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		s.mu.Lock()
		for ; first < len(s.lines); first++ {
			if l := s.lines[first]; match(l) {
				s.mu.Unlock()
				return l, nil
			}
		}
		changed, ended, count := s.changed, s.ended, len(s.lines)
		s.mu.Unlock()
		if ended {
			return Line{}, fmt.Errorf("lab: the stream ended after %d lines: %w", count, s.proc.Err())
		}
		select {
		case <-changed:
		case <-timer.C:
			return Line{}, fmt.Errorf("lab: none of %d lines in %v", count, within)
		}
	}
}

// Close ends the verb.
func (s *Stream) Close() { s.proc.Kill9() }
