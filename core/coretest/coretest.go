// Package coretest makes chains of named blocks for tests of the rules: each
// block says by name which one it follows, and mutators say how it differs from
// a plain valid one. It mines, signs and keeps every branch's state.
//
// It is for tests only. Start with [New] and [Chain.Next].
package coretest

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/signature"
)

// Genesis is the name of the network's first block.
const Genesis = "genesis"

// Chain is a tree of named blocks on one network.
type Chain struct {
	tb     testing.TB
	Rules  *core.Rules
	blocks map[string]*Named
}

// Named is a block with the state that connecting it left, if it is valid.
type Named struct {
	Name  string
	Block *core.Block
	// Coins are the unspent coins after the block.
	Coins core.UTXOs
	State *core.State
	Diff  *core.Diff
	// Err is the verdict of ConnectHeader, CheckBlock and ConnectBlock.
	Err    error
	Parent *Named

	// header is what a child's header goes by, also after an invalid block.
	header core.State
}

// New begins a tree on the given network; nil means the development network.
func New(tb testing.TB, p *core.Params) *Chain {
	tb.Helper()
	if p == nil {
		p = core.Dev()
	}
	rules, err := core.NewRules(p)
	if err != nil {
		tb.Fatal(err)
	}
	st := rules.Params().GenesisState()
	g := &Named{Name: Genesis, Block: rules.Genesis(), State: &st, header: st, Coins: core.UTXOs{}}
	return &Chain{tb: tb, Rules: rules, blocks: map[string]*Named{Genesis: g}}
}

// Get returns the block of that name.
func (c *Chain) Get(name string) *Named {
	c.tb.Helper()
	b := c.blocks[name]
	if b == nil {
		c.tb.Fatalf("coretest: no block named %q", name)
	}
	return b
}

// Draft is a block in the making, handed to mutators. Fields are the valid ones
// of a plain child; what a mutator changes stays as it left it.
type Draft struct {
	Chain  *Chain
	Parent *Named
	Header core.Header
	Txs    []core.Transaction

	// KeepMerkle, KeepReward and KeepNonce leave the field as the mutator set it
	// instead of making it fit the transactions.
	KeepMerkle, KeepReward, KeepNonce bool
}

// Mutator changes a draft.
type Mutator func(*Draft)

// Next makes, mines and judges a child of parent. Same arguments, same block.
// A child of an invalid block is drafted as if that one had changed no coin.
func (c *Chain) Next(name, parent string, mutators ...Mutator) *Named {
	c.tb.Helper()
	if c.blocks[name] != nil {
		c.tb.Fatalf("coretest: two blocks named %q", name)
	}
	p := c.Get(parent)
	d := c.draft(name, p)
	for _, m := range mutators {
		m(d)
	}
	n := &Named{Name: name, Parent: p, Block: d.finish()}
	n.judge(c.Rules)
	c.blocks[name] = n
	return n
}

// Chain makes n plain blocks named prefix1, prefix2, … and returns the last.
func (c *Chain) Chain(prefix, parent string, n int) *Named {
	c.tb.Helper()
	last := c.Get(parent)
	for i := 1; i <= n; i++ {
		last = c.Next(fmt.Sprintf("%s%d", prefix, i), last.Name)
	}
	return last
}

func (c *Chain) draft(name string, p *Named) *Draft {
	height := p.header.Height + 1
	return &Draft{
		Chain: c, Parent: p,
		Header: core.Header{
			Version: c.Rules.Params().VersionAt(height),
			Height:  height,
			Parent:  p.header.ID,
			State:   p.header.Commitment(),
			Time:    p.header.Time + c.Rules.Params().Retarget.IntervalMillis,
			Bits:    c.Rules.NextBits(&p.header.HeaderState),
		},
		Txs: []core.Transaction{core.NewCoinbase(height, c.Rules.Params().SubsidyAt(height), Key("miner").Address, []byte(name))},
	}
}

// finish makes reward, merkle root and nonce fit.
func (d *Draft) finish() *core.Block {
	tb := d.Chain.tb
	tb.Helper()
	if !d.KeepReward && len(d.Txs) > 0 && len(d.Txs[0].Outputs) > 0 {
		reward := d.Chain.Rules.Params().SubsidyAt(d.Header.Height)
		for i := 1; i < len(d.Txs); i++ {
			reward += d.Txs[i].Fee
		}
		for _, o := range d.Txs[0].Outputs[1:] {
			reward -= o.Value
		}
		d.Txs[0].Outputs[0].Value = reward
	}
	if !d.KeepMerkle {
		leaves := make([]core.Hash, len(d.Txs))
		for i := range d.Txs {
			leaves[i] = core.MerkleLeaf(d.Txs[i].ID(), d.Txs[i].WitnessID())
		}
		d.Header.MerkleRoot = core.MerkleRoot(leaves)
	}
	if !d.KeepNonce {
		Mine(tb, &d.Header)
	}
	b, err := core.NewBlock(d.Header, d.Txs)
	if err != nil {
		tb.Fatalf("coretest: draft at height %d does not encode: %v", d.Header.Height, err)
	}
	return b
}

// Mine searches the nonce of h. It is meant for trivial targets.
func Mine(tb testing.TB, h *core.Header) {
	tb.Helper()
	target, err := core.TargetFromBits(h.Bits)
	if err != nil {
		return // a mutator set bits that no nonce meets
	}
	for h.Nonce = 0; h.Nonce < 1<<24; h.Nonce++ {
		if core.HashMeetsTarget(h.ID(), &target) {
			return
		}
	}
	tb.Fatalf("coretest: no nonce for bits %08x", h.Bits)
}

// judge runs the rules and keeps what the block leaves.
func (n *Named) judge(rules *core.Rules) {
	n.header, n.Coins = n.Parent.header, n.Parent.Coins
	hs, err := rules.ConnectHeader(&n.Parent.header.HeaderState, &n.Block.Header)
	if err != nil {
		h := &n.Block.Header
		hs = core.HeaderState{Height: h.Height, ID: n.Block.ID(), Time: h.Time, ParentTime: n.Parent.header.Time, Bits: h.Bits, Work: n.Parent.header.Work}
		n.Err = err
	}
	n.header.HeaderState = hs
	if n.Parent.State == nil {
		n.Err = &core.RuleError{Code: core.ErrBadParent, Detail: n.Parent.Name + " is invalid"}
	}
	if n.Err == nil {
		n.Err = rules.CheckBlock(n.Block)
	}
	if n.Err != nil {
		return
	}
	n.State, n.Diff, n.Err = rules.ConnectBlock(n.Parent.State, n.Block, n.Parent.Coins)
	if n.Err != nil {
		n.State = nil
		return
	}
	n.header = *n.State
	n.Coins = coinsAfter(n.Parent.Coins, n.Diff)
}

// KeyPair is a key made from a name.
type KeyPair struct {
	Seed    [signature.SeedSize]byte
	Public  [core.PublicKeySize]byte
	Address core.Address
}

// Key returns the key of that name, always the same.
func Key(name string) KeyPair {
	k := KeyPair{Seed: sha256.Sum256([]byte("coretest " + name))}
	k.Public = signature.PublicKey(&k.Seed)
	k.Address = core.AddressOf(k.Public)
	return k
}

// Coinbase returns the coin that a block's coinbase made.
func (n *Named) Coinbase() core.Coin { return n.coin(0, 0) }

// Coin returns the coin of output index of transaction tx.
func (n *Named) Coin(tx, index int) core.Coin { return n.coin(tx, index) }

func (n *Named) coin(tx, index int) core.Coin {
	out := n.Block.Txs[tx].Outputs[index]
	return core.Coin{
		Outpoint: core.Outpoint{TxID: n.Block.TxID(tx), Index: uint32(index)},
		Value:    out.Value, Address: out.Address,
		Height: n.Block.Header.Height, Coinbase: tx == 0,
	}
}

// Pay returns a signed payment: it spends coins, each owned by the key of the
// name given for it, to one output per recipient, and leaves the rest as fee.
func Pay(genesis core.Hash, coins []core.Coin, owners []string, outputs ...core.Output) core.Transaction {
	t := core.Transaction{Version: core.TxVersion, Outputs: outputs}
	index := map[string]uint16{}
	var order []string
	var in, out core.Amount
	for i, c := range coins {
		owner := owners[min(i, len(owners)-1)]
		if _, ok := index[owner]; !ok {
			index[owner] = uint16(len(order))
			order = append(order, owner)
		}
		t.Inputs = append(t.Inputs, core.Input{Outpoint: c.Outpoint, Owner: index[owner]})
		in += c.Value
	}
	for _, o := range outputs {
		out += o.Value
	}
	t.Fee = in - out
	Sign(genesis, &t, order...)
	return t
}

// Sign replaces the witnesses of t by those of the named keys, in order.
func Sign(genesis core.Hash, t *core.Transaction, owners ...string) {
	digest := t.SigningDigest(genesis)
	t.Witnesses = nil
	for _, name := range owners {
		k := Key(name)
		t.Witnesses = append(t.Witnesses, core.Witness{PublicKey: k.Public, Signature: signature.Sign(&k.Seed, digest)})
	}
}

// To is an output to the key of that name.
func To(name string, value core.Amount) core.Output {
	return core.Output{Value: value, Address: Key(name).Address}
}

// WithTx adds a transaction.
func WithTx(t core.Transaction) Mutator {
	return func(d *Draft) { d.Txs = append(d.Txs, t) }
}

// WithTime sets the time in Unix milliseconds.
func WithTime(ms uint64) Mutator {
	return func(d *Draft) { d.Header.Time = ms }
}

// WithHeader changes the header; reward, merkle root and nonce are still made
// to fit.
func WithHeader(f func(*core.Header)) Mutator {
	return func(d *Draft) { f(&d.Header) }
}
