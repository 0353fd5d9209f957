package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/discovery"
	"github.com/ingchain/ingchain/host"
	"github.com/ingchain/ingchain/protocol"
)

const (
	// storeCacheBytes and storeTableBytes are what a node's store takes: little, as
	// there are many of them.
	storeCacheBytes = 1 << 20
	storeTableBytes = 1 << 20
	// tendEvery is how often a node looks after its pool.
	tendEvery = time.Minute
)

// Node is one node: the product's parts, put together as the product does. The
// parts are made anew when the node starts again; what lies on its disk and its
// identity stay.
type Node struct {
	Host   *host.Host
	Chain  *chain.Manager
	Dialer *discovery.Dialer
	Proto  *protocol.Service
	Ledger *Ledger

	world    *World
	index    int
	key      key
	disk     *vfs.MemFS
	journal  string // path of the journal of payments; "" if there is none
	policy   *mempool.Policy
	store    chain.Store
	source   *source
	searcher *searcher // nil: the node does not mine
	log      *slog.Logger

	// up is whether the node runs. It belongs to who calls [World.Stop] and
	// [World.Start], as reading the parts above does while nodes stop and start.
	up            bool
	started       time.Time // the last time
	stops, starts chan chan error

	// cut is what lies on the disk once the node is stopped, if that is not what it
	// leaves when it ends in order; nil if it is.
	cut *cut

	mu      sync.Mutex // guards what follows
	refused []string
}

// newNode makes a node that speaks to nobody before run.
func (w *World) newNode(i int, k key, payee core.Address, seed uint64) (n *Node, err error) {
	n = &Node{
		world: w, index: i, key: k, disk: vfs.NewCrashableMem(), source: &source{}, up: true,
		log:   w.cfg.Logger.With("node", i),
		stops: make(chan chan error), starts: make(chan chan error),
	}
	if m := w.cfg.Money; m != nil {
		n.policy = m.policy(i, w.cfg.Nodes)
		if m.Dir != "" {
			n.journal = filepath.Join(m.Dir, fmt.Sprintf("mempool-%d.dat", i))
		}
	}
	n.Ledger = newLedger(nil, w.rules.GenesisID(), &w.Forks)
	if i < w.cfg.Miners {
		n.searcher = &searcher{
			ledger: n.Ledger, key: k, payee: payee, stop: w.stopMine,
			mean: w.cfg.Interval * time.Duration(w.cfg.Miners),
			rng:  rand.New(rand.NewPCG(seed, 2)),
		}
		if w.cfg.Money != nil {
			n.searcher.payTo = w.anyAddress
		}
	}
	return n, n.open()
}

// open makes the node's parts.
func (n *Node) open() (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	w := n.world
	n.started = time.Now()
	if err := n.openChain(w.rules); err != nil {
		return err
	}
	n.Ledger.reopen(n.Chain)
	if err := n.openHost(w, n.index, n.key); err != nil {
		return err
	}
	n.Dialer, err = discovery.New(discovery.Config{
		Network: discovery.Libp2p(n.Host), Genesis: w.rules.GenesisID().String(),
		Sources: []discovery.Source{n.source},
		Local:   func() string { return "" }, // interfaces do not change here
		Log:     n.log,
	})
	if err != nil {
		return err
	}
	var c protocol.Chain = n.Chain
	var m minerChain = n.Chain
	if w.cfg.NoReorg {
		s := &stubborn{Manager: n.Chain}
		c, m = s, s
	}
	if n.searcher != nil {
		n.searcher.chain = m
	}
	cfg := protocol.Config{
		Host: n.Host, PubSub: n.Host.PubSub(), Chain: c, Feedback: feedback{n.Dialer, n},
		Agent: "simulation", Logger: n.log,
	}
	if w.cfg.Money != nil {
		cfg.Pool = n.Chain
	}
	n.Proto, err = protocol.New(cfg)
	return err
}

func (n *Node) openChain(rules *core.Rules) error {
	store, err := pebbledb.Open("chain", rules.GenesisID(), pebbledb.Options{
		FS: n.disk, CacheBytes: storeCacheBytes, MemTableBytes: storeTableBytes,
	})
	if err != nil {
		return err
	}
	n.store = store
	n.Chain, err = chain.Open(store, rules, chain.Options{
		Now: time.Now, Logger: n.log, Policy: n.policy, Journal: n.journal,
	})
	return err
}

func (n *Node) openHost(w *World, i int, k key) error {
	identity, err := crypto.UnmarshalEd25519PrivateKey(append(k.seed[:], k.public[:]...))
	if err != nil {
		return err
	}
	h, err := w.links.newHost(i, identity)
	if err != nil {
		return err
	}
	topics := []string{protocol.BlockTopic(w.rules.GenesisID()), protocol.TxTopic(w.rules.GenesisID())}
	if n.Host, err = host.Wrap(h, host.Config{Topics: topics, Log: n.log}); err != nil {
		return errors.Join(err, h.Close())
	}
	if w.cfg.NoGossip {
		muteGossip(n.Host)
	}
	return nil
}

// muteGossip makes a host deny that it speaks gossipsub, so that its router
// finds no peers and no router finds it.
func muteGossip(h *host.Host) {
	for _, p := range h.Mux().Protocols() {
		if strings.HasPrefix(string(p), "/meshsub/") || strings.HasPrefix(string(p), "/floodsub/") {
			h.RemoveStreamHandler(p)
		}
	}
}

// run lets the node live until ctx ends, with as many stops and starts as are
// asked for.
func (n *Node) run(ctx context.Context) error {
	for {
		life, end := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- n.live(life) }()
		select {
		case err := <-ended:
			end()
			return err
		case done := <-n.stops:
			end()
			err := errors.Join(<-ended, n.close(), n.fallBack())
			done <- err
			if err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case done := <-n.starts:
			err := n.open()
			done <- err
			if err != nil {
				return err
			}
		}
	}
}

// fallBack puts what lay on the disk when the node was killed in the place of
// what it has left. Its reader of updates begins anew, as blocks may be lost.
func (n *Node) fallBack() error {
	if n.cut == nil {
		return nil
	}
	c := n.cut
	n.cut, n.disk = nil, c.disk
	n.Ledger = newLedger(nil, n.world.rules.GenesisID(), &n.world.Forks)
	if n.searcher != nil {
		n.searcher.ledger = n.Ledger
	}
	if n.journal == "" {
		return nil
	}
	return os.WriteFile(n.journal, c.journal, 0o600)
}

// live lets the node's parts run until ctx ends.
func (n *Node) live(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return n.Dialer.Run(ctx) })
	parts.Go(func() error { return n.Proto.Run(ctx) })
	parts.Go(func() error { return n.Ledger.follow(ctx) })
	if n.searcher != nil {
		parts.Go(func() error { return n.searcher.run(ctx) })
	}
	if n.world.cfg.Money != nil {
		parts.Go(func() error { return n.tend(ctx) })
	}
	if err := parts.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// tend looks after the pool, as the product does.
func (n *Node) tend(ctx context.Context) error {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			n.Chain.TendPool()
		}
	}
}

// Refused lists the peers that the node turned away, with its reasons.
func (n *Node) Refused() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.refused
}

// StoredCoins returns every unspent coin that the node's store has.
func (n *Node) StoredCoins() (core.UTXOs, error) {
	if err := n.Chain.Flush(); err != nil {
		return nil, err
	}
	all := core.UTXOs{}
	err := n.store.EachCoin(func(c core.Coin, err error) error {
		all[c.Outpoint] = c
		return err
	})
	return all, err
}

// close ends the node's parts; closing again does nothing.
func (n *Node) close() error {
	var errs []error
	if n.Host != nil {
		errs = append(errs, n.Host.Close())
	}
	switch {
	case n.Chain != nil:
		errs = append(errs, n.Chain.Close())
	case n.store != nil:
		errs = append(errs, n.store.Close())
	}
	n.Host, n.Chain, n.store = nil, nil, nil
	return errors.Join(errs...)
}

// feedback passes on what the protocol says of peers, and keeps refusals.
type feedback struct {
	*discovery.Dialer
	node *Node
}

// Refused implements [protocol.Feedback].
func (f feedback) Refused(p peer.ID, reason string) {
	f.node.mu.Lock()
	f.node.refused = append(f.node.refused, fmt.Sprintf("%s: %s", p, reason))
	f.node.mu.Unlock()
	f.Dialer.Refused(p, reason)
}

// stubborn is a chain that never goes back: it refuses what is not on top of
// its tip. A network of such nodes falls apart at the first fork.
type stubborn struct {
	*chain.Manager
	mu sync.Mutex // held while blocks are added
}

// AddBlocks adds those blocks that need no revert.
func (s *stubborn) AddBlocks(ctx context.Context, blocks []*core.Block) (added int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range blocks {
		if b.Header.Parent != s.Tip().ID && !s.HasBlock(b.ID()) {
			return added, &core.DeferError{Code: core.ErrNoParent, Detail: "not on top of the tip"}
		}
		n, err := s.Manager.AddBlocks(ctx, []*core.Block{b})
		added += n
		if err != nil {
			return added, err
		}
	}
	return added, nil
}
