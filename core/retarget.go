package core

import (
	"fmt"

	"github.com/holiman/uint256"
)

// Bounds on the parameters of a Retarget. With them N·T stays below 2^37 ms,
// so no product of them can leave 64 bits.
const (
	// MinIntervalMillis and MaxIntervalMillis bound the wanted time between
	// blocks: one millisecond, the resolution of header times, to one day.
	MinIntervalMillis = 1
	MaxIntervalMillis = 24 * 60 * 60 * 1000

	// MinWindow and MaxWindow bound the averaging window, in blocks. A window
	// of 1 would remember nothing of the parent's difficulty. Above 1,000 the
	// rounding of compact targets (up to 2^-16 a block on average, always
	// down) would lengthen the mean interval by more than 1.5 %.
	MinWindow = 2
	MaxWindow = 1000
)

// RampBlocksPerStep is how many blocks it takes for the window to grow by
// one while it ramps up: with RampStart 4 and Window 60 it is full at height
// 336. Chosen by simulation, see docs/difficulty.md.
const RampBlocksPerStep = 6

// minRetarget is the hardest target that the rule asks for, 2^32: below
// about 2^15 a compact target has too few bits for the rule's small steps
// upwards, and the difficulty could never fall again.
const (
	minRetarget     = 1 << 32
	minRetargetBits = 0x05010000
)

// Retarget is the rule that gives every block its difficulty from its parent
// and grandparent alone (WTEMA: a weighted exponential moving average of the
// target):
//
//	target = parent's target · ((N−1)·T + Δ) / (N·T)
//
// T is the interval, Δ the parent's time minus the grandparent's, at most N·T,
// and N the window at that height. In the steady state Δ averages T, and an
// error in the difficulty shrinks by 1/e in about N blocks.
//
// The rule is relative: it owes nothing for time in which nobody mined. It
// needs times that strictly increase from block to block; see
// docs/difficulty.md.
//
// Retarget is a plain value; use it only after Validate has returned nil.
type Retarget struct {
	// IntervalMillis is T, the wanted mean time between blocks in
	// milliseconds, from MinIntervalMillis to MaxIntervalMillis.
	IntervalMillis uint64
	// Window is N once the chain has grown, in blocks, from MinWindow to
	// MaxWindow.
	Window uint32
	// RampStart is N at the chain's beginning, from MinWindow to Window. It
	// grows by one every RampBlocksPerStep blocks: a young chain finds its
	// difficulty quickly, a grown one keeps it calmly.
	RampStart uint32
	// LimitBits is the easiest target allowed, in compact form.
	LimitBits uint32
	// Fixed keeps the parent's bits for ever, for networks that mine on
	// demand.
	Fixed bool
}

// Validate reports the first parameter that is out of bounds. A fixed rule
// is held to the same bounds, so that clearing the flag cannot break it.
func (r Retarget) Validate() error {
	switch {
	case r.IntervalMillis < MinIntervalMillis || r.IntervalMillis > MaxIntervalMillis:
		return fmt.Errorf("block interval is %d ms: choose %d to %d ms",
			r.IntervalMillis, MinIntervalMillis, MaxIntervalMillis)
	case r.Window < MinWindow || r.Window > MaxWindow:
		return fmt.Errorf("difficulty window is %d blocks: choose %d to %d",
			r.Window, MinWindow, MaxWindow)
	case r.RampStart < MinWindow || r.RampStart > r.Window:
		return fmt.Errorf("difficulty ramp starts at a window of %d blocks: choose %d to the full window, %d",
			r.RampStart, MinWindow, r.Window)
	}
	limit, err := TargetFromBits(r.LimitBits)
	if err != nil {
		return fmt.Errorf("target limit %#08x: %w", r.LimitBits, err)
	}
	if limit.LtUint64(minRetarget) {
		return fmt.Errorf("target limit %#08x is below 2^32: choose an easier one", r.LimitBits)
	}
	return nil
}

// WindowAt is N, the effective window in blocks, for the block at a height.
func (r Retarget) WindowAt(height uint32) uint32 {
	// 64 bits, since the sum may pass 2^32 at the greatest heights.
	n := uint64(r.RampStart) + uint64(height)/RampBlocksPerStep
	return uint32(min(n, uint64(r.Window)))
}

// NextBits gives the compact target that the block at height must have,
// where parentBits is its parent's and deltaMillis its parent's time minus
// its grandparent's, in milliseconds.
//
// Blocks 1 and 2 take parentBits unchanged: block 1 has no grandparent, and
// for block 2 the time passed since the genesis block, whose time is a
// constant of the network, says nothing about the hash rate.
//
// The result is a valid compact target, neither zero nor above the limit,
// except that under Fixed, at heights 1 and 2, and for malformed parentBits
// (which no accepted parent has) it is parentBits itself.
func (r Retarget) NextBits(height uint32, parentBits uint32, deltaMillis uint64) uint32 {
	if r.Fixed || height <= 2 {
		return parentBits
	}
	parent, err := TargetFromBits(parentBits)
	if err != nil {
		return parentBits
	}
	limit, _ := TargetFromBits(r.LimitBits) // Validate has passed it

	n := uint64(r.WindowAt(height))
	span := n * r.IntervalMillis
	delta := min(deltaMillis, span)

	// The product may take 300 bits; MulDivOverflow keeps 512 of them.
	var target, numerator, denominator uint256.Int
	numerator.SetUint64(span - r.IntervalMillis + delta)
	denominator.SetUint64(span)
	_, overflow := target.MulDivOverflow(&parent, &numerator, &denominator)
	if overflow || target.Gt(&limit) {
		return r.LimitBits
	}
	if target.LtUint64(minRetarget) {
		return minRetargetBits
	}
	return BitsFromTarget(&target)
}
