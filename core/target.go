package core

import (
	"encoding/binary"
	"errors"

	"github.com/holiman/uint256"
)

// The compact form of a target, as in Bitcoin: the top byte is the length of
// the number in bytes, the lower three its leading bytes as a signed mantissa.
//
//	0x1d00ffff  =  0x00ffff · 256^(0x1d − 3)
const (
	compactSignBit      = 0x00800000
	compactMantissaMask = 0x007fffff
	compactMantissaSize = 3  // bytes
	targetSize          = 32 // bytes
)

// Ways in which a compact target can be malformed. Callers wrap them in the
// rule's own error.
var (
	errBitsNegative   = errors.New("compact target is negative: its sign bit 0x00800000 is set")
	errBitsZero       = errors.New("compact target is zero, which no hash can meet")
	errBitsOverflow   = errors.New("compact target does not fit 256 bits")
	errBitsNotMinimal = errors.New("compact target is not in its shortest form")
)

// TargetFromBits expands a compact target. Each target that the form can hold
// has exactly one accepted encoding, so a header's bits cannot be varied
// without varying its target: negative, zero, overflowing and non-minimal
// encodings are refused, each with its own error.
func TargetFromBits(bits uint32) (uint256.Int, error) {
	var target uint256.Int
	mantissa := uint64(bits & compactMantissaMask)
	size := bits >> 24

	switch {
	case bits&compactSignBit != 0:
		return target, errBitsNegative
	case mantissa == 0:
		return target, errBitsZero
	case size > targetSize+2,
		size > targetSize+1 && mantissa > 0xff,
		size > targetSize && mantissa > 0xffff:
		return target, errBitsOverflow
	}

	if size <= compactMantissaSize {
		target.SetUint64(mantissa >> (8 * (compactMantissaSize - size)))
	} else {
		target.SetUint64(mantissa)
		target.Lsh(&target, uint(8*(size-compactMantissaSize)))
	}
	if target.IsZero() {
		return target, errBitsZero
	}
	if BitsFromTarget(&target) != bits {
		return uint256.Int{}, errBitsNotMinimal
	}
	return target, nil
}

// BitsFromTarget gives the compact form of the largest target that the form
// can hold and that is not above t: it rounds down, so a rounded target is
// never easier than the exact one. What is lost is below 2^-15 of t. The zero
// target gives 0, which TargetFromBits refuses.
func BitsFromTarget(t *uint256.Int) uint32 {
	size := uint32(t.ByteLen())
	var mantissa uint32
	if size <= compactMantissaSize {
		mantissa = uint32(t.Uint64()) << (8 * (compactMantissaSize - size))
	} else {
		var top uint256.Int
		top.Rsh(t, uint(8*(size-compactMantissaSize)))
		mantissa = uint32(top.Uint64())
	}
	// A leading bit of one would read as a sign; one more byte makes room.
	if mantissa&compactSignBit != 0 {
		mantissa >>= 8
		size++
	}
	return size<<24 | mantissa
}

// WorkFromBits gives the expected number of hashes that meeting the target
// takes: floor(2^256 / (target + 1)). It is at least 1, and its errors are
// those of TargetFromBits.
func WorkFromBits(bits uint32) (uint256.Int, error) {
	target, err := TargetFromBits(bits)
	if err != nil {
		return uint256.Int{}, err
	}
	return workOfTarget(&target), nil
}

// workOfTarget is [WorkFromBits] of a target that came from bits.
func workOfTarget(target *uint256.Int) (work uint256.Int) {
	// 2^256 itself does not fit: 2^256/(t+1) = (2^256 − (t+1))/(t+1) + 1, and
	// 2^256 − (t+1) is t with all bits inverted. t + 1 does not wrap, since
	// the compact form cannot hold 2^256 − 1.
	var divisor uint256.Int
	divisor.AddUint64(target, 1)
	work.Not(target)
	work.Div(&work, &divisor)
	work.AddUint64(&work, 1)
	return work
}

// HashMeetsTarget reports whether the hash, read as a little-endian integer
// as in Bitcoin, is not above the target.
func HashMeetsTarget(h [32]byte, t *uint256.Int) bool {
	// The limbs of a uint256.Int run from the least significant up.
	value := uint256.Int{
		binary.LittleEndian.Uint64(h[0:]),
		binary.LittleEndian.Uint64(h[8:]),
		binary.LittleEndian.Uint64(h[16:]),
		binary.LittleEndian.Uint64(h[24:]),
	}
	return !value.Gt(t)
}
