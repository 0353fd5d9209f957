package chain_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// sets is how many sets of blocks TestAnySetInAnyOrderEndsAtOneTip draws.
var sets = flag.Uint64("sets", 12, "how many sets of blocks are delivered in random orders")

// wantReopened closes m and opens it again on the same tip.
func wantReopened(t *testing.T, m *chain.Manager, open func() (*chain.Manager, error)) *chain.Manager {
	t.Helper()
	tip := m.Tip()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if m.Tip() != tip {
		t.Fatalf("tip %s at height %d after reopening, was %s at %d", m.Tip().ID.Short(), m.Tip().Height, tip.ID.Short(), tip.Height)
	}
	return m
}

// permutations calls do with every order of 0 to n-1.
func permutations(n int, do func(order []int)) {
	order := make([]int, 0, n)
	var next func()
	next = func() {
		if len(order) == n {
			do(order)
			return
		}
		for i := range n {
			if !slices.Contains(order, i) {
				order = append(order, i)
				next()
				order = order[:len(order)-1]
			}
		}
	}
	next()
}

// Among four branches of equal work the lowest id of a last block wins, in each
// of the 24 orders of arrival, with and without a restart after every branch.
func TestTiesInEveryOrder(t *testing.T) {
	b := newBuilder(t)
	var rivals [][]*core.Block
	var ends []core.Hash
	for range 4 {
		r := b.branch(b.genesis(), 2)
		rivals, ends = append(rivals, r), append(ends, r[1].ID())
	}
	lowest := func(ids []core.Hash) core.Hash {
		return slices.MinFunc(ids, func(x, y core.Hash) int { return slices.Compare(x[:], y[:]) })
	}
	for _, restart := range []bool{false, true} {
		permutations(len(rivals), func(order []int) {
			fs := memFS()
			open := func() (*chain.Manager, error) { return openOn(t, fs, chain.Options{}) }
			m, err := open()
			if err != nil {
				t.Fatal(err)
			}
			var have []core.Hash
			for _, i := range order {
				mustAdd(t, m, rivals[i]...)
				have = append(have, ends[i])
				if restart {
					m = wantReopened(t, m, open)
				}
				if got, want := m.Tip().ID, lowest(have); got != want {
					t.Fatalf("order %v: tip %s, want %s", order, got.Short(), want.Short())
				}
			}
			b.wantState(m)
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// delivery is a block as somebody sends it.
type delivery struct {
	block *core.Block
	// good blocks are those of which nothing is wrong, nor with their ancestors.
	good bool
}

// badKinds make blocks that break a rule: in the header, by their bytes, in a
// signature, or when they are connected.
var badKinds = []func(b *builder, parent core.Hash) *core.Block{
	(*builder).badState,
	(*builder).badCoin,
	func(b *builder, parent core.Hash) *core.Block { // signature
		h := b.header(parent)
		tx := b.pay(core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{7}}, Value: 5000}, 7)
		tx.Witnesses[0].Signature[3] ^= 1
		return b.solve(h, []core.Transaction{b.coinbase(h.Height, 7), tx})
	},
	func(b *builder, parent core.Hash) *core.Block { // reward
		h := b.header(parent)
		return b.solve(h, []core.Transaction{b.coinbase(h.Height, 1)})
	},
	func(b *builder, parent core.Hash) *core.Block { // header
		h := b.header(parent)
		h.Time = b.states[parent].Time
		return b.solve(h, []core.Transaction{b.coinbase(h.Height, 0)})
	},
	func(b *builder, parent core.Hash) *core.Block { // immature: a coin of its own coinbase
		h := b.header(parent)
		cb := b.coinbase(h.Height, 0)
		own := core.Coin{Outpoint: core.Outpoint{TxID: cb.ID()}, Value: cb.Outputs[0].Value}
		return b.solve(h, []core.Transaction{cb, b.pay(own, 0)})
	},
}

// mixed makes a tree of good blocks with bad ones among them, blocks on those,
// and bodies under a header that is not theirs.
func (b *builder) mixed(rng *rand.Rand) []delivery {
	var set []delivery
	for _, blk := range b.forest(rng, 30) {
		set = append(set, delivery{blk, true})
		if rng.IntN(8) == 0 {
			other, err := core.NewBlock(blk.Header, []core.Transaction{b.coinbase(blk.Header.Height, 0)})
			if err != nil {
				b.t.Fatal(err)
			}
			set = append(set, delivery{other, false})
		}
		if rng.IntN(3) > 0 {
			continue
		}
		bad := badKinds[rng.IntN(len(badKinds))](b, blk.ID())
		set = append(set, delivery{bad, false})
		for range rng.IntN(5) {
			bad = b.on(bad)
			set = append(set, delivery{bad, false})
		}
	}
	return set
}

// deliver sends a set in random order and portions, with some headers before, and
// again as long as that changes anything, with restarts in between.
func deliver(t *testing.T, rng *rand.Rand, set []delivery) *chain.Manager {
	t.Helper()
	fs := memFS()
	opts := chain.Options{FlushBytes: 1 + rng.IntN(4000)}
	open := func() (*chain.Manager, error) { return openOn(t, fs, opts) }
	m, err := open()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range set { // parents first
		if rng.IntN(2) == 0 {
			if _, err := m.AddHeaders([]core.Header{d.block.Header}); err != nil && d.good && !core.IsDeferred(err) {
				t.Fatalf("header of a good block: %v", err)
			}
		}
	}
	for most, done := 5, false; !done; {
		total := 0
		order := slices.Clone(set)
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for len(order) > 0 {
			n := min(len(order), 1+rng.IntN(most))
			var blocks []*core.Block
			for _, d := range order[:n] {
				blocks = append(blocks, d.block)
			}
			order = order[n:]
			added, err := m.AddBlocks(context.Background(), blocks)
			total += added
			if err != nil && !core.IsPunishable(err) && !core.IsDeferred(err) {
				t.Fatalf("no verdict: %v", err)
			}
			if rng.IntN(40) == 0 {
				m = wantReopened(t, m, open)
			}
		}
		// A bad block hides those behind it in its portion: the last round is one
		// by one.
		done = total == 0 && most == 1
		if total == 0 {
			most = 1
		}
	}
	return m
}

// The tip is a function of the set of blocks: good and bad ones on many branches
// end at the best good one, whatever the order in which they come.
func TestAnySetInAnyOrderEndsAtOneTip(t *testing.T) {
	refused := 0
	for seed := range *sets {
		rng := rand.New(rand.NewPCG(seed, 9))
		b := newBuilder(t)
		set := b.mixed(rng)
		var good []*core.Block
		for _, d := range set {
			if d.good {
				good = append(good, d.block)
			}
		}
		for range 3 {
			m := deliver(t, rng, set)
			if got, want := m.Tip().ID, b.best(good); got != want {
				t.Fatalf("seed %d: tip %s at height %d, want %s", seed, got.Short(), m.Tip().Height, want.Short())
			}
			b.wantState(m)
			wantVerified(t, m)
			for _, d := range set {
				switch err := m.Verdict(d.block.ID()); {
				case err != nil && d.good:
					t.Fatalf("seed %d: verdict on a good block: %v", seed, err)
				case err != nil:
					refused++
				}
			}
			if best := m.BestHeader(); best != m.Tip() && errors.Is(m.Verdict(best.ID), core.ErrBadParent) {
				t.Fatalf("seed %d: the best header is on a bad branch", seed)
			}
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if refused == 0 {
		t.Error("no block was bad")
	}
}
