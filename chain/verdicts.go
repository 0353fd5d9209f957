package chain

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ingchain/ingchain/core"
)

// maxJudged bounds the cache of which blocks descend from a bad one.
const maxJudged = 16_384

// verdicts are the remembered judgements.
type verdicts struct {
	mu sync.Mutex
	// roots are stored verdicts on bodies and by the operator; they hold for
	// every descendant too. At most maxVerdicts, but for the operator's.
	roots map[core.Hash]*Verdict
	// headers are verdicts on headers, in memory only: they cost a microsecond to
	// work out again. At most maxVerdicts.
	headers map[core.Hash]error
	// judged caches which root condemns a block, nil for none.
	judged map[core.Hash]*Verdict
	seq    uint64
}

func (v *verdicts) init() {
	v.roots = make(map[core.Hash]*Verdict)
	v.headers = make(map[core.Hash]error)
	v.judged = make(map[core.Hash]*Verdict)
}

// own returns the verdict on the block itself.
func (v *verdicts) own(id core.Hash) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if r := v.roots[id]; r != nil {
		return r.Err()
	}
	return v.headers[id]
}

// condemns returns the verdict on r or on an ancestor of it, or nil.
func (v *verdicts) condemns(t records, r *Record) (*Verdict, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.roots) == 0 {
		return nil, nil
	}
	if root := v.roots[r.ID]; root != nil {
		return root, nil
	}
	if root, ok := v.judged[r.ID]; ok {
		return root, nil
	}
	if len(v.judged) >= maxJudged {
		clear(v.judged)
	}
	found, known := v.judged[r.Parent]
	if !known {
		for _, root := range v.roots {
			if root.Height >= r.Height {
				continue
			}
			a, err := ancestor(t, r, root.Height)
			if err != nil {
				return nil, err
			}
			if a.ID == root.ID {
				found = root
				break
			}
		}
	} else if found == nil {
		found = v.roots[r.Parent]
	}
	v.judged[r.ID] = found
	return found, nil
}

// rememberHeader keeps a verdict on a header that carries work.
func (v *verdicts) rememberHeader(id core.Hash, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.headers) >= maxVerdicts {
		for other := range v.headers {
			delete(v.headers, other)
			break
		}
	}
	v.headers[id] = err
}

// add keeps a verdict and returns the ids of those that made room for it.
func (v *verdicts) add(w *Verdict) (dropped []core.Hash) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seq++
	w.Seq = v.seq
	v.roots[w.ID] = w
	clear(v.judged)
	var oldest *Verdict
	n := 0
	for _, r := range v.roots {
		if r.Operator {
			continue
		}
		n++
		if oldest == nil || r.Seq < oldest.Seq {
			oldest = r
		}
	}
	if n > maxVerdicts {
		delete(v.roots, oldest.ID)
		dropped = append(dropped, oldest.ID)
	}
	return dropped
}

func (v *verdicts) remove(ids []core.Hash) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, id := range ids {
		delete(v.roots, id)
		delete(v.headers, id)
	}
	clear(v.judged)
}

func (v *verdicts) all() []*Verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := make([]*Verdict, 0, len(v.roots))
	for _, r := range v.roots {
		list = append(list, r)
	}
	return list
}

// loadVerdicts reads the stored verdicts; those of another revision of the
// rules are dropped, so that their blocks are judged again.
func (m *Manager) loadVerdicts() error {
	stored, err := m.store.Verdicts()
	if err != nil {
		return err
	}
	var stale []core.Hash
	for _, v := range stored {
		if v.Revision != RulesRevision && !v.Operator {
			stale = append(stale, v.ID)
			continue
		}
		m.verdicts.roots[v.ID] = v
		m.verdicts.seq = max(m.verdicts.seq, v.Seq)
	}
	if len(stale) == 0 || m.store.ReadOnly() {
		return nil
	}
	m.opts.Logger.Info("judging blocks again: the rules changed", "blocks", len(stale))
	return m.store.Save(&Changes{Cleared: stale})
}

func (m *Manager) condemned(r *Record) (*Verdict, error) {
	return m.verdicts.condemns(m.tree, r)
}

// Verdict returns why the block with this id is known to be bad, itself
// or through an ancestor: a [core.RuleError]. It is nil for all other blocks.
func (m *Manager) Verdict(id core.Hash) error {
	if err := m.verdicts.own(id); err != nil {
		return err
	}
	r, err := m.tree.get(id)
	if err != nil {
		return nil
	}
	root, err := m.condemned(r)
	if err != nil || root == nil {
		return nil
	}
	return badParent(root.ID, root.Code)
}

func badParent(id core.Hash, why error) error {
	return ruleError(core.ErrBadParent, "descends from %s (%s)", id.Short(), core.CodeOf(why))
}

// remember stores a verdict on a block. m.change is held.
func (m *Manager) remember(id core.Hash, height uint32, why error, operator bool) error {
	v := &Verdict{ID: id, Height: height, Revision: RulesRevision, Operator: operator}
	var rule *core.RuleError
	if !errors.As(why, &rule) {
		return fmt.Errorf("no verdict: %w", why)
	}
	v.Code, v.Detail = rule.Code, rule.Detail
	dropped := m.verdicts.add(v)
	return m.store.Save(&Changes{Judged: []*Verdict{v}, Cleared: dropped})
}

// condemn remembers a block that failed to connect, and looks for what is best
// without it.
func (m *Manager) condemn(bad *badBlock) error {
	m.opts.Logger.Warn("block breaks a rule", "id", bad.block.ID, "height", bad.block.Height, "error", bad.err)
	if err := m.remember(bad.block.ID, bad.block.Height, bad.err, false); err != nil {
		return err
	}
	return m.rejudge()
}

// rejudge works out the best header and what is ready to be connected from the
// leaves of the tree. m.change is held.
func (m *Manager) rejudge() error {
	leaves := []core.Hash{m.tip.ID, m.work.ID}
	for id := range m.tips {
		leaves = append(leaves, id)
	}
	var best *Record
	ready := make(map[core.Hash]core.Work)
	for _, id := range leaves {
		r, err := m.tree.get(id)
		if err != nil {
			return corrupt(err, "tip %s of the header tree", id)
		}
		good, err := highest(m.tree, r, m.isGood)
		if err != nil {
			return err
		}
		if best == nil || core.Heavier(good.Work, good.ID, best.Work, best.ID) {
			best = good
		}
		complete, err := highest(m.tree, good, isComplete)
		if err != nil {
			return err
		}
		ready[complete.ID] = complete.Work
	}
	m.ready = ready
	m.mu.Lock()
	m.best = best
	m.mu.Unlock()
	return nil
}

func (m *Manager) isGood(r *Record) (bool, error) {
	root, err := m.condemned(r)
	return root == nil, err
}

func isComplete(r *Record) (bool, error) { return r.has(FlagComplete), nil }

// Invalidate makes a block and all its descendants bad by the operator's word,
// over restarts, and moves the tip to the best chain without them. If ctx ends on
// the way there the verdict stays, and the next change of the chain goes on.
func (m *Manager) Invalidate(ctx context.Context, id core.Hash) error {
	if id == m.rules.GenesisID() {
		return ErrGenesis
	}
	m.change.Lock()
	defer m.change.Unlock()
	r, err := m.tree.get(id)
	if err != nil {
		return fmt.Errorf("invalidate block %s: %w", id, err)
	}
	why := ruleError(core.ErrInvalidated, "the operator called block %s invalid", id.Short())
	if err := m.remember(id, r.Height, why, true); err != nil {
		return err
	}
	if err := m.store.Sync(); err != nil { // an operator was promised it
		return err
	}
	if err := m.rejudge(); err != nil {
		return err
	}
	return m.activate(ctx)
}

// Reconsider lifts every verdict on a block, its ancestors and its descendants;
// they are judged again, and the tip moves to them if they are best, as far as ctx
// lets it, like [Manager.Invalidate].
func (m *Manager) Reconsider(ctx context.Context, id core.Hash) error {
	m.change.Lock()
	defer m.change.Unlock()
	r, err := m.tree.get(id)
	if err != nil && m.verdicts.own(id) == nil {
		return fmt.Errorf("reconsider block %s: %w", id, err)
	}
	lifted := []core.Hash{id}
	for _, v := range m.verdicts.all() {
		if r == nil || v.ID == id {
			continue
		}
		related, err := m.related(r, v)
		if err != nil {
			return err
		}
		if related {
			lifted = append(lifted, v.ID)
		}
	}
	if err := m.store.Save(&Changes{Cleared: lifted}); err != nil {
		return err
	}
	if err := m.store.Sync(); err != nil {
		return err
	}
	m.verdicts.remove(lifted)
	if err := m.rejudge(); err != nil {
		return err
	}
	return m.activate(ctx)
}

// related reports whether the block of v is an ancestor or descendant of r.
func (m *Manager) related(r *Record, v *Verdict) (bool, error) {
	other, err := m.tree.get(v.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil // judged by its body, its header was never kept
	} else if err != nil {
		return false, err
	}
	low, high := r, other
	if low.Height > high.Height {
		low, high = high, low
	}
	a, err := ancestor(m.tree, high, low.Height)
	return err == nil && a.ID == low.ID, err
}
