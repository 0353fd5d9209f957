package mempool

import (
	"math"
	"slices"

	"github.com/ingchain/ingchain/core"
)

// Entry is a payment in the pool as it stood when it was asked for.
type Entry struct {
	*Tx
	// Seq numbers the entries as they came, parents before children: the cursor
	// of [Pool.List].
	Seq uint64
	// Time is when it came, in Unix milliseconds.
	Time uint64
	// Coins are those that its inputs spend, in their order. The height of a coin
	// that another entry makes is 0.
	Coins []core.Coin
	// Ancestors and Descendants are how many others in the pool it depends on, and
	// depend on it.
	Ancestors, Descendants int
	// PackageFee and PackageBytes are of the entry with all its ancestors: by
	// their rate it is mined.
	PackageFee   core.Amount
	PackageBytes int
}

// show copies what is known of e.
func (e *entry) show() Entry {
	coins := make([]core.Coin, len(e.spent))
	for i, s := range e.spent {
		coins[i] = core.Coin{Outpoint: e.tx.t.Inputs[i].Outpoint, Value: s.value, Height: s.height, Coinbase: s.coinbase, Address: s.address}
	}
	return Entry{
		Tx: e.tx, Seq: e.seq, Time: e.time, Coins: coins,
		Ancestors: e.anc.count - 1, Descendants: e.desc.count - 1,
		PackageFee: e.anc.fees, PackageBytes: e.anc.bytes,
	}
}

// Get returns the entry of that txid.
func (p *Pool) Get(id core.Hash) (Entry, bool) {
	e := p.byID[id]
	if e == nil {
		return Entry{}, false
	}
	return e.show(), true
}

// Has reports whether a payment is in the pool.
func (p *Pool) Has(id core.Hash) bool { return p.byID[id] != nil }

// HasOrphan reports whether a payment waits for its parents.
func (p *Pool) HasOrphan(id core.Hash) bool { return len(p.orphans.byID[id]) > 0 }

// OrphanEntry is a payment that waits for its parents, as it stood when it was
// asked for.
type OrphanEntry struct {
	*Tx
	// Time is when it came, or last came again, in Unix milliseconds.
	Time uint64
	// Missing are the transactions that it waits for.
	Missing []core.Hash
	// Coins are those of its inputs that are known, by what names them. The height
	// of a coin that an entry of the pool makes is 0.
	Coins core.UTXOs
}

// Orphan returns the payment of that txid that waits for its parents. With
// several kinds of witnesses, it is the one that came first.
func (p *Pool) Orphan(id core.Hash) (OrphanEntry, bool) {
	list := p.orphans.byID[id]
	if len(list) == 0 {
		return OrphanEntry{}, false
	}
	o := list[0]
	return OrphanEntry{Tx: o.tx, Time: o.until - p.policy.OrphanExpiry, Missing: slices.Clone(o.missing), Coins: o.known(p.outputsFor(o.tx))}, true
}

// outputsFor are the coins that entries make and a payment spends.
func (p *Pool) outputsFor(tx *Tx) core.UTXOs {
	made := make(core.UTXOs)
	for i := range tx.t.Inputs {
		if c, ok := p.Output(tx.t.Inputs[i].Outpoint); ok {
			made[c.Outpoint] = c
		}
	}
	return made
}

// ByLeaf returns the payment of that merkle leaf, or nil: what a block
// announced by its leaves is made of.
func (p *Pool) ByLeaf(leaf core.Hash) *Tx {
	if e := p.byLeaf[leaf]; e != nil {
		return e.tx
	}
	return nil
}

// Spender returns the txid of the entry that spends a coin.
func (p *Pool) Spender(op core.Outpoint) (core.Hash, bool) {
	e := p.spenders[op]
	if e == nil {
		return core.Hash{}, false
	}
	return e.tx.id, true
}

// Output returns the coin that an entry makes, spent or not.
func (p *Pool) Output(op core.Outpoint) (core.Coin, bool) {
	e := p.byID[op.TxID]
	if e == nil || uint64(op.Index) >= uint64(len(e.tx.t.Outputs)) {
		return core.Coin{}, false
	}
	return e.tx.output(op.Index), true
}

// ByAddress returns at most n entries after number after that take from an
// address or pay it, as they came.
func (p *Pool) ByAddress(address core.Address, after uint64, n int) []Entry {
	var out []Entry
	for r := p.byAddr[address].first; r != nil && len(out) < n; r = r.next {
		if r.e.seq > after {
			out = append(out, r.e.show())
		}
	}
	return out
}

// Balance is what the pool changes in the coins of an address.
type Balance struct {
	// In is what it pays the address in outputs that nothing in the pool spends.
	In core.Amount
	// Out is what it spends of the address' coins on the chain.
	Out core.Amount
	// Count is how many entries concern the address.
	Count int
}

// Balance sums up an address, over all of its entries.
func (p *Pool) Balance(address core.Address) (b Balance) {
	for r := p.byAddr[address].first; r != nil; r = r.next {
		b.Count++
		tx := r.e.tx
		for i := range r.e.spent {
			if r.e.spent[i].address == address && p.byID[tx.t.Inputs[i].TxID] == nil {
				b.Out += r.e.spent[i].value
			}
		}
		for i := range tx.t.Outputs {
			op := core.Outpoint{TxID: tx.id, Index: uint32(i)}
			if tx.t.Outputs[i].Address == address && p.spenders[op] == nil {
				b.In += tx.t.Outputs[i].Value
			}
		}
	}
	return b
}

// List returns at most n entries after number after, as they came: with the
// number of the last one, the next page, or what has come since.
func (p *Pool) List(after uint64, n int) []Entry {
	var out []Entry
	for i := p.slotAfter(after); i < len(p.order) && len(out) < n; i++ {
		if e := p.order[i].e; e != nil {
			out = append(out, e.show())
		}
	}
	return out
}

// Next returns at most n entries in the order in which they would be mined: the
// start of a template without bounds.
func (p *Pool) Next(n int) []Entry {
	var out []Entry
	for _, tx := range p.choose(math.MaxInt, math.MaxInt, n) {
		if len(out) < n {
			out = append(out, p.byID[tx.id].show())
		}
	}
	return out
}

// Saved is a payment as it is to be saved.
type Saved struct {
	*Tx
	// Time is when it came, in Unix milliseconds.
	Time uint64
}

// Snapshot returns all payments, parents before children: for saving.
func (p *Pool) Snapshot() []Saved {
	out := make([]Saved, 0, p.total.count)
	for i := range p.order {
		if e := p.order[i].e; e != nil {
			out = append(out, Saved{e.tx, e.time})
		}
	}
	return out
}

// Stats sums up the pool.
type Stats struct {
	Count int
	// Bytes is the length of all encodings; Memory is what they take here, at most
	// MaxMemory.
	Bytes     int
	Memory    int
	MaxMemory int
	Fees      core.Amount
	// MinFeeRate is the least rate that comes in, in grains per 1,000 bytes.
	MinFeeRate core.Amount
	// Orphans wait for their parents, and take OrphanMemory bytes.
	Orphans      int
	OrphanMemory int
	// HistoryMemory is what the pool takes to remember payments that left, in bytes.
	HistoryMemory int
	// LastSeq is the number of the last entry that came.
	LastSeq uint64
}

// Stats returns the sums at a time in Unix milliseconds.
func (p *Pool) Stats(now uint64) Stats {
	return Stats{
		Count: p.total.count, Bytes: p.total.bytes, Fees: p.total.fees,
		Memory: p.memory, MaxMemory: p.policy.MaxBytes, MinFeeRate: p.MinFeeRate(now),
		Orphans: len(p.orphans.byLeaf), OrphanMemory: p.orphans.memory, HistoryMemory: p.gone.memory(), LastSeq: p.nextSeq - 1,
	}
}
