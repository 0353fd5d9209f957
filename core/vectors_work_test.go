package core_test

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/holiman/uint256"
	"github.com/ingchain/ingchain/core"
)

type targetVectors struct {
	about
	Valid   []validTarget   `json:"valid"`
	Invalid []invalidTarget `json:"invalid"`
	Rounded []roundedTarget `json:"rounded"`
	Meets   []metTarget     `json:"meets"`
}

// metTarget says whether a hash is proof of work.
type metTarget struct {
	Name string    `json:"name"`
	ID   core.Hash `json:"id"`
	Bits string    `json:"bits"`
	OK   bool      `json:"ok"`
}

type validTarget struct {
	Bits   string `json:"bits"`
	Target string `json:"target"` // 64 hexadecimal digits, big-endian
	Work   string `json:"work"`   // the same
}

type invalidTarget struct {
	Bits   string `json:"bits"`
	Reason string `json:"reason"`
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

func makeTargets(t *testing.T) targetVectors {
	v := targetVectors{about: about{"Compact targets with target and work as 64 digits, most significant first; bits that are none; targets rounded to bits; hashes that meet a target or not.", "work.md"}}
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
		v.Invalid = append(v.Invalid, invalidTarget{hexBits(c.bits), c.name})
	}
	for _, s := range []string{"0xffffffff", "0x12345678", "0x1234567fffffff", "0x800000", "0xffffff",
		"0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"} {
		target := uint256.MustFromHex(s)
		v.Rounded = append(v.Rounded, roundedTarget{hex256(target), hexBits(core.BitsFromTarget(target))})
	}
	exact := core.Hash{28: 0x01}
	below, above := core.Hash{}, core.Hash{0: 1, 28: 0x01}
	for i := range 28 {
		below[i] = 0xff
	}
	for _, c := range []metTarget{
		{Name: "exactly the target", ID: exact, Bits: "1d010000"},
		{Name: "one above", ID: above, Bits: "1d010000"},
		{Name: "one below", ID: below, Bits: "1d010000"},
		{Name: "zeros at the beginning are worth nothing", ID: core.Hash{31: 0x01}, Bits: "1d010000"},
	} {
		target, err := core.TargetFromBits(parseBits(t, c.Bits))
		if err != nil {
			t.Fatal(err)
		}
		c.OK = core.HashMeetsTarget(c.ID, &target)
		v.Meets = append(v.Meets, c)
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
			t.Errorf("%s: bits %s give %s, want an error", v.Reason, v.Bits, target.Hex())
		}
	}
	for _, v := range vs.Rounded {
		raw, err := hex.DecodeString(v.Target)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "bits of "+v.Target, hexBits(core.BitsFromTarget(new(uint256.Int).SetBytes(raw))), v.Bits)
	}
	for _, v := range vs.Meets {
		target, err := core.TargetFromBits(parseBits(t, v.Bits))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, v.Name, core.HashMeetsTarget(v.ID, &target), v.OK)
	}
}

type retargetVectors struct {
	about
	Cases []retargetVector `json:"cases"`
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

func makeRetarget(t *testing.T) retargetVectors {
	vs := retargetVectors{about: about{"Steps of the difficulty rule: the bits of a block from its height, the parent's bits and the parent's time minus the grandparent's.", "work.md"}}
	add := func(name string, p *core.Params, height, parentBits uint32, delta uint64) {
		r := p.Retarget
		v := retargetVector{Name: name, Interval: r.IntervalMillis, Window: r.Window, RampStart: r.RampStart,
			LimitBits: hexBits(r.LimitBits), Fixed: r.Fixed, Height: height, ParentBits: hexBits(parentBits), Delta: delta}
		v.Bits = hexBits(v.next(t))
		vs.Cases = append(vs.Cases, v)
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
		bits = parseBits(t, vs.Cases[len(vs.Cases)-1].Bits)
	}
	return vs
}

func TestRetargetVectors(t *testing.T) {
	for _, v := range vectors(t, "retarget.json", makeRetarget).Cases {
		equal(t, v.Name, hexBits(v.next(t)), v.Bits)
	}
}
