package cases

import (
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// blocks are about what a block's transactions decide together, and about the
// bytes that are or are not a block's.
var blocks = slices.Concat(blockPlaces, blockLimits, blockCoins, blockOrders, blockBodies, blockBytes)

// secondCoinbase is a coinbase that is not the first.
func secondCoinbase(d *coretest.Draft) {
	d.Txs = append(d.Txs, core.NewCoinbase(d.Header.Height, ing, core.Address{}, nil))
}

// first drops all transactions before the last.
func first(d *coretest.Draft) { d.Txs = d.Txs[len(d.Txs)-1:] }

var blockPlaces = []Case{
	{ID: "B01", Name: "no transactions", Rule: "block 4", Tell: refused(core.ErrNoTxs, func(d *coretest.Draft) { d.Txs = nil })},
	{ID: "B02", Name: "a payment first", Rule: "block 5", Tell: refused(core.ErrFirstTx, payment(nil), first)},
	{ID: "B03", Name: "two coinbases", Rule: "block 5", Tell: refused(core.ErrExtraCoinbase, secondCoinbase)},
	{ID: "B04", Name: "the coinbase last", Rule: "block 5", Tell: refused(core.ErrFirstTx, payment(nil), settle, func(d *coretest.Draft) { slices.Reverse(d.Txs) })},
	{ID: "B23", Name: "a coinbase between payments", Rule: "block 5", Tell: refused(core.ErrExtraCoinbase, payment(nil), secondCoinbase, paymentFrom("b2", nil))},
	{ID: "B24", Name: "the coinbase twice", Rule: "block 5", Tell: refused(core.ErrExtraCoinbase, func(d *coretest.Draft) { d.Txs = append(d.Txs, d.Txs[0]) })},
}

var blockLimits = []Case{
	{ID: "B05", Name: "as many bytes as allowed", Rule: "block 3", Params: small, Tell: accepted(filled(smallBlockBytes))},
	{ID: "B06", Name: "one byte more than allowed", Rule: "block 3", Params: small, Tell: refused(core.ErrBlockSize, filled(smallBlockBytes+1))},
	{ID: "B07", Name: "as many transactions as their coins allow, and one more", Rule: "block 6", Params: fewCoins, Tell: func(s *coretest.Story) {
		// genesis -> b1 -> bad      11 payments
		//              \-> full     10
		trunk(s, 1)
		s.Next("bad", "b1", add(func(c *coretest.Chain) []core.Transaction { return hops(c, "b1", 11) }))
		s.Next("full", "b1", add(func(c *coretest.Chain) []core.Transaction { return hops(c, "b1", 10) }))
		s.Rejected("bad", core.ErrBlockCoins)
		s.Accepted("full")
	}},
	{ID: "B25", Name: "one output of the coinbase too many", Rule: "block 6", Params: fewCoins, Tell: refused(core.ErrBlockCoins,
		add(func(c *coretest.Chain) []core.Transaction { return hops(c, "b1", 10) }),
		func(d *coretest.Draft) { d.Txs[0].Outputs = append(d.Txs[0].Outputs, outputs(1, 1)...) },
	)},
	{ID: "B26", Name: "one input too many", Rule: "block 6", Params: fewCoins, Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> bad     2 inputs, 19 outputs and the coinbase's
		//                    \-> good    2 inputs, 18 outputs and the coinbase's
		trunk(s, 2)
		both := func(n int) coretest.Mutator {
			return add(func(c *coretest.Chain) []core.Transaction {
				coins := []core.Coin{c.Get("b1").Coinbase(), c.Get("b2").Coinbase()}
				return []core.Transaction{spend(c, coins, []string{"miner"}, outputs(n, 1)...)}
			})
		}
		s.Next("bad", "b2", both(19))
		s.Next("good", "b2", both(18))
		s.Rejected("bad", core.ErrBlockCoins)
		s.Accepted("good")
	}},
}

// fewCoins is a network of at most 21 inputs and outputs in a block.
var fewCoins = network(func(p *core.Params) { p.MaxBlockCoins = 21 })

// filled brings a block of [small] to so many bytes, with two payments of 62
// outputs and as much data as it takes.
func filled(size int) coretest.Mutator {
	return func(d *coretest.Draft) {
		for _, block := range []string{"b1", "b2"} {
			d.Txs = append(d.Txs, payFrom(d.Chain, block, func(tx *core.Transaction) {
				tx.Outputs, tx.Fee = outputs(62, 1), 5*ing-62
			}))
		}
		now := len(core.AppendBlock(nil, d.Header, d.Txs))
		last := &d.Txs[len(d.Txs)-1]
		last.Data = make([]byte, size-now)
		coretest.Sign(d.Chain.Rules.GenesisID(), last, "miner")
	}
}

var blockCoins = []Case{
	{ID: "B14", Name: "spends a later transaction", Rule: "state 3", Tell: refused(core.ErrMissingCoin, add(func(c *coretest.Chain) []core.Transaction {
		txs := hops(c, "b1", 2)
		slices.Reverse(txs)
		return txs
	}))},
	{ID: "B15", Name: "spends an earlier transaction", Rule: "state 3", Tell: accepted(add(func(c *coretest.Chain) []core.Transaction {
		return hops(c, "b1", 2)
	}))},
	{ID: "B16", Name: "one payment twice", Rule: "block 8", Tell: refused(core.ErrBlockDouble, payment(nil), payment(nil))},
	{ID: "B17", Name: "two payments of one coin", Rule: "block 8", Tell: refused(core.ErrBlockDouble, payment(nil), payment(func(tx *core.Transaction) { tx.Data = []byte("x") }))},
	{ID: "B27", Name: "two payments of a coin of the same block", Rule: "block 8", Tell: refused(core.ErrBlockDouble, add(func(c *coretest.Chain) []core.Transaction {
		txs := hops(c, "b1", 2)
		again := spend(c, []core.Coin{coinOf(&txs[0], 0)}, []string{"alice"}, coretest.To("bob", ing))
		return append(txs, again)
	}))},
	{ID: "B28", Name: "a chain of 30 payments", Rule: "state 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> odd -> next
		// odd spends 29 coins that it makes; next spends the one that is left.
		trunk(s, 4)
		s.Next("odd", "b4", add(func(c *coretest.Chain) []core.Transaction { return hops(c, "b1", 30) }))
		s.Next("again", "odd", add(func(c *coretest.Chain) []core.Transaction {
			return []core.Transaction{spend(c, []core.Coin{c.Get("odd").Coin(7, 0)}, []string{"alice"}, coretest.To("bob", ing))}
		}))
		s.Next("next", "odd", add(func(c *coretest.Chain) []core.Transaction {
			return []core.Transaction{spend(c, []core.Coin{c.Get("odd").Coin(30, 0)}, []string{"alice"}, coretest.To("bob", ing))}
		}))
		s.Accepted("odd")
		s.Rejected("again", core.ErrMissingCoin)
		s.Accepted("next")
	}},
	{ID: "B29", Name: "one coin twice, with payments between", Rule: "block 8", Tell: refused(core.ErrBlockDouble,
		payment(nil), paymentFrom("b2", nil), paymentFrom("b3", nil), payment(func(tx *core.Transaction) { tx.Data = []byte("x") }))},
	{ID: "B30", Name: "fees above what there is in all", Rule: "block 9", Tell: refused(core.ErrTxSum, imaginedFees(core.MaxAmount-1, 2))},
}

// imaginedFees adds payments of coins that never were, with those fees.
func imaginedFees(fees ...core.Amount) coretest.Mutator {
	return func(d *coretest.Draft) {
		d.KeepReward = true
		for i, fee := range fees {
			coin := core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{byte(i + 1)}}, Value: fee + 1}
			d.Txs = append(d.Txs, spend(d.Chain, []core.Coin{coin}, []string{"miner"}, coretest.To("bob", 1)))
		}
	}
}

// blockOrders break two rules each; the first names the code.
var blockOrders = []Case{
	{ID: "B31", Name: "too large, and two coinbases", Rule: "block 3", Params: small, Tell: refused(core.ErrBlockSize, secondCoinbase, filled(smallBlockBytes+1))},
	{ID: "B32", Name: "a payment first, and a coinbase behind it", Rule: "block 5", Tell: refused(core.ErrFirstTx, payment(nil), first, secondCoinbase)},
	{ID: "B33", Name: "two coinbases, and too many coins", Rule: "block 5", Params: fewCoins, Tell: refused(core.ErrExtraCoinbase,
		add(func(c *coretest.Chain) []core.Transaction { return hops(c, "b1", 11) }), secondCoinbase)},
	{ID: "B34", Name: "too many coins, and a payment of another version", Rule: "block 6", Params: fewCoins, Tell: refused(core.ErrBlockCoins,
		payment(func(tx *core.Transaction) { tx.Version, tx.Outputs = 2, outputs(21, 1) }))},
	{ID: "B35", Name: "a coin twice, and then a payment without outputs", Rule: "block 8", Tell: refused(core.ErrBlockDouble,
		payment(nil), payment(nil), paymentFrom("b2", func(tx *core.Transaction) { tx.Outputs = nil }))},
	{ID: "B36", Name: "a payment without outputs, and then a coin twice", Rule: "block 7", Tell: refused(core.ErrTxNoOutputs,
		paymentFrom("b2", func(tx *core.Transaction) { tx.Outputs = nil }), payment(nil), payment(nil))},
	{ID: "B37", Name: "fees too high, and the coinbase of another version", Rule: "block 9", Tell: refused(core.ErrTxSum,
		imaginedFees(core.MaxAmount-1, 2), coinbase(func(tx *core.Transaction) { tx.Version = 2 }))},
	{ID: "B38", Name: "the coinbase a grain too high, and a bad signature", Rule: "block 10", Tell: refused(core.ErrCoinbaseValue,
		payment(nil), settle, func(d *coretest.Draft) {
			d.Txs[0].Outputs[0].Value++
			d.Txs[1].Witnesses[0].Signature[40] ^= 1
		})},
	{ID: "B39", Name: "a bad signature, and a coin that never was", Rule: "judge 8, block 12", Tell: refused(core.ErrTxSignature,
		payment(func(tx *core.Transaction) { tx.Inputs[0].Index = 7 }), func(d *coretest.Draft) { d.Txs[1].Witnesses[0].Signature[40] ^= 1 })},
	{ID: "B40", Name: "another state, and a coin that never was", Rule: "state 2", Tell: refused(core.ErrStateRoot,
		payment(func(tx *core.Transaction) { tx.Inputs[0].Index = 7 }), header(func(h *core.Header) { h.State[0] ^= 1 }))},
	{ID: "B41", Name: "a header too early, and no transactions", Rule: "judge 6", Tell: refused(core.ErrTime,
		in(0), func(d *coretest.Draft) { d.Txs = nil })},
	{ID: "B42", Name: "a missing coin, and another's coin before it", Rule: "state 3, state 5", Tell: refused(core.ErrOwner,
		func(d *coretest.Draft) {
			tx := pay(d.Chain, nil)
			coretest.Sign(d.Chain.Rules.GenesisID(), &tx, "mallory")
			d.Txs = append(d.Txs, tx)
		}, paymentFrom("b2", func(tx *core.Transaction) { tx.Inputs[0].Index = 7 }))},
}
