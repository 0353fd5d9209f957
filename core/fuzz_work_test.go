package core_test

import (
	"bytes"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/ingchain/ingchain/core"
)

// expand gives the value that the four bytes of a compact target stand for, as
// docs/spec has it, whatever rules it breaks.
func expand(bits uint32) *big.Int {
	v := big.NewInt(int64(bits & 0x7fffff))
	shift := 8 * (int(bits>>24) - 3)
	if shift < 0 {
		v.Rsh(v, uint(-shift))
	} else {
		v.Lsh(v, uint(shift))
	}
	return v
}

func FuzzTargetFromBits(f *testing.F) {
	for _, bits := range []uint32{0x207fffff, 0x1d00ffff, 0x1e010000, 0x01010000, 0x03000001, 0x22000001, 0x2100ffff, 0x04800000, 0x05000100, 0, 0xffffffff} {
		f.Add(bits)
	}
	two256 := new(big.Int).Lsh(big.NewInt(1), 256)
	f.Fuzz(func(t *testing.T, bits uint32) {
		target, err := core.TargetFromBits(bits)
		exact := expand(bits)
		if fits := bits&0x800000 == 0 && exact.Sign() > 0 && exact.Cmp(two256) < 0; err == nil && !fits {
			t.Fatalf("%08x stands for %x and is accepted", bits, exact)
		} else if err != nil && fits {
			// Refused only if another encoding stands for the same target.
			other := core.BitsFromTarget(uint256.MustFromBig(exact))
			if other == bits || expand(other).Cmp(exact) != 0 {
				t.Fatalf("%08x is refused (%v) and has no other form: %08x", bits, err, other)
			}
		}
		if err != nil {
			if _, werr := core.WorkFromBits(bits); werr == nil {
				t.Fatalf("%08x has work but no target", bits)
			}
			return
		}
		if target.ToBig().Cmp(exact) != 0 || core.BitsFromTarget(&target) != bits {
			t.Fatalf("%08x gives %x, and that %08x", bits, target.ToBig(), core.BitsFromTarget(&target))
		}
		want := new(big.Int).Div(two256, new(big.Int).Add(exact, big.NewInt(1)))
		if work, err := core.WorkFromBits(bits); err != nil || work.ToBig().Cmp(want) != 0 || work.IsZero() {
			t.Fatalf("%08x is work %v, want %s: %v", bits, &work, want, err)
		}
	})
}

func FuzzBitsFromTarget(f *testing.F) {
	f.Add([]byte{1}, []byte{0x80, 0, 0})
	f.Add(bytes.Repeat([]byte{0xff}, 32), bytes.Repeat([]byte{0xff}, 31))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var x, y uint256.Int
		x.SetBytes(a)
		y.SetBytes(b)
		if x.Gt(&y) {
			x, y = y, x
		}
		rounded := func(v *uint256.Int) *big.Int {
			bits := core.BitsFromTarget(v)
			if v.IsZero() {
				return new(big.Int)
			}
			target, err := core.TargetFromBits(bits)
			if err != nil {
				t.Fatalf("%v has bits %08x: %v", v, bits, err)
			}
			lost := new(big.Int).Sub(v.ToBig(), target.ToBig())
			if lost.Sign() < 0 || new(big.Int).Lsh(lost, 15).Cmp(v.ToBig()) >= 0 {
				t.Fatalf("%v loses %v", v, lost)
			}
			return target.ToBig()
		}
		if rounded(&x).Cmp(rounded(&y)) > 0 {
			t.Fatalf("%v rounds above %v", &x, &y)
		}
		var hash [32]byte
		x.WriteToArray32(&hash)
		slices.Reverse(hash[:])
		if !core.HashMeetsTarget(hash, &x) || !core.HashMeetsTarget(hash, &y) {
			t.Fatalf("a hash of %v does not meet %v", &x, &y)
		}
		y.WriteToArray32(&hash)
		slices.Reverse(hash[:])
		if core.HashMeetsTarget(hash, &x) != x.Eq(&y) {
			t.Fatalf("a hash of %v against %v", &y, &x)
		}
	})
}

// nextTarget is the rule of docs/difficulty.md in big integers.
func nextTarget(r core.Retarget, height, parentBits uint32, delta uint64) *big.Int {
	n := min(uint64(r.RampStart)+uint64(height)/core.RampBlocksPerStep, uint64(r.Window))
	span := new(big.Int).SetUint64(n * r.IntervalMillis)
	d := new(big.Int).SetUint64(delta)
	if d.Cmp(span) > 0 {
		d = span
	}
	num := new(big.Int).SetUint64((n - 1) * r.IntervalMillis)
	num.Add(num, d)
	target := num.Mul(num, expand(parentBits))
	target.Div(target, span)
	if limit := expand(r.LimitBits); target.Cmp(limit) > 0 {
		return limit
	}
	if least := big.NewInt(1 << 32); target.Cmp(least) < 0 {
		return least
	}
	return target
}

// A chain of retargets never leaves the bounds, never overflows, and is the
// formula; a longer wait never makes it harder.
func FuzzRetarget(f *testing.F) {
	f.Add(uint64(10_000), uint32(60), uint32(4), uint32(0x1e400000), uint32(3), []byte{1, 2, 3, 4, 5, 6})
	f.Add(uint64(core.MaxIntervalMillis), uint32(1000), uint32(2), uint32(0x207fffff), uint32(1<<32-20), []byte{0xff, 0, 0xff, 0})
	f.Add(uint64(1), uint32(2), uint32(2), uint32(0x05010000), uint32(3), bytes.Repeat([]byte{0}, 24))
	f.Fuzz(func(t *testing.T, interval uint64, window, ramp, limit, height uint32, deltas []byte) {
		r := core.Retarget{IntervalMillis: interval, Window: window, RampStart: ramp, LimitBits: limit}
		if r.Validate() != nil {
			return
		}
		bits := limit
		for _, b := range deltas[:min(len(deltas), 64)] {
			if height == 1<<32-1 {
				break
			}
			height++
			// From nothing to far beyond the cap, in steps of a quarter of the interval.
			delta := uint64(b) * interval / 4
			if b == 0xff {
				delta = 1<<64 - 1
			}
			next := r.NextBits(height, bits, delta)
			if height <= 2 {
				if next != bits {
					t.Fatalf("height %d changes the bits", height)
				}
				continue
			}
			want := nextTarget(r, height, bits, delta)
			if exact := core.BitsFromTarget(uint256.MustFromBig(want)); next != exact {
				t.Fatalf("height %d, bits %08x, %d ms: %08x, want %08x", height, bits, delta, next, exact)
			}
			if slower := r.NextBits(height, bits, max(delta, delta+interval)); expand(slower).Cmp(expand(next)) < 0 {
				t.Fatalf("height %d: waiting longer makes it harder", height)
			}
			if target, err := core.TargetFromBits(next); err != nil || target.ToBig().Cmp(expand(limit)) > 0 || target.IsZero() {
				t.Fatalf("height %d: bits %08x: %v", height, next, err)
			}
			if w := r.WindowAt(height); w < core.MinWindow || w > window {
				t.Fatalf("height %d has a window of %d", height, w)
			}
			bits = next
		}
	})
}

// Text of work is read as it is written, sums saturate, and chains are in one
// total order.
func FuzzWork(f *testing.F) {
	f.Add("0", "ff", []byte{1}, []byte{2})
	f.Add("00aB", strings.Repeat("f", 64), []byte{}, []byte{1})
	f.Add(strings.Repeat("f", 65), "-1", []byte{1}, []byte{1})
	f.Fuzz(func(t *testing.T, sa, sb string, ida, idb []byte) {
		var a, b core.Work
		for s, w := range map[string]*core.Work{sa: &a, sb: &b} {
			good := len(s) > 0 && len(s) <= 64 && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
			if err := w.UnmarshalText([]byte(s)); (err == nil) != good {
				t.Fatalf("%q: %v", s, err)
			}
			canonical := strings.TrimLeft(strings.ToLower(s), "0")
			if canonical == "" {
				canonical = "0"
			}
			if good && w.String() != canonical {
				t.Fatalf("%q is written %q", s, w)
			}
			if core.WorkFromBytes(w.Bytes()) != *w {
				t.Fatalf("%v has bytes %x", w, w.Bytes())
			}
		}
		raw := func(w core.Work) *big.Int { b := w.Bytes(); return new(big.Int).SetBytes(b[:]) }
		sum, most := new(big.Int).Add(raw(a), raw(b)), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
		if sum.Cmp(most) > 0 {
			sum = most
		}
		if raw(a.Add(b)).Cmp(sum) != 0 || a.Add(b) != b.Add(a) || a.Cmp(b) != raw(a).Cmp(raw(b)) {
			t.Fatalf("%v + %v = %v, want %x", a, b, a.Add(b), sum)
		}
		var ia, ib core.Hash
		copy(ia[:], ida)
		copy(ib[:], idb)
		ab, ba := core.Heavier(a, ia, b, ib), core.Heavier(b, ib, a, ia)
		if (a == b && ia == ib) != (!ab && !ba) || ab && ba || a.Cmp(b) > 0 && !ab {
			t.Fatalf("heavier %v and %v", ab, ba)
		}
	})
}

func FuzzLocatorHeights(f *testing.F) {
	for _, tip := range []uint32{0, 1, 9, 10, 11, 12, 1000, 1 << 31, 1<<32 - 1} {
		f.Add(tip)
	}
	f.Fuzz(func(t *testing.T, tip uint32) {
		hs := core.LocatorHeights(tip)
		if len(hs) > 43 || len(hs) > core.MaxLocator || hs[0] != tip || hs[len(hs)-1] != 0 {
			t.Fatalf("tip %d: %v", tip, hs)
		}
		for i := 1; i < len(hs); i++ {
			gap := uint64(hs[i-1]) - uint64(hs[i])
			if hs[i] >= hs[i-1] || i < 10 && gap != 1 {
				t.Fatalf("tip %d: %v", tip, hs)
			}
			// A fork costs at most as many headers again as it is deep.
			if depth := uint64(tip) - uint64(hs[i-1]); gap > depth+1 && hs[i] != 0 {
				t.Fatalf("tip %d: a gap of %d at depth %d", tip, gap, depth)
			}
		}
	})
}

// In any tree of blocks the way from one to another reverts and applies what a
// walk by hand finds.
func FuzzReorgPath(f *testing.F) {
	f.Add([]byte{0, 1, 1, 2, 3, 0, 6}, byte(5), byte(7))
	f.Add([]byte{0, 1, 2, 3}, byte(4), byte(0))
	f.Fuzz(func(t *testing.T, parents []byte, from, to byte) {
		parents = parents[:min(len(parents), 200)]
		id := func(n int) core.Hash { return core.Hash{byte(n + 1), byte(n >> 7)} }
		parent, height := map[core.Hash]core.Hash{}, map[core.Hash]uint32{id(0): 0}
		for i, p := range parents { // block i+1 follows one of those before
			up := id(int(p) % (i + 1))
			parent[id(i+1)], height[id(i+1)] = up, height[up]+1
		}
		a, b := id(int(from)%(len(parents)+1)), id(int(to)%(len(parents)+1))
		revert, apply, err := core.ReorgPath(a, b, func(h core.Hash) (core.Hash, uint32, error) { return parent[h], height[h], nil })
		if err != nil {
			t.Fatal(err)
		}
		way := func(h core.Hash) (up []core.Hash) {
			for ; height[h] > 0; h = parent[h] {
				up = append(up, h)
			}
			return up
		}
		wa, wb := way(a), way(b)
		for len(wa) > 0 && len(wb) > 0 && wa[len(wa)-1] == wb[len(wb)-1] {
			wa, wb = wa[:len(wa)-1], wb[:len(wb)-1]
		}
		slices.Reverse(wb)
		if !slices.Equal(revert, wa) || !slices.Equal(apply, wb) {
			t.Fatalf("from %s to %s: revert %v, apply %v; want %v, %v", a, b, revert, apply, wa, wb)
		}
	})
}
