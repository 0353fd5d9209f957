package node

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/ingchain/ingchain/chain/mempool"
)

const (
	// tuneEvery is the time between looks at how much is alive.
	tuneEvery = 250 * time.Millisecond
	// usualPercent is Go's own GOGC: as much garbage as there is alive.
	usualPercent = 100
	// tunedStep is by how much GOGC has to change to be set anew, which stops the
	// world for a moment.
	tunedStep = 5
	// worthwhile is how much garbage is worth a collection in any case, in bytes, or
	// half of what is meant for the pool, if that is less.
	worthwhile = 32 << 20
)

// tuneCollector keeps the pool of payments from being counted in how much garbage
// there may be, until ctx ends. Go waits for as much garbage as there is alive, so
// everything that stays costs its size twice. What the pool holds stays, it is
// bounded, and strangers fill it: with this they fill its bound once. Collections
// come as often as they would with an empty pool.
//
// Whoever set GOGC or GOMEMLIMIT has decided otherwise.
func (n *Node) tuneCollector(ctx context.Context) error {
	if !n.cfg.OwnProcess || os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	budget := n.cfg.PoolBytes
	if budget == 0 {
		budget = mempool.DefaultMemory
	}
	want := func() int { return collectorPercent(liveHeap(), n.poolMemory(), budget) }
	tune(ctx, want, func(percent int) { debug.SetGCPercent(percent) })
	return nil
}

// tune sets GOGC to what is wanted, now and then until ctx ends, and then to what is
// usual.
func tune(ctx context.Context, wanted func() int, set func(percent int)) {
	tick := time.NewTicker(tuneEvery)
	defer tick.Stop()
	defer set(usualPercent)
	is := usualPercent
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		want := wanted()
		if want == is || max(want-is, is-want) < tunedStep && want != usualPercent {
			continue
		}
		set(want)
		is = want
	}
}

// collectorPercent is the GOGC that lets garbage grow to as much as there is alive
// beside the pool, and to what is worth a collection in any case, but never to more
// than GOGC=100 would. Budget is what the pool may take; all are in bytes.
func collectorPercent(live, pool, budget int) int {
	if live <= 0 {
		return usualPercent
	}
	garbage := max(live-pool, min(worthwhile, budget/2))
	return min(usualPercent, int(int64(garbage)*usualPercent/int64(live)))
}

// liveHeap is what the last collection left, in bytes.
func liveHeap() int {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64())
}

// poolMemory is what the pool takes in all, in bytes.
func (n *Node) poolMemory() (bytes int) {
	n.chain.ReadPool(func(p *mempool.Pool) {
		s := p.Stats(nowMillis())
		bytes = s.Memory + s.OrphanMemory + s.HistoryMemory
	})
	return bytes
}
