package core_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// What parses encodes to the bytes that it came from: one byte string per value.
// Fuzz targets of this package by subject: bytes (here), text and parameters
// (fuzz_params_test.go), work and difficulty (fuzz_work_test.go), commitments and
// undo (fuzz_state_test.go, fuzz_history_test.go), headers, payments and blocks
// that are edited (fuzz_headers_test.go, fuzz_tx_test.go, fuzz_chain_test.go).

// memoryFactor is how many bytes of memory a parser may take per byte of its
// input. The dearest is a block of empty transactions: 13 bytes become one of
// 112 in memory, with a txid, a leaf, a place and two hashers.
const memoryFactor = 48

// wantVerdict fails unless err is exactly one kind of verdict, with a code.
func wantVerdict(t *testing.T, err error) {
	t.Helper()
	var rule *core.RuleError
	var body *core.BodyError
	var later *core.DeferError
	kinds := 0
	for _, is := range []bool{errors.As(err, &rule), errors.As(err, &body), errors.As(err, &later)} {
		if is {
			kinds++
		}
	}
	if kinds != 1 || core.CodeOf(err) == "" {
		t.Fatalf("%v is %d kinds of verdict with code %q, want one", err, kinds, core.CodeOf(err))
	}
	if core.IsForever(err) != (rule != nil) || core.IsDeferred(err) != (later != nil) || core.IsPunishable(err) == core.IsDeferred(err) {
		t.Fatalf("%v is for ever %v, deferred %v, punishable %v", err, core.IsForever(err), core.IsDeferred(err), core.IsPunishable(err))
	}
}

func sameText(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Error() == b.Error()
}

func FuzzParseHeader(f *testing.F) {
	enc := core.LAN().Genesis().Header.Encode()
	f.Add(enc[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := core.ParseHeader(b)
		if (err == nil) != (len(b) == core.HeaderSize) {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
		if err != nil {
			return
		}
		if again := h.Encode(); !bytes.Equal(again[:], b) {
			t.Fatalf("%x encodes to %x", b, again)
		}
		first := sha256.Sum256(b)
		if want := core.Hash(sha256.Sum256(first[:])); h.ID() != want {
			t.Fatalf("id %s, want SHA-256d of the bytes, %s", h.ID(), want)
		}
	})
}

// twoOwners is a payment of two keys, and the coins that it spends.
func twoOwners(genesis core.Hash) core.Transaction {
	coins := []core.Coin{{Outpoint: core.Outpoint{Index: 1}, Value: 9}, {Outpoint: core.Outpoint{Index: 300}, Value: 2}, {Value: 3}}
	t := coretest.Pay(genesis, coins, []string{"alice", "bob", "alice"}, coretest.To("carol", 5), coretest.To("alice", 1))
	t.Data = []byte("twelve bytes")
	coretest.Sign(genesis, &t, "alice", "bob")
	return t
}

func FuzzParseTransaction(f *testing.F) {
	coinbase := core.NewCoinbase(7, 5, core.Address{}, []byte("extra"))
	f.Add(coinbase.AppendTo(nil))
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		f.Fatal(err)
	}
	pay := twoOwners(rules.GenesisID())
	f.Add(pay.AppendTo(nil))
	for _, n := range []int{core.MaxTxData, core.MaxTxData + 1} {
		pay.Data = make([]byte, n)
		f.Add(pay.AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var tx *core.Transaction
		var err error
		fuzzing.Proportional(t, len(b), memoryFactor, func() { tx, err = core.ParseTransaction(b) })
		if err != nil {
			wantVerdict(t, err)
			return
		}
		if again := tx.AppendTo(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x encodes to %x", b, again)
		}
		owners := 0
		for _, in := range tx.Inputs {
			owners = max(owners, int(in.Owner)+1)
		}
		if len(tx.Witnesses) != owners || len(tx.Data) > core.MaxTxData {
			t.Fatalf("%d witnesses for %d owners, %d bytes of data", len(tx.Witnesses), owners, len(tx.Data))
		}
		if err := rules.CheckTx(tx); err != nil && !core.IsForever(err) {
			t.Fatalf("verdict %v is not for ever", err)
		}
	})
}

// What a witness says is outside of the txid and inside of the wid, and any
// change to it condemns the transaction.
func FuzzWitness(f *testing.F) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		f.Fatal(err)
	}
	good := twoOwners(rules.GenesisID())
	if err := rules.CheckTx(&good); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{}, uint16(0))
	f.Add([]byte{1}, uint16(32))
	f.Add([]byte{0x80}, uint16(31+96))
	f.Fuzz(func(t *testing.T, xor []byte, at uint16) {
		raw := good.AppendTo(nil)
		witnesses := raw[len(good.AppendBody(nil)):]
		changed := false
		for i, x := range xor {
			witnesses[(int(at)+i)%len(witnesses)] ^= x
		}
		changed = !bytes.Equal(raw, good.AppendTo(nil))
		tx, err := core.ParseTransaction(raw)
		if err != nil {
			t.Fatalf("other witnesses do not parse: %v", err)
		}
		if tx.ID() != good.ID() || tx.SigningDigest(rules.GenesisID()) != good.SigningDigest(rules.GenesisID()) {
			t.Fatal("the witnesses are in the txid, or sign themselves")
		}
		leaf := core.MerkleLeaf(tx.ID(), tx.WitnessID())
		if (tx.WitnessID() != good.WitnessID()) != changed || (leaf != core.MerkleLeaf(good.ID(), good.WitnessID())) != changed {
			t.Fatalf("witnesses changed %v, but not so the wid and the leaf", changed)
		}
		switch err := rules.CheckTx(tx); {
		case !changed && err != nil:
			t.Fatal(err)
		case changed && core.CodeOf(err) != core.ErrTxSignature && core.CodeOf(err) != core.ErrTxKey && core.CodeOf(err) != core.ErrTxKeyTwice:
			t.Fatalf("changed witnesses pass: %v", err)
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
	for _, b := range []*core.Block{b1.Block, b2.Block} { // under another root
		raw := bytes.Clone(b.Bytes())
		raw[40]++
		f.Add(raw)
	}
	f.Add(append(make([]byte, core.HeaderSize), 0xff, 0xff, 0x03)) // a count that is only claimed
	f.Fuzz(func(t *testing.T, b []byte) {
		kept := bytes.Clone(b)
		var blk *core.Block
		var err error
		fuzzing.Proportional(t, len(b), memoryFactor, func() { blk, err = core.ParseBlock(kept) })
		if err != nil {
			wantVerdict(t, err)
			if !core.IsPunishable(err) || core.IsForever(err) {
				t.Fatalf("%v is not a BodyError", err)
			}
			return
		}
		wantSameBlock(t, blk, b)
		err = c.Rules.CheckBlock(blk)
		sigs, formErr := c.Rules.CheckBlockForm(blk)
		if formErr == nil {
			formErr = core.VerifySignatures(sigs)
		}
		if !sameText(err, formErr) {
			t.Fatalf("whole: %v; form, then signatures: %v", err, formErr)
		}
		if err == nil && blk.MerkleRoot() != blk.Header.MerkleRoot {
			t.Fatal("passes with a wrong merkle root")
		}
		if err != nil {
			wantVerdict(t, err)
			if core.CodeOf(err) == core.ErrMerkleRoot == core.IsForever(err) {
				t.Fatalf("%v: what the header does not commit to condemns the body alone", err)
			}
		}
		st, diff, err := c.Rules.ConnectBlock(b1.State, blk, b1.Coins)
		if err == nil && (blk.Header.Parent != b1.Block.ID() || st == nil || diff == nil) {
			t.Fatal("connects to a block that is not its parent")
		} else if err != nil {
			wantVerdict(t, err)
		}
	})
}

// wantSameBlock compares what a block knows of itself with its bytes.
func wantSameBlock(t *testing.T, blk *core.Block, b []byte) {
	t.Helper()
	if again := core.AppendBlock(nil, blk.Header, blk.Txs); !bytes.Equal(again, b) || !bytes.Equal(blk.Bytes(), b) || blk.Size() != len(b) {
		t.Fatalf("%x encodes to %x", b, again)
	}
	if blk.ID() != blk.Header.ID() || blk.MerkleRoot() != core.MerkleRoot(blk.Leaves()) || len(blk.Leaves()) != len(blk.Txs) {
		t.Fatal("the block's id or root is not that of its parts")
	}
	for i := range blk.Txs {
		tx := &blk.Txs[i]
		alone, err := core.ParseTransaction(tx.AppendTo(nil))
		if err != nil || !bytes.Equal(alone.AppendTo(nil), tx.AppendTo(nil)) || len(alone.Witnesses) != len(tx.Witnesses) {
			t.Fatalf("transaction %d alone: %v", i, err)
		}
		if blk.TxID(i) != tx.ID() || blk.Leaves()[i] != core.MerkleLeaf(tx.ID(), tx.WitnessID()) {
			t.Fatalf("transaction %d has another id in the block than alone", i)
		}
	}
}
