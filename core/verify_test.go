package core_test

import (
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/signature"
)

// signedPayments are n payments by alice, of coins that never were.
func signedPayments(rules *core.Rules, n int) []core.Transaction {
	txs := make([]core.Transaction, n)
	for i := range txs {
		txs[i] = core.Transaction{
			Version: core.TxVersion, Inputs: []core.Input{{Outpoint: core.Outpoint{Index: uint32(i)}}},
			Outputs: []core.Output{coretest.To("bob", ing)},
		}
		coretest.Sign(rules.GenesisID(), &txs[i], "alice")
	}
	return txs
}

// A refusal says which signature is bad, where that costs nothing to know.
func TestRefusalsSayWhichSignature(t *testing.T) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	flip := func(tx *core.Transaction) { tx.Witnesses[0].Signature[40] ^= 1 }
	noKey := func(tx *core.Transaction) { tx.Witnesses[0].PublicKey = coretest.SmallOrder[0] }
	for _, tc := range []struct {
		name  string
		spoil func(*core.Transaction)
		n, at int
		want  string
	}{
		{"the first of few", flip, 3, 0, "tx-signature: transaction 1: the signature of witness 0 does not verify"},
		{"the last of few", flip, 3, 2, "tx-signature: transaction 3: the signature of witness 0 does not verify"},
		{"one of many", flip, 4, 1, "tx-signature: one or more of 4 signatures do not verify"},
		{"a key of few", noKey, 3, 1, "tx-key: transaction 2: the public key of witness 0 is of small order or none"},
		{"a key of many", noKey, 9, 8, "tx-key: transaction 9: the public key of witness 0 is of small order or none"},
	} {
		txs := signedPayments(rules, tc.n)
		tc.spoil(&txs[tc.at])
		if err := rules.CheckBlock(blockOf(rules, txs...)); err == nil || err.Error() != tc.want {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
		want := strings.Replace(tc.want, "transaction "+string(rune('1'+tc.at)), "transaction 0", 1)
		if err := rules.CheckTx(&txs[tc.at]); tc.n == 3 && (err == nil || err.Error() != want) {
			t.Errorf("%s, alone: %v, want %q", tc.name, err, want)
		}
	}
	two := core.Transaction{
		Version: core.TxVersion, Inputs: []core.Input{{}, {Outpoint: core.Outpoint{Index: 1}, Owner: 1}},
		Outputs: []core.Output{coretest.To("bob", ing)},
	}
	coretest.Sign(rules.GenesisID(), &two, "alice", "bob")
	two.Witnesses[1].Signature[40] ^= 1
	if err := rules.CheckTx(&two); err == nil || !strings.Contains(err.Error(), "transaction 0: the signature of witness 1") {
		t.Errorf("the second owner's: %v", err)
	}
}

// oracle is a cache that claims to know some signatures, and counts what it is
// told.
type oracle struct {
	knows func(*signature.Item) bool
	added int
}

func (o *oracle) Has(it *signature.Item) bool { return o.knows(it) }
func (o *oracle) Add(*signature.Item)         { o.added++ }

// What a cache knows is not verified again, and what fails is not added.
func TestKnownSignaturesAreNotVerified(t *testing.T) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	txs := signedPayments(rules, 5)
	txs[3].Witnesses[0].Signature[40] ^= 1
	bad := txs[3].SigningDigest(rules.GenesisID())
	sigs, err := rules.CheckBlockForm(blockOf(rules, txs...))
	if err != nil {
		t.Fatal(err)
	}
	isBad := func(it *signature.Item) bool { return it.Message == bad }
	all := func(*signature.Item) bool { return true }
	none := func(*signature.Item) bool { return false }
	for _, tc := range []struct {
		name  string
		knows func(*signature.Item) bool
		want  core.Code
		added int
	}{{"none", none, core.ErrTxSignature, 0}, {"the bad one", isBad, "", 4}, {"all", all, "", 0}} {
		cache := &oracle{knows: tc.knows}
		if got := core.CodeOf(core.VerifyUnknown(sigs, cache)); got != tc.want || cache.added != tc.added {
			t.Errorf("a cache that knows %s: %q, %d added; want %q, %d", tc.name, got, cache.added, tc.want, tc.added)
		}
	}
}

// What is wrong with a payment is told with its place in the block.
func TestVerdictsOfPaymentsNameTheirPlace(t *testing.T) {
	c := coretest.New(t, nil)
	c.Chain("b", coretest.Genesis, 2)
	good := coretest.Pay(c.Rules.GenesisID(), []core.Coin{c.Get("b1").Coinbase()}, []string{"miner"}, coretest.To("bob", ing))
	bad := coretest.Pay(c.Rules.GenesisID(), []core.Coin{c.Get("b2").Coinbase()}, []string{"miner"}, coretest.To("bob", ing))
	bad.Version = 7
	n := c.Next("bad", "b2", coretest.WithTx(good), coretest.WithTx(bad))
	if want := "tx-version: transaction 2: version 7, want 1"; n.Err == nil || n.Err.Error() != want {
		t.Errorf("%v, want %q", n.Err, want)
	}
}
