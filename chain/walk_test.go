package chain_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

const (
	walksAChain = 25 // reorganisations of one chain, one after another
	maxBack     = 12 // blocks that one takes back
)

var (
	walks     = flag.Int("walks", 1000, "how many reorganisations TestWalks makes")
	walksSeed = flag.Uint64("walks-seed", 1, "the first chain of TestWalks")
)

// watched is a store that tells a test of every commit.
type watched struct {
	chain.Store
	committed func()
}

// Commit implements [chain.Store].
func (w watched) Commit(c *chain.Commit) error {
	err := w.Store.Commit(c)
	if err == nil {
		w.committed()
	}
	return err
}

// walker is a chain that is led from branch to branch.
type walker struct {
	*builder
	rng   *rand.Rand
	fs    vfs.FS
	opts  chain.Options
	m     *chain.Manager
	store chain.Store
	// reverted and commits count what happened, so that a test of nothing shows.
	reverted, commits int
	// opened and closing, unless nil, are called after the chain was opened and
	// before it is closed.
	opened, closing func()
}

func newWalker(t *testing.T, seed uint64) *walker {
	p := core.Dev()
	p.HalvingInterval = 9
	rng := rand.New(rand.NewPCG(seed, 8))
	p.CoinbaseMaturity = 1 + rng.Uint32N(3)
	w := &walker{builder: newBuilderOf(t, p), rng: rng, fs: memFS()}
	// From a commit at every block to none but the last.
	w.opts.FlushBytes = []int{1, 1500, 6000, 1 << 20}[rng.IntN(4)]
	w.open()
	return w
}

func (w *walker) open() {
	w.t.Helper()
	var err error
	w.m, err = openWith(w.rules, w.fs, w.opts, func(s chain.Store) chain.Store {
		w.store = s
		return watched{s, w.checkStored}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.opened != nil {
		w.opened()
	}
}

func (w *walker) reopen() {
	w.t.Helper()
	tip := w.m.Tip()
	if w.closing != nil {
		w.closing()
	}
	if err := w.m.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
	if w.m.Tip() != tip {
		w.t.Fatalf("tip %s at height %d after reopening, was %s", w.m.Tip().ID.Short(), w.m.Tip().Height, tip.ID.Short())
	}
}

// checkStored compares what a commit left with a replay that never took a block
// back: state and every coin are those after the block that the store names, and
// the coins are worth what was minted up to there.
func (w *walker) checkStored() {
	w.t.Helper()
	w.commits++
	st, err := w.store.Flushed()
	if err != nil {
		w.t.Fatal(err)
	}
	if *st != *w.states[st.ID] {
		w.t.Fatalf("the state stored for height %d is not that of the replay", st.Height)
	}
	want := w.coins[st.ID]
	var n int
	var sum core.Amount
	err = w.store.EachCoin(func(c core.Coin, err error) error {
		if err == nil && want[c.Outpoint] != c {
			err = fmt.Errorf("coin %s:%d is not that of the replay", c.TxID.Short(), c.Index)
		}
		n++
		sum += c.Value
		return err
	})
	if err != nil || n != len(want) {
		w.t.Fatalf("height %d: %d coins stored, the replay has %d: %v", st.Height, n, len(want), err)
	}
	if sum != w.minted(st.Height) {
		w.t.Fatalf("height %d: coins of %d grains, %d were minted", st.Height, sum, w.minted(st.Height))
	}
}

// grow makes a child of parent. It takes payments of the branch that is to lose,
// as a pool would, and makes new ones.
func (w *walker) grow(parent core.Hash, lost []core.Transaction) *core.Block {
	coins, height := w.coins[parent], w.states[parent].Height+1
	taken := make(map[core.Outpoint]bool)
	var txs []core.Transaction
	for _, tx := range lost {
		op := tx.Inputs[0].Outpoint
		if c, ok := coins[op]; ok && !taken[op] && w.mature(c, height) && w.rng.IntN(2) == 0 {
			txs, taken[op] = append(txs, tx), true
		}
	}
	for range w.rng.IntN(3) {
		ops := sortedOutpoints(coins)
		if len(ops) == 0 {
			break
		}
		op := ops[w.rng.IntN(len(ops))]
		if c := coins[op]; !taken[op] && c.Value > 1000 && w.mature(c, height) {
			txs, taken[op] = append(txs, w.pay(c, core.Amount(w.rng.IntN(10)))), true
		}
	}
	w.twins = w.rng.IntN(2) == 0
	return w.child(parent, txs...)
}

// walk forks off some blocks back and goes on until that branch is best.
func (w *walker) walk() {
	tip := w.m.Tip()
	fork := tip.ID
	var lost []core.Transaction
	for range w.rng.IntN(maxBack + 1) {
		b := w.blocks[fork]
		if b.Header.Height == 0 {
			break
		}
		lost = append(lost, b.Txs[1:]...)
		fork = b.Header.Parent
		w.reverted++
	}
	var branch []*core.Block
	for at := fork; at == fork || !core.Heavier(w.states[at].Work, at, tip.Work, tip.ID); {
		branch = append(branch, w.grow(at, lost))
		at = branch[len(branch)-1].ID()
	}
	best := branch[len(branch)-1].ID()
	if w.rng.IntN(2) == 0 {
		w.bodiesInAnyOrder(branch)
	} else {
		mustAdd(w.t, w.m, branch...)
	}
	if w.rng.IntN(10) == 0 {
		w.reopen()
	}
	if got := w.m.Tip().ID; got != best {
		w.t.Fatalf("tip %s at height %d, want %s", got.Short(), w.m.Tip().Height, best.Short())
	}
}

// detour calls a recent block invalid, which may lead to a shorter branch, and
// takes that back.
func (w *walker) detour() {
	tip := w.m.Tip().ID
	bad := tip
	for range w.rng.IntN(maxBack) {
		if b := w.blocks[bad]; b.Header.Height > 1 {
			bad = b.Header.Parent
		}
	}
	if err := w.m.Invalidate(context.Background(), bad); err != nil {
		w.t.Fatal(err)
	}
	if w.m.OnBestChain(bad) {
		w.t.Fatal("the tip descends from an invalidated block")
	}
	if err := w.m.Flush(); err != nil {
		w.t.Fatal(err)
	}
	wantVerified(w.t, w.m)
	if err := w.m.Reconsider(context.Background(), bad); err != nil {
		w.t.Fatal(err)
	}
	if w.m.Tip().ID != tip {
		w.t.Fatalf("tip %s at height %d after a detour, was %s", w.m.Tip().ID.Short(), w.m.Tip().Height, tip.Short())
	}
}

// bodiesInAnyOrder adds headers, then bodies as they come.
func (w *walker) bodiesInAnyOrder(branch []*core.Block) {
	if _, err := w.m.AddHeaders(headersOf(branch)); err != nil {
		w.t.Fatal(err)
	}
	order := slices.Clone(branch)
	w.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for len(order) > 0 {
		n := min(len(order), 1+w.rng.IntN(4))
		mustAdd(w.t, w.m, order[:n]...)
		order = order[n:]
	}
}

// However often a chain is reorganised, state and coins are those of a linear
// replay of the branch it is on: at every commit in the midst of a reorganisation,
// at every tip, and over restarts. No grain is lost or made.
func TestWalks(t *testing.T) {
	reverted, commits := 0, 0
	for i := range (*walks + walksAChain - 1) / walksAChain {
		seed := *walksSeed + uint64(i)
		w := newWalker(t, seed)
		for range walksAChain {
			w.walk()
			if w.rng.IntN(30) == 0 {
				w.detour()
			}
		}
		w.wantState(w.m)
		if h, err := w.m.StateHashFull(context.Background()); err != nil || h.Commitment != w.states[w.m.Tip().ID].Commitment() {
			t.Fatalf("seed %d: state hash %s, %v", seed, h.Commitment, err)
		}
		if i%8 == 0 {
			wantVerified(t, w.m)
		}
		if err := w.m.Close(); err != nil {
			t.Fatal(err)
		}
		reverted += w.reverted
		commits += w.commits
	}
	t.Logf("%d blocks taken back, %d commits compared", reverted, commits)
	if reverted < *walks || commits < *walks {
		t.Errorf("%d walks took back %d blocks in %d commits", *walks, reverted, commits)
	}
}
