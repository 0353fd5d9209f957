package cases

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// ramping is a network whose difficulty follows the clock: the averaging window
// grows at heights 6, 12 and 18, and the reward halves behind heights 4, 8, ….
var ramping = network(func(p *core.Params) {
	p.GenesisBits = 0x203fffff
	p.Retarget.Fixed = false
	p.Retarget.IntervalMillis = 1000
	p.Retarget.RampStart = 2
	p.Retarget.Window = 10
	p.HalvingInterval = smallHalving
})

// badState commits to a state that is not its parent's.
var badState = header(func(h *core.Header) { h.State[0] ^= 1 })

// badCoin spends a coin that never was.
var badCoin = payment(func(tx *core.Transaction) { tx.Inputs[0].Index = 7 })

// branch makes n blocks, each behind the one before, and returns their names.
func branch(s *coretest.Story, prefix, parent string, n int, mutators ...coretest.Mutator) []string {
	names := make([]string, n)
	for i := range names {
		parent = s.Next(fmt.Sprintf("%s%d", prefix, i+1), parent, mutators...).Name
		names[i] = parent
	}
	return names
}

// lastOf returns the last of names, or none if there are none.
func lastOf(none string, names []string) string {
	if len(names) == 0 {
		return none
	}
	return names[len(names)-1]
}

// above and below make a block whose id is higher or lower than the rival's, and
// return its name: prefix and the number of the try.
func above(s *coretest.Story, prefix, parent, rival string, mutators ...coretest.Mutator) string {
	return beside(s, prefix, parent, rival, 1, mutators...)
}

func below(s *coretest.Story, prefix, parent, rival string, mutators ...coretest.Mutator) string {
	return beside(s, prefix, parent, rival, -1, mutators...)
}

func beside(s *coretest.Story, prefix, parent, rival string, sign int, mutators ...coretest.Mutator) string {
	want := s.Get(rival).Block.ID()
	for i := 1; i <= 256; i++ {
		n := s.Next(fmt.Sprintf("%s%d", prefix, i), parent, mutators...)
		if id := n.Block.ID(); bytes.Compare(id[:], want[:]) == sign {
			return n.Name
		}
	}
	panic("cases: " + prefix + " has the same id at every try, or it is no coin that is tossed")
}

// three makes rivals at height 1.
func three(s *coretest.Story) (low, mid, high string) {
	mid = s.Next("mid", coretest.Genesis).Name
	return below(s, "low", coretest.Genesis, mid), mid, above(s, "high", coretest.Genesis, mid)
}

// offer delivers a good block behind known ones with the claim that it becomes
// the tip if that is what its work and id say.
func offer(s *coretest.Story, name string) {
	n, tip := s.Get(name), s.Best()
	id, best := n.Block.ID(), tip.Block.ID()
	if c := n.State.Work.Cmp(tip.State.Work); c > 0 || c == 0 && bytes.Compare(id[:], best[:]) <= 0 {
		s.Accepted(name)
	} else {
		s.SideChain(name)
	}
}

// forest makes n blocks with payments, each on a random one of the newest recent,
// and returns their names, parents first.
func forest(s *coretest.Story, rng *rand.Rand, n, recent int) []string {
	names := []string{coretest.Genesis}
	for i := range n {
		parent := names[len(names)-1-rng.IntN(min(len(names), recent))]
		var muts []coretest.Mutator
		if parent != coretest.Genesis && rng.IntN(3) == 0 {
			muts = append(muts, paymentFrom(parent, nil)) // the newest coinbase is there and unspent
		}
		names = append(names, s.Next(numbered("f", i+1), parent, muts...).Name)
	}
	return names[1:]
}

// shuffled delivers good blocks in random order, again and again as long as some
// of them came before their parents.
func shuffled(s *coretest.Story, rng *rand.Rand, names []string) {
	have := map[string]bool{coretest.Genesis: true}
	for len(have) <= len(names) {
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names {
			switch {
			case have[name]:
			case have[s.Get(name).Parent.Name]:
				offer(s, name)
				have[name] = true
			default:
				s.Deferred(name, core.ErrNoParent)
			}
		}
	}
}

// quicker makes a block follow its parent after the network's interval divided
// by n; n = 0 means the longest time that the difficulty rule counts.
func quicker(n uint64) coretest.Mutator {
	return func(d *coretest.Draft) {
		r := d.Chain.Rules.Params().Retarget
		wait := r.IntervalMillis * uint64(r.Window)
		if n > 0 {
			wait = r.IntervalMillis / n
		}
		d.Header.Time = d.Parent.Block.Header.Time + max(wait, 1)
	}
}
