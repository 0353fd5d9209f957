package core

import (
	"encoding/hex"
	"fmt"

	"github.com/holiman/uint256"
)

// WorkSize is the size of an encoded [Work], in bytes.
const WorkSize = 32

// Work is an amount of proof of work: the expected number of hashes that a
// block or a chain cost. The zero value is no work.
type Work uint256.Int

// WorkOf returns the work that a header with these bits proves, or an error
// that says why the bits are not a target.
func WorkOf(bits uint32) (Work, error) {
	w, err := WorkFromBits(bits)
	return Work(w), err
}

// Add returns w+x, saturating at 2^256-1 instead of wrapping.
func (w Work) Add(x Work) Work {
	a, b := uint256.Int(w), uint256.Int(x)
	var sum uint256.Int
	if _, overflow := sum.AddOverflow(&a, &b); overflow {
		sum.SetAllOne()
	}
	return Work(sum)
}

// Cmp returns -1, 0 or 1 as w is less than, equal to or more than x.
func (w Work) Cmp(x Work) int {
	a, b := uint256.Int(w), uint256.Int(x)
	return a.Cmp(&b)
}

// IsZero reports whether w is no work at all.
func (w Work) IsZero() bool { return w == Work{} }

// Float returns w as a float64, for rates and displays.
func (w Work) Float() float64 {
	a := uint256.Int(w)
	return a.Float64()
}

// Bytes returns w as 32 bytes, big-endian, so that byte order is numeric order.
func (w Work) Bytes() [WorkSize]byte {
	a := uint256.Int(w)
	return a.Bytes32()
}

// WorkFromBytes is the inverse of [Work.Bytes].
func WorkFromBytes(b [WorkSize]byte) Work {
	var a uint256.Int
	a.SetBytes32(b[:])
	return Work(a)
}

// String returns w as hexadecimal digits without leading zeros, at least one.
func (w Work) String() string {
	a := uint256.Int(w)
	return a.Hex()[2:]
}

// MarshalText implements encoding.TextMarshaler.
func (w Work) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *Work) UnmarshalText(text []byte) error {
	if len(text) == 0 || len(text) > 2*WorkSize {
		return fmt.Errorf("work %.80q, want 1 to %d hexadecimal digits", text, 2*WorkSize)
	}
	padded := make([]byte, 2*WorkSize)
	for i := range padded {
		padded[i] = '0'
	}
	copy(padded[len(padded)-len(text):], text)
	var b [WorkSize]byte
	if _, err := hex.Decode(b[:], padded); err != nil {
		return fmt.Errorf("work %q: %w", text, err)
	}
	*w = WorkFromBytes(b)
	return nil
}
