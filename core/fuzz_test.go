package core_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// What parses encodes to the bytes that it came from: one byte string per value.

func FuzzParseHeader(f *testing.F) {
	enc := core.LAN().Genesis().Header.Encode()
	f.Add(enc[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := core.ParseHeader(b)
		if err != nil {
			return
		}
		if again := h.Encode(); !bytes.Equal(again[:], b) {
			t.Fatalf("%x encodes to %x", b, again)
		}
	})
}

func FuzzParseTransaction(f *testing.F) {
	coinbase := core.NewCoinbase(7, 5, core.Address{}, []byte("extra"))
	f.Add(coinbase.AppendTo(nil))
	coin := core.Coin{Value: 9}
	pay := coretest.Pay(core.Hash{1}, []core.Coin{coin}, []string{"miner"}, coretest.To("alice", 3))
	f.Add(pay.AppendTo(nil))
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, err := core.ParseTransaction(b)
		if err != nil {
			return
		}
		if again := tx.AppendTo(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x encodes to %x", b, again)
		}
		if err := rules.CheckTx(tx); err != nil && !core.IsForever(err) {
			t.Fatalf("verdict %v is not for ever", err)
		}
	})
}

func FuzzParseBlock(f *testing.F) {
	c := coretest.New(f, nil)
	b1 := c.Next("b1", coretest.Genesis)
	pay := coretest.Pay(c.Rules.GenesisID(), []core.Coin{b1.Coinbase()}, []string{"miner"}, coretest.To("alice", 3))
	b2 := c.Next("b2", "b1", coretest.WithTx(pay))
	f.Add(c.Rules.Genesis().Bytes())
	f.Add(b2.Block.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		blk, err := core.ParseBlock(bytes.Clone(b))
		if err != nil {
			if !core.IsPunishable(err) || core.IsForever(err) {
				t.Fatalf("%v is not a BodyError", err)
			}
			return
		}
		if again := core.AppendBlock(nil, blk.Header, blk.Txs); !bytes.Equal(again, b) {
			t.Fatalf("%x encodes to %x", b, again)
		}
		if c.Rules.CheckBlock(blk) == nil && blk.ID() != b2.Block.ID() {
			// A block that passes has a root that fits its transactions.
			if blk.MerkleRoot() != blk.Header.MerkleRoot {
				t.Fatal("passes with a wrong merkle root")
			}
		}
		if _, _, err := c.Rules.ConnectBlock(b1.State, blk, b1.Coins); err == nil && len(blk.Txs) > 0 && blk.Header.Parent != b1.Block.ID() {
			t.Fatal("connects to a block that is not its parent")
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	f.Add(coretest.Key("alice").Address.Encode("ing"))
	f.Fuzz(func(t *testing.T, s string) {
		a, err := core.ParseAddress(s, "ing")
		if err != nil {
			return
		}
		if back, err := core.ParseAddress(a.Encode("ing"), "ing"); err != nil || back != a {
			t.Fatalf("%q gives %v, and that %v, %v", s, a, back, err)
		}
	})
}

func FuzzParseParams(f *testing.F) {
	for _, p := range []*core.Params{core.LAN(), core.Dev()} {
		data, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := core.ParseParams(b)
		if err != nil {
			return
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := core.ParseParams(data)
		if err != nil || back.Genesis().ID() != p.Genesis().ID() {
			t.Fatalf("%s becomes %s: %v", b, data, err)
		}
	})
}

func FuzzParseAmount(f *testing.F) {
	f.Add("12.5")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := core.ParseAmount(s)
		if err != nil {
			return
		}
		if back, err := core.ParseAmount(a.String()); err != nil || back != a || a > core.MaxAmount {
			t.Fatalf("%q gives %d, and that %d, %v", s, a, back, err)
		}
	})
}

func FuzzParseStored(f *testing.F) {
	c := coretest.New(f, nil)
	n := c.Chain("b", coretest.Genesis, 5)
	f.Add(n.State.AppendTo(nil), n.Diff.AppendUndo(nil))
	f.Fuzz(func(t *testing.T, state, undo []byte) {
		if st, err := core.ParseState(state); err == nil && !bytes.Equal(st.AppendTo(nil), state) {
			t.Fatalf("state %x is not canonical", state)
		}
		if d, err := core.ParseUndo(undo, n.Block); err == nil && !bytes.Equal(d.AppendUndo(nil), undo) {
			t.Fatalf("undo record %x is not canonical", undo)
		}
	})
}
