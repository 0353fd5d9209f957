//go:build unix

package chain_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// BenchmarkSubmitTxs takes 28,000 payments of one input and two outputs into the
// pool, with signatures, store and journal on disk: in batches by one caller, and
// one by one by many.
func BenchmarkSubmitTxs(b *testing.B) {
	p := newPurse(b, 28_000)
	txs := p.payments()
	for _, bc := range []struct{ batch, callers int }{{1000, 1}, {100, 4}, {1, 64}, {1, 8}} {
		b.Run(fmt.Sprintf("batch=%d/callers=%d", bc.batch, bc.callers), func(b *testing.B) {
			var cpu time.Duration
			for range b.N {
				b.StopTimer()
				m := p.open(b, chain.Options{})
				begin := cpuTime(b)
				b.StartTimer()
				submitAll(b, m, txs, bc.batch, bc.callers)
				b.StopTimer()
				cpu += cpuTime(b) - begin
				if err := m.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			n := float64(len(txs) * b.N)
			b.ReportMetric(n/b.Elapsed().Seconds(), "txs/s")
			b.ReportMetric(float64(cpu.Microseconds())/n, "cpu-µs/tx")
		})
	}
}

// BenchmarkConnectKnownBlock takes a block of 4 MiB of payments that the pool has.
func BenchmarkConnectKnownBlock(b *testing.B) { benchmarkConnect(b, true) }

// BenchmarkConnectUnknownBlock takes the same block with an empty pool.
func BenchmarkConnectUnknownBlock(b *testing.B) { benchmarkConnect(b, false) }

func benchmarkConnect(b *testing.B, known bool) {
	p := newPurse(b, 28_000)
	txs := p.payments()
	b.ResetTimer()
	var cpu time.Duration
	n := 0
	for range b.N {
		b.StopTimer()
		m := p.open(b, chain.Options{})
		submitAll(b, m, txs, 1000, 1)
		tmpl, err := m.PoolTemplate(clockOf(), p.addr, nil)
		if err != nil {
			b.Fatal(err)
		}
		blk := p.solve(tmpl.Header, tmpl.Txs)
		n = len(blk.Txs)
		if !known {
			if err := m.Close(); err != nil {
				b.Fatal(err)
			}
			m = p.open(b, chain.Options{})
		}
		begin := cpuTime(b)
		b.StartTimer()
		mustAdd(b, m, blk)
		b.StopTimer()
		cpu += cpuTime(b) - begin
		if err := m.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(n), "txs")
	b.ReportMetric(float64(cpu.Microseconds())/float64(n*b.N), "cpu-µs/tx")
}

// BenchmarkPoolTemplate makes a template of a full block.
func BenchmarkPoolTemplate(b *testing.B) {
	p := newPurse(b, 28_000)
	m := p.open(b, chain.Options{})
	submitAll(b, m, p.payments(), 1000, 1)
	n := 0
	for b.Loop() {
		tmpl, err := m.PoolTemplate(clockOf(), p.addr, nil)
		if err != nil {
			b.Fatal(err)
		}
		n = len(tmpl.Txs)
	}
	b.ReportMetric(float64(n), "txs")
	if err := m.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAddBlocksUnderFlood adds empty blocks while four peers offer payments
// as fast as they can: good ones, and such with bad signatures.
func BenchmarkAddBlocksUnderFlood(b *testing.B) {
	p := newPurse(b, 28_000)
	good := p.payments()
	bad := make([]*core.Transaction, 1024)
	for i := range bad {
		tx := *good[i]
		spoil(&tx, false)
		bad[i] = &tx
	}
	blocks := p.bare(p.tip(), 50)
	for _, bc := range []struct {
		name string
		txs  []*core.Transaction
	}{{"none", nil}, {"good", good}, {"bad signatures", bad}} {
		b.Run(bc.name, func(b *testing.B) {
			var worst, sum, all time.Duration
			var offered atomic.Int64
			for range b.N {
				m := p.open(b, chain.Options{})
				stop := flood(m, bc.txs, &offered)
				start := time.Now()
				for _, blk := range blocks {
					for seen := offered.Load(); bc.txs != nil && offered.Load() < seen+500; {
						time.Sleep(100 * time.Microsecond)
					}
					began := time.Now()
					mustAdd(b, m, blk)
					sum += time.Since(began)
					worst = max(worst, time.Since(began))
				}
				all += time.Since(start)
				stop()
				if err := m.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(sum.Microseconds())/float64(b.N*len(blocks))/1e3, "ms/block")
			b.ReportMetric(float64(offered.Load())/all.Seconds(), "txs/s")
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(worst.Microseconds())/1e3, "ms-worst")
		})
	}
}

// flood offers payments again and again, as four peers, until stop is called.
func flood(m *chain.Manager, txs []*core.Transaction, offered *atomic.Int64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var next atomic.Int64
	for peer := range 4 {
		wg.Go(func() {
			for ctx.Err() == nil && len(txs) > 0 {
				at := int(next.Add(256)-256) % len(txs)
				outs, _ := m.AddTxs(ctx, fmt.Sprint(peer), txs[at:min(at+256, len(txs))])
				offered.Add(int64(len(outs)))
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}
