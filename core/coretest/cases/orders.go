package cases

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// orders are about branches: which one is best, in whatever order the blocks
// come, and what becomes of what lies on a bad one. Where ids decide, they are
// called high or low.
var orders = slices.Concat(reorganisations, crossings, badBranches)

var reorganisations = []Case{
	{
		ID: "O01", Name: "reorganisations of 1, 2 and 100 blocks", Rule: "best",
		Tell: func(s *coretest.Story) {
			// base -> x1 -> ... -> xn
			//     \-> y1 -> ... -> yn -> y(n+1)      for n = 1, 2, 100, one on the other
			base := coretest.Genesis
			for _, n := range []int{1, 2, 100} {
				x := branch(s, fmt.Sprintf("x%d.", n), base, n)
				y := branch(s, fmt.Sprintf("y%d.", n), base, n-1)
				last := above(s, fmt.Sprintf("y%d.high", n), lastOf(base, y), lastOf(base, x))
				s.Accepted(x...)
				s.SideChain(y...)
				s.SideChain(last)
				base = s.Next(fmt.Sprintf("y%d.win", n), last).Name
				s.Accepted(base)
			}
		},
	},
	{
		ID: "O06", Name: "100 blocks in random order", Rule: "judge 4",
		Tell: func(s *coretest.Story) {
			rng := rand.New(rand.NewPCG(6, 100))
			shuffled(s, rng, forest(s, rng, 100, 24))
		},
	},
	{
		ID: "O07", Name: "across halvings and the retarget's ramp", Rule: "work 6", Params: ramping,
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> b2 -> a3 -> ... -> a20        in time
			//                    \-> q3 -> ... -> q17'       twice as fast, so harder
			// The reward halves behind heights 4, 8, 12, ...; the window grows at 6, 12, 18.
			trunk(s, 2)
			a := branch(s, "a", "b2", 18)
			q := branch(s, "q", "b2", 15, quicker(2))
			s.Accepted(a...)
			for _, name := range q {
				offer(s, name)
			}
			s.ExpectTip(lastOf("", q))
			s.Next("greedy", lastOf("", q), coinbase(func(tx *core.Transaction) { tx.Outputs[0].Value *= 2 }))
			s.Rejected("greedy", core.ErrCoinbaseValue)
			// Back, by as much more time as it takes.
			for i, at := 0, lastOf("", a); s.Best().Name != at; i++ {
				at = s.Next(numbered("back", i+1), at, quicker(4)).Name
				offer(s, at)
			}
		},
	},
	{
		ID: "O10", Name: "20 forks of 5 blocks", Rule: "best",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> ... -> b6, and from genesis to b4 four times five more
			trunk(s, 6)
			var forks [][]string
			for i := range 20 {
				parent := coretest.Genesis
				if i%5 > 0 {
					parent = numbered("b", i%5)
				}
				forks = append(forks, branch(s, fmt.Sprintf("f%d.", i), parent, 5))
			}
			for depth := range 5 {
				for _, f := range forks {
					offer(s, f[depth])
				}
			}
		},
	},
	{
		ID: "O12", Name: "no grain is lost or made by a reorganisation with fees", Rule: "state 7", Params: small,
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> ... -> b4 -> p5 -> p6         both pay fees
			//                           \-> q5 -> q6 -> q7   q6 pays another fee with the same coin
			trunk(s, 4)
			s.Next("p5", "b4", payment(nil))
			s.Next("p6", "p5", paymentFrom("b2", nil))
			s.Next("q5", "b4")
			q6 := above(s, "q6.", "q5", "p6", payment(func(tx *core.Transaction) { tx.Outputs[0].Value -= ing; tx.Fee += ing }))
			s.Next("q7", q6)
			s.Accepted("p5", "p6")
			s.SideChain("q5", q6)
			s.Accepted("q7")
		},
	},
	{
		ID: "O13", Name: "longer but of less work", Rule: "best", Params: ramping,
		Tell: func(s *coretest.Story) {
			// genesis -> s1 -> ... -> s10      slow
			//        \-> f1 -> ... -> f6       fast: fewer, and more work
			slow := branch(s, "s", coretest.Genesis, 10, quicker(0))
			fast := branch(s, "f", coretest.Genesis, 6, quicker(1000))
			s.Accepted(fast...)
			s.SideChain(slow...)
			s.ExpectTip("f6")
		},
	},
	{
		ID: "O14", Name: "shorter but of more work", Rule: "best", Params: ramping,
		Tell: func(s *coretest.Story) {
			slow := branch(s, "s", coretest.Genesis, 10, quicker(0))
			fast := branch(s, "f", coretest.Genesis, 6, quicker(1000))
			s.Accepted(slow...)
			for _, name := range fast {
				offer(s, name)
			}
			s.ExpectTip("f6")
		},
	},
	{
		ID: "O15", Name: "equal work, the higher id second", Rule: "best",
		Tell: func(s *coretest.Story) {
			s.Next("a1", coretest.Genesis)
			high := above(s, "high", coretest.Genesis, "a1")
			s.Accepted("a1")
			s.SideChain(high)
			s.ExpectTip("a1")
		},
	},
	{
		ID: "O16", Name: "equal work, the lower id second", Rule: "best",
		Tell: func(s *coretest.Story) {
			s.Next("a1", coretest.Genesis)
			low := below(s, "low", coretest.Genesis, "a1")
			s.Accepted("a1")
			s.Accepted(low)
			s.SideChain("a1")
		},
	},
	{
		ID: "O17", Name: "a tie of three, the lowest last", Rule: "best",
		Tell: func(s *coretest.Story) {
			low, mid, high := three(s)
			s.Accepted(high, mid, low)
			s.SideChain(mid, high)
		},
	},
	{
		ID: "O18", Name: "a tie of three, the lowest first", Rule: "best",
		Tell: func(s *coretest.Story) {
			low, mid, high := three(s)
			s.Accepted(low)
			s.SideChain(mid, high)
			s.ExpectTip(low)
		},
	},
	{
		ID: "O19", Name: "a tie of three, the lowest in between", Rule: "best",
		Tell: func(s *coretest.Story) {
			low, mid, high := three(s)
			s.Accepted(mid)
			s.SideChain(high)
			s.Accepted(low)
		},
	},
	{
		ID: "O20", Name: "the last block's id decides a tie, not the first's", Rule: "best",
		Tell: func(s *coretest.Story) {
			// genesis -> a1 (low)  -> a2 -> a3 (high)
			//        \-> b1 (high) -> b2 -> b3 (low)
			s.Next("a1", coretest.Genesis)
			b1 := above(s, "b1.", coretest.Genesis, "a1")
			s.Next("a2", "a1")
			s.Next("a3", "a2")
			s.Next("b2", b1)
			b3 := below(s, "b3.", "b2", "a3")
			s.Accepted("a1", "a2", "a3")
			s.SideChain(b1, "b2")
			s.Accepted(b3)
		},
	},
	{
		ID: "O21", Name: "a tie broken by the next block of the loser", Rule: "best",
		Tell: func(s *coretest.Story) {
			s.Next("a1", coretest.Genesis)
			high := above(s, "high", coretest.Genesis, "a1")
			s.Next("next", high)
			s.Accepted("a1")
			s.SideChain(high)
			s.Accepted("next")
		},
	},
	{
		ID: "O22", Name: "back and forth three times", Rule: "best",
		Tell: func(s *coretest.Story) {
			// Each branch in turn grows until it is one block longer than the other. It
			// spends a coin of its own, and one of the trunk that the other spends too.
			trunk(s, 3)
			ends := [2]string{"b3", "b3"}
			for i := range 6 {
				n := 2
				if i == 1 {
					n = 3
				}
				at := &ends[i%2]
				names := branch(s, fmt.Sprintf("r%d.", i), *at, n-1)
				own := lastOf("", names)
				*at = s.Next(fmt.Sprintf("r%d.%d", i, n), own, paymentFrom(numbered("b", i/2+1), nil), paymentFrom(own, nil)).Name
				for _, name := range append(names, *at) {
					offer(s, name)
				}
				s.ExpectTip(*at)
			}
		},
	},
	{
		ID: "O23", Name: "children first, then their parents", Rule: "judge 4",
		Tell: func(s *coretest.Story) {
			names := branch(s, "a", coretest.Genesis, 6)
			for i := len(names) - 1; i > 0; i-- {
				s.Deferred(names[i], core.ErrNoParent)
			}
			s.Accepted(names...)
		},
	},
	{
		ID: "O24", Name: "everything again", Rule: "judge 2",
		Tell: func(s *coretest.Story) {
			// genesis -> b1 -> b2 -> b3 -> b4
			//              \-> c1 -> c2
			//              \-> bad -> after
			trunk(s, 4)
			c := branch(s, "c", "b1", 2)
			s.Next("bad", "b1", header(func(h *core.Header) { h.Time = 0 }))
			s.Next("after", "bad")
			s.SideChain(c...)
			for range 2 {
				s.Rejected("bad", core.ErrTime)
				s.Rejected("after", core.ErrBadParent)
				s.SideChain("b3", "c2", "c1", "b1", "b2")
				s.Accepted("b4")
			}
		},
	},
}
