package pebbledb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/internal/failstop"
	"github.com/ingchain/ingchain/core"
)

// tornGap is how long a torn commit lies open.
const tornGap = 20 * time.Millisecond

// DB is a chain's store. Its methods may be called at the same time.
type DB struct {
	reader
	pebble   *pebble.DB
	lock     *Lock
	readOnly bool
	life     *failstop.Lifetime
	fault    *failstop.Fault
}

var _ chain.Store = (*DB)(nil)

// use runs a call into Pebble while the store is open and sound. What writes
// goes through fault.Call inside.
func (db *DB) use(call func() error) (err error) {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.life.Leave()
	return call()
}

func (db *DB) enter() error {
	if err := db.fault.Err(); err != nil {
		return err
	}
	if !db.life.Enter() {
		return chain.ErrClosed
	}
	return nil
}

// Failed is closed once the disk has failed or damage was found; Err then says
// what. Nothing can be written afterwards, and the process should end: what
// Pebble was doing stays where it is.
func (db *DB) Failed() <-chan struct{} { return db.fault.Failed() }

// Err returns what made the store fail, or nil.
func (db *DB) Err() error { return db.fault.Err() }

// ReadOnly implements [chain.Store].
func (db *DB) ReadOnly() bool { return db.readOnly }

// Snapshot implements [chain.Store].
func (db *DB) Snapshot() (chain.Snapshot, error) {
	if err := db.enter(); err != nil {
		return nil, err
	}
	// The snapshot keeps the store open until it is closed itself.
	s := db.pebble.NewSnapshot()
	return &snapshot{reader: reader{db, s}, s: s}, nil
}

type snapshot struct {
	reader
	s *pebble.Snapshot
}

// Close implements [chain.Snapshot].
func (s *snapshot) Close() error {
	defer s.db.life.Leave()
	return s.s.Close()
}

// Tips implements [chain.Store].
func (db *DB) Tips() ([]core.Hash, error) {
	value, err := db.get(keyTips)
	if errors.Is(err, chain.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if len(value)%core.HashSize != 0 {
		return nil, fmt.Errorf("%w: tips of %d bytes", chain.ErrCorrupt, len(value))
	}
	var ids []core.Hash
	for ; len(value) > 0; value = value[core.HashSize:] {
		ids = append(ids, core.Hash(value[:core.HashSize]))
	}
	return ids, nil
}

// Verdicts implements [chain.Store].
func (db *DB) Verdicts() (list []*chain.Verdict, err error) {
	err = db.each([]byte{prefixVerdict}, upper(prefixVerdict), func(key, value []byte, err error) error {
		if err != nil {
			return err
		}
		v, err := parseVerdict(key, value)
		list = append(list, v)
		return err
	})
	return list, err
}

// Waiting implements [chain.Store].
func (db *DB) Waiting() (list []chain.Kin, err error) {
	err = db.each([]byte{prefixWaiting}, upper(prefixWaiting), func(key, _ []byte, err error) error {
		if err != nil {
			return err
		}
		k, err := parseWaitingKey(key)
		list = append(list, k)
		return err
	})
	return list, err
}

// batch gathers sealed writes.
type batch struct {
	b   *pebble.Batch
	err error
}

// set copies key, value and checksum into the batch.
func (w *batch) set(key, value []byte) {
	if w.err != nil {
		return
	}
	op := w.b.SetDeferred(len(key), len(value)+crcSize)
	copy(op.Key, key)
	copy(op.Value, value)
	binary.LittleEndian.PutUint32(op.Value[len(value):], checksum(key, value))
	w.err = op.Finish()
}

func (w *batch) delete(key []byte) {
	if w.err == nil {
		w.err = w.b.Delete(key, nil)
	}
}

func (w *batch) deleteRange(from, to []byte) {
	if w.err == nil {
		w.err = w.b.DeleteRange(from, to, nil)
	}
}

// write fills a batch and commits it.
func (db *DB) write(opts *pebble.WriteOptions, fill func(w *batch)) error {
	if db.readOnly {
		return chain.ErrReadOnly
	}
	return db.use(func() error {
		w := &batch{b: db.pebble.NewBatch()}
		fill(w)
		err := w.err
		if err == nil {
			err = db.fault.Call(func() error { return w.b.Commit(opts) })
		}
		if err := db.fault.StuckErr(); err != nil {
			return err // and the batch is still Pebble's
		}
		if err = errors.Join(err, w.b.Close()); err != nil {
			return fmt.Errorf("%w: write: %w", chain.ErrDisk, err)
		}
		return nil
	})
}

// Save implements [chain.Store].
func (db *DB) Save(c *chain.Changes) error {
	return db.write(pebble.NoSync, func(w *batch) {
		for _, b := range c.Bodies {
			w.set(blockKey(prefixBody, b.Header.Height, b.ID()), b.Bytes())
		}
		for _, r := range c.Records {
			w.set(headerKey(r.ID), r.AppendTo(make([]byte, 0, chain.RecordSize)))
		}
		if c.Tips != nil {
			ids := make([]byte, 0, len(c.Tips)*core.HashSize)
			for i := range c.Tips {
				ids = append(ids, c.Tips[i][:]...)
			}
			w.set(keyTips, ids)
		}
		for _, k := range c.Waiting {
			w.set(waitingKey(k), nil)
		}
		for _, k := range c.Linked {
			w.delete(waitingKey(k))
		}
		for _, id := range c.Cleared {
			w.delete(verdictKey(id))
		}
		for _, v := range c.Judged {
			w.set(verdictKey(v.ID), verdictValue(v))
		}
		for _, k := range c.Dropped {
			w.delete(blockKey(prefixBody, k.Height, k.ID))
		}
	})
}

// Commit implements [chain.Store]: one batch, so that a crash leaves all of it
// or nothing.
func (db *DB) Commit(c *chain.Commit) error {
	if tornCommit {
		if err := db.write(pebble.NoSync, func(w *batch) { fillState(w, c) }); err != nil {
			return err
		}
		time.Sleep(tornGap)
		return db.write(pebble.NoSync, func(w *batch) { fillCoins(w, c) })
	}
	return db.write(pebble.NoSync, func(w *batch) {
		fillState(w, c)
		fillCoins(w, c)
	})
}

func fillState(w *batch, c *chain.Commit) {
	for i := range c.Undo {
		u := &c.Undo[i]
		w.set(blockKey(prefixUndo, u.Height, u.ID), u.Undo)
	}
	for height, id := range c.Index {
		if id.IsZero() {
			w.delete(indexKey(height))
		} else {
			w.set(indexKey(height), id[:])
		}
	}
	w.set(keyFlushed, c.State.AppendTo(nil))
}

func fillCoins(w *batch, c *chain.Commit) {
	for i := range c.Created {
		w.set(coinKey(c.Created[i].Outpoint), coinValue(&c.Created[i]))
	}
	for _, op := range c.Spent {
		w.delete(coinKey(op))
	}
}

// BeginReindex implements [chain.Store].
func (db *DB) BeginReindex() error {
	verdicts, err := db.Verdicts()
	if err != nil {
		verdicts = nil // damaged: better judged again than kept from starting
	}
	return db.write(pebble.Sync, func(w *batch) {
		for _, p := range []byte{prefixHeader, prefixUndo, prefixIndex, prefixCoin, prefixVerdict, prefixWaiting} {
			w.deleteRange([]byte{p}, upper(p))
		}
		w.delete(keyFlushed)
		w.delete(keyTips)
		w.set(keyReindex, nil)
		for _, v := range verdicts {
			if v.Operator {
				w.set(verdictKey(v.ID), verdictValue(v))
			}
		}
	})
}

// EndReindex implements [chain.Store].
func (db *DB) EndReindex() error {
	return db.write(pebble.Sync, func(w *batch) { w.delete(keyReindex) })
}

// Reindexing implements [chain.Store].
func (db *DB) Reindexing() (bool, error) {
	_, err := db.get(keyReindex)
	if errors.Is(err, chain.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Sync implements [chain.Store].
func (db *DB) Sync() error {
	if db.readOnly {
		return nil
	}
	return db.use(func() error {
		err := db.fault.Call(func() error { return db.pebble.LogData(nil, pebble.Sync) })
		if err != nil && !errors.Is(err, chain.ErrDisk) {
			err = fmt.Errorf("%w: sync: %w", chain.ErrDisk, err)
		}
		return err
	})
}

// Close waits for calls under way and open snapshots, closes the store and
// frees the directory. Closing again does nothing. A store that has failed is
// left as it is, since Pebble may hold its locks for ever; the process is about
// to end.
func (db *DB) Close() error {
	idle, first := db.life.End()
	if !first {
		return nil
	}
	select {
	case <-idle:
	case <-db.fault.Stuck():
	}
	err := db.fault.Err()
	if err == nil {
		err = db.fault.Call(db.pebble.Close)
	}
	if db.lock != nil {
		err = errors.Join(err, db.lock.Release())
	}
	return err
}

// checkMeta writes the store's identity into a new store, or compares it.
func (db *DB) checkMeta(genesis core.Hash) error {
	version, err := db.get(keySchema)
	if errors.Is(err, chain.ErrNotFound) {
		return db.write(pebble.Sync, func(w *batch) {
			w.set(keySchema, binary.LittleEndian.AppendUint32(nil, schema))
			w.set(keyGenesis, genesis[:])
		})
	} else if err != nil {
		return err
	}
	if len(version) != 4 || binary.LittleEndian.Uint32(version) != schema {
		return fmt.Errorf("%w: version %x, this release reads %d; sync again into another --data-dir", chain.ErrSchema, version, schema)
	}
	stored, err := db.get(keyGenesis)
	if err != nil {
		return fmt.Errorf("genesis of the store: %w", err)
	}
	id, err := parseID(stored)
	if err != nil {
		return err
	}
	if id != genesis {
		return fmt.Errorf("the store %w: its genesis is %s, the network's %s", chain.ErrWrongNetwork, id, genesis)
	}
	return nil
}
