package reference

import (
	"encoding/binary"
	"slices"

	"github.com/ingchain/ingchain/core"
)

// maxTries bounds the search for a nonce. The chains keep targets so easy that
// it is not reached but for bits that were altered.
const maxTries = 2000

// draft is a block in the making. Its transactions share memory with those of
// its clones until they are changed through own.
type draft struct {
	w      *world
	parent *node
	header core.Header
	txs    []draftTx

	// What finish leaves as it is.
	keepReward, keepMerkle, keepNonce, keepWitnesses bool
	// late changes what finish has made, before the merkle root.
	late []func(*draft)
}

// draftTx is a transaction and who signs it.
type draftTx struct {
	core.Transaction
	signers []int // an index of signers for each witness
	dirty   bool  // the witnesses are not those of the body
}

func (w *world) someKey() *signer { return &signers[w.c.n(signerCount)] }

// newDraft makes a valid child of parent, but for what finish fills in.
func (w *world) newDraft(parent *node) *draft {
	height := parent.core.Height + 1
	d := &draft{w: w, parent: parent, header: core.Header{
		Version: w.params.VersionAt(height),
		Height:  height,
		Parent:  parent.core.ID,
		State:   parent.core.Commitment(),
		Time:    w.drawTime(parent),
		Bits:    w.rules.NextBits(&parent.core.HeaderState),
	}}
	d.txs = []draftTx{{Transaction: w.coinbase(height)}}
	if w.c.percent(w.payers) {
		d.addPayments(1 + w.c.n(3))
	}
	d.fixReward()
	for i := range d.txs {
		d.txs[i].sign(w)
	}
	return d
}

func (w *world) coinbase(height uint32) core.Transaction {
	extra := make([]byte, pick(w.c, 0, 0, 1, 7, 123, 124))
	for i := range extra {
		extra[i] = byte(w.c.n(256))
	}
	t := core.NewCoinbase(height, 1, w.someKey().address, extra)
	for range w.c.n(3) {
		if len(t.Outputs)+2 < int(w.params.MaxBlockCoins) {
			t.Outputs = append(t.Outputs, core.Output{Value: core.Amount(1 + w.c.n(9)), Address: w.someKey().address})
		}
	}
	return t
}

// addPayments adds up to so many payments of coins that may be spent, among them
// those that the payments before have made.
func (d *draft) addPayments(count int) {
	var pool []core.Coin
	for _, c := range d.parent.coins {
		ripe := !c.Coinbase || d.header.Height >= c.Height+d.w.params.CoinbaseMaturity
		if _, known := ownerOf[c.Address]; known && ripe {
			pool = append(pool, c)
		}
	}
	fees := core.Amount(0)
	for range count {
		var inputs []core.Coin
		sum := core.Amount(0)
		for range 1 + d.w.c.n(3) {
			if len(pool) == 0 {
				break
			}
			i := d.w.c.n(len(pool))
			if sum+pool[i].Value > core.MaxAmount {
				break
			}
			inputs = append(inputs, pool[i])
			sum += pool[i].Value
			pool = slices.Delete(pool, i, i+1)
		}
		subsidy := d.w.params.SubsidyAt(d.header.Height)
		t := d.w.payment(inputs, core.MaxAmount-subsidy-fees)
		if len(inputs) == 0 || d.coins()+len(t.Inputs)+len(t.Outputs) > int(d.w.params.MaxBlockCoins) {
			return
		}
		fees += t.Fee
		d.txs = append(d.txs, t)
		pool = append(pool, made(&t.Transaction, d.header.Height)...)
	}
}

// made lists what a payment's outputs will be.
func made(t *core.Transaction, height uint32) []core.Coin {
	id := t.ID()
	coins := make([]core.Coin, len(t.Outputs))
	for i, out := range t.Outputs {
		coins[i] = core.Coin{Outpoint: core.Outpoint{TxID: id, Index: uint32(i)}, Value: out.Value, Address: out.Address, Height: height}
	}
	return coins
}

func (d *draft) coins() int {
	n := 0
	for i := range d.txs {
		n += len(d.txs[i].Inputs) + len(d.txs[i].Outputs)
	}
	return n
}

// payment spends coins to one or more outputs, with a fee of at most maxFee if it
// can.
func (w *world) payment(coins []core.Coin, maxFee core.Amount) draftTx {
	t := draftTx{dirty: true}
	t.Version = core.TxVersion
	left := core.Amount(0)
	for _, c := range coins {
		t.spend(c.Outpoint, ownerOf[c.Address])
		left += c.Value
	}
	t.Fee = min(pick(w.c, 0, 0, 1, 100, left/3, left-1), maxFee, max(left, 1)-1)
	left -= t.Fee
	for left > 0 {
		v := left
		if len(t.Outputs) < 3 && w.c.percent(50) {
			v = 1 + core.Amount(w.c.u64()%uint64(left))
		}
		t.Outputs = append(t.Outputs, core.Output{Value: v, Address: w.someKey().address})
		left -= v
	}
	t.Data = make([]byte, pick(w.c, 0, 0, 0, 3, 127, 128))
	return t
}

// spend adds an input that belongs to a signer, with the owner number that the
// rules ask for.
func (t *draftTx) spend(op core.Outpoint, who int) {
	owner := slices.Index(t.signers, who)
	if owner < 0 {
		owner = len(t.signers)
		t.signers = append(t.signers, who)
	}
	t.Inputs = append(t.Inputs, core.Input{Outpoint: op, Owner: uint16(owner)})
}

// own gives transaction i memory of its own and marks its signatures as old.
func (d *draft) own(i int) *draftTx {
	t := &d.txs[i]
	t.Inputs = slices.Clone(t.Inputs)
	t.Outputs = slices.Clone(t.Outputs)
	t.Data = slices.Clone(t.Data)
	t.Witnesses = slices.Clone(t.Witnesses)
	t.signers = slices.Clone(t.signers)
	t.dirty = true
	return t
}

func (d *draft) clone() *draft {
	c := *d
	c.txs = slices.Clone(d.txs)
	c.late = nil
	return &c
}

// sign makes the witnesses anew, if the body has changed. A few are of a style
// that only a careless predicate refuses.
func (t *draftTx) sign(w *world) {
	if !t.dirty || len(t.Inputs) == 0 {
		return
	}
	digest := t.SigningDigest(w.rules.GenesisID())
	t.Witnesses = nil
	for _, who := range t.signers {
		style := 0
		if w.c.percent(10) {
			style = 1 + w.c.n(2)
		}
		s := &signers[who]
		t.Witnesses = append(t.Witnesses, core.Witness{PublicKey: s.public, Signature: s.sign(digest, style)})
	}
	t.dirty = false
}

// finish makes fit what was not meant to be wrong: signatures, reward, merkle
// root, nonce.
func (d *draft) finish() {
	if !d.keepWitnesses {
		for i := range d.txs {
			d.txs[i].sign(d.w)
		}
	}
	if !d.keepReward {
		d.fixReward()
	}
	for _, f := range d.late {
		f(d)
	}
	if !d.keepMerkle {
		d.fixMerkle()
	}
	if !d.keepNonce {
		mine(&d.header)
	}
}

// fixReward makes the first transaction's first output take what the others
// leave of subsidy and fees. If they leave nothing, there is one output or none.
func (d *draft) fixReward() {
	if len(d.txs) == 0 || len(d.txs[0].Inputs) > 0 {
		return
	}
	want := d.w.params.SubsidyAt(d.header.Height)
	for i := 1; i < len(d.txs); i++ {
		want += d.txs[i].Fee
	}
	t := &d.txs[0]
	t.Outputs = slices.Clone(t.Outputs)
	rest := core.Amount(0)
	for i := range t.Outputs {
		if i > 0 {
			rest += t.Outputs[i].Value
		}
	}
	switch {
	case want == 0:
		t.Outputs = nil
	case rest < want && len(t.Outputs) > 0:
		t.Outputs[0].Value = want - rest
	default:
		t.Outputs = []core.Output{{Value: want, Address: signers[1].address}}
	}
}

func (d *draft) fixMerkle() {
	leaves := make([]core.Hash, len(d.txs))
	for i := range d.txs {
		leaves[i] = core.MerkleLeaf(d.txs[i].ID(), d.txs[i].WitnessID())
	}
	d.header.MerkleRoot = core.MerkleRoot(leaves)
}

// mine looks for a nonce that meets the header's own bits, if they mean
// anything.
func mine(h *core.Header) {
	target, err := core.TargetFromBits(h.Bits)
	if err != nil {
		return
	}
	for h.Nonce = 0; h.Nonce < maxTries; h.Nonce++ {
		if core.HashMeetsTarget(h.ID(), &target) {
			return
		}
	}
}

// unmine looks for a nonce that does not meet the bits.
func unmine(h *core.Header) {
	target, err := core.TargetFromBits(h.Bits)
	if err != nil {
		return
	}
	for h.Nonce = 0; h.Nonce < maxTries; h.Nonce++ {
		if !core.HashMeetsTarget(h.ID(), &target) {
			return
		}
	}
}

func (d *draft) encode() []byte {
	b := d.header.AppendTo(make([]byte, 0, 512))
	b = binary.AppendUvarint(b, uint64(len(d.txs)))
	for i := range d.txs {
		b = d.txs[i].AppendTo(b)
	}
	return b
}
