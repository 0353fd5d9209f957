package wallet

import (
	"fmt"
	"math/bits"

	"github.com/ingchain/ingchain/core"
)

const (
	// DefaultFeeRate is used where neither the user nor the node says one: a
	// grain a byte.
	DefaultFeeRate FeeRate = 1000
	// AbsurdFee is a fee that needs a second word, in grains: 0.1 ING.
	AbsurdFee = core.GrainsPerING / 10
	// AbsurdFeePercent is a share of what is paid that needs a second word, of
	// fees above AbsurdFeeFloor: a small payment may well cost as much again.
	AbsurdFeePercent = 10
	// AbsurdFeeFloor is a fee that never is absurd, in grains: 0.001 ING.
	AbsurdFeeFloor = core.GrainsPerING / 1000

	feeRateUnit = 1000 // bytes that a rate is for

	fixedSize  = 2 + 8                             // version and fee, in bytes
	outputSize = 8 + 1 + core.AddressHashSize      // in bytes
	ownerSize  = core.PublicKeySize + 64           // a witness, in bytes
	spendSize  = core.HashSize + 1 + 1 + ownerSize // a coin of an owner of its own, in bytes
)

// FeeRate is a price of room in blocks, in grains per 1,000 bytes.
type FeeRate uint64

// String returns the rate with its unit.
func (r FeeRate) String() string { return fmt.Sprintf("%d grains per 1,000 bytes", uint64(r)) }

// Fee returns what size bytes cost, rounded up; at most [core.MaxAmount].
func (r FeeRate) Fee(size int) core.Amount {
	hi, lo := bits.Mul64(uint64(r), uint64(size))
	if hi >= feeRateUnit {
		return core.MaxAmount
	}
	fee, rest := bits.Div64(hi, lo, feeRateUnit)
	if rest > 0 {
		fee++
	}
	return min(core.Amount(fee), core.MaxAmount)
}

// RateOf returns the rate that a fee for size bytes comes to, rounded down.
func RateOf(fee core.Amount, size int) FeeRate {
	if size <= 0 {
		return 0
	}
	return FeeRate(uint64(fee) * feeRateUnit / uint64(size)) // below 2^53 · 1,000
}

// DustLimit is the least worth having of an output at a fee rate: what spending
// it costs if its owner spends nothing else, 130 bytes; at least a grain more
// than that is change.
func DustLimit(r FeeRate) core.Amount { return r.Fee(spendSize) }

// AbsurdFeeError means a fee that is likely a mistake. [Terms.AllowAbsurdFee]
// lets it pass.
type AbsurdFeeError struct {
	Fee  core.Amount
	Paid core.Amount // what the payment is about, change not counted
	Rate FeeRate
}

// Error implements error.
func (e *AbsurdFeeError) Error() string {
	return fmt.Sprintf("a fee of %s ING (%s) to pay %s ING looks like a mistake: lower the fee rate, or say that it is meant", e.Fee, e.Rate, e.Paid)
}

// checkFee refuses a fee above AbsurdFee, or above a share of what is paid.
func checkFee(fee, paid core.Amount, size int) error {
	if fee > AbsurdFee || fee > AbsurdFeeFloor && fee > paid/100*AbsurdFeePercent {
		return &AbsurdFeeError{Fee: fee, Paid: paid, Rate: RateOf(fee, size)}
	}
	return nil
}

// uvarintSize is how many bytes a uvarint of v takes.
func uvarintSize(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }
