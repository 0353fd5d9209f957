package main

import (
	"math"

	"github.com/ingchain/ingchain/core"
)

// The figures that every scenario uses: the lan network's, as a test holds.
const (
	interval     = 10.0    // wanted seconds between blocks, T
	window       = 60      // full averaging window in blocks, N
	rampStart    = 4       // window at the chain's beginning
	firstHashes  = 1 << 24 // difficulty of the first blocks, in expected hashes
	limitHashes  = 1 << 18 // the easiest difficulty allowed
	coreHashRate = 7e6     // hashes per second of one processor core
	futureLimit  = 600.0   // seconds a header may be ahead of the clock, N·T
)

// block is a header as the rules and the statistics see it. Blocks are linked
// to their parents and never change once found.
type block struct {
	parent *block
	height uint32
	time   int64   // header time, milliseconds
	found  float64 // true time, seconds
	bits   uint32  // only under core's rule
	diff   float64 // expected hashes
}

// rule says what the child of a block must be.
type rule interface {
	// name is the rule's row in a table.
	name() string
	// start is called once per run with the block from which the rule may
	// count: the first whose time means anything.
	start(anchor *block)
	// next gives the difficulty of parent's child, in expected hashes, and
	// its compact form where the rule has one.
	next(parent *block) (bits uint32, diff float64)
}

// delta is the block's time minus its parent's, in seconds.
func delta(b *block) float64 { return float64(b.time-b.parent.time) / 1000 }

// ours is the rule of the node itself.
type ours struct{ core.Retarget }

func newOurs() *ours { return &ours{core.LAN().Retarget} }

func (o *ours) name() string { return "Ingchain" }
func (o *ours) start(*block) {}
func (o *ours) next(parent *block) (uint32, float64) {
	var d uint64
	if parent.parent != nil {
		d = uint64(parent.time - parent.parent.time)
	}
	bits := o.NextBits(parent.height+1, parent.bits, d)
	return bits, hashesOf(bits)
}

// ema is the same rule in floating point with its parts exchangeable, to
// compare variants.
type ema struct {
	label     string
	window    float64
	rampStart float64
	rampStep  float64 // blocks until the window grows by one; 0: no ramp
	cap       float64 // the most of Δ that counts, in windows' times N·T
	balanced  bool    // the target moves by about exp((Δ/T − 1)/N) instead
}

func (e *ema) name() string { return e.label }
func (e *ema) start(*block) {}
func (e *ema) next(parent *block) (uint32, float64) {
	height := parent.height + 1
	if height <= 2 {
		return 0, parent.diff
	}
	n := e.window
	if e.rampStep > 0 {
		n = min(n, math.Floor(e.rampStart+float64(height)/e.rampStep))
	}
	// A rule with median times may see a negative Δ; it counts as none.
	d := min(max(delta(parent), 0), e.cap*n*interval) / interval
	factor := (n - 1 + d) / n
	if e.balanced {
		factor = (2*n - 1 + d) / (2*n + 1 - d)
	}
	return 0, max(parent.diff/factor, limitHashes)
}

// lwma is zawy12's LWMA-1: the mean difficulty of the last N blocks over the
// linearly weighted mean of their times, each of at most 6 T.
type lwma struct{}

func (lwma) name() string { return "LWMA-1, N = 60" }
func (lwma) start(*block) {}
func (lwma) next(parent *block) (uint32, float64) {
	// A young chain averages over what it has, once there are three times.
	n := min(window, int(parent.height)-1)
	if n < 3 {
		return 0, parent.diff
	}
	var weighted, hashes float64
	b := parent
	for i := n; i > 0; i-- {
		weighted += float64(i) * min(delta(b), 6*interval)
		hashes += b.diff
		b = b.parent
	}
	fn := float64(n)
	weighted = max(weighted, fn*fn*interval/20)
	wanted := interval * fn * (fn + 1) / 2
	return 0, max(0.99*hashes/fn*wanted/weighted, limitHashes)
}

// asert is BCH's rule: the difficulty halves for every half-life that the
// chain lags behind an absolute schedule.
type asert struct {
	label    string
	halfLife float64 // seconds
	anchor   *block
}

func (a *asert) name() string   { return a.label }
func (a *asert) start(b *block) { a.anchor = b }
func (a *asert) next(parent *block) (uint32, float64) {
	if parent.height <= a.anchor.height {
		return 0, parent.diff
	}
	passed := float64(parent.time-a.anchor.time) / 1000
	owed := passed - interval*float64(parent.height-a.anchor.height)
	return 0, max(a.anchor.diff*math.Exp2(-owed/a.halfLife), limitHashes)
}

// compared are the rules of the main tables. An ASERT of 7 minutes answers as
// fast as a window of 60 blocks: 60 · 10 s · ln 2 = 416 s.
func compared() []rule {
	return []rule{
		newOurs(),
		lwma{},
		&asert{label: "ASERT, half-life 7 min", halfLife: 416},
		&asert{label: "ASERT, half-life 1 h", halfLife: 3600},
		&asert{label: "ASERT, half-life 12 h", halfLife: 12 * 3600},
	}
}
