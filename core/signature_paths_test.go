package core_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/signature"
	"github.com/ingchain/ingchain/core/signature/sigcache"
)

// oddSignature is a signature and what the rules say of it.
type oddSignature struct {
	name string
	tx   core.Transaction // spends a coin of the key, with this witness alone
	want core.Code        // "" for a good one
}

// oddSignatures are the shapes of the public edge cases, on payments: every key
// and R of small order, mixed, not canonical or none. Where the components of
// small order can add up to nothing and to something, both are there.
func oddSignatures(genesis core.Hash) (all []oddSignature) {
	type key struct {
		coretest.OddKey
		name string
		want core.Code
	}
	var keys []key
	for i, p := range coretest.SmallOrder {
		keys = append(keys,
			key{coretest.MixedKey("alice", p), fmt.Sprint("mixed ", i), ""},
			key{coretest.SmallKey(p), fmt.Sprint("small ", i), core.ErrTxKey})
	}
	for i, p := range coretest.SmallOrderOdd {
		keys = append(keys, key{coretest.SmallKey(p), fmt.Sprint("odd small ", i), core.ErrTxKey})
	}
	keys = append(keys, key{coretest.SmallKey(coretest.OddPoint()), "odd", core.ErrTxSignature}, key{coretest.SmallKey(coretest.NoPoint()), "none", core.ErrTxKey})

	for _, k := range keys {
		add := func(name string, sign func(core.Hash) [core.SignatureSize]byte) {
			seen := make(map[bool]bool) // whether it is good without the cofactor
			for try := byte(0); try < 100 && (!seen[true] || !seen[false]); try++ {
				tx := core.Transaction{
					Version: core.TxVersion, Inputs: []core.Input{{}}, Data: []byte{try},
					Outputs: []core.Output{coretest.To("bob", ing)},
				}
				digest := tx.SigningDigest(genesis)
				sig := sign(digest)
				strict := k.want == "" && coretest.Strict(k.Public, digest, sig)
				if seen[strict] {
					continue
				}
				seen[strict] = true
				tx.Witnesses = []core.Witness{{PublicKey: k.Public, Signature: sig}}
				if k.want != "" {
					seen[true] = true // one is enough
				}
				all = append(all, oddSignature{fmt.Sprintf("key %s, R %s, strict %v", k.name, name, strict), tx, k.want})
			}
		}
		for i, r := range slices.Concat(coretest.SmallOrder, coretest.SmallOrderOdd) {
			add(fmt.Sprint("small ", i), func(d core.Hash) [core.SignatureSize]byte { return k.Sign(d, r) })
		}
		for i, r := range coretest.SmallOrder {
			add(fmt.Sprint("mixed ", i), func(d core.Hash) [core.SignatureSize]byte { return k.SignMixed(d, r) })
		}
	}
	return all
}

// paths are the ways on which a payment's signatures are judged.
var paths = []struct {
	name  string
	judge func(r *core.Rules, tx *core.Transaction, good []signature.Item, rng *rand.Rand) core.Code
}{
	{"single", func(r *core.Rules, tx *core.Transaction, _ []signature.Item, _ *rand.Rand) core.Code {
		it := itemOf(r, tx)
		if signature.Verify(it) {
			return ""
		}
		if !signature.ValidKey(it.PublicKey) {
			return core.ErrTxKey
		}
		return core.ErrTxSignature
	}},
	{"a batch of itself", func(r *core.Rules, tx *core.Transaction, _ []signature.Item, _ *rand.Rand) core.Code {
		return codeOf(signature.VerifyAll(slices.Repeat([]signature.Item{itemOf(r, tx)}, 5)))
	}},
	{"among good ones", func(r *core.Rules, tx *core.Transaction, good []signature.Item, rng *rand.Rand) core.Code {
		batch := slices.Clone(good[:2+rng.IntN(len(good)-1)])
		batch[rng.IntN(len(batch))] = itemOf(r, tx)
		return codeOf(signature.VerifyAll(batch))
	}},
	{"a payment alone", func(r *core.Rules, tx *core.Transaction, _ []signature.Item, _ *rand.Rand) core.Code {
		return core.CodeOf(r.CheckTx(tx))
	}},
	{"a block", func(r *core.Rules, tx *core.Transaction, _ []signature.Item, _ *rand.Rand) core.Code {
		return core.CodeOf(r.CheckBlock(blockOf(r, *tx)))
	}},
	{"cached", func(r *core.Rules, tx *core.Transaction, _ []signature.Item, _ *rand.Rand) core.Code {
		cache := sigcache.New(1)
		alone, err := r.CheckTxForm(tx)
		if err != nil {
			return core.CodeOf(err)
		}
		first := core.VerifyUnknown(alone, cache)
		inBlock, err := r.CheckBlockForm(blockOf(r, *tx))
		if err != nil {
			return core.CodeOf(err)
		}
		if again := core.VerifyUnknown(inBlock, cache); core.CodeOf(again) != core.CodeOf(first) {
			return "another verdict the second time"
		}
		it := itemOf(r, tx)
		if cache.Has(&it) != (first == nil) {
			return "remembered, or not, against the verdict"
		}
		return core.CodeOf(first)
	}},
}

func itemOf(r *core.Rules, tx *core.Transaction) signature.Item {
	w := &tx.Witnesses[0]
	return signature.Item{PublicKey: &w.PublicKey, Message: tx.SigningDigest(r.GenesisID()), Signature: &w.Signature}
}

func codeOf(bad *signature.Refusal) core.Code {
	switch {
	case bad == nil:
		return ""
	case bad.Key:
		return core.ErrTxKey
	}
	return core.ErrTxSignature
}

// blockOf is a block of a payment without a fee, good but for its work.
func blockOf(r *core.Rules, txs ...core.Transaction) *core.Block {
	all := []core.Transaction{core.NewCoinbase(1, r.Params().SubsidyAt(1), core.Address{}, nil)}
	all = append(all, txs...)
	var leaves []core.Hash
	for i := range all {
		leaves = append(leaves, core.MerkleLeaf(all[i].ID(), all[i].WitnessID()))
	}
	b, err := core.NewBlock(core.Header{Height: 1, MerkleRoot: core.MerkleRoot(leaves)}, all)
	if err != nil {
		panic(err)
	}
	return b
}

func goodItems(n int) (items []signature.Item) {
	for i := range n {
		k := coretest.Key(fmt.Sprint("good ", i))
		message := core.Hash{byte(i)}
		sig := signature.Sign(&k.Seed, message)
		items = append(items, signature.Item{PublicKey: &k.Public, Message: message, Signature: &sig})
	}
	return items
}

// What core/signature's test does with the public vectors' own messages, which
// are not digests, this does with signatures of the same shapes on payments.
func TestOneVerdictOnEveryPath(t *testing.T) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	good, rng := goodItems(30), rand.New(rand.NewPCG(1, 2))
	passing := 0
	for _, odd := range oddSignatures(rules.GenesisID()) {
		if odd.want == "" {
			passing++
		}
		for _, path := range paths {
			if got := path.judge(rules, &odd.tx, good, rng); got != odd.want {
				t.Errorf("%s: %s says %q, want %q", odd.name, path.name, got, odd.want)
			}
		}
		if odd.want != "" {
			continue
		}
		bad := odd.tx
		bad.Data = []byte("another message")
		for _, path := range paths {
			if got := path.judge(rules, &bad, good, rng); got != core.ErrTxSignature {
				t.Errorf("%s, of another payment: %s says %q", odd.name, path.name, got)
			}
		}
	}
	if passing != 300 { // as many as the public vectors have without LowOrderA
		t.Errorf("%d shapes pass, want 300", passing)
	}
}

// A block that has both faults is refused for its key, also if the cache knows
// some of its signatures.
func TestKeysComeBeforeSignatures(t *testing.T) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	var txs []core.Transaction
	for i := range 6 {
		tx := core.Transaction{
			Version: core.TxVersion, Inputs: []core.Input{{Outpoint: core.Outpoint{Index: uint32(i)}}},
			Outputs: []core.Output{coretest.To("bob", ing)},
		}
		coretest.Sign(rules.GenesisID(), &tx, "alice")
		txs = append(txs, tx)
	}
	cache := sigcache.New(100)
	verify := func(want core.Code) {
		t.Helper()
		b := blockOf(rules, txs...)
		sigs, err := rules.CheckBlockForm(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := core.CodeOf(core.VerifyUnknown(sigs, cache)); got != want {
			t.Errorf("cached: %q, want %q", got, want)
		}
		if got := core.CodeOf(rules.CheckBlock(b)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	alone, err := rules.CheckTxForm(&txs[0])
	if err != nil || core.VerifyUnknown(alone, cache) != nil {
		t.Fatal("a good payment is refused")
	}
	txs[2].Witnesses[0].Signature[0] ^= 1
	verify(core.ErrTxSignature)
	txs[4].Witnesses[0].PublicKey = coretest.SmallOrder[0]
	verify(core.ErrTxKey)
	txs[2].Witnesses[0].Signature[0] ^= 1
	verify(core.ErrTxKey)
	coretest.Sign(rules.GenesisID(), &txs[4], "alice")
	verify("")
}
