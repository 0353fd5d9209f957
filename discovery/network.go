package discovery

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/libp2p/go-libp2p/core/event"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"
	msmux "github.com/multiformats/go-multistream"
)

// Network is what the Dialer needs of a libp2p host.
type Network interface {
	// ID is our own peer id.
	ID() peer.ID

	// Connect dials now, whatever failed before, unless connected.
	Connect(ctx context.Context, info peer.AddrInfo) error

	// Connected reports whether there is a connection with p.
	Connected(p peer.ID) bool

	// Disconnect closes every connection with p.
	Disconnect(p peer.ID) error

	// Check closes those connections with p over which p does not answer
	// before ctx is done.
	Check(ctx context.Context, p peer.ID)

	// Addrs returns addresses under which p could be dialled, best first.
	Addrs(p peer.ID) []ma.Multiaddr

	// Protect keeps the connection manager from trimming p, or lets it.
	Protect(p peer.ID, on bool)

	// Watch calls changed after each change of Connected, at first for every
	// peer that is connected already, until ctx is done.
	Watch(ctx context.Context, changed func(peer.ID)) error
}

const (
	watchBuffer = 1024       // connectedness events before libp2p has to wait
	protectTag  = "ingchain" // names our protection in the connection manager
	pingSize    = ping.PingSize
)

// Libp2p returns a host's view as a Network.
func Libp2p(h p2phost.Host) Network { return libp2pNetwork{h} }

type libp2pNetwork struct{ h p2phost.Host }

func (n libp2pNetwork) ID() peer.ID { return n.h.ID() }

func (n libp2pNetwork) Connect(ctx context.Context, info peer.AddrInfo) error {
	// The swarm's own back-off starts at 5 s and grows to minutes: too long
	// for a LAN. ForceDirectDial passes it by; clearing it keeps others who
	// dial, such as gossipsub, from being told of it.
	if sw, ok := n.h.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		sw.Backoff().Clear(info.ID)
	}
	if !n.Connected(info.ID) {
		// Only the given addresses are dialled, not what the peerstore still
		// has from before the peer moved, nor what somebody said of it.
		n.h.Peerstore().ClearAddrs(info.ID)
	}
	return n.h.Connect(p2pnetwork.WithForceDirectDial(ctx, "discovery"), info)
}

func (n libp2pNetwork) Connected(p peer.ID) bool {
	return n.h.Network().Connectedness(p) == p2pnetwork.Connected
}

func (n libp2pNetwork) Disconnect(p peer.ID) error { return n.h.Network().ClosePeer(p) }

func (n libp2pNetwork) Check(ctx context.Context, p peer.ID) {
	var wg sync.WaitGroup
	for _, c := range n.h.Network().ConnsToPeer(p) {
		wg.Go(func() {
			if err := answers(ctx, c); err != nil {
				c.Close() // the error is that of a connection known to be dead
			}
		})
	}
	wg.Wait()
}

// answers returns nil if the other side of c answers at all. It asks over
// this one connection, whereas a ping of the peer would choose the oldest.
func answers(ctx context.Context, c p2pnetwork.Conn) error {
	s, err := c.NewStream(p2pnetwork.WithNoDial(ctx, "check"))
	if err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	defer s.Close()
	if err := s.SetProtocol(ping.ID); err != nil {
		_ = s.Reset()
		return nil // our own limits: this says nothing of the peer
	}
	err = msmux.SelectProtoOrFail(ping.ID, s)
	var unsupported msmux.ErrNotSupported[string]
	if errors.As(err, &unsupported) {
		return nil // an answer, too
	}
	if err != nil {
		return fmt.Errorf("select ping: %w", err)
	}
	var sent, got [pingSize]byte
	rand.Read(sent[:])
	if _, err := s.Write(sent[:]); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if _, err := io.ReadFull(s, got[:]); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if !bytes.Equal(sent[:], got[:]) {
		return errors.New("ping: the answer differs")
	}
	return nil
}

func (n libp2pNetwork) Addrs(p peer.ID) []ma.Multiaddr {
	var addrs []ma.Multiaddr
	for _, c := range n.h.Network().ConnsToPeer(p) {
		if c.Stat().Direction == p2pnetwork.DirOutbound { // inbound ones come from a passing port
			addrs = append(addrs, c.RemoteMultiaddr())
		}
	}
	for _, a := range n.h.Peerstore().Addrs(p) {
		if _, err := a.ValueForProtocol(ma.P_CIRCUIT); err != nil {
			addrs = append(addrs, a)
		}
	}
	merged, _ := mergeAddrs(addrs, nil)
	return merged
}

func (n libp2pNetwork) Protect(p peer.ID, on bool) {
	if on {
		n.h.ConnManager().Protect(p, protectTag)
	} else {
		n.h.ConnManager().Unprotect(p, protectTag)
	}
}

func (n libp2pNetwork) Watch(ctx context.Context, changed func(peer.ID)) error {
	sub, err := n.h.EventBus().Subscribe(new(event.EvtPeerConnectednessChanged), eventbus.BufSize(watchBuffer))
	if err != nil {
		return fmt.Errorf("watch connections: %w", err)
	}
	defer sub.Close()
	for _, p := range n.h.Network().Peers() {
		changed(p)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-sub.Out():
			if !ok {
				return errors.New("watch connections: the host was closed")
			}
			changed(e.(event.EvtPeerConnectednessChanged).Peer)
		}
	}
}
