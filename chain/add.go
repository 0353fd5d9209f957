package chain

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/ingchain/ingchain/core"
)

const (
	chunkBlocks = 256      // blocks that are checked and stored together
	chunkBytes  = 16 << 20 // bytes of them, 16 MiB
)

func (m *Manager) now() uint64 { return unixMillis(m.opts.Now()) }

func unixMillis(t time.Time) uint64 { return uint64(max(t.UnixMilli(), 0)) }

// judgeHeader judges a header that is not in t and returns its record.
func (m *Manager) judgeHeader(t records, h *core.Header, now uint64) (*Record, error) {
	if h.Height == 0 {
		return nil, ruleError(core.ErrGenesis, "height 0 that is not this network's genesis")
	}
	parent, err := t.get(h.Parent)
	if errors.Is(err, ErrNotFound) {
		if why := m.verdicts.own(h.Parent); why != nil {
			return nil, badParent(h.Parent, why)
		}
		return nil, deferred(core.ErrNoParent, "parent %s at height %d is not known", h.Parent.Short(), int64(h.Height)-1)
	} else if err != nil {
		return nil, err
	}
	if root, err := m.verdicts.condemns(t, parent); err != nil {
		return nil, err
	} else if root != nil {
		return nil, badParent(root.ID, root.Code)
	}
	ps := parent.State()
	st, err := m.rules.ConnectHeader(&ps, h)
	if err != nil {
		if core.IsForever(err) && m.rules.CheckWork(h) == nil {
			m.verdicts.rememberHeader(h.ID(), err)
		}
		return nil, err
	}
	if err := m.rules.CheckClock(h, now); err != nil {
		return nil, err
	}
	return newRecord(t, parent, h, &st)
}

// AddHeaders adds headers to the tree, each the child of a known block or of an
// earlier one. Known ones are skipped. It stops at the first bad one with the
// verdict on it, and returns the state of the last header that is now known.
// Whether the headers are worth keeping is for the caller to say.
func (m *Manager) AddHeaders(headers []core.Header) (core.HeaderState, error) {
	m.change.Lock()
	defer m.change.Unlock()
	t := layered{m.tree, make(map[core.Hash]*Record)}
	now := m.now()
	var last core.HeaderState
	var fresh []*Record
	var bad error
	for i := range headers {
		r, isNew, err := m.header(t, &headers[i], now)
		if err != nil {
			bad = fmt.Errorf("header at height %d: %w", headers[i].Height, err)
			break
		}
		if isNew {
			t.top[r.ID] = r
			fresh = append(fresh, r)
		}
		last = r.State()
	}
	if err := m.keep(&Changes{Records: fresh}, fresh); err != nil {
		return core.HeaderState{}, err
	}
	return last, bad
}

// header returns the record of a header, made anew if it is not known.
func (m *Manager) header(t records, h *core.Header, now uint64) (r *Record, isNew bool, err error) {
	id := h.ID()
	if err := m.verdicts.own(id); err != nil {
		return nil, false, err
	}
	if r, err = t.get(id); err == nil {
		root, err := m.verdicts.condemns(t, r)
		if err == nil && root != nil {
			err = badParent(root.ID, root.Code)
		}
		return r, false, err
	} else if !errors.Is(err, ErrNotFound) {
		return nil, false, err
	}
	r, err = m.judgeHeader(t, h, now)
	return r, true, err
}

// keep saves changes, of whose records some are new leaves of the tree, and
// then shows them. m.change is held.
func (m *Manager) keep(c *Changes, fresh []*Record) error {
	var tips map[core.Hash]core.Work
	if len(fresh) > 0 {
		tips = m.grow(fresh)
		c.Tips = make([]core.Hash, 0, len(tips))
		for id := range tips {
			c.Tips = append(c.Tips, id)
		}
	}
	if len(c.Records) == 0 {
		return nil
	}
	if err := m.store.Save(c); err != nil {
		return fmt.Errorf("store blocks: %w", err)
	}
	m.tree.put(c.Records)
	m.mu.Lock()
	defer m.mu.Unlock()
	if tips != nil {
		m.tips = tips
	}
	for _, r := range fresh {
		if core.Heavier(r.Work, r.ID, m.best.Work, m.best.ID) {
			m.best = r
		}
	}
	return nil
}

// grow returns the leaves of the tree with new records, without those of least
// work if they are too many.
func (m *Manager) grow(fresh []*Record) map[core.Hash]core.Work {
	tips := make(map[core.Hash]core.Work, len(m.tips)+1)
	for id, w := range m.tips {
		tips[id] = w
	}
	for _, r := range fresh {
		delete(tips, r.Parent)
		tips[r.ID] = r.Work
		if len(tips) <= maxTips {
			continue
		}
		var least core.Hash
		first := true
		for id, w := range tips {
			if id == m.tip.ID {
				continue
			}
			if first || core.Heavier(tips[least], least, w, id) {
				least, first = id, false
			}
		}
		delete(tips, least)
	}
	return tips
}

// newBlock is a block that is not stored yet.
type newBlock struct {
	block  *core.Block
	record *Record
}

// AddBlocks is the single door for blocks, whoever brings them: gossip, sync,
// miner, import and API. The blocks of one call come from one sender; each is
// the child of a known header or of an earlier one. They are judged, stored,
// and connected once their branch is the heaviest.
//
// It stops at the first block that fails and returns the verdict on it: a
// [core.RuleError] is remembered against the id, a [core.BodyError] is not, a
// [core.DeferError] may go away, and anything else is our own failure. Blocks
// known already are skipped. added is how many were new and are now stored.
// When ctx ends, what was stored stays, and the next call goes on from there.
func (m *Manager) AddBlocks(ctx context.Context, blocks []*core.Block) (added int, err error) {
	for len(blocks) > 0 {
		if err := ctx.Err(); err != nil {
			return added, err
		}
		n, size := 0, 0
		for n < len(blocks) && n < chunkBlocks && (n == 0 || size+blocks[n].Size() <= chunkBytes) {
			size += blocks[n].Size()
			n++
		}
		k, err := m.addChunk(ctx, blocks[:n])
		added += k
		if err != nil {
			return added, err
		}
		blocks = blocks[n:]
	}
	return added, nil
}

func (m *Manager) addChunk(ctx context.Context, blocks []*core.Block) (added int, err error) {
	fresh, bad := m.screen(blocks, m.now())
	fresh, culprit, err := m.checkBodies(fresh)
	if err != nil {
		bad = blockError(culprit.block, err)
	}
	m.change.Lock()
	defer m.change.Unlock()
	if err != nil && core.IsForever(err) {
		if err := m.remember(culprit.block.ID(), culprit.block.Header.Height, err, false); err != nil {
			return 0, err
		}
		// Its header may have been known, and thought good.
		if err := m.rejudge(); err != nil {
			return 0, err
		}
	}
	m.recent = make(map[core.Hash]*core.Block, len(fresh))
	defer func() { m.recent = nil }()
	// Whatever stopped it, the blocks before are in the tree and may be the best.
	added, stopped := m.accept(fresh, true)
	if stopped != nil && !core.IsPunishable(stopped) && !core.IsDeferred(stopped) {
		return added, stopped
	}
	if err := m.activate(ctx); err != nil {
		return added, err
	}
	for _, n := range fresh {
		if err := m.Verdict(n.block.ID()); err != nil {
			return added, blockError(n.block, err)
		}
	}
	if stopped != nil {
		return added, stopped
	}
	return added, bad
}

func blockError(b *core.Block, err error) error {
	return fmt.Errorf("block %s at height %d: %w", b.ID().Short(), b.Header.Height, err)
}

// screen judges headers and returns the blocks that are new, up to the first
// that fails.
func (m *Manager) screen(blocks []*core.Block, now uint64) (fresh []newBlock, err error) {
	t := layered{m.tree, make(map[core.Hash]*Record)}
	for _, b := range blocks {
		r, isNew, err := m.header(t, &b.Header, now)
		if err != nil {
			return fresh, blockError(b, err)
		}
		if r.has(FlagBody) {
			continue
		}
		if isNew {
			t.top[r.ID] = r
		}
		fresh = append(fresh, newBlock{b, r})
	}
	return fresh, nil
}

// acceptance gathers what storing blocks changes.
type acceptance struct {
	m       *Manager
	t       layered // top holds every record that changes
	fresh   []*Record
	changes Changes
	// complete are blocks that became complete, parents first.
	complete []*Record
}

// accept stores checked blocks and notes which became ready. With write false
// the bodies are in the store already. m.change is held.
func (m *Manager) accept(blocks []newBlock, write bool) (added int, err error) {
	a := acceptance{m: m, t: layered{m.tree, make(map[core.Hash]*Record)}}
	var stopped error
	for _, n := range blocks {
		isNew, err := a.take(n, write)
		if err != nil {
			stopped = blockError(n.block, err)
			break
		}
		if isNew {
			added++
			if m.recent != nil {
				m.recent[n.block.ID()] = n.block
			}
		}
	}
	for _, r := range a.t.top {
		a.changes.Records = append(a.changes.Records, r)
	}
	if err := m.keep(&a.changes, a.fresh); err != nil {
		return 0, err
	}
	for _, r := range a.complete {
		bad, err := m.condemned(r)
		if err != nil {
			return added, err
		}
		if bad == nil && core.Heavier(r.Work, r.ID, m.tip.Work, m.tip.ID) {
			delete(m.ready, r.Parent)
			m.ready[r.ID] = r.Work
		}
	}
	return added, stopped
}

// take adds one block, unless somebody was quicker.
func (a *acceptance) take(n newBlock, write bool) (isNew bool, err error) {
	m, id := a.m, n.block.ID()
	r, err := a.t.get(id)
	known := err == nil
	if known && r.has(FlagBody) {
		return false, nil
	} else if !known {
		if !errors.Is(err, ErrNotFound) {
			return false, err
		}
		r = n.record
	}
	parent, err := parentOf(a.t, r)
	if err != nil {
		return false, err
	}
	if root, err := m.verdicts.condemns(a.t, parent); err != nil {
		return false, err
	} else if root != nil {
		return false, badParent(root.ID, root.Code)
	}
	if !parent.has(FlagComplete) && m.nWaiting >= maxWaiting {
		return false, deferred(core.ErrNoParent, "%d blocks wait for a parent's body already", maxWaiting)
	}
	r = r.with(FlagBody)
	if !known {
		a.fresh = append(a.fresh, r)
	}
	if write {
		a.changes.Bodies = append(a.changes.Bodies, n.block)
	}
	if parent.has(FlagComplete) {
		return true, a.link(r)
	}
	a.t.top[id] = r
	k := Kin{r.Parent, id}
	m.wait(k)
	a.changes.Waiting = append(a.changes.Waiting, k)
	return true, nil
}

// link marks a block complete, and those that waited for it.
func (a *acceptance) link(r *Record) error {
	queue := []*Record{r}
	for len(queue) > 0 {
		r := queue[0].with(FlagComplete)
		queue = queue[1:]
		a.t.top[r.ID] = r
		a.complete = append(a.complete, r)
		for _, id := range a.m.waiting[r.ID] {
			child, err := a.t.get(id)
			if err != nil {
				return corrupt(err, "header of the stored block %s", id)
			}
			a.m.nWaiting--
			a.changes.Linked = append(a.changes.Linked, Kin{r.ID, id})
			queue = append(queue, child)
		}
		delete(a.m.waiting, r.ID)
	}
	return nil
}

// noClock is a clock to which no header is early, for blocks that passed once.
const noClock = math.MaxUint64
