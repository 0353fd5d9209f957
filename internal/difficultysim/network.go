package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
)

// network is a set of equal miners, each with a tip of its own, to whom every
// block comes after the same delay. Since the delay is constant, a block
// never arrives before its parent.
type network struct {
	rule   rule
	rng    *rand.Rand
	delay  float64 // seconds
	tips   []*tip
	now    float64
	flying []arrival // in order of time
	mined  []*tip
}

// tip is a block with what fork choice needs.
type tip struct {
	block
	up    *tip
	work  float64
	id    uint64  // random; the lower wins at equal work
	child float64 // difficulty of the blocks on top of it
}

type arrival struct {
	at   float64
	from int
	tip  *tip
}

// better is the node's fork choice: most work, then the lower id.
func better(a, b *tip) bool {
	return a.work > b.work || a.work == b.work && a.id < b.id
}

func newNetwork(r rule, miners int, delay float64, rng *rand.Rand) *network {
	n := &network{rule: r, rng: rng, delay: delay, tips: make([]*tip, miners)}
	// The genesis time is a constant of the network, long ago.
	genesis := &tip{block: block{diff: firstHashes, bits: bitsOf(firstHashes), time: -1e12}}
	r.start(&genesis.block)
	_, genesis.child = r.next(&genesis.block)
	for i := range n.tips {
		n.tips[i] = genesis
	}
	return n
}

// step runs the network to its next event: a block found or a block arriving.
// Mining has no memory, so the search may be drawn anew at every event.
func (n *network) step() {
	var total float64
	for _, t := range n.tips {
		total += coreHashRate / t.child
	}
	found := n.now + n.rng.ExpFloat64()/total
	if len(n.flying) > 0 && n.flying[0].at <= found {
		n.arrive()
		return
	}
	n.now = found
	pick := n.rng.Float64() * total
	miner := 0
	for ; miner < len(n.tips)-1 && pick >= coreHashRate/n.tips[miner].child; miner++ {
		pick -= coreHashRate / n.tips[miner].child
	}
	n.find(miner)
}

func (n *network) arrive() {
	a := n.flying[0]
	n.flying = n.flying[1:]
	n.now = a.at
	for i, t := range n.tips {
		if i != a.from && better(a.tip, t) {
			n.tips[i] = a.tip
		}
	}
}

func (n *network) find(miner int) {
	parent := n.tips[miner]
	bits, diff := n.rule.next(&parent.block)
	t := &tip{
		block: block{parent: &parent.block, height: parent.height + 1, found: n.now, bits: bits, diff: diff,
			time: max(int64(n.now*1000), parent.time+1)},
		up: parent, work: parent.work + diff, id: n.rng.Uint64(),
	}
	if t.height == 1 {
		// Rules with an absolute schedule count from the first true time.
		n.rule.start(&t.block)
	}
	_, t.child = n.rule.next(&t.block)
	n.tips[miner] = t
	n.mined = append(n.mined, t)
	if len(n.tips) > 1 {
		n.flying = append(n.flying, arrival{at: n.now + n.delay, from: miner, tip: t})
	}
}

// scenario is a network that begins: miners of one core each, and the time
// that a block takes to the others.
type scenario struct {
	miners int
	delay  float64 // seconds
}

func (s scenario) String() string {
	if s.miners == 1 {
		return "1 core"
	}
	return fmt.Sprintf("%d cores, delay %s", s.miners, seconds(s.delay))
}

var networks = []scenario{{1, 0}, {4, 0.1}, {4, 1}, {64, 0.1}, {64, 1}}

// coldStart is what a young network went through.
type coldStart struct {
	firstTen, firstMinute float64 // blocks on the chain after 10 s and 60 s
	times                 []float64
	returned              float64 // seconds
	staleEarly, staleLate float64 // share of found blocks off the chain: first 10 min, and after the first hour
	early                 float64 // blocks found in the first 10 min
	depth                 float64 // longest branch that lost
}

const (
	coldStartEarly = 600.0
	coldStartLate  = 3600.0
)

func runColdStart(r rule, s scenario, until float64, rng *rand.Rand) coldStart {
	n := newNetwork(r, s.miners, s.delay, rng)
	for n.now < until {
		n.step()
	}
	best := n.tips[0]
	for _, t := range n.tips {
		if better(t, best) {
			best = t
		}
	}
	main := map[*tip]bool{}
	chain := make([]*tip, best.height+1)
	for t := best; t != nil; t = t.up {
		main[t] = true
		chain[t.height] = t
	}

	c := coldStart{returned: math.Inf(1)}
	hashRate := coreHashRate * float64(s.miners)
	inside := 0
	for i, t := range chain[1:] {
		if t.found <= 10 {
			c.firstTen++
		}
		if t.found <= 60 {
			c.firstMinute++
		}
		if i < afterBlocks {
			c.times = append(c.times, t.found-chain[i].found)
		}
		if off := t.diff / (hashRate * interval); off < 0.5 || off > 2 {
			inside = 0
		} else if inside++; inside == steadyBlocks && math.IsInf(c.returned, 1) {
			c.returned = chain[i+2-steadyBlocks].found
		}
	}

	var staleEarly, late, staleLate float64
	for _, t := range n.mined {
		stale := 0.0
		if !main[t] {
			stale = 1
			c.depth = max(c.depth, branchLength(t, main))
		}
		if t.found <= coldStartEarly {
			c.early++
			staleEarly += stale
		}
		if t.found > coldStartLate {
			late++
			staleLate += stale
		}
	}
	c.staleEarly, c.staleLate = staleEarly/c.early, staleLate/max(late, 1)
	return c
}

// branchLength counts the blocks from t down to the main chain.
func branchLength(t *tip, main map[*tip]bool) float64 {
	var n float64
	for ; !main[t]; t = t.up {
		n++
	}
	return n
}

// coldSummary joins many cold starts.
type coldSummary struct {
	firstTen, firstMinute, mean, p95, worst, returned, returnedP95, staleEarly, staleLate, depth float64
}

func summarizeColdStart(r rule, s scenario, until float64, runs int, seed uint64) coldSummary {
	var ten, minute, times, worst, returned, early, late, depth []float64
	for i := range runs {
		c := runColdStart(r, s, until, rand.New(rand.NewPCG(seed, uint64(i))))
		ten = append(ten, c.firstTen)
		minute = append(minute, c.firstMinute)
		times = append(times, c.times...)
		worst = append(worst, quantile(c.times, 1))
		returned = append(returned, c.returned)
		early = append(early, c.staleEarly)
		late = append(late, c.staleLate)
		depth = append(depth, c.depth)
	}
	return coldSummary{
		firstTen: mean(ten), firstMinute: mean(minute),
		mean: mean(times), p95: quantile(times, 0.95), worst: median(worst),
		returned: median(returned), returnedP95: quantile(returned, 0.95),
		staleEarly: mean(early), staleLate: mean(late), depth: quantile(depth, 1),
	}
}

func printColdStart(out io.Writer, runs int, seed uint64) {
	for _, s := range networks {
		fmt.Fprintf(out, "\n**%s**\n\n", s)
		t := newTable(out, "rule", "blocks in first 10 s", "in first minute", "mean block time", "p95", "worst",
			"within 2× (median)", "(p95)", "stale, first 10 min", "stale, second hour", "longest lost branch")
		for _, r := range compared() {
			c := summarizeColdStart(r, s, 2*coldStartLate, runs, seed)
			t.row(r.name(), fmt.Sprintf("%.0f", c.firstTen), fmt.Sprintf("%.0f", c.firstMinute),
				seconds(c.mean), seconds(c.p95), seconds(c.worst), seconds(c.returned), seconds(c.returnedP95),
				percent(c.staleEarly), percent(c.staleLate), fmt.Sprintf("%.0f", c.depth))
		}
	}
}
