package conformance

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/host"
	"github.com/ingchain/ingchain/protocol"
)

// All of these are virtual time.
const (
	latency    = time.Millisecond       // one way, between any two hosts
	patient    = 2 * time.Minute        // for what must happen
	quiet      = 300 * time.Millisecond // in which what must not happen would have
	pause      = 2 * time.Millisecond   // between looks
	helloEvery = 5 * time.Second        // between the hellos of an attacker
	settle     = 30 * time.Second       // for what libp2p leaves behind to end
)

// stage is where a story is played: a victim, an honest node that stays joined
// with it, and attackers, in a bubble of testing/synctest.
type stage struct {
	t     *testing.T
	sc    *script
	way   way
	net   *simnet.Simnet
	clock *clock
	ctx   context.Context
	stops []func()
	names int // keys drawn so far
	ips   int

	victim, honest *actor
	// punished are the attackers that deserved it.
	punished map[peer.ID]bool
	// announced are the blocks that gossip has carried: the same bytes again are
	// no message to it.
	announced map[core.Hash]bool
}

// actor is a whole node.
type actor struct {
	*chain.Manager
	host    *host.Host
	service *protocol.Service
	log     *observer
}

// clock is the nodes': the story's time, which virtual time moves on; so slowly
// that it does not matter, if it is pinned.
type clock struct {
	mu     sync.Mutex
	base   time.Time
	since  time.Time // of virtual time
	pinned bool
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	gone := time.Since(c.since)
	if c.pinned {
		gone /= 1e6
	}
	return c.base.Add(gone)
}

// set moves a pinned clock, or lets it run from ms on.
func (c *clock) set(ms uint64, pinned bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.since, c.pinned = time.UnixMilli(int64(ms)), time.Now(), pinned
}

func newStage(t *testing.T, sc *script, w way) *stage {
	ctx, cancel := context.WithCancel(context.Background())
	s := &stage{
		t: t, sc: sc, way: w, ctx: ctx, clock: &clock{}, punished: map[peer.ID]bool{}, announced: map[core.Hash]bool{},
		net: &simnet.Simnet{LatencyFunc: simnet.StaticLatency(latency), Logger: slog.New(slog.DiscardHandler)},
	}
	s.clock.set(sc.steps[0].Clock, false)
	s.net.Start()
	s.stops = append(s.stops, cancel)
	// Whoever has the smaller id says hello: attackers always do.
	keys := make([]crypto.PrivKey, 16)
	for i := range keys {
		keys[i] = s.key()
	}
	slices.SortFunc(keys, func(a, b crypto.PrivKey) int { return strings.Compare(string(idOf(a)), string(idOf(b))) })
	s.victim = s.actor(keys[len(keys)-1])
	s.honest = s.actor(keys[0])
	s.connect(s.honest.host, s.victim)
	s.await("the honest node joins", func() bool { return s.joined(s.victim, s.honest) && s.joined(s.honest, s.victim) })
	return s
}

// close ends everything, the last begun first.
func (s *stage) close() {
	for _, stop := range slices.Backward(s.stops) {
		stop()
	}
	<-time.After(settle)
	s.net.Close()
}

func (s *stage) key() crypto.PrivKey {
	s.names++
	seed := sha256.Sum256(fmt.Appendf(nil, "conformance %d", s.names))
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

func idOf(k crypto.PrivKey) peer.ID {
	id, err := peer.IDFromPrivateKey(k)
	if err != nil {
		panic(err)
	}
	return id
}

type fixedIP net.IP

// PreferredSourceIPForDestination implements [quicreuse.SourceIPSelector].
func (ip fixedIP) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	return net.IP(ip), nil
}

// newHost makes a libp2p host that speaks QUIC over the simulated network.
func (s *stage) newHost(key crypto.PrivKey) p2phost.Host {
	s.t.Helper()
	s.ips++
	ip := net.IPv4(10, 0, byte(s.ips/250), byte(1+s.ips%250)).To4()
	link := simnet.LinkSettings{BitsPerSecond: 1_000_000_000}
	h, err := libp2p.New(
		libp2p.Identity(key), libp2p.NoTransports, libp2p.Transport(libp2pquic.NewTransport),
		libp2p.ListenAddrStrings("/ip4/"+ip.String()+"/udp/8555/quic-v1"),
		libp2p.DisableIdentifyAddressDiscovery(), libp2p.DisableMetrics(), libp2p.DisableRelay(),
		libp2p.QUICReuse(func(l fx.Lifecycle, k quic.StatelessResetKey, tk quic.TokenGeneratorKey) (*quicreuse.ConnManager, error) {
			cm, err := quicreuse.NewConnManager(k, tk,
				quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return fixedIP(ip), nil }),
				quicreuse.OverrideListenUDP(func(_ string, a *net.UDPAddr) (net.PacketConn, error) {
					return s.net.NewEndpoint(a, simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link}), nil
				}))
			if err == nil {
				l.Append(fx.StopHook(cm.Close))
			}
			return cm, err
		}))
	if err != nil {
		s.t.Fatal(err)
	}
	return h
}

// actor starts a whole node.
func (s *stage) actor(key crypto.PrivKey) *actor {
	s.t.Helper()
	a := &actor{log: newObserver()}
	a.Manager = openChain(s.t, s.sc.rules, chain.Options{Now: s.clock.Now})
	genesis := s.sc.rules.GenesisID()
	h := s.newHost(key)
	var err error
	a.host, err = host.Wrap(h, host.Config{
		Topics: []string{protocol.BlockTopic(genesis), protocol.TxTopic(genesis)}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		_ = h.Close()
		s.t.Fatal(err)
	}
	s.stops = append(s.stops, func() { _ = a.host.Close() })
	a.service, err = protocol.New(protocol.Config{
		Host: a.host, PubSub: a.host.PubSub(), Chain: a.Manager, Feedback: a.log, Logger: slog.New(a.log), Now: s.clock.Now,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.service.Run(ctx) }()
	s.stops = append(s.stops, func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait() // it has begun
	return a
}

func (s *stage) connect(from p2phost.Host, to *actor) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patient)
	defer cancel()
	if err := from.Connect(ctx, peer.AddrInfo{ID: to.host.ID(), Addrs: to.host.Addrs()}); err != nil {
		s.t.Fatal(err)
	}
}

// await waits in virtual time for what must happen.
func (s *stage) await(what string, ok func() bool) {
	s.t.Helper()
	if !s.happens(ok) {
		s.t.Fatalf("not within %v: %s", patient, what)
	}
}

func (s *stage) happens(ok func() bool) bool {
	for end := time.Now().Add(patient); !ok(); {
		if time.Now().After(end) {
			return false
		}
		<-time.After(pause)
	}
	return true
}

func (s *stage) joined(a, b *actor) bool { return a.state(b.host.ID()).Joined }

func (a *actor) state(p peer.ID) protocol.PeerState {
	for _, st := range a.service.Peers() {
		if st.ID == p {
			return st
		}
	}
	return protocol.PeerState{}
}

// observer keeps what a node says of its peers: to the dialer, and in its log of
// announcements.
type observer struct {
	slog.Handler
	mu        sync.Mutex
	refused   map[peer.ID]string    // guarded by mu
	gossip    map[peer.ID]core.Code // of the last announcement not accepted; guarded by mu
	condemned map[peer.ID]struct{}  // their announcement was rejected; guarded by mu
}

func newObserver() *observer {
	return &observer{
		Handler: slog.DiscardHandler,
		refused: map[peer.ID]string{}, gossip: map[peer.ID]core.Code{}, condemned: map[peer.ID]struct{}{},
	}
}

// Enabled implements [slog.Handler].
func (o *observer) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (o *observer) Handle(_ context.Context, r slog.Record) error {
	if !strings.HasPrefix(r.Message, "announcement ") {
		return nil
	}
	var from peer.ID
	var code core.Code
	r.Attrs(func(a slog.Attr) bool {
		switch v := a.Value.Any().(type) {
		case peer.ID:
			from = v
		case error:
			code = core.CodeOf(v)
		}
		return true
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gossip[from] = code
	if strings.HasSuffix(r.Message, "rejected") {
		o.condemned[from] = struct{}{}
	}
	return nil
}

// Joined implements [protocol.Feedback].
func (o *observer) Joined(peer.ID) {}

// Lost implements [protocol.Feedback].
func (o *observer) Lost(peer.ID) {}

// Doubt implements [protocol.Feedback].
func (o *observer) Doubt(peer.ID) {}

// Refused implements [protocol.Feedback].
func (o *observer) Refused(p peer.ID, reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refused[p] = reason
}

// punishments lists who was turned away or sent what no node passes on.
func (o *observer) punishments() map[peer.ID]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := maps.Clone(o.refused)
	for p := range o.condemned {
		if all[p] == "" {
			all[p] = "announcement rejected"
		}
	}
	return all
}

// announcement returns the code that the peer's last announcement was not
// accepted with, if so, and whether one was rejected.
func (o *observer) announcement(p peer.ID) (code core.Code, rejected bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, rejected = o.condemned[p]
	return o.gossip[p], rejected
}
