package chain

import (
	"fmt"
	"sync"

	"github.com/ingchain/ingchain/core"
)

const (
	// MaxUpdates bounds the steps of one UpdatesSince, in blocks.
	MaxUpdates = 1000
	// maxUpdateBytes bounds their bodies; one block is returned in any case.
	maxUpdateBytes = 32 << 20
)

// feed pokes those who follow the chain.
type feed struct {
	mu sync.Mutex
	// readers holds the one-slot channel of each subscriber.
	readers map[chan struct{}]struct{}
}

// wake pokes everybody and waits for nobody.
func (f *feed) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for ch := range f.readers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Subscribe returns a channel that is poked after every change of the tip;
// pokes that nobody took merge into one. Pull with UpdatesSince until More is
// false, then wait. cancel ends the subscription; the channel is not closed.
func (m *Manager) Subscribe() (wake <-chan struct{}, cancel func()) {
	return m.feed.subscribe()
}

func (f *feed) subscribe() (wake <-chan struct{}, cancel func()) {
	ch := make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readers == nil {
		f.readers = make(map[chan struct{}]struct{})
	}
	f.readers[ch] = struct{}{}
	return ch, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.readers, ch)
	}
}

// Updates are steps from a cursor towards the tip: first the blocks to revert,
// the newest first, then those to apply, the oldest first.
type Updates struct {
	Reverted, Applied []*core.Block
	// Cursor stands behind these steps.
	Cursor core.Hash
	// More says that the tip is further.
	More bool
}

// UpdatesSince returns up to n steps, at most MaxUpdates, from the block that a
// reader stands at towards the tip. The zero hash stands before genesis. The
// cursor may be any block whose branch is stored, on the best chain or not, in
// this run of the program or another; an unknown one is ErrNotFound.
func (m *Manager) UpdatesSince(cursor core.Hash, n int) (Updates, error) {
	u := Updates{Cursor: cursor}
	var next uint32
	left := max(1, min(n, MaxUpdates))
	budget := maxUpdateBytes
	if !cursor.IsZero() {
		at, err := m.tree.get(cursor)
		if err != nil {
			return u, fmt.Errorf("cursor %s: %w", cursor, err)
		}
		for {
			on, err := m.onBest(at)
			if err != nil {
				return u, err
			}
			if on {
				break
			}
			if left == 0 || budget <= 0 {
				u.More = true
				return u, nil
			}
			if !at.has(FlagBody) {
				return u, fmt.Errorf("body of block %s behind the cursor: %w", at.ID, ErrNotFound)
			}
			b, err := readBlock(m.store, at)
			if err != nil {
				return u, err
			}
			if at, err = parentOf(m.tree, at); err != nil {
				return u, err
			}
			u.Reverted = append(u.Reverted, b)
			u.Cursor = at.ID
			left--
			budget -= b.Size()
		}
		next = at.Height + 1
	}
	return m.apply(u, next, left, budget)
}

// apply adds the best chain's blocks from height next on.
func (m *Manager) apply(u Updates, next uint32, left, budget int) (Updates, error) {
	// One more than wanted tells whether there are more.
	ids, err := m.bestIDs(next, left+1)
	if err != nil {
		return u, err
	}
	for i, id := range ids {
		if i == left || budget <= 0 {
			u.More = true
			break
		}
		r, err := m.tree.get(id)
		if err != nil {
			return u, corrupt(err, "header of block %s", id)
		}
		if i == 0 && next > 0 && r.Parent != u.Cursor {
			u.More = true // the chain has changed since the way back was found
			break
		}
		b, err := readBlock(m.store, r)
		if err != nil {
			return u, err
		}
		u.Applied = append(u.Applied, b)
		u.Cursor = id
		budget -= b.Size()
	}
	return u, nil
}
