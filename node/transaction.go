package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/index"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// pooled is what the pool says of a transaction.
type pooled struct {
	entry   mempool.Entry
	in      bool
	orphan  mempool.OrphanEntry
	waits   bool // as an orphan
	past    mempool.Removed
	left    bool
	spender map[uint32]core.Hash // of its outputs, by index
}

func lookInPool(p *mempool.Pool, id core.Hash) (l pooled) {
	if l.entry, l.in = p.Get(id); l.in {
		l.spender = spendersOf(p, id, len(l.entry.Transaction().Outputs))
		return l
	}
	l.past, l.left = p.Explain(id)
	l.orphan, l.waits = p.Orphan(id)
	return l
}

// spendersOf lists the payments in the pool that spend outputs of a transaction.
func spendersOf(p *mempool.Pool, id core.Hash, outputs int) map[uint32]core.Hash {
	by := make(map[uint32]core.Hash)
	for i := range uint32(outputs) {
		if spender, ok := p.Spender(core.Outpoint{TxID: id, Index: i}); ok {
			by[i] = spender
		}
	}
	return by
}

// Tx implements [api.TxBackend]. What it says of pool and chain holds at one tip,
// so that a transaction is not missed which moves from one to the other.
func (n *Node) Tx(ctx context.Context, id core.Hash, raw bool) (api.TxDetail, error) {
	var look pooled
	read := func(p *mempool.Pool) { look = lookInPool(p, id) }
	if n.chain.ReadPool(read); look.in {
		return n.describePending(&look, raw), nil
	}
	var at index.Tx
	found := false
	v, _, err := n.atOneTip(ctx, func(v *index.View) (err error) {
		at, err = v.Tx(id)
		if found = err == nil; errors.Is(err, chain.ErrNotFound) {
			err = nil
		}
		return err
	}, read)
	if err != nil {
		n.chain.ReadPool(read)
		return n.withoutIndex(ctx, id, &look, raw, err)
	}
	defer v.Close()
	if found && !look.in {
		return n.describeConfirmed(ctx, v, at, raw)
	}
	if d, ok := n.describePooled(id, &look, raw); ok {
		return d, nil
	}
	return api.TxDetail{}, fmt.Errorf("%w: transaction %s is neither in the pool nor on the chain", api.ErrNotFound, id)
}

// withoutIndex says what becomes of a transaction while the index cannot be asked,
// for the reason why. As long as that may pass, nothing is said that the index may
// contradict: that a payment is gone or nowhere, and may be made anew.
func (n *Node) withoutIndex(ctx context.Context, id core.Hash, l *pooled, raw bool, why error) (api.TxDetail, error) {
	var without *api.IndexError
	if !errors.As(why, &without) {
		return api.TxDetail{}, why
	}
	if !l.in {
		d, err := n.confirmedAnyway(ctx, id, l, raw)
		if err == nil || !errors.Is(err, chain.ErrNotFound) {
			return d, err
		}
	}
	passes := without.Code == api.CodeIndexBuilding || without.Code == api.CodeIndexBehind
	d, ok := n.describePooled(id, l, raw)
	if ok && (l.in || !passes || n.lostForSure(l)) {
		return d, nil
	}
	what := "transaction " + id.String() + " is not in the pool"
	switch {
	case l.waits:
		what = "transaction " + id.String() + " is an orphan"
	case l.left:
		what += " (" + string(l.past.Reason) + ")"
	}
	if !passes {
		return api.TxDetail{}, fmt.Errorf("%w: %s; what blocks took long ago cannot be found: %s", api.ErrNotFound, what, why.Error())
	}
	return api.TxDetail{}, &api.IndexError{
		Code: without.Code, RetryAfter: without.RetryAfter,
		Detail: what + "; whether a block has it cannot be said: " + without.Detail,
	}
}

// lostForSure reports whether a block of the chain took a payment that spends the
// same coin. Other reasons say why a payment left the pool, and a block may have
// it yet.
func (n *Node) lostForSure(l *pooled) bool {
	return l.left && l.past.Reason == mempool.Conflict && n.chain.OnBestChain(l.past.Block)
}

// describePooled describes a payment that the pool knows and the chain does not
// have.
func (n *Node) describePooled(id core.Hash, l *pooled, raw bool) (api.TxDetail, bool) {
	switch {
	case l.in:
		return n.describePending(l, raw), true
	case l.waits:
		return n.describeOrphan(&l.orphan, raw), true
	case l.left:
		return api.TxDetail{TxID: id, Status: api.StatusGone, Gone: describeGone(&l.past)}, true
	}
	return api.TxDetail{}, false
}

func describeGone(r *mempool.Removed) *api.TxGone {
	return &api.TxGone{Reason: string(r.Reason), By: r.By, Block: r.Block, Ancestor: r.Ancestor, Code: r.Code, At: r.At}
}

func (n *Node) describePending(l *pooled, raw bool) api.TxDetail {
	e := &l.entry
	d := describeTx(e.Transaction(), e.ID(), n.prefix(), raw)
	d.Status = api.StatusPending
	d.Pending = &api.TxPending{
		Time: e.Time, Ancestors: e.Ancestors, Descendants: e.Descendants,
		PackageFee: e.PackageFee, PackageSize: e.PackageBytes, Missing: []core.Hash{},
	}
	for i := range e.Coins {
		d.Inputs[i].Value, d.Inputs[i].Address = e.Coins[i].Value, e.Coins[i].Address.Encode(n.prefix())
	}
	for i, by := range l.spender {
		d.Outputs[i].SpentBy = by
	}
	return d
}

// describeOrphan describes a payment that waits for what it spends.
func (n *Node) describeOrphan(o *mempool.OrphanEntry, raw bool) api.TxDetail {
	t := o.Transaction()
	d := describeTx(t, o.ID(), n.prefix(), raw)
	d.Status = api.StatusOrphan
	d.Pending = &api.TxPending{Time: o.Time, Missing: o.Missing}
	for i := range t.Inputs {
		if c, ok := o.Coins[t.Inputs[i].Outpoint]; ok {
			d.Inputs[i].Value, d.Inputs[i].Address = c.Value, c.Address.Encode(n.prefix())
		}
	}
	return d
}

// confirmedAnyway finds a transaction on the best chain by an index that is not at
// its tip, or by what the pool remembers. It fails with [chain.ErrNotFound].
func (n *Node) confirmedAnyway(ctx context.Context, id core.Hash, l *pooled, raw bool) (api.TxDetail, error) {
	if n.indexGone() == nil {
		if v, err := n.index.View(); err == nil {
			defer v.Close()
			if at, err := v.Tx(id); err == nil && n.chain.OnBestChain(at.BlockID) {
				return n.describeConfirmed(ctx, v, at, raw)
			}
		}
	}
	if l.left && l.past.Reason == mempool.Confirmed && n.chain.OnBestChain(l.past.Block) {
		return n.foundInBlock(id, l.past.Block, raw)
	}
	return api.TxDetail{}, chain.ErrNotFound
}

// describeConfirmed describes a transaction that the index knows.
func (n *Node) describeConfirmed(ctx context.Context, v *index.View, at index.Tx, raw bool) (api.TxDetail, error) {
	d, t, err := n.inBlock(at.BlockID, int(at.Position), n.chain.Tip().Height, raw)
	if err != nil {
		return d, err
	}
	ins := make([]core.Outpoint, len(t.Inputs))
	for i := range t.Inputs {
		ins[i] = t.Inputs[i].Outpoint
	}
	spent, err := outputs(v, ins)
	if err != nil {
		return d, n.indexError(ctx, err)
	}
	for i, o := range spent {
		if o != nil {
			d.Inputs[i].Value, d.Inputs[i].Address = o.Value, o.Address.Encode(n.prefix())
		}
	}
	outs := make([]core.Outpoint, len(t.Outputs))
	for i := range outs {
		outs[i] = core.Outpoint{TxID: at.TxID, Index: uint32(i)}
	}
	made, err := outputs(v, outs)
	if err != nil {
		return d, n.indexError(ctx, err)
	}
	for i, o := range made {
		if o != nil && o.Spender != nil {
			d.Outputs[i].SpentBy = o.Spender.TxID
		}
	}
	n.addPoolSpenders(&d)
	return d, nil
}

// outputs is [index.View.Outputs] for any number.
func outputs(v *index.View, ops []core.Outpoint) (all []*index.Output, err error) {
	for len(ops) > 0 {
		part := ops[:min(len(ops), index.MaxOutputs)]
		outs, err := v.Outputs(part)
		if err != nil {
			return nil, err
		}
		all, ops = append(all, outs...), ops[len(part):]
	}
	return all, nil
}

// foundInBlock describes a transaction that the pool saw a block take.
func (n *Node) foundInBlock(id, block core.Hash, raw bool) (api.TxDetail, error) {
	b, err := n.chain.Block(block)
	if err != nil {
		return api.TxDetail{}, fmt.Errorf("transaction %s: %w", id, err)
	}
	for i := range b.Txs {
		if b.TxID(i) == id {
			d := n.placed(b, i, n.chain.Tip().Height, raw)
			n.addPoolSpenders(&d)
			return d, nil
		}
	}
	return api.TxDetail{}, chain.ErrNotFound
}

// addPoolSpenders notes which outputs the pool spends.
func (n *Node) addPoolSpenders(d *api.TxDetail) {
	var by map[uint32]core.Hash
	n.chain.ReadPool(func(p *mempool.Pool) { by = spendersOf(p, d.TxID, len(d.Outputs)) })
	for i, spender := range by {
		if d.Outputs[i].SpentBy.IsZero() {
			d.Outputs[i].SpentBy = spender
		}
	}
}

// inBlock reads a transaction from its block.
func (n *Node) inBlock(block core.Hash, position int, tip uint32, raw bool) (api.TxDetail, *core.Transaction, error) {
	b, err := n.chain.Block(block)
	if err != nil {
		return api.TxDetail{}, nil, fmt.Errorf("block %s: %w", block, err)
	}
	if position >= len(b.Txs) {
		return api.TxDetail{}, nil, fmt.Errorf("transaction %d of block %s, which has %d", position, block, len(b.Txs))
	}
	return n.placed(b, position, tip, raw), &b.Txs[position], nil
}

// placed describes a transaction of a block of the best chain, whose tip is at
// the given height.
func (n *Node) placed(b *core.Block, position int, tip uint32, raw bool) api.TxDetail {
	d := describeTx(&b.Txs[position], b.TxID(position), n.prefix(), raw)
	d.Status = api.StatusConfirmed
	d.Block = &api.TxBlock{Height: b.Header.Height, ID: b.ID(), Position: uint32(position), Time: b.Header.Time}
	d.Confirmations = confirmations(tip, b.Header.Height)
	return d
}

// confirmations of a block at a height, under a tip.
func confirmations(tip, height uint32) uint32 {
	if tip < height {
		return 0
	}
	return tip - height + 1
}

func (n *Node) prefix() string { return n.rules.Params().AddressPrefix }

// describeTx describes what a transaction itself says.
func describeTx(t *core.Transaction, id core.Hash, prefix string, raw bool) api.TxDetail {
	bytes := t.AppendTo(nil)
	d := api.TxDetail{
		TxID: id, WID: t.WitnessID(), Size: len(bytes), Version: t.Version, Fee: t.Fee,
		// A fee is below 2^53, and so is this below 2^63.
		FeeRate:  t.Fee * mempool.RateBytes / core.Amount(len(bytes)),
		Coinbase: t.IsCoinbase(), Data: hex.EncodeToString(t.Data),
		Inputs: make([]api.SpentCoin, len(t.Inputs)), Outputs: make([]api.PaidOutput, len(t.Outputs)),
	}
	for i := range t.Inputs {
		d.Inputs[i] = api.SpentCoin{TxID: t.Inputs[i].TxID, Index: t.Inputs[i].Index}
	}
	for i := range t.Outputs {
		d.Outputs[i] = api.PaidOutput{Value: t.Outputs[i].Value, Address: t.Outputs[i].Address.Encode(prefix)}
	}
	if raw {
		d.Raw = hex.EncodeToString(bytes)
	}
	return d
}
