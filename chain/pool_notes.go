package chain

import (
	"sync"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/core"
)

const (
	// notesGrowth and notesSlack say how many notes there may be before those of
	// payments that have left the pool are looked for: so many times those that were
	// left the last time, in per cent, and so many more.
	notesGrowth = 125
	notesSlack  = 4096
)

// txJournal is the file of payments that must not be lost, and what is known of
// it. A payment goes into the pool, then into kept, then into the file: so a
// rewrite, which looks in the opposite order, has it or leaves its record alone.
type txJournal struct {
	file *journal.Journal
	// rewriting is held by the one rewrite.
	rewriting sync.Mutex
	// saving is held by the one who writes payments of reverted blocks. It comes
	// before rewriting.
	saving sync.Mutex

	// mu guards what follows. Where both are taken, txPool.mu comes before it.
	mu sync.Mutex
	// kept are payments that the file holds or should hold, and those that somebody
	// was told of and that a block took, as long as the pool remembers: they may
	// come back. Those that have left the pool for another reason are dropped once
	// there are forgetAt.
	kept     map[core.Hash]keeping
	forgetAt int
	// serial is that of the last change that gave a note a new one, from 1.
	serial uint64
	// began is the serial at which the last rewrite began that is under way or has
	// succeeded. Records of notes up to there may be gone with the old file.
	began uint64
	// rewrites is how many have succeeded.
	rewrites uint64
	late     latePayments
}

// keeping says what the journal has of a payment.
type keeping struct {
	// told says that somebody was told that the payment is kept. The others are in
	// the file since such a one depends on them, or for having been in a block.
	told bool
	// saved says that the file got it, synced, with that flag; see txJournal.has. Due
	// says that it should hold it: it was saved once, or came back from a block.
	saved, due bool
	// writing is how many appends of it are under way.
	writing int32
	// serial is that of the last append that was begun, or of the rewrite that has
	// written it since.
	serial uint64
}

// keepable is a payment to be written.
type keepable struct {
	tx        *mempool.Tx
	time      uint64
	told, due bool
}

func newTxJournal(file *journal.Journal) *txJournal {
	return &txJournal{file: file, kept: make(map[core.Hash]keeping), forgetAt: notesSlack, serial: 1}
}

// has reports whether the file holds a payment for sure. While a rewrite is under
// way, that is so only of what was reserved since it began: it drops the record of
// one that was not in the pool then, and that may come again at any moment. j.mu is
// held.
func (j *txJournal) has(k keeping) bool { return k.saved && k.serial > j.began }

// lacks reports whether a payment is not in the file. Without a journal, none is
// missed.
func (j *txJournal) lacks(id core.Hash) bool {
	if j == nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.has(j.kept[id])
}

// loaded notes what the file held when it was opened.
func (j *txJournal) loaded(list []keepable) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range list {
		j.kept[list[i].tx.ID()] = keeping{told: list[i].told, saved: true, due: true, serial: j.serial}
	}
}

// reserve returns what is to be written of a list, and notes that it is.
func (j *txJournal) reserve(list []keepable) (left []keepable, serial uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.serial++
	left = make([]keepable, 0, len(list))
	for _, k := range list {
		id := k.tx.ID()
		was, noted := j.kept[id]
		if k.due && !noted {
			// It was in a block, and nobody knows any more if somebody was told: before a
			// restart, say. To explain one too many costs little.
			k.told = true
		}
		if j.has(was) && (was.told || !k.told) {
			continue
		}
		k.told = k.told || was.told
		j.kept[id] = keeping{told: k.told, saved: j.has(was) && was.told == k.told, due: was.due || k.due, writing: was.writing + 1, serial: j.serial}
		left = append(left, k)
	}
	return left, j.serial
}

// written notes how writing went that was reserved at that serial. What could not
// be written may yet be in the file, but nobody relies on it; nor on what may have
// been written before the mark of a rewrite, which takes note of it itself.
func (j *txJournal) written(list []keepable, serial uint64, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, k := range list {
		id := k.tx.ID()
		now := j.kept[id]
		now.writing--
		// Another append may have promised more since than this one wrote.
		now.saved = now.saved || ok && serial > j.began && (k.told || !now.told)
		now.due = now.due || ok
		if !now.due && now.writing == 0 {
			delete(j.kept, id)
			continue
		}
		j.kept[id] = now
	}
}

// forgetNotes drops notes of payments that have left the pool, if there are so
// many that it is worth looking. If one comes again, it is written again.
func (p *txPool) forgetNotes() {
	j := p.journal
	j.mu.Lock()
	few := len(j.kept) < j.forgetAt
	j.mu.Unlock()
	if few {
		return
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.kept) >= j.forgetAt { // nobody else has looked
		j.forget(p.pool)
	}
}

// forget drops notes of payments that nobody writes, that have left the pool, and
// that no block took which could be reverted. j.mu is held, and the pool's.
func (j *txJournal) forget(pool *mempool.Pool) {
	for id, k := range j.kept {
		if k.writing == 0 && !pool.Has(id) && (!k.told || !wasConfirmed(pool, id)) {
			delete(j.kept, id)
		}
	}
	j.forgetAt = len(j.kept)*notesGrowth/100 + notesSlack
}

// wasConfirmed reports whether a payment left the pool for a block.
func wasConfirmed(pool *mempool.Pool, id core.Hash) bool {
	why, ok := pool.Explain(id)
	return ok && why.Reason == mempool.Confirmed
}
