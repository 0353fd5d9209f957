package core_test

import (
	"math/big"
	"testing"

	"github.com/hdevalence/ed25519consensus"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/signature"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// transactionOf makes a payment that is mostly valid in form, signed by its
// owners.
func transactionOf(s *fuzzing.Source, genesis core.Hash) core.Transaction {
	amount := func() core.Amount {
		return fuzzing.Of(s, 1, 1000, core.MaxAmount, core.MaxAmount+1, core.MaxAmount/2, core.MaxAmount/2+1, 0, core.Amount(s.Uint64()))
	}
	t := core.Transaction{Version: core.TxVersion, Data: s.Bytes(fuzzing.Of(s, 0, 4, core.MaxTxData, core.MaxTxData+1))}
	if s.Rarely(16) {
		t.Version = uint16(s.Byte())
	}
	owners := 0
	for range s.Intn(5) {
		in := core.Input{Outpoint: core.Outpoint{TxID: core.Hash{s.Byte() % 8}, Index: uint32(s.Intn(3))}}
		in.Owner = uint16(s.Intn(owners + 1))
		if s.Rarely(16) {
			in.Owner++
		}
		owners = max(owners, int(in.Owner)+1)
		t.Inputs = append(t.Inputs, in)
	}
	for range s.Intn(4) {
		out := coretest.To("alice", amount())
		if s.Rarely(16) {
			out.Address.Kind = s.Byte()
		}
		t.Outputs = append(t.Outputs, out)
	}
	if s.Rarely(4) {
		t.Fee = amount()
	}
	names := []string{"alice", "bob", "carol", "dave", "erin", "frank"}
	if s.Rarely(16) {
		names[1] = "alice"
	}
	if s.Rarely(16) {
		owners += s.Intn(2)*2 - 1
	}
	coretest.Sign(genesis, &t, names[:min(max(owners, 0), len(names))]...)
	if len(t.Witnesses) > 0 && s.Rarely(8) {
		w := &t.Witnesses[s.Intn(len(t.Witnesses))]
		fuzzing.Of(s, w.PublicKey[:], w.Signature[:32], w.Signature[32:])[s.Intn(32)] ^= s.Byte()
	}
	if len(t.Witnesses) > 0 && s.Rarely(16) { // the identity: anybody's signature
		t.Witnesses[0] = core.Witness{PublicKey: [32]byte{1}, Signature: [64]byte{1}}
	}
	return t
}

// brokenTxRules lists every rule that a payment breaks by its bytes alone.
func brokenTxRules(p *core.Params, tx *core.Transaction, genesis core.Hash) map[core.Code]bool {
	broken := map[core.Code]bool{}
	mark := func(c core.Code, is bool) {
		if is {
			broken[c] = true
		}
	}
	mark(core.ErrTxVersion, tx.Version != 1)
	mark(core.ErrTxSize, len(tx.AppendTo(nil)) > int(p.MaxTxBytes))
	mark(core.ErrTxNoInputs, len(tx.Inputs) == 0)
	mark(core.ErrTxNoOutputs, len(tx.Outputs) == 0)
	mark(core.ErrTxData, len(tx.Data) > 128)
	sum := new(big.Int).SetUint64(uint64(tx.Fee))
	for _, o := range tx.Outputs {
		mark(core.ErrTxValue, o.Value < 1 || o.Value > 1<<53-1)
		mark(core.ErrTxKind, o.Address.Kind != 0)
		sum.Add(sum, new(big.Int).SetUint64(uint64(o.Value)))
	}
	mark(core.ErrTxSum, sum.Cmp(big.NewInt(1<<53-1)) > 0)
	named, next := map[core.Outpoint]bool{}, 0
	for _, in := range tx.Inputs {
		mark(core.ErrTxDoubleIn, named[in.Outpoint])
		named[in.Outpoint] = true
		mark(core.ErrTxOwnerOrder, int(in.Owner) > next)
		next = max(next, int(in.Owner)+1)
	}
	mark(core.ErrTxOwnerOrder, next != len(tx.Witnesses))
	keys, digest := map[[32]byte]bool{}, tx.SigningDigest(genesis)
	for _, w := range tx.Witnesses {
		mark(core.ErrTxKeyTwice, keys[w.PublicKey])
		keys[w.PublicKey] = true
		valid := signature.ValidKey(&w.PublicKey)
		mark(core.ErrTxKey, !valid)
		mark(core.ErrTxSignature, valid && !ed25519consensus.Verify(w.PublicKey[:], digest[:], w.Signature[:]))
	}
	return broken
}

// FuzzCheckTx: a payment passes if and only if it breaks no rule of the
// specification, and is refused for one that it breaks.
func FuzzCheckTx(f *testing.F) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add([]byte{0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0})
	f.Add([]byte{0, 0, 1, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 7, 2, 9, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		tx := transactionOf(fuzzing.New(b), rules.GenesisID())
		broken := brokenTxRules(rules.Params(), &tx, rules.GenesisID())
		err := rules.CheckTx(&tx)
		if err == nil && len(broken) > 0 || err != nil && !broken[core.CodeOf(err)] {
			t.Fatalf("%+v: %v, but it breaks %v", tx, err, broken)
		}
		if err != nil {
			wantVerdict(t, err)
		} else if back, err := core.ParseTransaction(tx.AppendTo(nil)); err != nil || rules.CheckTx(back) != nil {
			t.Fatalf("passes, but not its bytes: %v", err)
		}
	})
}
