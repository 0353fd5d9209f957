package cases

import (
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// crossings are about coins and payments that more than one branch knows.
var crossings = []Case{
	{
		ID: "O25", Name: "the other branch's coinbase is spent", Rule: "state 3",
		Tell: func(s *coretest.Story) {
			// genesis -> a1 -> a2
			//        \-> c1 -> bad (spends a1's coinbase) -> c3
			branch(s, "a", coretest.Genesis, 2)
			s.Next("c1", coretest.Genesis)
			bad := above(s, "bad", "c1", "a2", paymentFrom("a1", nil))
			s.Next("c3", bad)
			s.Accepted("a1", "a2")
			s.SideChain("c1", bad)
			s.RejectedBy("c3", bad, core.ErrMissingCoin)
			s.ExpectTip("a2")
		},
	},
	{
		ID: "O26", Name: "a payment of the other branch is spent", Rule: "state 3",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> a2 (pays alice) -> a3
			//              \-> c2 -> bad (spends alice's coin) -> c4
			trunk(s, 1)
			s.Next("a2", "b1", payment(nil))
			s.Next("a3", "a2")
			s.Next("c2", "b1")
			bad := above(s, "bad", "c2", "a3", add(func(c *coretest.Chain) []core.Transaction {
				return []core.Transaction{spend(c, []core.Coin{c.Get("a2").Coin(1, 0)}, []string{"alice"}, coretest.To("bob", ing))}
			}))
			s.Next("c4", bad)
			s.Accepted("a2", "a3")
			s.SideChain("c2", bad)
			s.RejectedBy("c4", bad, core.ErrMissingCoin)
		},
	},
	{
		ID: "O27", Name: "the same payment on both branches, and spent on both", Rule: "state 3",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> a2 (pays alice) -> a3 (alice pays)
			//              \-> c2 -> c3 (pays alice) -> c4 (alice pays)
			trunk(s, 1)
			alice := add(func(c *coretest.Chain) []core.Transaction {
				return []core.Transaction{spend(c, []core.Coin{c.Get("a2").Coin(1, 0)}, []string{"alice"}, coretest.To("bob", ing))}
			})
			s.Next("a2", "b1", payment(nil))
			s.Next("a3", "a2", alice)
			s.Next("c2", "b1")
			c3 := above(s, "c3.", "c2", "a3", payment(nil))
			s.Next("c4", c3, alice)
			s.Accepted("a2", "a3")
			s.SideChain("c2", c3)
			s.Accepted("c4")
		},
	},
	{
		ID: "O28", Name: "one coin spent in two ways on two branches", Rule: "state 3",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> a2 (b1's coin to alice)
			//              \-> c2 (to bob) -> c3 -> again (to bob, a second time)
			trunk(s, 1)
			toBob := func(tx *core.Transaction) { tx.Outputs[0] = coretest.To("bob", 3*ing); tx.Fee -= ing }
			s.Next("a2", "b1", payment(nil))
			c2 := above(s, "c2.", "b1", "a2", payment(toBob))
			s.Next("c3", c2)
			s.Next("again", "c3", payment(toBob))
			s.Next("other", "c3", payment(nil))
			s.Accepted("a2")
			s.SideChain(c2)
			s.Accepted("c3")
			s.Rejected("again", core.ErrMissingCoin)
			s.Rejected("other", core.ErrMissingCoin)
			s.ExpectTip("c3")
		},
	},
	{
		ID: "O29", Name: "two branches with one and the same coinbase", Rule: "state 7",
		Tell: func(s *coretest.Story) {
			// genesis -> a1 -> a2 (spends it)
			//        \-> c1 -> c2 (spends it) -> c3     c1's coinbase has a1's bytes
			same := func(d *coretest.Draft) { d.Txs[0].Data = append(d.Txs[0].Data[:core.CoinbaseHeightSize], "same"...) }
			s.Next("a1", coretest.Genesis, same)
			s.Next("a2", "a1", paymentFrom("a1", nil))
			s.Next("c1", coretest.Genesis, same, quicker(2))
			c2 := above(s, "c2.", "c1", "a2", paymentFrom("c1", nil))
			s.Next("c3", c2)
			s.Accepted("a1", "a2")
			s.SideChain("c1", c2)
			s.Accepted("c3")
		},
	},
	{
		ID: "O30", Name: "a coin made and spent within one block of a branch that loses", Rule: "state 3",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> a2 (b1's coin to alice, alice's to bob)
			//              \-> c2 -> c3 (b1's coin to alice) -> bad (bob's, who has none)
			//                           \-> c4 (alice's)
			trunk(s, 1)
			both := add(func(c *coretest.Chain) []core.Transaction {
				first := pay(c, nil)
				return []core.Transaction{first, spend(c, []core.Coin{coinOf(&first, 0)}, []string{"alice"}, coretest.To("bob", 2*ing))}
			})
			s.Next("a2", "b1", both)
			s.Next("c2", "b1")
			s.Next("c3", "c2", payment(nil))
			s.Next("bad", "c3", add(func(c *coretest.Chain) []core.Transaction {
				return []core.Transaction{spend(c, []core.Coin{c.Get("a2").Coin(2, 0)}, []string{"bob"}, coretest.To("bob", ing))}
			}))
			s.Next("c4", "c3", add(func(c *coretest.Chain) []core.Transaction {
				return []core.Transaction{spend(c, []core.Coin{c.Get("c3").Coin(1, 0)}, []string{"alice"}, coretest.To("bob", ing))}
			}))
			s.Accepted("a2")
			offer(s, "c2")
			s.Accepted("c3")
			s.Rejected("bad", core.ErrMissingCoin)
			s.Accepted("c4")
		},
	},
}

// badBranches are about branches on which a block breaks a rule that only
// connecting it shows.
var badBranches = []Case{
	{
		ID: "O31", Name: "a heavier branch that is bad at its first block", Rule: "judge 9",
		Tell: func(s *coretest.Story) { badAt(s, 0) },
	},
	{
		ID: "O32", Name: "a heavier branch that is bad in its middle", Rule: "judge 9",
		Tell: func(s *coretest.Story) { badAt(s, 2) },
	},
	{
		ID: "O33", Name: "a heavier branch that is bad at its last block", Rule: "judge 9",
		Tell: func(s *coretest.Story) {
			// genesis -> a1 -> a2 -> a3
			//        \-> x1 -> x2 -> x3 (high) -> bad
			branch(s, "a", coretest.Genesis, 3)
			x := branch(s, "x", coretest.Genesis, 2)
			x3 := above(s, "x3.", "x2", "a3")
			s.Next("bad", x3, badState)
			s.Accepted("a1", "a2", "a3")
			s.SideChain(x...)
			s.SideChain(x3)
			s.Rejected("bad", core.ErrStateRoot)
			s.ExpectTip("a3")
			s.Next("x4", x3)
			s.Accepted("x4") // nothing is wrong with the others
		},
	},
	{
		ID: "O34", Name: "a bad branch that is best up to its bad block", Rule: "judge 9",
		Tell: func(s *coretest.Story) {
			// genesis -> a1 -> a2 ------------> a3 (high) -> a4
			//        \-> x1 -> x2 (high) -> x3 -> bad -> x5
			branch(s, "a", coretest.Genesis, 2)
			s.Next("x1", coretest.Genesis)
			x2 := above(s, "x2.", "x1", "a2")
			s.Next("x3", x2)
			s.Next("bad", "x3", badState)
			s.Next("x5", "bad")
			a3 := above(s, "a3.", "a2", "x3")
			s.Next("a4", a3)
			s.Accepted("a1", "a2")
			s.SideChain("x1", x2)
			s.Accepted("x3")
			s.Rejected("bad", core.ErrStateRoot)
			s.Rejected("x5", core.ErrBadParent)
			s.ExpectTip("x3")
			s.SideChain(a3)
			s.Accepted("a4")
		},
	},
	{
		ID: "O35", Name: "a bad block of equal work and a lower id", Rule: "judge 9",
		Tell: func(s *coretest.Story) {
			s.Next("a1", coretest.Genesis)
			bad := below(s, "bad", coretest.Genesis, "a1", badState)
			s.Accepted("a1")
			s.Rejected(bad, core.ErrStateRoot)
			s.ExpectTip("a1")
		},
	},
	{
		ID: "O36", Name: "a bad block of equal work and a higher id, until it has a child", Rule: "judge 9",
		Tell: func(s *coretest.Story) {
			s.Next("a1", coretest.Genesis)
			bad := above(s, "bad", coretest.Genesis, "a1", badState)
			s.Next("child", bad)
			s.Accepted("a1")
			s.SideChain(bad, bad)
			s.RejectedBy("child", bad, core.ErrStateRoot)
			s.Rejected(bad, core.ErrStateRoot)
			s.Rejected("child", core.ErrBadParent)
		},
	},
	{
		ID: "O37", Name: "a bad side block that is never looked at", Rule: "judge 9",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> ... -> b8
			//              \-> bad -> x3 -> x4
			trunk(s, 4)
			s.Next("bad", "b1", badCoin)
			x := append([]string{"bad"}, branch(s, "x", "bad", 1)...)
			s.SideChain(x...)
			for _, name := range branch(s, "c", "b4", 4) {
				s.Accepted(name)
				s.SideChain(x...)
			}
		},
	},
	{
		ID: "O38", Name: "descendants of a bad block, before and after it is known to be bad", Rule: "judge 5",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> b2 -> b3 -> b4
			//        \-> bad -> x2 -> x3 -> x4 (high) -> x5 -> x6
			//                     \-> y3 -> y4 -> y5
			trunk(s, 4)
			s.Next("bad", coretest.Genesis, badState)
			s.Next("x2", "bad")
			s.Next("x3", "x2")
			x4 := above(s, "x4.", "x3", "b4")
			s.Next("x5", x4)
			s.Next("x6", "x5")
			s.Next("y3", "x2")
			s.Next("y4", "y3")
			s.Next("y5", "y4")
			s.SideChain("bad", "x2", "x3", x4, "y3")
			s.RejectedBy("x5", "bad", core.ErrStateRoot)
			for _, name := range []string{"y4", "y3", "x6", "x5", x4, "x3", "x2"} {
				s.Rejected(name, core.ErrBadParent)
			}
			s.Deferred("y5", core.ErrNoParent) // what is refused for its parent's sake is not kept
			s.Rejected("bad", core.ErrStateRoot)
			s.ExpectTip("b4")
		},
	},
	{
		ID: "O39", Name: "children of a bad block whose parents did not come", Rule: "judge 4",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> bad -> x3 -> x4
			s.Chain.Chain("b", coretest.Genesis, 1)
			s.Next("bad", "b1", badState)
			branch(s, "x", "bad", 2)
			s.Deferred("x2", core.ErrNoParent)
			s.Deferred("x1", core.ErrNoParent)
			s.Accepted("b1")
			s.Deferred("x1", core.ErrNoParent)
			s.Rejected("bad", core.ErrStateRoot)
			s.Rejected("x1", core.ErrBadParent)
			s.Deferred("x2", core.ErrNoParent) // what is refused for its parent's sake is not kept
		},
	},
	{
		ID: "O40", Name: "good and bad siblings", Rule: "judge 9",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> b2
			//        \-> c1 -> bad, worse, c2 (high) -> c3
			trunk(s, 2)
			s.Next("c1", coretest.Genesis)
			bad := below(s, "bad", "c1", "b2", badState)
			worse := below(s, "worse", "c1", "b2", paymentFrom("c1", func(tx *core.Transaction) { tx.Inputs[0].Index = 7 }))
			c2 := above(s, "c2.", "c1", "b2")
			s.Next("c3", c2)
			s.SideChain("c1")
			s.Rejected(bad, core.ErrStateRoot)
			s.Rejected(worse, core.ErrMissingCoin)
			s.SideChain(c2)
			s.Accepted("c3")
		},
	},
	{
		ID: "O80", Name: "the transactions of a bad block under a good header", Rule: "judge 9",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> bad, twin (one merkle root) -> next
			trunk(s, 1)
			same := func(d *coretest.Draft) { d.Txs[0].Data = append(d.Txs[0].Data[:core.CoinbaseHeightSize], "same"...) }
			s.Next("bad", "b1", same, payment(nil), badState)
			s.Next("twin", "b1", same, payment(nil))
			s.Next("next", "twin")
			s.Rejected("bad", core.ErrStateRoot)
			s.Accepted("twin", "next")
			s.Rejected("bad", core.ErrStateRoot)
		},
	},
	{
		ID: "O41", Name: "a branch is bad twice", Rule: "judge 9",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> b2
			//        \-> first (bad) -> second (high, bad too) -> x3
			trunk(s, 2)
			s.Next("first", coretest.Genesis, badState)
			second := above(s, "second", "first", "b2", badState)
			s.Next("x3", second)
			s.SideChain("first", second)
			s.RejectedBy("x3", "first", core.ErrStateRoot)
			s.Rejected(second, core.ErrBadParent)
		},
	},
	{
		ID: "O42", Name: "another body on a side branch, then the block's own", Rule: "block 1",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> b2
			//        \-> c1 -> c2 (high) -> c3
			trunk(s, 2)
			s.Next("c1", coretest.Genesis)
			c2 := above(s, "c2.", "c1", "b2")
			c3 := s.Next("c3", c2)
			s.BadBody("c1", body(s.Get("c1"), s.Get("b1").Block.Txs...), core.ErrMerkleRoot)
			s.Deferred(c2, core.ErrNoParent)
			s.SideChain("c1", c2)
			s.BadBody("c3", body(c3, s.Get(c2).Block.Txs...), core.ErrMerkleRoot)
			s.ExpectTip("b2")
			s.Accepted("c3")
		},
	},
	{
		ID: "O43", Name: "a heavier branch that is ahead of the clock", Rule: "judge 7",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> b2
			//              \-> late -> later -> last
			trunk(s, 2)
			now := s.Get("b2").Block.Header.Time
			limit := now + s.Rules.Params().MaxFutureMillis()
			s.Clock(now)
			late := above(s, "late", "b1", "b2", coretest.WithTime(limit+1))
			s.Next("later", late, coretest.WithTime(limit+2))
			s.Next("last", "later", coretest.WithTime(limit+3))
			s.Deferred(late, core.ErrFuture)
			s.Deferred("later", core.ErrNoParent)
			s.Clock(now + 1)
			s.SideChain(late)
			s.Deferred("later", core.ErrFuture)
			s.ExpectTip("b2")
			s.Clock(now + 2)
			s.Accepted("later")
			s.Deferred("last", core.ErrFuture)
			s.Clock(now + 3)
			s.Accepted("last")
		},
	},
	{
		ID: "O44", Name: "a bad header far behind the tip", Rule: "judge 6",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> ... -> b6
			//              \-> bad
			trunk(s, 6)
			s.Next("bad", "b1", header(func(h *core.Header) { h.Bits-- }))
			s.Rejected("bad", core.ErrBits)
			s.Next("child", "bad")
			s.Rejected("child", core.ErrBadParent)
			s.ExpectTip("b6")
		},
	},
	{
		ID: "O45", Name: "forged work does not make a branch best", Rule: "work 7",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> b2
			//              \-> c2 (high) -> fake
			trunk(s, 2)
			c2 := above(s, "c2.", "b1", "b2")
			s.Next("fake", c2, func(d *coretest.Draft) {
				d.KeepNonce, d.KeepMerkle = true, true
				d.Header.MerkleRoot = rootOf(d.Txs)
				target, _ := core.TargetFromBits(d.Header.Bits)
				for core.HashMeetsTarget(d.Header.ID(), &target) {
					d.Header.Nonce++
				}
			})
			s.SideChain(c2)
			s.Rejected("fake", core.ErrWork)
			s.ExpectTip("b2")
			s.Next("c3", c2)
			s.Accepted("c3")
		},
	},
}

// badAt tells
//
//	genesis -> a1 -> a2 -> a3 -> a4
//	       \-> x1 -> x2 -> x3 -> x4 (high) -> x5
//
// where block bad+1 of the x is bad, which shows when x5 makes them best.
func badAt(s *coretest.Story, bad int) {
	a := branch(s, "a", coretest.Genesis, 4)
	var x []string
	at := coretest.Genesis
	for i := range 4 {
		var muts []coretest.Mutator
		if i == bad {
			muts = append(muts, badState)
		}
		if i == 3 {
			at = above(s, "x4.", at, "a4", muts...)
		} else {
			at = s.Next(numbered("x", i+1), at, muts...).Name
		}
		x = append(x, at)
	}
	s.Next("x5", at)
	s.Accepted(a...)
	s.SideChain(x...)
	s.RejectedBy("x5", x[bad], core.ErrStateRoot)
	s.ExpectTip("a4")
	s.SideChain(x[:bad]...)
	s.Rejected(x[bad], core.ErrStateRoot)
	for _, name := range x[bad+1:] {
		s.Rejected(name, core.ErrBadParent)
	}
	s.Rejected("x5", core.ErrBadParent)
	s.Next("a5", "a4")
	s.Accepted("a5")
}

// skippedOrders are the cases about branches that are no stories.
var skippedOrders = []Skipped{
	{"O03", "payments of a reverted block return to the pool", "no rule of blocks: the pool is no part of a verdict; chain/mempool has tests of its own"},
	{"O04", "payments that a reorganisation makes impossible leave the pool", "as O03"},
	{"O05", "balances follow a reorganisation", "as O03, for wallets; that coins follow is O12, and TestWalks in chain"},
	{"O09", "an undo record is missing: a clean stop", "damage to a store is no delivery: chain's TestMissingUndoStopsCleanly"},
}
