package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/internal/failstop"
	"github.com/ingchain/ingchain/core"
)

const (
	// DefaultCacheBytes is the memory for blocks of the store's files that were
	// read, in bytes.
	DefaultCacheBytes = 32 << 20
	// DefaultMemTableBytes is the memory for writes that it gathers, in bytes;
	// there may be two such tables at a time.
	DefaultMemTableBytes = 16 << 20

	maxOpenFiles = 256
	bloomBits    = 10 // bits per key: about 1 % of false hits
)

// store is an open Pebble store, with who uses it.
type store struct {
	db    *pebble.DB
	fault *failstop.Fault
	life  *failstop.Lifetime
	// lock, unless nil, is released when the store is closed.
	lock *pebble.Lock
	// recent belongs to the batch in the making.
	recent *recent
}

// openStore opens the store in a directory or makes a new one. ErrDamaged means
// that what is there is of no use; chain.ErrLocked that it is in use; other
// failures are the disk's.
func openStore(dir string, genesis core.Hash, opts *Options) (*store, error) {
	// First of all, so that nobody's open store is taken for a damaged one.
	lock, err := pebble.LockDirectory(dir, opts.FS)
	if err != nil {
		return nil, fmt.Errorf("%w: the address index: %w", chain.ErrLocked, err)
	}
	s, err := openLocked(dir, genesis, lock, opts)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

func openLocked(dir string, genesis core.Hash, lock *pebble.Lock, opts *Options) (*store, error) {
	if _, err := opts.FS.Stat(opts.FS.PathJoin(dir, damageMark)); err == nil {
		return nil, damagedf("it was found so while the node last ran")
	}
	desc, err := pebble.Peek(dir, opts.FS)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, openError(err)
	}
	fresh := err != nil || !desc.Exists
	if fresh {
		names, err := opts.FS.List(dir)
		if err != nil {
			return nil, openError(err)
		}
		if len(names) > 1 { // our lock is one
			return nil, damagedf("the file that names its parts is missing")
		}
	}
	if fresh {
		s, err := openOnce(dir, lock, opts)
		if err != nil {
			return nil, err
		}
		// Closing writes it to the disk. A new store begins in the oldest format;
		// opened again, all that follows has the newest.
		if err := errors.Join(s.identify(genesis), s.close()); err != nil {
			return nil, err
		}
	}
	s, err := openOnce(dir, lock, opts)
	if err != nil {
		return nil, err
	}
	if err := s.use(func() error { return s.checkIdentity(genesis) }); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.lock = lock // not before: who called closes it after a failure
	return s, nil
}

func openOnce(dir string, lock *pebble.Lock, opts *Options) (*store, error) {
	s := &store{fault: failstop.New(opts.Logger, "index", ErrDamaged), life: failstop.NewLifetime(), recent: newRecent()}
	o := &pebble.Options{
		FS:                 s.fault.FS(opts.FS),
		Lock:               lock,
		FormatMajorVersion: pebble.FormatNewest,
		Cache:              pebble.NewCache(opts.CacheBytes),
		MemTableSize:       opts.MemTableBytes,
		MaxOpenFiles:       maxOpenFiles,
		// What a log would save in a crash, the feed brings again.
		DisableWAL:    true,
		Logger:        s.fault,
		EventListener: s.fault.Listener(),
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	var opened *pebble.DB
	err := s.fault.Call(func() (err error) {
		defer o.Cache.Unref()
		opened, err = pebble.Open(dir, o)
		return err
	})
	if err := errors.Join(s.fault.StuckErr(), err); err != nil {
		return nil, openError(err) // opened is not ours
	}
	s.db = opened
	return s, nil
}

// openError tells a store that is damaged from a disk that refuses. Anything
// that the system did not refuse, a missing file included, is damage: the worst
// that follows is that the index is built once more.
func openError(err error) error {
	var refused syscall.Errno
	switch {
	case errors.Is(err, ErrDamaged) || errors.Is(err, chain.ErrDisk):
		return err
	case errors.As(err, &refused) && refused != syscall.ENOENT:
		return fmt.Errorf("%w: %w", chain.ErrDisk, err)
	default:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
}

// identify writes into a new store whose it is.
func (s *store) identify(genesis core.Hash) error {
	return s.use(func() error {
		b := s.db.NewBatch()
		defer s.release(b)
		err := errors.Join(b.Set(keySchema, binary.LittleEndian.AppendUint32(nil, schema), nil), b.Set(keyGenesis, genesis[:], nil))
		if err == nil {
			err = s.fault.Call(func() error { return b.Commit(pebble.NoSync) })
		}
		return storeError("write", err)
	})
}

// release gives back a batch that is no longer used. In a store that is stuck
// Pebble may hold it.
func (s *store) release(b *pebble.Batch) {
	if s.fault.StuckErr() == nil {
		_ = b.Close() // its memory is used again; nothing is promised
	}
}

// checkIdentity compares what identify wrote. It is called inside use.
func (s *store) checkIdentity(genesis core.Hash) error {
	version, err := s.get(s.db, keySchema)
	if err != nil {
		return storeError("read the format", err)
	}
	if len(version) != 4 || binary.LittleEndian.Uint32(version) != schema {
		return damagedf("its format is %x, this release writes %d", version, schema)
	}
	id, err := s.get(s.db, keyGenesis)
	if err != nil {
		return storeError("read the genesis", err)
	}
	if string(id) != string(genesis[:]) {
		return damagedf("it is of the network with genesis %x", id)
	}
	return nil
}

// storeError gives a failure of Pebble its kind. A row that must be there and
// is not is damage.
func storeError(what string, err error) error {
	switch {
	case err == nil, errors.Is(err, ErrDamaged), errors.Is(err, chain.ErrDisk), errors.Is(err, chain.ErrClosed):
		return err
	case errors.Is(err, pebble.ErrNotFound) || pebble.IsCorruptionError(err) || errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s: %w", ErrDamaged, what, err)
	default:
		return fmt.Errorf("%w: %s: %w", chain.ErrDisk, what, err)
	}
}

// get returns a copy of a row, or pebble.ErrNotFound.
func (s *store) get(r pebble.Reader, key []byte) (value []byte, err error) {
	v, closer, err := r.Get(key)
	if err != nil {
		return nil, err
	}
	value = append(value, v...)
	return value, closer.Close()
}

// use runs a call into Pebble while the store is open and sound. What writes
// goes through fault.Call inside.
func (s *store) use(call func() error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.life.Leave()
	return call()
}

func (s *store) enter() error {
	if err := s.fault.Err(); err != nil {
		return err
	}
	if !s.life.Enter() {
		return fmt.Errorf("address index: %w", chain.ErrClosed)
	}
	return nil
}

// close refuses new users, waits for the others, writes what is in memory, and
// closes. A store that is stuck is left as it is: Pebble may hold its locks for
// ever.
func (s *store) close() error {
	idle, first := s.life.End()
	if !first {
		return nil
	}
	select {
	case <-idle:
	case <-s.fault.Stuck():
	}
	err := s.fault.Call(func() error {
		var err error
		if s.fault.Err() == nil {
			err = s.db.Flush()
		}
		return errors.Join(err, s.db.Close())
	})
	if stuck := s.fault.StuckErr(); stuck != nil {
		return stuck
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return storeError("close", err)
}

// each calls fn for the rows that begin with prefix, in order of their keys.
// Key and value are only lent.
func each(r pebble.Reader, prefix []byte, fn func(key, value []byte) error) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: behind(prefix)})
	if err != nil {
		return storeError("read rows", err)
	}
	defer func() { err = errors.Join(err, storeError("read rows", it.Close())) }()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return storeError("read a row", err)
		}
		if err := fn(it.Key(), value); err != nil {
			return err
		}
	}
	return nil
}

// ours are beginnings and ends of the names of files in a store.
var ours = []struct{ prefix, suffix string }{
	{"", ".sst"}, {"", ".log"}, {"", ".blob"}, {"", ".dbtmp"},
	{"MANIFEST-", ""}, {"OPTIONS-", ""}, {"marker.", ""}, {"LOCK", ""}, {"CURRENT", ""}, {damageMark, ""},
}

// wipe deletes a store. A directory that holds anything else is left alone.
func wipe(dir string, fsys vfs.FS) error {
	names, err := fsys.List(dir)
	if err != nil {
		return fmt.Errorf("%w: list the address index: %w", chain.ErrDisk, err)
	}
	for _, name := range names {
		known := slices.ContainsFunc(ours, func(o struct{ prefix, suffix string }) bool {
			return strings.HasPrefix(name, o.prefix) && strings.HasSuffix(name, o.suffix)
		})
		if !known {
			return fmt.Errorf("%s holds %q, which is not the address index's: give the index a directory of its own", dir, name)
		}
	}
	if err := fsys.RemoveAll(dir); err != nil {
		return fmt.Errorf("%w: delete the address index: %w", chain.ErrDisk, err)
	}
	return nil
}
