package chain

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/signature/sigcache"
)

// maxFaults bounds how many late faults of payments are kept for [Manager.TxFaults].
const maxFaults = 256

// txPool is the pool of payments and what belongs to it.
//
// It stands at the tip that readers see, but in the moment of a change: the
// pool moves under mu in the same section of Manager.change that moves the tip.
// If the disk fails then, it stays where it was until moving it succeeds.
type txPool struct {
	// turn is held by the one batch of payments that waits for Manager.change or
	// has it, so that a block never waits for more than one section of one batch.
	turn turn
	// sigs are signatures that have verified, so that a block of known payments
	// costs almost nothing.
	sigs core.SignatureCache
	feed feed
	// moveBytes is how much of the blocks of a reorganisation the pool is given at
	// once.
	moveBytes int
	// journal is nil if nothing is kept on disk.
	journal *txJournal

	// mu guards what follows. Manager.change comes before it, Manager.mu after.
	mu   sync.RWMutex
	pool *mempool.Pool
	// tip is the state that the pool stands at. To move it takes Manager.change too.
	tip *core.State
	// faults are payments that turned out to break a rule when the tip moved, at
	// most maxFaults.
	faults []mempool.Fault
	// unsaved are payments that came back from reverted blocks and that the journal
	// does not have, until Manager.saveOwed.
	unsaved map[core.Hash]bool
}

// openPool makes the pool on the tip, with what the journal holds.
func (m *Manager) openPool(ctx context.Context) error {
	policy := mempool.DefaultPolicy()
	if m.opts.Policy != nil {
		policy = *m.opts.Policy
	}
	pool, err := mempool.New(m.rules, policy, m.work.Height)
	if err != nil {
		return fmt.Errorf("pool of payments: %w", err)
	}
	m.pool = &txPool{turn: newTurn(), sigs: sigcache.New(sigcache.DefaultEntries), moveBytes: moveBytes, pool: pool, tip: m.work, unsaved: make(map[core.Hash]bool)}
	if m.opts.Journal == "" || m.store.ReadOnly() {
		return nil
	}
	return m.openJournal(ctx)
}

// ReadPool calls read with the pool, which nobody changes meanwhile. It never
// waits for a block to be judged. Read must be quick, must not keep p, and must
// not call the Manager. [mempool.Pool.Height] is that of the tip.
func (m *Manager) ReadPool(read func(p *mempool.Pool)) {
	m.pool.mu.RLock()
	defer m.pool.mu.RUnlock()
	read(m.pool.pool)
}

// SubscribePool returns a channel that is poked after every change of the pool;
// pokes that nobody took merge into one. Pull with [mempool.Pool.List] and the
// number of the last entry seen, then wait. cancel ends the subscription; the
// channel is not closed.
func (m *Manager) SubscribePool() (wake <-chan struct{}, cancel func()) {
	return m.pool.feed.subscribe()
}

// ForgetTxPeer drops the orphans that only this peer has sent: it has left.
func (m *Manager) ForgetTxPeer(from string) {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	m.pool.pool.ForgetPeer(from)
}

// TxFaults returns, once, the orphans that turned out to break a rule when a
// block brought what they spend, with the peers that sent them.
func (m *Manager) TxFaults() []mempool.Fault {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	faults := m.pool.faults
	m.pool.faults = nil
	return faults
}

// TendPool does what time asks for: it removes payments that have waited too
// long, tries those of the journal again whose coins were lost with the last
// blocks, and rewrites the journal if most of it is of no use any more. It is to be
// called now and then, each minute say.
func (m *Manager) TendPool() {
	if m.store.ReadOnly() {
		return
	}
	m.catchUpPool()
	p := m.pool
	p.mu.Lock()
	removed := p.pool.Expire(m.now())
	p.mu.Unlock()
	if len(removed) > 0 {
		p.feed.wake()
	}
	if p.journal == nil {
		return
	}
	m.saveOwed()
	if err := m.offerLate(context.Background()); err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, journal.ErrClosed) {
		m.opts.Logger.Error("payments of the journal, whose coins may be there again, cannot be offered", "err", err)
	}
	if err := m.tendJournal(); err != nil && !errors.Is(err, journal.ErrClosed) {
		m.opts.Logger.Error("the journal of payments cannot be written: none is acknowledged until that succeeds", "err", err)
	}
}
