package index

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// world is a chain that never judges: a tree of blocks and a tip that the test
// sets. It is a Source.
type world struct {
	t      testing.TB
	rules  *core.Rules
	blocks map[core.Hash]*core.Block
	tip    core.Hash
	// lost are blocks that the chain no longer has.
	lost  map[core.Hash]bool
	addrs []core.Address
	salt  uint64
	wakes []chan struct{}
}

func newWorld(t testing.TB, maturity uint32) *world {
	t.Helper()
	p := core.Dev()
	p.CoinbaseMaturity = maturity
	rules, err := core.NewRules(p)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, rules: rules, blocks: map[core.Hash]*core.Block{}, lost: map[core.Hash]bool{}}
	w.tip = rules.GenesisID()
	w.blocks[w.tip] = rules.Genesis()
	for i := range 6 {
		// Neighbours and the greatest, so that the ends of ranges are met.
		a := core.Address{Hash: [20]byte{19: byte(i)}}
		if i == 5 {
			for j := range a.Hash {
				a.Hash[j] = 0xff
			}
		}
		w.addrs = append(w.addrs, a)
	}
	return w
}

func (w *world) Rules() *core.Rules { return w.rules }

func (w *world) Tip() core.HeaderState {
	st, _ := w.HeaderState(w.tip)
	return st
}

func (w *world) HeaderState(id core.Hash) (core.HeaderState, bool) {
	b := w.blocks[id]
	if b == nil || w.lost[id] {
		return core.HeaderState{}, false
	}
	return core.HeaderState{Height: b.Header.Height, ID: id}, true
}

func (w *world) Subscribe() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	w.wakes = append(w.wakes, ch)
	return ch, func() {}
}

// path lists the blocks from genesis to id.
func (w *world) path(id core.Hash) []*core.Block {
	var path []*core.Block
	for {
		b := w.blocks[id]
		path = append(path, b)
		if b.Header.Height == 0 {
			slices.Reverse(path)
			return path
		}
		id = b.Header.Parent
	}
}

func (w *world) UpdatesSince(cursor core.Hash, n int) (chain.Updates, error) {
	u := chain.Updates{Cursor: cursor}
	best := w.path(w.tip)
	next := 0
	if !cursor.IsZero() {
		for at := w.blocks[cursor]; ; at = w.blocks[at.Header.Parent] {
			if w.lost[at.ID()] {
				return u, fmt.Errorf("cursor: %w", chain.ErrNotFound)
			}
			h := int(at.Header.Height)
			if h < len(best) && best[h] == at {
				next = h + 1
				break
			}
			if len(u.Reverted) == n {
				u.More = true
				return u, nil
			}
			u.Reverted = append(u.Reverted, at)
			u.Cursor = at.Header.Parent
		}
	}
	for ; next < len(best) && len(u.Reverted)+len(u.Applied) < n; next++ {
		u.Applied = append(u.Applied, best[next])
		u.Cursor = best[next].ID()
	}
	u.More = next < len(best)
	return u, nil
}

func (w *world) addr(rng *rand.Rand) core.Address { return w.addrs[rng.IntN(len(w.addrs))] }

// pay splits value among up to three addresses.
func (w *world) pay(rng *rand.Rand, value core.Amount) (outs []core.Output) {
	for range rng.IntN(3) {
		if part := core.Amount(rng.Uint64N(uint64(value)/2 + 1)); part > 0 && part < value {
			outs = append(outs, core.Output{Value: part, Address: w.addr(rng)})
			value -= part
		}
	}
	return append(outs, core.Output{Value: value, Address: w.addr(rng)})
}

// grow makes a child of parent with up to n payments. Some are twins of another
// branch's coinbase.
func (w *world) grow(rng *rand.Rand, parent core.Hash, n int) *core.Block {
	m := w.model(parent)
	height := w.blocks[parent].Header.Height + 1
	var coins []core.Coin
	for _, o := range m.outputs {
		if o.Spender == nil && (!o.Coinbase || height >= o.Height+w.rules.Params().CoinbaseMaturity) {
			coins = append(coins, o.Coin)
		}
	}
	slices.SortFunc(coins, func(a, b core.Coin) int {
		return cmp.Or(slices.Compare(a.TxID[:], b.TxID[:]), cmp.Compare(a.Index, b.Index))
	})
	txs := []core.Transaction{{}}
	var fees core.Amount
	for range n {
		tx := core.Transaction{Version: core.TxVersion, Witnesses: make([]core.Witness, 1)}
		var sum core.Amount
		for range 1 + rng.IntN(3) {
			if len(coins) == 0 {
				break
			}
			i := rng.IntN(len(coins))
			tx.Inputs = append(tx.Inputs, core.Input{Outpoint: coins[i].Outpoint})
			sum += coins[i].Value
			coins = slices.Delete(coins, i, i+1)
		}
		if sum < 10 {
			break
		}
		tx.Fee = core.Amount(rng.Uint64N(5))
		fees += tx.Fee
		tx.Outputs = w.pay(rng, sum-tx.Fee)
		txs = append(txs, tx)
		if rng.IntN(2) == 0 { // may be spent in the same block
			id := tx.ID()
			for i, o := range tx.Outputs {
				coins = append(coins, core.Coin{Outpoint: core.Outpoint{TxID: id, Index: uint32(i)}, Value: o.Value, Address: o.Address})
			}
		}
	}
	reward := w.rules.Params().SubsidyAt(height) + fees
	if n == 0 && rng.IntN(2) == 0 {
		txs[0] = core.NewCoinbase(height, reward, w.addrs[0], nil)
	} else {
		w.salt++
		txs[0] = core.NewCoinbase(height, reward, w.addrs[0], binary.LittleEndian.AppendUint64(nil, w.salt))
		txs[0].Outputs = w.pay(rng, reward)
	}
	return w.block(parent, txs)
}

// block makes a child of parent.
func (w *world) block(parent core.Hash, txs []core.Transaction) *core.Block {
	w.salt++
	h := core.Header{Version: 1, Parent: parent, Height: w.blocks[parent].Header.Height + 1, Nonce: uint32(w.salt)}
	b, err := core.NewBlock(h, txs)
	if err != nil {
		w.t.Fatal(err)
	}
	w.blocks[b.ID()] = b
	return b
}

// model is what an index must say after a block, worked out in the plainest way.
type model struct {
	tip     Tip
	history map[core.Address][]Entry
	outputs map[core.Outpoint]*Output
	txs     map[core.Hash]Tx
}

func (w *world) model(tip core.Hash) *model {
	m := &model{history: map[core.Address][]Entry{}, outputs: map[core.Outpoint]*Output{}, txs: map[core.Hash]Tx{}}
	for _, b := range w.path(tip) {
		m.tip = Tip{b.Header.Height, b.ID()}
		for i := range b.Txs {
			m.add(b, i)
		}
	}
	return m
}

func (m *model) add(b *core.Block, i int) {
	tx, id := &b.Txs[i], b.TxID(i)
	at := Tx{TxID: id, BlockID: b.ID(), Height: b.Header.Height, Position: uint32(i)}
	m.txs[id] = at
	touched := map[core.Address]*Entry{}
	entry := func(a core.Address) *Entry {
		if touched[a] == nil {
			touched[a] = &Entry{Tx: at}
		}
		return touched[a]
	}
	for j, in := range tx.Inputs {
		o := m.outputs[in.Outpoint]
		o.Spender, o.Input = &at, uint32(j)
		entry(o.Address).Sent += o.Value
	}
	for j, out := range tx.Outputs {
		op := core.Outpoint{TxID: id, Index: uint32(j)}
		m.outputs[op] = &Output{Coin: core.Coin{Outpoint: op, Value: out.Value, Height: at.Height, Coinbase: i == 0, Address: out.Address}}
		entry(out.Address).Received += out.Value
	}
	for a, e := range touched {
		m.history[a] = append([]Entry{*e}, m.history[a]...)
	}
}

// unspent lists coins of an address, the newest first.
func (m *model) unspent(a core.Address) []core.Coin {
	var coins []core.Coin
	for _, o := range m.outputs {
		if o.Address == a && o.Spender == nil {
			coins = append(coins, o.Coin)
		}
	}
	slices.SortFunc(coins, func(x, y core.Coin) int {
		return -cmp.Or(cmp.Compare(x.Height, y.Height), cmp.Compare(m.txs[x.TxID].Position, m.txs[y.TxID].Position), cmp.Compare(x.Index, y.Index))
	})
	return coins
}

func (m *model) balance(a core.Address, maturity uint32) Balance {
	b := Balance{Tip: m.tip, Txs: uint64(len(m.history[a]))}
	for _, o := range m.outputs {
		if o.Address != a {
			continue
		}
		b.Outputs++
		b.Received += o.Value
		switch {
		case o.Spender != nil:
			continue
		case o.Coinbase && o.Height+maturity > m.tip.Height+1:
			b.Immature += o.Value
		default:
			b.Confirmed += o.Value
		}
		b.Unspent++
	}
	return b
}
