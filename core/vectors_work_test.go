package core_test

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcutil/bech32"
	"github.com/holiman/uint256"
	"github.com/ingchain/ingchain/core"
)

// Helpers for bad addresses.

func swapLetter(c byte) string {
	if c == 'q' {
		return "p"
	}
	return "q"
}

func encodeBech32(t *testing.T, prefix string, data []byte, m bool) string {
	t.Helper()
	groups, err := bech32.ConvertBits(data, 8, 5, true)
	if err != nil {
		t.Fatal(err)
	}
	return encodeGroups(t, prefix, groups, m)
}

func encodeGroups(t *testing.T, prefix string, groups []byte, m bool) string {
	t.Helper()
	encode := bech32.Encode
	if m {
		encode = bech32.EncodeM
	}
	s, err := encode(prefix, groups)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// oddPadding is data in groups of five bits whose two padding bits are not zero.
func oddPadding(t *testing.T, data []byte) []byte {
	t.Helper()
	groups, err := bech32.ConvertBits(data, 8, 5, true)
	if err != nil {
		t.Fatal(err)
	}
	groups[len(groups)-1] |= 1
	return groups
}

type targetVectors struct {
	Valid   []validTarget   `json:"valid"`
	Invalid []invalidTarget `json:"invalid"`
	Rounded []roundedTarget `json:"rounded"`
}

type validTarget struct {
	Bits   string `json:"bits"`
	Target string `json:"target"` // 64 hexadecimal digits, big-endian
	Work   string `json:"work"`   // the same
}

type invalidTarget struct {
	Name string `json:"name"`
	Bits string `json:"bits"`
}

type roundedTarget struct {
	Target string `json:"target"`
	Bits   string `json:"bits"`
}

func hexBits(bits uint32) string { return fmt.Sprintf("%08x", bits) }

func parseBits(t *testing.T, s string) (bits uint32) {
	t.Helper()
	if n, err := fmt.Sscanf(s, "%08x", &bits); n != 1 || err != nil || hexBits(bits) != s {
		t.Fatalf("bits %q in a vector", s)
	}
	return bits
}

func hex256(v *uint256.Int) string {
	b := v.Bytes32()
	return hex.EncodeToString(b[:])
}

func makeTargets(t *testing.T) (v targetVectors) {
	for _, bits := range []uint32{
		0x01010000, 0x017f0000, 0x02008000, 0x03123456, 0x04008000, 0x05010000, 0x1b0404cb, 0x1d00ffff,
		0x1e010000, 0x1e400000, 0x207fffff, 0x2100ffff,
	} {
		target, err := core.TargetFromBits(bits)
		if err != nil {
			t.Fatal(err)
		}
		work, err := core.WorkFromBits(bits)
		if err != nil {
			t.Fatal(err)
		}
		v.Valid = append(v.Valid, validTarget{hexBits(bits), hex256(&target), hex256(&work)})
	}
	for _, c := range []struct {
		name string
		bits uint32
	}{
		{"zero", 0x00000000}, {"no mantissa", 0x1d000000}, {"shifted out", 0x0100ffff},
		{"negative", 0x1d80ffff}, {"negative zero", 0x1d800000},
		{"257 bits", 0x22000100}, {"over 256 bits", 0x21010000}, {"far over 256 bits", 0xff7fffff},
		{"longer than needed", 0x1e0000ff}, {"a small one longer than needed", 0x04000001},
		{"digits below the point", 0x01010001},
	} {
		v.Invalid = append(v.Invalid, invalidTarget{c.name, hexBits(c.bits)})
	}
	for _, s := range []string{"0xffffffff", "0x12345678", "0x1234567fffffff", "0x800000", "0xffffff",
		"0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"} {
		target := uint256.MustFromHex(s)
		v.Rounded = append(v.Rounded, roundedTarget{hex256(target), hexBits(core.BitsFromTarget(target))})
	}
	return v
}

func TestTargetVectors(t *testing.T) {
	vs := vectors(t, "target.json", makeTargets)
	for _, v := range vs.Valid {
		bits := parseBits(t, v.Bits)
		target, err := core.TargetFromBits(bits)
		if err != nil {
			t.Errorf("bits %s: %v", v.Bits, err)
			continue
		}
		work, _ := core.WorkFromBits(bits)
		equal(t, "target of "+v.Bits, hex256(&target), v.Target)
		equal(t, "work of "+v.Bits, hex256(&work), v.Work)
		equal(t, "bits again", hexBits(core.BitsFromTarget(&target)), v.Bits)
	}
	for _, v := range vs.Invalid {
		if target, err := core.TargetFromBits(parseBits(t, v.Bits)); err == nil {
			t.Errorf("%s: bits %s give %s, want an error", v.Name, v.Bits, target.Hex())
		}
	}
	for _, v := range vs.Rounded {
		raw, err := hex.DecodeString(v.Target)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "bits of "+v.Target, hexBits(core.BitsFromTarget(new(uint256.Int).SetBytes(raw))), v.Bits)
	}
}

type retargetVector struct {
	Name       string `json:"name"`
	Interval   uint64 `json:"block_interval_ms"`
	Window     uint32 `json:"difficulty_window"`
	RampStart  uint32 `json:"difficulty_ramp_start"`
	LimitBits  string `json:"difficulty_limit_bits"`
	Fixed      bool   `json:"difficulty_fixed"`
	Height     uint32 `json:"height"`
	ParentBits string `json:"parent_bits"`
	Delta      uint64 `json:"delta_ms"`
	Bits       string `json:"bits"`
}

func (v *retargetVector) next(t *testing.T) uint32 {
	r := core.Retarget{IntervalMillis: v.Interval, Window: v.Window, RampStart: v.RampStart,
		LimitBits: parseBits(t, v.LimitBits), Fixed: v.Fixed}
	return r.NextBits(v.Height, parseBits(t, v.ParentBits), v.Delta)
}

func makeRetarget(t *testing.T) (vs []retargetVector) {
	add := func(name string, p *core.Params, height, parentBits uint32, delta uint64) {
		r := p.Retarget
		v := retargetVector{Name: name, Interval: r.IntervalMillis, Window: r.Window, RampStart: r.RampStart,
			LimitBits: hexBits(r.LimitBits), Fixed: r.Fixed, Height: height, ParentBits: hexBits(parentBits), Delta: delta}
		v.Bits = hexBits(v.next(t))
		vs = append(vs, v)
	}
	lan, dev := core.LAN(), core.Dev()
	const first = 0x1e010000
	add("block 1 keeps the first bits", lan, 1, first, 0)
	add("block 2 keeps them too, however long ago genesis was", lan, 2, first, 5_000_000_000)
	add("block 3 at a millisecond, window 4", lan, 3, first, 1)
	add("block 3 on time changes nothing", lan, 3, first, 10_000)
	add("block 6, window 5", lan, 6, first, 1)
	add("block 335, window 59", lan, 335, first, 1)
	add("block 336, window 60", lan, 336, first, 1)
	add("late by one interval", lan, 1000, 0x1c123456, 20_000)
	add("at the cap of 60 intervals", lan, 1000, 0x1c123456, 600_000)
	add("beyond the cap", lan, 1000, 0x1c123456, 1<<63)
	add("no easier than the limit", lan, 1000, 0x1e3fffff, 600_000)
	add("no harder than 2^32", lan, 1000, 0x05010000, 1)
	add("fixed", dev, 1000, 0x207fffff, 1)

	// Ten blocks in a row, each on what the one before gave.
	bits := uint32(first)
	for i, delta := range []uint64{40, 35, 120, 9_000, 700, 15_000, 3_000, 64_000, 10_000, 1} {
		add(fmt.Sprintf("walk, step %d", i+1), lan, uint32(3+i), bits, delta)
		bits = parseBits(t, vs[len(vs)-1].Bits)
	}
	return vs
}

func TestRetargetVectors(t *testing.T) {
	for _, v := range vectors(t, "retarget.json", makeRetarget) {
		equal(t, v.Name, hexBits(v.next(t)), v.Bits)
	}
}
