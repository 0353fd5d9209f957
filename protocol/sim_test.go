package protocol

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
)

// simulation is a network of hosts in a synctest bubble. Everything in it
// happens in virtual time.
type simulation struct {
	t     *testing.T
	net   *simnet.Simnet
	rules *core.Rules
	ctx   context.Context
	nodes []*testNode
	stops []func()
	side  sync.WaitGroup // goroutines of the test itself

	mu  sync.Mutex
	cut map[string]bool // IPs that packets neither leave nor reach; guarded by mu
}

// testNode is a host, with a service and a chain unless it is a bare host.
type testNode struct {
	p2phost.Host
	chain    *fakechain.Chain
	pool     *fakechain.Pool // nil: no payments
	service  *Service
	ps       *pubsub.PubSub
	feedback *recorder
	ip       string
}

// recorder remembers what the dialer would be told.
type recorder struct {
	mu      sync.Mutex
	joined  map[peer.ID]int
	lost    map[peer.ID]int
	refused map[peer.ID]string
}

func newRecorder() *recorder {
	return &recorder{joined: map[peer.ID]int{}, lost: map[peer.ID]int{}, refused: map[peer.ID]string{}}
}

func (r *recorder) Joined(p peer.ID) { r.mu.Lock(); defer r.mu.Unlock(); r.joined[p]++ }
func (r *recorder) Lost(p peer.ID)   { r.mu.Lock(); defer r.mu.Unlock(); r.lost[p]++ }

// Doubt is not recorded: connections here die with their hosts.
func (r *recorder) Doubt(peer.ID) {}

func (r *recorder) Refused(p peer.ID, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[p] = reason
}

func (r *recorder) reason(p peer.ID) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused[p]
}

func devRules(t testing.TB) *core.Rules { return rulesOf(t, core.Dev()) }

func rulesOf(t testing.TB, p *core.Params) *core.Rules {
	t.Helper()
	rules, err := core.NewRules(p)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func genesisOf(rules *core.Rules) core.HeaderState { return rules.Params().GenesisState().HeaderState }

// clockShift takes synctest's clock, which begins in 2000, behind dev's genesis.
var clockShift = time.UnixMilli(int64(core.Dev().GenesisTime)).Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) + 24*time.Hour

func simNow() time.Time { return time.Now().Add(clockShift) }

func newSimulation(t *testing.T) *simulation {
	ctx, cancel := context.WithCancel(context.Background())
	sim := &simulation{
		t: t, rules: devRules(t), ctx: ctx, cut: map[string]bool{},
		net: &simnet.Simnet{LatencyFunc: simnet.StaticLatency(5 * time.Millisecond)},
	}
	sim.net.Start()
	t.Cleanup(func() {
		cancel()
		for _, stop := range slices.Backward(sim.stops) {
			stop()
		}
		sim.side.Wait()
		for _, n := range sim.nodes {
			n.Close()
		}
		sim.net.Close()
	})
	return sim
}

type fixedIP struct{ ip net.IP }

func (f fixedIP) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) { return f.ip, nil }

// cuttable drops packets of hosts that are cut off.
type cuttable struct {
	net.PacketConn
	sim *simulation
	ip  string
}

func (c *cuttable) WriteTo(b []byte, to net.Addr) (int, error) {
	c.sim.mu.Lock()
	drop := c.sim.cut[c.ip] || c.sim.cut[to.(*net.UDPAddr).IP.String()]
	c.sim.mu.Unlock()
	if drop {
		return len(b), nil
	}
	return c.PacketConn.WriteTo(b, to)
}

func (sim *simulation) setCut(n *testNode, cut bool) {
	sim.mu.Lock()
	defer sim.mu.Unlock()
	sim.cut[n.ip] = cut
}

// host makes a bare libp2p host. Keys are fixed by the order of making.
func (sim *simulation) host() *testNode {
	sim.t.Helper()
	i := len(sim.nodes)
	ip := simnet.IntToPublicIPv4(i)
	seed := sha256.Sum256(fmt.Appendf(nil, "host %d", i))
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519Key(seed))
	if err != nil {
		sim.t.Fatal(err)
	}
	const mbps = 1_000_000
	link := simnet.NodeBiDiLinkSettings{
		Downlink: simnet.LinkSettings{BitsPerSecond: 100 * mbps}, Uplink: simnet.LinkSettings{BitsPerSecond: 100 * mbps},
	}
	h, err := libp2p.New(
		libp2p.Identity(key), libp2p.NoTransports, libp2p.Transport(libp2pquic.NewTransport),
		libp2p.ListenAddrStrings("/ip4/"+ip.String()+"/udp/8555/quic-v1"),
		libp2p.DisableIdentifyAddressDiscovery(), libp2p.DisableMetrics(), libp2p.DisableRelay(),
		libp2p.ResourceManager(&p2pnetwork.NullResourceManager{}),
		libp2p.QUICReuse(func(l fx.Lifecycle, k quic.StatelessResetKey, tk quic.TokenGeneratorKey) (*quicreuse.ConnManager, error) {
			cm, err := quicreuse.NewConnManager(k, tk,
				quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return fixedIP{ip}, nil }),
				quicreuse.OverrideListenUDP(func(_ string, a *net.UDPAddr) (net.PacketConn, error) {
					return &cuttable{sim.net.NewEndpoint(a, link), sim, ip.String()}, nil
				}))
			if err == nil {
				l.Append(fx.StopHook(cm.Close))
			}
			return cm, err
		}))
	if err != nil {
		sim.t.Fatal(err)
	}
	n := &testNode{Host: h, ip: ip.String()}
	sim.nodes = append(sim.nodes, n)
	return n
}

// addPubSub gives a host a gossip router like that of package host.
func (sim *simulation) addPubSub(n *testNode) {
	sim.t.Helper()
	ps, err := pubsub.NewGossipSub(sim.ctx, n.Host,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(), pubsub.WithFloodPublish(true),
		pubsub.WithMessageIdFn(func(m *pb.Message) string { sum := sha256.Sum256(m.GetData()); return string(sum[:]) }))
	if err != nil {
		sim.t.Fatal(err)
	}
	n.ps = ps
}

// node makes a host and runs a service on it. change may alter the
// configuration.
func (sim *simulation) node(change ...func(*Config)) *testNode {
	sim.t.Helper()
	n := sim.host()
	n.chain, n.feedback = fakechain.New(sim.rules), newRecorder()
	cfg := Config{Host: n.Host, Chain: n.chain, Feedback: n.feedback, Now: simNow, Agent: fmt.Sprintf("test/%d", len(sim.nodes)-1)}
	if os.Getenv("PROTOCOL_TEST_LOG") != "" {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", len(sim.nodes)-1)
	}
	for _, f := range change {
		f(&cfg)
	}
	if c, ok := cfg.Chain.(*fakechain.Chain); ok {
		n.chain = c
	}
	n.pool, _ = cfg.Pool.(*fakechain.Pool)
	if !cfg.NoGossip {
		sim.addPubSub(n)
		cfg.PubSub = n.ps
	}
	s, err := New(cfg)
	if err != nil {
		sim.t.Fatal(err)
	}
	n.service = s
	ctx, cancel := context.WithCancel(sim.ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	synctest.Wait() // it has begun
	sim.stops = append(sim.stops, func() {
		cancel()
		if err := <-ended; err != nil {
			sim.t.Errorf("Run: %v", err)
		}
	})
	return n
}

func (sim *simulation) connect(a, b *testNode) {
	sim.t.Helper()
	ctx, cancel := context.WithTimeout(sim.ctx, 10*time.Second)
	defer cancel()
	if err := a.Connect(ctx, peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}); err != nil {
		sim.t.Fatal(err)
	}
}

func (sim *simulation) connectAll(nodes ...*testNode) {
	for i, a := range nodes {
		for _, b := range nodes[i+1:] {
			sim.connect(a, b)
		}
	}
}

// until waits in virtual time for a condition and returns how long that took.
func (sim *simulation) until(limit time.Duration, what string, ok func() bool) time.Duration {
	sim.t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > limit {
			sim.t.Fatalf("after %v: still not %s", limit, what)
		}
		time.Sleep(5 * time.Millisecond) // virtual
	}
	return time.Since(start)
}

func (sim *simulation) joined(a, b *testNode) bool {
	_, ab := a.service.peerJoined(b.ID())
	_, ba := b.service.peerJoined(a.ID())
	return ab && ba
}

func (n *testNode) state(p peer.ID) PeerState {
	for _, st := range n.service.Peers() {
		if st.ID == p {
			return st
		}
	}
	return PeerState{}
}

// mine adds n blocks to a node's tip, as a miner does.
func (n *testNode) mine(blocks int, salt uint32) core.Hash {
	made := fakechain.Make(n.chain.Rules(), n.chain.Tip(), blocks, salt)
	n.chain.Extend(made)
	return made[len(made)-1].ID()
}

func (sim *simulation) agree(tip core.Hash, nodes ...*testNode) func() bool {
	return func() bool {
		return !slices.ContainsFunc(nodes, func(n *testNode) bool { return n.chain.Tip().ID != tip })
	}
}

// pause waits in virtual time, and reports whether the test goes on.
func (sim *simulation) pause(d time.Duration) bool { return sleep(sim.ctx, d, nil) }
