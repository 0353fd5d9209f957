package index

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// Kinds of failure, for errors.Is. Besides there are [chain.ErrNotFound],
// [chain.ErrDisk] and [chain.ErrClosed].
var (
	// ErrDamaged says that the index's own store is damaged. Nobody need do
	// anything: Run builds it anew, or the next start does.
	ErrDamaged = errors.New("the address index is damaged and will be built anew")
	// ErrStopped is the answer to who waits for an index that follows the chain no
	// longer.
	ErrStopped = errors.New("the address index has stopped following the chain")
)

// damageMark is a file in the store's directory that tells the next start to
// build the index anew.
const damageMark = "DAMAGED"

// Source is the chain as the index needs it; [chain.Manager] is one.
type Source interface {
	Rules() *core.Rules
	Tip() core.HeaderState
	HeaderState(id core.Hash) (core.HeaderState, bool)
	Subscribe() (wake <-chan struct{}, cancel func())
	UpdatesSince(cursor core.Hash, n int) (chain.Updates, error)
}

var _ Source = (*chain.Manager)(nil)

// Options adjust an index. The zero value is a sensible default.
type Options struct {
	// CacheBytes and MemTableBytes are DefaultCacheBytes and
	// DefaultMemTableBytes if zero.
	CacheBytes    int64
	MemTableBytes uint64
	// BatchBytes is how much is gathered in memory before it is written while the
	// chain is far ahead; DefaultBatchBytes if zero. A block is never divided.
	BatchBytes int
	// Logger is told of progress and of damage; nil means none.
	Logger *slog.Logger
	// FS, unless nil, stands for the disk.
	FS vfs.FS
}

func (o Options) withDefaults() Options {
	if o.CacheBytes <= 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = DefaultMemTableBytes
	}
	if o.BatchBytes <= 0 {
		o.BatchBytes = DefaultBatchBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	return o
}

// Tip is a block that the index stands at. It is zero before genesis.
type Tip struct {
	Height uint32
	ID     core.Hash
}

// Index is the address and transaction index of one chain. Its methods may be
// called at the same time.
type Index struct {
	src  Source
	dir  string
	opts Options

	// run is held while the store is changed: by Run, and by Close.
	run sync.Mutex

	// mu guards what follows; it is held for moments.
	mu sync.Mutex
	// store is nil while the index is made anew and once it is closed.
	store *store
	// tip is what the store's newest batch left.
	tip Tip
	// changed is closed and replaced when tip or stopped change.
	changed chan struct{}
	// stopped says why nothing more will come; nil while Run may bring more.
	stopped error
	closed  bool
	// abandoned is set when Run left a call into a stuck store behind, which keeps
	// run locked.
	abandoned bool
	progress  progress
}

// progress is how far building the index is.
type progress struct {
	// building is set while the chain is far ahead.
	building bool
	// since and from are when and at which height the present stretch began.
	since time.Time
	from  uint32
	// steps are the blocks added and taken back in that stretch.
	steps uint64
	// anew says why the store was last made anew; empty if it was not.
	anew string
}

// Open opens the index in a directory of its own, which is made if missing. A
// store that is damaged, of another format or of another network is deleted and
// begun anew, with a line in the log. It fails with [chain.ErrDisk], or with
// [chain.ErrLocked] while the store is open elsewhere.
func Open(dir string, src Source, opts Options) (*Index, error) {
	x := &Index{src: src, dir: dir, opts: opts.withDefaults(), changed: make(chan struct{})}
	if err := x.open(); err != nil {
		return nil, fmt.Errorf("open address index in %s: %w", dir, err)
	}
	return x, nil
}

// open sets the store and the tip. x.run is held, or nobody knows x yet.
func (x *Index) open() error {
	s, tip, err := x.openOnce()
	if errors.Is(err, ErrDamaged) {
		x.opts.Logger.Warn("the address index is built anew", "dir", x.dir, "reason", err)
		x.mu.Lock()
		x.progress.anew = err.Error()
		x.mu.Unlock()
		if err := wipe(x.dir, x.opts.FS); err != nil {
			return err
		}
		s, tip, err = x.openOnce()
	}
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.store, x.tip = s, tip
	x.wake()
	return nil
}

func (x *Index) openOnce() (*store, Tip, error) {
	if err := x.opts.FS.MkdirAll(x.dir, 0o700); err != nil {
		return nil, Tip{}, fmt.Errorf("%w: %w", chain.ErrDisk, err)
	}
	s, err := openStore(x.dir, x.src.Rules().GenesisID(), &x.opts)
	if err != nil {
		return nil, Tip{}, err
	}
	var tip Tip
	if err := s.use(func() (err error) { tip, err = tipOf(s, s.db); return err }); err != nil {
		return nil, Tip{}, errors.Join(err, s.close())
	}
	return s, tip, nil
}

// anew deletes the store and begins another. x.run is held.
func (x *Index) anew(reason error) error {
	x.mu.Lock()
	s := x.store
	x.store, x.tip = nil, Tip{}
	x.mu.Unlock()
	if s != nil {
		x.mark()
		// What Pebble says of a damaged store as it closes is no news.
		if err := s.close(); s.fault.StuckErr() != nil {
			return err // the mark is seen at the next start
		}
	}
	x.opts.Logger.Warn("the address index is built anew", "dir", x.dir, "reason", reason)
	if err := wipe(x.dir, x.opts.FS); err != nil {
		return err
	}
	if err := x.open(); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.progress = progress{anew: reason.Error()}
	return nil
}

// mark makes the next start build the index anew, as well as the disk allows.
func (x *Index) mark() {
	f, err := x.opts.FS.Create(x.opts.FS.PathJoin(x.dir, damageMark), vfs.WriteCategoryUnspecified)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err != nil {
		x.opts.Logger.Warn("cannot mark the address index as damaged; delete its directory", "dir", x.dir, "err", err)
	}
}

// wake tells who waits that something changed. x.mu is held.
func (x *Index) wake() {
	close(x.changed)
	x.changed = make(chan struct{})
}

// current returns the open store.
func (x *Index) current() (*store, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.closed:
		return nil, fmt.Errorf("address index: %w", chain.ErrClosed)
	case x.store == nil:
		return nil, ErrDamaged
	}
	return x.store, nil
}

// Close waits for Run, whose context must have ended, and for open views, and
// closes the store. Closing again does nothing.
func (x *Index) Close() error {
	x.mu.Lock()
	abandoned := x.abandoned
	x.mu.Unlock()
	if !abandoned {
		x.run.Lock()
		defer x.run.Unlock()
	}
	x.mu.Lock()
	s, done := x.store, x.closed
	x.closed = true
	x.stopped = fmt.Errorf("address index: %w", chain.ErrClosed)
	x.wake()
	x.mu.Unlock()
	if done || s == nil {
		return nil
	}
	return s.close()
}
