package core

import (
	"errors"
	"fmt"
	"strings"
)

// Amounts are counted in grains, the smallest unit: 1 ING = 10^8 grains.
const (
	// GrainsPerING is the number of grains in one ING.
	GrainsPerING Amount = 100_000_000
	// MaxAmount bounds every amount and every sum of amounts, in grains:
	// 2^53 - 1, the largest integer that a JavaScript number holds exactly.
	MaxAmount Amount = 1<<53 - 1

	amountDecimals = 8 // digits after the point in one ING
)

// ErrAmount is wrapped by every failure of [ParseAmount].
var ErrAmount = errors.New("not an amount")

// Amount is a sum of money in grains.
type Amount uint64

// String returns the amount in ING with as many decimals as it needs, such as
// "5", "0.00000001" or "12.5".
func (a Amount) String() string {
	whole, rest := a/GrainsPerING, a%GrainsPerING
	if rest == 0 {
		return fmt.Sprintf("%d", uint64(whole))
	}
	return strings.TrimRight(fmt.Sprintf("%d.%08d", uint64(whole), uint64(rest)), "0")
}

// ParseAmount reads an amount in ING, such as "12.5". It refuses signs,
// exponents, more than eight decimals and anything above [MaxAmount].
func ParseAmount(s string) (Amount, error) {
	whole, frac, hasPoint := strings.Cut(s, ".")
	if whole == "" || (hasPoint && frac == "") || len(whole) > 10 {
		return 0, fmt.Errorf("%w: %.40q, want ING such as 12.5", ErrAmount, s)
	}
	if len(frac) > amountDecimals {
		return 0, fmt.Errorf("%w: %.40q has more than %d decimals", ErrAmount, s, amountDecimals)
	}
	var grains Amount
	digits := whole + frac + strings.Repeat("0", amountDecimals-len(frac))
	for i := range len(digits) {
		c := digits[i]
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%w: %.40q, want digits and at most one point", ErrAmount, s)
		}
		grains = grains*10 + Amount(c-'0')
	}
	if grains > MaxAmount {
		return 0, fmt.Errorf("%w: %s ING is above the maximum of %s ING", ErrAmount, s, MaxAmount)
	}
	return grains, nil
}

// addAmounts returns a+b, or false if the sum is above [MaxAmount]. Both must
// be at most MaxAmount.
func addAmounts(a, b Amount) (Amount, bool) {
	sum := a + b // no overflow: both are below 2^53
	return sum, sum <= MaxAmount
}
