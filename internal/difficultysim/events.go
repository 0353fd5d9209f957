package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
)

// event is something that happens to a settled chain.
type event struct {
	label string
	ratio float64 // hash rate after over before
	pause float64 // seconds without any miner
}

var events = []event{
	{label: "hash rate ×10", ratio: 10},
	{label: "hash rate ×100", ratio: 100},
	{label: "hash rate ÷10", ratio: 0.1},
	{label: "hash rate ÷100", ratio: 0.01},
	{label: "12 h pause", ratio: 1, pause: 12 * 3600},
}

const (
	settledHashRate = 4 * coreHashRate
	settledHeight   = 10_000 // far beyond the ramp
	afterBlocks     = 100    // the blocks after an event that are judged
	steadyBlocks    = 20     // the difficulty must hold this long to count as back
	maxBlocks       = 20_000 // gives up waiting for it
)

// outcome is one run of an event.
type outcome struct {
	times                  []float64 // true seconds between the next afterBlocks blocks
	returned               float64   // seconds of mining until within 2× of the target
	firstMinute, firstHour float64   // blocks found from the moment mining goes on
}

// settled makes a chain that has run at its target for long, and then lets
// chance work on it.
func settled(r rule, hashRate float64, rng *rand.Rand) *block {
	diff := hashRate * interval
	b := &block{height: settledHeight, diff: diff, bits: bitsOf(diff)}
	for range 2 * window {
		b = &block{parent: b, height: b.height + 1, time: b.time + interval*1000,
			found: b.found + interval, diff: diff, bits: b.bits}
		if b.height == settledHeight+1 {
			r.start(b)
		}
	}
	for range 3 * window {
		b = mine(r, b, b.found, hashRate, rng)
	}
	return b
}

// mine finds the child of parent by miners who start on it at now and stamp
// max(clock, parent + 1 ms).
func mine(r rule, parent *block, now, hashRate float64, rng *rand.Rand) *block {
	bits, diff := r.next(parent)
	b := &block{parent: parent, height: parent.height + 1, bits: bits, diff: diff}
	b.found = now + rng.ExpFloat64()*diff/hashRate
	b.time = max(int64(b.found*1000), parent.time+1)
	return b
}

func runEvent(r rule, ev event, rng *rand.Rand) outcome {
	before := settled(r, settledHashRate, rng)
	hashRate := settledHashRate * ev.ratio
	begin := before.found + ev.pause

	out := outcome{returned: math.Inf(1)}
	b, now, inside, since := before, begin, 0, begin
	for n := 0; n < maxBlocks; n++ {
		_, diff := r.next(b)
		if off := diff / (hashRate * interval); off < 0.5 || off > 2 {
			inside = 0
		} else if inside++; inside == 1 {
			since = now
		}
		if inside == steadyBlocks {
			out.returned = since - begin
		}
		if !math.IsInf(out.returned, 1) && n >= afterBlocks && now > begin+3600 {
			break
		}
		next := mine(r, b, now, hashRate, rng)
		if n < afterBlocks {
			out.times = append(out.times, next.found-now)
		}
		if next.found <= begin+60 {
			out.firstMinute++
		}
		if next.found <= begin+3600 {
			out.firstHour++
		}
		b, now = next, next.found
	}
	return out
}

// summary joins many runs of one event under one rule.
type summary struct {
	mean, p95, worst       float64 // of block times; worst is the median run's
	returned, returnedP95  float64
	firstMinute, firstHour float64
}

func summarize(r rule, ev event, runs int, seed uint64) summary {
	var times, worst, returned, minute, hour []float64
	for i := range runs {
		out := runEvent(r, ev, rand.New(rand.NewPCG(seed, uint64(i))))
		times = append(times, out.times...)
		worst = append(worst, quantile(out.times, 1))
		returned = append(returned, out.returned)
		minute = append(minute, out.firstMinute)
		hour = append(hour, out.firstHour)
	}
	return summary{
		mean: mean(times), p95: quantile(times, 0.95), worst: median(worst),
		returned: median(returned), returnedP95: quantile(returned, 0.95),
		firstMinute: mean(minute), firstHour: mean(hour),
	}
}

func printEvents(out io.Writer, runs int, seed uint64) {
	for _, ev := range events {
		fmt.Fprintf(out, "\n**%s**\n\n", ev.label)
		t := newTable(out, "rule", "mean block time", "p95", "worst", "back within 2× (median)", "(p95)",
			"blocks in first minute", "in first hour")
		for _, r := range compared() {
			s := summarize(r, ev, runs, seed)
			t.row(r.name(), seconds(s.mean), seconds(s.p95), seconds(s.worst), seconds(s.returned),
				seconds(s.returnedP95), fmt.Sprintf("%.0f", s.firstMinute), fmt.Sprintf("%.0f", s.firstHour))
		}
	}
}
