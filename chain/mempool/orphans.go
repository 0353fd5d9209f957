package mempool

import (
	"cmp"
	"slices"

	"github.com/ingchain/ingchain/core"
)

// orphanage keeps payments whose parents are missing. Every peer has a share of
// it, and what is over goes off the greatest: nobody can push out the orphans of
// a peer that keeps to its share.
type orphanage struct {
	// byLeaf has every orphan, witnesses and all: whether those are the owner's
	// shows only when its coins come, so a forged one must not stand for the true.
	byLeaf map[core.Hash]*orphan
	// byID has them by txid, each list as they came.
	byID map[core.Hash][]*orphan
	// waiting has the orphans by the transaction that they miss.
	waiting map[core.Hash][]*orphan
	// shares is what each peer has sent; an orphan counts for everyone who sent
	// it, and leaves with the last of them.
	shares map[string]*share
	memory int
	serial uint64
}

type orphan struct {
	tx      *Tx
	coins   []core.Coin // of the chain, as given when it came
	missing []core.Hash
	from    []string
	until   uint64 // Unix milliseconds
	serial  uint64
}

type share struct {
	orphans []*orphan // as they came
	memory  int
}

// Memory of an orphan beside its payment, in bytes: itself, its places in maps
// and shares, and for each input a coin or a missing parent.
const (
	orphanCost      = 384
	orphanInputCost = 200
)

func newOrphanage() orphanage {
	return orphanage{byLeaf: make(map[core.Hash]*orphan), byID: make(map[core.Hash][]*orphan), waiting: make(map[core.Hash][]*orphan), shares: make(map[string]*share)}
}

// memory is what an orphan takes.
func (o *orphan) memory() int {
	return o.tx.memory() + orphanCost + len(o.tx.t.Inputs)*orphanInputCost
}

// keep stores an orphan, or that another peer has sent it too, and reports
// whether it is kept.
func (a *orphanage) keep(policy *Policy, tx *Tx, coins core.UTXOs, missing []core.Hash, now uint64, from string) bool {
	o := a.byLeaf[tx.leaf]
	if o == nil {
		o = &orphan{tx: tx, serial: a.serial}
		if o.memory() > policy.MaxPeerOrphanBytes || policy.MaxPeerOrphans == 0 {
			return false
		}
		a.serial++
		a.byLeaf[tx.leaf] = o
		a.byID[tx.id] = append(a.byID[tx.id], o)
		a.memory += o.memory()
	} else {
		a.stopWaiting(o)
	}
	o.coins = nil
	for i := range tx.t.Inputs {
		if c, ok := coins[tx.t.Inputs[i].Outpoint]; ok {
			o.coins = append(o.coins, c)
		}
	}
	o.until = now + policy.OrphanExpiry
	a.wait(o, missing)
	a.hold(policy, o, from)
	a.trim(policy, now)
	return a.byLeaf[tx.leaf] == o
}

// hold counts an orphan for a peer, whose oldest ones make room.
func (a *orphanage) hold(policy *Policy, o *orphan, from string) {
	if len(o.from) >= maxHolders || slices.Contains(o.from, from) {
		return
	}
	s := a.shares[from]
	if s == nil {
		s = &share{}
		a.shares[from] = s
	}
	o.from = append(o.from, from)
	s.orphans = append(s.orphans, o)
	s.memory += o.memory()
	for len(s.orphans) > policy.MaxPeerOrphans || s.memory > policy.MaxPeerOrphanBytes {
		a.release(from, s.orphans[0])
	}
}

// release takes an orphan from a peer's share.
func (a *orphanage) release(from string, o *orphan) {
	s := a.shares[from]
	i := slices.Index(s.orphans, o)
	s.orphans = slices.Delete(s.orphans, i, i+1)
	s.memory -= o.memory()
	if len(s.orphans) == 0 {
		delete(a.shares, from)
	}
	o.from = slices.DeleteFunc(o.from, func(f string) bool { return f == from })
	if len(o.from) == 0 {
		a.stopWaiting(o)
		delete(a.byLeaf, o.tx.leaf)
		same := slices.DeleteFunc(a.byID[o.tx.id], func(x *orphan) bool { return x == o })
		if a.byID[o.tx.id] = same; len(same) == 0 {
			delete(a.byID, o.tx.id)
		}
		a.memory -= o.memory()
	}
}

// trim brings the whole within bounds: what has waited too long goes first, then
// the oldest of whoever has most.
func (a *orphanage) trim(policy *Policy, now uint64) {
	over := func() bool { return len(a.byLeaf) > policy.MaxOrphans || a.memory > policy.MaxOrphanBytes }
	if over() {
		a.expire(now)
	}
	for over() {
		most := ""
		for from, s := range a.shares {
			if m := a.shares[most]; m == nil || s.memory > m.memory || s.memory == m.memory && from > most {
				most = from
			}
		}
		a.release(most, a.shares[most].orphans[0])
	}
}

func (a *orphanage) expire(now uint64) {
	for _, o := range a.byLeaf {
		if o.until <= now {
			a.dropOne(o)
		}
	}
}

// drop removes the orphans of a txid.
func (a *orphanage) drop(id core.Hash) {
	for _, o := range slices.Clone(a.byID[id]) {
		a.dropOne(o)
	}
}

func (a *orphanage) dropOne(o *orphan) {
	for _, from := range slices.Clone(o.from) {
		a.release(from, o)
	}
}

func (a *orphanage) wait(o *orphan, missing []core.Hash) {
	o.missing = missing
	for _, id := range missing {
		a.waiting[id] = append(a.waiting[id], o)
	}
}

func (a *orphanage) stopWaiting(o *orphan) {
	for _, id := range o.missing {
		list := a.waiting[id]
		if i := slices.Index(list, o); i >= 0 {
			list = slices.Delete(list, i, i+1)
		}
		if len(list) == 0 {
			delete(a.waiting, id)
		} else {
			a.waiting[id] = list
		}
	}
	o.missing = nil
}

// ForgetPeer drops the orphans that only this peer has sent: it has left.
func (p *Pool) ForgetPeer(from string) {
	if s := p.orphans.shares[from]; s != nil {
		for _, o := range slices.Clone(s.orphans) {
			p.orphans.release(from, o)
		}
	}
}

// promote tries the orphans that miss what has come, and those that miss them.
// Coins are of the chain, beside those that the orphans came with.
func (p *Pool) promote(come []core.Hash, coins core.UTXOs, now uint64, removed *[]Removed, promoted *[]*Tx, faults *[]Fault) {
	for len(come) > 0 {
		waiting := slices.Clone(p.orphans.waiting[come[0]])
		come = come[1:]
		for _, o := range waiting {
			if p.orphans.byLeaf[o.tx.leaf] != o {
				continue // the same with other witnesses came in
			}
			pl, err := p.plan(o.tx, o.known(coins), now)
			if len(pl.missing) > 0 {
				p.orphans.stopWaiting(o)
				p.orphans.wait(o, pl.missing)
				continue
			}
			from := slices.Clone(o.from)
			p.orphans.dropOne(o)
			switch {
			case err == nil:
				*removed = append(*removed, p.commit(pl, now)...)
				*promoted = append(*promoted, o.tx)
				come = append(come, o.tx.id)
			case core.IsForever(err):
				*faults = append(*faults, Fault{Tx: o.tx, From: from, Err: err})
			}
		}
	}
}

// known are the coins that the orphan came with, and those it spends of others.
func (o *orphan) known(coins core.UTXOs) core.UTXOs {
	found := make(core.UTXOs, len(o.coins))
	for _, c := range o.coins {
		found[c.Outpoint] = c
	}
	for i := range o.tx.t.Inputs {
		if c, ok := coins[o.tx.t.Inputs[i].Outpoint]; ok {
			found[c.Outpoint] = c
		}
	}
	return found
}

// missingFrom lists the orphans that miss one of the given transactions, as they
// came.
func (a *orphanage) missingFrom(ids []core.Hash) (list []*orphan) {
	if len(a.byLeaf) == 0 {
		return nil
	}
	seen := make(map[*orphan]bool)
	for _, id := range ids {
		for _, o := range a.waiting[id] {
			if !seen[o] {
				seen[o] = true
				list = append(list, o)
			}
		}
	}
	slices.SortFunc(list, func(x, y *orphan) int { return cmp.Compare(x.serial, y.serial) })
	return list
}
