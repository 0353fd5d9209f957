package chain

import (
	"context"
	"fmt"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

const (
	// sectionTxs and sectionCoins are how many payments, and inputs of them, go
	// into the pool while the chain is locked: some ten milliseconds, for which a
	// block may have to wait.
	sectionTxs   = 512
	sectionCoins = 2048
)

// offered is a payment on its way into the pool.
type offered struct {
	out  *mempool.Outcome
	sigs []core.BlockSignature
	time uint64 // when it came, in Unix milliseconds
}

// AddTxs offers payments to the pool, which come from one sender: from names the
// peer. Signatures are verified together, over the cores, before anything is
// locked. The payments may spend each other's outputs. The outcomes are in the
// order of txs; some of them may contradict each other, since a later payment can
// replace or evict an earlier one.
//
// An error is our own failure: the disk, a closed store, or ctx, which also ends
// the wait for a long change of the chain. Some of the payments may be in the
// pool then; to offer them again does no harm.
func (m *Manager) AddTxs(ctx context.Context, from string, txs []*core.Transaction) ([]mempool.Outcome, error) {
	if m.store.ReadOnly() {
		return nil, fmt.Errorf("add payments: %w", ErrReadOnly)
	}
	outs, err := m.offerTxs(ctx, from, txs, nil)
	if err != nil {
		return nil, fmt.Errorf("add payments: %w", err)
	}
	return outs, nil
}

// offerTxs is AddTxs for payments that came at certain times, in Unix
// milliseconds; nil means now.
func (m *Manager) offerTxs(ctx context.Context, from string, txs []*core.Transaction, times []uint64) ([]mempool.Outcome, error) {
	outs := make([]mempool.Outcome, len(txs))
	list := m.screenTxs(txs, times, outs)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	list = m.verifyTxs(list, from != "")
	if err := m.addTxs(ctx, from, list); err != nil {
		return nil, err
	}
	settlePromoted(outs)
	return outs, nil
}

// screenTxs judges what needs no signature: known ones, form, and what the
// policy refuses whatever is spent. It returns those that are left.
func (m *Manager) screenTxs(txs []*core.Transaction, times []uint64, outs []mempool.Outcome) []offered {
	list := make([]offered, len(txs))
	errs := make([]error, len(txs))
	parallelChunks(len(txs), func(i int) {
		outs[i].Tx = mempool.NewTx(txs[i])
		list[i].out = &outs[i]
		list[i].sigs, errs[i] = m.rules.CheckTxForm(txs[i])
	})
	now := m.now()
	left := list[:0]
	m.pool.mu.RLock()
	defer m.pool.mu.RUnlock()
	for i, o := range list {
		known, err := m.pool.pool.Screen(o.out.Tx, now)
		switch {
		case known:
			o.out.Status = mempool.Known
		case errs[i] != nil:
			o.out.Err = errs[i]
		case err != nil:
			o.out.Err, o.out.Unverified = err, true
		default:
			o.time = now
			if times != nil {
				o.time = times[i]
			}
			left = append(left, o)
		}
	}
	return left
}

// addTxs puts verified payments into the pool, section by section.
func (m *Manager) addTxs(ctx context.Context, from string, list []offered) error {
	for len(list) > 0 {
		n, coins := 0, 0
		for n < len(list) && n < sectionTxs && (n == 0 || coins < sectionCoins) {
			coins += len(list[n].out.Tx.Transaction().Inputs)
			n++
		}
		if err := m.addSection(ctx, from, list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// addSection puts some payments into the pool, with the coins of the tip.
func (m *Manager) addSection(ctx context.Context, from string, list []offered) error {
	p := m.pool
	if err := p.turn.LockContext(ctx); err != nil {
		return err
	}
	defer p.turn.Unlock()
	if err := m.change.LockContext(ctx); err != nil {
		return err
	}
	defer m.change.Unlock()
	if err := m.settleChain(ctx); err != nil {
		return err
	}
	coins, err := m.coins.fetch(m.store, m.poolNeeds(list))
	if err != nil {
		return fmt.Errorf("coins of %d payments: %w", len(list), err)
	}
	changed := false
	p.mu.Lock()
	for _, o := range list {
		o.out.Result, o.out.Err = p.pool.Add(o.out.Tx, coins, o.time, from)
		changed = changed || o.out.Status == mempool.Accepted
	}
	p.mu.Unlock()
	if changed {
		p.feed.wake()
	}
	return nil
}

// poolNeeds lists the coins of the chain that payments take.
func (m *Manager) poolNeeds(list []offered) (ops []core.Outpoint) {
	m.pool.mu.RLock()
	defer m.pool.mu.RUnlock()
	for _, o := range list {
		ops = append(ops, m.pool.pool.Needs(o.out.Tx.Transaction())...)
	}
	return ops
}

// settleChain makes sure that coins, tip and pool are of one block: a change of
// the chain that was stopped in its midst goes on first. m.change is held.
func (m *Manager) settleChain(ctx context.Context) error {
	if m.closed {
		return ErrClosed
	}
	if m.broken != nil {
		return m.broken
	}
	if m.work.ID != m.tip.ID {
		if err := m.activate(ctx); err != nil {
			return err
		}
	}
	return m.followTip()
}

// settlePromoted calls those accepted whose parents stood behind them.
func settlePromoted(outs []mempool.Outcome) {
	var late map[core.Hash]bool
	for i := range outs {
		for _, tx := range outs[i].Promoted {
			if late == nil {
				late = make(map[core.Hash]bool)
			}
			late[tx.ID()] = true
		}
	}
	if late == nil {
		return
	}
	for i := range outs {
		if o := &outs[i]; o.Status == mempool.Orphan && late[o.Tx.ID()] {
			o.Status, o.Err, o.Missing = mempool.Accepted, nil, nil
		}
	}
}
