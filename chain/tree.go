package chain

import (
	"errors"
	"sync"

	"github.com/ingchain/ingchain/core"
)

// treeCache bounds the header records held in memory, about 300 bytes each.
const treeCache = 16_384

// records finds header records by id; ErrNotFound if unknown.
type records interface {
	get(id core.Hash) (*Record, error)
}

// tree is the header tree: all of it on disk, some of it in memory.
type tree struct {
	store Reader
	limit int // of cached; treeCache but in tests

	mu sync.Mutex
	// cached holds records exactly as they are stored, at most limit.
	cached map[core.Hash]*Record
	// writes counts calls of put: what was read before one may be outdated.
	writes uint64
}

func newTree(store Reader) *tree {
	return &tree{store: store, limit: treeCache, cached: make(map[core.Hash]*Record)}
}

func (t *tree) get(id core.Hash) (*Record, error) {
	t.mu.Lock()
	r, writes := t.cached[id], t.writes
	t.mu.Unlock()
	if r != nil {
		return r, nil
	}
	r, err := t.store.Record(id)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if newer := t.cached[id]; newer != nil {
		return newer, nil
	}
	if t.writes == writes {
		t.add(r)
	}
	return r, nil
}

// put replaces records that were just stored.
func (t *tree) put(rs []*Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writes++
	for _, r := range rs {
		t.add(r)
	}
}

func (t *tree) add(r *Record) {
	if len(t.cached) >= t.limit {
		// Any will do: the order of a map is random, and what is needed comes back.
		drop := t.limit / 8
		for id := range t.cached {
			if drop--; drop < 0 {
				break
			}
			delete(t.cached, id)
		}
	}
	t.cached[r.ID] = r
}

// layered is a tree with records on top that are not stored yet.
type layered struct {
	base records
	top  map[core.Hash]*Record
}

func (l layered) get(id core.Hash) (*Record, error) {
	if r := l.top[id]; r != nil {
		return r, nil
	}
	return l.base.get(id)
}

// farHeight is the height of the far ancestor.
func farHeight(height uint32) uint32 { return height & (height - 1) }

// newRecord makes the record of a header that was judged to follow parent.
func newRecord(t records, parent *Record, h *core.Header, st *core.HeaderState) (*Record, error) {
	far := parent
	// From height h-1, clearing low bits one by one leads to h's own far height.
	for far.Height > farHeight(h.Height) {
		var err error
		if far, err = t.get(far.Far); err != nil {
			return nil, kinError(err, parent)
		}
	}
	return &Record{Header: *h, ID: st.ID, Work: st.Work, ParentTime: parent.Time, Far: far.ID}, nil
}

// kinError is the failure to find an ancestor of a known record.
func kinError(err error, r *Record) error {
	return corrupt(err, "ancestor of block %s at height %d", r.ID.Short(), r.Height)
}

// parentOf returns the record before r, which is not genesis.
func parentOf(t records, r *Record) (*Record, error) {
	p, err := t.get(r.Parent)
	if err != nil {
		return nil, kinError(err, r)
	}
	return p, nil
}

// ancestor returns the ancestor of r at a height, at most r's own.
func ancestor(t records, r *Record, height uint32) (*Record, error) {
	for r.Height > height {
		next := r.Parent
		if farHeight(r.Height) >= height {
			next = r.Far
		}
		a, err := t.get(next)
		if err != nil {
			return nil, kinError(err, r)
		}
		r = a
	}
	return r, nil
}

// highest returns the highest ancestor of r, or r itself, that is as wanted.
// want must hold for genesis, and for every ancestor of one for which it holds.
func highest(t records, r *Record, want func(*Record) (bool, error)) (*Record, error) {
	for {
		ok, err := want(r)
		if err != nil || ok {
			return r, err
		}
		far, err := t.get(r.Far)
		if err != nil {
			return nil, kinError(err, r)
		}
		if ok, err = want(far); err != nil {
			return nil, err
		} else if !ok {
			r = far
			continue
		}
		if r, err = parentOf(t, r); err != nil {
			return nil, err
		}
	}
}

// forkOf returns the last common ancestor of a and b.
func forkOf(t records, a, b *Record) (*Record, error) {
	a, err := ancestor(t, a, min(a.Height, b.Height))
	if err != nil {
		return nil, err
	}
	if b, err = ancestor(t, b, a.Height); err != nil {
		return nil, err
	}
	for a.ID != b.ID {
		if a.Height == 0 {
			return nil, corruptf("blocks %s and %s have no common ancestor", a.ID.Short(), b.ID.Short())
		}
		na, nb := a.Parent, b.Parent
		if a.Far != b.Far {
			na, nb = a.Far, b.Far
		}
		ra, errA := t.get(na)
		rb, errB := t.get(nb)
		if err := errors.Join(errA, errB); err != nil {
			return nil, kinError(err, a)
		}
		a, b = ra, rb
	}
	return a, nil
}

// pathTo lists the ancestors of r from a height up to r itself.
func pathTo(t records, r *Record, from uint32) ([]*Record, error) {
	if r.Height < from {
		return nil, nil
	}
	path := make([]*Record, r.Height-from+1)
	for {
		path[r.Height-from] = r
		if r.Height == from {
			return path, nil
		}
		var err error
		if r, err = parentOf(t, r); err != nil {
			return nil, err
		}
	}
}
