package chain

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/core"
)

// SubmitTxs is [Manager.AddTxs] for our own users, who are told that their
// payments are kept. It returns once accepted and known ones, with what they
// depend on in the pool, would survive a kill or a power cut. If that fails, which
// is [ErrNotKept], they may be in the pool, but nothing is promised: to submit them
// again is safe.
func (m *Manager) SubmitTxs(ctx context.Context, txs []*core.Transaction) ([]mempool.Outcome, error) {
	outs, err := m.AddTxs(ctx, "", txs)
	if err != nil || m.pool.journal == nil {
		return outs, err
	}
	list, mined := m.toKeep(outs, nil)
	if mined {
		if err := m.store.Sync(); err != nil {
			return nil, notKept(fmt.Errorf("sync the chain, which has payments that are submitted: %w", err))
		}
	}
	if err := notKept(m.append(list)); err != nil {
		return nil, err
	}
	return outs, nil
}

// JournalErr says why no payment can be kept safe now, as [ErrNotKept] or
// [ErrClosed]; nil if they can, or if there is no journal.
func (m *Manager) JournalErr() error {
	if m.pool.journal == nil {
		return nil
	}
	return notKept(m.pool.journal.file.Err())
}

// notKept is a failure of the journal as the chain's.
func notKept(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, journal.ErrClosed):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return fmt.Errorf("%w: %w", ErrNotKept, err)
}

// saveOwed writes payments of reverted blocks to the journal, which may have
// dropped them when they were confirmed: somebody may have been told that they
// are kept, before a restart even. What cannot be written stays owed. It returns
// once nobody else writes such payments either: then the store may forget the blocks.
func (m *Manager) saveOwed() {
	if m.pool == nil || m.pool.journal == nil {
		return
	}
	m.pool.journal.saving.Lock()
	defer m.pool.journal.saving.Unlock()
	owed := m.pool.takeUnsaved()
	if len(owed) == 0 {
		return
	}
	list, _ := m.toKeep(nil, owed)
	err := m.append(list)
	if err == nil {
		return
	}
	m.pool.owe(owed)
	if !errors.Is(err, journal.ErrClosed) {
		m.opts.Logger.Error("payments of reverted blocks are not in the journal yet", "count", len(owed), "err", err)
	}
}

// owe notes again what the journal lacks, if it still waits for a block.
func (p *txPool) owe(ids []core.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		if p.pool.Has(id) {
			p.unsaved[id] = true
		}
	}
}

// takeUnsaved returns what the journal owes.
func (p *txPool) takeUnsaved() []core.Hash {
	p.mu.RLock()
	none := len(p.unsaved) == 0
	p.mu.RUnlock()
	if none {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := slices.Collect(maps.Keys(p.unsaved))
	clear(p.unsaved)
	return ids
}

// toKeep lists payments that wait for a block, each behind those that it depends
// on: accepted and known ones of outs, and owed ones. Mined says that some of outs
// are known for being in a block instead.
func (m *Manager) toKeep(outs []mempool.Outcome, owed []core.Hash) (list []keepable, mined bool) {
	p := m.pool
	g := gatherer{pool: p.pool, seen: make(map[core.Hash]int, len(outs)+len(owed))}
	now := m.now()
	p.mu.RLock()
	defer p.mu.RUnlock()
	for i := range outs {
		o := &outs[i]
		if o.Err != nil {
			continue
		}
		switch {
		case g.add(o.Tx.ID(), true):
		case o.Status == mempool.Accepted:
			// A block took it meanwhile, which may be lost in a crash.
			g.list = append(g.list, keepable{tx: o.Tx, time: now, told: true})
		default: // nobody has looked at these witnesses, so the journal must not have them
			mined = true
		}
	}
	for _, id := range owed {
		if g.add(id, false) {
			g.list[g.seen[id]].due = true
		}
	}
	return g.list, mined
}

// gatherer collects entries of the pool with their ancestors.
type gatherer struct {
	pool *mempool.Pool
	list []keepable
	seen map[core.Hash]int // places in list
}

// add appends an entry behind its ancestors, unless it is there, and reports
// whether there is such an entry.
func (g *gatherer) add(id core.Hash, told bool) bool {
	if at, ok := g.seen[id]; ok {
		g.list[at].told = g.list[at].told || told
		return true
	}
	e, ok := g.pool.Get(id)
	if !ok {
		return false
	}
	if e.Ancestors > 0 {
		inputs := e.Transaction().Inputs
		for i := range inputs {
			g.add(inputs[i].TxID, false)
		}
	}
	g.seen[id] = len(g.list)
	g.list = append(g.list, keepable{tx: e.Tx, time: e.Time, told: told})
	return true
}

// append writes what the journal does not have yet, and syncs. If the journal is
// full it is rewritten first, once for all who find it so.
func (m *Manager) append(list []keepable) error {
	defer m.pool.forgetNotes()
	j := m.pool.journal
	done := j.done()
	err := j.append(list)
	if !errors.Is(err, journal.ErrFull) {
		return err
	}
	if err := m.makeRoom(done); err != nil {
		return err
	}
	return j.append(list)
}

func (j *txJournal) append(list []keepable) error {
	if err := j.file.Err(); err != nil {
		return err
	}
	list, serial := j.reserve(list)
	if len(list) == 0 {
		// A rewrite that has failed since may have put its file in place nevertheless.
		return j.file.Err()
	}
	size := 0
	for i := range list {
		size += journal.RecordBytes + list[i].tx.Size()
	}
	err := j.file.AppendSeq(recordsOf(list), size)
	j.written(list, serial, err == nil)
	return err
}

// recordsOf makes records, each in the place of the one before.
func recordsOf(list []keepable) iter.Seq[journal.Record] {
	return func(yield func(journal.Record) bool) {
		var buf []byte
		for i := range list {
			buf = list[i].tx.Transaction().AppendTo(slices.Grow(buf[:0], list[i].tx.Size()))
			if !yield(journal.Record{Time: list[i].time, Acknowledged: list[i].told, Tx: buf}) {
				return
			}
		}
	}
}
