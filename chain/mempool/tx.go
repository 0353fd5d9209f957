package mempool

import (
	"slices"
	"unsafe"

	"github.com/ingchain/ingchain/core"
)

// Tx is a payment with what is worth working out once. It never changes and may
// be shared freely.
type Tx struct {
	t        core.Transaction
	id, leaf core.Hash
	size     int
}

// NewTx copies a payment, so that neither the buffer that it was parsed from nor
// the block that it stood in is kept in memory with it.
func NewTx(t *core.Transaction) *Tx {
	id := t.ID()
	return newTx(t, id, core.MerkleLeaf(id, t.WitnessID()))
}

func newTx(t *core.Transaction, id, leaf core.Hash) *Tx {
	tx := &Tx{t: *t, id: id, leaf: leaf, size: sizeOf(t)}
	tx.t.Inputs = slices.Clip(slices.Clone(t.Inputs))
	tx.t.Outputs = slices.Clip(slices.Clone(t.Outputs))
	tx.t.Data = nil
	if len(t.Data) > 0 {
		tx.t.Data = slices.Clone(t.Data)
	}
	tx.t.Witnesses = slices.Clip(slices.Clone(t.Witnesses))
	return tx
}

// Transaction returns the payment, which must not be changed.
func (t *Tx) Transaction() *core.Transaction { return &t.t }

// ID returns the txid.
func (t *Tx) ID() core.Hash { return t.id }

// Leaf returns the merkle leaf, which names the witnesses as well.
func (t *Tx) Leaf() core.Hash { return t.leaf }

// Size returns the length of the encoding, in bytes.
func (t *Tx) Size() int { return t.size }

// Fee returns the declared fee, in grains.
func (t *Tx) Fee() core.Amount { return t.t.Fee }

// FeeRate returns the fee in grains per 1,000 bytes, rounded down.
func (t *Tx) FeeRate() core.Amount { return t.rate().perKilobyte() }

func (t *Tx) rate() rate { return rate{fees: t.t.Fee, bytes: t.size} }

// coins is how much of a block's inputs and outputs t takes.
func (t *Tx) coins() int { return len(t.t.Inputs) + len(t.t.Outputs) }

// output returns the coin that output i makes, at no height yet.
func (t *Tx) output(i uint32) core.Coin {
	out := &t.t.Outputs[i]
	return core.Coin{Outpoint: core.Outpoint{TxID: t.id, Index: i}, Value: out.Value, Address: out.Address}
}

// sizeOf is the length of t's encoding, without encoding it.
func sizeOf(t *core.Transaction) int {
	n := 2 + uvarintLen(uint64(len(t.Inputs))) + uvarintLen(uint64(len(t.Outputs))) + 8 + uvarintLen(uint64(len(t.Data))) + len(t.Data)
	for i := range t.Inputs {
		in := &t.Inputs[i]
		n += core.HashSize + uvarintLen(uint64(in.Index)) + uvarintLen(uint64(in.Owner))
	}
	return n + len(t.Outputs)*(8+1+core.AddressHashSize) + len(t.Witnesses)*(core.PublicKeySize+core.SignatureSize)
}

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 1<<7; v >>= 7 {
		n++
	}
	return n
}

// Memory that things take, in bytes. Maps grow by doubling, so an element of one
// takes about its size and a half; slices that grow, twice theirs. Rounded up,
// the whole comes to a little more than what the runtime measures.
const (
	txCost       = int(unsafe.Sizeof(Tx{})) + 24
	entryCost    = int(unsafe.Sizeof(entry{})) + 24 + 2*hashMapCost + noteCost + 2*8 + 2*16
	noteCost     = 104 // what a node notes in a map of an entry whose journal it keeps
	hashMapCost  = 72  // a txid or leaf and a pointer, in a map
	spendMapCost = 80  // an outpoint and a pointer, in a map
	refCost      = int(unsafe.Sizeof(ref{})) + 72
	linkCost     = 2 * 2 * 8 // a parent and a child, in slices that grow
	spentCost    = int(unsafe.Sizeof(spent{}))
	inputCost    = int(unsafe.Sizeof(core.Input{}))
	outputCost   = int(unsafe.Sizeof(core.Output{}))
	witnessCost  = int(unsafe.Sizeof(core.Witness{}))
)

// memory is what t takes alone.
func (t *Tx) memory() int {
	return txCost + len(t.t.Inputs)*inputCost + len(t.t.Outputs)*outputCost + len(t.t.Witnesses)*witnessCost + len(t.t.Data)
}

// poolMemory is what t takes as an entry. It counts an address for every input
// and output, and a parent for every input: the bound, so that it does not
// change with what else is in the pool.
func (t *Tx) poolMemory() int {
	in, out := len(t.t.Inputs), len(t.t.Outputs)
	return t.memory() + entryCost + in*(spentCost+spendMapCost) + (len(t.t.Witnesses)+out)*refCost
}
