package mempool

import (
	"math"
	"math/bits"

	"github.com/ingchain/ingchain/core"
)

// rate is a fee rate, exactly: fees in grains per bytes of encoding. Bytes are
// above zero.
type rate struct {
	fees  core.Amount
	bytes int
}

// compare returns -1, 0 or 1 as a is less than, equal to or more than b.
func (a rate) compare(b rate) int {
	aHi, aLo := bits.Mul64(uint64(a.fees), uint64(b.bytes))
	bHi, bLo := bits.Mul64(uint64(b.fees), uint64(a.bytes))
	switch {
	case aHi != bHi:
		if aHi < bHi {
			return -1
		}
		return 1
	case aLo < bLo:
		return -1
	case aLo > bLo:
		return 1
	}
	return 0
}

// less reports whether a is below b.
func (a rate) less(b rate) bool { return a.compare(b) < 0 }

// perKilobyte returns the rate in grains per 1,000 bytes, rounded down.
func (a rate) perKilobyte() core.Amount { return mulDiv(uint64(a.fees), RateBytes, uint64(a.bytes)) }

// feeFor is the least fee of size bytes at a rate in grains per 1,000 bytes.
func feeFor(size int, perKilobyte core.Amount) core.Amount {
	hi, lo := bits.Mul64(uint64(size), uint64(perKilobyte))
	lo, carry := bits.Add64(lo, RateBytes-1, 0)
	hi += carry
	if hi >= RateBytes {
		return math.MaxUint64
	}
	q, _ := bits.Div64(hi, lo, RateBytes)
	return core.Amount(q)
}

// mulDiv is a*b/c rounded down, or the greatest amount if that is above it.
func mulDiv(a, b, c uint64) core.Amount {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return math.MaxUint64
	}
	q, _ := bits.Div64(hi, lo, c)
	return core.Amount(q)
}

// sums are what a set of entries comes to.
type sums struct {
	count int
	bytes int
	fees  core.Amount
}

func (s *sums) add(t *Tx)  { s.count++; s.bytes += t.size; s.fees += t.t.Fee }
func (s *sums) drop(t *Tx) { s.count--; s.bytes -= t.size; s.fees -= t.t.Fee }
func (s *sums) rate() rate { return rate{s.fees, s.bytes} }

// minus is for few values at once.
func (s sums) minus(o sums) sums { return sums{s.count - o.count, s.bytes - o.bytes, s.fees - o.fees} }
