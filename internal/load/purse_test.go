package load

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/signature"
)

// fanOut is how many coins one payment makes; 8,000 would fit the largest.
const fanOut = 5000

// owner is somebody who can sign.
type owner struct {
	seed    [signature.SeedSize]byte
	key     [signature.PublicKeySize]byte
	address core.Address
}

func newOwner(number int) (o owner) {
	binary.LittleEndian.PutUint64(o.seed[:], uint64(number)+1)
	o.key = signature.PublicKey(&o.seed)
	o.address = core.AddressOf(o.key)
	return o
}

// coin is what an owner can spend.
type coin struct {
	core.Outpoint
	value core.Amount
	owner *owner
}

// purse is people with coins, enough to pay all the time.
type purse struct {
	genesis core.Hash
	owners  []owner
	coins   []coin
}

// fund makes a purse of count coins of that value, confirmed on all nodes: it
// mines at a node, hands in payments of many outputs there and mines them.
func (n *network) fund(at *process, owners, count int, value core.Amount) *purse {
	n.Helper()
	p := &purse{genesis: n.rules.GenesisID()}
	for i := range owners {
		p.owners = append(p.owners, newOwner(i))
	}
	rich := &p.owners[0]
	payments := (count + fanOut - 1) / fanOut
	mined := n.mine(at, payments+1, rich.address)[:payments]
	for i, id := range mined {
		b := n.block(at, id)
		c := coin{core.Outpoint{TxID: b.TxID(0)}, b.Txs[0].Outputs[0].Value, rich}
		tx := p.spread(c, min(fanOut, count-i*fanOut), value)
		if _, err := at.api.SubmitTx(n.Context(), tx.AppendTo(nil)); err != nil {
			n.Fatalf("fan out: %v", err)
		}
		n.mine(at, 1, rich.address)
	}
	if m, err := at.api.Mempool(n.Context()); err != nil || m.Count > 0 {
		n.Fatalf("fan out: %d payments are not mined, %v", m.Count, err)
	}
	return p
}

// spread pays count outputs of a value to the owners in turn, and the rest as
// fee. The coins are the purse's from then on.
func (p *purse) spread(c coin, count int, value core.Amount) *core.Transaction {
	tx := &core.Transaction{Version: core.TxVersion, Inputs: []core.Input{{Outpoint: c.Outpoint}}}
	from := len(p.coins)
	for i := range count {
		o := &p.owners[i%len(p.owners)]
		tx.Outputs = append(tx.Outputs, core.Output{Value: value, Address: o.address})
		p.coins = append(p.coins, coin{core.Outpoint{Index: uint32(i)}, value, o})
	}
	tx.Fee = c.value - value*core.Amount(count)
	p.sign(tx, c.owner)
	id := tx.ID()
	for i := range p.coins[from:] {
		p.coins[from+i].TxID = id
	}
	return tx
}

// pay spends a coin to its owner at a fee rate, in grains per 1,000 bytes, and
// returns the payment and the coin that it makes.
func (p *purse) pay(c coin, rate core.Amount, data []byte) (*core.Transaction, coin) {
	tx := &core.Transaction{
		Version: core.TxVersion, Inputs: []core.Input{{Outpoint: c.Outpoint}},
		Outputs: []core.Output{{Address: c.owner.address}}, Data: data,
	}
	tx.Witnesses = make([]core.Witness, 1)
	size := core.Amount(len(tx.AppendTo(nil)))
	tx.Fee = (size*rate + mempool.RateBytes - 1) / mempool.RateBytes
	tx.Outputs[0].Value = c.value - tx.Fee
	p.sign(tx, c.owner)
	return tx, coin{core.Outpoint{TxID: tx.ID()}, tx.Outputs[0].Value, c.owner}
}

func (p *purse) sign(tx *core.Transaction, o *owner) {
	tx.Witnesses = []core.Witness{{PublicKey: o.key, Signature: signature.Sign(&o.seed, tx.SigningDigest(p.genesis))}}
}

// take removes the first coin.
func (p *purse) take() coin {
	c := p.coins[0]
	p.coins = p.coins[1:]
	return c
}

// fetchBlock reads a block from a node.
func fetchBlock(ctx context.Context, at *process, id core.Hash) (*core.Block, error) {
	d, err := at.api.BlockByID(ctx, id, true)
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(d.Raw)
	if err != nil {
		return nil, fmt.Errorf("block %s: %w", id, err)
	}
	return core.ParseBlock(raw)
}

// refusals counts outcomes by their code.
func refusals(outcomes []api.TxOutcome) (accepted int, refused map[core.Code]int) {
	refused = make(map[core.Code]int)
	for _, o := range outcomes {
		if o.Status == api.StatusAccepted || o.Status == api.StatusKnown {
			accepted++
			continue
		}
		refused[o.Code]++
	}
	return accepted, refused
}
