package simulation

import (
	"context"
	"flag"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingchain/ingchain/core"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "seed of the simulated networks; 0 picks one at random")
	nodesFlag = flag.Int("nodes", 0, "nodes of a simulated network; 0 means the test's own choice")
)

func seed(t *testing.T) uint64 {
	s := *seedFlag
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("to repeat: -seed=%d", s)
	return s
}

// nodes returns how many to simulate instead of n.
func nodes(n int) int {
	switch {
	case *nodesFlag > 0:
		return *nodesFlag
	case raceDetector:
		return n / 3
	}
	return n
}

// phase is a time in which the network is whole or falls into two halves.
type phase struct {
	halves bool
	lasts  time.Duration
}

// story is what a network goes through while it mines. After the last phase it
// is healed, and no more blocks are found.
type story struct {
	phases []phase
	limit  time.Duration // for agreeing on one tip after that
}

// outcome is how a story ended.
type outcome struct {
	agreed bool
	took   time.Duration // from the last phase's end until all agreed, or gave up
}

// alarms counts what nodes log as a warning or an error: on a network of honest
// nodes there is nothing to complain of, whatever the wires do.
type alarms struct {
	slog.Handler
	n *atomic.Uint64
}

func (a alarms) Handle(ctx context.Context, r slog.Record) error {
	a.n.Add(1)
	return a.Handler.Handle(ctx, r)
}

func (a alarms) WithAttrs(attrs []slog.Attr) slog.Handler {
	return alarms{a.Handler.WithAttrs(attrs), a.n}
}

// inWorld makes a world, calls live while its nodes run, and closes it.
func inWorld(t *testing.T, cfg Config, live func(context.Context, *testing.T, *World)) {
	t.Helper()
	alarms := alarms{slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}), new(atomic.Uint64)}
	cfg.Logger = slog.New(alarms)
	synctest.Test(t, func(t *testing.T) {
		w, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("a node failed: %v", err)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}()
		live(ctx, t, w)
		if n := alarms.n.Load(); n > 0 {
			t.Errorf("the nodes logged %d warnings and errors", n)
		}
	})
}

// play runs a story on a new world, and calls check while the nodes still run.
func play(t *testing.T, cfg Config, s story, check func(*testing.T, *World, outcome)) {
	t.Helper()
	inWorld(t, cfg, func(ctx context.Context, t *testing.T, w *World) {
		for _, p := range s.phases {
			live(ctx, t, w, p)
		}
		w.Heal()
		w.StopMining()
		healed := time.Now()
		took, agreed := w.Wait(ctx, s.limit, w.Agreed)
		if _, ok := w.Wait(ctx, s.limit-time.Since(healed), w.Meshed); !ok {
			t.Errorf("%v after healing there are nodes without all their peers", s.limit)
		}
		t.Logf("%d tips %v after healing, all links %v", len(w.Tips()), took, time.Since(healed))
		logForks(t, w)
		check(t, w, outcome{agreed, took})
	})
}

func logForks(t *testing.T, w *World) {
	t.Helper()
	sent, lost := w.Packets()
	t.Logf("%d blocks found, height %d; %d reorganisations, branches that lost: %d, of 2 blocks or more: %d, deepest %d; %d packets, %d lost",
		w.Found(), w.Nodes[0].Chain.Tip().Height, w.Forks.Reorgs(), w.Forks.Count(1), w.Forks.Count(2), w.Forks.Deepest(), sent, lost)
}

func live(ctx context.Context, t *testing.T, w *World, p phase) {
	t.Helper()
	w.Heal()
	if p.halves {
		w.Partition(len(w.Nodes) / 2)
	}
	w.Wait(ctx, p.lasts, func() bool { return false })
	if p.halves && w.Agreed() {
		t.Error("both halves have one tip: the partition does nothing")
	}
}

func network(t *testing.T, n int) Config {
	return Config{
		Nodes: nodes(n), ExtraLinks: 1, Seed: seed(t),
		MinLatency: 20 * time.Millisecond, MaxLatency: 80 * time.Millisecond,
		Interval: 500 * time.Millisecond,
	}
}

// forks makes every kind of fork: those of latency, those of partitions so
// short that connections outlive them, and those of one that ends connections.
var forks = story{
	phases: []phase{
		{false, 5 * time.Second}, {true, 15 * time.Second},
		{false, 5 * time.Second}, {true, 15 * time.Second},
		{false, 5 * time.Second}, {true, 15 * time.Second},
		{false, 5 * time.Second}, {true, 45 * time.Second},
	},
	limit: 10 * time.Second,
}

func TestForksEndInOneChain(t *testing.T) {
	cfg := network(t, 30)
	cfg.Loss = 0.01
	play(t, cfg, forks, func(t *testing.T, w *World, o outcome) {
		if !o.agreed {
			t.Fatalf("%v after healing there are %d tips", o.took, len(w.Tips()))
		}
		if n := w.Forks.Count(2); n < 3 {
			t.Errorf("%d branches of 2 blocks or more lost, want 3 for the test to mean something", n)
		}
		for i, n := range w.Nodes {
			n.check(t, i, w.Nodes[0].Chain.TipState())
		}
	})
}

// check compares a node with the state that it should be in, in every way there
// is to look at it.
func (n *Node) check(t *testing.T, i int, want *core.State) {
	t.Helper()
	if got := n.Chain.TipState(); got.ID != want.ID || got.Commitment() != want.Commitment() {
		t.Errorf("node %d: state %s after block %s, want %s after %s", i, got.Commitment(), got.ID, want.Commitment(), want.ID)
	}
	if err := n.Ledger.Pull(); err != nil {
		t.Errorf("node %d: the feed of updates: %v", i, err)
	}
	if id, height := n.Ledger.Tip(); id != want.ID || height != want.Height {
		t.Errorf("node %d: the feed of updates ends at %s, height %d", i, id, height)
	}
	stored, err := n.StoredCoins()
	if err != nil {
		t.Fatalf("node %d: %v", i, err)
	}
	if !maps.Equal(stored, n.Ledger.Coins()) {
		t.Errorf("node %d: the coins in the store are not those of the feed of updates", i)
	}
	var sum, minted core.Amount
	for _, c := range stored {
		sum += c.Value
	}
	for h := uint32(0); h <= want.Height; h++ {
		minted += n.Chain.Rules().Params().SubsidyAt(h)
	}
	if sum != minted || len(stored) != int(want.Height) {
		t.Errorf("node %d: %d coins of %d grains, want %d, one a block, of %d", i, len(stored), sum, want.Height, minted)
	}
	if r := n.Refused(); len(r) > 0 {
		t.Errorf("node %d refused honest peers: %v", i, r)
	}
}

// The same story without reorganisation: what the test above asserts must not
// come about by itself.
func TestWithoutReorganisationForksStay(t *testing.T) {
	cfg := network(t, 15)
	cfg.NoReorg = true
	play(t, cfg, forks, func(t *testing.T, w *World, o outcome) {
		if o.agreed {
			t.Error("all nodes agree, though none can revert a block")
		}
		if n := w.Forks.Reorgs(); n > 0 {
			t.Errorf("%d reorganisations, though none was possible", n)
		}
	})
}

// The nodes of the test above are sound but for that: with a single miner there
// are no forks, and after the same partitions all agree.
func TestWithoutForksNothingNeedsReorganisation(t *testing.T) {
	cfg := network(t, 15)
	cfg.NoReorg, cfg.Miners, cfg.Interval = true, 1, time.Second
	play(t, cfg, forks, func(t *testing.T, w *World, o outcome) {
		if !o.agreed {
			t.Fatalf("%v after healing there are %d tips", o.took, len(w.Tips()))
		}
		for i, n := range w.Nodes {
			n.check(t, i, w.Nodes[0].Chain.TipState())
		}
	})
}

// Gossip is dead from the start: nodes tell each other of their tips by hello.
func TestWithoutGossipForksEndInOneChain(t *testing.T) {
	cfg := network(t, 15)
	cfg.NoGossip = true
	play(t, cfg, forks, func(t *testing.T, w *World, o outcome) {
		for i, n := range w.Nodes {
			for _, topic := range n.Proto.Topics() {
				if len(topic.Peers) > 0 {
					t.Fatalf("node %d has %d peers on topic %s: gossip is alive", i, len(topic.Peers), topic.Name)
				}
			}
		}
		if !o.agreed {
			t.Fatalf("%v after healing there are %d tips", o.took, len(w.Tips()))
		}
		for i, n := range w.Nodes {
			n.check(t, i, w.Nodes[0].Chain.TipState())
		}
	})
}
