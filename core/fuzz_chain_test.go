package core_test

import (
	"bytes"
	"maps"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/signature"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// Targets that build something valid (blocks here, headers in
// fuzz_headers_test.go, payments in fuzz_tx_test.go) let the fuzzer's bytes
// choose what is then changed in it, and which fields are made to fit again:
// random bytes would hardly ever get past the merkle root.

const maxFuzzedBlocks = 3

// ledger is a small live chain with everything that the rules keep about it, kept
// naively.
type ledger struct {
	rules *core.Rules
	state core.State
	coins core.UTXOs
	names map[core.Address]string
	known good
}

// good remembers signatures that have verified, as a node with a warm pool does.
type good map[[signedSize]byte]bool

// signedSize is the size of a signature and all that it depends on, in bytes.
const signedSize = core.PublicKeySize + core.HashSize + core.SignatureSize

func itemKey(it *signature.Item) (k [signedSize]byte) {
	copy(k[:], slices.Concat(it.PublicKey[:], it.Message[:], it.Signature[:]))
	return k
}

func (g good) Has(it *signature.Item) bool { return g[itemKey(it)] }
func (g good) Add(it *signature.Item)      { g[itemKey(it)] = true }

// newLedger grows a chain with coins of several owners, some of them immature,
// on a network whose limits are within reach.
func newLedger(tb testing.TB) *ledger {
	p := core.Dev()
	p.CoinbaseMaturity, p.HalvingInterval = 2, 5
	p.MaxBlockBytes, p.MaxTxBytes, p.MaxBlockCoins = 4096, 1024, 16
	c := coretest.New(tb, p)
	b1 := c.Next("b1", coretest.Genesis)
	c.Next("b2", "b1")
	pay := coretest.Pay(c.Rules.GenesisID(), []core.Coin{b1.Coinbase()}, []string{"miner"},
		coretest.To("alice", 1000), coretest.To("bob", 2000), coretest.To("alice", 3000), coretest.To("carol", 1))
	last := c.Next("b3", "b2", coretest.WithTx(pay))
	if last.Err != nil {
		tb.Fatal(last.Err)
	}
	l := &ledger{rules: c.Rules, state: *last.State, coins: maps.Clone(last.Coins), names: map[core.Address]string{}}
	for _, name := range []string{"miner", "alice", "bob", "carol"} {
		l.names[coretest.Key(name).Address] = name
	}
	return l
}

func (l *ledger) clone() *ledger {
	c := *l
	c.coins, c.known = maps.Clone(l.coins), good{}
	return &c
}

// sorted lists the coins in an order that the bytes can rely on.
func (l *ledger) sorted() []core.Coin {
	coins := slices.Collect(maps.Values(l.coins))
	slices.SortFunc(coins, func(a, b core.Coin) int {
		ea, eb := a.Encode(), b.Encode()
		return bytes.Compare(ea[:], eb[:])
	})
	return coins
}

// payment spends some coins of the chain or of the block itself, now and then one
// that it may not.
func (l *ledger) payment(s *fuzzing.Source, coins []core.Coin) core.Transaction {
	var spent []core.Coin
	var owners []string
	for range 1 + s.Intn(2) {
		c := coins[s.Intn(len(coins))]
		if s.Rarely(32) {
			c.Index += 9
		}
		spent = append(spent, c)
		owners = append(owners, l.names[c.Address])
	}
	var outs []core.Output
	left := core.Amount(0)
	for _, c := range spent {
		left += c.Value
	}
	for range 1 + s.Intn(3) {
		v := min(core.Amount(1+int(s.Byte())), left)
		if v == 0 && len(outs) > 0 {
			break
		}
		left -= v
		outs = append(outs, coretest.To(fuzzing.Of(s, "alice", "bob", "carol"), v))
	}
	if s.Rarely(2) {
		outs[0].Value += left // else it is the fee
	}
	if s.Rarely(32) {
		owners[0] = "mallory"
	}
	if s.Rarely(16) { // the fee is then another than is left
		spent[0].Value += fuzzing.Of(s, core.Amount(1), 1<<64-1, core.Amount(s.Byte()))
	}
	tx := coretest.Pay(l.rules.GenesisID(), spent, owners, outs...)
	if s.Rarely(32) {
		tx = transactionOf(s, l.rules.GenesisID())
	}
	return tx
}

// block drafts a child of the tip. Most are valid: the bytes choose few edits, and
// what is then made to fit again.
func (l *ledger) block(s *fuzzing.Source) []byte {
	height := l.state.Height + 1
	txs := []core.Transaction{core.NewCoinbase(height, l.rules.Params().SubsidyAt(height), coretest.Key("miner").Address, s.Bytes(s.Intn(3)))}
	coins := l.sorted()
	for range s.Intn(4) {
		tx := l.payment(s, coins)
		txs = append(txs, tx)
		for i, o := range tx.Outputs { // later ones may spend it
			coins = append(coins, core.Coin{Outpoint: core.Outpoint{TxID: tx.ID(), Index: uint32(i)}, Value: o.Value, Address: o.Address})
		}
		txs[0].Outputs[0].Value += tx.Fee
	}
	h := core.Header{
		Version: 1, Height: height, Parent: l.state.ID, State: l.state.Commitment(),
		Time: l.state.Time + 1 + uint64(s.Byte()), Bits: l.rules.NextBits(&l.state.HeaderState),
	}
	edits := max(0, s.Intn(8)-5)
	for range edits {
		txs = editBody(s, &h, txs)
	}
	if edits > 0 && !s.Rarely(4) {
		for i := range txs {
			l.signAgain(&txs[i])
		}
	}
	if at := s.Intn(8); at < len(txs) && len(txs[at].Witnesses) > 0 && s.Rarely(4) {
		txs[at].Witnesses[0].Signature[s.Intn(64)] ^= s.Byte()
	}
	if edits == 0 || !s.Rarely(4) {
		leaves := make([]core.Hash, len(txs))
		for i := range txs {
			leaves[i] = core.MerkleLeaf(txs[i].ID(), txs[i].WitnessID())
		}
		h.MerkleRoot = core.MerkleRoot(leaves)
	}
	if edits == 0 || !s.Rarely(4) {
		mine(&h)
	}
	raw := core.AppendBlock(nil, h, txs)
	if s.Rarely(32) { // of the bytes themselves
		raw[int(s.Uint64()%uint64(len(raw)))] ^= s.Byte()
	}
	return raw
}

// signAgain makes the witnesses of known owners fit.
func (l *ledger) signAgain(tx *core.Transaction) {
	var owners []string
	for i := range tx.Witnesses {
		name, ok := l.names[core.AddressOf(tx.Witnesses[i].PublicKey)]
		if !ok {
			return
		}
		owners = append(owners, name)
	}
	coretest.Sign(l.rules.GenesisID(), tx, owners...)
}

// editBody changes one thing of a block.
func editBody(s *fuzzing.Source, h *core.Header, txs []core.Transaction) []core.Transaction {
	if len(txs) == 0 {
		return txs
	}
	at := s.Intn(len(txs))
	tx := &txs[at]
	switch s.Intn(11) {
	case 0, 1:
		editHeader(s, h)
	case 2:
		return slices.Delete(txs, at, at+1)
	case 3:
		return append(txs, *tx)
	case 4:
		to := s.Intn(len(txs))
		txs[at], txs[to] = txs[to], txs[at]
	case 5:
		if len(tx.Outputs) > 0 {
			tx.Outputs[0].Value += fuzzing.Of(s, core.Amount(1), 1<<64-1, core.Amount(s.Uint64()))
		}
	case 6:
		tx.Fee += fuzzing.Of(s, core.Amount(1), 1<<64-1, core.Amount(s.Uint64()))
	case 7:
		tx.Data = s.Bytes(s.Intn(130))
	case 8:
		tx.Outputs = nil
	case 9:
		for range s.Intn(30) {
			tx.Outputs = append(tx.Outputs, coretest.To("bob", 1))
		}
	case 10:
		tx.Inputs = append(tx.Inputs, core.Input{Outpoint: core.Outpoint{Index: uint32(s.Byte())}})
	}
	return txs
}

// judge runs a block through every way there is to judge one and returns the
// verdict. It fails if two differ, or if a refused block leaves a trace.
func (l *ledger) judge(t *testing.T, raw []byte) (*core.Block, *core.State, *core.Diff, error) {
	t.Helper()
	blk, err := core.ParseBlock(raw)
	if err != nil {
		return nil, nil, nil, err
	}
	err = l.rules.CheckBlock(blk)
	sigs, formErr := l.rules.CheckBlockForm(blk)
	if formErr == nil {
		formErr = core.VerifySignatures(sigs)
	}
	if !sameText(err, formErr) {
		t.Fatalf("whole: %v; form, then signatures: %v", err, formErr)
	}
	if cached := core.VerifyUnknown(sigs, l.known); sigs != nil && core.CodeOf(cached) != core.CodeOf(err) {
		t.Fatalf("whole: %v; with what is known: %v", err, cached)
	}
	if err != nil {
		return blk, nil, nil, err
	}
	before, coins := l.state, maps.Clone(l.coins)
	st, diff, err := l.rules.ConnectBlock(&l.state, blk, l.coins)
	broken := l.brokenSpendRules(blk)
	if code := core.CodeOf(err); err == nil && len(broken) > 0 || strings.HasPrefix(string(code), "connect-") && !broken[code] {
		t.Fatalf("%v, but it breaks %v", err, broken)
	}
	needed := core.UTXOs{}
	for _, op := range blk.Needs() {
		if c, ok := l.coins[op]; ok {
			needed[op] = c
		}
	}
	st2, diff2, err2 := l.rules.ConnectBlock(&l.state, blk, needed)
	if !sameText(err, err2) || !reflect.DeepEqual(diff, diff2) || err == nil && *st != *st2 {
		t.Fatalf("with all coins: %v; with those it needs: %v", err, err2)
	}
	if l.state != before || !maps.Equal(l.coins, coins) {
		t.Fatal("judging a block changed the state before it")
	}
	return blk, st, diff, err
}

// brokenSpendRules lists every rule that a block breaks by what it spends, or by
// the state that it commits to.
func (l *ledger) brokenSpendRules(b *core.Block) map[core.Code]bool {
	broken := map[core.Code]bool{}
	mark := func(c core.Code, is bool) {
		if is {
			broken[c] = true
		}
	}
	mark(core.ErrStateRoot, b.Header.State != l.state.Commitment())
	coins := maps.Clone(l.coins)
	for i := range b.Txs {
		tx := &b.Txs[i]
		in, out := new(big.Int), new(big.Int).SetUint64(uint64(tx.Fee))
		for _, input := range tx.Inputs {
			c, ok := coins[input.Outpoint]
			mark(core.ErrMissingCoin, !ok)
			delete(coins, input.Outpoint)
			age := int64(b.Header.Height) - int64(c.Height)
			mark(core.ErrImmature, ok && c.Coinbase && age < int64(l.rules.Params().CoinbaseMaturity))
			mark(core.ErrOwner, ok && c.Address != core.AddressOf(tx.Witnesses[input.Owner].PublicKey))
			in.Add(in, new(big.Int).SetUint64(uint64(c.Value)))
		}
		for j, o := range tx.Outputs {
			out.Add(out, new(big.Int).SetUint64(uint64(o.Value)))
			op := core.Outpoint{TxID: tx.ID(), Index: uint32(j)}
			coins[op] = core.Coin{Outpoint: op, Value: o.Value, Height: b.Header.Height, Coinbase: i == 0, Address: o.Address}
		}
		mark(core.ErrInputSum, in.Cmp(big.NewInt(1<<53-1)) > 0)
		mark(core.ErrFeeMismatch, i > 0 && in.Cmp(out) != 0)
	}
	return broken
}

// connect applies an accepted block, and fails unless the new state is that of
// the coins, no money was made or lost, and undoing gives the old state.
func (l *ledger) connect(t *testing.T, blk *core.Block, st *core.State, diff *core.Diff) {
	t.Helper()
	if broken := brokenHeaderRules(l.rules.Params(), &l.state.HeaderState, &blk.Header); len(broken) > 0 {
		t.Fatalf("an accepted header breaks %v", broken)
	}
	undo := diff.AppendUndo(nil)
	read, err := core.ParseUndo(undo, blk)
	if err != nil || !bytes.Equal(read.AppendUndo(nil), undo) {
		t.Fatalf("the undo record is read as %v: %v", read, err)
	}
	if back := core.UndoBlock(st, &l.state.HeaderState, read); *back != l.state {
		t.Fatal("undoing the block does not give the state before")
	}
	for _, c := range diff.Spent {
		delete(l.coins, c.Outpoint)
	}
	for _, c := range diff.Created {
		l.coins[c.Outpoint] = c
	}
	var set core.CoinSet
	var money, minted core.Amount
	for op, c := range l.coins {
		if c.Outpoint != op {
			t.Fatalf("coin %v lies at %v", c, op)
		}
		set.Add(&c)
		money += c.Value
	}
	for h := uint32(1); h <= st.Height; h++ {
		minted += l.rules.Params().SubsidyAt(h)
	}
	if set != st.Coins {
		t.Fatal("the state's coins are not those that there are")
	}
	if money != minted {
		t.Fatalf("%d grains at height %d, minted %d", money, st.Height, minted)
	}
	l.state = *st
}

// step judges one block and connects it if it is valid.
func (l *ledger) step(t *testing.T, s *fuzzing.Source) error {
	t.Helper()
	blk, st, diff, err := l.judge(t, l.block(s))
	if err == nil {
		l.connect(t, blk, st, diff)
	} else {
		wantVerdict(t, err)
	}
	return err
}

func FuzzConnectBlock(f *testing.F) {
	base := newLedger(f)
	f.Add([]byte{})
	f.Add([]byte{1, 9, 1, 0, 3, 0, 1, 7, 1, 0, 0, 0, 0, 5})
	f.Add([]byte{0, 2, 1, 1, 2, 2, 3, 1, 1, 0, 0, 0, 2, 0, 5, 1, 4, 4, 0, 7, 6, 5, 0, 1, 3, 2, 4, 1, 5, 9, 2, 6})
	f.Add([]byte{0, 0, 1, 7, 0, 5, 0, 0, 0, 1, 0, 0, 6, 0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		l, s := base.clone(), fuzzing.New(b)
		for n := 0; n < maxFuzzedBlocks && (n == 0 || !s.Empty()); n++ {
			_ = l.step(t, s)
		}
	})
}

// Most of what the target tries gets past the first checks: random choices give
// accepted blocks and many different verdicts.
func TestFuzzedBlocksAreVaried(t *testing.T) {
	base := newLedger(t)
	rng := rand.New(rand.NewPCG(1, 2))
	const blocks = 600
	accepted, codes := 0, map[core.Code]int{}
	for range blocks {
		b := make([]byte, 120)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		if err := base.clone().step(t, fuzzing.New(b)); err == nil {
			accepted++
		} else {
			codes[core.CodeOf(err)]++
		}
	}
	if accepted < blocks/10 || len(codes) < 12 {
		t.Errorf("%d of %d blocks accepted, want a tenth; %d verdicts, want 12: %v", accepted, blocks, len(codes), codes)
	}
	t.Logf("%d of %d accepted, verdicts %v", accepted, blocks, codes)
}
