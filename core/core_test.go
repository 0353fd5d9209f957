package core_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"lukechampine.com/blake3"
)

func TestHeaderRoundTripAndTruncation(t *testing.T) {
	c := coretest.New(t, nil)
	h := c.Next("b1", coretest.Genesis).Block.Header
	enc := h.Encode()
	got, err := core.ParseHeader(enc[:])
	if err != nil || got != h {
		t.Fatalf("ParseHeader(Encode) = %+v, %v", got, err)
	}
	for i := range enc {
		if _, err := core.ParseHeader(enc[:i]); err == nil {
			t.Fatalf("a header of %d bytes parses", i)
		}
	}
	if _, err := core.ParseHeader(append(enc[:], 0)); err == nil {
		t.Fatal("a header with a byte left over parses")
	}
	first := sha256.Sum256(enc[:])
	if want := core.Hash(sha256.Sum256(first[:])); h.ID() != want {
		t.Fatalf("id %s, want SHA-256d %s", h.ID(), want)
	}
}

func TestMiningOffsets(t *testing.T) {
	h := core.Header{Time: 0x0102030405060708, Nonce: 0x11223344}
	enc := h.Encode()
	if enc[core.HeaderTimeOffset] != 8 || enc[core.HeaderNonceOffset] != 0x44 {
		t.Fatalf("time and nonce are not at their offsets: %x", enc[64:])
	}
}

// twoPayments is a chain b1 - b2 - b3 whose b3 holds two payments, one spending
// the other.
func twoPayments(t *testing.T) (*coretest.Chain, *coretest.Named) {
	c := coretest.New(t, nil)
	genesis := c.Rules.GenesisID()
	b1 := c.Next("b1", coretest.Genesis)
	b2 := c.Next("b2", "b1")
	pay := coretest.Pay(genesis, []core.Coin{b1.Coinbase(), b2.Coinbase()}, []string{"miner"},
		coretest.To("alice", 3*core.GrainsPerING), coretest.To("miner", 6*core.GrainsPerING))
	alices := core.Coin{Outpoint: core.Outpoint{TxID: pay.ID()}, Value: 3 * core.GrainsPerING}
	again := coretest.Pay(genesis, []core.Coin{alices}, []string{"alice"}, coretest.To("bob", 2*core.GrainsPerING))
	b3 := c.Next("b3", "b2", coretest.WithTx(pay), coretest.WithTx(again))
	if b3.Err != nil {
		t.Fatal(b3.Err)
	}
	return c, b3
}

func TestBlockRoundTripAndTruncation(t *testing.T) {
	_, n := twoPayments(t)
	raw := n.Block.Bytes()
	again, err := core.ParseBlock(raw)
	if err != nil {
		t.Fatal(err)
	}
	if enc := core.AppendBlock(nil, again.Header, again.Txs); !bytes.Equal(enc, raw) {
		t.Fatal("a parsed block encodes to other bytes")
	}
	for i := range again.Txs {
		if again.TxID(i) != again.Txs[i].ID() {
			t.Fatalf("transaction %d: id over received bytes differs", i)
		}
	}
	for i := range raw {
		var body *core.BodyError
		if _, err := core.ParseBlock(raw[:i]); !errors.As(err, &body) {
			t.Fatalf("%d of %d bytes: %v, want a BodyError", i, len(raw), err)
		}
	}
	if _, err := core.ParseBlock(append(bytes.Clone(raw), 0)); !errors.Is(err, core.ErrMalformed) {
		t.Fatalf("a byte left over: %v", err)
	}
}

func TestIntegersMustBeMinimal(t *testing.T) {
	tx := core.NewCoinbase(7, 0, core.Address{}, nil)
	enc := tx.AppendTo(nil)
	if _, err := core.ParseTransaction(enc); err != nil {
		t.Fatal(err)
	}
	// The count of inputs, 0, as two bytes.
	long := append(append(bytes.Clone(enc[:2]), 0x80, 0x00), enc[3:]...)
	if _, err := core.ParseTransaction(long); !errors.Is(err, core.ErrTxMalformed) {
		t.Fatalf("an integer longer than it needs to be: %v", err)
	}
}

// A failure says which transaction is the first that cannot be read.
func TestMalformedBlocksNameTheTransaction(t *testing.T) {
	_, n := twoPayments(t)
	raw := n.Block.Bytes()
	for i, cut := range map[int]int{0: core.HeaderSize + 1 + 3*13, 2: len(raw) - 1} {
		_, err := core.ParseBlock(raw[:cut])
		if want := fmt.Sprintf("block-malformed: transaction %d: malformed: byte ", i); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%d bytes: %v, want %q", cut, err, want)
		}
	}
}

func TestCountsAreRefusedBeforeAllocating(t *testing.T) {
	enc := []byte{1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f}
	allocs := testing.AllocsPerRun(10, func() {
		if _, err := core.ParseTransaction(enc); err == nil {
			t.Fatal("parses")
		}
	})
	if allocs > 30 {
		t.Fatalf("%v allocations for 7 bytes", allocs)
	}
}

func TestWitnessIsNotInTxID(t *testing.T) {
	_, n := twoPayments(t)
	tx := n.Block.Txs[1]
	before, wid := tx.ID(), tx.WitnessID()
	tx.Witnesses = append([]core.Witness(nil), tx.Witnesses...)
	tx.Witnesses[0].Signature[0] ^= 1
	if tx.ID() != before || tx.WitnessID() == wid {
		t.Fatal("the signature must change the wid and not the txid")
	}
}

func TestMerkleRootCommitsToCountAndPlace(t *testing.T) {
	leaf := func(i byte) core.Hash { return core.MerkleLeaf(core.Hash{i}, core.Hash{}) }
	seen := map[core.Hash]string{}
	for _, leaves := range [][]core.Hash{
		nil, {leaf(1)}, {leaf(1), leaf(1)}, {leaf(1), leaf(2)}, {leaf(2), leaf(1)},
		{leaf(1), leaf(2), leaf(3)}, {leaf(1), leaf(2), leaf(3), leaf(3)}, {leaf(1), leaf(2), leaf(3), leaf(4)},
	} {
		root := core.MerkleRoot(leaves)
		if other, dup := seen[root]; dup {
			t.Fatalf("%d leaves have the root of %s", len(leaves), other)
		}
		seen[root] = fmt.Sprint(len(leaves))
	}
}

func TestCoinSetIsBlake3DeriveKey(t *testing.T) {
	coin := core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{1, 2, 3}, Index: 4}, Value: 5, Height: 6, Coinbase: true, Address: core.Address{Hash: [20]byte{7}}}
	var set core.CoinSet
	set.Add(&coin)
	enc := coin.Encode()
	want := make([]byte, core.LtHashSize)
	blake3.DeriveKey(want, "ingchain 2026-11-20 lthash16 coin v1", enc[:])
	if got := set.AppendTo(nil)[:core.LtHashSize]; !bytes.Equal(got, want) {
		t.Fatal("the accumulator of one coin is not BLAKE3's derived key")
	}
	back, err := core.ParseCoin(enc[:])
	if err != nil || back != coin {
		t.Fatalf("ParseCoin(Encode) = %+v, %v", back, err)
	}
}

func TestCoinSetForgetsOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	coins := make([]core.Coin, 50)
	for i := range coins {
		coins[i] = core.Coin{Outpoint: core.Outpoint{Index: uint32(i)}, Value: core.Amount(rng.Uint64N(1 << 50))}
	}
	var a, b core.CoinSet
	for i := range coins {
		a.Add(&coins[i])
	}
	for _, i := range rng.Perm(len(coins)) {
		b.Add(&coins[i])
	}
	extra := core.Coin{Value: 9}
	b.Add(&extra)
	if a == b {
		t.Fatal("another coin leaves the set equal")
	}
	b.Remove(&extra)
	if a != b {
		t.Fatal("equal sets differ")
	}
	back, err := core.ParseCoinSet(a.AppendTo(nil))
	if err != nil || back != a {
		t.Fatalf("ParseCoinSet: %v", err)
	}
}

func TestStateRoundTripAndUndo(t *testing.T) {
	c, n := twoPayments(t)
	for n.Parent != nil {
		back, err := core.ParseState(n.State.AppendTo(nil))
		if err != nil || back != *n.State {
			t.Fatalf("%s: ParseState(AppendTo): %v", n.Name, err)
		}
		diff, err := core.ParseUndo(n.Diff.AppendUndo(nil), n.Block)
		if err != nil {
			t.Fatal(err)
		}
		prev := core.UndoBlock(n.State, &n.Parent.State.HeaderState, diff)
		if *prev != *n.Parent.State {
			t.Fatalf("undoing %s does not give the state of %s", n.Name, n.Parent.Name)
		}
		n = n.Parent
	}
	_ = c
}

func TestHistoryUndoOverManyHeights(t *testing.T) {
	c := coretest.New(t, nil)
	last := c.Chain("b", coretest.Genesis, 70)
	st := *last.State
	for n := last; n.Parent != nil; n = n.Parent {
		st = *core.UndoBlock(&st, &n.Parent.State.HeaderState, n.Diff)
		if st != *n.Parent.State {
			t.Fatalf("height %d differs after undo", st.Height)
		}
	}
}

func TestEveryAddressErrorIsTold(t *testing.T) {
	a := coretest.Key("alice").Address
	s := a.Encode("ing")
	back, err := core.ParseAddress(s, "ing")
	if err != nil || back != a {
		t.Fatalf("ParseAddress(%q) = %v, %v", s, back, err)
	}
	if back, err := core.ParseAddress(strings.ToUpper(s), "ing"); err != nil || back != a {
		t.Fatalf("upper case: %v", err)
	}
	cases := []struct {
		name, in string
		want     error
	}{
		{"another network", a.Encode("ingd"), core.ErrAddressNetwork},
		{"unknown kind", core.Address{Kind: 1}.Encode("ing"), core.ErrAddressKind},
		{"empty", "", core.ErrAddress},
		{"mixed case", strings.ToUpper(s[:8]) + s[8:], core.ErrAddress},
		{"cut", s[:len(s)-1], core.ErrAddress},
		{"bech32", "ing1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqu0n5ye", core.ErrAddress},
	}
	for _, tc := range cases {
		if _, err := core.ParseAddress(tc.in, "ing"); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	for i := len("ing1"); i < len(s); i++ {
		flipped := []byte(s)
		flipped[i] = map[bool]byte{true: 'p', false: 'q'}[s[i] == 'q']
		if _, err := core.ParseAddress(string(flipped), "ing"); err == nil {
			t.Fatalf("one wrong character at %d goes unnoticed", i)
		}
	}
}

func TestAmounts(t *testing.T) {
	for in, want := range map[string]core.Amount{
		"0": 0, "1": core.GrainsPerING, "0.00000001": 1, "12.5": 1_250_000_000, "90071992.54740991": core.MaxAmount,
	} {
		got, err := core.ParseAmount(in)
		if err != nil || got != want || got.String() != in {
			t.Errorf("ParseAmount(%q) = %d (%s), %v", in, got, got, err)
		}
	}
	for _, in := range []string{"", ".", "1.", ".5", "-1", "+1", "1e3", "1.000000001", "90071992.54740992", "99999999999", " 1", "1,5", "0x1"} {
		if got, err := core.ParseAmount(in); !errors.Is(err, core.ErrAmount) {
			t.Errorf("ParseAmount(%q) = %d, %v", in, got, err)
		}
	}
}
