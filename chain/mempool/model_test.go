package mempool

import (
	"slices"

	"github.com/ingchain/ingchain/core"
)

// check compares everything that the pool keeps with what it would be, worked
// out from the payments alone.
func (w *world) check() {
	w.t.Helper()
	p := w.pool
	var all []*entry
	for _, s := range p.order {
		if s.e != nil {
			all = append(all, s.e)
		}
	}
	w.checkCoins(all)
	w.checkSums(all)
	w.checkIndexes(all)
	w.checkOrphans()
	for id := range w.accepted {
		r, explained := p.Explain(id)
		switch {
		case p.Has(id) && explained:
			w.t.Fatalf("%s is in the pool and %s", id.Short(), r.Reason)
		case !p.Has(id) && !explained:
			w.t.Fatalf("%s left without a reason", id.Short())
		case explained && (r.Reason == Confirmed) != w.confirmed(id, r.Block):
			w.t.Fatalf("%s is said to be %s in %s", id.Short(), r.Reason, r.Block.Short())
		}
	}
}

// confirmed reports whether a payment is in the block of that id, of the chain;
// a zero block stands for any.
func (w *world) confirmed(id, block core.Hash) bool {
	for _, b := range w.blocks {
		for i := range b.Txs {
			if b.TxID(i) == id {
				return b.ID() == block
			}
		}
	}
	return false
}

// checkCoins: entries in their order could all be in a block of the next height.
func (w *world) checkCoins(all []*entry) {
	w.t.Helper()
	made := map[core.Outpoint]core.Coin{}
	spent := map[core.Outpoint]bool{}
	for _, e := range all {
		var coins []core.Coin
		for i := range e.tx.t.Inputs {
			op := e.tx.t.Inputs[i].Outpoint
			c, ok := made[op]
			if !ok {
				c, ok = w.utxos()[op]
			}
			if !ok || spent[op] {
				w.t.Fatalf("entry %d spends %s:%d: there %v, spent %v", e.seq, op.TxID.Short(), op.Index, ok, spent[op])
			}
			spent[op] = true
			coins = append(coins, c)
			if s := e.spent[i]; s.value != c.Value || s.address != c.Address || s.coinbase != c.Coinbase {
				w.t.Fatalf("entry %d has %+v for the coin %+v", e.seq, s, c)
			}
		}
		if err := w.rules.CheckSpend(&e.tx.t, coins, w.height()+1); err != nil {
			w.t.Fatalf("entry %d: %v", e.seq, err)
		}
		for i := range e.tx.t.Outputs {
			c := coinOf(&e.tx.t, i)
			made[c.Outpoint] = c
		}
	}
}

// checkSums: relatives and sums, by following inputs.
func (w *world) checkSums(all []*entry) {
	w.t.Helper()
	p, policy := w.pool, &w.pool.policy
	up := map[*entry]map[*entry]bool{}
	down := map[*entry]sums{}
	for _, e := range all {
		set := map[*entry]bool{e: true}
		direct := map[*entry]bool{}
		for i := range e.tx.t.Inputs {
			if parent := p.byID[e.tx.t.Inputs[i].TxID]; parent != nil {
				direct[parent] = true
				for a := range up[parent] {
					set[a] = true
				}
			}
		}
		up[e] = set
		var anc sums
		for a := range set {
			anc.add(a.tx)
			d := down[a]
			d.add(e.tx)
			down[a] = d
		}
		if anc != e.anc {
			w.t.Fatalf("entry %d: ancestors %+v, want %+v", e.seq, e.anc, anc)
		}
		if len(direct) != len(e.parents) {
			w.t.Fatalf("entry %d has %d parents, want %d", e.seq, len(e.parents), len(direct))
		}
		for _, q := range e.parents {
			if !direct[q] || q.seq >= e.seq || !slices.Contains(q.children, e) {
				w.t.Fatalf("entry %d: parent %d does not fit", e.seq, q.seq)
			}
		}
		if anc.count > 1 && (anc.count > policy.MaxAncestors || anc.bytes > policy.MaxAncestorBytes) {
			w.t.Fatalf("entry %d has ancestors %+v", e.seq, anc)
		}
	}
	children := 0
	for _, e := range all {
		children += len(e.children)
		desc := down[e]
		if desc != e.desc {
			w.t.Fatalf("entry %d: descendants %+v, want %+v", e.seq, e.desc, desc)
		}
		if desc.count > 1 && (desc.count > policy.MaxDescendants || desc.bytes > policy.MaxDescendantBytes) {
			w.t.Fatalf("entry %d has descendants %+v", e.seq, desc)
		}
		best := desc.rate()
		if best.less(e.tx.rate()) {
			best = e.tx.rate()
		}
		if e.score.compare(best) != 0 {
			w.t.Fatalf("entry %d: score %v, want %v", e.seq, e.score, best)
		}
		children -= len(e.parents)
	}
	if children != 0 {
		w.t.Fatalf("%d more children than parents", children)
	}
}

func (w *world) checkIndexes(all []*entry) {
	w.t.Helper()
	p := w.pool
	var total sums
	memory, inputs := 0, 0
	var deep depth
	byAddr := map[core.Address][]*entry{}
	for _, e := range all {
		total.add(e.tx)
		memory += e.tx.poolMemory()
		inputs += len(e.tx.t.Inputs)
		deep.add(e.tx)
		if p.byID[e.tx.id] != e || p.byLeaf[e.tx.leaf] != e || p.worst[e.at] != e {
			w.t.Fatalf("entry %d is not indexed", e.seq)
		}
		if parent := (e.at - 1) / 2; e.at > 0 && leavesBefore(e, p.worst[parent]) {
			w.t.Fatalf("entry %d is below %d in the heap", e.seq, p.worst[parent].seq)
		}
		concerns := map[core.Address]bool{}
		for i := range e.tx.t.Inputs {
			if p.spenders[e.tx.t.Inputs[i].Outpoint] != e {
				w.t.Fatalf("entry %d is not the spender of input %d", e.seq, i)
			}
			concerns[e.spent[i].address] = true
		}
		for i := range e.tx.t.Outputs {
			concerns[e.tx.t.Outputs[i].Address] = true
		}
		for a := range concerns {
			byAddr[a] = append(byAddr[a], e)
		}
	}
	if len(p.byID) != len(all) || len(p.byLeaf) != len(all) || len(p.worst) != len(all) || len(p.spenders) != inputs || len(p.byAddr) != len(byAddr) {
		w.t.Fatalf("%d entries: %d ids, %d leaves, %d in the heap; %d inputs: %d; %d addresses: %d", len(all), len(p.byID), len(p.byLeaf), len(p.worst), inputs, len(p.spenders), len(byAddr), len(p.byAddr))
	}
	if total != p.total || memory != p.memory || deep != p.depth {
		w.t.Fatalf("sums %+v of %d bytes of memory, want %+v of %d", p.total, p.memory, total, memory)
	}
	if memory > p.policy.MaxBytes || total.count > p.policy.MaxTxs {
		w.t.Fatalf("%d entries take %d bytes", total.count, memory)
	}
	for a, want := range byAddr {
		var got []*entry
		for r := p.byAddr[a].first; r != nil; r = r.next {
			got = append(got, r.e)
		}
		if !slices.Equal(got, want) {
			w.t.Fatalf("address %x has %d entries, want %d", a.Hash[:4], len(got), len(want))
		}
	}
}

func (w *world) checkOrphans() {
	w.t.Helper()
	a, policy := &w.pool.orphans, &w.pool.policy
	memory, held, waiting, twins := 0, 0, 0, 0
	for _, list := range a.byID {
		twins += len(list)
	}
	for leaf, o := range a.byLeaf {
		id := o.tx.id
		if o.tx.leaf != leaf || !slices.Contains(a.byID[id], o) || len(o.from) == 0 || len(o.missing) == 0 || w.pool.Has(id) {
			w.t.Fatalf("orphan %s: %d peers, %d missing", id.Short(), len(o.from), len(o.missing))
		}
		memory += o.memory()
		held += len(o.from)
		for _, m := range o.missing {
			if !slices.Contains(a.waiting[m], o) {
				w.t.Fatalf("orphan %s does not wait for %s", id.Short(), m.Short())
			}
		}
		waiting += len(o.missing)
		for _, c := range o.coins {
			if w.utxos()[c.Outpoint] != c {
				w.t.Fatalf("orphan %s has a coin that is not of the chain", id.Short())
			}
		}
	}
	for from, s := range a.shares {
		sum := 0
		for _, o := range s.orphans {
			sum += o.memory()
			if a.byLeaf[o.tx.leaf] != o || !slices.Contains(o.from, from) {
				w.t.Fatalf("the share of %q has an orphan that is not its", from)
			}
		}
		held -= len(s.orphans)
		if sum != s.memory || sum > policy.MaxPeerOrphanBytes || len(s.orphans) > policy.MaxPeerOrphans || len(s.orphans) == 0 {
			w.t.Fatalf("the share of %q: %d orphans, %d bytes, said to be %d", from, len(s.orphans), sum, s.memory)
		}
	}
	for _, list := range a.waiting {
		waiting -= len(list)
	}
	if held != 0 || waiting != 0 || twins != len(a.byLeaf) || memory != a.memory || memory > policy.MaxOrphanBytes || len(a.byLeaf) > policy.MaxOrphans {
		w.t.Fatalf("orphans: %d held too much, %d waiting too much, %d bytes, said to be %d", held, waiting, memory, a.memory)
	}
}

// checkTemplate: what it chooses makes a block.
func (w *world) checkTemplate(bytes, coins int) {
	w.t.Helper()
	txs := w.pool.Template(bytes, coins)
	available := map[core.Outpoint]bool{}
	for op := range w.utxos() {
		available[op] = true
	}
	for _, tx := range txs {
		bytes -= tx.size
		coins -= tx.coins()
		for i := range tx.t.Inputs {
			op := tx.t.Inputs[i].Outpoint
			if !available[op] {
				w.t.Fatalf("the template spends %s:%d before it is there, or twice", op.TxID.Short(), op.Index)
			}
			delete(available, op)
		}
		for i := range tx.t.Outputs {
			available[core.Outpoint{TxID: tx.id, Index: uint32(i)}] = true
		}
	}
	if bytes < 0 || coins < 0 {
		w.t.Fatalf("the template is %d bytes and %d coins too large", -bytes, -coins)
	}
}
