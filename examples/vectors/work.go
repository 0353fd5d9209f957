package main

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
)

// bits is a compact target, in JSON 8 hexadecimal digits.
type bits uint32

func (b *bits) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 16, 32)
	*b = bits(v)
	return err
}

func (b bits) String() string { return fmt.Sprintf("%08x", uint32(b)) }

func power(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }

// shift multiplies by 256^n and rounds down.
func shift(x *big.Int, n int) *big.Int {
	if n < 0 {
		return new(big.Int).Rsh(x, uint(-8*n))
	}
	return new(big.Int).Lsh(x, uint(8*n))
}

// target returns nil if the bits are malformed.
func (b bits) target() *big.Int {
	target := shift(big.NewInt(int64(b&0x7fffff)), int(b>>24)-3)
	if b&0x800000 != 0 || target.Sign() == 0 || target.BitLen() > 256 || compact(target) != b {
		return nil
	}
	return target
}

func compact(target *big.Int) bits {
	size := (target.BitLen() + 7) / 8
	mantissa := shift(target, 3-size).Uint64()
	if mantissa&0x800000 != 0 {
		mantissa, size = mantissa>>8, size+1
	}
	return bits(uint64(size)<<24 | mantissa)
}

// workOf is the expected number of hashes.
func workOf(target *big.Int) *big.Int {
	return new(big.Int).Div(power(256), new(big.Int).Add(target, big.NewInt(1)))
}

func meets(id hash, target *big.Int) bool {
	slices.Reverse(id[:]) // id is a copy
	return new(big.Int).SetBytes(id[:]).Cmp(target) <= 0
}

// retarget is the difficulty rule for a block whose parent has these bits and
// came delta milliseconds after the grandparent.
func (p *params) retarget(height uint32, parent bits, delta uint64) bits {
	if height <= 2 || p.Fixed {
		return parent
	}
	n := min(p.RampStart+uint64(height)/6, p.Window)
	span := n * p.Interval
	product := new(big.Int).SetUint64((n-1)*p.Interval + min(delta, span))
	product.Mul(product, parent.target())
	product.Div(product, new(big.Int).SetUint64(span))
	if limit := p.Limit.target(); product.Cmp(limit) > 0 {
		product = limit
	}
	if floor := power(32); product.Cmp(floor) < 0 {
		product = floor
	}
	return compact(product)
}

// headerAlone are the rules for a header whose parent may not be known.
func (p *params) headerAlone(h *header) string {
	target := h.Bits.target()
	if target == nil || target.Cmp(p.Limit.target()) > 0 {
		return "header-bits"
	}
	if !meets(h.id(), target) {
		return "header-work"
	}
	return ""
}

// child are the rules work 1 to 7.
func (p *params) child(parent *state, h *header) string {
	switch want := p.versionAt(h.Height); {
	case h.Parent != parent.id():
		return "header-parent"
	case uint64(h.Height) != uint64(parent.Height)+1:
		return "header-height"
	case h.Version > want:
		if code := p.headerAlone(h); code != "" {
			return code
		}
		return "header-new-rules"
	case h.Version < want:
		return "header-version"
	case h.Time <= parent.Time:
		return "header-time"
	case h.Bits != p.retarget(h.Height, parent.Bits, parent.Time-parent.parentTime):
		return "header-bits"
	case !meets(h.id(), h.Bits.target()):
		return "header-work"
	}
	return ""
}
