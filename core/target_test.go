package core

import (
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"
)

func TestTargetFromBits(t *testing.T) {
	tests := []struct {
		name string
		bits uint32
		want string // hex
	}{
		{"Bitcoin's genesis", 0x1d00ffff, "0xffff0000000000000000000000000000000000000000000000000000"},
		{"Bitcoin's block 100,800", 0x1b0404cb, "0x404cb000000000000000000000000000000000000000000000000"},
		{"Bitcoin's regtest", 0x207fffff, "0x7fffff0000000000000000000000000000000000000000000000000000000000"},
		{"lan's first difficulty", 0x1e010000, "0x10000000000000000000000000000000000000000000000000000000000"},
		{"hardest", 0x01010000, "0x1"},
		{"greatest of one byte", 0x017f0000, "0x7f"},
		{"one byte with the top bit set", 0x02008000, "0x80"},
		{"two bytes", 0x02123400, "0x1234"},
		{"three bytes", 0x03123456, "0x123456"},
		{"three bytes with the top bit set", 0x04008000, "0x800000"},
		{"easiest", 0x2100ffff, "0xffff000000000000000000000000000000000000000000000000000000000000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := TargetFromBits(tt.bits)
			if err != nil || got.Hex() != tt.want {
				t.Fatalf("TargetFromBits(%#08x) = %s, %v; want %s", tt.bits, got.Hex(), err, tt.want)
			}
			if back := BitsFromTarget(&got); back != tt.bits {
				t.Errorf("BitsFromTarget gives %#08x back, want %#08x", back, tt.bits)
			}
		})
	}
}

func TestTargetFromBitsRefuses(t *testing.T) {
	tests := []struct {
		name string
		bits uint32
		want error
	}{
		{"nothing", 0x00000000, errBitsZero},
		{"no mantissa", 0x1d000000, errBitsZero},
		{"no mantissa, greatest size", 0xff000000, errBitsZero},
		{"size 0 shifts everything out", 0x007fffff, errBitsZero},
		{"size 1 shifts everything out", 0x0100ffff, errBitsZero},
		{"size 2 shifts everything out", 0x020000ff, errBitsZero},
		{"negative", 0x1d80ffff, errBitsNegative},
		{"negative one byte", 0x01fedcba, errBitsNegative},
		{"negative zero", 0x1d800000, errBitsNegative},
		{"negative and too large", 0xff923456, errBitsNegative},
		{"size 33, three bytes of mantissa", 0x21010000, errBitsOverflow},
		{"size 34, two bytes of mantissa", 0x22000100, errBitsOverflow},
		{"size 35", 0x23000001, errBitsOverflow},
		{"everything set but the sign", 0xff7fffff, errBitsOverflow},
		{"size 34 written shorter", 0x220000ff, errBitsNotMinimal},
		{"a leading zero byte", 0x1e007fff, errBitsNotMinimal},
		{"two leading zero bytes", 0x1d00007f, errBitsNotMinimal},
		{"bits that are shifted out", 0x01123456, errBitsNotMinimal},
		{"more bits that are shifted out", 0x02123456, errBitsNotMinimal},
		{"small number, long form", 0x03000012, errBitsNotMinimal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := TargetFromBits(tt.bits); !errors.Is(err, tt.want) {
				t.Errorf("TargetFromBits(%#08x) = %s, %v; want %q", tt.bits, got.Hex(), err, tt.want)
			}
			if _, err := WorkFromBits(tt.bits); !errors.Is(err, tt.want) {
				t.Errorf("WorkFromBits(%#08x): %v; want %q", tt.bits, err, tt.want)
			}
		})
	}
}

// Whatever the 32 bits are, they are either refused or the one encoding of
// their target, and agree with plain big-number arithmetic.
func TestBitsAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Sizes beyond 36 bytes are all alike.
		bits := rapid.Uint32Range(0, 36).Draw(t, "size")<<24 | rapid.Uint32Range(0, 1<<24-1).Draw(t, "mantissa")
		target, err := TargetFromBits(bits)
		if err != nil {
			if !target.IsZero() {
				t.Fatalf("refused bits %#08x still give a target: %s", bits, target.Hex())
			}
			return
		}
		if target.IsZero() || BitsFromTarget(&target) != bits {
			t.Fatalf("%#08x → %s → %#08x", bits, target.Hex(), BitsFromTarget(&target))
		}
		want := new(big.Int).Lsh(big.NewInt(int64(bits&0xffffff)), uint(8*(bits>>24)))
		want.Rsh(want, 24)
		if target.ToBig().Cmp(want) != 0 {
			t.Fatalf("%#08x is %s, want %x", bits, target.Hex(), want)
		}
	})
}

func TestBitsFromTargetRoundsDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target := drawTarget(t, "target")
		bits := BitsFromTarget(&target)
		rounded, err := TargetFromBits(bits)
		if err != nil {
			t.Fatalf("%s → %#08x: %v", target.Hex(), bits, err)
		}
		var lost uint256.Int
		if _, underflow := lost.SubOverflow(&target, &rounded); underflow {
			t.Fatalf("%s was rounded up to %s", target.Hex(), rounded.Hex())
		}
		if lost.Lsh(&lost, 15); lost.BitLen() > 0 && target.BitLen() <= 240 && !lost.Lt(&target) {
			t.Fatalf("%s lost more than 2^-15: %s", target.Hex(), rounded.Hex())
		}
	})
	if bits := BitsFromTarget(new(uint256.Int)); bits != 0 {
		t.Errorf("zero target gives %#08x, want 0", bits)
	}
	if bits := BitsFromTarget(new(uint256.Int).SetAllOne()); bits != 0x2100ffff {
		t.Errorf("greatest target gives %#08x, want 0x2100ffff", bits)
	}
}

// drawTarget draws a target of any length but zero.
func drawTarget(t *rapid.T, label string) uint256.Int {
	raw := rapid.SliceOfN(rapid.Byte(), 1, 32).Draw(t, label)
	var target uint256.Int
	target.SetBytes(raw)
	if target.IsZero() {
		target.SetOne()
	}
	return target
}

func TestWorkFromBits(t *testing.T) {
	for bits, want := range map[uint32]string{
		0x1d00ffff: "0x100010001", // Bitcoin's genesis
		0x1e010000: "0xffffff",    // lan's genesis: 2^24 less a trace, rounded down
		0x207fffff: "0x2",
		0x2100ffff: "0x1",
		0x01010000: "0x8000000000000000000000000000000000000000000000000000000000000000",
	} {
		if work, err := WorkFromBits(bits); err != nil || work.Hex() != want {
			t.Errorf("WorkFromBits(%#08x) = %s, %v; want %s", bits, work.Hex(), err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		target := drawTarget(t, "target")
		bits := BitsFromTarget(&target)
		target, _ = TargetFromBits(bits)
		work, err := WorkFromBits(bits)
		want := new(big.Int).Lsh(big.NewInt(1), 256)
		want.Div(want, new(big.Int).Add(target.ToBig(), big.NewInt(1)))
		if err != nil || work.ToBig().Cmp(want) != 0 {
			t.Fatalf("WorkFromBits(%#08x) = %s, %v; want %x", bits, work.Hex(), err, want)
		}
	})
}

func TestHashMeetsTarget(t *testing.T) {
	// Bitcoin's genesis block, in the byte order of the hash itself.
	raw, err := hex.DecodeString("6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000")
	if err != nil {
		t.Fatal(err)
	}
	genesis, _ := TargetFromBits(0x1d00ffff)
	if !HashMeetsTarget([32]byte(raw), &genesis) {
		t.Error("Bitcoin's genesis hash does not meet its own target")
	}
	slices.Reverse(raw)
	if HashMeetsTarget([32]byte(raw), &genesis) {
		t.Error("the same hash read big-endian meets the target")
	}

	rapid.Check(t, func(t *rapid.T) {
		target := drawTarget(t, "target")
		be := target.Bytes32()
		slices.Reverse(be[:])
		if !HashMeetsTarget(be, &target) {
			t.Fatalf("a hash equal to the target %s does not meet it", target.Hex())
		}
		var below uint256.Int
		below.SubUint64(&target, 1)
		if HashMeetsTarget(be, &below) {
			t.Fatalf("a hash one above the target %s meets it", below.Hex())
		}
	})
}
