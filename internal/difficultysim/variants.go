package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"

	"github.com/ingchain/ingchain/core"
)

// variants are the choices that were open: window, cap and the form of the
// step.
func variants() []*ema {
	return []*ema{
		{label: "N = 60, cap N·T (chosen)", window: 60, cap: 1},
		{label: "N = 30", window: 30, cap: 1},
		{label: "N = 120", window: 120, cap: 1},
		{label: "cap N·T/4", window: 60, cap: 0.25},
		{label: "cap N·T/2", window: 60, cap: 0.5},
		{label: "no cap", window: 60, cap: math.Inf(1)},
		{label: "balanced step, cap N·T", window: 60, cap: 1, balanced: true},
		{label: "balanced step, cap N·T/2", window: 60, cap: 0.5, balanced: true},
	}
}

// spread is the standard deviation of the difficulty's logarithm and the mean
// block time under a constant hash rate.
func spread(r rule, count int, rng *rand.Rand) (deviation, blockTime float64) {
	b := settled(r, settledHashRate, rng)
	begin := b.found
	var sum, squares float64
	for range count {
		b = mine(r, b, b.found, settledHashRate, rng)
		x := math.Log(b.diff)
		sum += x
		squares += x * x
	}
	n := float64(count)
	return math.Sqrt(squares/n - sum/n*sum/n), (b.found - begin) / n
}

func printVariants(out io.Writer, runs, count int, seed uint64) {
	t := newTable(out, "variant", "steady: mean", "difficulty's spread", "×100: back within 2×", "÷100: back within 2×",
		"÷100: worst block", "12 h pause: blocks in first minute", "3 % stamp 600 s ahead: mean", "10 %", "10 % stamp 60 s ahead")
	for _, v := range variants() {
		deviation, blockTime := spread(v, count, rand.New(rand.NewPCG(seed, 0)))
		up := summarize(v, events[1], runs, seed)
		down := summarize(v, events[3], runs, seed)
		pause := summarize(v, events[4], runs, seed)
		cells := []string{v.label, fmt.Sprintf("%.2f s", blockTime), percent(deviation), seconds(up.returned),
			seconds(down.returned), seconds(down.worst), fmt.Sprintf("%.0f", pause.firstMinute)}
		for _, g := range []struct{ share, future float64 }{{0.03, 600}, {0.1, 600}, {0.1, 60}} {
			res := play(v, times{future: g.future}, stampAhead, g.share, count, rand.New(rand.NewPCG(seed, 1)))
			cells = append(cells, fmt.Sprintf("%.1f s", res.blockTime))
		}
		t.row(cells...)
	}
}

// printFutureLimits shows what the future limit costs under our rule, and
// under the balanced step.
func printFutureLimits(out io.Writer, count int, seed uint64) {
	t := newTable(out, "future limit", "1 % stamp far ahead: mean", "3 %", "10 %", "25 %", "10 % hop as well: blocks per hash",
		"balanced step: 3 %", "10 %")
	for _, future := range []float64{0, 30, 60, 120, 300, 600} {
		run := func(r rule, g game, share float64) result {
			return play(r, times{future: future}, g, share, count, rand.New(rand.NewPCG(seed, 1)))
		}
		cells := []string{seconds(future)}
		for _, share := range []float64{0.01, 0.03, 0.1, 0.25} {
			cells = append(cells, fmt.Sprintf("%.2f s", run(newOurs(), stampAhead, share).blockTime))
		}
		cells = append(cells, fmt.Sprintf("×%.2f", run(newOurs(), stampAheadAndHop, 0.1).yield))
		balanced := &ema{window: window, cap: 1, balanced: true}
		for _, share := range []float64{0.03, 0.1} {
			cells = append(cells, fmt.Sprintf("%.2f s", run(balanced, stampAhead, share).blockTime))
		}
		t.row(cells...)
	}
}

// ramps are ways for the window to grow.
func ramps() []*ema {
	rules := []*ema{{label: "no ramp", window: window, cap: 1}}
	for _, start := range []float64{2, 4, 6} {
		for _, step := range []float64{1, 2, 4, 6, 8, 12} {
			label := fmt.Sprintf("N = %.0f + height/%.0f", start, step)
			if start == rampStart && step == core.RampBlocksPerStep {
				label += " (chosen)"
			}
			rules = append(rules, &ema{label: label, window: window, rampStart: start, rampStep: step, cap: 1})
		}
	}
	return rules
}

func printRamps(out io.Writer, runs int, seed uint64) {
	head := []string{"ramp"}
	for _, s := range networks {
		head = append(head, s.String())
	}
	t := newTable(out, head...)
	for _, r := range ramps() {
		cells := []string{r.name()}
		for _, s := range networks {
			c := summarizeColdStart(r, s, coldStartLate, runs, seed)
			cells = append(cells, fmt.Sprintf("%s; %s; %s / %s", seconds(c.mean), seconds(c.worst),
				seconds(c.returned), seconds(c.returnedP95)))
		}
		t.row(cells...)
	}
}
