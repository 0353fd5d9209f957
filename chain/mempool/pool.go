package mempool

import (
	"fmt"
	"slices"

	"github.com/ingchain/ingchain/core"
)

// Pool holds payments that fit together on the tip that it stands at.
//
// Invariants, between calls: every input of an entry is an output of another
// entry with a lower number or an unspent coin of the chain; no two entries
// spend the same; memory and counts are within the policy's bounds.
type Pool struct {
	rules  *core.Rules
	policy Policy
	height uint32 // of the tip

	byID     map[core.Hash]*entry
	byLeaf   map[core.Hash]*entry
	spenders map[core.Outpoint]*entry
	byAddr   map[core.Address]refList
	// worst has every entry, that of the lowest descendant score first. An entry
	// knows its place, which numbers the entries densely as well.
	worst heap
	// order has every entry by number, with gaps.
	order   []slot
	gaps    int
	nextSeq uint64

	total  sums
	memory int
	depth  depth

	floor   floor
	orphans orphanage
	gone    past
	recent  recentBlocks
}

// slot is a place in Pool.order; e is nil once the entry has left.
type slot struct {
	seq uint64
	e   *entry
}

// entry is a payment in the pool. Only the pool changes it.
type entry struct {
	tx    *Tx
	spent []spent // of each input
	// seq numbers the entries as they came, from 1.
	seq  uint64
	time uint64 // Unix milliseconds
	// matures is the least height of a block that may hold the entry.
	matures uint64
	// parents and children are entries whose outputs it spends, and that spend
	// its outputs, each once.
	parents, children []*entry
	// anc and desc sum up all ancestors and descendants, the entry included.
	anc, desc sums
	// score is the greater of the rates of the entry and of desc.
	score rate
	at    int // place in Pool.worst
	refs  []ref
}

// spent is what is kept of a coin that an input spends.
type spent struct {
	value    core.Amount
	height   uint32
	coinbase bool
	address  core.Address
}

// New returns an empty pool on a tip of the given height.
func New(rules *core.Rules, policy Policy, height uint32) (*Pool, error) {
	if err := policy.Validate(); err != nil {
		return nil, err
	}
	return &Pool{
		rules: rules, policy: policy, height: height,
		byID: make(map[core.Hash]*entry), byLeaf: make(map[core.Hash]*entry),
		spenders: make(map[core.Outpoint]*entry), byAddr: make(map[core.Address]refList),
		orphans: newOrphanage(), gone: newPast(policy.MaxHistory), nextSeq: 1,
	}, nil
}

// Policy returns what the pool goes by.
func (p *Pool) Policy() Policy { return p.policy }

// Height returns that of the tip that the pool stands at.
func (p *Pool) Height() uint32 { return p.height }

// setScore recomputes what desc decides.
func (e *entry) setScore() {
	e.score = e.desc.rate()
	if own := e.tx.rate(); e.score.less(own) {
		e.score = own
	}
}

// ancestors returns all ancestors of an entry with those parents, each once, or
// false if there are more than limit.
func ancestors(parents []*entry, limit int) ([]*entry, bool) {
	all := slices.Clone(parents)
	for i := 0; i < len(all); i++ {
		if len(all) > limit {
			return nil, false
		}
		for _, q := range all[i].parents {
			if !slices.Contains(all, q) {
				all = append(all, q)
			}
		}
	}
	return all, true
}

// lineage returns all ancestors of e.
func (e *entry) lineage() []*entry {
	if len(e.parents) == 0 {
		return nil
	}
	all, _ := ancestors(e.parents, maxRelatives)
	return all
}

// withDescendants appends e and its descendants to set, each once.
func withDescendants(set []*entry, e *entry) []*entry {
	if slices.Contains(set, e) {
		return set
	}
	first := len(set)
	set = append(set, e)
	for i := first; i < len(set); i++ {
		for _, c := range set[i].children {
			if !slices.Contains(set, c) {
				set = append(set, c)
			}
		}
	}
	return set
}

// insert makes an entry of what a plan has judged, all of whose parents are in
// the pool.
func (p *Pool) insert(pl *plan, now uint64) *entry {
	e := &entry{
		tx: pl.tx, spent: make([]spent, len(pl.coins)), seq: p.nextSeq, time: now,
		matures: p.maturity(pl.coins), parents: slices.Clip(pl.parents),
	}
	for i := range pl.coins {
		c := &pl.coins[i]
		e.spent[i] = spent{c.Value, c.Height, c.Coinbase, c.Address}
	}
	p.nextSeq++
	e.anc.add(e.tx)
	e.desc.add(e.tx)
	for _, a := range pl.ancestors {
		e.anc.add(a.tx)
		a.desc.add(e.tx)
		a.setScore()
		p.worst.fix(a)
	}
	for _, q := range e.parents {
		q.children = append(q.children, e)
	}
	e.setScore()
	p.index(e)
	return e
}

// maturity is the least height at which the coins may be spent.
func (p *Pool) maturity(coins []core.Coin) (height uint64) {
	for i := range coins {
		if coins[i].Coinbase {
			height = max(height, uint64(coins[i].Height)+uint64(p.rules.Params().CoinbaseMaturity))
		}
	}
	return height
}

// index enters e everywhere but in its relatives.
func (p *Pool) index(e *entry) {
	p.byID[e.tx.id] = e
	p.byLeaf[e.tx.leaf] = e
	for i := range e.tx.t.Inputs {
		p.spenders[e.tx.t.Inputs[i].Outpoint] = e
	}
	p.refer(e)
	p.worst.push(e)
	p.order = append(p.order, slot{e.seq, e})
	p.total.add(e.tx)
	p.memory += e.tx.poolMemory()
	p.depth.add(e.tx)
}

// unindex is the inverse of index.
func (p *Pool) unindex(e *entry) {
	delete(p.byID, e.tx.id)
	delete(p.byLeaf, e.tx.leaf)
	for i := range e.tx.t.Inputs {
		delete(p.spenders, e.tx.t.Inputs[i].Outpoint)
	}
	p.unrefer(e)
	p.worst.remove(e)
	p.order[p.slotAfter(e.seq-1)].e = nil
	p.gaps++
	p.total.drop(e.tx)
	p.memory -= e.tx.poolMemory()
	p.depth.drop(e.tx)
}

// slotAfter returns the first place in p.order with a number above seq.
func (p *Pool) slotAfter(seq uint64) int {
	at, _ := slices.BinarySearchFunc(p.order, seq+1, func(s slot, seq uint64) int {
		switch {
		case s.seq < seq:
			return -1
		case s.seq > seq:
			return 1
		}
		return 0
	})
	return at
}

// tidy closes the gaps in p.order once they are the greater part.
func (p *Pool) tidy() {
	if p.gaps < 64 || 2*p.gaps < len(p.order) {
		return
	}
	kept := make([]slot, 0, len(p.order)-p.gaps)
	for _, s := range p.order {
		if s.e != nil {
			kept = append(kept, s)
		}
	}
	p.order, p.gaps = kept, 0
}

// take removes a set of entries that has all descendants of each of its own. It
// sorts the set, parents before children.
func (p *Pool) take(set []*entry) {
	slices.SortFunc(set, bySeq)
	for i := len(set) - 1; i >= 0; i-- {
		e := set[i]
		for _, a := range e.lineage() {
			a.desc.drop(e.tx)
			a.setScore()
			p.worst.fix(a)
		}
		for _, q := range e.parents {
			q.children = without(q.children, e)
		}
		p.unindex(e)
	}
	p.tidy()
}

// settle removes an entry that a block took; its children stay.
func (p *Pool) settle(e *entry) {
	for _, d := range withDescendants(nil, e)[1:] {
		d.anc.drop(e.tx)
	}
	for _, c := range e.children {
		c.parents = without(c.parents, e)
	}
	p.unindex(e)
}

func bySeq(a, b *entry) int {
	if a.seq < b.seq {
		return -1
	}
	if a.seq > b.seq {
		return 1
	}
	return 0
}

// without removes e from a list, whose order it does not keep.
func without(list []*entry, e *entry) []*entry {
	i := slices.Index(list, e)
	last := len(list) - 1
	list[i] = list[last]
	list[last] = nil
	if last == 0 {
		return nil
	}
	return list[:last]
}

// String describes the pool for people.
func (p *Pool) String() string {
	return fmt.Sprintf("%d payments, %d bytes, at height %d", p.total.count, p.total.bytes, p.height)
}
