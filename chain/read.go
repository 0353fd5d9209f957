package chain

import (
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// MaxHeaders bounds what HeadersAfter and IDsInRange return, in headers.
const MaxHeaders = 2000

// missingWindow is how far above the first missing body Missing looks for more,
// in blocks: bodies further ahead are not asked for, and so not kept.
const missingWindow = 4096

// Rules returns the network's rules.
func (m *Manager) Rules() *core.Rules { return m.rules }

// Tip returns the best chain's last block.
func (m *Manager) Tip() core.HeaderState { return m.tipState().HeaderState }

// TipState returns a copy of the state after the tip.
func (m *Manager) TipState() *core.State {
	st := *m.tipState()
	return &st
}

func (m *Manager) tipState() *core.State {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.tip
}

// BestHeader returns the heaviest header that is not known to be on a bad
// branch; bodies on its branch may be missing.
func (m *Manager) BestHeader() core.HeaderState {
	st := m.bestRecord().State()
	return st
}

func (m *Manager) bestRecord() *Record {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.best
}

// HeaderState returns what judging a child of a known block takes.
func (m *Manager) HeaderState(id core.Hash) (core.HeaderState, bool) {
	r, err := m.tree.get(id)
	if err != nil {
		return core.HeaderState{}, false
	}
	return r.State(), true
}

// Header returns the header of a known block, or ErrNotFound.
func (m *Manager) Header(id core.Hash) (core.Header, error) {
	r, err := m.tree.get(id)
	if err != nil {
		return core.Header{}, fmt.Errorf("header of block %s: %w", id, err)
	}
	return r.Header, nil
}

// HeaderByHeight returns a header of the best chain, or ErrNotFound.
func (m *Manager) HeaderByHeight(height uint32) (core.Header, core.Hash, error) {
	r, err := m.recordAt(height)
	if err != nil {
		return core.Header{}, core.Hash{}, err
	}
	return r.Header, r.ID, nil
}

func (m *Manager) recordAt(height uint32) (*Record, error) {
	ids, err := m.bestIDs(height, 1)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("height %d on a chain of %d: %w", height, m.Tip().Height, ErrNotFound)
	}
	r, err := m.tree.get(ids[0])
	if err != nil {
		return nil, corrupt(err, "header of block %s at height %d", ids[0], height)
	}
	return r, nil
}

// bestIDs lists up to n ids of the best chain from a height on.
func (m *Manager) bestIDs(from uint32, n int) ([]core.Hash, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if from > m.tip.Height || n <= 0 {
		return nil, nil
	}
	n = int(min(uint64(n), uint64(m.tip.Height-from)+1))
	var ids []core.Hash
	var err error
	if _, covered := m.over[from]; !covered || n > 1 {
		if ids, err = m.store.Index(from, n); err != nil {
			return nil, err
		}
	}
	for i := range n {
		if id, ok := m.over[from+uint32(i)]; ok {
			if i < len(ids) {
				ids[i] = id
			} else {
				ids = append(ids, id)
			}
		} else if i >= len(ids) {
			return nil, corruptf("no index entry at height %d", from+uint32(i))
		}
	}
	return ids[:n], nil
}

// OnBestChain reports whether a block is the tip or an ancestor of it.
func (m *Manager) OnBestChain(id core.Hash) bool {
	r, err := m.tree.get(id)
	if err != nil {
		return false
	}
	ok, err := m.onBest(r)
	return err == nil && ok
}

func (m *Manager) onBest(r *Record) (bool, error) {
	ids, err := m.bestIDs(r.Height, 1)
	return len(ids) == 1 && ids[0] == r.ID, err
}

// Vouched reports whether a block is stored and has passed every rule, and so has
// all before it: it is on the best chain, or was. Other stored blocks may yet
// turn out to be bad.
func (m *Manager) Vouched(id core.Hash) bool {
	r, err := m.tree.get(id)
	if err != nil {
		return false
	}
	if best, err := m.onBest(r); err == nil && best {
		return true
	}
	if root, err := m.condemned(r); err != nil || root != nil {
		return false
	}
	connected, err := m.connected(r)
	return err == nil && connected
}

// HasBlock reports whether the body of a block is stored.
func (m *Manager) HasBlock(id core.Hash) bool {
	r, err := m.tree.get(id)
	return err == nil && r.has(FlagBody)
}

// BlockBytes returns a stored block's encoding, or ErrNotFound.
func (m *Manager) BlockBytes(id core.Hash) ([]byte, error) {
	r, err := m.tree.get(id)
	if err != nil {
		return nil, fmt.Errorf("block %s: %w", id, err)
	}
	if !r.has(FlagBody) {
		return nil, fmt.Errorf("body of block %s: %w", id, ErrNotFound)
	}
	raw, err := m.store.Body(r.Height, id)
	if err != nil {
		return nil, corrupt(err, "body of block %s at height %d", id, r.Height)
	}
	return raw, nil
}

// Block returns a stored block, or ErrNotFound.
func (m *Manager) Block(id core.Hash) (*core.Block, error) {
	r, err := m.tree.get(id)
	if err != nil {
		return nil, fmt.Errorf("block %s: %w", id, err)
	}
	if !r.has(FlagBody) {
		return nil, fmt.Errorf("body of block %s: %w", id, ErrNotFound)
	}
	return readBlock(m.store, r)
}

// BlockAt returns a block of the best chain, or ErrNotFound.
func (m *Manager) BlockAt(height uint32) (*core.Block, error) {
	r, err := m.recordAt(height)
	if err != nil {
		return nil, err
	}
	return readBlock(m.store, r)
}

// Locator names blocks of the best header chain, the newest first, denser near
// its end, for a peer to find the last one that it shares.
func (m *Manager) Locator() []core.Hash {
	r := m.bestRecord()
	var ids []core.Hash
	for _, h := range core.LocatorHeights(r.Height) {
		a, err := ancestor(m.tree, r, h)
		if err != nil {
			break // a shorter locator only costs the peer more headers
		}
		r = a
		ids = append(ids, a.ID)
	}
	return ids
}

// HeadersAfter returns headers of the best chain behind the first block of the
// locator that is on it (behind genesis if none is), up to stop or max, at most
// MaxHeaders.
func (m *Manager) HeadersAfter(locator []core.Hash, stop core.Hash, max int) []core.Header {
	from := uint32(1)
	for i, id := range locator {
		if i >= core.MaxLocator {
			break
		}
		r, err := m.tree.get(id)
		if err != nil {
			continue
		}
		if ok, err := m.onBest(r); err == nil && ok {
			from = r.Height + 1
			break
		}
	}
	ids, err := m.bestIDs(from, min(max, MaxHeaders))
	if err != nil {
		return nil
	}
	headers := make([]core.Header, 0, len(ids))
	for _, id := range ids {
		r, err := m.tree.get(id)
		if err != nil {
			break
		}
		headers = append(headers, r.Header)
		if id == stop {
			break
		}
	}
	return headers
}

// IDsInRange lists up to count ids, at most MaxHeaders, from a height on along
// the branch that ends in tip.
func (m *Manager) IDsInRange(tip core.Hash, from uint32, count int) ([]core.Hash, error) {
	r, err := m.tree.get(tip)
	if err != nil {
		return nil, fmt.Errorf("block %s: %w", tip, err)
	}
	if from > r.Height || count <= 0 {
		return nil, nil
	}
	n := min(uint64(count), MaxHeaders, uint64(r.Height-from)+1)
	if r, err = ancestor(m.tree, r, from+uint32(n-1)); err != nil {
		return nil, err
	}
	path, err := pathTo(m.tree, r, from)
	if err != nil {
		return nil, err
	}
	ids := make([]core.Hash, len(path))
	for i := range path {
		ids[i] = path[i].ID
	}
	return ids, nil
}

// Missing lists up to max blocks of the best header chain whose bodies are
// wanted, the lowest first.
func (m *Manager) Missing(max int) []core.HeaderState {
	best, err := m.tree.get(m.bestRecord().ID)
	if err != nil || best.has(FlagComplete) || max <= 0 {
		return nil
	}
	have, err := highest(m.tree, best, isComplete)
	if err != nil {
		return nil
	}
	from := have.Height + 1
	end := min(uint64(best.Height), uint64(have.Height)+missingWindow)
	top, err := ancestor(m.tree, best, uint32(end))
	if err != nil {
		return nil
	}
	path, err := pathTo(m.tree, top, from)
	if err != nil {
		return nil
	}
	var missing []core.HeaderState
	for _, r := range path {
		if !r.has(FlagBody) {
			missing = append(missing, r.State())
		}
		if len(missing) == max {
			break
		}
	}
	return missing
}
