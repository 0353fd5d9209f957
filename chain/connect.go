package chain

import (
	"context"
	"errors"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

const (
	legBlocks    = 4096 // how far ahead a path is worked out at once, in blocks
	publishEvery = 64   // blocks after which an extension is shown to readers
)

// badBlock says that connecting came to a block that breaks a rule.
type badBlock struct {
	block *Record
	err   error
}

func (e *badBlock) Error() string { return fmt.Sprintf("block %s: %v", e.block.ID.Short(), e.err) }
func (e *badBlock) Unwrap() error { return e.err }

// activate makes the heaviest complete branch the chain's. Blocks that turn out
// bad are remembered, and the next best branch is tried; if none is heavier,
// that is the way back to the old tip. When ctx ends, it stops where it is, and
// the next call goes on. m.change is held.
func (m *Manager) activate(ctx context.Context) error {
	if m.broken != nil {
		return m.broken
	}
	reorganising := false
	defer func() {
		if reorganising {
			m.opts.Trace(PhaseReorganising, false)
		}
	}()
	for {
		target, err := m.bestReady()
		if err != nil {
			return err
		}
		if target.ID == m.work.ID {
			break
		}
		fork, err := m.forkFromWork(target)
		if err != nil {
			return err
		}
		if fork.Height < m.work.Height && !reorganising {
			reorganising = true
			m.opts.Trace(PhaseReorganising, true)
		}
		var bad *badBlock
		if err := m.moveTo(ctx, fork, target); errors.As(err, &bad) {
			if err := m.condemn(bad); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
	}
	m.publish(false)
	// Before the store forgets that blocks held them; but for a reorganisation of
	// more than FlushBytes.
	m.saveOwed()
	return m.afterMove()
}

// afterMove forgets what is no longer ahead and flushes if it is time to.
func (m *Manager) afterMove() error {
	for id, work := range m.ready {
		if !core.Heavier(work, id, m.tip.Work, m.tip.ID) {
			delete(m.ready, id)
		}
	}
	near := uint64(m.best.Height) <= uint64(m.tip.Height)+uint64(m.opts.NearTip)
	if near || m.unflushed() >= m.opts.FlushBytes {
		return m.flush()
	}
	return nil
}

// bestReady returns the heaviest complete block that is not known bad: the tip,
// or what is heavier.
func (m *Manager) bestReady() (*Record, error) {
	var best *Record
	if r, err := m.tree.get(m.tip.ID); err != nil {
		return nil, corrupt(err, "header of the tip %s", m.tip.ID)
	} else if bad, err := m.condemned(r); err != nil {
		return nil, err
	} else if bad == nil {
		best = r
	}
	for id, work := range m.ready {
		if best != nil && !core.Heavier(work, id, best.Work, best.ID) {
			continue
		}
		r, err := m.tree.get(id)
		if err != nil {
			return nil, corrupt(err, "header of the stored block %s", id)
		}
		best = r
	}
	if best == nil {
		return nil, corruptf("no branch is left, not even genesis")
	}
	return best, nil
}

func (m *Manager) forkFromWork(target *Record) (*Record, error) {
	at, err := m.tree.get(m.work.ID)
	if err != nil {
		return nil, corrupt(err, "header of block %s", m.work.ID)
	}
	return forkOf(m.tree, at, target)
}

// moveTo walks the work position to target through their fork.
func (m *Manager) moveTo(ctx context.Context, fork, target *Record) error {
	extending := m.work.ID == m.tip.ID && fork.ID == m.tip.ID
	for m.work.Height > fork.Height {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.undoBlock(); err != nil {
			return err
		}
		if err := m.flushIfFull(); err != nil {
			return err
		}
	}
	for m.work.ID != target.ID {
		from := m.work.Height + 1
		end := min(uint64(target.Height), uint64(m.work.Height)+legBlocks)
		leg, err := ancestor(m.tree, target, uint32(end))
		if err != nil {
			return err
		}
		path, err := pathTo(m.tree, leg, from)
		if err != nil {
			return err
		}
		if err := m.walk(ctx, path, extending); err != nil {
			return err
		}
	}
	return nil
}

// walk connects the blocks of a path. An extension is shown to readers as it
// grows: each block of it makes a better tip, whatever comes of the next.
func (m *Manager) walk(ctx context.Context, path []*Record, extending bool) error {
	for i, r := range path {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.connectBlock(ctx, r); err != nil {
			if extending {
				m.publish(true)
			}
			return err
		}
		if extending && (i+1)%publishEvery == 0 {
			m.publish(true)
		}
		if err := m.flushIfFull(); err != nil {
			return err
		}
	}
	if extending {
		m.publish(true)
	}
	return nil
}

func (m *Manager) flushIfFull() error {
	if m.unflushed() < m.opts.FlushBytes {
		return nil
	}
	return m.flush()
}

// block returns a stored body, parsed.
func (m *Manager) block(r *Record) (*core.Block, error) {
	if b := m.recent[r.ID]; b != nil {
		return b, nil
	}
	return readBlock(m.store, r)
}

func readBlock(store Reader, r *Record) (*core.Block, error) {
	raw, err := store.Body(r.Height, r.ID)
	if err != nil {
		return nil, corrupt(err, "body of block %s at height %d", r.ID, r.Height)
	}
	b, err := core.ParseBlock(raw)
	if err != nil {
		return nil, corrupt(err, "body of block %s at height %d", r.ID, r.Height)
	}
	if b.ID() != r.ID {
		return nil, corruptf("the body stored for block %s is that of %s", r.ID, b.ID())
	}
	return b, nil
}

// connectBlock moves the work position forward by one block. It changes nothing
// if it fails.
func (m *Manager) connectBlock(ctx context.Context, r *Record) error {
	b, err := m.block(r)
	if err != nil {
		return err
	}
	var utxos core.UTXOs
	// Another state is bad whatever the coins are: they are not read for it.
	if b.Header.State == m.work.Commitment() {
		if utxos, err = m.coins.fetch(m.store, b.Needs()); err != nil {
			return fmt.Errorf("coins for block %s: %w", r.ID, err)
		}
	}
	next, diff, err := m.rules.ConnectBlock(m.work, b, utxos)
	if err != nil {
		if !core.IsForever(err) {
			return fmt.Errorf("connect block %s: %w", r.ID, err)
		}
		if ours := m.suspectOurselves(ctx, err); ours != nil {
			return ours
		}
		return &badBlock{r, err}
	}
	for i := range diff.Spent {
		m.coins.remove(&diff.Spent[i])
	}
	for i := range diff.Created {
		m.coins.add(&diff.Created[i])
	}
	m.keepUndo(UndoRecord{BodyKey: BodyKey{r.Height, r.ID}, Undo: diff.AppendUndo(nil)})
	m.index[r.Height] = r.ID
	m.work = next
	return nil
}

func (m *Manager) keepUndo(u UndoRecord) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.undo[u.ID]; ok {
		m.undoBytes -= len(old.Undo) + undoCost
	}
	m.undo[u.ID] = u
	m.undoBytes += len(u.Undo) + undoCost
}

// restsOnCoins reports whether a verdict would be another if the coins were.
func restsOnCoins(verdict error) bool {
	switch core.CodeOf(verdict) {
	case core.ErrStateRoot, core.ErrMissingCoin, core.ErrImmature, core.ErrOwner, core.ErrInputSum, core.ErrFeeMismatch:
		return true
	}
	return false
}

// suspectOurselves looks whether a block failed because our own coins are
// damaged: its header carries work, so that our disk is the likelier culprit.
// The answer is the same for every child of a block and worked out once, which a
// chain of a million coins takes a second for: an attacker has to pay for each
// such second with the work of a block. If ctx ends before, there is no verdict.
func (m *Manager) suspectOurselves(ctx context.Context, verdict error) error {
	if !restsOnCoins(verdict) {
		return nil
	}
	if m.vouched == m.work.ID {
		return nil
	}
	set, err := m.coins.sum(ctx, m.store)
	if err != nil {
		return fmt.Errorf("recompute the state after block %s: %w", m.work.ID, err)
	}
	if set != m.work.Coins {
		m.broken = corruptf("the %d coins stored are not the %d of the state after block %s at height %d",
			set.Count(), m.work.Coins.Count(), m.work.ID, m.work.Height)
		return m.broken
	}
	m.vouched = m.work.ID
	return nil
}

// undoBlock moves the work position back by one block. It changes nothing if it
// fails.
func (m *Manager) undoBlock() error {
	r, err := m.tree.get(m.work.ID)
	if err != nil {
		return corrupt(err, "header of block %s", m.work.ID)
	}
	parent, err := parentOf(m.tree, r)
	if err != nil {
		return err
	}
	b, err := m.block(r)
	if err != nil {
		return err
	}
	raw, err := m.undoRecord(r)
	if err != nil {
		return corrupt(err, "undo record of block %s at height %d", r.ID, r.Height)
	}
	diff, err := core.ParseUndo(raw, b)
	if err != nil {
		return corrupt(err, "undo record of block %s at height %d", r.ID, r.Height)
	}
	hs := parent.State()
	prev := core.UndoBlock(m.work, &hs, diff)
	if prev.Commitment() != b.Header.State {
		return corruptf("undoing block %s at height %d does not give the state that it commits to", r.ID, r.Height)
	}
	for i := range diff.Created {
		m.coins.remove(&diff.Created[i])
	}
	for i := range diff.Spent {
		m.coins.add(&diff.Spent[i])
	}
	m.index[r.Height] = core.Hash{}
	m.work = prev
	return nil
}

func (m *Manager) undoRecord(r *Record) ([]byte, error) {
	if u, ok := m.undo[r.ID]; ok {
		return u.Undo, nil
	}
	return m.store.Undo(r.Height, r.ID)
}

// publish shows the work position to readers, moves the pool there, and wakes
// who follows either. Extending means that the work position descends from the
// tip.
func (m *Manager) publish(extending bool) {
	if m.work.ID == m.tip.ID {
		return
	}
	m.showWithPool(func() { m.show(extending) })
	m.feed.wake()
}

// show makes the work position the tip.
func (m *Manager) show(extending bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if extending {
		for h := m.tip.Height + 1; h <= m.work.Height; h++ {
			if id, ok := m.index[h]; ok {
				m.over[h] = id
			} else {
				delete(m.over, h) // flushed since
			}
		}
	} else {
		m.over = make(map[uint32]core.Hash, len(m.index))
		for h, id := range m.index {
			m.over[h] = id
		}
	}
	m.tip = m.work
}
