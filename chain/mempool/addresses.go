package mempool

import (
	"slices"

	"github.com/ingchain/ingchain/core"
)

// ref says that an entry concerns an address: it is a link of that address'
// list. Links lie in their entry, so that leaving a list costs the same however
// long it is.
type ref struct {
	address    core.Address
	e          *entry
	prev, next *ref
}

// refList is the entries that concern one address, as they came.
type refList struct{ first, last *ref }

// refer enters e in the lists of every address that it takes from or pays.
func (p *Pool) refer(e *entry) {
	addresses := make([]core.Address, 0, len(e.tx.t.Witnesses)+len(e.tx.t.Outputs))
	for i := range e.spent {
		// Inputs of one owner have one address, and an owner's first input is its
		// first use.
		if n := int(e.tx.t.Inputs[i].Owner); n == len(addresses) {
			addresses = append(addresses, e.spent[i].address)
		}
	}
	for i := range e.tx.t.Outputs {
		addresses = append(addresses, e.tx.t.Outputs[i].Address)
	}
	addresses = distinct(addresses)
	e.refs = make([]ref, len(addresses))
	for i, a := range addresses {
		r := &e.refs[i]
		r.address, r.e = a, e
		list := p.byAddr[a]
		if r.prev = list.last; r.prev != nil {
			r.prev.next = r
		} else {
			list.first = r
		}
		list.last = r
		p.byAddr[a] = list
	}
}

// unrefer is the inverse of refer.
func (p *Pool) unrefer(e *entry) {
	for i := range e.refs {
		r := &e.refs[i]
		list := p.byAddr[r.address]
		if r.prev != nil {
			r.prev.next = r.next
		} else {
			list.first = r.next
		}
		if r.next != nil {
			r.next.prev = r.prev
		} else {
			list.last = r.prev
		}
		if list.first == nil {
			delete(p.byAddr, r.address)
		} else if r.prev == nil || r.next == nil {
			p.byAddr[r.address] = list
		}
	}
	e.refs = nil
}

// distinct drops repeated addresses, in place.
func distinct(list []core.Address) []core.Address {
	if len(list) > 8 { // a payment may have thousands of outputs
		slices.SortFunc(list, func(a, b core.Address) int { return slices.Compare(a.Hash[:], b.Hash[:]) })
		return slices.Compact(list)
	}
	kept := list[:0]
	for _, a := range list {
		if !slices.Contains(kept, a) {
			kept = append(kept, a)
		}
	}
	return kept
}

// Concerning sums up several addresses, none of them twice, as [Pool.Balance]
// does for each, and returns the first n entries that take from or pay any of
// them, as they came, and whether there are more. Each entry is looked at once,
// however many of the addresses it concerns.
func (p *Pool) Concerning(addresses []core.Address, n int) (balances []Balance, entries []Entry, more bool) {
	balances = make([]Balance, len(addresses))
	places := make(map[core.Address]int, len(addresses))
	seen := make(map[*entry]bool)
	var list []*entry
	for i, a := range addresses {
		places[a] = i
		for r := p.byAddr[a].first; r != nil; r = r.next {
			balances[i].Count++
			if !seen[r.e] {
				seen[r.e] = true
				list = append(list, r.e)
			}
		}
	}
	for _, e := range list {
		p.sumUp(e, places, balances)
	}
	slices.SortFunc(list, bySeq)
	for _, e := range list[:min(n, len(list))] {
		entries = append(entries, e.show())
	}
	return balances, entries, len(list) > n
}

// sumUp adds what an entry takes from addresses and pays them.
func (p *Pool) sumUp(e *entry, places map[core.Address]int, balances []Balance) {
	for i := range e.spent {
		if at, ok := places[e.spent[i].address]; ok && p.byID[e.tx.t.Inputs[i].TxID] == nil {
			balances[at].Out += e.spent[i].value
		}
	}
	for i := range e.tx.t.Outputs {
		out := &e.tx.t.Outputs[i]
		if at, ok := places[out.Address]; ok && p.spenders[core.Outpoint{TxID: e.tx.id, Index: uint32(i)}] == nil {
			balances[at].In += out.Value
		}
	}
}
