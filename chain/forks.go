package chain

import (
	"cmp"
	"errors"
	"slices"

	"github.com/ingchain/ingchain/core"
)

// Status of a branch.
const (
	StatusActive  = "active"  // the best chain
	StatusValid   = "valid"   // connected once, and reverted for a better one
	StatusStored  = "stored"  // bodies stored and not judged against any state
	StatusHeaders = "headers" // bodies are missing
	StatusInvalid = "invalid" // a block of it breaks a rule
)

// Fork is a branch of the tree, named by its last block.
type Fork struct {
	Tip core.HeaderState
	// ForkHeight is the height of the last block shared with the best chain.
	ForkHeight uint32
	// Length is the number of blocks after it; 0 for the best chain.
	Length uint32
	Status string
}

// Forks lists the branches of the tree, the heaviest first, the best chain
// among them. There are at most about a thousand.
func (m *Manager) Forks() ([]Fork, error) {
	m.mu.RLock()
	ids := []core.Hash{m.tip.ID}
	for id := range m.tips {
		if id != m.tip.ID {
			ids = append(ids, id)
		}
	}
	m.mu.RUnlock()
	forks := make([]Fork, 0, len(ids))
	for i, id := range ids {
		r, err := m.tree.get(id)
		if err != nil {
			return nil, corrupt(err, "tip %s of the header tree", id)
		}
		shared, err := highest(m.tree, r, m.onBest)
		if err != nil {
			return nil, err
		}
		f := Fork{Tip: r.State(), ForkHeight: shared.Height, Length: r.Height - shared.Height, Status: StatusActive}
		if i > 0 {
			if f.Status, err = m.status(r); err != nil {
				return nil, err
			}
		}
		forks = append(forks, f)
	}
	slices.SortFunc(forks, func(a, b Fork) int {
		return cmp.Or(b.Tip.Work.Cmp(a.Tip.Work), slices.Compare(a.Tip.ID[:], b.Tip.ID[:]))
	})
	return forks, nil
}

// status tells what is known of a branch that is not the best chain.
func (m *Manager) status(r *Record) (string, error) {
	root, err := m.condemned(r)
	switch {
	case err != nil:
		return "", err
	case root != nil:
		return StatusInvalid, nil
	case !r.has(FlagComplete):
		return StatusHeaders, nil
	}
	connected, err := m.connected(r)
	if err == nil && !connected {
		return StatusStored, nil
	}
	return StatusValid, err
}

// connected reports whether a block was connected once, by the undo record that
// this leaves.
func (m *Manager) connected(r *Record) (bool, error) {
	m.mu.RLock()
	_, connected := m.undo[r.ID]
	m.mu.RUnlock()
	if connected {
		return true, nil
	}
	_, err := m.store.Undo(r.Height, r.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
