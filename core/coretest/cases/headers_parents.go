package cases

import (
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

var headerParents = []Case{
	{ID: "H15", Name: "unknown parent, which then comes", Rule: "judge 4", Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> b3 -> b4, the newest first
		s.Chain.Chain("b", coretest.Genesis, 4)
		s.Deferred("b4", core.ErrNoParent)
		s.Deferred("b2", core.ErrNoParent)
		s.ExpectTip(coretest.Genesis)
		s.Accepted("b1", "b2")
		s.Deferred("b4", core.ErrNoParent)
		s.Accepted("b3", "b4")
	}},
	{ID: "H16", Name: "child of a bad header that has work", Rule: "judge 5", Tell: badChild(core.ErrTime, core.ErrBadParent, in(0))},
	{ID: "H19", Name: "genesis of another network", Rule: "judge 3, block 2", Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> good
		// theirs -> child
		other := network(func(p *core.Params) { p.Salt[0] = 1 })().Genesis()
		trunk(s, 2)
		s.Next("theirs", coretest.Genesis, func(d *coretest.Draft) {
			d.KeepMerkle, d.KeepReward, d.KeepNonce = true, true, true
			d.Header, d.Txs = other.Header, other.Txs
		})
		s.Next("child", "theirs", header(func(h *core.Header) { h.Height = 1 }))
		s.Rejected("theirs", core.ErrGenesis)
		s.Deferred("child", core.ErrNoParent)
		s.Next("good", "b2")
		s.Accepted("good")
	}},
	{ID: "H51", Name: "height 0 behind the tip", Rule: "judge 3", Tell: refused(core.ErrGenesis, func(d *coretest.Draft) {
		d.Header.Height = 0
		d.Txs[0] = core.NewCoinbase(0, 0, core.Address{}, nil)
	})},
	{ID: "H52", Name: "our genesis with another nonce", Rule: "judge 3", Tell: func(s *coretest.Story) {
		// genesis -> b1 -> good
		// again
		trunk(s, 1)
		s.Next("again", coretest.Genesis, alteredCopy(coretest.Genesis, func(h *core.Header) { h.Nonce++ }))
		s.Next("good", "b1")
		s.Rejected("again", core.ErrGenesis)
		s.SideChain(coretest.Genesis) // itself is known, and nothing else
		s.Accepted("good")
	}},
	{ID: "H53", Name: "parents that are no blocks", Rule: "judge 4", Tell: func(s *coretest.Story) {
		// ... -> b4 -> lost1, lost2, ... (say to follow something else)
		//          \-> good
		trunk(s, 4)
		tip := s.Get("b4").Block
		reversed := tip.ID()
		slices.Reverse(reversed[:])
		for i, parent := range []core.Hash{
			{}, s.Rules.Genesis().Header.Parent, reversed, tip.Header.MerkleRoot, tip.TxID(0),
		} {
			name := numbered("lost", i+1)
			s.Next(name, "b4", header(func(h *core.Header) { h.Parent = parent }))
			s.Deferred(name, core.ErrNoParent)
		}
		s.Next("good", "b4")
		s.Accepted("good")
	}},
	{ID: "H54", Name: "the id that the header would have without a parent", Rule: "judge 4", Tell: func(s *coretest.Story) {
		// ... -> b4 -> own (says so too)
		//          \-> good
		// As near to a parent of its own as one comes.
		trunk(s, 4)
		s.Next("own", "b4", func(d *coretest.Draft) { d.Header.Parent = core.Hash{}; d.Header.Parent = d.Header.ID() })
		s.Next("good", "b4")
		s.Deferred("own", core.ErrNoParent)
		s.Accepted("good")
	}},
	{ID: "H55", Name: "grandparent as the parent", Rule: "work 2", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad (says to follow b3)
		//          \-> good
		trunk(s, 4)
		s.Next("bad", "b4", header(func(h *core.Header) { h.Parent = s.Get("b3").Block.ID() }))
		s.Next("good", "b4")
		s.Rejected("bad", core.ErrHeight)
		s.Accepted("good")
	}},
	{ID: "H56", Name: "child of a header without work, which nobody remembers", Rule: "judge 4", Tell: badChild(core.ErrWork, core.ErrNoParent, workless)},
	{ID: "H57", Name: "child of malformed bits, which nobody remembers", Rule: "judge 4", Tell: badChild(core.ErrBits, core.ErrNoParent, bits(0))},
	{ID: "H58", Name: "child of a bad body", Rule: "judge 5", Tell: badChild(core.ErrCoinbaseValue, core.ErrBadParent, coinbase(func(tx *core.Transaction) { tx.Outputs[0].Value++ }))},
	{ID: "H59", Name: "child of a bad state", Rule: "judge 5", Tell: badChild(core.ErrStateRoot, core.ErrBadParent, header(func(h *core.Header) { h.State[0] ^= 1 }))},
	{ID: "H60", Name: "branch that turns out bad below its end", Rule: "judge 5, judge 9", Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> b3 -> b4
		//              \-> c2 -> c3 -> c4 -> c5 -> c6
		// c2 commits to another state, which is seen when the branch is the best.
		trunk(s, 4)
		s.Next("c2", "b1", header(func(h *core.Header) { h.State[0] ^= 1 }))
		s.Next("c3", "c2")
		c4 := above(s, "c4.", "c3", "b4")
		s.Next("c5", c4)
		s.Next("c6", "c5")
		s.Next("b5", "b4")
		s.SideChain("c2", "c3", c4)
		s.RejectedBy("c5", "c2", core.ErrStateRoot)
		s.ExpectTip("b4")
		s.Rejected("c2", core.ErrStateRoot)
		s.Rejected("c3", core.ErrBadParent)
		s.Rejected("c6", core.ErrBadParent)
		s.Accepted("b5")
	}},
}

// badChild tells
//
//	... -> b4 -> bad -> child -> grandchild
//	         \-> good -> next
//
// where bad breaks one rule, so that the child fails with the other code. The
// grandchild is behind nothing that anybody keeps.
func badChild(code, child core.Code, mutators ...coretest.Mutator) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		s.Next("bad", "b4", mutators...)
		fit := header(func(h *core.Header) { h.Bits = s.Get("b4").Block.Header.Bits })
		s.Next("child", "bad", fit, in(1))
		s.Next("grandchild", "child", fit, in(1))
		s.Next("good", "b4")
		s.Next("next", "good")
		s.Rejected("bad", code)
		if child == core.ErrNoParent {
			s.Deferred("child", child)
		} else {
			s.Rejected("child", child)
		}
		s.Deferred("grandchild", core.ErrNoParent)
		s.Accepted("good")
		s.Rejected("bad", code)
		s.Accepted("next")
	}
}
