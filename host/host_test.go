package host

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"
)

const waitLimit = 10 * time.Second

func testKey(t *testing.T) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// testHost starts a host on free loopback ports; cfg may say otherwise.
func testHost(t *testing.T, cfg Config) *Host {
	t.Helper()
	h, err := tryHost(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func tryHost(t *testing.T, cfg Config) (*Host, error) {
	t.Helper()
	cfg.Identity = testKey(t)
	cfg.Log = slog.New(slog.DiscardHandler)
	h, err := New(cfg)
	if err == nil {
		t.Cleanup(func() { h.Close() })
	}
	return h, err
}

func maddrs(s ...string) (out []ma.Multiaddr) {
	for _, a := range s {
		out = append(out, ma.StringCast(a))
	}
	return out
}

// connect makes a dial b.
func connect(t *testing.T, a, b *Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	info, err := peer.AddrInfoFromP2pAddr(b.DialableAddrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Connect(ctx, *info); err != nil {
		t.Fatal(err)
	}
}

func TestConnectOverEveryTransport(t *testing.T) {
	for _, addr := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0/ws"} {
		t.Run(addr, func(t *testing.T) {
			a := testHost(t, Config{Listen: maddrs(addr), UserAgent: "ingchain/test"})
			b := testHost(t, Config{Listen: maddrs(addr)})
			connect(t, b, a)
			conn := b.Network().ConnsToPeer(a.ID())[0]
			if got, want := conn.RemoteMultiaddr().String(), a.Network().ListenAddresses()[0].String(); got != want {
				t.Errorf("connected to %s, want %s", got, want)
			}
			if agent, _ := b.Peerstore().Get(a.ID(), "AgentVersion"); agent != "ingchain/test" {
				t.Errorf("agent = %v", agent)
			}
			if security := conn.ConnState().Security; strings.Contains(addr, "/tcp") && security != "/tls/1.0.0" {
				t.Errorf("security = %s, want TLS before Noise", security)
			}
		})
	}
}

func TestTakenDefaultPortGivesWayAndIsRemembered(t *testing.T) {
	// Whether or not somebody holds the default ports on this machine, the
	// first host holds some, and the second must get others and keep them.
	first := testHost(t, Config{LoopbackOnly: true})
	file := filepath.Join(t.TempDir(), "ports.json")
	if err := writePorts(file, first.Ports()); err != nil {
		t.Fatal(err)
	}
	second := testHost(t, Config{LoopbackOnly: true, PortsFile: file})
	got := second.Ports()
	if got.P2P == 0 || got.WebSocket == 0 || got.P2P == first.Ports().P2P || got.WebSocket == first.Ports().WebSocket {
		t.Fatalf("ports %+v beside %+v", got, first.Ports())
	}
	first.Close() // its ports are free again, but the second keeps its own
	second.Close()
	third := testHost(t, Config{LoopbackOnly: true, PortsFile: file})
	if third.Ports() != got {
		t.Errorf("after a restart ports are %+v, want %+v", third.Ports(), got)
	}
	for _, a := range third.Network().ListenAddresses() {
		if !strings.Contains(a.String(), fmt.Sprint("/", got.P2P)) && !strings.Contains(a.String(), fmt.Sprint("/", got.WebSocket)) {
			t.Errorf("listens on %s, outside %+v", a, got)
		}
	}
}

func TestPortTakenOnUDPOnlyGivesWay(t *testing.T) {
	taken, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.LocalAddr().(*net.UDPAddr).Port
	file := filepath.Join(t.TempDir(), "ports.json")
	if err := writePorts(file, Ports{P2P: port}); err != nil {
		t.Fatal(err)
	}
	h := testHost(t, Config{LoopbackOnly: true, PortsFile: file})
	if h.Ports().P2P == port {
		t.Fatalf("kept port %d though its UDP side is taken", port)
	}
	for _, a := range h.Network().ListenAddresses() {
		if strings.Contains(a.String(), fmt.Sprint("/tcp/", port)) {
			t.Errorf("half of the port is still bound: %s", a)
		}
	}
}

func TestDamagedPortsFileIsReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ports.json")
	if err := os.WriteFile(file, []byte(`{"p2p":99999999}`), 0o600); err != nil {
		t.Fatal(err)
	}
	h := testHost(t, Config{LoopbackOnly: true, PortsFile: file})
	if saved, err := readPorts(file); err != nil || saved != h.Ports() {
		t.Errorf("file holds %+v (%v), want %+v", saved, err, h.Ports())
	}
}

func TestTakenExplicitAddressIsAnError(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", taken.Addr().(*net.TCPAddr).Port)
	_, err = tryHost(t, Config{Listen: maddrs("/ip4/127.0.0.1/tcp/0", addr)})
	var le *ListenError
	if !errors.As(err, &le) || le.Addr.String() != addr {
		t.Fatalf("error %v, want a ListenError for %s", err, addr)
	}
	if !strings.Contains(err.Error(), "in use") {
		t.Errorf("error %q does not name the cause", err)
	}
}

func TestDialableAddrs(t *testing.T) {
	h := testHost(t, Config{Listen: maddrs("/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/tcp/0/ws")})
	addrs := h.DialableAddrs()
	loopback, ws := false, false
	for _, a := range addrs {
		if strings.Contains(a.String(), "0.0.0.0") || !strings.HasSuffix(a.String(), "/p2p/"+h.ID().String()) {
			t.Errorf("%s cannot be dialled", a)
		}
		isLoopback := strings.HasPrefix(a.String(), "/ip4/127.")
		if loopback && !isLoopback {
			t.Errorf("%s comes after loopback", a)
		}
		loopback = loopback || isLoopback
		ws = ws || strings.Contains(a.String(), "/ws/")
	}
	if !loopback || !ws {
		t.Errorf("no loopback or no WebSocket address in %v", addrs)
	}
}

func TestLANLimits(t *testing.T) {
	v4, v6 := connLimits()
	rates := connRates()
	for _, ip := range []string{"127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.7.7", "169.254.1.1", "::1", "fd00::7", "fe80::1"} {
		addr := netip.MustParseAddr(ip)
		found := false
		for _, l := range append(v4, v6...) {
			found = found || l.Network.Contains(addr) && l.ConnCount > maxConns
		}
		if !found {
			t.Errorf("%s has a connection limit of its own", ip)
		}
		for range 1000 {
			if !rates.Allow(addr) {
				t.Fatalf("%s is rate limited", ip)
			}
		}
	}
	public := netip.MustParseAddr("8.8.8.8")
	allowed := 0
	for range 100 {
		if rates.Allow(public) {
			allowed++
		}
	}
	if allowed > 17 {
		t.Errorf("a public address got %d connections at once", allowed)
	}
}

func TestManyConnectionsFromOneLANAddress(t *testing.T) {
	rm, err := newResourceManager(false)
	if err != nil {
		t.Fatal(err)
	}
	defer rm.Close()
	open := func(addr string, n int) (opened int) {
		for range n {
			scope, err := rm.OpenConnection(p2pnetwork.DirInbound, true, ma.StringCast(addr))
			if err != nil {
				return opened
			}
			defer scope.Done()
			opened++
		}
		return opened
	}
	if got := open("/ip4/192.168.1.9/tcp/4001", 100); got != 100 {
		t.Errorf("%d of 100 connections from one LAN address", got)
	}
	if got := open("/ip4/8.8.8.8/tcp/4001", 100); got > 16 {
		t.Errorf("%d connections from one public address", got)
	}
	if got := open("/ip4/192.168.1.9/tcp/4001", 2*maxConns); got > maxConnsInbound {
		t.Errorf("%d connections in all, above the system's limit", got)
	}
}

// Streams on which one peer never names a protocol leave room for others'.
func TestUnnamedStreamsOfOnePeer(t *testing.T) {
	rm, err := newResourceManager(false)
	if err != nil {
		t.Fatal(err)
	}
	defer rm.Close()
	opened := 0
	for ; opened < maxNewStreams; opened++ {
		scope, err := rm.OpenStream("stuck", p2pnetwork.DirInbound)
		if err != nil {
			break
		}
		defer scope.Done()
	}
	scope, err := rm.OpenStream("honest", p2pnetwork.DirInbound)
	if err != nil {
		t.Fatalf("after %d streams of another peer: %v", opened, err)
	}
	scope.Done()
}

// A publisher reaches its peers without a mesh, and says nothing of itself.
func TestMessagesReachPeersAtOnce(t *testing.T) {
	const topic, other = "/t/1", "/t/other"
	quic := maddrs("/ip4/127.0.0.1/udp/0/quic-v1")
	a := testHost(t, Config{Listen: quic, Topics: []string{topic}})
	b := testHost(t, Config{Listen: quic, Topics: []string{topic, other}})
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()

	ta, err := a.PubSub().Join(topic)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.PubSub().Join(other); err == nil {
		t.Error("joined a topic that is not listed")
	}
	events, err := ta.EventHandler()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{other, topic} { // so that a hears of other first
		tb, err := b.PubSub().Join(name)
		if err != nil {
			t.Fatal(err)
		}
		sub, err := tb.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		if name == other {
			continue
		}
		if err := b.Connect(ctx, peer.AddrInfo{ID: a.ID(), Addrs: a.Network().ListenAddresses()}); err != nil {
			t.Fatal(err)
		}
		if _, err := events.NextPeerEvent(ctx); err != nil {
			t.Fatal(err)
		}
		// A peer's subscription may come before our own stream to it is open, and
		// until then gossipsub drops what we publish: the sync protocol's hellos
		// are there for that. So try until one gets through.
		arrived := make(chan *pubsub.Message, 1)
		go func() {
			m, err := sub.Next(ctx)
			if err != nil {
				t.Error(err)
			}
			arrived <- m
		}()
		m := publishUntil(ctx, t, ta, arrived)
		if m == nil || len(m.Data) != DefaultMaxMessageSize-4096 || len(m.GetFrom()) != 0 || m.Signature != nil {
			t.Errorf("the message differs, or tells its publisher: %v", m)
		}
	}
	if peers := a.PubSub().ListPeers(other); len(peers) != 0 {
		t.Errorf("a tracks %v on a topic it does not list", peers)
	}
}

// publishUntil publishes large messages, each different, until one arrives.
func publishUntil(ctx context.Context, t *testing.T, topic *pubsub.Topic, arrived <-chan *pubsub.Message) *pubsub.Message {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	data := make([]byte, DefaultMaxMessageSize-4096)
	for {
		data[0]++
		if err := topic.Publish(ctx, bytes.Clone(data)); err != nil {
			t.Fatal(err)
		}
		select {
		case m := <-arrived:
			return m
		case <-tick.C:
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	a := testHost(t, Config{LoopbackOnly: true, Topics: []string{"/t/1"}})
	b := testHost(t, Config{LoopbackOnly: true, Topics: []string{"/t/1"}})
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	a.Peerstore().AddAddrs(b.ID(), b.Network().ListenAddresses(), peerstore.TempAddrTTL)
	if err := a.Connect(ctx, peer.AddrInfo{ID: b.ID()}); err != nil {
		t.Fatal(err)
	}
	for _, h := range []*Host{a, b} {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	// They end a moment later; Find itself waits for about two seconds.
	var err error
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); {
		if err = goleak.Find(before); err == nil {
			return
		}
	}
	t.Error(err)
}

func TestWrap(t *testing.T) {
	inner, err := newLibp2p(Config{Identity: testKey(t)}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	h, err := Wrap(inner, Config{Topics: []string{"/t/1"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.PubSub().Join("/t/1"); err != nil {
		t.Error(err)
	}
	if len(h.DialableAddrs()) != 0 {
		t.Errorf("addresses %v without a listener", h.DialableAddrs())
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}
