package chain

import (
	"context"
	"fmt"
	"slices"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

const (
	// lateAge is how long, in milliseconds, payments of the journal wait for coins
	// that the chain has lost: half an hour, in which peers have brought the blocks
	// again or do not have them.
	lateAge = 30 * 60 * 1000
	// lateSender names the journal to the pool, which keeps orphans by sender.
	lateSender = "journal"
)

// latePayments are those of the journal that somebody was told of and whose coins
// were not there, or too young, when it was loaded. A power cut loses the last
// blocks, and a payment that was promised to outlive it may spend what they made.
// txJournal.mu guards them; there are no more than the journal had.
type latePayments struct {
	list  []keepable
	tip   core.Hash // when they were last tried
	until uint64    // Unix milliseconds
}

// mayCome reports whether a payment was refused for coins that blocks may bring.
func mayCome(err error) bool {
	switch core.CodeOf(err) {
	case core.ErrMissingCoin, core.ErrImmature:
		return true
	}
	return false
}

// offerLate offers late payments again, if the tip has moved. Those that come in
// are appended to the journal anew before they leave the list, so that no rewrite
// loses them.
func (m *Manager) offerLate(ctx context.Context) error {
	list := m.pool.journal.dueLate(m.Tip().ID, m.now())
	if len(list) == 0 {
		return nil
	}
	txs, times := make([]*core.Transaction, len(list)), make([]uint64, len(list))
	for i := range list {
		txs[i], times[i] = list[i].tx.Transaction(), list[i].time
	}
	outs, err := m.offerTxs(ctx, lateSender, txs, times)
	m.ForgetTxPeer(lateSender)
	if err != nil {
		return fmt.Errorf("offer payments of the journal again: %w", err)
	}
	keep, _ := m.toKeep(outs, nil)
	if err := m.append(keep); err != nil {
		return fmt.Errorf("keep payments of the journal: %w", err)
	}
	m.pool.journal.settleLate(outs)
	m.pool.feed.wake()
	return nil
}

// dueLate returns a copy of the late payments if they are to be tried at this tip.
// It gives them up when their time is over.
func (j *txJournal) dueLate(tip core.Hash, now uint64) []keepable {
	j.mu.Lock()
	defer j.mu.Unlock()
	if now >= j.late.until {
		j.late.list = nil
	}
	if j.late.tip == tip {
		return nil
	}
	j.late.tip = tip
	return slices.Clone(j.late.list)
}

// settleLate keeps those late payments that still miss something.
func (j *txJournal) settleLate(outs []mempool.Outcome) {
	still := make(map[core.Hash]bool)
	for i := range outs {
		if mayCome(outs[i].Err) {
			still[outs[i].Tx.ID()] = true
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.late.list = slices.DeleteFunc(j.late.list, func(k keepable) bool { return !still[k.tx.ID()] })
}
