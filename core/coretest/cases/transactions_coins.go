package cases

import (
	"math"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

var txCoins = []Case{
	{ID: "T05", Name: "a coin that never was", Rule: "state 3", Tell: refused(core.ErrMissingCoin, payment(func(tx *core.Transaction) { tx.Inputs[0].TxID = core.Hash{1} }))},
	{ID: "T80", Name: "an index behind the last output", Rule: "state 3", Tell: refused(core.ErrMissingCoin, payment(func(tx *core.Transaction) { tx.Inputs[0].Index = 1 }))},
	{ID: "T81", Name: "index 2^32 - 1", Rule: "state 3", Tell: refused(core.ErrMissingCoin, payment(func(tx *core.Transaction) { tx.Inputs[0].Index = math.MaxUint32 }))},
	{ID: "T82", Name: "the coinbase of genesis", Rule: "state 3", Tell: refused(core.ErrMissingCoin, payment(func(tx *core.Transaction) {
		genesis := core.Dev().Genesis()
		tx.Inputs[0].TxID = genesis.TxID(0)
	}))},
	{ID: "T83", Name: "block and wid for a txid", Rule: "state 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> block, wid
		//          \-> good
		trunk(s, 4)
		s.Next("block", "b4", payment(func(tx *core.Transaction) { tx.Inputs[0].TxID = s.Get("b1").Block.ID() }))
		s.Next("wid", "b4", payment(func(tx *core.Transaction) { tx.Inputs[0].TxID = s.Get("b1").Block.Txs[0].WitnessID() }))
		s.Next("good", "b4", payment(nil))
		s.Rejected("block", core.ErrMissingCoin)
		s.Rejected("wid", core.ErrMissingCoin)
		s.Accepted("good")
	}},
	{ID: "T07", Name: "a coin that the chain has spent", Rule: "state 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5 -> b6 -> bad, again    (b5 spends b1's coin, so do these)
		//                      \-> good
		trunk(s, 4)
		s.Next("b5", "b4", payment(nil))
		s.Next("b6", "b5")
		s.Next("bad", "b6", payment(func(tx *core.Transaction) { tx.Data = []byte("another") }))
		s.Next("again", "b6", payment(nil)) // the very same transaction
		s.Next("good", "b6")
		s.Accepted("b5", "b6")
		s.Rejected("bad", core.ErrMissingCoin)
		s.Rejected("again", core.ErrMissingCoin)
		s.Accepted("good")
	}},
	{ID: "T84", Name: "one good input does not make up for a spent one", Rule: "state 3", Tell: func(s *coretest.Story) {
		trunk(s, 4)
		s.Next("b5", "b4", payment(nil))
		for i, order := range [][]string{{"b1", "b2"}, {"b2", "b1"}} {
			s.Next(numbered("bad", i+1), "b5", add(func(c *coretest.Chain) []core.Transaction {
				coins := []core.Coin{c.Get(order[0]).Coinbase(), c.Get(order[1]).Coinbase()}
				return []core.Transaction{spend(c, coins, []string{"miner"}, coretest.To("bob", 9*ing))}
			}))
		}
		s.Next("good", "b5")
		s.Accepted("b5")
		s.Rejected("bad1", core.ErrMissingCoin)
		s.Rejected("bad2", core.ErrMissingCoin)
		s.Accepted("good")
	}},
	{ID: "T08", Name: "a coin that only the other fork has spent", Rule: "state 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5(tx)
		//          \-> c5 -> c6(tx) -> c7
		trunk(s, 4)
		s.Next("b5", "b4", payment(nil))
		c5 := above(s, "c5-", "b4", "b5")
		s.Next("c6", c5, payment(nil))
		s.Next("c7", "c6")
		s.Accepted("b5")
		s.SideChain(c5)
		s.Accepted("c6", "c7")
	}},
	{ID: "T85", Name: "a coin that only the other fork has made", Rule: "state 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5(pay alice)
		//          \-> c5 -> c6(spend alice's)
		//                \-> d6
		trunk(s, 4)
		s.Next("b5", "b4", payment(nil))
		c5 := above(s, "c5-", "b4", "b5")
		s.Next("c6", c5, add(func(c *coretest.Chain) []core.Transaction {
			return []core.Transaction{spend(c, []core.Coin{c.Get("b5").Coin(1, 0)}, []string{"alice"}, coretest.To("bob", ing))}
		}))
		s.Next("d6", c5)
		s.Accepted("b5")
		s.SideChain(c5)
		s.Rejected("c6", core.ErrMissingCoin)
		s.Accepted("d6")
	}},
	{ID: "T09", Name: "a coin of a block that failed", Rule: "state 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> failed(pay alice, and spend a coin that never was)
		//          \-> bad(spend alice's)
		//          \-> good(pay alice) -> next(spend alice's)
		trunk(s, 4)
		alices := func(from string) coretest.Mutator {
			return add(func(c *coretest.Chain) []core.Transaction {
				return []core.Transaction{spend(c, []core.Coin{c.Get(from).Coin(1, 0)}, []string{"alice"}, coretest.To("bob", ing))}
			})
		}
		s.Next("failed", "b4", payment(nil), payment(func(tx *core.Transaction) {
			tx.Inputs[0].Index = 9
		}))
		s.Next("bad", "b4", alices("failed"))
		s.Next("good", "b4", payment(nil))
		s.Next("next", "good", alices("failed"))
		s.Rejected("failed", core.ErrMissingCoin)
		s.Rejected("bad", core.ErrMissingCoin)
		s.Accepted("good", "next")
	}},
	{ID: "T86", Name: "what a failed block spent is still there", Rule: "state 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> failed(spends b1's and b2's coins, b2's with a false fee)
		//          \-> good(spends b1's coin)
		trunk(s, 4)
		s.Next("failed", "b4", payment(nil), paymentFrom("b2", func(tx *core.Transaction) { tx.Fee++ }))
		s.Next("good", "b4", payment(nil), paymentFrom("b2", nil))
		s.Rejected("failed", core.ErrFeeMismatch)
		s.Accepted("good")
	}},
	{ID: "T24", Name: "one txid on two forks", Rule: "coinbase 3, state 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5(coinbase)
		//          \-> c5(the same coinbase) -> c6(spends it) -> bad(spends it)
		//                                                 \-> good
		same := func(d *coretest.Draft) { d.Txs[0].Data = d.Txs[0].Data[:core.CoinbaseHeightSize] }
		trunk(s, 4)
		s.Next("b5", "b4", same)
		later := uint64(0) // or every try were the same block
		c5 := above(s, "c5-", "b4", "b5", same, func(d *coretest.Draft) { later++; d.Header.Time += later })
		s.Next("c6", c5, paymentFrom("b5", nil))
		s.Next("bad", "c6", paymentFrom("b5", func(tx *core.Transaction) { tx.Data = []byte("x") }))
		s.Next("good", "c6")
		s.Accepted("b5")
		s.SideChain(c5)
		s.Accepted("c6")
		s.Rejected("bad", core.ErrMissingCoin)
		s.Accepted("good")
	}},
	{ID: "T25", Name: "an output that nobody can spend", Rule: "state 5", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5(burns 2 ING) -> bad -> ...
		//                             \-> good
		trunk(s, 4)
		s.Next("b5", "b4", payment(func(tx *core.Transaction) { tx.Outputs[0].Address = core.Address{} }))
		s.Next("bad", "b5", add(func(c *coretest.Chain) []core.Transaction {
			return []core.Transaction{spend(c, []core.Coin{c.Get("b5").Coin(1, 0)}, []string{"mallory"}, coretest.To("mallory", ing))}
		}))
		s.Next("good", "b5")
		s.Accepted("b5")
		s.Rejected("bad", core.ErrOwner)
		s.Accepted("good")
	}},
	{ID: "T87", Name: "a payment's output is spent by the next block", Rule: "state 3, state 4", Tell: func(s *coretest.Story) {
		trunk(s, 4)
		s.Next("b5", "b4", payment(nil))
		s.Next("b6", "b5", add(func(c *coretest.Chain) []core.Transaction {
			return []core.Transaction{spend(c, []core.Coin{c.Get("b5").Coin(1, 0)}, []string{"alice"}, coretest.To("bob", ing))}
		}))
		s.Accepted("b5", "b6")
	}},
	{ID: "T88", Name: "one output is left when the others are spent", Rule: "state 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5(pays alice and miner) -> b6(alice's) -> b7(miner's)
		//                                                    \-> bad(alice's)
		trunk(s, 4)
		of := func(index int, owner string) coretest.Mutator {
			return add(func(c *coretest.Chain) []core.Transaction {
				return []core.Transaction{spend(c, []core.Coin{c.Get("b5").Coin(1, index)}, []string{owner}, coretest.To("bob", ing))}
			})
		}
		s.Next("b5", "b4", payment(nil))
		s.Next("b6", "b5", of(0, "alice"))
		s.Next("bad", "b6", of(0, "alice"))
		s.Next("b7", "b6", of(1, "miner"))
		s.Accepted("b5", "b6")
		s.Rejected("bad", core.ErrMissingCoin)
		s.Accepted("b7")
	}},
}

var txSameBlock = []Case{
	{ID: "T90", Name: "a hundred payments, each of the one before", Rule: "state 3", Tell: accepted(add(func(c *coretest.Chain) []core.Transaction {
		return relay(c, 100)
	}))},
	{ID: "T92", Name: "the last two of a hundred in the wrong order", Rule: "state 3", Tell: refused(core.ErrMissingCoin, add(func(c *coretest.Chain) []core.Transaction {
		txs := relay(c, 100)
		txs[98], txs[99] = txs[99], txs[98]
		return txs
	}))},
	{ID: "T96", Name: "one coin in two payments, among other inputs", Rule: "block 8", Tell: refused(core.ErrBlockDouble, add(func(c *coretest.Chain) []core.Transaction {
		b1, b2, b3 := c.Get("b1").Coinbase(), c.Get("b2").Coinbase(), c.Get("b3").Coinbase()
		return []core.Transaction{
			spend(c, []core.Coin{b1, b2}, []string{"miner"}, coretest.To("bob", ing)),
			spend(c, []core.Coin{b3, b2}, []string{"miner"}, coretest.To("bob", ing)),
		}
	}))},
	{ID: "T110", Name: "one payment twice, signed in two ways", Rule: "block 8", Tell: refused(core.ErrBlockDouble, add(func(c *coretest.Chain) []core.Transaction {
		// One txid, two wids.
		tx := pay(c, nil)
		again := tx
		miner, identity := coretest.MixedKey("miner", coretest.SmallOrder[0]), coretest.SmallOrder[0]
		again.Witnesses = []core.Witness{{PublicKey: miner.Public, Signature: miner.SignMixed(tx.SigningDigest(c.Rules.GenesisID()), identity)}}
		return []core.Transaction{tx, again}
	}))},
	{ID: "T97", Name: "an index behind the outputs of an earlier payment", Rule: "state 3", Tell: refused(core.ErrMissingCoin, add(func(c *coretest.Chain) []core.Transaction {
		txs := relay(c, 2)
		txs[1].Inputs[0].Index = 5
		coretest.Sign(c.Rules.GenesisID(), &txs[1], "alice")
		return txs
	}))},
	{ID: "T120", Name: "the index just behind the outputs of an earlier payment", Rule: "state 3", Tell: refused(core.ErrMissingCoin, add(func(c *coretest.Chain) []core.Transaction {
		txs := relay(c, 2)
		txs[1].Inputs[0].Index = uint32(len(txs[0].Outputs))
		coretest.Sign(c.Rules.GenesisID(), &txs[1], "alice")
		return txs
	}))},
	{ID: "T98", Name: "payments that depend on nothing, in both orders", Rule: "state 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5(tx1, tx2)
		//          \-> c5(tx2, tx1) -> c6
		trunk(s, 4)
		s.Next("b5", "b4", payment(nil), paymentFrom("b2", nil))
		c5 := above(s, "c5-", "b4", "b5", paymentFrom("b2", nil), payment(nil))
		s.Next("c6", c5)
		s.Accepted("b5")
		s.SideChain(c5)
		s.Accepted("c6")
	}},
	{ID: "T99", Name: "a coin is made and spent, then spent again a block later", Rule: "state 3", Tell: func(s *coretest.Story) {
		trunk(s, 4)
		s.Next("b5", "b4", add(func(c *coretest.Chain) []core.Transaction { return relay(c, 2) }))
		s.Next("bad", "b5", add(func(c *coretest.Chain) []core.Transaction {
			return []core.Transaction{spend(c, []core.Coin{c.Get("b5").Coin(1, 0)}, []string{"alice"}, coretest.To("mallory", ing))}
		}))
		s.Next("good", "b5")
		s.Accepted("b5")
		s.Rejected("bad", core.ErrMissingCoin)
		s.Accepted("good")
	}},
	{ID: "T100", Name: "the first missing coin comes before a later false fee", Rule: "state 3, state 7", Tell: refused(core.ErrMissingCoin,
		payment(func(tx *core.Transaction) { tx.Inputs[0].Index = 3 }), paymentFrom("b2", func(tx *core.Transaction) { tx.Fee++ }))},
	{ID: "T101", Name: "a false fee comes before a later missing coin", Rule: "state 3, state 7", Tell: refused(core.ErrFeeMismatch,
		paymentFrom("b2", func(tx *core.Transaction) { tx.Fee++ }), payment(func(tx *core.Transaction) { tx.Inputs[0].Index = 3 }))},
}

// relay returns n payments, of which the first is pay's, and each later one
// passes on what the first gave to alice.
func relay(c *coretest.Chain, n int) []core.Transaction {
	txs := []core.Transaction{pay(c, nil)}
	for len(txs) < n {
		coin := coinOf(&txs[len(txs)-1], 0)
		txs = append(txs, spend(c, []core.Coin{coin}, []string{"alice"}, coretest.To("alice", coin.Value-1)))
	}
	return txs
}
