package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
)

// times says which header times a network allows.
type times struct {
	future float64 // seconds ahead of the clock
	median bool    // above the median of the last 11, instead of the parent's
}

// lowest is the smallest time, in milliseconds, that parent's child may have.
func (ts times) lowest(parent *block) int64 {
	if !ts.median {
		return parent.time + 1
	}
	last := make([]int64, 0, 11)
	for b := parent; len(last) < 11; b = b.parent {
		last = append(last, b.time)
	}
	slices.Sort(last)
	return last[5] + 1
}

// game is what dishonest miners do.
type game struct {
	label string
	ahead bool // stamp as far ahead of the clock as allowed
	low   bool // stamp as low as allowed
	hop   bool // mine only while the difficulty is below its mean
}

var (
	stampAhead       = game{label: "stamp far ahead", ahead: true}
	stampLow         = game{label: "stamp low", low: true}
	stampAheadAndHop = game{label: "stamp far ahead, and mine only while it is easy", ahead: true, hop: true}
	hop              = game{label: "honest times, but mine only while it is easy", hop: true}

	games = []game{stampAhead, stampLow, stampAheadAndHop, hop}
)

// result is what a game came to over a long run.
type result struct {
	blockTime float64 // mean, seconds
	share     float64 // the dishonest miners' blocks over all
	yield     float64 // their blocks per hash over the honest miners'
}

// play mines count blocks with the given share of the hash rate dishonest.
func play(r rule, ts times, g game, share float64, count int, rng *rand.Rand) result {
	b := settled(r, settledHashRate, rng)
	begin, now := b.found, b.found
	honestRate, otherRate := settledHashRate*(1-share), settledHashRate*share
	usual := b.diff
	var honest, other, honestHashes, otherHashes float64
	for range count {
		bits, diff := r.next(b)
		active := otherRate
		if g.hop && diff > usual {
			active = 0
		}
		usual += (diff - usual) / 1000
		took := rng.ExpFloat64() * diff / (honestRate + active)
		now += took
		honestHashes += honestRate * took
		otherHashes += active * took

		child := &block{parent: b, height: b.height + 1, bits: bits, diff: diff, found: now}
		clock, lowest := int64(now*1000), ts.lowest(b)
		child.time = max(clock, lowest)
		if rng.Float64()*(honestRate+active) < active {
			other++
			switch {
			case g.ahead:
				child.time = max(clock+int64(ts.future*1000), lowest)
			case g.low:
				child.time = lowest
			}
		} else {
			honest++
		}
		b = child
	}
	return result{
		blockTime: (now - begin) / float64(count),
		share:     other / float64(count),
		yield:     other / otherHashes / (honest / honestHashes),
	}
}

// gameRules pairs each rule with the times that its network allows.
func gameRules() []struct {
	label string
	rule  rule
	times times
} {
	wtema := &ema{window: window, cap: 1}
	return []struct {
		label string
		rule  rule
		times times
	}{
		{"Ingchain, future limit N·T = 600 s", newOurs(), times{future: futureLimit}},
		{"the same, future limit 60 s", newOurs(), times{future: 60}},
		{"the same, 600 s, but median of 11", wtema, times{future: futureLimit, median: true}},
		{"LWMA-1, 600 s", lwma{}, times{future: futureLimit}},
		{"LWMA-1, its own limit N·T/20 = 30 s", lwma{}, times{future: 30}},
		{"ASERT, half-life 7 min, 600 s", &asert{halfLife: 416}, times{future: futureLimit}},
		{"ASERT, half-life 1 h, 600 s", &asert{halfLife: 3600}, times{future: futureLimit}},
	}
}

func printGames(out io.Writer, count int, seed uint64) {
	shares := []float64{0.03, 0.1, 0.25, 0.5}
	for _, g := range games {
		fmt.Fprintf(out, "\n**%s**\n\n", g.label)
		t := newTable(out, "rule", "3 % of the hash rate", "10 %", "25 %", "50 %")
		for _, gr := range gameRules() {
			cells := []string{gr.label}
			for i, share := range shares {
				res := play(gr.rule, gr.times, g, share, count, rand.New(rand.NewPCG(seed, uint64(i))))
				cells = append(cells, fmt.Sprintf("%s; %s; ×%.2f", hundredths(res.blockTime), percent(res.share), res.yield))
			}
			t.row(cells...)
		}
	}
}

// hundredths prints a mean block time where small shifts matter.
func hundredths(s float64) string {
	if s < 1 {
		return seconds(s)
	}
	return fmt.Sprintf("%.2f s", s)
}
