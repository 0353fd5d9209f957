package chain

import (
	"fmt"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

const (
	// moveBytes is how much of the blocks of a reorganisation the pool is given at
	// once, 64 MiB: so long ones are told exactly why each payment left.
	moveBytes = 64 << 20
	// feedBlocks is how many blocks behind the tip are of use to an empty pool:
	// those that estimates of fees look back at.
	feedBlocks = 64
)

// poolMove is the way from the block that the pool stands at to the work
// position, both by rising height.
type poolMove struct{ reverted, applied []*Record }

// planPoolMove finds the way. m.change is held.
func (m *Manager) planPoolMove() (mv poolMove, err error) {
	from, err := m.tree.get(m.pool.tip.ID)
	if err != nil {
		return mv, corrupt(err, "header of block %s, where the pool stands", m.pool.tip.ID)
	}
	to, err := m.tree.get(m.work.ID)
	if err != nil {
		return mv, corrupt(err, "header of block %s", m.work.ID)
	}
	fork, err := forkOf(m.tree, from, to)
	if err != nil {
		return mv, err
	}
	if from.Height > fork.Height {
		if mv.reverted, err = pathTo(m.tree, from, fork.Height+1); err != nil {
			return mv, err
		}
	}
	first := uint64(fork.Height) + 1
	if len(mv.reverted) == 0 && m.poolIsEmpty() {
		// Nothing can happen to an empty pool; of old blocks, no fee tells anything.
		if uint64(to.Height)+feedBlocks < uint64(m.best.Height) {
			return mv, nil
		}
		first = max(first, uint64(to.Height)+1-min(feedBlocks, uint64(to.Height)+1))
	}
	if first <= uint64(to.Height) {
		mv.applied, err = pathTo(m.tree, to, uint32(first))
	}
	return mv, err
}

func (m *Manager) poolIsEmpty() bool {
	m.pool.mu.RLock()
	defer m.pool.mu.RUnlock()
	s := m.pool.pool.Stats(0)
	return s.Count == 0 && s.Orphans == 0
}

// blocksOf reads blocks of at most room bytes, and one in any case, and returns
// which records are left.
func (m *Manager) blocksOf(path []*Record, room *int) (blocks []*core.Block, left []*Record, err error) {
	for i, r := range path {
		if *room <= 0 {
			return blocks, path[i:], nil
		}
		b, err := m.block(r)
		if err != nil {
			return nil, path, err
		}
		blocks = append(blocks, b)
		*room -= b.Size()
	}
	return blocks, nil, nil
}

// poolStep is a part of a move, with its blocks at hand.
type poolStep struct {
	reverted, applied []*core.Block
	rest              poolMove
}

// firstStep reads the blocks of a move, as far as there is room: all of them but
// in a reorganisation of very many bytes. Then applied blocks come first, and the
// pool is given one part after another, every time with the coins of the new tip:
// which payments stay is the same, why others left is told less exactly.
func (m *Manager) firstStep(mv poolMove) (s poolStep, err error) {
	room := m.pool.moveBytes
	if s.reverted, s.rest.reverted, err = m.blocksOf(mv.reverted, &room); err != nil {
		return s, err
	}
	if s.applied, s.rest.applied, err = m.blocksOf(mv.applied, &room); err != nil {
		return s, err
	}
	if len(s.rest.reverted)+len(s.rest.applied) > 0 && len(mv.reverted) > 0 {
		return m.nextStep(mv)
	}
	return s, nil
}

func (m *Manager) nextStep(mv poolMove) (s poolStep, err error) {
	room := m.pool.moveBytes
	if s.applied, s.rest.applied, err = m.blocksOf(mv.applied, &room); err != nil {
		return s, err
	}
	s.rest.reverted = mv.reverted
	if len(s.rest.applied) == 0 {
		s.reverted, s.rest.reverted, err = m.blocksOf(mv.reverted, &room)
	}
	return s, err
}

// movePool moves the pool to the work position by a first step, whose blocks are
// at hand, and those that are left. If it fails, the pool's tip stays, and the
// next try begins there: a step that is taken twice changes nothing. m.change and
// pool.mu are held.
func (m *Manager) movePool(s poolStep) error {
	read := func(ops []core.Outpoint) (core.UTXOs, error) { return m.coins.fetch(m.store, ops) }
	for {
		r, err := m.pool.pool.Rebase(s.reverted, s.applied, read, m.work.Height, m.now())
		if err != nil {
			return err
		}
		m.pool.moved(&r)
		if len(s.rest.applied)+len(s.rest.reverted) == 0 {
			m.pool.tip = m.work
			return nil
		}
		if s, err = m.nextStep(s.rest); err != nil {
			return err
		}
	}
}

// moved takes note of what a step did. p.mu is held.
func (p *txPool) moved(r *mempool.Rebased) {
	p.faults = append(p.faults, r.Faults[:min(len(r.Faults), maxFaults-len(p.faults))]...)
	for _, tx := range r.Returned {
		if p.journal.lacks(tx.ID()) {
			p.unsaved[tx.ID()] = true
		}
	}
}

// showWithPool runs show, which publishes the work position, in the same moment
// in which the pool moves there. The chain goes on if the pool cannot follow.
// m.change is held.
func (m *Manager) showWithPool(show func()) {
	if m.pool == nil {
		show()
		return
	}
	step, err := m.firstStepToWork()
	m.pool.mu.Lock()
	if err == nil {
		err = m.movePool(step)
	}
	show()
	m.pool.mu.Unlock()
	if err != nil {
		m.opts.Logger.Error("the pool of payments stays behind the tip; it is moved as soon as the disk allows", "height", m.work.Height, "err", err)
	}
	m.pool.feed.wake()
}

func (m *Manager) firstStepToWork() (poolStep, error) {
	mv, err := m.planPoolMove()
	if err != nil {
		return poolStep{}, err
	}
	return m.firstStep(mv)
}

// followTip moves the pool to the tip if that failed before. m.change is held,
// and the work position is the tip.
func (m *Manager) followTip() error {
	if m.pool.tip.ID == m.work.ID {
		return nil
	}
	step, err := m.firstStepToWork()
	if err == nil {
		m.pool.mu.Lock()
		err = m.movePool(step)
		m.pool.mu.Unlock()
		m.pool.feed.wake()
		m.saveOwed()
	}
	if err != nil {
		return fmt.Errorf("move the pool of payments to the tip at height %d: %w", m.work.Height, err)
	}
	return nil
}

// catchUpPool tries followTip, unless the chain is being changed: then that
// moves the pool.
func (m *Manager) catchUpPool() {
	if !m.change.TryLock() {
		return
	}
	defer m.change.Unlock()
	if m.closed || m.broken != nil || m.work.ID != m.tip.ID {
		return
	}
	if err := m.followTip(); err != nil {
		m.opts.Logger.Error("the pool of payments still stays behind the tip", "err", err)
	}
}
