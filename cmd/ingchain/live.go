package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// live writes lines to a terminal and keeps an area below them that is redrawn
// in place. Where there is no terminal it only writes.
type live struct {
	w        io.Writer
	terminal bool
	width    func() int

	mu   sync.Mutex // guards w and area
	area []string   // what is drawn below the last line now
}

// newLive returns a live writer on w, which redraws if w is a terminal.
func newLive(w io.Writer) *live {
	l := &live{w: w, width: func() int { return 80 }}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		l.terminal = true
		l.width = func() int {
			if cols, _, err := term.GetSize(int(f.Fd())); err == nil && cols > 0 {
				return cols
			}
			return 80
		}
	}
	return l
}

// color reports whether colour is welcome: on a terminal, unless NO_COLOR is set
// (https://no-color.org).
func (l *live) color() bool { return l.terminal && os.Getenv("NO_COLOR") == "" }

// Write implements io.Writer for logs: the area moves below them.
func (l *live) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	area := l.area
	l.erase()
	n, err := l.w.Write(b)
	l.draw(area)
	return n, err
}

// set replaces the area. Without a terminal it does nothing.
func (l *live) set(lines ...string) {
	if !l.terminal {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	l.draw(lines)
}

// keep leaves what is drawn where it is, and goes on below.
func (l *live) keep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.area = nil
}

// close removes the area.
func (l *live) close() { l.set() }

// erase and draw are called with mu held.
func (l *live) erase() {
	if len(l.area) > 0 {
		fmt.Fprintf(l.w, "\x1b[%dA\r\x1b[J", len(l.area))
	}
	l.area = nil
}

func (l *live) draw(lines []string) {
	if len(lines) == 0 {
		return
	}
	width := l.width()
	var b strings.Builder
	for _, line := range lines {
		// A line that wraps would break the count of lines to go up.
		b.WriteString(runewidth.Truncate(line, width-1, "…") + "\n")
	}
	_, _ = io.WriteString(l.w, b.String())
	l.area = lines
}
