package mempool

import (
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/ingchain/ingchain/core"
)

// crowd makes payments by chains of the given length, one input and two outputs
// each, of various rates, and the coins that the first of each spends.
func crowd(n, chain int) ([]*Tx, core.UTXOs) {
	coins := core.UTXOs{}
	txs := make([]*Tx, 0, n)
	var last core.Coin
	for i := range n {
		if i%chain == 0 {
			last = core.Coin{Value: 1 << 40, Height: 1, Address: addresses[i%testKeys]}
			binary.LittleEndian.PutUint64(last.TxID[:], uint64(i))
			coins[last.Outpoint] = last
		}
		// A rate that looks random, and many that are equal.
		tx := pay(1000+core.Amount(i*7919%5000)/7*7, 2, last)
		// Everybody has an address of their own.
		binary.LittleEndian.PutUint64(tx.Outputs[1].Address.Hash[:], uint64(i))
		last = coinOf(&tx, 0)
		txs = append(txs, NewTx(&tx))
	}
	return txs, coins
}

func bigPool(tb testing.TB, bytes int) *Pool {
	tb.Helper()
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		tb.Fatal(err)
	}
	policy := DefaultPolicy()
	policy.MaxBytes = bytes
	p, err := New(rules, policy, 100)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// fill adds until the pool is full or nothing is left.
func fill(tb testing.TB, p *Pool, txs []*Tx, coins core.UTXOs) {
	tb.Helper()
	for _, tx := range txs {
		if p.memory+tx.poolMemory() > p.policy.MaxBytes {
			return
		}
		if r, err := p.Add(tx, coins, 1, ""); err != nil || r.Status != Accepted {
			tb.Fatal(r.Status, err)
		}
	}
}

// BenchmarkAdd adds to a pool with room, and to one that is full and evicts.
func BenchmarkAdd(b *testing.B) {
	for _, bc := range []struct {
		name  string
		chain int
		bytes int
	}{{"room", 1, 1 << 30}, {"chains of 25", 25, 1 << 30}, {"full", 1, 16 << 20}} {
		b.Run(bc.name, func(b *testing.B) {
			txs, coins := crowd(50_000, bc.chain)
			p := bigPool(b, bc.bytes)
			done := 0
			for b.Loop() {
				if done == len(txs) {
					b.StopTimer()
					p, done = bigPool(b, bc.bytes), 0
					b.StartTimer()
				}
				_, err := p.Add(txs[done], coins, uint64(done), "")
				if err != nil && core.CodeOf(err) != ErrFull && core.CodeOf(err) != ErrFeeLow {
					b.Fatal(err)
				}
				done++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "txs/s")
		})
	}
}

// BenchmarkNewTx hashes and copies.
func BenchmarkNewTx(b *testing.B) {
	txs, _ := crowd(1, 1)
	for b.Loop() {
		NewTx(&txs[0].t)
	}
}

// BenchmarkTemplate fills a block of 4 MiB out of 64 MiB.
func BenchmarkTemplate(b *testing.B) {
	for _, bc := range []struct {
		name  string
		chain int
	}{{"singles", 1}, {"chains of 25", 25}} {
		b.Run(bc.name, func(b *testing.B) {
			txs, coins := crowd(80_000, bc.chain)
			p := bigPool(b, 64<<20)
			fill(b, p, txs, coins)
			var chosen int
			for b.Loop() {
				chosen = len(p.Template(4<<20, 65_000))
			}
			b.ReportMetric(float64(p.total.count), "entries")
			b.ReportMetric(float64(chosen), "chosen")
		})
	}
}

// BenchmarkRebase applies a full block of the pool's payments, and reverts it.
func BenchmarkRebase(b *testing.B) {
	for _, bc := range []struct {
		name  string
		chain int
	}{{"singles", 1}, {"chains of 25", 25}} {
		txs, coins := crowd(60_000, bc.chain)
		p := bigPool(b, 64<<20)
		fill(b, p, txs, coins)
		var in []core.Transaction
		for _, tx := range p.Template(4<<20, 65_000) {
			in = append(in, tx.t)
		}
		block, err := core.NewBlock(core.Header{Height: 101}, append([]core.Transaction{core.NewCoinbase(101, 1, addresses[0], nil)}, in...))
		if err != nil {
			b.Fatal(err)
		}
		read := func([]core.Outpoint) (core.UTXOs, error) { return coins, nil }
		none := func([]core.Outpoint) (core.UTXOs, error) { return nil, nil }
		move := func(b *testing.B, reverted, applied []*core.Block, read CoinReader, height uint32) {
			if _, err := p.Rebase(reverted, applied, read, height, 1); err != nil {
				b.Fatal(err)
			}
		}
		b.Run("apply/"+bc.name, func(b *testing.B) {
			for b.Loop() {
				move(b, nil, []*core.Block{block}, none, 101)
				b.StopTimer()
				move(b, []*core.Block{block}, nil, read, 100)
				b.StartTimer()
			}
			b.ReportMetric(float64(len(in)), "payments")
		})
		b.Run("revert/"+bc.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				move(b, nil, []*core.Block{block}, none, 101)
				b.StartTimer()
				move(b, []*core.Block{block}, nil, read, 100)
			}
			b.ReportMetric(float64(len(in)), "payments")
		})
	}
}

// TestMemory holds what the pool counts to what the runtime measures.
func TestMemory(t *testing.T) {
	for _, chain := range []int{1, 10} {
		txs, coins := crowd(20_000, chain)
		p := bigPool(t, 1<<30)
		before := heapBytes()
		for _, tx := range txs {
			if _, err := p.Add(NewTx(&tx.t), coins, 1, ""); err != nil {
				t.Fatal(err)
			}
		}
		used := int(heapBytes() - before)
		t.Logf("chains of %d: %d bytes a payment, counted as %d, encoded in %d", chain, used/len(txs), p.memory/len(txs), p.total.bytes/len(txs))
		if used > p.memory || used < p.memory/2 {
			t.Errorf("chains of %d: %d bytes are counted as %d", chain, used, p.memory)
		}
		runtime.KeepAlive(p)
		runtime.KeepAlive(txs)
	}
}

// TestOrphanMemory does so for orphans.
func TestOrphanMemory(t *testing.T) {
	const n = 5000
	p := bigPool(t, 1<<30)
	p.policy.MaxOrphans, p.policy.MaxPeerOrphans, p.policy.MaxOrphanBytes, p.policy.MaxPeerOrphanBytes = n, n, 1<<30, 1<<30
	before := heapBytes()
	for i := range n {
		c := core.Coin{Value: 1 << 30, Address: addresses[0]}
		binary.LittleEndian.PutUint64(c.TxID[:], uint64(i))
		there := c
		there.Index = 1
		tx := pay(1000, 1, c, there)
		if r, _ := p.Add(NewTx(&tx), core.UTXOs{there.Outpoint: there}, 1, "peer"); r.Status != Orphan {
			t.Fatal(r.Status)
		}
	}
	used := int(heapBytes() - before)
	t.Logf("%d bytes an orphan, counted as %d", used/n, p.orphans.memory/n)
	if used > p.orphans.memory || used < p.orphans.memory/2 {
		t.Errorf("%d bytes are counted as %d", used, p.orphans.memory)
	}
	runtime.KeepAlive(p)
}

// TestHistoryMemory does so for what is remembered of payments that left, with
// what a node notes of each, in a map of its own.
func TestHistoryMemory(t *testing.T) {
	const n = DefaultMaxHistory
	before := heapBytes()
	h := newPast(n)
	var id, block core.Hash
	for i := range 3 * n { // so that maps have grown as far as they do
		binary.LittleEndian.PutUint64(id[:], uint64(i))
		binary.LittleEndian.PutUint64(block[8:], uint64(i/100+1))
		h.put(Removed{ID: id, Reason: Confirmed, Block: block}, 1)
		id[31] = 1
		h.put(Removed{ID: id, Reason: Conflict, By: block, Block: block}, 1)
		id[31] = 0
	}
	used := int(heapBytes() - before)
	const counted = historyCost - noteCost
	t.Logf("%d bytes for two payments, counted as %d", used/n, counted)
	if used > n*counted || used < n*counted/2 {
		t.Errorf("%d bytes are counted as %d", used, n*counted)
	}
	runtime.KeepAlive(h)
}

func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
