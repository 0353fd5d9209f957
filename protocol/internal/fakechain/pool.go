package fakechain

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// Pool is a real pool under a lock, on coins that are given once: no block takes
// or makes any. Its methods are those of chain.Manager that the protocol uses, and
// may be called from any goroutine.
type Pool struct {
	rules *core.Rules
	coins core.UTXOs

	mu       sync.RWMutex // guards all below
	pool     *mempool.Pool
	watchers map[chan struct{}]bool
	judged   int // signatures that peers made us verify
	faults   []mempool.Fault
	// forgotten are the peers that left.
	forgotten []string
	// hidden says, if not nil, that the coins are not on the chain yet.
	hidden func() bool
	broken error // of AddTxs
}

// NewPool returns an empty pool on coins of the chain.
func NewPool(rules *core.Rules, policy mempool.Policy, coins []core.Coin) *Pool {
	pool, err := mempool.New(rules, policy, 1)
	if err != nil {
		panic(fmt.Sprintf("fakechain: pool: %v", err))
	}
	p := &Pool{rules: rules, pool: pool, coins: core.UTXOs{}, watchers: map[chan struct{}]bool{}}
	for _, c := range coins {
		p.coins[c.Outpoint] = c
	}
	return p
}

// AddTxs judges payments.
func (p *Pool) AddTxs(_ context.Context, from string, txs []*core.Transaction) ([]mempool.Outcome, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.poke()
	if p.broken != nil {
		return nil, p.broken
	}
	out := make([]mempool.Outcome, len(txs))
	var all []core.BlockSignature
	for i, t := range txs {
		out[i].Tx = mempool.NewTx(t)
		known, err := p.pool.Screen(out[i].Tx, uint64(time.Now().UnixMilli()))
		sigs, bad := p.rules.CheckTxForm(t)
		switch {
		case known:
			out[i].Status = mempool.Known
		case bad != nil:
			out[i].Err = bad
		case err != nil:
			out[i].Err, out[i].Unverified = err, true
		default:
			all = append(all, sigs...)
		}
	}
	coins := p.coins
	if p.hidden != nil && p.hidden() {
		coins = nil
	}
	good := core.VerifySignatures(all) == nil
	if from != "" {
		p.judged += len(all)
	}
	for i, t := range txs {
		if out[i].Status == mempool.Known || out[i].Err != nil {
			continue
		}
		if !good {
			out[i].Err = p.rules.CheckTx(t)
		}
		if out[i].Err == nil {
			out[i].Result, out[i].Err = p.pool.Add(out[i].Tx, coins, uint64(time.Now().UnixMilli()), from)
		}
	}
	return out, nil
}

// HideCoins has payments find no coins as long as hidden says so: the chain is
// behind.
func (p *Pool) HideCoins(hidden func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hidden = hidden
}

// Fail makes AddTxs fail, or succeed again, as our own disk would.
func (p *Pool) Fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = err
}

// Fault makes an orphan of a peer turn out false, as a block would.
func (p *Pool) Fault(f mempool.Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, f)
}

// TxFaults returns what Fault was told, once.
func (p *Pool) TxFaults() []mempool.Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	faults := p.faults
	p.faults = nil
	return faults
}

// Submit adds payments of our own, which must be good.
func (p *Pool) Submit(txs ...*core.Transaction) {
	out, _ := p.AddTxs(context.Background(), "", txs)
	for i := range out {
		if out[i].Err != nil {
			panic(fmt.Sprintf("fakechain: submit: %v", out[i].Err))
		}
	}
}

// Remove takes a payment out, as its expiry would.
func (p *Pool) Remove(id core.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pool.Remove(id, uint64(time.Now().UnixMilli()))
}

// Count returns how many payments there are.
func (p *Pool) Count() (n int) {
	p.ReadPool(func(pool *mempool.Pool) { n = pool.Stats(0).Count })
	return n
}

// Has reports whether all of some payments are there.
func (p *Pool) Has(txs ...*core.Transaction) (ok bool) {
	p.ReadPool(func(pool *mempool.Pool) {
		ok = !slices.ContainsFunc(txs, func(t *core.Transaction) bool { return !pool.Has(t.ID()) })
	})
	return ok
}

// Judged returns how many signatures peers made us verify.
func (p *Pool) Judged() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.judged
}

// Forgotten returns the peers that left.
func (p *Pool) Forgotten() []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.Clone(p.forgotten)
}

// ReadPool calls read with the pool.
func (p *Pool) ReadPool(read func(*mempool.Pool)) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	read(p.pool)
}

// SubscribePool returns a channel that is poked after each change.
func (p *Pool) SubscribePool() (<-chan struct{}, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ch := make(chan struct{}, 1)
	p.watchers[ch] = true
	return ch, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, ch)
	}
}

// ForgetTxPeer drops what a peer's orphans take.
func (p *Pool) ForgetTxPeer(from string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pool.ForgetPeer(from)
	p.forgotten = append(p.forgotten, from)
}

// poke wakes the watchers; p.mu is held.
func (p *Pool) poke() {
	for ch := range p.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
