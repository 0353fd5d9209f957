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

// maxLooks is how often a transaction is looked for that moves between pool and
// chain while we look.
const maxLooks = 8

// pooled is what the pool says of a transaction.
type pooled struct {
	entry   mempool.Entry
	in      bool
	orphan  bool
	past    mempool.Removed
	left    bool
	spender map[uint32]core.Hash // of its outputs, by index
}

func (n *Node) lookInPool(id core.Hash) (l pooled) {
	n.chain.ReadPool(func(p *mempool.Pool) {
		if l.entry, l.in = p.Get(id); l.in {
			l.spender = spendersOf(p, id, len(l.entry.Transaction().Outputs))
			return
		}
		l.past, l.left = p.Explain(id)
		l.orphan = p.HasOrphan(id)
	})
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

// Tx implements [api.TxBackend]. A transaction that a block has just taken from
// the pool, or a reorganisation put back, is found on either side.
func (n *Node) Tx(ctx context.Context, id core.Hash, raw bool) (api.TxDetail, error) {
	var look pooled
	for range maxLooks {
		if look = n.lookInPool(id); look.in {
			return n.describePending(&look, raw), nil
		}
		d, err := n.confirmed(ctx, id, &look, raw)
		if err == nil || !errors.Is(err, chain.ErrNotFound) {
			return d, err
		}
		if !look.left || look.past.Reason != mempool.Confirmed {
			break
		}
	}
	switch {
	case look.orphan:
		return api.TxDetail{TxID: id, Status: api.StatusOrphan, Pending: &api.TxPending{Missing: []core.Hash{}}}, nil
	case look.left:
		return api.TxDetail{TxID: id, Status: api.StatusGone, Gone: describeGone(&look.past)}, nil
	}
	without := ""
	if err := n.usableIndex(); err != nil {
		without = "; what blocks took long ago cannot be found: " + err.Error()
	}
	return api.TxDetail{}, fmt.Errorf("%w: transaction %s is neither in the pool nor on the chain%s", api.ErrNotFound, id, without)
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

// freshView returns a view of the index at the chain's tip, or as near as can be
// waited for; nil if there is none to be had.
func (n *Node) freshView(ctx context.Context) *index.View {
	if n.usableIndex() != nil {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, indexPatience)
	defer cancel()
	if v, _, err := n.viewAtTip(within); err == nil {
		return v
	}
	// A view that is a little old tells more than none.
	v, err := n.index.View()
	if err != nil {
		return nil
	}
	return v
}

// confirmed finds a transaction on the best chain: by the index, else by what the
// pool remembers. It fails with [chain.ErrNotFound].
func (n *Node) confirmed(ctx context.Context, id core.Hash, l *pooled, raw bool) (api.TxDetail, error) {
	if v := n.freshView(ctx); v != nil {
		defer v.Close()
		at, err := v.Tx(id)
		if err == nil {
			return n.describeConfirmed(ctx, v, at, raw)
		}
		if !errors.Is(err, chain.ErrNotFound) {
			n.log.Warn("the address index cannot say where a transaction is", "txid", id, "err", err)
		}
	}
	if l.left && l.past.Reason == mempool.Confirmed && n.chain.OnBestChain(l.past.Block) {
		return n.foundInBlock(id, l.past.Block, raw)
	}
	return api.TxDetail{}, chain.ErrNotFound
}

// describeConfirmed describes a transaction that the index knows.
func (n *Node) describeConfirmed(ctx context.Context, v *index.View, at index.Tx, raw bool) (api.TxDetail, error) {
	d, t, err := n.inBlock(at.BlockID, int(at.Position), v.Tip().Height, raw)
	if err != nil {
		return d, err
	}
	ins := make([]core.Outpoint, len(t.Inputs))
	for i := range t.Inputs {
		ins[i] = t.Inputs[i].Outpoint
	}
	spent, err := outputs(v, ins)
	if err != nil {
		return d, indexError(ctx, err)
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
		return d, indexError(ctx, err)
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
