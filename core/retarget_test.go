package core

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"
)

// testRetarget is the lan network's rule; its own fields, so that a change of
// the network does not move the vectors.
var testRetarget = Retarget{IntervalMillis: 10_000, Window: 60, RampStart: 4, LimitBits: 0x1e400000}

// grown is a height at which the window is full.
const grown = 1000

func TestNextBitsVectors(t *testing.T) {
	tests := []struct {
		name   string
		height uint32
		parent uint32
		delta  uint64
		want   uint32
	}{
		{"block 1 keeps the genesis bits", 1, 0x1e010000, 123_456_789_000, 0x1e010000},
		{"block 2 keeps them too", 2, 0x1e010000, 0, 0x1e010000},
		{"block 3 is the first to move: ·(3·10,000 + 1)/40,000", 3, 0x1e010000, 1, 0x1e00c001},
		{"on time", grown, 0x1d123456, 10_000, 0x1d123456},
		{"at once: ·59/60", grown, 0x1d3c0000, 0, 0x1d3b0000},
		{"twice the interval: ·61/60", grown, 0x1d3c0000, 20_000, 0x1d3d0000},
		{"at the cap: ·119/60", grown, 0x1d3c0000, 600_000, 0x1d770000},
		{"beyond the cap", grown, 0x1d3c0000, 600_001, 0x1d770000},
		{"a night", grown, 0x1d3c0000, 12 * 3600 * 1000, 0x1d770000},
		{"a time that wrapped", grown, 0x1d3c0000, math.MaxUint64, 0x1d770000},
		{"at the limit", grown, 0x1e400000, 10_001, 0x1e400000},
		{"below the limit, and would pass it", grown, 0x1e3f0000, 600_000, 0x1e400000},
		{"above the limit", grown, 0x1f010000, 10_000, 0x1e400000},
		{"easiest target of all", grown, 0x2100ffff, math.MaxUint64, 0x1e400000},
		{"hardest target of all", grown, 0x01010000, 0, 0x05010000},
		{"malformed parent", grown, 0x1d80ffff, 10_000, 0x1d80ffff},
		{"greatest height", math.MaxUint32, 0x1d3c0000, 0, 0x1d3b0000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := testRetarget.NextBits(tt.height, tt.parent, tt.delta); got != tt.want {
				t.Errorf("NextBits(%d, %#08x, %d) = %#08x, want %#08x", tt.height, tt.parent, tt.delta, got, tt.want)
			}
		})
	}
}

// With the easiest limit the product passes 256 bits; it must not wrap.
func TestNextBitsSaturates(t *testing.T) {
	r := testRetarget
	r.LimitBits = 0x2100ffff
	for _, parent := range []uint32{0x2100ffff, 0x21009000} {
		if got := r.NextBits(grown, parent, math.MaxUint64); got != r.LimitBits {
			t.Errorf("after %#08x: %#08x, want the limit %#08x", parent, got, r.LimitBits)
		}
	}
}

// The hardest target is kept to exactly, though it lies between two that compact
// bits can tell.
func TestNextBitsStopsAtTheHardestTarget(t *testing.T) {
	slow := Retarget{IntervalMillis: MaxIntervalMillis, Window: MaxWindow, RampStart: MaxWindow, LimitBits: 0x2100ffff}
	for delta, want := range map[uint64]uint32{
		0: 0x05010000, MaxIntervalMillis - 1: 0x05010000, // 2^32 less a trace, and 2^32 - 1 when rounded
		MaxIntervalMillis: 0x05010000, 2 * MaxIntervalMillis: 0x05010041, 100 * MaxIntervalMillis: 0x05011958,
	} {
		if got := slow.NextBits(grown, 0x05010000, delta); got != want {
			t.Errorf("after %d ms: %#08x, want %#08x", delta, got, want)
		}
	}
}

func TestNextBitsFixed(t *testing.T) {
	fixed := testRetarget
	fixed.Fixed = true
	for _, delta := range []uint64{0, 1, 10_000, math.MaxUint64} {
		if got := fixed.NextBits(grown, 0x1d3c0000, delta); got != 0x1d3c0000 {
			t.Errorf("after %d ms: %#08x, want the parent's bits", delta, got)
		}
	}
}

func TestWindowAt(t *testing.T) {
	for height, want := range map[uint32]uint32{
		0: 4, 5: 4, 6: 5, 335: 59, 336: 60, 337: 60, math.MaxUint32: 60,
	} {
		if got := testRetarget.WindowAt(height); got != want {
			t.Errorf("WindowAt(%d) = %d, want %d", height, got, want)
		}
	}
	widest := Retarget{IntervalMillis: 1, Window: MaxWindow, RampStart: MaxWindow}
	if got := widest.WindowAt(math.MaxUint32); got != MaxWindow {
		t.Errorf("widest window at the greatest height is %d, want %d", got, MaxWindow)
	}
}

func TestRetargetValidate(t *testing.T) {
	with := func(change func(*Retarget)) Retarget {
		r := testRetarget
		change(&r)
		return r
	}
	valid := map[string]Retarget{
		"lan":       testRetarget,
		"fixed":     with(func(r *Retarget) { r.Fixed = true; r.LimitBits = 0x207fffff }),
		"smallest":  {IntervalMillis: MinIntervalMillis, Window: MinWindow, RampStart: MinWindow, LimitBits: 0x05010000},
		"greatest":  {IntervalMillis: MaxIntervalMillis, Window: MaxWindow, RampStart: MaxWindow, LimitBits: 0x2100ffff},
		"no ramp":   with(func(r *Retarget) { r.RampStart = r.Window }),
		"long ramp": with(func(r *Retarget) { r.RampStart = MinWindow; r.Window = MaxWindow }),
	}
	for name, r := range valid {
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	invalid := map[string]Retarget{
		"zero value":       {},
		"no interval":      with(func(r *Retarget) { r.IntervalMillis = 0 }),
		"interval too big": with(func(r *Retarget) { r.IntervalMillis = MaxIntervalMillis + 1 }),
		"interval huge":    with(func(r *Retarget) { r.IntervalMillis = math.MaxUint64 }),
		"window of one":    with(func(r *Retarget) { r.Window = 1; r.RampStart = 1 }),
		"window too big":   with(func(r *Retarget) { r.Window = MaxWindow + 1 }),
		"ramp of one":      with(func(r *Retarget) { r.RampStart = 1 }),
		"ramp beyond":      with(func(r *Retarget) { r.RampStart = r.Window + 1 }),
		"limit too hard":   with(func(r *Retarget) { r.LimitBits = 0x0500ffff }),
	}
	for name, r := range invalid {
		if err := r.Validate(); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := with(func(r *Retarget) { r.LimitBits = 0x1d80ffff }).Validate(); !errors.Is(err, errBitsNegative) {
		t.Errorf("negative limit: %v", err)
	}
}

// drawRetarget draws a valid rule, at the edges of its bounds too.
func drawRetarget(t *rapid.T) Retarget {
	limit := drawTarget(t, "limit")
	if limit.LtUint64(minRetarget) {
		limit.SetUint64(minRetarget)
	}
	window := rapid.Uint32Range(MinWindow, MaxWindow).Draw(t, "window")
	r := Retarget{
		IntervalMillis: rapid.Uint64Range(MinIntervalMillis, MaxIntervalMillis).Draw(t, "interval"),
		Window:         window,
		RampStart:      rapid.Uint32Range(MinWindow, window).Draw(t, "ramp start"),
		LimitBits:      BitsFromTarget(&limit),
	}
	if err := r.Validate(); err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return r
}

// The rule against its formula in unbounded integers, for any parent, delta
// and height: never zero, never above the limit, always a valid encoding.
func TestNextBitsIsTheFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRetarget(t)
		parent := drawTarget(t, "parent")
		parentBits := BitsFromTarget(&parent)
		parent, _ = TargetFromBits(parentBits)
		height := rapid.Uint32Range(3, math.MaxUint32).Draw(t, "height")
		delta := rapid.Uint64().Draw(t, "delta")

		n := new(big.Int).SetUint64(uint64(r.WindowAt(height)))
		interval := new(big.Int).SetUint64(r.IntervalMillis)
		span := new(big.Int).Mul(n, interval)
		counted := new(big.Int).SetUint64(delta)
		if counted.Cmp(span) > 0 {
			counted = span
		}
		factor := new(big.Int).Sub(span, interval)
		factor.Add(factor, counted)
		want := new(big.Int).Mul(parent.ToBig(), factor)
		want.Div(want, span)
		if floor := new(big.Int).SetUint64(minRetarget); want.Cmp(floor) < 0 {
			want = floor
		}
		limit, _ := TargetFromBits(r.LimitBits)
		if want.Cmp(limit.ToBig()) > 0 {
			want = limit.ToBig()
		}

		bits := r.NextBits(height, parentBits, delta)
		got, err := TargetFromBits(bits)
		if err != nil || got.IsZero() || got.Gt(&limit) {
			t.Fatalf("%#08x = %s, %v; limit %s", bits, got.Hex(), err, limit.Hex())
		}
		wantBits := BitsFromTarget(uint256.MustFromBig(want))
		if bits != wantBits {
			t.Fatalf("%#08x, want %#08x", bits, wantBits)
		}
	})
}

func TestNextBitsIsMonotonic(t *testing.T) {
	target := func(bits uint32) uint256.Int {
		v, err := TargetFromBits(bits)
		if err != nil {
			panic(err)
		}
		return v
	}
	rapid.Check(t, func(t *rapid.T) {
		r := drawRetarget(t)
		height := rapid.Uint32Range(3, 10_000).Draw(t, "height")
		a, b := drawTarget(t, "a"), drawTarget(t, "b")
		d, e := rapid.Uint64().Draw(t, "d"), rapid.Uint64().Draw(t, "e")
		if a.Gt(&b) {
			a, b = b, a
		}
		lower := target(r.NextBits(height, BitsFromTarget(&a), min(d, e)))
		longer := target(r.NextBits(height, BitsFromTarget(&a), max(d, e)))
		easier := target(r.NextBits(height, BitsFromTarget(&b), min(d, e)))
		if lower.Gt(&longer) {
			t.Fatalf("more time made it harder: %s after %d, %s after %d", lower.Hex(), min(d, e), longer.Hex(), max(d, e))
		}
		if lower.Gt(&easier) {
			t.Fatalf("an easier parent made it harder: %s on %s, %s on %s", lower.Hex(), a.Hex(), easier.Hex(), b.Hex())
		}
	})
}

// A difficulty as hard as it can be comes down again: no rounding may trap it.
func TestNextBitsLeavesTheHardestTarget(t *testing.T) {
	bits := uint32(0x01010000)
	for range 2000 {
		bits = testRetarget.NextBits(grown, bits, 2*testRetarget.IntervalMillis)
	}
	start, _ := TargetFromBits(0x01010000)
	end, _ := TargetFromBits(bits)
	var harder uint256.Int
	harder.Lsh(&start, 40)
	if !end.Gt(&harder) {
		t.Errorf("after 2,000 slow blocks the target is still %s", end.Hex())
	}
}

func BenchmarkNextBits(b *testing.B) {
	for b.Loop() {
		testRetarget.NextBits(grown, 0x1d123456, 12_345)
	}
}
