package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

func mean(xs []float64) float64 {
	var sum float64
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// quantile is the nearest-rank q-quantile; it does not alter xs.
func quantile(xs []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(xs))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

func median(xs []float64) float64 { return quantile(xs, 0.5) }

// seconds prints a duration for people, with two or three digits.
func seconds(s float64) string {
	switch {
	case math.IsInf(s, 1):
		return "not reached"
	case s == 0:
		return "0"
	case s < 0.9995:
		return fmt.Sprintf("%.0f ms", s*1000)
	case s < 9.95:
		return fmt.Sprintf("%.1f s", s)
	case s < 600:
		return fmt.Sprintf("%.0f s", s)
	case s < 3*3600:
		return fmt.Sprintf("%.0f min", s/60)
	default:
		return fmt.Sprintf("%.1f h", s/3600)
	}
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// table prints rows as Markdown.
type table struct{ out io.Writer }

func newTable(out io.Writer, head ...string) table {
	t := table{out}
	t.row(head...)
	t.row(slices.Repeat([]string{"---"}, len(head))...)
	return t
}

func (t table) row(cells ...string) {
	fmt.Fprintln(t.out, "| "+strings.Join(cells, " | ")+" |")
}
