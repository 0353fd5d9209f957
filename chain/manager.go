package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/core"
)

// RulesRevision numbers the meaning of the rules in this release. Raise it when
// a rule changes: verdicts of another revision are judged again.
const RulesRevision uint32 = 1

const (
	// DefaultFlushBytes is how much unflushed state is held while syncing.
	DefaultFlushBytes = 32 << 20 // 32 MiB
	// DefaultNearTip is how far behind the best header, in blocks, the tip may be
	// for every change of it to be flushed.
	DefaultNearTip = 16

	maxTips     = 1024   // leaves of the header tree
	maxWaiting  = 16_384 // stored blocks that wait for their parent's body
	maxVerdicts = 4096   // remembered verdicts of each kind
)

// Phases that Options.Trace is told of.
const (
	PhaseFlushing     = "flushing"
	PhaseReorganising = "reorganising"
)

// Options adjust a Manager. The zero value is a sensible default.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger receives log lines; nil means none.
	Logger *slog.Logger
	// FlushBytes bounds the unflushed state while syncing, in bytes; 0 means
	// DefaultFlushBytes.
	FlushBytes int
	// NearTip is how many blocks behind the best header every change of the tip
	// is still flushed; 0 means DefaultNearTip.
	NearTip uint32
	// Trace, unless nil, is told when a phase begins and ends. It is for tests
	// that kill the process in the midst of one: it is called with the chain
	// locked and must not call back.
	Trace func(phase string, begin bool)
	// Reindex rebuilds everything but the bodies from the bodies.
	Reindex bool
	// Policy is what the pool of payments goes by; nil means
	// [mempool.DefaultPolicy].
	Policy *mempool.Policy
	// Journal is the path of the file of payments that must survive a kill; with
	// none, nothing is kept. A file that cannot be read is set aside as
	// <path>.damaged.
	Journal string
	// journal adjusts the journal, for tests.
	journal journal.Options
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.FlushBytes <= 0 {
		o.FlushBytes = DefaultFlushBytes
	}
	if o.NearTip == 0 {
		o.NearTip = DefaultNearTip
	}
	if o.Trace == nil {
		o.Trace = func(string, bool) {}
	}
	return o
}

// Manager keeps one network's chain. Its methods may be called at the same
// time: changes wait for each other, readers wait for no block to be judged.
type Manager struct {
	store Store
	rules *core.Rules
	opts  Options
	tree  *tree

	// change serialises everything that changes the chain, and guards the fields
	// up to mu. Where both are taken, it comes before mu; the pool's lock is taken
	// between the two.
	change turn
	// work is the state after the block that the coins stand at: store and cache
	// together. It equals tip but in the midst of a reorganisation.
	work  *core.State
	coins *coinCache
	// undo and index are what connecting and undoing did since the last commit;
	// in index, the zero hash stands for no block. Writing undo takes mu as well,
	// so that either lock serves for reading it.
	undo      map[core.Hash]UndoRecord
	undoBytes int
	index     map[uint32]core.Hash
	// flushed is the state that the store's coins are those of.
	flushed *core.State
	// ready are complete blocks, not known bad, that are heavier than the tip.
	ready map[core.Hash]core.Work
	// waiting lists stored blocks by the parent whose body is missing.
	waiting  map[core.Hash][]core.Hash
	nWaiting int
	// recent holds the bodies that are just being added.
	recent map[core.Hash]*core.Block
	// vouched is the block after which our stored coins were last found to be
	// what the accumulator says.
	vouched core.Hash
	// broken is set for good once our own coins are found wrong.
	broken error
	closed bool

	// mu guards what readers see; it is held for short moments only.
	mu sync.RWMutex
	// tip is the state that readers see; it is replaced, never changed.
	tip *core.State
	// over names the tip's chain's block at heights where the store's index
	// differs, and perhaps at others. Entries above the tip mean nothing.
	over map[uint32]core.Hash
	// best is the heaviest header that no verdict condemns.
	best *Record
	// tips are the leaves of the header tree, at most maxTips.
	tips map[core.Hash]core.Work

	verdicts verdicts
	feed     feed

	// pool is made at the end of Open and never replaced.
	pool *txPool
}

// Open starts with what the store holds, walks to the best branch stored, and
// initialises a new store. The Manager owns the store from then on, unless it
// fails.
func Open(store Store, rules *core.Rules, opts Options) (*Manager, error) {
	return OpenContext(context.Background(), store, rules, opts)
}

// OpenContext is [Open] for a start that may take long, after a crash in the
// midst of a long reorganisation or to rebuild the chain. When ctx ends it
// fails, and the next start goes on or begins again.
func OpenContext(ctx context.Context, store Store, rules *core.Rules, opts Options) (*Manager, error) {
	m := &Manager{
		store: store, rules: rules, opts: opts.withDefaults(), tree: newTree(store),
		change: newTurn(),
		coins:  newCoinCache(),
		undo:   make(map[core.Hash]UndoRecord), index: make(map[uint32]core.Hash),
		ready: make(map[core.Hash]core.Work), waiting: make(map[core.Hash][]core.Hash),
		over: make(map[uint32]core.Hash), tips: make(map[core.Hash]core.Work),
	}
	m.verdicts.init()
	if err := m.open(ctx); err != nil {
		return nil, fmt.Errorf("open chain: %w", err)
	}
	return m, nil
}

func (m *Manager) open(ctx context.Context) error {
	if err := m.openChain(ctx); err != nil {
		return err
	}
	return m.openPool(ctx)
}

// openChain loads or makes the chain and walks to its best branch.
func (m *Manager) openChain(ctx context.Context) error {
	m.change.Lock()
	defer m.change.Unlock()
	half, err := m.store.Reindexing()
	if err != nil {
		return err
	}
	if m.store.ReadOnly() {
		if half || m.opts.Reindex {
			return fmt.Errorf("%w: an unfinished reindex is to be finished by a node first", ErrReadOnly)
		}
		return m.load()
	}
	if half || m.opts.Reindex {
		return m.reindex(ctx)
	}
	if err := m.load(); errors.Is(err, ErrNotFound) && !errors.Is(err, ErrCorrupt) {
		if err := m.create(); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	return m.activate(ctx)
}

// create writes the genesis block into a new store, and makes sure of it: from
// then on there is a chain to open and to verify, however the process ends.
func (m *Manager) create() error {
	g := m.rules.Genesis()
	st := m.rules.Params().GenesisState()
	r := &Record{Header: g.Header, ID: g.ID(), Flags: FlagBody | FlagComplete}
	err := m.store.Save(&Changes{Records: []*Record{r}, Bodies: []*core.Block{g}, Tips: []core.Hash{r.ID}})
	if err != nil {
		return err
	}
	err = m.store.Commit(&Commit{State: &st, Index: map[uint32]core.Hash{0: r.ID}})
	if err != nil {
		return err
	}
	if err := m.store.Sync(); err != nil {
		return err
	}
	return m.load()
}

// load reads everything that is kept in memory. ErrNotFound means that the
// store is new.
func (m *Manager) load() error {
	flushed, err := m.store.Flushed()
	if err != nil {
		return err
	}
	m.flushed, m.work, m.tip = flushed, flushed, flushed
	if ids, err := m.store.Index(0, 1); err != nil {
		return err
	} else if len(ids) == 1 && ids[0] != m.rules.GenesisID() {
		return fmt.Errorf("the store %w: its genesis is %s, the rules' %s", ErrWrongNetwork, ids[0], m.rules.GenesisID())
	}
	if m.best, err = m.tree.get(flushed.ID); err != nil {
		return corrupt(err, "header of the flushed block %s", flushed.ID)
	}
	ids, err := m.store.Index(flushed.Height, 1)
	if err != nil {
		return err
	}
	if len(ids) == 0 || ids[0] != flushed.ID {
		return corruptf("the index does not name the flushed block %s at height %d", flushed.ID, flushed.Height)
	}
	if err := m.loadTips(); err != nil {
		return err
	}
	kin, err := m.store.Waiting()
	if err != nil {
		return err
	}
	for _, k := range kin {
		m.wait(k)
	}
	if err := m.loadVerdicts(); err != nil {
		return err
	}
	return m.rejudge()
}

func (m *Manager) loadTips() error {
	ids, err := m.store.Tips()
	if err != nil {
		return err
	}
	for _, id := range append(ids, m.flushed.ID) {
		r, err := m.tree.get(id)
		if err != nil {
			return corrupt(err, "tip %s of the header tree", id)
		}
		m.tips[id] = r.Work
	}
	if len(ids) > 0 && !containsHash(ids, m.flushed.ID) {
		delete(m.tips, m.flushed.ID)
	}
	return nil
}

func containsHash(ids []core.Hash, id core.Hash) bool {
	for i := range ids {
		if ids[i] == id {
			return true
		}
	}
	return false
}

func (m *Manager) wait(k Kin) {
	m.waiting[k.Parent] = append(m.waiting[k.Parent], k.Child)
	m.nWaiting++
}

// Flush writes the state to the store, without waiting for the disk.
func (m *Manager) Flush() error {
	m.change.Lock()
	defer m.change.Unlock()
	return m.flush()
}

// Sync flushes and returns once every block added so far would survive a kill or a
// power cut: what is owed to whoever was told that a block is stored.
func (m *Manager) Sync() error {
	if err := m.Flush(); err != nil {
		return err
	}
	return m.store.Sync()
}

// Close flushes and closes the store, and saves the pool. Closing again does
// nothing.
func (m *Manager) Close() error {
	m.change.Lock()
	defer m.change.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	var flushed, synced error
	if !m.store.ReadOnly() {
		if flushed = m.flush(); flushed == nil {
			synced = m.store.Sync()
		}
	}
	saved := m.closeJournal()
	return errors.Join(flushed, synced, saved, m.store.Close())
}

// unflushed is roughly how much memory the changes since the last commit take.
func (m *Manager) unflushed() int {
	return m.coins.bytes() + m.undoBytes + len(m.index)*indexCost
}

// flush commits everything up to the work position. m.change is held.
func (m *Manager) flush() error {
	if m.work.ID == m.flushed.ID && len(m.index) == 0 && len(m.undo) == 0 {
		return nil
	}
	if m.broken != nil {
		return m.broken
	}
	m.opts.Trace(PhaseFlushing, true)
	defer m.opts.Trace(PhaseFlushing, false)
	if err := m.coverIndex(); err != nil {
		return err
	}
	c := &Commit{State: m.work, Index: m.index, Undo: make([]UndoRecord, 0, len(m.undo))}
	c.Created, c.Spent = m.coins.commit()
	for _, u := range m.undo {
		c.Undo = append(c.Undo, u)
	}
	if err := m.store.Commit(c); err != nil {
		return fmt.Errorf("flush at height %d: %w", m.work.Height, err)
	}
	m.flushed = m.work
	m.coins.clear()
	m.index = make(map[uint32]core.Hash)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.undo, m.undoBytes = make(map[core.Hash]UndoRecord), 0
	if m.tip.ID == m.flushed.ID {
		m.over = make(map[uint32]core.Hash)
	}
	return nil
}

// coverIndex remembers the tip's chain at heights where the store's index is
// about to leave it: readers see the tip's chain until a reorganisation ends.
func (m *Manager) coverIndex() error {
	if m.work.ID == m.tip.ID {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for h := range m.index {
		if _, ok := m.over[h]; ok || h > m.tip.Height {
			continue
		}
		ids, err := m.store.Index(h, 1)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return corruptf("no index entry at height %d", h)
		}
		m.over[h] = ids[0]
	}
	return nil
}
