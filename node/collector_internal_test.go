package node

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestTune: the collector follows the pool, not every twitch of it, and is left as
// it was.
func TestTune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mib = 1 << 20
		var pool atomic.Int64
		var was []int
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			tune(ctx, func() int { return collectorPercent(200*mib, int(pool.Load()), 64*mib) }, func(percent int) { was = append(was, percent) })
		}()
		for _, held := range []int64{0, 100, 104, 96, 120, 120, 4, 0, 0, 100} {
			pool.Store(held * mib)
			time.Sleep(tuneEvery) // virtual
			synctest.Wait()
		}
		stop()
		<-ended
		if want := []int{50, 40, 98, 100, 50, 100}; !slices.Equal(was, want) {
			t.Errorf("GOGC was set to %v, want %v", was, want)
		}
	})
}

func TestCollectorPercent(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ live, pool, want int }{
		{0, 0, 100},                       // nothing was collected yet
		{10 * mib, 0, 100},                // less than what is worth a collection
		{100 * mib, 0, 100},               // an empty pool changes nothing
		{200 * mib, 100 * mib, 50},        // as much garbage as there is beside the pool
		{80 * mib, 60 * mib, 40},          // or what is worth a collection
		{40 * mib, 60 * mib, 80},          // the pool has grown since
		{1000 * mib, 50 * mib, 95},        // of a large chain
		{1 << 40, 1 << 39, 50},            // no overflow
		{worthwhile / 2, 1000 * mib, 100}, // never more than usual
		{2 * worthwhile, worthwhile, 50},  // both are the same
		{worthwhile + 1, 0, usualPercent}, // just above
	} {
		if got := collectorPercent(c.live, c.pool, 64*mib); got != c.want {
			t.Errorf("%d MiB alive, %d of the pool: %d %%, want %d", c.live/mib, c.pool/mib, got, c.want)
		}
	}
	// Of a small pool, less is worth it.
	if got := collectorPercent(32*mib, 24*mib, 32*mib); got != 50 {
		t.Errorf("a pool of 32 MiB: %d %%, want 50", got)
	}
}
