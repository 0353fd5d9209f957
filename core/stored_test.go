package core_test

import (
	"bytes"
	"math/bits"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// Whatever is stored comes back only from exactly its bytes.
func TestStoredValuesAreWhole(t *testing.T) {
	c, n := twoPayments(t)
	st := n.State
	coin := n.Coinbase()
	enc := coin.Encode()
	_ = c
	for name, tc := range map[string]struct {
		raw   []byte
		parse func([]byte) error
	}{
		"state":        {st.AppendTo(nil), func(b []byte) error { _, err := core.ParseState(b); return err }},
		"header state": {st.HeaderState.AppendTo(nil), func(b []byte) error { _, err := core.ParseHeaderState(b); return err }},
		"coin set":     {st.Coins.AppendTo(nil), func(b []byte) error { _, err := core.ParseCoinSet(b); return err }},
		"history":      {st.History.AppendTo(nil), func(b []byte) error { _, err := core.ParseHistory(b); return err }},
		"coin":         {enc[:], func(b []byte) error { _, err := core.ParseCoin(b); return err }},
		"undo":         {n.Diff.AppendUndo(nil), func(b []byte) error { _, err := core.ParseUndo(b, n.Block); return err }},
	} {
		if err := tc.parse(tc.raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, cut := range []int{0, 1, len(tc.raw) / 2, len(tc.raw) - 1} {
			if err := tc.parse(tc.raw[:cut]); err == nil {
				t.Errorf("%s: %d of %d bytes are read", name, cut, len(tc.raw))
			}
		}
		if err := tc.parse(append(bytes.Clone(tc.raw), 0)); err == nil {
			t.Errorf("%s: a byte too many is read", name)
		}
	}
}

func TestCoinsAreOfOneForm(t *testing.T) {
	every := core.Coin{
		Outpoint: core.Outpoint{TxID: core.Hash{1, 31: 2}, Index: 0x03040506}, Value: 0x0708090a0b0c0d0e, Height: 0x0f101112,
		Coinbase: true, Address: core.Address{Kind: 0x13, Hash: [20]byte{0x14, 19: 0x15}},
	}
	enc := every.Encode()
	if got, err := core.ParseCoin(enc[:]); err != nil || got != every {
		t.Errorf("%+v comes back as %+v, %v", every, got, err)
	}
	for flag, want := range map[byte]bool{0: true, 1: true, 2: false, 255: false} {
		enc[48] = flag
		got, err := core.ParseCoin(enc[:])
		if (err == nil) != want || want && got.Coinbase != (flag == 1) {
			t.Errorf("coinbase flag %d: %+v, %v", flag, got, err)
		}
	}
}

func TestUndoRecordsAreBounded(t *testing.T) {
	b := coretest.New(t, nil).Next("b", coretest.Genesis).Block
	for peaks, want := range map[int]bool{0: true, 32: true, 33: false} {
		raw := append([]byte{byte(peaks)}, make([]byte, peaks*core.HashSize)...)
		d, err := core.ParseUndo(raw, b)
		if (err == nil) != want || want && len(d.MergedPeaks) != peaks {
			t.Errorf("%d peaks: %v", peaks, err)
		}
	}
}

// Undoing a block takes the peaks that it merged and no more: one for each one
// at the end of the number of blocks before it.
func TestUndoRecordsHoldTheMergedPeaks(t *testing.T) {
	c := coretest.New(t, nil)
	for n := c.Chain("b", coretest.Genesis, 16); n.Parent != nil; n = n.Parent {
		if want := bits.TrailingZeros32(^n.Block.Header.Height); len(n.Diff.MergedPeaks) != want {
			t.Errorf("height %d: %d peaks merged, want %d", n.Block.Header.Height, len(n.Diff.MergedPeaks), want)
		}
	}
}

// What a block left is found again from the block alone.
func TestCreatedIsWhatTheBlockLeft(t *testing.T) {
	_, n := twoPayments(t)
	created := n.Block.Created()
	if len(created) != len(n.Diff.Created) || len(created) == 0 {
		t.Fatalf("%d coins, want %d", len(created), len(n.Diff.Created))
	}
	for i := range created {
		if created[i] != n.Diff.Created[i] {
			t.Errorf("coin %d is %+v, want %+v", i, created[i], n.Diff.Created[i])
		}
	}
	if n.State.Coins.Count() != 3 || n.State.History.Count() != 4 { // bob's, the miner's change and the coinbase
		t.Errorf("%d coins after %d blocks", n.State.Coins.Count(), n.State.History.Count())
	}
}

// A block needs the coins of earlier blocks, and those that it names too early.
func TestNeeds(t *testing.T) {
	c := coretest.New(t, nil)
	b1 := c.Next("b1", coretest.Genesis)
	genesis := c.Rules.GenesisID()
	first := coretest.Pay(genesis, []core.Coin{b1.Coinbase()}, []string{"miner"}, coretest.To("alice", 2*ing))
	alices := core.Coin{Outpoint: core.Outpoint{TxID: first.ID()}, Value: 2 * ing}
	second := coretest.Pay(genesis, []core.Coin{alices}, []string{"alice"}, coretest.To("bob", ing))
	for _, tc := range []struct {
		name string
		txs  []core.Transaction
		want []core.Outpoint
	}{
		{"none", nil, nil},
		{"in order", []core.Transaction{first, second}, []core.Outpoint{b1.Coinbase().Outpoint}},
		{"too early", []core.Transaction{second, first}, []core.Outpoint{alices.Outpoint, b1.Coinbase().Outpoint}},
		{"alone", []core.Transaction{second}, []core.Outpoint{alices.Outpoint}},
	} {
		var with []coretest.Mutator
		for _, tx := range tc.txs {
			with = append(with, coretest.WithTx(tx))
		}
		got := c.Next(tc.name, "b1", with...).Block.Needs()
		if len(got) != len(tc.want) {
			t.Fatalf("%s: needs %v, want %v", tc.name, got, tc.want)
		}
		for i := range got {
			if got[i] != tc.want[i] {
				t.Errorf("%s: need %d is %v, want %v", tc.name, i, got[i], tc.want[i])
			}
		}
	}
	// A transaction cannot name itself: its id covers what it names. One that is
	// in the block twice names an earlier one of its own id.
	twice := c.Next("twice", "b1", coretest.WithTx(first), coretest.WithTx(first)).Block.Needs()
	if len(twice) != 2 {
		t.Errorf("needs %v", twice)
	}
}
