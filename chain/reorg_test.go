package chain_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// badState makes a block whose header commits to a state that is not its
// parent's: valid work, and false once it is connected.
func (b *builder) badState(parent core.Hash) *core.Block {
	h := b.header(parent)
	h.State[0] ^= 1
	return b.solve(h, []core.Transaction{b.coinbase(h.Height, 0)})
}

// badCoin makes a block that spends a coin that never was.
func (b *builder) badCoin(parent core.Hash) *core.Block {
	h := b.header(parent)
	tx := b.pay(core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{9}}, Value: 5000}, 7)
	return b.solve(h, []core.Transaction{b.coinbase(h.Height, 7), tx})
}

// on makes an empty block on one that the builder could not connect.
func (b *builder) on(parent *core.Block) *core.Block {
	st := core.HeaderState{
		Height: parent.Header.Height, ID: parent.ID(), Time: parent.Header.Time, Bits: parent.Header.Bits,
	}
	h := core.Header{
		Version: 1, Height: st.Height + 1, Parent: st.ID, State: core.Hash{1},
		Time: st.Time + 1000, Bits: st.Bits,
	}
	return b.solve(h, []core.Transaction{b.coinbase(h.Height, 0)})
}

// forest makes n blocks on random recent parents, with payments, each behind
// its parent.
func (b *builder) forest(rng *rand.Rand, n int) []*core.Block {
	ids := []core.Hash{b.genesis()}
	var blocks []*core.Block
	for range n {
		back := min(len(ids), 1+rng.IntN(1+rng.IntN(12)))
		blk := b.spending(ids[len(ids)-back], rng, 2)
		ids = append(ids, blk.ID())
		blocks = append(blocks, blk)
	}
	return blocks
}

func (b *builder) best(blocks []*core.Block) core.Hash {
	var ids []core.Hash
	for _, blk := range blocks {
		ids = append(ids, blk.ID())
	}
	return b.bestOf(ids...)
}

func headersOf(blocks []*core.Block) []core.Header {
	var hs []core.Header
	for _, blk := range blocks {
		hs = append(hs, blk.Header)
	}
	return hs
}

// The tip is a function of the set of blocks: whatever the order in which they
// come, in whatever portions, with the chain reopened between, and with a cache
// so small that reorganisations commit on the way.
func TestAnyOrderOfArrivalEndsAtTheSameTip(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		b := newBuilder(t)
		blocks := b.forest(rng, 60)
		fs := memFS()
		opts := chain.Options{FlushBytes: 1 + rng.IntN(5000)}
		m, err := openOn(t, fs, opts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.AddHeaders(headersOf(blocks)); err != nil {
			t.Fatal(err)
		}
		if got, want := m.BestHeader().ID, b.best(blocks); got != want {
			t.Fatalf("seed %d: best header %s, want %s", seed, got, want)
		}
		order := slices.Clone(blocks)
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for len(order) > 0 {
			n := min(len(order), 1+rng.IntN(6))
			mustAdd(t, m, order[:n]...)
			order = order[n:]
			if rng.IntN(8) == 0 {
				tip := m.Tip()
				if err := m.Close(); err != nil {
					t.Fatal(err)
				}
				if m, err = openOn(t, fs, opts); err != nil {
					t.Fatal(err)
				}
				if m.Tip() != tip {
					t.Fatalf("seed %d: tip %v after reopening, was %v", seed, m.Tip(), tip)
				}
			}
		}
		if got, want := m.Tip().ID, b.best(blocks); got != want {
			t.Errorf("seed %d: tip %s, want %s", seed, got, want)
		}
		if missing := m.Missing(100); len(missing) != 0 {
			t.Errorf("seed %d: %d bodies missing of a complete chain", seed, len(missing))
		}
		b.wantState(m)
		wantVerified(t, m)
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// At every step the tip is the best of what is complete, and its state that of
// a replay from genesis.
func TestEveryStepIsTheReplaysState(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 2))
		b := newBuilder(t)
		m := newManager(t, chain.Options{FlushBytes: 3000})
		var have []*core.Block
		for _, blk := range b.forest(rng, 50) {
			mustAdd(t, m, blk)
			have = append(have, blk)
			if got, want := m.Tip().ID, b.best(have); got != want {
				t.Fatalf("seed %d: tip %s, want %s", seed, got, want)
			}
			b.wantState(m)
		}
		wantVerified(t, m)
	}
}

func TestEqualWorkTakesTheLowerID(t *testing.T) {
	for i := range 8 {
		b := newBuilder(t)
		b.salt = uint64(i) << 32
		x, y := b.child(b.genesis()), b.child(b.genesis())
		want := b.bestOf(x.ID(), y.ID())
		for _, order := range [][]*core.Block{{x, y}, {y, x}} {
			fs := memFS()
			m, err := openOn(t, fs, chain.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, blk := range order {
				mustAdd(t, m, blk)
			}
			if m.Tip().ID != want {
				t.Error("tip depends on the order of arrival")
			}
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			if m, err = openOn(t, fs, chain.Options{}); err != nil {
				t.Fatal(err)
			}
			if m.Tip().ID != want {
				t.Error("tip depends on reopening")
			}
			m.Close()
		}
	}
}

// genesis - a1 - a2 - a3            the tip
//
//	\ b1 - b2 - X - c - d     X breaks a rule
//	     \ b3'- b4'           heavier than a3, lighter than d
func TestFailedReorganisation(t *testing.T) {
	bad := map[string]func(*builder, core.Hash) *core.Block{
		"state": (*builder).badState, "coin": (*builder).badCoin,
	}
	for what, make := range bad {
		t.Run(what, func(t *testing.T) {
			b := newBuilder(t)
			m := newManager(t, chain.Options{FlushBytes: 1})
			a := b.branch(b.genesis(), 3)
			side := b.branch(b.genesis(), 2)
			mustAdd(t, m, a...)
			mustAdd(t, m, side...)
			x := make(b, side[1].ID())
			c := b.on(x)
			d := b.on(c)
			before := m.TipState()
			_, err := m.AddBlocks(context.Background(), []*core.Block{x, c, d})
			if !core.IsForever(err) {
				t.Fatalf("error %v, want a verdict", err)
			}
			if *m.TipState() != *before {
				t.Fatal("the old tip is not as it was")
			}
			b.wantState(m)
			wantVerified(t, m)
			for _, blk := range []*core.Block{x, c, d} {
				if err := m.Verdict(blk.ID()); !core.IsForever(err) {
					t.Errorf("verdict on block at height %d: %v", blk.Header.Height, err)
				}
			}
			if !errors.Is(m.Verdict(d.ID()), core.ErrBadParent) || m.Verdict(side[1].ID()) != nil {
				t.Error("verdicts on a descendant and on an ancestor")
			}
			// A block on a bad one is refused at once, header or body.
			e := b.on(d)
			if _, err := m.AddHeaders([]core.Header{e.Header}); !errors.Is(err, core.ErrBadParent) {
				t.Errorf("header on a bad block: %v", err)
			}
			if _, err := m.AddBlocks(context.Background(), []*core.Block{e}); !errors.Is(err, core.ErrBadParent) {
				t.Errorf("block on a bad block: %v", err)
			}
			if m.BestHeader().ID != a[2].ID() {
				t.Error("best header is on a bad branch")
			}
			good := b.branch(side[1].ID(), 2)
			mustAdd(t, m, good...)
			if m.Tip().ID != good[1].ID() {
				t.Error("the good branch beside the bad one was not taken")
			}
		})
	}
}

// The branch with the bad block is the heaviest, and another one beside it is
// heavier than the tip: bodies come so that both become ready at once.
func TestNextBestBranchIsTried(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	a := b.branch(b.genesis(), 2)
	root := b.child(b.genesis())
	good := b.branch(root.ID(), 2)
	mid := b.child(root.ID())
	x := b.badState(mid.ID())
	y := b.on(x)
	mustAdd(t, m, a...)
	all := slices.Concat([]*core.Block{root}, good, []*core.Block{mid, x, y})
	if _, err := m.AddHeaders(headersOf(all)); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, m, all[1:]...)
	if m.Tip().ID != a[1].ID() {
		t.Fatal("moved without the body of the root")
	}
	mustAdd(t, m, root) // the sender of the root is not to blame for x
	if m.Tip().ID != good[1].ID() {
		t.Fatalf("tip at height %d, want the next best branch", m.Tip().Height)
	}
	b.wantState(m)
}

func TestBadBodyDoesNotCondemnTheID(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	blk := b.child(b.genesis())
	other, err := core.NewBlock(blk.Header, []core.Transaction{b.coinbase(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	var body *core.BodyError
	if _, err := m.AddBlocks(context.Background(), []*core.Block{other}); !errors.As(err, &body) {
		t.Fatalf("error %v, want a BodyError", err)
	}
	if err := m.Verdict(blk.ID()); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, m, blk)
}

func TestBadSignatureFindsTheCulprit(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	rng := rand.New(rand.NewPCG(5, 5))
	at := b.genesis()
	var blocks []*core.Block
	for range 12 {
		blk := b.spending(at, rng, 5)
		blocks, at = append(blocks, blk), blk.ID()
	}
	parent := blocks[8]
	coins := b.coins[parent.ID()]
	tx := b.pay(coins[sortedOutpoints(coins)[0]], 3)
	tx.Witnesses[0].Signature[7] ^= 1
	h := b.header(parent.ID())
	bad := b.solve(h, []core.Transaction{b.coinbase(h.Height, 3), tx})
	slice := append(slices.Clone(blocks[:9]), bad)
	n, err := m.AddBlocks(context.Background(), slice)
	if n != 9 || !errors.Is(err, core.ErrTxSignature) {
		t.Fatalf("added %d, %v; want 9 and the signature", n, err)
	}
	if !errors.Is(m.Verdict(bad.ID()), core.ErrTxSignature) {
		t.Error("the verdict was not remembered")
	}
	mustAdd(t, m, blocks...)
}

func TestFutureBlockIsDeferred(t *testing.T) {
	b := newBuilder(t)
	blk := b.child(b.genesis())
	now := clockOf()
	m := newManager(t, chain.Options{Now: clockOf})
	late := b.solve(func() core.Header {
		h := b.header(b.genesis())
		h.Time = uint64(now.UnixMilli()) + b.rules.Params().MaxFutureMillis() + 1
		return h
	}(), []core.Transaction{b.coinbase(1, 0)})
	if _, err := m.AddBlocks(context.Background(), []*core.Block{late}); !errors.Is(err, core.ErrFuture) || !core.IsDeferred(err) {
		t.Fatal(err)
	}
	if m.Verdict(late.ID()) != nil {
		t.Error("a deferred block was condemned")
	}
	mustAdd(t, m, blk)
}

// A reorganisation that is interrupted goes on with the next call, and readers
// see the old chain, all of it, in the meantime.
func TestInterruptedReorganisation(t *testing.T) {
	b := newBuilder(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	flushes := 0
	m := newManager(t, chain.Options{FlushBytes: 4 << 10, Trace: func(phase string, begin bool) {
		if phase == chain.PhaseFlushing && !begin {
			if flushes++; flushes == 10 {
				cancel()
			}
		}
	}})
	short, long := b.bare(b.genesis(), 100), b.bare(b.genesis(), 101)
	flushes = -1 << 30
	mustAdd(t, m, short...)
	flushes = 0
	if _, err := m.AddBlocks(ctx, long); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if m.Tip().ID != short[99].ID() {
		t.Fatal("readers see a tip that is not the old one")
	}
	for i, blk := range short {
		if _, id, err := m.HeaderByHeight(uint32(i + 1)); err != nil || id != blk.ID() {
			t.Fatalf("height %d in the midst of a reorganisation: %v", i+1, err)
		}
	}
	if got := m.HeadersAfter([]core.Hash{b.genesis()}, core.Hash{}, 200); !slices.Equal(got, headersOf(short)) {
		t.Fatal("headers in the midst of a reorganisation")
	}
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	if !m.OnBestChain(short[50].ID()) || m.OnBestChain(long[50].ID()) {
		t.Fatal("best chain in the midst of a reorganisation")
	}
	mustAdd(t, m, long...)
	if m.Tip().ID != long[100].ID() {
		t.Fatal("the reorganisation did not go on")
	}
	b.wantState(m)
	wantVerified(t, m)
}

func TestInvalidateAndReconsider(t *testing.T) {
	b := newBuilder(t)
	fs := memFS()
	m, err := openOn(t, fs, chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	long, short := b.branch(b.genesis(), 5), b.branch(b.genesis(), 3)
	mustAdd(t, m, long...)
	mustAdd(t, m, short...)
	if err := m.Invalidate(t.Context(), b.genesis()); !errors.Is(err, chain.ErrGenesis) {
		t.Error("genesis:", err)
	}
	if err := m.Invalidate(t.Context(), core.Hash{1}); !errors.Is(err, chain.ErrNotFound) {
		t.Error("unknown block:", err)
	}
	if err := m.Invalidate(t.Context(), long[1].ID()); err != nil {
		t.Fatal(err)
	}
	if m.Tip().ID != short[2].ID() || m.BestHeader().ID != short[2].ID() {
		t.Fatal("tip is not on the other branch")
	}
	b.wantState(m)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if m, err = openOn(t, fs, chain.Options{}); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Tip().ID != short[2].ID() || !errors.Is(m.Verdict(long[1].ID()), core.ErrInvalidated) {
		t.Fatal("the operator's word did not outlive a restart")
	}
	// Nothing else left: back to the last good block.
	if err := m.Invalidate(t.Context(), short[0].ID()); err != nil {
		t.Fatal(err)
	}
	if m.Tip().ID != long[0].ID() {
		t.Fatalf("tip at height %d, want 1", m.Tip().Height)
	}
	wantVerified(t, m)
	// By a descendant: the verdict on its ancestor goes as well.
	if err := m.Reconsider(t.Context(), long[4].ID()); err != nil {
		t.Fatal(err)
	}
	if m.Tip().ID != long[4].ID() || m.Verdict(long[2].ID()) != nil {
		t.Fatal("tip did not come back")
	}
	b.wantState(m)
	wantVerified(t, m)
}

// An invalidation that is interrupted holds over a restart, and the next change
// goes on to the best chain without the block.
func TestInterruptedInvalidation(t *testing.T) {
	b := newBuilder(t)
	fs := memFS()
	ctx, cancel := context.WithCancel(t.Context())
	flushes := -1 << 30
	m, err := openOn(t, fs, chain.Options{FlushBytes: 1, Trace: func(phase string, begin bool) {
		if phase == chain.PhaseFlushing && begin {
			if flushes++; flushes == 5 {
				cancel()
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	long, short := b.bare(b.genesis(), 30), b.bare(b.genesis(), 20)
	mustAdd(t, m, long...)
	mustAdd(t, m, short...)
	flushes = 0
	if err := m.Invalidate(ctx, long[0].ID()); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want it to be interrupted", err)
	}
	if m.Tip().ID != long[29].ID() {
		t.Error("readers see a tip on the way")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if m, err = openOn(t, fs, chain.Options{}); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Tip().ID != short[19].ID() {
		t.Errorf("tip at height %d, want the other branch's", m.Tip().Height)
	}
	wantVerified(t, m)
}

// The tip goes back by the operator's word while headers are far ahead, so that
// nothing is flushed; then the chain grows past a flush that falls between two
// moments at which readers are shown the tip.
func TestIndexAcrossAFlushBetweenPublications(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{FlushBytes: 20_000})
	old := b.bare(b.genesis(), 10)
	ahead := b.bare(old[3].ID(), 200)
	mustAdd(t, m, old...)
	if _, err := m.AddHeaders(headersOf(ahead)); err != nil {
		t.Fatal(err)
	}
	if err := m.Invalidate(t.Context(), old[4].ID()); err != nil {
		t.Fatal(err)
	}
	mustAdd(t, m, ahead[:50]...)
	for i, blk := range ahead[:50] {
		if _, id, err := m.HeaderByHeight(uint32(5 + i)); err != nil || id != blk.ID() {
			t.Fatalf("height %d: %s, %v", 5+i, id, err)
		}
	}
	if err := m.Flush(); err != nil {
		t.Fatal(err)
	}
	b.wantState(m)
	wantVerified(t, m)
}

// Memory does not grow with the chain. (The bound is made smaller, so that a short
// chain passes it.)
func TestMemoryIsBounded(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	const limit, n = 1024, 3 * 1024
	m.LimitTree(limit)
	blocks := b.bare(b.genesis(), n)
	mustAdd(t, m, blocks...)
	if over, records := m.Held(); over != 0 || records > limit || records < limit/2 {
		t.Errorf("%d heights and %d header records held", over, records)
	}
	if _, id, err := m.HeaderByHeight(n / 2); err != nil || id != blocks[n/2-1].ID() {
		t.Error("a header that is no longer in memory:", err)
	}
	if fork := m.Locator(); fork[len(fork)-1] != b.genesis() {
		t.Error("locator")
	}
}
