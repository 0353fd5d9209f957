package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// report prints mutants and the score.
type report struct {
	out     io.Writer
	json    bool
	invalid int // changes that do not compile
	stale   []string
}

// line is the JSON form of a mutant.
type line struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Function string `json:"function"`
	Operator string `json:"operator"`
	Nth      int    `json:"nth"`
	Old      string `json:"old"`
	New      string `json:"new"`
	Status   status `json:"status,omitempty"`
	By       string `json:"by,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// score is the JSON form of the result.
type score struct {
	Mutants    int      `json:"mutants"`
	Killed     int      `json:"killed"`
	TimedOut   int      `json:"timed_out"` // of the killed
	Equivalent int      `json:"equivalent"`
	Survived   int      `json:"survived"`
	Invalid    int      `json:"invalid"` // changes that do not compile, not counted above
	Stale      []string `json:"stale,omitempty"`
	Percent    float64  `json:"percent"` // killed, of those that are not equivalent
}

func (r *report) print(m *mutant) {
	if r.json {
		r.encode(line{m.file.name, m.line, m.function, m.operator, m.nth, m.old(), m.new(), m.status, m.by, m.reason})
		return
	}
	nth := ""
	if m.nth > 1 {
		nth = fmt.Sprintf(" %d", m.nth)
	}
	fmt.Fprintf(r.out, "%s:%d %s%s (%s)\n\t- %s\n\t+ %s\n", m.file.name, m.line, m.function, nth, m.operator, m.old(), m.new())
	if m.reason != "" {
		fmt.Fprintf(r.out, "\t= %s\n", m.reason)
	}
}

func (r *report) encode(v any) {
	// What encodes is our own, and a failed write shows in what reads it.
	_ = json.NewEncoder(r.out).Encode(v)
}

func (r *report) listed(mutants []*mutant) {
	if !r.json {
		fmt.Fprintf(r.out, "%d mutants; %d other changes do not compile\n", len(mutants), r.invalid)
	}
}

// results prints survivors and the score, and returns the exit status.
func (r *report) results(mutants []*mutant) int {
	s := score{Invalid: r.invalid, Stale: r.stale}
	for _, m := range mutants {
		if m.status == invalid {
			s.Invalid++
			continue
		}
		s.Mutants++
		switch {
		case m.status == survived && m.reason != "":
			s.Equivalent++
		case m.status == survived:
			s.Survived++
			if !r.json {
				r.print(m)
			}
		case m.reason != "":
			s.Stale = append(s.Stale, fmt.Sprintf("%s:%d is listed as changing nothing, and killed by %s: - %s + %s", m.file.name, m.line, m.by, m.old(), m.new()))
			fallthrough
		default:
			s.Killed++
			if m.status == timedOut {
				s.TimedOut++
			}
		}
		if r.json {
			r.print(m)
		}
	}
	s.Percent = 100
	if n := s.Mutants - s.Equivalent; n > 0 {
		s.Percent = 100 * float64(s.Killed) / float64(n)
	}
	r.score(&s)
	if s.Survived > 0 || len(s.Stale) > 0 {
		return exitSurvivor
	}
	return exitOK
}

func (r *report) score(s *score) {
	if r.json {
		r.encode(s)
		return
	}
	for _, text := range s.Stale {
		fmt.Fprintln(r.out, "stale:", text)
	}
	fmt.Fprintf(r.out, "%d mutants: %d killed (%d of them by time or memory), %d known to change nothing, %d survived; %d other changes do not compile\n",
		s.Mutants, s.Killed, s.TimedOut, s.Equivalent, s.Survived, s.Invalid)
	fmt.Fprintf(r.out, "score %.1f %%\n", s.Percent)
}
