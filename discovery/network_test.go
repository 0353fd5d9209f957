package discovery

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
)

func tcpHost(t *testing.T, opts ...libp2p.Option) p2phost.Host {
	t.Helper()
	h, err := libp2p.New(append(opts, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(),
		libp2p.DisableMetrics(), libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// TestDialerOverLibp2p joins two hosts, cuts them, and blocks one.
func TestDialerOverLibp2p(t *testing.T) {
	gater := NewGater()
	a := tcpHost(t, libp2p.ConnectionGater(gater))
	b := tcpHost(t)
	d, err := New(Config{
		Network: Libp2p(a), Genesis: testGenesis, Gater: gater, Log: quiet,
		Static: []peer.AddrInfo{{ID: b.ID(), Addrs: b.Addrs()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	changes := make(chan bool, 16)
	a.Network().Notify(&p2pnetwork.NotifyBundle{
		ConnectedF:    func(p2pnetwork.Network, p2pnetwork.Conn) { changes <- true },
		DisconnectedF: func(p2pnetwork.Network, p2pnetwork.Conn) { changes <- false },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	want := func(connected bool) {
		t.Helper()
		select {
		case got := <-changes:
			if got != connected {
				t.Fatalf("connected: %v, want %v", got, connected)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("connected: still not %v", connected)
		}
	}
	want(true)
	Libp2p(a).Check(ctx, b.ID())
	if !Libp2p(a).Connected(b.ID()) {
		t.Fatal("Check closed a live connection")
	}
	d.Joined(b.ID())
	if err := b.Network().ClosePeer(a.ID()); err != nil {
		t.Fatal(err)
	}
	want(false)
	want(true)

	if err := d.Block(b.ID()); err != nil {
		t.Fatal(err)
	}
	want(false)
	if err := a.Connect(ctx, peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}); err == nil {
		t.Error("connected to a blocked peer")
	}
	if err := d.Connect(ctx, peer.AddrInfo{ID: b.ID()}); err != nil {
		t.Error(err)
	}
}

// TestCheckClosesDeadConnection puts a relay between two hosts that stops
// passing bytes without closing anything.
func TestCheckClosesDeadConnection(t *testing.T) {
	a, b := tcpHost(t), tcpHost(t)
	relay, freeze := silentRelay(t, b.Addrs()[0])
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := Libp2p(a).Connect(ctx, peer.AddrInfo{ID: b.ID(), Addrs: []ma.Multiaddr{relay}}); err != nil {
		t.Fatal(err)
	}
	freeze()
	short, cancelShort := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancelShort()
	Libp2p(a).Check(short, b.ID())
	if Libp2p(a).Connected(b.ID()) {
		t.Error("a dead connection is still there")
	}
}

func silentRelay(t *testing.T, to ma.Multiaddr) (addr ma.Multiaddr, freeze func()) {
	t.Helper()
	port, err := to.ValueForProtocol(ma.P_TCP)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	frozen := make(chan struct{})
	var conns []net.Conn
	ended := make(chan struct{}, 3)
	pass := func(dst, src net.Conn) {
		defer func() { ended <- struct{}{} }()
		buf := make([]byte, 4096)
		for {
			n, err := src.Read(buf)
			if err != nil {
				return
			}
			select {
			case <-frozen:
			default:
				_, _ = dst.Write(buf[:n])
			}
		}
	}
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp4", "127.0.0.1:"+port)
		if err != nil {
			in.Close()
			return
		}
		conns = []net.Conn{in, out}
		go pass(out, in)
		go pass(in, out)
	}()
	t.Cleanup(func() {
		l.Close()
		<-accepted
		for _, c := range conns {
			c.Close()
		}
		for range conns {
			<-ended
		}
	})
	_, listen, _ := net.SplitHostPort(l.Addr().String())
	return ma.StringCast("/ip4/127.0.0.1/tcp/" + listen), func() { close(frozen) }
}
