package chain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/core"
)

// txJournal is the file of payments that must not be lost, and what is known of
// it. A payment goes into the pool, then into kept, then into the file: so a
// rewrite, which looks in the opposite order, has it or leaves its record alone.
type txJournal struct {
	file *journal.Journal
	// rewriting is held by the one rewrite.
	rewriting sync.Mutex

	mu sync.Mutex
	// kept are payments that the file holds or should hold, and those that somebody
	// was told of and that a block took, as long as the pool remembers: they may
	// come back. Guarded by mu.
	kept   map[core.Hash]keeping
	serial uint64 // of the last append, guarded by mu
	late   latePayments
}

// keeping says what the journal has of a payment.
type keeping struct {
	// told says that somebody was told that the payment is kept. The others are in
	// the file since such a one depends on them, or for having been in a block.
	told bool
	// saved says that the file holds it, synced, with that flag; due, that it should:
	// it was saved once, or came back from a block.
	saved, due bool
	// writing is how many appends of it are under way; serial is the number of the
	// last one, so that any change shows.
	writing int
	serial  uint64
}

// keepable is a payment to be written.
type keepable struct {
	tx        *mempool.Tx
	time      uint64
	told, due bool
}

func (k *keepable) record() journal.Record {
	return journal.Record{Time: k.time, Acknowledged: k.told, Tx: k.tx.Transaction().AppendTo(make([]byte, 0, k.tx.Size()))}
}

// lacks reports whether a payment is not in the file. Without a journal, none is
// missed.
func (j *txJournal) lacks(id core.Hash) bool {
	if j == nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.kept[id].saved
}

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
	if err := notKept(m.append(m.toKeep(outs, nil))); err != nil {
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
// are kept, before a restart even. What cannot be written stays owed.
func (m *Manager) saveOwed() {
	if m.pool == nil || m.pool.journal == nil {
		return
	}
	owed := m.pool.takeUnsaved()
	if len(owed) == 0 {
		return
	}
	err := m.append(m.toKeep(nil, owed))
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
// on: accepted and known ones of outs, and owed ones.
func (m *Manager) toKeep(outs []mempool.Outcome, owed []core.Hash) []keepable {
	p := m.pool
	g := gatherer{pool: p.pool, seen: make(map[core.Hash]int)}
	now := m.now()
	p.mu.RLock()
	defer p.mu.RUnlock()
	for i := range outs {
		o := &outs[i]
		if o.Err != nil {
			continue
		}
		if !g.add(o.Tx.ID(), true) && o.Status == mempool.Accepted {
			// A block took it meanwhile, which may be lost in a crash.
			g.list = append(g.list, keepable{tx: o.Tx, time: now, told: true})
		}
	}
	for _, id := range owed {
		if g.add(id, false) {
			g.list[g.seen[id]].due = true
		}
	}
	return g.list
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
// full it is rewritten first.
func (m *Manager) append(list []keepable) error {
	err := m.pool.journal.append(list)
	if !errors.Is(err, journal.ErrFull) {
		return err
	}
	if err := m.rewriteJournal(false); err != nil {
		return err
	}
	return m.pool.journal.append(list)
}

func (j *txJournal) append(list []keepable) error {
	if err := j.file.Err(); err != nil {
		return err
	}
	if list = j.reserve(list); len(list) == 0 {
		return nil
	}
	records := make([]journal.Record, len(list))
	for i := range list {
		records[i] = list[i].record()
	}
	err := j.file.Append(records...)
	j.written(list, err == nil)
	return err
}

// reserve returns what is to be written of a list, and notes that it is.
func (j *txJournal) reserve(list []keepable) (left []keepable) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.serial++
	for _, k := range list {
		id := k.tx.ID()
		was := j.kept[id]
		if was.saved && (was.told || !k.told) {
			continue
		}
		k.told = k.told || was.told
		j.kept[id] = keeping{told: k.told, saved: was.saved, due: was.due || k.due, writing: was.writing + 1, serial: j.serial}
		left = append(left, k)
	}
	return left
}

// written notes how writing went. What could not be written may yet be in the
// file, but nobody relies on it.
func (j *txJournal) written(list []keepable, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, k := range list {
		id := k.tx.ID()
		now := j.kept[id]
		now.writing--
		// Another append may have promised more since than this one wrote.
		now.saved = now.saved || ok && (k.told || !now.told)
		now.due = now.due || ok
		if !now.due && now.writing == 0 {
			delete(j.kept, id)
			continue
		}
		j.kept[id] = now
	}
}

// rewriteJournal replaces the journal by one of the payments in the pool: those
// that it should hold, or all. What a block took is dropped, once that block
// would survive a power cut.
func (m *Manager) rewriteJournal(all bool) error {
	p, j := m.pool, m.pool.journal
	j.rewriting.Lock()
	defer j.rewriting.Unlock()
	settled := j.settled()
	mark := j.file.Mark()
	p.mu.RLock()
	entries := p.pool.Snapshot()
	confirmed := make(map[core.Hash]bool)
	for id := range settled {
		if why, ok := p.pool.Explain(id); ok && why.Reason == mempool.Confirmed {
			confirmed[id] = true
		}
	}
	p.mu.RUnlock()
	if err := m.store.Sync(); err != nil {
		return fmt.Errorf("sync the chain before payments are dropped from the journal: %w", err)
	}
	records, written := j.choose(entries, all)
	if err := j.file.Rewrite(mark, records); err != nil {
		return err
	}
	j.rewritten(settled, written, confirmed)
	return nil
}

// settled returns what is known of payments of which no append is under way.
func (j *txJournal) settled() map[core.Hash]keeping {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := make(map[core.Hash]keeping, len(j.kept))
	for id, k := range j.kept {
		if k.writing == 0 {
			list[id] = k
		}
	}
	return list
}

// choose makes records of the entries that the journal is to hold.
func (j *txJournal) choose(entries []mempool.Entry, all bool) (records []journal.Record, written map[core.Hash]bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	written = make(map[core.Hash]bool)
	for i := range entries {
		e := &entries[i]
		k := j.kept[e.ID()]
		if !k.due && k.writing == 0 && !all {
			continue
		}
		one := keepable{tx: e.Tx, time: e.Time, told: k.told}
		records = append(records, one.record())
		written[e.ID()] = true
	}
	for i := range j.late.list {
		if k := &j.late.list[i]; !written[k.tx.ID()] {
			records = append(records, k.record())
		}
	}
	return records, written
}

// rewritten notes what the new file has. Settled is what was known before; what
// has changed since is behind the mark.
func (j *txJournal) rewritten(settled map[core.Hash]keeping, written, confirmed map[core.Hash]bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for id, was := range settled {
		if j.kept[id] != was {
			continue
		}
		switch {
		case written[id]:
			was.saved = true
			j.kept[id] = was
		case confirmed[id] && was.told:
			was.saved = false // to be written again if the block is reverted
			j.kept[id] = was
		default:
			delete(j.kept, id)
		}
	}
}

// tendJournal rewrites the journal if it is time to.
func (m *Manager) tendJournal() error {
	if !m.pool.journal.file.ShouldRewrite() {
		return nil
	}
	return m.rewriteJournal(false)
}

// closeJournal saves the whole pool.
func (m *Manager) closeJournal() error {
	j := m.pool.journal
	if j == nil {
		return nil
	}
	err := m.rewriteJournal(true)
	if err = errors.Join(err, j.file.Close()); err != nil {
		return fmt.Errorf("save the pool of payments: %w", err)
	}
	return nil
}
