package chain

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/core"
)

// rewriteJournal replaces the journal by one of the payments in the pool: those
// that it should hold, or all. What a block took is dropped, once that block
// would survive a power cut.
func (m *Manager) rewriteJournal(all bool) error {
	m.pool.journal.rewriting.Lock()
	defer m.pool.journal.rewriting.Unlock()
	return m.rewriteLocked(all)
}

// makeRoom rewrites a full journal, unless somebody else has since so many rewrites
// were done.
func (m *Manager) makeRoom(done uint64) error {
	j := m.pool.journal
	j.rewriting.Lock()
	defer j.rewriting.Unlock()
	if j.done() != done {
		return nil
	}
	return m.rewriteLocked(false)
}

// done is how many rewrites have succeeded.
func (j *txJournal) done() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.rewrites
}

// rewriteLocked is rewriteJournal for who holds txJournal.rewriting.
func (m *Manager) rewriteLocked(all bool) error {
	j := m.pool.journal
	// The mark comes first: what is reserved from begin on is appended behind it.
	// Then the notes, then the pool: what was noted by then is in the pool, or has
	// left it.
	mark := j.file.Mark()
	late, before := j.begin()
	entries := m.pool.snapshot()
	if err := m.store.Sync(); err != nil {
		j.giveUp(before)
		return fmt.Errorf("sync the chain before payments are dropped from the journal: %w", err)
	}
	if err := j.file.Rewrite(mark, j.records(entries, late, all)); err != nil {
		j.giveUp(before)
		return err
	}
	m.pool.rewritten(entries)
	return nil
}

// snapshot lists the payments in the pool.
func (p *txPool) snapshot() []mempool.Saved {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.pool.Snapshot()
}

// begin notes that from here on no record is relied on that is there. It returns
// the late payments, which are not in the pool, and what giveUp asks for.
func (j *txJournal) begin() (late []keepable, before uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	before, j.began = j.began, j.serial
	return slices.Clone(j.late.list), before
}

// giveUp notes that the old file stands. If it is not even known whether it does,
// the journal has failed, and the next rewrite settles that.
func (j *txJournal) giveUp(before uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.began = before
}

// records makes records of what the journal is to hold, each in the place of the
// one before. Those of late payments come last; what came in meanwhile is there
// twice.
func (j *txJournal) records(entries []mempool.Saved, late []keepable, all bool) iter.Seq[journal.Record] {
	return func(yield func(journal.Record) bool) {
		waiting := make(map[core.Hash]bool, len(late))
		for i := range late {
			waiting[late[i].tx.ID()] = true
		}
		r := journal.Record{}
		for i := range entries {
			e := &entries[i]
			k := j.note(e.ID())
			if !k.due && k.writing == 0 && !all {
				continue
			}
			r.Time, r.Acknowledged = e.Time, k.told || waiting[e.ID()]
			r.Tx = e.Transaction().AppendTo(slices.Grow(r.Tx[:0], e.Size()))
			if !yield(r) {
				return
			}
			delete(waiting, e.ID())
		}
		late = slices.DeleteFunc(late, func(k keepable) bool { return !waiting[k.tx.ID()] })
		for r := range recordsOf(late) {
			if !yield(r) {
				return
			}
		}
	}
}

func (j *txJournal) note(id core.Hash) keeping {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.kept[id]
}

// rewritten notes what the new file has. Of the notes from before, those of
// entries are in it; what was reserved since is behind the mark; the others' records
// are gone.
func (p *txPool) rewritten(entries []mempool.Saved) {
	j := p.journal
	p.mu.RLock()
	defer p.mu.RUnlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.serial++
	j.rewrites++
	for i := range entries {
		id := entries[i].ID()
		if k, ok := j.kept[id]; ok && k.serial <= j.began {
			k.saved, k.due, k.serial = true, true, j.serial
			j.kept[id] = k
		}
	}
	j.forget(p.pool)
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
