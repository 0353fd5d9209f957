package mempool

import (
	"fmt"
	"slices"

	"github.com/ingchain/ingchain/core"
)

// CoinReader returns those of the coins that are unspent at the tip which
// [Pool.Rebase] moves to.
type CoinReader func([]core.Outpoint) (core.UTXOs, error)

// Rebased is what a change of the tip did to the pool.
type Rebased struct {
	// Removed are entries that left, and payments of reverted blocks that are in
	// no applied one and did not return, each with the reason.
	Removed []Removed
	// Returned are payments of reverted blocks that are in the pool now.
	Returned []*Tx
	// Promoted and Faults are as in [Result].
	Promoted []*Tx
	Faults   []Fault
}

// Rebase follows the chain to another tip, of the given height: over the blocks
// that were reverted and then those that were applied, both by rising height. A
// caller that cannot hold all blocks of a long reorganisation calls it several
// times on the way.
//
// Confirmed payments leave, and with their descendants those that conflict with
// a block, that spend a coin which is gone, or that are immature again. Payments
// of reverted blocks return in their order if they still fit the policy, and
// what spends their outputs stays.
//
// Coins is asked once, before anything is changed, and only if there is need.
// If it fails, so does Rebase: the pool does not fit the chain until it is
// called again with the same blocks.
func (p *Pool) Rebase(reverted, applied []*core.Block, coins CoinReader, height uint32, now uint64) (Rebased, error) {
	m := move{p: p, now: now, confirmed: make(map[core.Hash]core.Hash), failed: make(map[core.Hash]bool)}
	m.survey(reverted, applied)
	if len(m.needs) > 0 {
		var err error
		if m.coins, err = coins(m.needs); err != nil {
			return Rebased{}, fmt.Errorf("coins of %d payments to move to the tip at height %d: %w", len(m.back)+len(m.moved), height, err)
		}
	}
	m.lift()
	older := height < p.height
	p.height = height
	for _, b := range applied {
		m.apply(b)
	}
	m.putBack()
	if older {
		m.dropImmature()
	}
	m.settleOrphans(reverted)
	p.recent.follow(p.rules.Params(), len(reverted), applied)
	m.out.Removed = append(m.out.Removed, p.Expire(now)...)
	p.tidy()
	evicted := func(tx *Tx) bool { return p.byID[tx.id] == nil }
	m.out.Returned = slices.DeleteFunc(m.out.Returned, evicted)
	m.out.Promoted = slices.DeleteFunc(m.out.Promoted, evicted)
	return m.out, nil
}

// move is a change of the tip in progress.
type move struct {
	p   *Pool
	now uint64
	out Rebased

	// confirmed maps every payment of the applied blocks to its block. It is
	// filled only if something may have to be put back, or an orphan erased;
	// takers, of the coins that they spend, likewise.
	confirmed map[core.Hash]core.Hash
	takers    map[core.Outpoint]taker

	again []core.Hash // payments of reverted blocks that are in an applied one
	back  []*Tx       // the others, as they stood
	moved []movedTx   // entries that spend their outputs, with descendants
	needs []core.Outpoint
	coins core.UTXOs
	// come are transactions whose outputs orphans may have waited for.
	come []core.Hash
	// failed are payments that were not put back.
	failed map[core.Hash]bool
}

// taker is a payment in an applied block.
type taker struct{ tx, block core.Hash }

// movedTx is an entry that is taken out and put back behind its parents.
type movedTx struct {
	e    *entry
	tx   *Tx
	time uint64
}

// survey finds out what has to move and which coins that takes; it changes
// nothing.
func (m *move) survey(reverted, applied []*core.Block) {
	p := m.p
	for _, e := range p.dependents(reverted) {
		m.moved = append(m.moved, movedTx{e, e.tx, e.time})
	}
	if len(reverted) > 0 || len(p.orphans.byLeaf) > 0 {
		m.readApplied(applied)
	}
	for _, b := range reverted {
		for i := 1; i < len(b.Txs); i++ {
			if _, again := m.confirmed[b.TxID(i)]; again {
				m.again = append(m.again, b.TxID(i))
			} else if p.byID[b.TxID(i)] == nil {
				m.back = append(m.back, newTx(&b.Txs[i], b.TxID(i), b.Leaves()[i]))
			}
		}
	}
	for _, tx := range m.back {
		m.need(tx)
	}
	for i := range m.moved {
		m.need(m.moved[i].tx)
	}
	for _, b := range applied {
		for i := range b.Txs {
			m.come = append(m.come, b.TxID(i))
		}
	}
	for _, o := range p.orphans.missingFrom(m.come) {
		m.need(o.tx)
	}
}

// dependents returns the entries that spend outputs of the blocks, and their
// descendants, parents before children.
func (p *Pool) dependents(blocks []*core.Block) (set []*entry) {
	seen := make(map[*entry]bool) // the set may be the whole pool
	for _, b := range blocks {
		for i := range b.Txs {
			id := b.TxID(i)
			for j := range b.Txs[i].Outputs {
				e := p.spenders[core.Outpoint{TxID: id, Index: uint32(j)}]
				if e == nil || seen[e] {
					continue
				}
				for _, d := range withDescendants(nil, e) {
					if !seen[d] {
						seen[d] = true
						set = append(set, d)
					}
				}
			}
		}
	}
	slices.SortFunc(set, bySeq)
	return set
}

func (m *move) need(tx *Tx) {
	for i := range tx.t.Inputs {
		m.needs = append(m.needs, tx.t.Inputs[i].Outpoint)
	}
}

func (m *move) readApplied(applied []*core.Block) {
	m.takers = make(map[core.Outpoint]taker)
	for _, b := range applied {
		for i := 1; i < len(b.Txs); i++ {
			id := b.TxID(i)
			m.confirmed[id] = b.ID()
			for j := range b.Txs[i].Inputs {
				m.takers[b.Txs[i].Inputs[j].Outpoint] = taker{id, b.ID()}
			}
		}
	}
}

// lift takes out what is to be put back behind its parents.
func (m *move) lift() {
	set := make([]*entry, len(m.moved))
	for i := range m.moved {
		set[i] = m.moved[i].e
	}
	m.p.take(set)
}

// apply removes what a block confirms and what conflicts with it.
func (m *move) apply(b *core.Block) {
	p := m.p
	for i := 1; i < len(b.Txs); i++ {
		id := b.TxID(i)
		if e := p.byID[id]; e != nil {
			p.settle(e)
			m.leave(Removed{ID: e.tx.id, Tx: e.tx, Reason: Confirmed, Block: b.ID()})
		}
		for j := range b.Txs[i].Inputs {
			if e := p.spenders[b.Txs[i].Inputs[j].Outpoint]; e != nil {
				m.out.Removed = append(m.out.Removed, p.removeAll([]*entry{e}, m.now, func(*entry) Removed {
					return Removed{Reason: Conflict, By: id, Block: b.ID()}
				})...)
			}
		}
	}
}

// leave records a removal.
func (m *move) leave(r Removed) {
	m.p.gone.put(r, m.now)
	m.out.Removed = append(m.out.Removed, r)
}

// putBack adds the payments of the reverted blocks, and behind them the entries
// that were lifted.
func (m *move) putBack() {
	for _, id := range m.again {
		m.p.gone.put(Removed{ID: id, Reason: Confirmed, Block: m.confirmed[id]}, m.now)
	}
	for _, tx := range m.back {
		if m.put(tx, m.now) {
			m.out.Returned = append(m.out.Returned, tx)
		}
	}
	for _, moved := range m.moved {
		if block, ok := m.confirmed[moved.tx.id]; ok {
			m.leave(Removed{ID: moved.tx.id, Tx: moved.tx, Reason: Confirmed, Block: block})
			continue
		}
		m.put(moved.tx, moved.time)
	}
}

// put adds a payment at the new tip or says why it cannot stay.
func (m *move) put(tx *Tx, time uint64) bool {
	p := m.p
	pl, err := p.plan(tx, m.coins, m.now)
	if err == nil {
		// The plan replaces nothing: what spends the same coins as a payment of the
		// old branch is on neither, or was removed by the new one.
		m.out.Removed = append(m.out.Removed, p.commit(pl, m.now)...)
		p.byID[tx.id].time = time
		m.come = append(m.come, tx.id)
		return true
	}
	m.failed[tx.id] = true
	r := m.explain(tx, pl, err)
	r.ID, r.Tx = tx.id, tx
	m.leave(r)
	return false
}

// explain says why a payment could not be put back.
func (m *move) explain(tx *Tx, pl *plan, err error) Removed {
	for i := range tx.t.Inputs {
		if by, ok := m.takers[tx.t.Inputs[i].Outpoint]; ok {
			return Removed{Reason: Conflict, By: by.tx, Block: by.block}
		}
	}
	for _, id := range pl.missing {
		if m.failed[id] {
			r, _ := m.p.gone.get(id)
			return Removed{Reason: r.Reason, By: r.By, Block: r.Block, Code: r.Code, Ancestor: id}
		}
	}
	return reasonOf(err)
}

// dropImmature removes entries whose coinbase coins are too young for the next
// block: after a reorganisation the chain may be shorter, with more work.
func (m *move) dropImmature() {
	p := m.p
	var young []*entry
	for _, e := range p.worst {
		if e.matures > uint64(p.height)+1 {
			young = append(young, e)
		}
	}
	slices.SortFunc(young, bySeq)
	m.out.Removed = append(m.out.Removed, p.removeAll(young, m.now, func(*entry) Removed { return Removed{Reason: Immature} })...)
}

// settleOrphans erases orphans that were decided by the blocks, or whose coins
// may be gone, and tries those whose parents have come.
func (m *move) settleOrphans(reverted []*core.Block) {
	p := m.p
	if len(p.orphans.byLeaf) == 0 {
		return
	}
	lost := make(map[core.Hash]bool)
	for _, b := range reverted {
		for i := range b.Txs {
			lost[b.TxID(i)] = true
		}
	}
	for _, o := range p.orphans.byLeaf {
		if m.decided(o, lost) {
			p.orphans.dropOne(o)
		}
	}
	p.promote(m.come, m.coins, m.now, &m.out.Removed, &m.out.Promoted, &m.out.Faults)
}

// decided reports whether an orphan is confirmed, or spends what a block spent
// or a reverted block made.
func (m *move) decided(o *orphan, lost map[core.Hash]bool) bool {
	if _, ok := m.confirmed[o.tx.id]; ok {
		return true
	}
	for i := range o.tx.t.Inputs {
		if _, taken := m.takers[o.tx.t.Inputs[i].Outpoint]; taken {
			return true
		}
	}
	return slices.ContainsFunc(o.coins, func(c core.Coin) bool { return lost[c.TxID] })
}
