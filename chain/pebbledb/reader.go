package pebbledb

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// reader implements chain.Reader on the store or on a snapshot of it.
type reader struct {
	db *DB
	r  pebble.Reader
}

// get returns a copy of a value.
func (r reader) get(key []byte) (value []byte, err error) {
	err = r.db.use(func() error {
		sealed, closer, err := r.r.Get(key)
		if err != nil {
			return readError(key, err)
		}
		defer closer.Close()
		value, err = unseal(key, sealed)
		value = append([]byte(nil), value...)
		return err
	})
	return value, err
}

// readError tells missing, damaged and failed apart.
func readError(key []byte, err error) error {
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return chain.ErrNotFound
	case pebble.IsCorruptionError(err):
		return fmt.Errorf("%w: read %q: %w", chain.ErrCorrupt, key, err)
	default:
		return fmt.Errorf("%w: read %q: %w", chain.ErrDisk, key, err)
	}
}

// Record implements [chain.Reader].
func (r reader) Record(id core.Hash) (*chain.Record, error) {
	value, err := r.get(headerKey(id))
	if err != nil {
		return nil, err
	}
	rec, err := chain.ParseRecord(value)
	if err != nil || rec.ID != id {
		return nil, fmt.Errorf("%w: header stored for block %s", chain.ErrCorrupt, id)
	}
	return rec, nil
}

// Body implements [chain.Reader].
func (r reader) Body(height uint32, id core.Hash) ([]byte, error) {
	return r.get(blockKey(prefixBody, height, id))
}

// Undo implements [chain.Reader].
func (r reader) Undo(height uint32, id core.Hash) ([]byte, error) {
	return r.get(blockKey(prefixUndo, height, id))
}

// Flushed implements [chain.Reader].
func (r reader) Flushed() (*core.State, error) {
	value, err := r.get(keyFlushed)
	if err != nil {
		return nil, err
	}
	st, err := core.ParseState(value)
	if err != nil {
		return nil, fmt.Errorf("%w: flushed state: %w", chain.ErrCorrupt, err)
	}
	return &st, nil
}

// Index implements [chain.Reader].
func (r reader) Index(from uint32, n int) ([]core.Hash, error) {
	if n == 1 {
		value, err := r.get(indexKey(from))
		if errors.Is(err, chain.ErrNotFound) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		id, err := parseID(value)
		return []core.Hash{id}, err
	}
	var ids []core.Hash
	done := errors.New("enough")
	err := r.each(indexKey(from), upper(prefixIndex), func(key, value []byte, err error) error {
		if err != nil {
			return err
		}
		height, err := parseIndexKey(key)
		if err != nil {
			return err
		}
		if len(ids) == n || height != from+uint32(len(ids)) {
			return done
		}
		id, err := parseID(value)
		ids = append(ids, id)
		return err
	})
	if errors.Is(err, done) {
		err = nil
	}
	return ids, err
}

func parseID(value []byte) (core.Hash, error) {
	if len(value) != core.HashSize {
		return core.Hash{}, fmt.Errorf("%w: id of %d bytes", chain.ErrCorrupt, len(value))
	}
	return core.Hash(value), nil
}

// upper is the first key behind a prefix.
func upper(prefix byte) []byte { return []byte{prefix + 1} }

// each calls fn for the entries from lower up to upper; err is set for one
// whose checksum is wrong. Key and value are only lent.
func (r reader) each(lower, upper []byte, fn func(key, value []byte, err error) error) error {
	// Not inside use: fn may take long, and may call the store.
	if err := r.db.enter(); err != nil {
		return err
	}
	defer r.db.life.Leave()
	it, err := r.r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return readError(lower, err)
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		sealed, valueErr := it.ValueAndErr()
		if valueErr != nil {
			err = readError(it.Key(), valueErr)
			break
		}
		value, sealErr := unseal(it.Key(), sealed)
		err = fn(it.Key(), value, sealErr)
	}
	if iterErr := it.Error(); err == nil && iterErr != nil {
		err = readError(lower, iterErr)
	}
	return errors.Join(err, it.Close())
}

// EachCoin implements [chain.Reader].
func (r reader) EachCoin(fn func(c core.Coin, err error) error) error {
	return r.each([]byte{prefixCoin}, upper(prefixCoin), func(key, value []byte, err error) error {
		var c core.Coin
		if err == nil {
			c, err = parseCoin(key, value)
		}
		return fn(c, err)
	})
}

// EachIndex implements [chain.Reader].
func (r reader) EachIndex(fn func(height uint32, id core.Hash, err error) error) error {
	return r.each([]byte{prefixIndex}, upper(prefixIndex), func(key, value []byte, err error) error {
		height, keyErr := parseIndexKey(key)
		if keyErr != nil {
			return keyErr
		}
		var id core.Hash
		if err == nil {
			id, err = parseID(value)
		}
		return fn(height, id, err)
	})
}

// EachBody implements [chain.Reader].
func (r reader) EachBody(fn func(key chain.BodyKey, body []byte, err error) error) error {
	return r.each([]byte{prefixBody}, upper(prefixBody), func(key, value []byte, err error) error {
		k, keyErr := parseBlockKey(key)
		if keyErr != nil {
			return keyErr
		}
		return fn(k, value, err)
	})
}
