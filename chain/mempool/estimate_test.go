package mempool

import (
	"math"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/core"
)

func TestBuckets(t *testing.T) {
	for b := range buckets - 1 {
		low, next := bucketFloor(b), bucketFloor(b+1)
		if low >= next && b < buckets-2 || bucketOf(low) != b || bucketOf(next-1) != b {
			t.Fatalf("bucket %d is from %d, the next from %d", b, low, next)
		}
		if low > 8 && (next-low)*8 > low+8 {
			t.Fatalf("bucket %d from %d to %d is too wide", b, low, next)
		}
	}
	if got := bucketOf(math.MaxUint64); got != buckets-1 {
		t.Fatalf("the highest rate is in bucket %d of %d", got, buckets)
	}
}

func TestRates(t *testing.T) {
	for _, tc := range []struct {
		a, b rate
		want int
	}{
		{rate{1, 2}, rate{2, 4}, 0},
		{rate{1, 2}, rate{2, 3}, -1},
		{rate{math.MaxUint64, 3}, rate{math.MaxUint64, 2}, -1},
		{rate{1 << 58, 1}, rate{1 << 57, 1 << 20}, 1},
		{rate{0, 5}, rate{0, 9}, 0},
	} {
		if got, back := tc.a.compare(tc.b), tc.b.compare(tc.a); got != tc.want || back != -tc.want {
			t.Errorf("%v and %v: %d and %d", tc.a, tc.b, got, back)
		}
	}
	for _, tc := range []struct {
		size int
		rate core.Amount
		fee  core.Amount
	}{{1, 1, 1}, {1000, 1, 1}, {1001, 1, 2}, {250, 1000, 250}, {1 << 40, math.MaxUint64, math.MaxUint64}, {1000, math.MaxUint64, math.MaxUint64}} {
		if got := feeFor(tc.size, tc.rate); got != tc.fee {
			t.Errorf("%d bytes at %d: %d, want %d", tc.size, tc.rate, got, tc.fee)
		}
	}
	if got := (rate{fees: 1 << 62, bytes: 1}).perKilobyte(); got != math.MaxUint64 {
		t.Error(got)
	}
}

// TestEstimateOfThePool: what has to be waited for is outbid, or waited for.
func TestEstimateOfThePool(t *testing.T) {
	w := lone(t, func(p *Policy) { p.MaxBytes = 1 << 30 })
	targets := []int{0, 1, 2, 10}
	if got := w.pool.Estimate(targets, w.now); !slices.Equal(got, []core.Amount{1000, 1000, 1000, 1000}) {
		t.Fatalf("of an empty pool: %v", got)
	}
	// 150 payments with two outputs are 450 coins: a block takes 200.
	coins := w.fund(75)
	for i, c := range append(coins, w.fund(75)...) {
		rate := core.Amount(2000 + i*100)
		w.mustAdd(pay(rate*core.Amount(sizeOf(new(pay(0, 2, c))))/1000, 2, c))
	}
	got := w.pool.Estimate(targets, w.now)
	// The best 66 fit in one block, 133 in two.
	for i, want := range []core.Amount{10_240, 10_240, 3_800, 1000} {
		if got[i] < want*8/10 || got[i] > want*12/10 {
			t.Fatalf("%v: estimate %d should be about %d", got, i, want)
		}
	}
	// What pays the estimate is in the next block.
	probe := w.fund(1)[0]
	tx := pay(feeFor(sizeOf(new(pay(0, 2, probe))), got[1]), 2, probe)
	w.mustAdd(tx)
	if !slices.Contains(idsOf(w.pool.Template(testBlockSize, 200)), tx.ID()) {
		t.Fatalf("a payment at %d is not in the next block", got[1])
	}
	count := 0
	last := core.Amount(math.MaxUint64)
	for _, b := range w.pool.Histogram() {
		count += b.Count
		if b.MinFeeRate >= last || b.Bytes < b.Count*100 || b.Coins < 3*b.Count {
			t.Fatalf("bucket %+v below %d", b, last)
		}
		last = b.MinFeeRate
	}
	if count != w.pool.Stats(w.now).Count {
		t.Fatalf("%d in buckets", count)
	}
}

func TestEstimateOfThePast(t *testing.T) {
	w := lone(t, nil)
	full := func(rate core.Amount) []core.Transaction {
		tx := pay(0, 180, w.coinbase(w.height()-testMaturity))
		return []core.Transaction{pay(feeFor(sizeOf(&tx), rate), 180, w.coinbase(w.height()-testMaturity))}
	}
	for range recentMost {
		w.mine(nil)
	}
	near := func(got, want core.Amount) bool { return got >= want && got < want+10 }
	// Every second block is full at 5,000: one in two is free.
	for range recentMost / 2 {
		w.mine(full(5000))
		w.mine(nil)
	}
	if got := w.pool.Estimate([]int{1, 2}, w.now); !near(got[0], 5000) || got[1] != 1000 {
		t.Fatalf("%v", got)
	}
	// Reverted blocks do not count.
	w.rebase(w.revert(recentMost), nil)
	if got := w.pool.recent.rates; len(got) != 0 {
		t.Fatalf("%v", got)
	}
	// One dear block in five is not looked at.
	for i := range 50 {
		if i%5 == 0 {
			w.mine(full(90_000))
		} else {
			w.mine(full(3000))
		}
	}
	if got := w.pool.Estimate([]int{1, 2}, w.now); !near(got[0], 3000) || !near(got[1], 3000) {
		t.Fatalf("%v", got)
	}
}

// TestEntryRate: the cheapest twentieth of a block's bytes is not looked at.
func TestEntryRate(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(60)
	var txs []core.Transaction
	for i, c := range coins {
		fee := core.Amount(10_000)
		if i < 2 {
			fee = 0
		}
		txs = append(txs, pay(fee, 2, c))
	}
	b := w.block(txs)
	want := NewTx(&txs[10]).FeeRate()
	if got := entryRate(w.rules.Params(), b); got != want {
		t.Fatalf("%d, want %d", got, want)
	}
	if got := entryRate(w.rules.Params(), w.block(txs[:30])); got != 0 {
		t.Fatalf("%d in a block with room", got)
	}
}

// TestDepth: bytes fill a block as well as inputs and outputs do.
func TestDepth(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(4)
	size := 0
	for i, c := range coins {
		tx := w.mustAdd(pay(core.Amount(20_000<<i), 1, c))
		size = sizeOf(&tx)
	}
	params := *w.rules.Params()
	params.MaxBlockBytes, params.MaxBlockCoins = uint32(2*size), 1000
	third := bucketFloor(bucketOf(w.pool.List(0, 4)[1].FeeRate()) + 1)
	if got := w.pool.depth.rateAt(&params, 1); got != third {
		t.Errorf("two fit by bytes: %d, want %d", got, third)
	}
	params.MaxBlockBytes, params.MaxBlockCoins = 1<<20, 4
	if got := w.pool.depth.rateAt(&params, 1); got != third {
		t.Errorf("two fit by inputs and outputs: %d, want %d", got, third)
	}
	if got := w.pool.depth.rateAt(&params, 2); got != 0 {
		t.Errorf("all fit in two blocks: %d", got)
	}
}
