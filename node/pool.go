package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// tendEvery is the time between looks at what has waited too long in the pool.
const tendEvery = time.Minute

// commonTargets are what fees are told for if nobody says, in blocks.
var commonTargets = []int{1, 3, 6, 20}

// poolPolicy is what the configuration makes of the pool's policy.
func poolPolicy(cfg *Config) *mempool.Policy {
	p := mempool.DefaultPolicy()
	if cfg.PoolBytes != 0 {
		p.Fit(cfg.PoolBytes)
	}
	if cfg.MinFeeRate != 0 {
		p.MinFeeRate = core.Amount(cfg.MinFeeRate)
	}
	return &p
}

// tendPool gives the pool its turns until ctx ends.
func (n *Node) tendPool(ctx context.Context) error {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			n.chain.TendPool()
		}
	}
}

// journalWarnings are what an operator should know of the journal of payments,
// which failed with err or not.
func journalWarnings(err error) []string {
	if !errors.Is(err, chain.ErrNotKept) {
		return nil
	}
	return []string{"payments handed in here are refused: " + err.Error() + "; free space or mend the disk, and it works again within a minute"}
}

func nowMillis() uint64 { return uint64(time.Now().UnixMilli()) }

func (n *Node) poolInfo() (info api.MempoolInfo) {
	n.chain.ReadPool(func(p *mempool.Pool) {
		s := p.Stats(nowMillis())
		info = api.MempoolInfo{Count: s.Count, Bytes: s.Bytes}
	})
	return info
}

// Mempool implements [api.TxBackend].
func (n *Node) Mempool(context.Context) (api.Mempool, error) {
	var m api.Mempool
	for range maxMoments {
		tip := n.chain.Tip()
		if n.readPoolAt(tip, func(p *mempool.Pool) { m = describePool(p, ref(tip)) }) {
			return m, nil
		}
	}
	// The chain moves faster than we ask, or a disk keeps the pool from following.
	tip := ref(n.chain.Tip())
	n.chain.ReadPool(func(p *mempool.Pool) { m = describePool(p, tip) })
	return m, nil
}

func describePool(p *mempool.Pool, tip api.Ref) api.Mempool {
	s := p.Stats(nowMillis())
	m := api.Mempool{
		Tip: tip, Count: s.Count, Bytes: s.Bytes, Memory: s.Memory, MaxMemory: s.MaxMemory, Fees: s.Fees,
		MinFeeRate: s.MinFeeRate, Orphans: s.Orphans, LastSeq: s.LastSeq, Histogram: []api.FeeBucket{},
	}
	for _, b := range p.Histogram() {
		m.Histogram = append(m.Histogram, api.FeeBucket{MinFeeRate: b.MinFeeRate, Count: b.Count, Bytes: b.Bytes})
	}
	return m
}

// MempoolTxs implements [api.TxBackend].
func (n *Node) MempoolTxs(_ context.Context, after uint64, limit int) ([]api.MempoolTx, error) {
	limit, err := pageSize(limit)
	if err != nil {
		return nil, err
	}
	var entries []mempool.Entry
	n.chain.ReadPool(func(p *mempool.Pool) { entries = p.List(after, limit) })
	list := make([]api.MempoolTx, len(entries))
	for i := range entries {
		e := &entries[i]
		list[i] = api.MempoolTx{
			Seq: e.Seq, TxID: e.ID(), Size: e.Size(), Fee: e.Fee(), FeeRate: e.FeeRate(), Time: e.Time,
			Ancestors: e.Ancestors, Descendants: e.Descendants,
		}
	}
	return list, nil
}

// pageSize is how many entries a page of a limit has.
func pageSize(limit int) (int, error) {
	if limit < 0 || limit > api.MaxPageSize {
		return 0, fmt.Errorf("%w: %d entries, choose 1 to %d", api.ErrBadRequest, limit, api.MaxPageSize)
	}
	if limit == 0 {
		limit = api.DefaultPageSize
	}
	return limit, nil
}

// Fees implements [api.TxBackend].
func (n *Node) Fees(_ context.Context, targets []int) (api.Fees, error) {
	if len(targets) == 0 {
		targets = commonTargets
	}
	if len(targets) > api.MaxFeeTargets {
		return api.Fees{}, fmt.Errorf("%w: %d targets, at most %d", api.ErrBadRequest, len(targets), api.MaxFeeTargets)
	}
	for _, t := range targets {
		if t < 1 || t > api.MaxFeeTarget {
			return api.Fees{}, fmt.Errorf("%w: target %d, want a number of blocks from 1 to %d", api.ErrBadRequest, t, api.MaxFeeTarget)
		}
	}
	var rates []core.Amount
	f := api.Fees{Estimates: []api.FeeEstimate{}}
	n.chain.ReadPool(func(p *mempool.Pool) {
		now := nowMillis()
		f.MinFeeRate, rates = p.MinFeeRate(now), p.Estimate(targets, now)
	})
	for i, t := range targets {
		f.Estimates = append(f.Estimates, api.FeeEstimate{Blocks: t, FeeRate: rates[i]})
	}
	return f, nil
}
