package cases

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha512"
	"math/big"
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/signature"
)

// signatures are about witnesses: what they sign, whose they are, and which
// points and integers they may be made of.
var signatures = slices.Concat(sigWitnesses, sigFields, sigScalars, sigPoints, sigBlocks)

// groupOrder is that of Ed25519's base point: 2^252 + 2774…493.
var groupOrder, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

// witness adds pay's transaction with its witness as f leaves it.
func witness(f func(c *coretest.Chain, tx *core.Transaction, w *core.Witness)) coretest.Mutator {
	return add(func(c *coretest.Chain) []core.Transaction {
		tx := pay(c, nil)
		f(c, &tx, &tx.Witnesses[0])
		return []core.Transaction{tx}
	})
}

// badWitnesses tells
//
//	... -> b4 -> bad1, bad2, ...
//	         \-> good
//
// where each bad one has pay's transaction with its witness as one of fs leaves
// it, and good has it as it should be.
func badWitnesses(code core.Code, fs ...func(w *core.Witness)) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		for i, f := range fs {
			name := numbered("bad", i+1)
			s.Next(name, "b4", witness(func(_ *coretest.Chain, _ *core.Transaction, w *core.Witness) { f(w) }))
			s.Rejected(name, code)
		}
		s.Next("good", "b4", payment(nil))
		s.Accepted("good")
	}
}

// flip returns a function that flips bits of a signature's byte.
func flip(at int, bits byte) func(w *core.Witness) {
	return func(w *core.Witness) { w.Signature[at] ^= bits }
}

var sigWitnesses = []Case{
	{ID: "S01", Name: "one bit flipped", Rule: "tx 12", Tell: badWitnesses(core.ErrTxSignature,
		flip(0, 1), flip(31, 0x80), flip(32, 1), flip(63, 0x01), flip(63, 0x10), flip(63, 0x80),
		func(w *core.Witness) { w.PublicKey[31] ^= 0x80 }, // the key's negative
	)},
	{ID: "S02", Name: "signed by another, under the owner's key", Rule: "tx 12", Tell: refused(core.ErrTxSignature, witness(func(c *coretest.Chain, tx *core.Transaction, w *core.Witness) {
		mallory := coretest.Key("mallory")
		w.Signature = signature.Sign(&mallory.Seed, tx.SigningDigest(c.Rules.GenesisID()))
	}))},
	{ID: "S16", Name: "signed by another, under its own key", Rule: "state 5", Tell: refused(core.ErrOwner, signedBy([]string{"mallory"}, func(*coretest.Chain, *core.Transaction) {}))},
	{ID: "S17", Name: "a witness, or a part of one, missing", Rule: "tx 9, judge 1", Tell: malformed(
		replaced(atWitness, 96), replaced(atWitness, 32), replaced(atWitness+32, 64), replaced(paySize-1, 1),
	)},
	{ID: "S18", Name: "a witness too many", Rule: "tx 9, judge 1", Tell: malformed(
		func(tx []byte) []byte { return slices.Concat(tx, make([]byte, 96)) },
		func(tx []byte) []byte { return slices.Concat(tx[:atWitness], make([]byte, 96), tx[atWitness:]) },
	)},
	{ID: "S19", Name: "two owners' signatures swapped", Rule: "tx 12", Tell: twoOwners(core.ErrTxSignature, func(ws []core.Witness) {
		ws[0].Signature, ws[1].Signature = ws[1].Signature, ws[0].Signature
	})},
	{ID: "S20", Name: "two owners' witnesses swapped", Rule: "state 5", Tell: twoOwners(core.ErrOwner, func(ws []core.Witness) { ws[0], ws[1] = ws[1], ws[0] })},
	{ID: "S21", Name: "the second owner's signature altered", Rule: "tx 12", Tell: twoOwners(core.ErrTxSignature, func(ws []core.Witness) { ws[1].Signature[5] ^= 1 })},
	{ID: "S22", Name: "the second owner is another", Rule: "state 5", Tell: twoOwners(core.ErrOwner, nil)},
	{ID: "S23", Name: "the signature of the owner's other payment", Rule: "tx 12", Tell: refused(core.ErrTxSignature, add(func(c *coretest.Chain) []core.Transaction {
		txs := []core.Transaction{pay(c, nil), payFrom(c, "b2", nil)}
		txs[0].Witnesses, txs[1].Witnesses = txs[1].Witnesses, txs[0].Witnesses
		return txs
	}))},
	{ID: "S24", Name: "a signature that the chain has seen, for another payment", Rule: "tx 12", Tell: func(s *coretest.Story) {
		trunk(s, 4)
		s.Next("b5", "b4", payment(nil))
		s.Next("bad", "b5", add(func(c *coretest.Chain) []core.Transaction {
			tx := payFrom(c, "b2", nil)
			tx.Witnesses = c.Get("b5").Block.Txs[1].Witnesses
			return []core.Transaction{tx}
		}))
		s.Next("good", "b5", paymentFrom("b2", nil))
		s.Accepted("b5")
		s.Rejected("bad", core.ErrTxSignature)
		s.Accepted("good")
	}},
	{ID: "S25", Name: "signed for another network", Rule: "signing, tx 12", Tell: refused(core.ErrTxSignature, signedAs(func(tx *core.Transaction) core.Hash {
		return tx.SigningDigest(core.LAN().Genesis().ID())
	}))},
	{ID: "S26", Name: "signed for no network", Rule: "signing, tx 12", Tell: refused(core.ErrTxSignature, signedAs(func(tx *core.Transaction) core.Hash { return tx.SigningDigest(core.Hash{}) }))},
	{ID: "S27", Name: "the txid signed instead of the digest", Rule: "signing, tx 12", Tell: refused(core.ErrTxSignature, signedAs((*core.Transaction).ID))},
	{ID: "S28", Name: "signed as the two other variants of Ed25519", Rule: "signature 3, tx 12", Tell: func(s *coretest.Story) {
		// ... -> b4 -> ph, ctx    (the digest hashed once more, and with a context)
		//          \-> good
		trunk(s, 4)
		for name, opts := range map[string]*ed25519.Options{"ph": {Hash: crypto.SHA512}, "ctx": {Context: "ingchain/sign"}} {
			s.Next(name, "b4", witness(func(c *coretest.Chain, tx *core.Transaction, w *core.Witness) {
				w.Signature = variant(c, tx, opts)
			}))
		}
		s.Next("good", "b4", payment(nil))
		s.Rejected("ph", core.ErrTxSignature)
		s.Rejected("ctx", core.ErrTxSignature)
		s.Accepted("good")
	}},
	{ID: "S29", Name: "other good signatures of the same payment", Rule: "txid, block 1", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5(tx)
		//          \-> c5(tx signed anew) -> c6
		//
		// The txid is one, the wids are two. Neither's witnesses fit the other's
		// header.
		trunk(s, 4)
		s.Next("b5", "b4", payment(nil))
		anew := add(func(c *coretest.Chain) []core.Transaction {
			tx := pay(c, nil)
			tx.Witnesses[0].Signature = coretest.MixedKey("miner", coretest.SmallOrder[0]).SignMixed(tx.SigningDigest(c.Rules.GenesisID()), coretest.SmallOrder[0])
			return []core.Transaction{tx}
		})
		c5 := above(s, "c5-", "b4", "b5", anew)
		s.Next("c6", c5)
		b, c := s.Get("b5"), s.Get(c5)
		s.BadBody("b5", body(b, b.Block.Txs[0], c.Block.Txs[1]), core.ErrMerkleRoot)
		s.Accepted("b5")
		s.BadBody(c5, body(c, c.Block.Txs[0], b.Block.Txs[1]), core.ErrMerkleRoot)
		s.SideChain(c5)
		s.Accepted("c6")
	}},
}

// signedAs adds pay's transaction with the owner's signature of what message
// returns.
func signedAs(message func(tx *core.Transaction) core.Hash) coretest.Mutator {
	return witness(func(_ *coretest.Chain, tx *core.Transaction, w *core.Witness) {
		miner := coretest.Key("miner")
		w.Signature = signature.Sign(&miner.Seed, message(tx))
	})
}

// variant signs as one of RFC 8032's other two variants.
func variant(c *coretest.Chain, tx *core.Transaction, opts *ed25519.Options) [core.SignatureSize]byte {
	miner, message := coretest.Key("miner"), tx.SigningDigest(c.Rules.GenesisID())
	signed := message[:]
	if opts.Hash == crypto.SHA512 {
		hash := sha512.Sum512(signed)
		signed = hash[:]
	}
	sig, err := ed25519.NewKeyFromSeed(miner.Seed[:]).Sign(nil, signed, opts)
	if err != nil {
		panic(err)
	}
	return [core.SignatureSize]byte(sig)
}

// twoOwners tells
//
//	... -> b4 -> b5 -> bad
//	               \-> good
//
// where b5 pays to alice and the miner, who spend together in good, and in bad
// with witnesses as f leaves them; without f, mallory signs for the miner.
func twoOwners(code core.Code, f func(ws []core.Witness)) func(*coretest.Story) {
	together := func(owners ...string) coretest.Mutator {
		return add(func(c *coretest.Chain) []core.Transaction {
			coins := []core.Coin{c.Get("b5").Coin(1, 0), c.Get("b5").Coin(1, 1)}
			return []core.Transaction{spend(c, coins, owners, coretest.To("bob", 3*ing))}
		})
	}
	return func(s *coretest.Story) {
		trunk(s, 4)
		s.Next("b5", "b4", payment(nil))
		bad := []coretest.Mutator{together("alice", "mallory")}
		if f != nil {
			bad = []coretest.Mutator{together("alice", "miner"), func(d *coretest.Draft) { f(d.Txs[1].Witnesses) }}
		}
		s.Next("bad", "b5", bad...)
		s.Next("good", "b5", together("alice", "miner"))
		s.Accepted("b5")
		s.Rejected("bad", code)
		s.Accepted("good")
	}
}
