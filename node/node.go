// Package node puts the parts together: store, chain, pool, address index, libp2p
// host, discovery, sync protocol, miner and API. It is the only package that knows all of them,
// and holds no rule of its own.
//
// [Run] runs a node until its context ends; [New] and [Node.Run] do the same in
// two steps, for programs that want to use the node in between. Several nodes
// in one process are several calls.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/miner"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/discovery"
	"github.com/ingchain/ingchain/host"
	"github.com/ingchain/ingchain/protocol"
)

const (
	// failGrace is how long the parts have to end after the disk has failed, when
	// calls to the store may never return.
	failGrace = 2 * time.Second
)

// Node is a running node, from [New] on: it listens, and answers as an
// [api.Backend]. It talks to peers only while [Node.Run] runs.
type Node struct {
	chainView

	cfg     Config
	rules   *core.Rules
	log     *slog.Logger
	trace   *phaseTrace
	started time.Time
	// warnedPayout is whether the log has said that rewards go to nobody.
	warnedPayout atomic.Bool
	lock         *pebbledb.Lock
	store        *pebbledb.DB

	host   *host.Host
	dialer *discovery.Dialer
	proto  *protocol.Service
	miner  *miner.Miner
	guard  guardedChain
	index  addressIndex
	// walletBounds is defaultWalletBounds but in tests.
	walletBounds walletBounds
	// indexPatience is that of the constant but in tests.
	indexPatience time.Duration
	// mineAddr is what Config.Mine pays.
	mineAddr core.Address
	orders   orders

	listener net.Listener // of the API; nil without one
	endpoint api.Endpoint

	// closers undo what New did, in order of making. Only New and run add to
	// them, and whoever closes waits for those.
	closers   []func() error
	closeOnce sync.Once
	closeErr  error

	mu     sync.Mutex         // guards what follows
	closed bool               // Close was called
	stop   context.CancelFunc // ends Run; nil until Run is called
	// returned is closed when Run returns; abandoned, set before, is why it did
	// so without waiting for the parts, or nil.
	returned  chan struct{}
	abandoned error
}

// ErrClosed is the answer of [Node.Run] to a node that [Node.Close] closed
// before.
var ErrClosed = errors.New("node is closed")

var _ api.Backend = (*Node)(nil)

// Run runs a node until ctx ends and everything it started has ended.
func Run(ctx context.Context, cfg Config) error {
	n, err := New(ctx, cfg)
	if err != nil {
		return err
	}
	return n.Run(ctx)
}

// New opens the data directory and listens. The caller runs the node with
// [Node.Run], which closes it, or closes it with [Node.Close].
func New(ctx context.Context, cfg Config) (*Node, error) {
	if cfg.DataDir == "" || cfg.Params == nil {
		return nil, errors.New("node: Config.DataDir and Config.Params are needed")
	}
	rules, err := core.NewRules(cfg.Params)
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, rules: rules, log: cfg.Logger, started: time.Now(), returned: make(chan struct{}),
		walletBounds: defaultWalletBounds, indexPatience: indexPatience,
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	for _, open := range []func(context.Context) error{n.openChain, n.openIndex, n.openHost, n.openProtocol, n.openMiner, n.openAPI} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, n.close())
		}
	}
	return n, nil
}

func (n *Node) onClose(f func() error) { n.closers = append(n.closers, f) }

// Close ends [Node.Run] if it runs and undoes New, and returns when both are
// done. It may be called at any time but from within the node's own parts, from
// any goroutine, and more than once. Run closes the node by itself when it ends.
func (n *Node) Close() error {
	n.mu.Lock()
	n.closed = true
	stop := n.stop
	n.mu.Unlock()
	if stop == nil {
		return n.close()
	}
	stop()
	<-n.returned
	if n.abandoned != nil {
		return n.abandoned
	}
	return n.close()
}

func (n *Node) close() error {
	n.closeOnce.Do(func() {
		for i := len(n.closers) - 1; i >= 0; i-- {
			n.closeErr = errors.Join(n.closeErr, n.closers[i]())
		}
	})
	return n.closeErr
}

func (n *Node) openChain(ctx context.Context) (err error) {
	policy := poolPolicy(&n.cfg)
	if err := policy.Validate(); err != nil {
		return fmt.Errorf("%w: %w", api.ErrBadRequest, err)
	}
	if err := os.MkdirAll(n.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if n.lock, err = pebbledb.Acquire(n.cfg.DataDir, false); err != nil {
		return err
	}
	n.onClose(n.lock.Release)
	bound, err := checkNetwork(n.cfg.DataDir, n.rules)
	if err != nil {
		return err
	}
	if n.trace, err = openTrace(n.cfg.PhaseTrace); err != nil {
		return err
	}
	n.onClose(n.trace.Close)
	n.store, err = pebbledb.Open(n.cfg.DataDir, n.rules.GenesisID(), pebbledb.Options{Logger: n.log, Lock: n.lock})
	if err != nil {
		return storeError(err)
	}
	if !bound { // only now: the store knows its network, too
		if err := bindNetwork(n.cfg.DataDir, n.rules); err != nil {
			return errors.Join(err, n.store.Close())
		}
	}
	manager, err := chain.OpenContext(ctx, n.store, n.rules, chain.Options{
		Logger: n.log, Trace: n.trace.hook(), Reindex: n.cfg.Reindex,
		Policy: policy, Journal: filepath.Join(n.cfg.DataDir, journalFile),
	})
	if err != nil {
		return storeError(errors.Join(err, n.store.Close()))
	}
	n.chainView, n.guard = chainView{manager}, newGuardedChain(manager)
	n.onClose(manager.Close)
	return nil
}

func (n *Node) agent() string {
	if n.cfg.Version == "" {
		return "ingchain"
	}
	return "ingchain/" + n.cfg.Version
}

func (n *Node) openHost(context.Context) error {
	key, err := host.LoadOrCreateIdentity(filepath.Join(n.cfg.DataDir, identityFile))
	if err != nil {
		return err
	}
	listen, err := parseListen(n.cfg.Listen)
	if err != nil {
		return err
	}
	static, err := discovery.ParsePeers(n.cfg.Peers)
	if err != nil {
		return err
	}
	gater := discovery.NewGater()
	genesis := n.rules.GenesisID()
	n.host, err = host.New(host.Config{
		Identity: key, Listen: listen, LoopbackOnly: n.cfg.LoopbackOnly,
		PortsFile:       filepath.Join(n.cfg.DataDir, portsFile),
		Topics:          []string{protocol.BlockTopic(genesis), protocol.TxTopic(genesis)},
		UserAgent:       n.agent(),
		ConnectionGater: gater,
		Log:             n.log,
	})
	if err != nil {
		return err
	}
	n.onClose(n.host.Close)

	var sources []discovery.Source
	if n.cfg.MDNS {
		sources = append(sources, &discovery.MDNS{
			Self: n.host.ID(), Genesis: genesis.String(), Addrs: n.host.DialableAddrs, Agent: n.agent(), Log: n.log,
		})
	}
	n.dialer, err = discovery.New(discovery.Config{
		Network: discovery.Libp2p(n.host), Genesis: genesis.String(), Static: static, Sources: sources,
		SavedFile: filepath.Join(n.cfg.DataDir, peersFile), Gater: gater, Log: n.log,
	})
	return err
}

func (n *Node) openProtocol(context.Context) (err error) {
	n.proto, err = protocol.New(protocol.Config{
		Host: n.host, PubSub: n.host.PubSub(), Chain: n.guard, Pool: n.guard, Feedback: n.dialer,
		Agent: n.agent(), Logger: n.log, Trace: n.trace.hook(),
	})
	return err
}

func (n *Node) openAPI(ctx context.Context) (err error) {
	addr, giveWay := n.cfg.APIAddr, false
	switch addr {
	case "none":
		return nil
	case "":
		addr, giveWay = DefaultAPIAddr, true
	}
	if n.listener, err = api.Listen(ctx, addr, giveWay); err != nil {
		return err
	}
	n.onClose(func() error {
		if err := n.listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	n.endpoint = api.Endpoint{URL: api.URL(n.listener), Token: api.NewToken(), PID: os.Getpid()}
	return n.lock.SetAPI(n.endpoint.URL)
}

// Run lets the node talk to peers, mine and answer until ctx ends, [Node.Close]
// is called or a part fails for good, and closes it. It returns when all that it
// started has ended: nil if it was told to end. A node runs once; of one that is
// closed it returns [ErrClosed].
func (n *Node) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := n.begin(stop); err != nil {
		return err
	}
	defer close(n.returned)
	ended := make(chan error, 1)
	go func() {
		err := n.run(ctx)
		ended <- errors.Join(err, n.close())
	}()
	select {
	case err := <-ended:
		return err
	case <-n.store.Failed():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(failGrace):
		n.abandoned = errors.Join(storeError(n.store.Err()), api.RemoveEndpoint(n.cfg.DataDir, n.endpoint))
		return n.abandoned
	}
}

// begin notes how to end Run.
func (n *Node) begin(stop context.CancelFunc) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed:
		return ErrClosed
	case n.stop != nil:
		return errors.New("node: Run was called before")
	}
	n.stop = stop
	return nil
}

func (n *Node) run(ctx context.Context) error {
	if n.listener != nil {
		if err := api.WriteEndpoint(n.cfg.DataDir, n.endpoint); err != nil {
			return err
		}
		n.onClose(func() error { return api.RemoveEndpoint(n.cfg.DataDir, n.endpoint) })
	}
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return n.watchStore(ctx) })
	parts.Go(func() error { return n.keepSynced(ctx) })
	parts.Go(func() error { return n.followIndex(ctx) })
	parts.Go(func() error { return n.tendPool(ctx) })
	parts.Go(func() error { return n.tuneCollector(ctx) })
	parts.Go(func() error { return n.dialer.Run(ctx) })
	parts.Go(func() error { return n.proto.Run(ctx) })
	parts.Go(func() error { return n.miner.Run(ctx) })
	if n.cfg.Mine {
		parts.Go(func() error { return n.mineWhenReady(ctx) })
	}
	if n.listener != nil {
		server := api.NewServer(n, api.Config{Token: n.endpoint.Token, Logger: n.log})
		parts.Go(func() error { return server.Serve(ctx, n.listener) })
	}
	err := parts.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// API returns the base URL and the token of the node's HTTP API, empty if it
// has none.
func (n *Node) API() (url, token string) { return n.endpoint.URL, n.endpoint.Token }
