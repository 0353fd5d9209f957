package chain_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// badDepth is the length of the branches that turn out bad, in blocks.
const badDepth = 200

// fork is a tip, and a heavier branch from the same block on which one is bad:
//
//	base -> a1 -> ... -> a199
//	    \-> x1 -> ... -> x200
type fork struct {
	*builder
	base, tip, heavier []*core.Block
	bad                *core.Block
}

// spendingBranch makes n blocks with payments.
func (b *builder) spendingBranch(parent core.Hash, rng *rand.Rand, n int) []*core.Block {
	blocks := make([]*core.Block, n)
	for i := range blocks {
		blocks[i] = b.spending(parent, rng, 1)
		parent = blocks[i].ID()
	}
	return blocks
}

// newFork makes a fork whose heavier branch is bad at position at, from 1.
func newFork(t *testing.T, at int) *fork {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(at), 11))
	f := &fork{builder: newBuilder(t)}
	f.base = f.spendingBranch(f.genesis(), rng, 8)
	root := f.base[7].ID()
	f.tip = f.spendingBranch(root, rng, badDepth-1)
	parent := root
	for i := 1; i < at; i++ {
		x := f.spending(parent, rng, 1)
		f.heavier, parent = append(f.heavier, x), x.ID()
	}
	if at == badDepth {
		// As heavy as the tip up to here: only a higher id makes it lose.
		for f.bestOf(parent, f.tip[badDepth-2].ID()) == parent {
			parent = f.child(f.heavier[at-3].ID()).ID()
			f.heavier[at-2] = f.blocks[parent]
		}
	}
	f.bad = f.badCoin(parent)
	f.heavier = append(f.heavier, f.bad)
	for len(f.heavier) < badDepth {
		f.heavier = append(f.heavier, f.on(f.heavier[len(f.heavier)-1]))
	}
	return f
}

// open opens a manager and follows its feed.
func (f *fork) open(fs vfs.FS, opts chain.Options) (m *chain.Manager, wake <-chan struct{}) {
	f.t.Helper()
	m, err := openOn(f.t, fs, opts)
	if err != nil {
		f.t.Fatal(err)
	}
	wake, _ = m.Subscribe()
	return m, wake
}

// wantAsBefore checks that nobody can tell that the heavier branch was tried.
func (f *fork) wantAsBefore(m *chain.Manager, wake <-chan struct{}, position string) {
	f.t.Helper()
	tip := f.tip[len(f.tip)-1].ID()
	if m.Tip().ID != tip || m.BestHeader().ID != tip {
		f.t.Fatalf("%s: tip %s at height %d, best header %s, want %s", position, m.Tip().ID.Short(), m.Tip().Height, m.BestHeader().ID.Short(), tip.Short())
	}
	f.wantState(m)
	wantVerified(f.t, m)
	u, err := m.UpdatesSince(tip, chain.MaxUpdates)
	if err != nil || len(u.Reverted)+len(u.Applied) > 0 || u.Cursor != tip || u.More {
		f.t.Fatalf("%s: a reader at the tip is told of %d reverted and %d applied blocks, %v", position, len(u.Reverted), len(u.Applied), err)
	}
	select {
	case <-wake:
		f.t.Fatalf("%s: readers were woken", position)
	default:
	}
	if err := m.Verdict(f.bad.ID()); !errors.Is(err, core.ErrMissingCoin) {
		f.t.Fatalf("%s: verdict on the bad block: %v", position, err)
	}
	if last := f.heavier[badDepth-1]; last != f.bad && !errors.Is(m.Verdict(last.ID()), core.ErrBadParent) {
		f.t.Fatalf("%s: verdict on the last block: %v", position, m.Verdict(last.ID()))
	}
}

// A heavier branch that turns out bad at its first, a middle or its last block
// leaves everything as it was.
func TestBadAtDepth(t *testing.T) {
	for _, at := range []int{1, badDepth / 2, badDepth} {
		f := newFork(t, at)
		m, wake := f.open(memFS(), chain.Options{FlushBytes: 20_000})
		mustAdd(t, m, slices.Concat(f.base, f.tip)...)
		<-wake
		if _, err := m.AddHeaders(headersOf(f.heavier)); err != nil {
			t.Fatal(err)
		}
		if _, err := m.AddBlocks(context.Background(), f.heavier); !core.IsForever(err) {
			t.Fatalf("bad at %d: %v", at, err)
		}
		f.wantAsBefore(m, wake, fmt.Sprintf("bad at %d", at))
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The same, when the process ends on the way, taking blocks back or connecting
// others, and the next one finds the bad block: after a clean stop, and after a
// power cut at a commit.
func TestBadAtDepthAcrossARestart(t *testing.T) {
	f := newFork(t, badDepth)
	// A commit a block: 199 back, then 199 forward.
	for _, stop := range []int{1, badDepth / 2, badDepth + 100, 2*badDepth - 3} {
		fs := vfs.NewCrashableMem()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		commits := -1 << 30
		var cut *vfs.MemFS
		m, _ := f.open(fs, chain.Options{FlushBytes: 1, Trace: func(phase string, begin bool) {
			if phase != chain.PhaseFlushing || begin {
				return
			}
			if commits++; commits == stop {
				cut = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
				cancel()
			}
		}})
		mustAdd(t, m, slices.Concat(f.base, f.tip)...)
		commits = 0
		if _, err := m.AddBlocks(ctx, f.heavier); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped after %d commits: %v", stop, err)
		}
		if m.Tip().ID != f.tip[badDepth-2].ID() {
			t.Fatalf("stopped after %d commits: readers see height %d", stop, m.Tip().Height)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		for name, disk := range map[string]vfs.FS{"stop": fs, "power cut": cut} {
			m, wake := f.open(disk, chain.Options{})
			if name == "power cut" {
				// It may have taken the newest blocks too: they come again.
				if _, err := m.AddBlocks(context.Background(), f.heavier); !core.IsForever(err) {
					t.Fatalf("%s after %d commits: %v", name, stop, err)
				}
			}
			f.wantAsBefore(m, wake, fmt.Sprintf("%s after %d commits", name, stop))
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// forgetful is a store that has lost its undo records.
type forgetful struct {
	chain.Store
	lost *bool
}

// Undo implements [chain.Reader].
func (s forgetful) Undo(height uint32, id core.Hash) ([]byte, error) {
	if *s.lost {
		return nil, chain.ErrNotFound
	}
	return s.Store.Undo(height, id)
}

// Without an undo record there is no way back: the chain says so, stays where it
// is, and goes on when the record is there.
func TestMissingUndoStopsCleanly(t *testing.T) {
	b := newBuilder(t)
	lost := true
	m, err := openWith(b.rules, memFS(), chain.Options{}, func(s chain.Store) chain.Store { return forgetful{s, &lost} })
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	a, x := b.branch(b.genesis(), 3), b.branch(b.genesis(), 4)
	mustAdd(t, m, a...)
	if _, err := m.AddBlocks(context.Background(), x); !errors.Is(err, chain.ErrCorrupt) {
		t.Fatalf("error %v, want ErrCorrupt", err)
	}
	if m.Tip().ID != a[2].ID() || m.Verdict(x[3].ID()) != nil {
		t.Errorf("tip at height %d, verdict %v", m.Tip().Height, m.Verdict(x[3].ID()))
	}
	b.wantState(m)
	lost = false
	mustAdd(t, m, b.child(x[3].ID()))
	if m.Tip().Height != 5 {
		t.Errorf("tip at height %d, want 5", m.Tip().Height)
	}
	b.wantState(m)
}

// maxReorg is the longest that a reorganisation of 1,100 blocks with payments may
// take on a slow machine.
const maxReorg = 30 * time.Second

// A reorganisation of 1,100 blocks, each with a payment, that commits on the way.
func TestLongReorganisation(t *testing.T) {
	const n = 1100
	b := newBuilder(t)
	reorgs := 0
	m := newManager(t, chain.Options{FlushBytes: 64 << 10, Trace: func(phase string, begin bool) {
		if phase == chain.PhaseReorganising && begin {
			reorgs++
		}
	}})
	grow := func(n int) (blocks []*core.Block) {
		at := b.genesis()
		for range n {
			var txs []core.Transaction
			if blk := b.blocks[at]; blk.Header.Height > 0 {
				op := core.Outpoint{TxID: blk.TxID(0)}
				txs = append(txs, b.pay(b.coins[at][op], 1))
			}
			blk := b.child(at, txs...)
			if at != b.genesis() {
				delete(b.coins, at) // a map a block would be a million entries
			}
			blocks, at = append(blocks, blk), blk.ID()
		}
		return blocks
	}
	short, long := grow(n), grow(n+1)
	mustAdd(t, m, short...)
	mustAdd(t, m, long[:n/2]...)
	begin := time.Now()
	mustAdd(t, m, long[n/2:]...)
	took := time.Since(begin)
	if m.Tip().ID != long[n].ID() || reorgs == 0 {
		t.Fatalf("tip at height %d after %d reorganisations", m.Tip().Height, reorgs)
	}
	for _, blk := range []*core.Block{long[0], long[700], long[n]} {
		if _, id, err := m.HeaderByHeight(blk.Header.Height); err != nil || id != blk.ID() {
			t.Errorf("height %d: %s, %v", blk.Header.Height, id, err)
		}
	}
	b.wantState(m)
	wantVerified(t, m)
	t.Logf("%d blocks back and %d forward, half of these stored before: %v", n, n+1, took)
	if took > maxReorg {
		t.Errorf("a reorganisation of %d blocks took %v, at most %v", n, took, maxReorg)
	}
}

// hiding is a store that has lost a coin.
type hiding struct {
	chain.Store
	lost *core.Outpoint
}

// Coins implements [chain.Reader].
func (s hiding) Coins(ops []core.Outpoint, found core.UTXOs) error {
	err := s.Store.Coins(ops, found)
	delete(found, *s.lost)
	return err
}

// EachCoin implements [chain.Reader].
func (s hiding) EachCoin(fn func(core.Coin, error) error) error {
	return s.Store.EachCoin(func(c core.Coin, err error) error {
		if c.Outpoint == *s.lost {
			return nil
		}
		return fn(c, err)
	})
}

// A good block whose coin our store has lost is not called bad: the chain finds
// its own coins wrong and changes no more. If there is no time to look, there is
// no verdict either.
func TestALostCoinIsOurFault(t *testing.T) {
	b := newBuilder(t)
	first := b.child(b.genesis())
	coin := b.coins[first.ID()][core.Outpoint{TxID: first.TxID(0)}]
	spend := b.child(first.ID(), b.pay(coin, 1))
	for _, hurry := range []bool{false, true} {
		lost := coin.Outpoint
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		m, err := openWith(b.rules, memFS(), chain.Options{}, func(s chain.Store) chain.Store {
			return hastening{hiding{s, &lost}, func() {
				if hurry {
					cancel()
				}
			}}
		})
		if err != nil {
			t.Fatal(err)
		}
		mustAdd(t, m, first)
		want := chain.ErrCorrupt
		if hurry {
			want = context.Canceled
		}
		if _, err := m.AddBlocks(ctx, []*core.Block{spend}); !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
		if err := m.Verdict(spend.ID()); err != nil || m.Tip().ID != first.ID() {
			t.Errorf("verdict %v, tip at height %d", err, m.Tip().Height)
		}
		if err := m.Close(); err != nil && !errors.Is(err, chain.ErrCorrupt) {
			t.Error(err)
		}
	}
}

// hastening is a store that calls before it lists its coins.
type hastening struct {
	chain.Store
	before func()
}

// EachCoin implements [chain.Reader].
func (s hastening) EachCoin(fn func(core.Coin, error) error) error {
	s.before()
	return s.Store.EachCoin(fn)
}
