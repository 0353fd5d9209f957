package chain

import (
	"sync/atomic"

	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/signature"
)

// Held tells how much the manager holds in memory: heights that differ from the
// store's index, and header records.
func (m *Manager) Held() (over, records int) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	m.tree.mu.Lock()
	defer m.tree.mu.Unlock()
	return len(m.over), len(m.tree.cached)
}

// LimitTree bounds the header records held in memory, of which there are not as
// many yet.
func (m *Manager) LimitTree(n int) {
	m.tree.mu.Lock()
	defer m.tree.mu.Unlock()
	m.tree.limit = n
}

// FillWaiting makes the manager believe that as many blocks as allowed wait for
// a parent's body.
func (m *Manager) FillWaiting() {
	m.change.Lock()
	defer m.change.Unlock()
	m.nWaiting = maxWaiting
}

// MaxVerdicts is the bound on remembered verdicts of each kind.
const MaxVerdicts = maxVerdicts

// HeaderVerdicts tells how many verdicts on headers are held in memory.
func (m *Manager) HeaderVerdicts() int {
	m.verdicts.mu.Lock()
	defer m.verdicts.mu.Unlock()
	return len(m.verdicts.headers)
}

// CountSignatures counts from now on the signatures that are asked for in the
// cache: those that it knows, and those that are to be verified.
func (m *Manager) CountSignatures() (known, unknown *atomic.Int64) {
	c := &countingCache{SignatureCache: m.pool.sigs}
	m.pool.sigs = c
	return &c.known, &c.unknown
}

type countingCache struct {
	core.SignatureCache
	known, unknown atomic.Int64
}

func (c *countingCache) Has(it *signature.Item) bool {
	ok := c.SignatureCache.Has(it)
	if ok {
		c.known.Add(1)
	} else {
		c.unknown.Add(1)
	}
	return ok
}

// LimitMoves bounds what the pool is given of a reorganisation at once, in bytes.
func (m *Manager) LimitMoves(bytes int) { m.pool.moveBytes = bytes }

// LockChange keeps everything from changing the chain until unlock is called.
func (m *Manager) LockChange() (unlock func()) {
	m.change.Lock()
	return m.change.Unlock
}

// SearchFactor bounds the search for bad signatures.
const SearchFactor = searchFactor

// MaxFaults bounds what TxFaults returns.
const MaxFaults = maxFaults

// RewriteJournal rewrites the journal as TendPool does, whether it is time to or
// not.
func (m *Manager) RewriteJournal() error { return m.rewriteJournal(false) }

// SaveOwed writes payments of reverted blocks to the journal.
func (m *Manager) SaveOwed() { m.saveOwed() }

// AppendToJournal appends a record of nobody's.
func (m *Manager) AppendToJournal(r journal.Record) error { return m.pool.journal.file.Append(r) }

// RemoveTx takes a payment from the pool.
func (m *Manager) RemoveTx(id core.Hash) {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	m.pool.pool.Remove(id, m.now())
}

// Notes tells of how many payments the journal knows, and how many of them are
// being written.
func (m *Manager) Notes() (count, writing int) {
	m.pool.journal.mu.Lock()
	defer m.pool.journal.mu.Unlock()
	for _, k := range m.pool.journal.kept {
		if k.writing != 0 {
			writing++
		}
	}
	return len(m.pool.journal.kept), writing
}

// ForgetNotes looks for notes of payments that have left the pool, however few
// there are.
func (m *Manager) ForgetNotes() error {
	m.pool.journal.mu.Lock()
	m.pool.journal.forgetAt = 0
	m.pool.journal.mu.Unlock()
	m.pool.forgetNotes()
	return nil
}

// NotesGrowth and NotesSlack bound the notes of the journal; LoadTxs is how many
// payments of it are judged together.
const (
	NotesGrowth = notesGrowth
	NotesSlack  = notesSlack
	LoadTxs     = loadTxs
)

// WithJournal returns o with the journal adjusted.
func (o Options) WithJournal(opts journal.Options) Options {
	o.journal = opts
	return o
}
