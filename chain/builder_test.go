package chain_test

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
)

// builder makes valid blocks of the dev rules, on any branch.
type builder struct {
	t     testing.TB
	rules *core.Rules
	// states and coins are what a straightforward replay gives after each block.
	states map[core.Hash]*core.State
	coins  map[core.Hash]core.UTXOs
	blocks map[core.Hash]*core.Block
	key    ed25519.PrivateKey
	addr   core.Address
	salt   uint64
	// light builders keep no coins and make coinbases only.
	light bool
	// twins makes coinbases of one height alike on all branches.
	twins bool
}

func devRules(t testing.TB) *core.Rules {
	t.Helper()
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func newBuilder(t testing.TB) *builder {
	t.Helper()
	return newBuilderOf(t, core.Dev())
}

// newBuilderOf makes a builder for another network.
func newBuilderOf(t testing.TB, p *core.Params) *builder {
	t.Helper()
	rules, err := core.NewRules(p)
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{
		t: t, rules: rules,
		states: make(map[core.Hash]*core.State), coins: make(map[core.Hash]core.UTXOs),
		blocks: make(map[core.Hash]*core.Block),
		key:    ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)),
	}
	b.addr = core.AddressOf([32]byte(b.key.Public().(ed25519.PublicKey)))
	st := b.rules.Params().GenesisState()
	b.states[st.ID] = &st
	b.coins[st.ID] = core.UTXOs{}
	b.blocks[st.ID] = b.rules.Genesis()
	return b
}

func (b *builder) genesis() core.Hash { return b.rules.GenesisID() }

// pay spends a coin to the builder itself.
func (b *builder) pay(c core.Coin, fee core.Amount) core.Transaction {
	tx := core.Transaction{
		Version: core.TxVersion, Fee: fee,
		Inputs:  []core.Input{{Outpoint: c.Outpoint}},
		Outputs: []core.Output{{Value: (c.Value - fee) / 2, Address: b.addr}, {Value: (c.Value - fee) - (c.Value-fee)/2, Address: b.addr}},
	}
	b.sign(&tx)
	return tx
}

// join spends coins to n outputs of the builder's.
func (b *builder) join(coins []core.Coin, n int) core.Transaction {
	tx := core.Transaction{Version: core.TxVersion}
	var sum core.Amount
	for _, c := range coins {
		tx.Inputs = append(tx.Inputs, core.Input{Outpoint: c.Outpoint})
		sum += c.Value
	}
	for i := range n {
		v := sum / core.Amount(n)
		if i == 0 {
			v += sum % core.Amount(n)
		}
		tx.Outputs = append(tx.Outputs, core.Output{Value: v, Address: b.addr})
	}
	b.sign(&tx)
	return tx
}

func (b *builder) sign(tx *core.Transaction) {
	d := tx.SigningDigest(b.genesis())
	w := core.Witness{PublicKey: [32]byte(b.key.Public().(ed25519.PublicKey))}
	copy(w.Signature[:], ed25519.Sign(b.key, d[:]))
	tx.Witnesses = []core.Witness{w}
}

// outputOf is the coin that output i of a payment makes, in no block yet.
func outputOf(tx *core.Transaction, i int) core.Coin {
	return core.Coin{Outpoint: core.Outpoint{TxID: tx.ID(), Index: uint32(i)}, Value: tx.Outputs[i].Value, Address: tx.Outputs[i].Address}
}

// solve finds the proof of work of a header with transactions.
func (b *builder) solve(h core.Header, txs []core.Transaction) *core.Block {
	leaves := make([]core.Hash, len(txs))
	for i := range txs {
		leaves[i] = core.MerkleLeaf(txs[i].ID(), txs[i].WitnessID())
	}
	h.MerkleRoot = core.MerkleRoot(leaves)
	for b.rules.CheckWork(&h) != nil {
		h.Nonce++
	}
	blk, err := core.NewBlock(h, txs)
	if err != nil {
		b.t.Fatal(err)
	}
	return blk
}

// header is that of a child of parent, without merkle root and work.
func (b *builder) header(parent core.Hash) core.Header {
	st := b.states[parent]
	return core.Header{
		Version: 1, Height: st.Height + 1, Parent: parent, State: st.Commitment(),
		Time: st.Time + 1000, Bits: b.rules.NextBits(&st.HeaderState),
	}
}

// coinbase mints for the builder; no two are alike but twins.
func (b *builder) coinbase(height uint32, fees core.Amount) core.Transaction {
	if b.twins {
		return core.NewCoinbase(height, b.rules.Params().SubsidyAt(height)+fees, b.addr, nil)
	}
	b.salt++
	return core.NewCoinbase(height, b.rules.Params().SubsidyAt(height)+fees, b.addr, binary.LittleEndian.AppendUint64(nil, b.salt))
}

// child makes a valid block on parent with payments.
func (b *builder) child(parent core.Hash, txs ...core.Transaction) *core.Block {
	h := b.header(parent)
	var fees core.Amount
	for i := range txs {
		fees += txs[i].Fee
	}
	blk := b.solve(h, append([]core.Transaction{b.coinbase(h.Height, fees)}, txs...))
	return b.add(blk)
}

// add connects a block to the builder's own replay.
func (b *builder) add(blk *core.Block) *core.Block {
	parent := blk.Header.Parent
	next, diff, err := b.rules.ConnectBlock(b.states[parent], blk, b.coins[parent])
	if err != nil {
		b.t.Fatalf("builder's own block: %v", err)
	}
	id := blk.ID()
	b.states[id], b.blocks[id] = next, blk
	if b.light {
		return blk
	}
	coins := make(core.UTXOs, len(b.coins[parent])+1)
	for op, c := range b.coins[parent] {
		coins[op] = c
	}
	for _, c := range diff.Spent {
		delete(coins, c.Outpoint)
	}
	for _, c := range diff.Created {
		coins[c.Outpoint] = c
	}
	b.coins[id] = coins
	return blk
}

// spending makes a child that also spends up to n of the branch's coins.
func (b *builder) spending(parent core.Hash, rng *rand.Rand, n int) *core.Block {
	var txs []core.Transaction
	for _, op := range sortedOutpoints(b.coins[parent]) {
		if len(txs) == n {
			break
		}
		c := b.coins[parent][op]
		if c.Value > 1000 && b.mature(c, b.states[parent].Height+1) && rng.IntN(3) == 0 {
			txs = append(txs, b.pay(c, core.Amount(rng.IntN(10))))
		}
	}
	return b.child(parent, txs...)
}

// mature reports whether a coin may be spent at a height.
func (b *builder) mature(c core.Coin, height uint32) bool {
	return !c.Coinbase || height >= c.Height+b.rules.Params().CoinbaseMaturity
}

// minted is what the subsidy allows up to a height.
func (b *builder) minted(height uint32) (sum core.Amount) {
	for h := uint32(1); h <= height; h++ {
		sum += b.rules.Params().SubsidyAt(h)
	}
	return sum
}

// branch makes n children one after another.
func (b *builder) branch(parent core.Hash, n int) []*core.Block {
	blocks := make([]*core.Block, n)
	for i := range blocks {
		blocks[i] = b.child(parent)
		parent = blocks[i].ID()
	}
	return blocks
}

// bare makes a branch of coinbases only, and keeps no coins of it.
func (b *builder) bare(parent core.Hash, n int) []*core.Block {
	b.light = true
	defer func() { b.light = false }()
	return b.branch(parent, n)
}

// clockOf is a clock that never defers the builder's blocks.
func clockOf() time.Time { return time.UnixMilli(1 << 50) }

func memFS() vfs.FS { return vfs.NewMem() }

// openOn opens a manager on a file system.
func openOn(t testing.TB, fs vfs.FS, opts chain.Options) (*chain.Manager, error) {
	t.Helper()
	return openWith(devRules(t), fs, opts, nil)
}

// openWith opens a manager of other rules, on a store as changed by wrap.
func openWith(rules *core.Rules, fs vfs.FS, opts chain.Options, wrap func(chain.Store) chain.Store) (*chain.Manager, error) {
	db, err := pebbledb.Open("d", rules.GenesisID(), pebbledb.Options{FS: fs, CacheBytes: 1 << 20, MemTableBytes: 1 << 20})
	if err != nil {
		return nil, err
	}
	if opts.Now == nil {
		opts.Now = clockOf
	}
	var store chain.Store = db
	if wrap != nil {
		store = wrap(db)
	}
	m, err := chain.Open(store, rules, opts)
	if err != nil {
		db.Close()
	}
	return m, err
}

// newManager opens a manager in memory that the test closes.
func newManager(t testing.TB, opts chain.Options) *chain.Manager {
	t.Helper()
	m, err := openOn(t, memFS(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func mustAdd(t testing.TB, m *chain.Manager, blocks ...*core.Block) {
	t.Helper()
	if _, err := m.AddBlocks(context.Background(), blocks); err != nil {
		t.Fatal(err)
	}
}

// wantState compares the tip's state with the builder's replay, and the stored
// coins with both.
func (b *builder) wantState(m *chain.Manager) {
	b.t.Helper()
	tip := m.Tip()
	want, ok := b.states[tip.ID]
	if !ok {
		b.t.Fatalf("tip %s is not a block of the builder's", tip.ID)
	}
	if *m.TipState() != *want {
		b.t.Fatalf("state after %s at height %d is not that of the replay", tip.ID, tip.Height)
	}
	h, err := m.StateHashFull(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	if h.Commitment != want.Commitment() {
		b.t.Fatalf("state hash %s, want %s", h.Commitment, want.Commitment())
	}
}

// wantVerified runs a whole check.
func wantVerified(t testing.TB, m *chain.Manager) {
	t.Helper()
	r, err := m.Verify(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Problems) > 0 || r.Blocks != m.Tip().Height || r.ID != m.Tip().ID {
		t.Fatalf("verify: %+v", r)
	}
}

// bestOf picks the tip that the rules ask for among blocks whose branches are
// all valid.
func (b *builder) bestOf(ids ...core.Hash) core.Hash {
	best := b.genesis()
	for _, id := range ids {
		if core.Heavier(b.states[id].Work, id, b.states[best].Work, best) {
			best = id
		}
	}
	return best
}
