package cases

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// coinbases are about a block's first transaction and what it mints.
var coinbases = slices.Concat(coinbaseValues, coinbaseForms, coinbaseSubsidies, coinbaseSpends)

// reward sets the outputs of the coinbase.
func reward(values ...core.Amount) coretest.Mutator {
	return coinbase(func(tx *core.Transaction) {
		tx.Outputs = nil
		for _, v := range values {
			tx.Outputs = append(tx.Outputs, coretest.To("miner", v))
		}
	})
}

var coinbaseValues = []Case{
	{ID: "C01", Name: "a grain above subsidy and fees", Rule: "coinbase 6", Tell: refused(core.ErrCoinbaseValue, payment(nil), reward(6*ing+1))},
	{ID: "C02", Name: "exactly subsidy and fees", Rule: "coinbase 6", Tell: accepted(payment(nil), paymentFrom("b2", nil), reward(7*ing))},
	{ID: "C03", Name: "a grain below the subsidy", Rule: "coinbase 6", Tell: refused(core.ErrCoinbaseValue, reward(5*ing-1))},
	{ID: "C17", Name: "a grain above the subsidy", Rule: "coinbase 6", Tell: refused(core.ErrCoinbaseValue, reward(5*ing+1))},
	{ID: "C18", Name: "fees not collected", Rule: "coinbase 6", Tell: refused(core.ErrCoinbaseValue, payment(nil), reward(5*ing))},
	{ID: "C19", Name: "fees of one payment of two", Rule: "coinbase 6", Tell: refused(core.ErrCoinbaseValue, payment(nil), paymentFrom("b2", nil), reward(6*ing))},
	{ID: "C20", Name: "no outputs while there is a subsidy", Rule: "coinbase 6", Tell: refused(core.ErrCoinbaseValue, reward())},
	{ID: "C21", Name: "split in two and in a hundred", Rule: "coinbase 6", Tell: func(s *coretest.Story) {
		// ... -> b4 -> two -> hundred -> next
		trunk(s, 4)
		s.Next("two", "b4", reward(1, 5*ing-1))
		s.Next("hundred", "two", reward(slices.Repeat([]core.Amount{ing / 20}, 100)...))
		s.Next("next", "hundred")
		s.Accepted("two", "hundred", "next")
	}},
	{ID: "C22", Name: "outputs whose sum is the reward modulo 2^64", Rule: "coinbase 5", Tell: refused(core.ErrTxSum, func(d *coretest.Draft) {
		// 2,048 times 2^53-1, and what 2^64 and the reward leave.
		values := slices.Repeat([]core.Amount{core.MaxAmount}, 2048)
		reward(append(values, 2048+5*ing)...)(d)
	})},
	{ID: "C23", Name: "two outputs of the greatest amount", Rule: "coinbase 5", Tell: refused(core.ErrTxSum, reward(core.MaxAmount, core.MaxAmount))},
	{ID: "C24", Name: "one output of the greatest amount", Rule: "coinbase 6", Tell: refused(core.ErrCoinbaseValue, reward(core.MaxAmount))},
	{ID: "C25", Name: "amounts above the greatest", Rule: "coinbase 5", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad1, bad2, bad3
		//          \-> good
		trunk(s, 4)
		for i, values := range [][]core.Amount{{core.MaxAmount + 1}, {math.MaxUint64, 5*ing + 1}, {1 << 63, 1 << 63, 5 * ing}} {
			name := numbered("bad", i+1)
			s.Next(name, "b4", reward(values...))
			s.Rejected(name, core.ErrTxValue)
		}
		s.Next("good", "b4")
		s.Accepted("good")
	}},
	{ID: "C26", Name: "an output of nothing beside the reward", Rule: "coinbase 5", Tell: refused(core.ErrTxValue, reward(5*ing, 0))},
	{ID: "C27", Name: "fees of exactly what there is in all", Rule: "coinbase 6", Tell: refused(core.ErrCoinbaseValue, imaginedFees(core.MaxAmount-1, 1), reward(core.MaxAmount))},
}

var coinbaseForms = []Case{
	{ID: "C05", Name: "height of the parent", Rule: "coinbase 3", Tell: refused(core.ErrCoinbaseHeight, coinbase(func(tx *core.Transaction) { tx.Data[0]-- }))},
	{ID: "C06", Name: "3, 4, 128 and 129 bytes of data", Rule: "coinbase 3, tx encoding", Tell: func(s *coretest.Story) {
		// ... -> b4 -> three
		//          \-> least -> most      129 bytes come under the header of most
		trunk(s, 4)
		data := func(height uint32, size int) coretest.Mutator {
			return coinbase(func(tx *core.Transaction) {
				tx.Data = append(binary.LittleEndian.AppendUint32(nil, height), make([]byte, core.MaxTxData)...)[:size]
			})
		}
		s.Next("three", "b4", data(5, 3))
		s.Next("least", "b4", data(5, 4))
		most := s.Next("most", "least", data(6, 128))
		long := slices.Clone(most.Block.Txs)
		long[0].Data = append(slices.Clone(long[0].Data), 0)
		s.Rejected("three", core.ErrCoinbaseHeight)
		s.Accepted("least")
		s.BadBody("most", body(most, long...), core.ErrMalformed)
		s.Accepted("most")
	}},
	{ID: "C10", Name: "a coinbase that spends a coin", Rule: "block 5", Tell: refused(core.ErrFirstTx, func(d *coretest.Draft) {
		d.KeepReward = true
		d.Txs[0] = pay(d.Chain, func(tx *core.Transaction) {
			tx.Data = d.Txs[0].Data
			tx.Outputs, tx.Fee = []core.Output{coretest.To("miner", 10*ing)}, 0
		})
	})},
	{ID: "C11", Name: "the coin of no transaction, as Bitcoin's coinbase names it", Rule: "state 3", Tell: refused(core.ErrMissingCoin, payment(func(tx *core.Transaction) {
		tx.Inputs[0].Outpoint = core.Outpoint{Index: math.MaxUint32}
	}))},
	{ID: "C28", Name: "other heights", Rule: "coinbase 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad1, bad2, ...
		//          \-> good
		trunk(s, 4)
		for i, data := range [][]byte{
			nil, {5}, {5, 0, 0},
			{6, 0, 0, 0},          // the next
			{5, 0, 0, 1},          // a high byte
			{0, 0, 0, 5},          // big-endian
			{1, 5, 0, 0, 0},       // behind a byte, as Bitcoin's
			{0xff, 5, 0, 0, 0, 0}, // behind another
			{0, 0, 0, 0},
		} {
			name := numbered("bad", i+1)
			s.Next(name, "b4", coinbase(func(tx *core.Transaction) { tx.Data = data }))
			s.Rejected(name, core.ErrCoinbaseHeight)
		}
		s.Next("good", "b4")
		s.Accepted("good")
	}},
	{ID: "C29", Name: "the parent's coinbase once more", Rule: "coinbase 3", Tell: refused(core.ErrCoinbaseHeight, func(d *coretest.Draft) {
		d.KeepReward = true
		d.Txs[0] = d.Parent.Block.Txs[0]
	})},
	{ID: "C30", Name: "a declared fee", Rule: "coinbase 2", Tell: refused(core.ErrCoinbaseFee, coinbase(func(tx *core.Transaction) { tx.Fee = 1 }))},
	{ID: "C31", Name: "a declared fee that makes the sum right", Rule: "coinbase 2", Tell: refused(core.ErrCoinbaseFee, payment(nil), coinbase(func(tx *core.Transaction) {
		tx.Outputs[0].Value, tx.Fee = 5*ing, ing
	}))},
	{ID: "C32", Name: "versions 0, 2 and 65535", Rule: "coinbase 1", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad1, bad2, bad3
		//          \-> good
		trunk(s, 4)
		for i, version := range []uint16{0, 2, math.MaxUint16} {
			name := numbered("bad", i+1)
			s.Next(name, "b4", coinbase(func(tx *core.Transaction) { tx.Version = version }))
			s.Rejected(name, core.ErrTxVersion)
		}
		s.Next("good", "b4")
		s.Accepted("good")
	}},
	{ID: "C33", Name: "output kinds 1 and 255", Rule: "coinbase 5", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad1, bad2
		//          \-> good
		trunk(s, 4)
		for i, kind := range []byte{1, 255} {
			name := numbered("bad", i+1)
			s.Next(name, "b4", coinbase(func(tx *core.Transaction) { tx.Outputs[0].Address.Kind = kind }))
			s.Rejected(name, core.ErrTxKind)
		}
		s.Next("good", "b4")
		s.Accepted("good")
	}},
	{ID: "C34", Name: "as many bytes as a transaction may have, and one more", Rule: "coinbase 4", Params: small, Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad
		//          \-> full
		// 68 outputs and 63 bytes of data make 2,048.
		trunk(s, 4)
		sized := func(size int) coretest.Mutator {
			return func(d *coretest.Draft) {
				tx := &d.Txs[0]
				tx.Outputs = append(tx.Outputs, outputs(67, 1)...)
				tx.Data = append(tx.Data, make([]byte, size-len(tx.AppendTo(nil)))...)
			}
		}
		s.Next("bad", "b4", sized(smallTxBytes+1))
		s.Next("full", "b4", sized(smallTxBytes))
		s.Rejected("bad", core.ErrTxSize)
		s.Accepted("full")
	}},
	{ID: "C35", Name: "a witness behind the coinbase", Rule: "tx encoding", Tell: unparsable(func(txs []core.Transaction) []core.Transaction {
		txs[0].Witnesses = txs[1].Witnesses
		return txs
	})},
	{ID: "C36", Name: "faults in the order of the rules", Rule: "coinbase 1, coinbase 2, coinbase 3, coinbase 4, coinbase 5, coinbase 6", Params: small, Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad1 -> ... each breaks one rule less, the first of them
		//          \-> good
		trunk(s, 4)
		faults := []struct {
			code core.Code
			f    func(tx *core.Transaction)
		}{
			{core.ErrTxVersion, func(tx *core.Transaction) { tx.Version = 2 }},
			{core.ErrCoinbaseFee, func(tx *core.Transaction) { tx.Fee = 1 }},
			{core.ErrCoinbaseHeight, func(tx *core.Transaction) { tx.Data = nil }},
			{core.ErrTxSize, func(tx *core.Transaction) { tx.Outputs = append(tx.Outputs, outputs(80, 1)...) }},
			{core.ErrTxKind, func(tx *core.Transaction) { tx.Outputs[0].Address.Kind = 1 }},
			{core.ErrCoinbaseValue, func(tx *core.Transaction) { tx.Outputs[0].Value++ }},
		}
		for i, fault := range faults {
			name := numbered("bad", i+1)
			s.Next(name, "b4", coinbase(func(tx *core.Transaction) {
				for _, later := range faults[i:] {
					later.f(tx)
				}
			}))
			s.Rejected(name, fault.code)
		}
		s.Next("good", "b4")
		s.Accepted("good")
	}},
}

var coinbaseSubsidies = []Case{
	{ID: "C12", Name: "before, at and behind the halving", Rule: "subsidy", Params: small, Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> b3 -> b4 -> b5 -> b6     5 ING to height 4, then 2.5
		//                          \-> early
		//                                \-> late
		//                                      \-> late6
		trunk(s, 3)
		s.Next("early", "b3", reward(5*ing/2))
		s.Next("b4", "b3", reward(5*ing))
		s.Next("late", "b4", reward(5*ing))
		s.Next("b5", "b4", reward(5*ing/2))
		s.Next("late6", "b5", reward(5*ing))
		s.Next("b6", "b5", reward(5*ing/2))
		s.Rejected("early", core.ErrCoinbaseValue)
		s.Accepted("b4")
		s.Rejected("late", core.ErrCoinbaseValue)
		s.Accepted("b5")
		s.Rejected("late6", core.ErrCoinbaseValue)
		s.Accepted("b6")
	}},
	{ID: "C37", Name: "halves of an odd subsidy are rounded down", Rule: "subsidy", Params: minting(5), Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> b3 -> b4     5, 2, 1 and 0 grains
		//              \-> up
		s.Next("b1", coretest.Genesis, reward(5))
		s.Next("up", "b1", reward(3))
		s.Next("b2", "b1", reward(2))
		s.Next("b3", "b2", reward(1))
		s.Next("b4", "b3", reward())
		s.Accepted("b1")
		s.Rejected("up", core.ErrCoinbaseValue)
		s.Accepted("b2", "b3", "b4")
	}},
	{ID: "C38", Name: "nothing left to mint", Rule: "subsidy, coinbase 6", Params: minting(2), Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> b3 -> b4     2, 1 and 0 grains; b4 collects a fee
		trunk(s, 2)
		s.Next("mints", "b2", reward(1))
		s.Next("nothing", "b2", reward(0))
		s.Next("b3", "b2", reward())
		fee := add(func(c *coretest.Chain) []core.Transaction {
			return []core.Transaction{spend(c, []core.Coin{c.Get("b1").Coinbase()}, []string{"miner"}, coretest.To("alice", 1))}
		})
		s.Next("lost", "b3", fee)
		s.Next("b4", "b3", fee, reward(1))
		s.Next("b5", "b4")
		s.Rejected("mints", core.ErrCoinbaseValue)
		s.Rejected("nothing", core.ErrTxValue)
		s.Accepted("b3")
		s.Rejected("lost", core.ErrCoinbaseValue)
		s.Accepted("b4", "b5")
	}},
	{ID: "C39", Name: "64 halvings do not begin anew", Rule: "subsidy", Params: minting(1 << 52), Tell: func(s *coretest.Story) {
		// Shifts by 64 are shifts by none on many machines.
		trunk(s, 64)
		s.Next("bad", "b64", reward(1<<52))
		s.Next("good", "b64", reward())
		s.Rejected("bad", core.ErrCoinbaseValue)
		s.Accepted("good")
	}},
	{ID: "C40", Name: "a network that mints nothing", Rule: "subsidy", Params: minting(0), Tell: func(s *coretest.Story) {
		s.Next("bad", coretest.Genesis, reward(1))
		s.Rejected("bad", core.ErrCoinbaseValue)
		trunk(s, 2)
	}},
}

// minting is a network whose subsidy halves with each block.
func minting(subsidy core.Amount) func() *core.Params {
	return network(func(p *core.Params) { p.Subsidy, p.HalvingInterval = subsidy, 1 })
}

var coinbaseSpends = []Case{
	{ID: "C07", Name: "spent a block too early", Rule: "state 4", Params: small, Tell: refused(core.ErrImmature, paymentFrom("b3", nil))},
	{ID: "C08", Name: "spent as soon as it is allowed", Rule: "state 4", Params: small, Tell: accepted(paymentFrom("b2", nil))},
	{ID: "C09", Name: "too early on a fork, though not on the best branch", Rule: "state 4", Params: small, Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> b3 -> b4 -> b5 -> b6 -> b7      b6 spends b3's reward
		//                          \-> c4 -> c5 -> c6 -> c7      c5 does so too early
		trunk(s, 5)
		s.Next("b6", "b5", paymentFrom("b3", nil))
		s.Next("b7", "b6")
		s.Next("c4", "b3", in(1))
		s.Next("c5", "c4", paymentFrom("b3", nil))
		c6 := above(s, "c6.", "c5", "b6")
		s.Next("c7", c6)
		s.Accepted("b6")
		s.SideChain("c4", "c5", c6)
		s.RejectedBy("c7", "c5", core.ErrImmature)
		s.ExpectTip("b6")
		s.Accepted("b7")
	}},
	{ID: "C80", Name: "too early, and the same payment again in time", Rule: "state 4", Params: small, Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5 -> b6 (spends b3's reward)
		//          \-> bad (does so a block too early)
		trunk(s, 4)
		s.Next("bad", "b4", paymentFrom("b3", nil))
		s.Next("b5", "b4")
		s.Next("b6", "b5", paymentFrom("b3", nil))
		s.Rejected("bad", core.ErrImmature)
		s.Accepted("b5", "b6")
	}},
	{ID: "C41", Name: "spent in its own block", Rule: "state 4", Tell: refused(core.ErrImmature, func(d *coretest.Draft) {
		d.KeepReward = true
		coin := coinOf(&d.Txs[0], 0)
		d.Txs = append(d.Txs, spend(d.Chain, []core.Coin{coin}, []string{"miner"}, coretest.To("bob", coin.Value)))
	})},
	{ID: "C42", Name: "spent by the next block, where that is allowed", Rule: "state 4", Tell: accepted(paymentFrom("b4", nil))},
	{ID: "C43", Name: "too early, and another's", Rule: "state 4, state 5", Params: small, Tell: refused(core.ErrImmature, func(d *coretest.Draft) {
		tx := payFrom(d.Chain, "b4", nil)
		coretest.Sign(d.Chain.Rules.GenesisID(), &tx, "mallory")
		d.Txs = append(d.Txs, tx)
	})},
	{ID: "C44", Name: "a later output too early", Rule: "state 4", Params: small, Tell: func(s *coretest.Story) {
		// ... -> b4 -> split -> x6 -> x7 -> x8      x8 spends output 1 of split
		//                          \-> bad          bad does so a block too early
		trunk(s, 4)
		s.Next("split", "b4", reward(ing, 3*ing/2))
		later := add(func(c *coretest.Chain) []core.Transaction {
			split := c.Get("split")
			return []core.Transaction{spend(c, []core.Coin{split.Coin(0, 1)}, []string{"miner"}, coretest.To("bob", ing))}
		})
		s.Next("x6", "split")
		s.Next("bad", "x6", later)
		s.Next("x7", "x6")
		s.Next("x8", "x7", later)
		s.Accepted("split", "x6")
		s.Rejected("bad", core.ErrImmature)
		s.Accepted("x7", "x8")
	}},
	{ID: "C45", Name: "what a payment made of it is not held back", Rule: "state 4", Params: small, Tell: accepted(
		add(func(c *coretest.Chain) []core.Transaction { return hops(c, "b2", 3) }))},
	{ID: "C46", Name: "the reward of a block on another branch", Rule: "state 3", Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> b3 -> b4 -> bad     spends c4's reward
		//                          \-> c4  \-> good
		trunk(s, 4)
		c4 := above(s, "c4.", "b3", "b4")
		s.Next("bad", "b4", paymentFrom(c4, nil))
		s.Next("good", "b4")
		s.SideChain(c4)
		s.Rejected("bad", core.ErrMissingCoin)
		s.Accepted("good")
	}},
	{ID: "C47", Name: "one coinbase in blocks of two branches", Rule: "state 3", Tell: func(s *coretest.Story) {
		// genesis -> b1 -> a2 -> a3
		//              \-> c2 -> c3 -> c4 -> again
		//                                \-> c5
		// a2 and c2 have the same coinbase, so the same coin, whose height and value
		// are the same too. a3 and c4 spend it; c5 cannot any more.
		trunk(s, 1)
		same := func(d *coretest.Draft) {
			d.Txs[0] = core.NewCoinbase(2, 5*ing, coretest.Key("miner").Address, []byte("same"))
		}
		s.Next("a2", "b1", same)
		var ms uint64 // the tries differ in nothing but their time
		c2 := above(s, "c2.", "b1", "a2", same, func(d *coretest.Draft) { ms++; in(ms)(d) })
		s.Next("a3", "a2", paymentFrom("a2", nil))
		c3 := above(s, "c3.", c2, "a3")
		s.Next("c4", c3, paymentFrom("a2", nil))
		s.Next("again", "c4", paymentFrom("a2", func(tx *core.Transaction) { tx.Data = []byte("again") }))
		s.Next("c5", "c4")
		s.Accepted("a2", "a3")
		s.SideChain(c2, c3)
		s.Accepted("c4")
		s.Rejected("again", core.ErrMissingCoin)
		s.Accepted("c5")
	}},
	{ID: "C48", Name: "paid to the zero account, where nobody can take it", Rule: "state 5", Tell: func(s *coretest.Story) {
		// ... -> b4 -> burn -> bad
		//                  \-> good
		trunk(s, 4)
		s.Next("burn", "b4", func(d *coretest.Draft) { d.Txs[0].Outputs[0].Address = core.Address{} })
		s.Next("bad", "burn", paymentFrom("burn", nil))
		s.Next("good", "burn")
		s.Accepted("burn")
		s.Rejected("bad", core.ErrOwner)
		s.Accepted("good")
	}},
}
