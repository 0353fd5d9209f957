package protocol

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
)

// tcpNode runs a service without gossip on a host that listens on loopback TCP,
// outside of any bubble.
func tcpNode(t *testing.T, rules *core.Rules) *testNode {
	t.Helper()
	h, err := libp2p.New(libp2p.NoTransports, libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics(), libp2p.DisableRelay())
	if err != nil {
		t.Fatal(err)
	}
	n := &testNode{Host: h, chain: fakechain.New(rules), feedback: newRecorder()}
	now := func() time.Time { return time.UnixMilli(int64(rules.Params().GenesisTime)).Add(24 * time.Hour) }
	n.service, err = New(Config{Host: h, Chain: n.chain, Feedback: n.feedback, NoGossip: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.service.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		h.Close()
	})
	return n
}

// The simulations run over QUIC; TCP's streams differ in resets and deadlines.
func TestOverTCP(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	rules := devRules(t)
	a, b, other := tcpNode(t, rules), tcpNode(t, rules), tcpNode(t, otherRules(t))
	blocks := fakechain.Make(rules, genesisOf(rules), 3000, 1)
	a.chain.Extend(blocks)
	changed, stop := b.chain.Subscribe()
	defer stop()
	if err := b.Connect(ctx, peer.AddrInfo{ID: a.ID(), Addrs: a.Addrs()}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.service.WaitJoined(ctx, b.ID()), b.service.WaitJoined(ctx, a.ID())); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for b.chain.Tip().Height < 3000 {
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("synced to height %d only", b.chain.Tip().Height)
		}
	}
	t.Logf("3,000 blocks in %v", time.Since(start))
	if err := a.Connect(ctx, peer.AddrInfo{ID: other.ID(), Addrs: other.Addrs()}); err != nil {
		t.Fatal(err)
	}
	var ge *GenesisError
	if err := a.service.WaitJoined(ctx, other.ID()); !errors.As(err, &ge) {
		t.Errorf("one side: %v", err)
	}
	if err := other.service.WaitJoined(ctx, a.ID()); !errors.As(err, &ge) {
		t.Errorf("the other: %v", err)
	}
}
