package mempool

import (
	"math/bits"
	"slices"

	"github.com/ingchain/ingchain/core"
)

const (
	// recentMost is over how many blocks estimates look back.
	recentMost = 64
	// fullPercent is from where on a block counts as full, of its bytes or of its
	// inputs and outputs: below, whoever paid the floor could have been in.
	fullPercent = 90
	// entryPercent is the part of a full block's bytes whose rates are not looked
	// at, from below: a miner's own payments and the last to be squeezed in.
	entryPercent = 5
	// calmPercent is in how many of the past runs of blocks an estimate would have
	// been enough.
	calmPercent = 80
)

// Estimate says what rate, in grains per 1,000 bytes, gets a payment into one of
// the next blocks, for each number of blocks asked for: the greatest of
//
//   - the least rate that comes in at all ([Pool.MinFeeRate]);
//   - the rate that has no more than so many blocks of payments at or above it
//     in the pool now;
//   - the rate that would have been enough to be in a block within that many,
//     from four in five of the last 64 blocks on.
//
// It is a guess: nobody knows what others will pay.
func (p *Pool) Estimate(targets []int, now uint64) []core.Amount {
	out := make([]core.Amount, len(targets))
	for i, n := range targets {
		n = max(n, 1)
		out[i] = max(p.MinFeeRate(now), p.depth.rateAt(p.rules.Params(), n), p.recent.rateWithin(n))
	}
	return out
}

// recentBlocks are the entry rates of the last blocks, the oldest first: what
// one had to pay to be in each, in grains per 1,000 bytes.
type recentBlocks struct{ rates []core.Amount }

// follow keeps up with the chain.
func (r *recentBlocks) follow(params *core.Params, reverted int, applied []*core.Block) {
	r.rates = r.rates[:max(len(r.rates)-reverted, 0)]
	if over := len(applied) - recentMost; over > 0 {
		applied = applied[over:]
	}
	for _, b := range applied {
		r.rates = append(r.rates, entryRate(params, b))
	}
	if over := len(r.rates) - recentMost; over > 0 {
		r.rates = append(r.rates[:0], r.rates[over:]...)
	}
}

// entryRate is what it took to be in a block: nothing if there was room.
func entryRate(params *core.Params, b *core.Block) core.Amount {
	coins := 0
	for i := range b.Txs {
		coins += len(b.Txs[i].Inputs) + len(b.Txs[i].Outputs)
	}
	if b.Size()*100 < int(params.MaxBlockBytes)*fullPercent && coins*100 < int(params.MaxBlockCoins)*fullPercent {
		return 0
	}
	rates := make([]rate, 0, len(b.Txs))
	total := 0
	for i := 1; i < len(b.Txs); i++ {
		r := rate{b.Txs[i].Fee, sizeOf(&b.Txs[i])}
		rates = append(rates, r)
		total += r.bytes
	}
	slices.SortFunc(rates, rate.compare)
	passed := 0
	for _, r := range rates {
		if passed += r.bytes; passed*100 > total*entryPercent {
			return r.perKilobyte()
		}
	}
	return 0
}

// rateWithin is the rate that was enough to be in one of n blocks, in most runs
// of n.
func (r *recentBlocks) rateWithin(n int) core.Amount {
	if len(r.rates) == 0 {
		return 0
	}
	n = min(n, len(r.rates))
	runs := make([]core.Amount, 0, len(r.rates))
	for i := 0; i+n <= len(r.rates); i++ {
		runs = append(runs, slices.Min(r.rates[i:i+n]))
	}
	slices.Sort(runs)
	return runs[(len(runs)*calmPercent+99)/100-1]
}

// Buckets of rates: exact up to 7, then eight to each doubling.
const (
	bucketBits = 3
	buckets    = (64 - bucketBits + 1) << bucketBits
)

// bucketOf returns the bucket of a rate in grains per 1,000 bytes.
func bucketOf(r core.Amount) int {
	n := bits.Len64(uint64(r))
	if n <= bucketBits {
		return int(r)
	}
	return (n-bucketBits)<<bucketBits + int(r>>(n-bucketBits-1))&(1<<bucketBits-1)
}

// bucketFloor is the least rate of a bucket.
func bucketFloor(b int) core.Amount {
	if b < 1<<bucketBits {
		return core.Amount(b)
	}
	n := b>>bucketBits + bucketBits
	return core.Amount(1<<bucketBits+b&(1<<bucketBits-1)) << (n - bucketBits - 1)
}

// depth is how much waits at which rate, each entry by its own.
type depth [buckets]Bucket

// Bucket is what waits at one range of rates.
type Bucket struct {
	// MinFeeRate is the least of the range, in grains per 1,000 bytes.
	MinFeeRate core.Amount
	Count      int
	Bytes      int
	// Coins are inputs and outputs.
	Coins int
}

func (d *depth) add(t *Tx)  { d.change(t, 1) }
func (d *depth) drop(t *Tx) { d.change(t, -1) }

func (d *depth) change(t *Tx, sign int) {
	b := &d[bucketOf(t.FeeRate())]
	b.Count += sign
	b.Bytes += sign * t.size
	b.Coins += sign * t.coins()
}

// rateAt is the least rate that has at most n blocks of entries at or above it.
func (d *depth) rateAt(params *core.Params, n int) core.Amount {
	bytes, coins := 0, 0
	for b := buckets - 1; b >= 0; b-- {
		bytes += d[b].Bytes
		coins += d[b].Coins
		if bytes/n > int(params.MaxBlockBytes) || coins/n > int(params.MaxBlockCoins) {
			return bucketFloor(b + 1)
		}
	}
	return 0
}

// Histogram returns what waits by rate, the highest first, without empty
// buckets. It has less than 500.
func (p *Pool) Histogram() []Bucket {
	var out []Bucket
	for b := buckets - 1; b >= 0; b-- {
		if d := p.depth[b]; d.Count > 0 {
			d.MinFeeRate = bucketFloor(b)
			out = append(out, d)
		}
	}
	return out
}
