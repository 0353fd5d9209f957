package lab

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"
)

// pollInterval is how often [Until] looks. Conditions that run a program
// take longer than this anyhow.
const pollInterval = 20 * time.Millisecond

// Until looks until cond returns nil and returns how long that took. After
// within it ends the test with cond's last error.
func Until(tb testing.TB, within time.Duration, what string, cond func() error) time.Duration {
	tb.Helper()
	start := time.Now()
	err := poll(within, cond)
	if err != nil {
		tb.Fatalf("%s: not within %v: %v", what, within, err)
	}
	return time.Since(start)
}

// poll returns nil once cond does, or cond's last error when time is up.
func poll(within time.Duration, cond func() error) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := cond()
		if err == nil {
			return nil
		}
		select {
		case <-deadline.C:
			return err
		case <-tick.C:
		}
	}
}

// Quantile returns the smallest of the values that at least the share q of
// them do not exceed (nearest rank), or the zero value of none.
func Quantile[T cmp.Ordered](values []T, q float64) T {
	if len(values) == 0 {
		var zero T
		return zero
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank-1, 0), len(sorted)-1)]
}
