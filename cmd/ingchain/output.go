package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// print writes a result: as one JSON document with --json, else as words says.
func (a *app) print(v any, words func(w io.Writer)) error {
	if !a.json {
		a.live.close() // on one terminal, what is redrawn must not take the result along
		words(a.out)
		return nil
	}
	return a.printJSON(v)
}

// printJSON writes v as one line.
func (a *app) printJSON(v any) error {
	a.live.close()
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// list is s, or an empty list where s is nil, which JSON would call null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// table writes rows in aligned columns. Width is what a terminal shows: Korean
// and other wide characters take two cells. An empty table writes empty.
func table(w io.Writer, empty string, head []string, rows [][]string) {
	if len(rows) == 0 {
		fmt.Fprintln(w, empty)
		return
	}
	grid(w, append([][]string{head}, rows...))
}

// grid writes rows in aligned columns.
func grid(w io.Writer, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i := range row {
			row[i] = clean(row[i])
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(row[i]))
		}
	}
	for _, row := range rows {
		writeRow(w, row, widths)
	}
}

// pairs writes a table of two columns without a head.
func pairs(w io.Writer, rows [][2]string) {
	width := 0
	for _, r := range rows {
		width = max(width, runewidth.StringWidth(r[0]))
	}
	for _, r := range rows {
		writeRow(w, []string{r[0], clean(r[1])}, []int{width, 0})
	}
}

func writeRow(w io.Writer, row []string, widths []int) {
	var b strings.Builder
	for i, cell := range row {
		b.WriteString(cell)
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", widths[i]-runewidth.StringWidth(cell)+2))
		}
	}
	fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
}

// clean makes text of peers harmless to a terminal: no control characters, which
// could move the cursor or forge lines, and no invisible direction marks.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// grouped writes n with commas between groups of three digits.
func grouped[T ~int | ~uint32 | ~uint64](n T) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// counted words a number of things.
func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + more
}

// hashRate words a rate in hashes per second.
func hashRate(r float64) string {
	for _, unit := range []string{"H/s", "kH/s", "MH/s", "GH/s"} {
		if r < 1000 {
			return fmt.Sprintf("%.3g %s", r, unit)
		}
		r /= 1000
	}
	return fmt.Sprintf("%.0f TH/s", r)
}

// shortPeer is the end of a peer id, which tells peers apart; the beginning is
// the same for all.
func shortPeer(id string) string {
	if len(id) <= 10 {
		return id
	}
	return "…" + id[len(id)-8:]
}
