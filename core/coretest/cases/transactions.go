package cases

import (
	"math"
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// transactions are about payments: what is refused by its bytes alone, and what
// by the coins that it spends.
var transactions = slices.Concat(txForms, txInputs, txEncodings, txValues, txFees, txCoins, txSameBlock)

var txForms = []Case{
	{ID: "T01", Name: "no inputs", Rule: "block 5", Tell: refused(core.ErrExtraCoinbase, add(func(c *coretest.Chain) []core.Transaction {
		tx := pay(c, nil)
		tx.Inputs, tx.Witnesses, tx.Fee = nil, nil, 0
		return []core.Transaction{tx}
	}))},
	{ID: "T02", Name: "no outputs, all is fee", Rule: "tx 3", Tell: refused(core.ErrTxNoOutputs, payment(func(tx *core.Transaction) { tx.Outputs, tx.Fee = nil, 5*ing }))},
	{ID: "T03", Name: "a byte larger than allowed", Rule: "tx 2", Params: small, Tell: refused(core.ErrTxSize, add(func(c *coretest.Chain) []core.Transaction {
		return []core.Transaction{sized(c, smallTxBytes+1)}
	}))},
	{ID: "T27", Name: "as large as allowed", Rule: "tx 2", Params: small, Tell: accepted(add(func(c *coretest.Chain) []core.Transaction {
		return []core.Transaction{sized(c, smallTxBytes)}
	}))},
	{ID: "T28", Name: "too large by its witnesses alone", Rule: "tx 2", Params: small, Tell: manyOwners},
	{ID: "T19", Name: "version 2", Rule: "tx 1", Tell: refused(core.ErrTxVersion, payment(func(tx *core.Transaction) { tx.Version = 2 }))},
	{ID: "T29", Name: "version 0", Rule: "tx 1", Tell: refused(core.ErrTxVersion, payment(func(tx *core.Transaction) { tx.Version = 0 }))},
	{ID: "T30", Name: "version 257, whose low byte is 1", Rule: "tx 1", Tell: refused(core.ErrTxVersion, payment(func(tx *core.Transaction) { tx.Version = 257 }))},
	{ID: "T26", Name: "outputs of unknown kinds", Rule: "tx 5", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad1, bad2, bad3    (kinds 1, 128, 255)
		//          \-> good
		trunk(s, 4)
		for i, kind := range []byte{1, 128, 255} {
			name := numbered("bad", i+1)
			s.Next(name, "b4", payment(func(tx *core.Transaction) { tx.Outputs[1].Address.Kind = kind }))
			s.Rejected(name, core.ErrTxKind)
		}
		s.Next("good", "b4", payment(nil))
		s.Accepted("good")
	}},
	{ID: "T31", Name: "128 bytes of data", Rule: "tx 4", Tell: accepted(payment(func(tx *core.Transaction) { tx.Data = make([]byte, core.MaxTxData) }))},
	{ID: "T32", Name: "one output, no change", Rule: "tx 3", Tell: accepted(payment(func(tx *core.Transaction) {
		tx.Outputs, tx.Fee = tx.Outputs[:1], 3*ing
	}))},
	{ID: "T33", Name: "the first broken rule of two names the verdict", Rule: "tx 1, tx 3, tx 5", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad1, bad2, ...
		//          \-> good
		trunk(s, 4)
		for i, bad := range []struct {
			code core.Code
			f    func(tx *core.Transaction)
		}{
			{core.ErrTxVersion, func(tx *core.Transaction) { tx.Version, tx.Outputs = 0, nil }},
			{core.ErrTxNoOutputs, func(tx *core.Transaction) { tx.Outputs, tx.Fee = nil, math.MaxUint64 }},
			{core.ErrTxValue, func(tx *core.Transaction) { tx.Outputs[0].Value, tx.Outputs[0].Address.Kind = 0, 1 }},
			{core.ErrTxKind, func(tx *core.Transaction) { tx.Outputs[0].Address.Kind, tx.Outputs[1].Value = 1, 0 }},
			{core.ErrTxValue, func(tx *core.Transaction) { tx.Outputs[0].Value, tx.Inputs[0].Index = 0, 9 }},
			{core.ErrTxSum, func(tx *core.Transaction) { tx.Fee = math.MaxUint64; tx.Inputs = append(tx.Inputs, tx.Inputs[0]) }},
		} {
			name := numbered("bad", i+1)
			s.Next(name, "b4", payment(bad.f))
			s.Rejected(name, bad.code)
		}
		s.Next("good", "b4", payment(nil))
		s.Accepted("good")
	}},
	{ID: "T34", Name: "a payment's fault comes before that of a later one", Rule: "block 7", Tell: refused(core.ErrTxKind,
		payment(func(tx *core.Transaction) { tx.Outputs[0].Address.Kind = 7 }),
		paymentFrom("b2", func(tx *core.Transaction) { tx.Version = 0 }))},
	{ID: "T35", Name: "a later payment's form comes before a missing coin", Rule: "judge 8, judge 9", Tell: refused(core.ErrTxVersion,
		payment(func(tx *core.Transaction) { tx.Inputs[0].TxID = core.Hash{1} }),
		paymentFrom("b2", func(tx *core.Transaction) { tx.Version = 0 }))},
}

// sized returns a payment of b1's coinbase that takes exactly n bytes.
func sized(c *coretest.Chain, n int) core.Transaction {
	const bare, output = 2 + 1 + 34 + 1 + 8 + 1 + 96, 29
	return payFrom(c, "b1", func(tx *core.Transaction) {
		count := (n - bare) / output
		tx.Outputs = outputs(count, 1)
		tx.Fee = 5*ing - core.Amount(count)
		tx.Data = make([]byte, (n-bare)%output)
	})
}

// manyOwners tells
//
//	... -> b4 -> b5 -> bad
//	               \-> good
//
// where b5 pays to 17 owners, and bad spends what 16 of them have: the body
// takes 598 bytes, the witnesses 1,536 more.
func manyOwners(s *coretest.Story) {
	trunk(s, 4)
	var names []string
	s.Next("b5", "b4", add(func(c *coretest.Chain) []core.Transaction {
		var outs []core.Output
		for i := range 17 {
			names = append(names, numbered("owner", i+1))
			outs = append(outs, coretest.To(names[i], 10))
		}
		return []core.Transaction{spend(c, []core.Coin{c.Get("b1").Coinbase()}, []string{"miner"}, outs...)}
	}))
	s.Accepted("b5")
	of := func(n int) coretest.Mutator {
		return add(func(c *coretest.Chain) []core.Transaction {
			var coins []core.Coin
			for i := range n {
				coins = append(coins, c.Get("b5").Coin(1, i))
			}
			return []core.Transaction{spend(c, coins, names, coretest.To("bob", 1))}
		})
	}
	s.Next("bad", "b5", of(16))
	s.Next("good", "b5", of(14))
	s.Rejected("bad", core.ErrTxSize)
	s.Accepted("good")
}

var txInputs = []Case{
	{ID: "T36", Name: "one coin twice in a row", Rule: "tx 8", Tell: refused(core.ErrTxDoubleIn, payment(func(tx *core.Transaction) {
		tx.Inputs = append(tx.Inputs, tx.Inputs[0])
		tx.Outputs[0].Value += 5 * ing
	}))},
	{ID: "T37", Name: "one coin twice with another between", Rule: "tx 8", Tell: refused(core.ErrTxDoubleIn, payment(func(tx *core.Transaction) {
		other := tx.Inputs[0]
		other.Index = 7
		tx.Inputs = append(tx.Inputs, other, tx.Inputs[0])
	}))},
	{ID: "T38", Name: "one coin twice, once for each of two owners", Rule: "tx 8", Tell: refused(core.ErrTxDoubleIn, signedBy([]string{"miner", "alice"}, func(c *coretest.Chain, tx *core.Transaction) {
		again := tx.Inputs[0]
		again.Owner = 1
		tx.Inputs = append(tx.Inputs, again)
	}))},
	{ID: "T39", Name: "owner 1 before owner 0", Rule: "tx 7", Tell: refused(core.ErrTxOwnerOrder, signedBy([]string{"alice", "miner"}, func(c *coretest.Chain, tx *core.Transaction) {
		tx.Inputs[0].Owner = 1
	}))},
	{ID: "T40", Name: "owner 2 after owner 0", Rule: "tx 7", Tell: refused(core.ErrTxOwnerOrder, signedBy([]string{"miner", "bob", "alice"}, func(c *coretest.Chain, tx *core.Transaction) {
		second(c, tx)
		tx.Inputs[1].Owner = 2
	}))},
	{ID: "T41", Name: "owners 1 and 0, both there", Rule: "tx 7", Tell: refused(core.ErrTxOwnerOrder, signedBy([]string{"alice", "miner"}, func(c *coretest.Chain, tx *core.Transaction) {
		second(c, tx)
		tx.Inputs[0].Owner, tx.Inputs[1].Owner = 1, 0
	}))},
	{ID: "T42", Name: "one key for two owners", Rule: "tx 10", Tell: refused(core.ErrTxKeyTwice, signedBy([]string{"miner", "miner"}, func(c *coretest.Chain, tx *core.Transaction) {
		second(c, tx)
		tx.Inputs[1].Owner = 1
	}))},
	{ID: "T43", Name: "the first and the third owner have one key", Rule: "tx 10", Tell: refused(core.ErrTxKeyTwice, signedBy([]string{"miner", "alice", "miner"}, func(c *coretest.Chain, tx *core.Transaction) {
		second(c, tx)
		tx.Inputs = append(tx.Inputs, core.Input{Outpoint: c.Get("b3").Coinbase().Outpoint, Owner: 2})
		tx.Inputs[1].Owner = 1
	}))},
	{ID: "T44", Name: "owners 0, 1, 0, 2, 1", Rule: "tx 7", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5 -> b6
		//
		// b5 pays to three, who spend together in b6.
		trunk(s, 4)
		s.Next("b5", "b4", add(func(c *coretest.Chain) []core.Transaction {
			var outs []core.Output
			for _, name := range []string{"alice", "bob", "alice", "carol", "bob"} {
				outs = append(outs, coretest.To(name, ing))
			}
			return []core.Transaction{spend(c, []core.Coin{c.Get("b1").Coinbase()}, []string{"miner"}, outs...)}
		}))
		s.Next("b6", "b5", add(func(c *coretest.Chain) []core.Transaction {
			var coins []core.Coin
			for i := range 5 {
				coins = append(coins, c.Get("b5").Coin(1, i))
			}
			return []core.Transaction{spend(c, coins, []string{"alice", "bob", "alice", "carol", "bob"}, coretest.To("dave", 5*ing))}
		}))
		s.Accepted("b5", "b6")
	}},
	{ID: "T45", Name: "as many inputs as fit in a payment", Rule: "tx 2", Params: small, Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5 -> b6    (b5 makes 55 coins of one owner, b6 spends them)
		const inputs = 55
		trunk(s, 4)
		s.Next("b5", "b4", payment(func(tx *core.Transaction) { tx.Outputs, tx.Fee = outputs(inputs, 10), 5*ing-10*inputs }))
		s.Next("b6", "b5", add(func(c *coretest.Chain) []core.Transaction {
			var coins []core.Coin
			for i := range inputs {
				coins = append(coins, c.Get("b5").Coin(1, i))
			}
			tx := spend(c, coins, []string{"bob"}, coretest.To("alice", 1))
			tx.Data = make([]byte, smallTxBytes-len(tx.AppendTo(nil)))
			coretest.Sign(c.Rules.GenesisID(), &tx, "bob")
			return []core.Transaction{tx}
		}))
		s.Accepted("b5", "b6")
	}},
}

// second adds b2's coinbase as an input of owner 0 and gives it to the first
// output.
func second(c *coretest.Chain, tx *core.Transaction) {
	tx.Inputs = append(tx.Inputs, core.Input{Outpoint: c.Get("b2").Coinbase().Outpoint})
	tx.Outputs[0].Value += 5 * ing
}

// signedBy adds pay, as changed by f and signed by the named owners.
func signedBy(owners []string, f func(c *coretest.Chain, tx *core.Transaction)) coretest.Mutator {
	return add(func(c *coretest.Chain) []core.Transaction {
		tx := pay(c, nil)
		f(c, &tx)
		coretest.Sign(c.Rules.GenesisID(), &tx, owners...)
		return []core.Transaction{tx}
	})
}
