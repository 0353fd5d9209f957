package cases

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// scalar replaces S by f of it.
func scalar(f func(s *big.Int) *big.Int) func(w *core.Witness) {
	return func(w *core.Witness) {
		b := slices.Clone(w.Signature[32:])
		slices.Reverse(b)
		b = f(new(big.Int).SetBytes(b)).FillBytes(make([]byte, 32))
		slices.Reverse(b)
		copy(w.Signature[32:], b)
	}
}

// plusOrder adds the group's order n times, which changes S but not [S]B.
func plusOrder(n int64) func(w *core.Witness) {
	return scalar(func(s *big.Int) *big.Int { return s.Add(s, new(big.Int).Mul(big.NewInt(n), groupOrder)) })
}

var sigScalars = []Case{
	{ID: "S04", Name: "S plus multiples of the order", Rule: "signature 2, tx 12", Tell: badWitnesses(core.ErrTxSignature, plusOrder(1), plusOrder(2), plusOrder(8), plusOrder(14))},
	{ID: "S11", Name: "S of 0, of the order and about it", Rule: "signature 2, signature 3, tx 12", Tell: badWitnesses(core.ErrTxSignature,
		scalar(func(*big.Int) *big.Int { return big.NewInt(0) }),
		scalar(func(*big.Int) *big.Int { return groupOrder }),
		scalar(func(*big.Int) *big.Int { return new(big.Int).Sub(groupOrder, big.NewInt(1)) }),
		scalar(func(s *big.Int) *big.Int { return s.Sub(groupOrder, s) }),
		scalar(func(*big.Int) *big.Int { return new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)) }),
	)},
	{ID: "S48", Name: "S of 0 and R the identity, under an honest key", Rule: "signature 3, tx 12", Tell: badWitnesses(core.ErrTxSignature,
		func(w *core.Witness) { w.Signature = [64]byte{1} },
		func(w *core.Witness) { w.Signature = [64]byte{} },
	)},
	{ID: "S49", Name: "S the order, which is 0, and R the identity", Rule: "signature 2, tx 12", Tell: badWitnesses(core.ErrTxSignature, func(w *core.Witness) {
		w.Signature = [64]byte{1}
		scalar(func(*big.Int) *big.Int { return groupOrder })(w)
	})},
}

// coinsOf tells of a block b5 that pays to each of the keys, and of one block
// behind it for each of them that spends that key's coin alone, with an R that
// is the identity:
//
//	... -> b4 -> b5 -> bad1, bad2, ...
//	               \-> good
func coinsOf(code core.Code, keys ...coretest.OddKey) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		s.Next("b5", "b4", payTo(keys...))
		s.Accepted("b5")
		for i, k := range keys {
			name := numbered("bad", i+1)
			s.Next(name, "b5", spendOdd(i, k, func(digest core.Hash) [64]byte { return k.Sign(digest, coretest.SmallOrder[0]) }))
			s.Rejected(name, code)
		}
		s.Next("good", "b5")
		s.Accepted("good")
	}
}

// payTo spends b1's coinbase to each of the keys, a thousand grains each.
func payTo(keys ...coretest.OddKey) coretest.Mutator {
	return payment(func(tx *core.Transaction) {
		tx.Outputs = nil
		for _, k := range keys {
			tx.Outputs = append(tx.Outputs, core.Output{Value: 1000, Address: k.Address()})
		}
		tx.Fee = 5*ing - 1000*core.Amount(len(keys))
	})
}

// spendOdd adds a payment that spends what b5's payTo gave to key i.
func spendOdd(i int, k coretest.OddKey, sign func(digest core.Hash) [core.SignatureSize]byte) coretest.Mutator {
	return add(func(c *coretest.Chain) []core.Transaction {
		tx := spend(c, []core.Coin{c.Get("b5").Coin(1, i)}, []string{"nobody"}, coretest.To("bob", 900))
		tx.Witnesses[0] = core.Witness{PublicKey: k.Public, Signature: sign(tx.SigningDigest(c.Rules.GenesisID()))}
		return []core.Transaction{tx}
	})
}

// shape is a key and an R.
type shape struct {
	key coretest.OddKey
	r   [32]byte
	// mixed adds a component of prime order to R.
	mixed bool
}

func (sh shape) sign(digest core.Hash) [core.SignatureSize]byte {
	if sh.mixed {
		return sh.key.SignMixed(digest, sh.r)
	}
	return sh.key.Sign(digest, sh.r)
}

// passing tells
//
//	... -> b4 -> b5 -> b6
//
// where b5 pays to the key of each shape, and b6 has a payment of each.
func passing(shapes func() []shape) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		var keys []coretest.OddKey
		var spends []coretest.Mutator
		for i, sh := range shapes() {
			keys = append(keys, sh.key)
			spends = append(spends, spendOdd(i, sh.key, sh.sign))
		}
		s.Next("b5", "b4", payTo(keys...))
		s.Next("b6", "b5", spends...)
		s.Accepted("b5", "b6")
	}
}

func honest() coretest.OddKey { return coretest.MixedKey("miner", coretest.SmallOrder[0]) }

func smallKeys(encodings [][core.PublicKeySize]byte) (keys []coretest.OddKey) {
	for _, enc := range encodings {
		keys = append(keys, coretest.SmallKey(enc))
	}
	return keys
}

// withEachR are signatures by one key, with an R for each encoding.
func withEachR(k coretest.OddKey, mixed bool, encodings ...[32]byte) (shapes []shape) {
	for _, r := range encodings {
		shapes = append(shapes, shape{k, r, mixed})
	}
	return shapes
}

// allShapes are those of the public vectors that ZIP-215 and we accept: keys
// with each component of small order, and R's of small order, with such a
// component, and not canonical.
func allShapes() (shapes []shape) {
	for i, torsion := range coretest.SmallOrder {
		k := coretest.MixedKey(fmt.Sprint("shape ", i), torsion)
		shapes = append(shapes, withEachR(k, false, slices.Concat(coretest.SmallOrder, coretest.SmallOrderOdd)...)...)
		shapes = append(shapes, withEachR(k, true, coretest.SmallOrder...)...)
	}
	return shapes
}

var sigPoints = []Case{
	{ID: "S05", Name: "keys of small order", Rule: "signature 4, tx 11", Tell: coinsOf(core.ErrTxKey, smallKeys(coretest.SmallOrder)...)},
	{ID: "S50", Name: "keys of small order, not canonical", Rule: "signature 4, tx 11", Tell: coinsOf(core.ErrTxKey, smallKeys(coretest.SmallOrderOdd)...)},
	{ID: "S51", Name: "a key that is no point", Rule: "signature 1, tx 11", Tell: coinsOf(core.ErrTxKey, coretest.SmallKey(coretest.NoPoint()))},
	{ID: "S52", Name: "a key that is not canonical, but not of small order", Rule: "signature 1, tx 12", Tell: coinsOf(core.ErrTxSignature, coretest.SmallKey(coretest.OddPoint()))},
	{ID: "S53", Name: "keys with a component of small order", Rule: "signature 3, tx 12", Tell: passing(func() (shapes []shape) {
		for _, torsion := range coretest.SmallOrder {
			k := coretest.MixedKey("alice", torsion)
			shapes = append(shapes, shape{k, coretest.SmallOrder[0], true}, shape{k, torsion, true})
		}
		return shapes
	})},
	{ID: "S54", Name: "the owner's key plus a point of small order", Rule: "state 5", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad1, bad2, ...    (good signatures by keys that differ from
		//          \-> good                the owner's by a point of small order)
		trunk(s, 4)
		for i, torsion := range coretest.SmallOrder[1:] {
			name := numbered("bad", i+1)
			k := coretest.MixedKey("miner", torsion)
			s.Next(name, "b4", witness(func(c *coretest.Chain, tx *core.Transaction, w *core.Witness) {
				w.PublicKey, w.Signature = k.Public, k.SignMixed(tx.SigningDigest(c.Rules.GenesisID()), torsion)
			}))
			s.Rejected(name, core.ErrOwner)
		}
		s.Next("good", "b4", payment(nil))
		s.Accepted("good")
	}},
	{ID: "S55", Name: "two owners whose keys differ by a point of small order", Rule: "tx 10, tx 12", Tell: func(s *coretest.Story) {
		a, b := honest(), coretest.MixedKey("miner", coretest.SmallOrder[4])
		trunk(s, 4)
		s.Next("b5", "b4", payTo(a, b))
		s.Next("b6", "b5", add(func(c *coretest.Chain) []core.Transaction {
			coins := []core.Coin{c.Get("b5").Coin(1, 0), c.Get("b5").Coin(1, 1)}
			tx := spend(c, coins, []string{"one", "other"}, coretest.To("bob", 1))
			digest := tx.SigningDigest(c.Rules.GenesisID())
			for i, k := range []coretest.OddKey{a, b} {
				tx.Witnesses[i] = core.Witness{PublicKey: k.Public, Signature: k.SignMixed(digest, coretest.SmallOrder[0])}
			}
			return []core.Transaction{tx}
		}))
		s.Accepted("b5", "b6")
	}},
	{ID: "S56", Name: "R of small order", Rule: "signature 3, tx 12", Tell: passing(func() []shape { return withEachR(honest(), false, coretest.SmallOrder...) })},
	{ID: "S08", Name: "R not canonical", Rule: "signature 1, tx 12", Tell: passing(func() []shape { return withEachR(honest(), false, coretest.SmallOrderOdd...) })},
	{ID: "S57", Name: "R with a component of small order", Rule: "signature 3, tx 12", Tell: passing(func() []shape { return withEachR(honest(), true, coretest.SmallOrder...) })},
	{ID: "S58", Name: "R that is no point", Rule: "signature 1, tx 12", Tell: badWitnesses(core.ErrTxSignature, func(w *core.Witness) {
		r := coretest.NoPoint()
		copy(w.Signature[:], r[:])
	})},
	{ID: "S09", Name: "every shape of the public edge cases in one block", Rule: "signature 3, tx 12", Tell: passing(allShapes)},
}
