package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/core"
)

const (
	// maxNodes is far above what runs in reasonable time.
	maxNodes = 1000
	// pollEvery is how often, in virtual time, Wait looks.
	pollEvery = 50 * time.Millisecond
	// settle is how long, in virtual time, what libp2p leaves behind takes to end
	// after a host has been closed.
	settle = 30 * time.Second
)

// Config says what world to make. The zero value of a field but Nodes and
// Interval is its default.
type Config struct {
	// Nodes is how many there are, 2 or more.
	Nodes int
	// ExtraLinks is how many random others each node knows beside its neighbours
	// in the ring.
	ExtraLinks int
	// Seed decides keys, links, latencies and when blocks are found.
	Seed uint64
	// MinLatency and MaxLatency bound the one-way latency of a pair of nodes.
	MinLatency, MaxLatency time.Duration
	// Loss is the probability that a packet is lost.
	Loss float64
	// Interval is the mean time between two blocks of the whole network.
	Interval time.Duration
	// Miners is how many of the nodes find blocks; 0 means all.
	Miners int

	// NoGossip keeps every node off the topics, so that only hello tells of tips.
	NoGossip bool
	// NoReorg makes every node refuse blocks that are not on top of its tip.
	NoReorg bool

	// Money, unless nil, gives nodes a pool and people who pay each other.
	Money *Money

	// Logger receives the nodes' log lines; nil means none.
	Logger *slog.Logger
}

// World is a network of nodes. Its methods may be called at the same time.
type World struct {
	Nodes []*Node
	// Forks counts the reorganisations that nodes went through.
	Forks Forks

	cfg      Config
	rules    *core.Rules
	wallets  []*Wallet // none without Config.Money
	links    *links
	stopMine chan struct{}
	stopOnce sync.Once
}

// New makes a world whose nodes have heard of nobody. It must be called in a
// bubble of testing/synctest; its genesis is of the bubble's present. Close ends
// it.
func New(cfg Config) (*World, error) {
	if cfg.Nodes < 2 || cfg.Interval <= 0 {
		return nil, errors.New("simulation: at least two nodes and an interval between blocks are needed")
	}
	if cfg.Nodes > maxNodes || cfg.Miners > cfg.Nodes || cfg.MaxLatency < cfg.MinLatency {
		return nil, fmt.Errorf("simulation: %d nodes (at most %d), %d miners, latency from %v to %v: out of range",
			cfg.Nodes, maxNodes, cfg.Miners, cfg.MinLatency, cfg.MaxLatency)
	}
	if cfg.Miners == 0 {
		cfg.Miners = cfg.Nodes
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, 0))
	rules, err := core.NewRules(params(&cfg))
	if err != nil {
		return nil, err
	}
	w := &World{
		cfg: cfg, rules: rules, stopMine: make(chan struct{}),
		links: newLinks(cfg.Seed, cfg.MinLatency, cfg.MaxLatency, cfg.Loss),
		Forks: Forks{depths: map[core.Hash]int{}},
	}
	if err := w.addWallets(); err != nil {
		return nil, err
	}
	w.links.sim.Start()
	if err := w.addNodes(rng); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// params are the development network's, with a genesis of the seed's own a
// minute before the present.
func params(cfg *Config) *core.Params {
	p := core.Dev()
	p.Name = "simulation"
	for i := range 8 {
		p.Salt[i] = byte(cfg.Seed >> (8 * i))
	}
	if cfg.Money != nil {
		cfg.Money.adjust(p)
	}
	p.GenesisTime = uint64(time.Now().Add(-time.Minute).UnixMilli())
	return p
}

func (w *World) addNodes(rng *rand.Rand) error {
	keys := make([]key, w.cfg.Nodes)
	for i := range keys {
		keys[i] = newKey(rng)
	}
	for i := range keys {
		n, err := w.newNode(i, keys[i], keys[(i+1)%len(keys)].address, rng.Uint64())
		if err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		w.Nodes = append(w.Nodes, n)
	}
	for i, known := range neighbours(rng, w.cfg.Nodes, w.cfg.ExtraLinks) {
		for _, j := range known {
			w.Nodes[i].source.peers = append(w.Nodes[i].source.peers,
				sighting(w.Nodes[j].Host.ID(), j, w.rules.GenesisID().String()))
		}
	}
	return nil
}

// Run lets all nodes live until ctx ends, and returns when they have ended:
// with what failed, nil if nothing did.
func (w *World) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(w.Nodes))
	var wg sync.WaitGroup
	for i, n := range w.Nodes {
		wg.Go(func() {
			if err := n.run(ctx); err != nil {
				errs[i] = fmt.Errorf("node %d: %w", i, err)
				cancel()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Partition cuts every link between the first k nodes and the others. Packets
// on the way still arrive.
func (w *World) Partition(k int) {
	sides := make([]int, len(w.Nodes))
	for i := range k {
		sides[i] = 1
	}
	w.Divide(sides)
}

// Divide cuts every link between nodes of different sides, of which sides has
// one for each node.
func (w *World) Divide(sides []int) {
	byIP := map[string]int{}
	for i, side := range sides {
		byIP[nodeIP(i).String()] = side
	}
	w.links.partition(byIP)
}

// Heal ends the partition.
func (w *World) Heal() { w.links.partition(nil) }

// StopMining ends the search for blocks, for good.
func (w *World) StopMining() { w.stopOnce.Do(func() { close(w.stopMine) }) }

// Found returns how many blocks were found, whatever became of them.
func (w *World) Found() (n uint64) {
	for _, node := range w.Nodes {
		if node.searcher != nil {
			n += node.searcher.found.Load()
		}
	}
	return n
}

// Tips counts the nodes on each tip.
func (w *World) Tips() map[core.Hash]int {
	tips := map[core.Hash]int{}
	for _, n := range w.Nodes {
		tips[n.Chain.Tip().ID]++
	}
	return tips
}

// Agreed reports whether all nodes are on one tip.
func (w *World) Agreed() bool { return len(w.Tips()) == 1 }

// Meshed reports whether every node is past hello with all that it knows.
func (w *World) Meshed() bool {
	for _, n := range w.Nodes {
		joined := map[peer.ID]bool{}
		for _, p := range n.Proto.Peers() {
			joined[p.ID] = p.Joined
		}
		for _, f := range n.source.peers {
			if !joined[f.Peer] {
				return false
			}
		}
	}
	return true
}

// Wait waits, in virtual time, until a condition holds. It returns how long
// that took, and false if it took longer than limit.
func (w *World) Wait(ctx context.Context, limit time.Duration, condition func() bool) (took time.Duration, ok bool) {
	start := time.Now()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !condition() {
		if time.Since(start) >= limit {
			return time.Since(start), false
		}
		select {
		case <-ctx.Done():
			return time.Since(start), false
		case <-tick.C:
		}
	}
	return time.Since(start), true
}

// Packets returns how many were sent and how many of them lost.
func (w *World) Packets() (sent, lost uint64) { return w.links.sent.Load(), w.links.dropped.Load() }

// Close closes what New opened. Run must have returned.
func (w *World) Close() error {
	var errs []error
	for _, n := range w.Nodes {
		errs = append(errs, n.close())
	}
	// Hosts leave goroutines that end by themselves a moment later.
	<-time.After(settle)
	w.links.sim.Close()
	return errors.Join(errs...)
}
