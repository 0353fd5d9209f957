package pebbledb

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/internal/failstop"
	"github.com/ingchain/ingchain/core"
)

const (
	// storeDir is the store's directory inside the data directory.
	storeDir = "chain"

	// DefaultCacheBytes is the memory that a store on disk takes for blocks of its
	// files that it has read, in bytes.
	DefaultCacheBytes = 64 << 20
	// DefaultMemTableBytes is the memory for writes that it gathers, in bytes;
	// there may be two such tables at a time.
	DefaultMemTableBytes = 32 << 20

	// A store in memory is for tests and simulations of many nodes.
	memCacheBytes    = 1 << 20
	memMemTableBytes = 1 << 20

	maxOpenFiles   = 256
	walBytesSynced = 1 << 20 // after how many bytes the disk begins to write
	bloomBits      = 10      // bits per key: about 1 % of false hits
)

// Options adjust a store. The zero value is a sensible default.
type Options struct {
	// CacheBytes and MemTableBytes are DefaultCacheBytes and
	// DefaultMemTableBytes if zero.
	CacheBytes    int64
	MemTableBytes uint64
	// Logger receives the store's own log lines; nil means none.
	Logger *slog.Logger
	// Lock is the caller's own lock on the directory; nil means that opening
	// acquires one, and closing gives it free.
	Lock *Lock
	// FS, unless nil, stands for the disk. The directory is then not locked.
	FS vfs.FS
}

// Open opens the store in a data directory, which is made if missing, and locks
// the directory. It fails with [chain.ErrLocked], [chain.ErrWrongNetwork],
// [chain.ErrSchema], [chain.ErrCorrupt] or [chain.ErrDisk].
func Open(dir string, genesis core.Hash, opts Options) (*DB, error) {
	db, err := open(dir, genesis, opts, false)
	if err != nil {
		return nil, fmt.Errorf("open store in %s: %w", dir, err)
	}
	return db, nil
}

// OpenReadOnly opens an existing store without changing it, for as many readers
// as like at a time. A missing one is [chain.ErrNotFound].
func OpenReadOnly(dir string, genesis core.Hash, opts Options) (*DB, error) {
	db, err := open(dir, genesis, opts, true)
	if err != nil {
		return nil, fmt.Errorf("open store in %s: %w", dir, err)
	}
	return db, nil
}

// OpenMem makes a store in memory that takes little of it.
func OpenMem(genesis core.Hash) (*DB, error) {
	return Open("mem", genesis, Options{
		FS: vfs.NewMem(), CacheBytes: memCacheBytes, MemTableBytes: memMemTableBytes,
	})
}

func open(dir string, genesis core.Hash, opts Options, readOnly bool) (_ *DB, err error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	var lock *Lock
	if opts.FS == nil {
		opts.FS = vfs.Default
		if opts.Lock == nil {
			if lock, err = lockDir(dir, readOnly); err != nil {
				return nil, err
			}
		}
		if readOnly {
			opts.FS = unlocked{opts.FS}
		}
	}
	db := &DB{
		lock: lock, readOnly: readOnly, life: failstop.NewLifetime(),
		fault: failstop.New(opts.Logger, "pebble", chain.ErrCorrupt),
	}
	if err := db.openPebble(filepath.Join(dir, storeDir), opts); err != nil {
		if lock != nil {
			err = errors.Join(err, lock.Release())
		}
		return nil, err
	}
	db.reader = reader{db, db.pebble}
	if err := db.checkMeta(genesis); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// unlocked leaves out Pebble's own lock, which would keep readers from each
// other; ours does not.
type unlocked struct{ vfs.FS }

// Lock implements vfs.FS.
func (unlocked) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// Unwrap implements vfs.FS.
func (u unlocked) Unwrap() vfs.FS { return u.FS }

func lockDir(dir string, readOnly bool) (*Lock, error) {
	if !readOnly {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	} else if _, err := os.Stat(filepath.Join(dir, storeDir)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no chain yet", chain.ErrNotFound)
	}
	return Acquire(dir, readOnly)
}

func (db *DB) openPebble(dir string, opts Options) error {
	desc, err := pebble.Peek(dir, opts.FS)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", chain.ErrDisk, err)
	}
	exists := err == nil && desc.Exists
	if !exists && db.readOnly {
		return fmt.Errorf("%w: there is no chain yet", chain.ErrNotFound)
	}
	if err := db.openOnce(dir, opts); err != nil {
		return err
	}
	if exists {
		return nil
	}
	// The log of a new store was begun in the oldest format, which passes over
	// damaged records in silence; the next one has the newest format.
	if err := db.fault.Call(db.pebble.Close); err != nil {
		return fmt.Errorf("%w: %w", chain.ErrDisk, err)
	}
	return db.openOnce(dir, opts)
}

func (db *DB) openOnce(dir string, opts Options) error {
	o := db.pebbleOptions(opts)
	var opened *pebble.DB
	err := db.fault.Call(func() (err error) {
		defer o.Cache.Unref()
		opened, err = pebble.Open(dir, o)
		return err
	})
	failed := db.fault.Err()
	switch {
	case db.fault.StuckErr() != nil:
		return failed // opened is not ours
	case err == nil:
		db.pebble = opened
		return nil
	case failed != nil:
		return fmt.Errorf("%w: %w", failed, err)
	case pebble.IsCorruptionError(err):
		return fmt.Errorf("%w: %w", chain.ErrCorrupt, err)
	default:
		return fmt.Errorf("%w: %w", chain.ErrDisk, err)
	}
}

func (db *DB) pebbleOptions(opts Options) *pebble.Options {
	cache, table := opts.CacheBytes, opts.MemTableBytes
	if cache == 0 {
		cache = DefaultCacheBytes
	}
	if table == 0 {
		table = DefaultMemTableBytes
	}
	o := &pebble.Options{
		FS:                 db.fault.FS(opts.FS),
		FormatMajorVersion: pebble.FormatNewest,
		Cache:              pebble.NewCache(cache),
		MemTableSize:       table,
		MaxOpenFiles:       maxOpenFiles,
		WALBytesPerSync:    walBytesSynced,
		ReadOnly:           db.readOnly,
		Logger:             db.fault,
		EventListener:      db.fault.Listener(),
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	return o
}
