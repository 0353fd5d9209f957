package chain_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
)

// crashSeeds is how many random histories the crash test runs; the environment
// variable CHAIN_CRASH_SEEDS raises it.
func crashSeeds(t *testing.T) uint64 {
	s := os.Getenv("CHAIN_CRASH_SEEDS")
	if s == "" {
		return 3
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		t.Fatalf("CHAIN_CRASH_SEEDS: %v", err)
	}
	return n
}

// The power fails before and after every commit, with none, some or all of the
// unsynced bytes on disk: each time the store opens on a state that is exactly
// that of a block, passes the whole check, and catches up to the same tip.
func TestCrashAtEveryCommit(t *testing.T) {
	for seed := range crashSeeds(t) {
		rng := rand.New(rand.NewPCG(seed, 4))
		b := newBuilder(t)
		blocks := b.forest(rng, 40)
		fs := vfs.NewCrashableMem()
		var clones []*vfs.MemFS
		opts := chain.Options{FlushBytes: 1 + rng.IntN(4000), Trace: func(phase string, begin bool) {
			if rng.IntN(3) == 0 {
				percent := []int{0, 30, 70, 100}[rng.IntN(4)]
				clones = append(clones, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng}))
			}
		}}
		m, err := openOn(t, fs, opts)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(blocks); {
			n := min(len(blocks)-i, 1+rng.IntN(4))
			mustAdd(t, m, blocks[i:i+n]...)
			i += n
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if len(clones) < 5 {
			t.Fatalf("seed %d: only %d crashes", seed, len(clones))
		}
		for i, clone := range clones {
			m, err := openOn(t, clone, chain.Options{FlushBytes: 2000})
			if err != nil {
				t.Fatalf("seed %d, crash %d: %v", seed, i, err)
			}
			b.wantState(m)
			wantVerified(t, m)
			mustAdd(t, m, blocks...)
			if got, want := m.Tip().ID, b.best(blocks); got != want {
				t.Fatalf("seed %d, crash %d: tip %s, want %s", seed, i, got, want)
			}
			wantVerified(t, m)
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What was synced is there after a power cut that takes all unsynced bytes.
func TestSyncedBlocksOutliveAPowerCut(t *testing.T) {
	b := newBuilder(t)
	blocks := b.branch(b.genesis(), 20)
	fs := vfs.NewCrashableMem()
	m, err := openOn(t, fs, chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, m, blocks...)
	if err := m.Sync(); err != nil {
		t.Fatal(err)
	}
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if m, err = openOn(t, clone, chain.Options{}); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Tip().ID != blocks[19].ID() {
		t.Errorf("tip at height %d, want 20", m.Tip().Height)
	}
}

// A store that was just made has its genesis after a power cut.
func TestANewStoreOutlivesAPowerCut(t *testing.T) {
	fs := vfs.NewCrashableMem()
	m, err := openOn(t, fs, chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	rules := newBuilder(t).rules
	store, err := pebbledb.OpenReadOnly("d", rules.GenesisID(), pebbledb.Options{FS: clone})
	if err != nil {
		t.Fatal(err)
	}
	if m, err = chain.Open(store, rules, chain.Options{}); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Tip().ID != rules.GenesisID() {
		t.Errorf("tip %s", m.Tip().ID)
	}
}

// A crash in the midst of rebuilding starts it again.
func TestCrashWhileReindexing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	b := newBuilder(t)
	blocks := b.forest(rng, 40)
	fs := vfs.NewCrashableMem()
	m, err := openOn(t, fs, chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, m, blocks...)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	var clones []*vfs.MemFS
	m, err = openOn(t, fs, chain.Options{Reindex: true, FlushBytes: 1000, Trace: func(_ string, begin bool) {
		clones = append(clones, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}))
	}})
	if err != nil {
		t.Fatal(err)
	}
	if m.Tip().ID != b.best(blocks) {
		t.Error("tip after rebuilding")
	}
	b.wantState(m)
	wantVerified(t, m)
	m.Close()
	for i, clone := range clones {
		m, err := openOn(t, clone, chain.Options{})
		if err != nil {
			t.Fatalf("crash %d: %v", i, err)
		}
		if m.Tip().ID != b.best(blocks) {
			t.Errorf("crash %d: tip", i)
		}
		wantVerified(t, m)
		m.Close()
	}
}

// Readers and writers at the same time, in a bubble of virtual time, as the
// network simulation runs many of them.
func TestConcurrentUse(t *testing.T) {
	b := newBuilder(t)
	blocks := b.forest(rand.New(rand.NewPCG(9, 9)), 60)
	want := b.best(blocks)
	synctest.Test(t, func(t *testing.T) {
		m, err := openOn(t, memFS(), chain.Options{FlushBytes: 3000})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.AddHeaders(headersOf(blocks)); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for w := range 3 {
			wg.Go(func() {
				for i := range blocks {
					mustAdd(t, m, blocks[(i*7+w*13)%len(blocks)])
				}
			})
		}
		wg.Go(func() {
			for range 200 {
				m.Locator()
				m.Missing(10)
				tip := m.Tip()
				if _, err := m.UpdatesSince(core.Hash{}, 100); err != nil {
					t.Error(err)
				}
				if _, _, err := m.HeaderByHeight(tip.Height / 2); err != nil {
					t.Error(err)
				}
				if _, err := m.Forks(); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 5 {
				if _, err := m.StateHashFull(t.Context()); err != nil {
					t.Error(err)
				}
				wantVerifiedNow(t, m)
			}
		})
		wg.Wait()
		if m.Tip().ID != want {
			t.Error("tip")
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
}

// wantVerifiedNow runs a whole check while the tip moves on.
func wantVerifiedNow(t *testing.T, m *chain.Manager) {
	r, err := m.Verify(t.Context(), nil)
	if err != nil || len(r.Problems) > 0 {
		t.Errorf("verify: %v, %+v", err, r)
	}
}

// What an operator has decided of a block outlives a power cut.
func TestOperatorsVerdictsOutliveAPowerCut(t *testing.T) {
	b := newBuilder(t)
	disk := vfs.NewCrashableMem()
	m := mustOpen(t, disk, chain.Options{})
	branch := b.branch(b.genesis(), 2)
	mustAdd(t, m, branch...)
	if err := m.Sync(); err != nil {
		t.Fatal(err)
	}
	bad := branch[1].ID()
	cut := func() *chain.Manager {
		t.Helper()
		image := disk.CrashClone(vfs.CrashCloneCfg{})
		mustClose(t, m)
		disk = image
		return mustOpen(t, disk, chain.Options{})
	}
	if err := m.Invalidate(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	if m = cut(); m.OnBestChain(bad) {
		t.Error("the block is on the best chain again")
	}
	if err := m.Reconsider(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	if m = cut(); !m.OnBestChain(bad) {
		t.Error("the block is not on the best chain again")
	}
	mustClose(t, m)
}
