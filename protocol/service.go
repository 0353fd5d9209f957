package protocol

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/plan"
)

// eventQueue bounds the events that wait for the sync loop. Who brings one
// waits; gossip drops it instead.
const eventQueue = 256

// Service speaks the protocol with all peers of a host. Its methods may be
// called from any goroutine.
type Service struct {
	cfg   Config
	host  p2phost.Host
	chain Chain
	rules *core.Rules
	log   *slog.Logger
	// chatter logs what strangers can cause at will.
	chatter *chatter
	since   time.Time // origin of the stamps in hellos
	events  chan plan.Event
	gossip  *gossip
	txs     *txRelay // nil: no payments
	parsed  parsedBlock

	slots   chan struct{} // requests being served
	pending chan struct{} // streams whose first frame is awaited

	mu    sync.Mutex // guards all below
	peers map[peer.ID]*peerEntry
	// changed is closed and replaced whenever a peer has joined or been refused.
	changed  chan struct{}
	status   syncState
	withheld withheld
	// rebuilding are announced blocks that are being completed.
	rebuilding map[core.Hash]bool

	statsMu sync.Mutex // guards stats
	stats   Stats
}

// New returns a service that does nothing until Run.
func New(cfg Config) (*Service, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Service{
		cfg: cfg, host: cfg.Host, chain: cfg.Chain, rules: cfg.Chain.Rules(),
		log: cfg.Logger, chatter: newChatter(cfg.Logger), since: time.Now(),
		events:  make(chan plan.Event, eventQueue),
		slots:   make(chan struct{}, cfg.Limits.Requests),
		pending: make(chan struct{}, maxPending),
		peers:   make(map[peer.ID]*peerEntry),
		changed: make(chan struct{}), rebuilding: make(map[core.Hash]bool),
	}
	s.gossip, s.txs = newGossip(s), newTxRelay(s)
	return s, nil
}

// Run speaks with peers until ctx is done, and returns when everything that it
// started has ended. It is to be called once.
func (s *Service) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wake, unsubscribe := s.chain.Subscribe()
	defer unsubscribe()
	if err := s.gossip.start(); err != nil {
		return err
	}
	g := &group{}
	if err := s.txs.start(ctx, g); err != nil {
		return errors.Join(err, s.gossip.stop())
	}
	g.start(func() { s.syncLoop(ctx, g) })
	g.start(func() { s.gossip.run(ctx, g) })
	s.txs.run(ctx, g)
	g.start(func() { s.watchTip(ctx, wake) })
	g.start(func() { s.watchProtocols(ctx) })

	s.host.SetStreamHandler(ID, func(str p2pnetwork.Stream) {
		if !g.enter() {
			_ = str.Reset()
			return
		}
		defer g.leave()
		s.handleStream(ctx, str)
	})
	notifiee := &p2pnetwork.NotifyBundle{
		ConnectedF:    func(_ p2pnetwork.Network, c p2pnetwork.Conn) { s.connected(ctx, g, c.RemotePeer()) },
		DisconnectedF: func(_ p2pnetwork.Network, c p2pnetwork.Conn) { s.disconnected(c.RemotePeer()) },
	}
	s.host.Network().Notify(notifiee)
	for _, p := range s.host.Network().Peers() {
		s.connected(ctx, g, p)
	}

	<-ctx.Done()
	s.host.Network().StopNotify(notifiee)
	s.host.RemoveStreamHandler(ID)
	cancel()
	g.wait()
	if err := errors.Join(s.gossip.stop(), s.txs.stop()); err != nil {
		s.log.Debug("leaving the gossip topics", "error", err)
	}
	return nil
}

// send hands an event to the sync loop.
func (s *Service) send(ctx context.Context, ev plan.Event) {
	select {
	case s.events <- ev:
	case <-ctx.Done():
	}
}

// watchTip tells everybody of a new tip: by gossip and, so that nodes converge
// without it, by hello.
func (s *Service) watchTip(ctx context.Context, wake <-chan struct{}) {
	last := s.chain.Tip().ID
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
		s.send(ctx, plan.ChainChanged{})
		if tip := s.chain.Tip(); tip.ID != last {
			last = tip.ID
			s.pokeSessions()
			s.txs.tipChanged()
			// While catching up, our tip is old news.
			if best := s.chain.BestHeader(); best.Height <= tip.Height+staleDepth {
				s.gossip.announce(ctx, tip.ID)
			}
		}
	}
}

// group counts goroutines, and lets none begin after wait has.
type group struct {
	mu     sync.Mutex
	closed bool // guarded by mu
	wg     sync.WaitGroup
}

func (g *group) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.wg.Add(1)
	return true
}

func (g *group) leave() { g.wg.Done() }

func (g *group) start(f func()) {
	if g.enter() {
		go func() {
			defer g.leave()
			f()
		}()
	}
}

func (g *group) wait() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.wg.Wait()
}

// sleep waits for d, or until ctx is done or poke is poked, and reports whether
// ctx goes on.
func sleep(ctx context.Context, d time.Duration, poke <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-poke:
	}
	return ctx.Err() == nil
}

// watchProtocols wakes the keepers of peers whose protocols have become known
// or have changed.
func (s *Service) watchProtocols(ctx context.Context) {
	sub, err := s.host.EventBus().Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerProtocolsUpdated),
	})
	if err != nil {
		s.log.Warn("peers that begin to speak are noticed late", "error", err)
		return
	}
	defer sub.Close()
	for {
		var p peer.ID
		select {
		case <-ctx.Done():
			return
		case ev, ok := <-sub.Out():
			if !ok {
				return
			}
			switch ev := ev.(type) {
			case event.EvtPeerIdentificationCompleted:
				p = ev.Peer
			case event.EvtPeerProtocolsUpdated:
				p = ev.Peer
			}
		}
		s.mu.Lock()
		if e := s.peers[p]; e != nil {
			poke(e.poke)
		}
		s.mu.Unlock()
	}
}
