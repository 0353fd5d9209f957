package simulation

import (
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"
)

const (
	port          = 8555
	bitsPerSecond = 1_000_000_000 // of each node's link, both ways
)

// links is the simulated wire between all nodes.
type links struct {
	sim      *simnet.Simnet
	seed     uint64
	min, max time.Duration // one-way latency; each pair has its own, fixed

	mu    sync.Mutex // guards what follows
	rng   *rand.Rand
	loss  float64        // probability that a packet is lost
	sides map[string]int // IP -> side of the partition; nil without one

	sent, dropped atomic.Uint64
}

func newLinks(seed uint64, minLatency, maxLatency time.Duration, loss float64) *links {
	l := &links{seed: seed, min: minLatency, max: maxLatency, loss: loss, rng: rand.New(rand.NewPCG(seed, 1))}
	l.sim = &simnet.Simnet{
		LatencyFunc: func(p *simnet.Packet) time.Duration { return l.latency(p.From, p.To) },
		Logger:      slog.New(slog.DiscardHandler),
	}
	return l
}

// latency is the same both ways and for all packets of a pair.
func (l *links) latency(from, to net.Addr) time.Duration {
	a, b := ipOf(from), ipOf(to)
	if b < a {
		a, b = b, a
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %s", l.seed, a, b)
	return l.min + time.Duration(h.Sum64()%uint64(l.max-l.min+1))
}

func ipOf(a net.Addr) string { return a.(*net.UDPAddr).IP.String() }

// partition cuts every link between nodes of different sides.
func (l *links) partition(sides map[string]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sides = sides
}

func (l *links) passes(from, to string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sides[from] != l.sides[to] {
		return false
	}
	return l.loss == 0 || l.rng.Float64() >= l.loss
}

// wire is a node's socket, from which packets get lost.
type wire struct {
	*simnet.SimConn
	links *links
	ip    string
}

// WriteTo implements [net.PacketConn]. A lost packet counts as written, as on
// any network.
func (w *wire) WriteTo(p []byte, to net.Addr) (int, error) {
	w.links.sent.Add(1)
	if !w.links.passes(w.ip, ipOf(to)) {
		w.links.dropped.Add(1)
		return len(p), nil
	}
	return w.SimConn.WriteTo(p, to)
}

// sourceIP makes libp2p send from a node's address.
type sourceIP net.IP

// PreferredSourceIPForDestination implements [quicreuse.SourceIPSelector].
func (s sourceIP) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	return net.IP(s), nil
}

// nodeIP is the address of a node: a LAN's, as the product's dialer and limits
// make a difference.
func nodeIP(i int) net.IP { return net.IPv4(10, 0, byte(i/200), byte(1+i%200)).To4() }

func nodeAddr(i int) ma.Multiaddr {
	return ma.StringCast(fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", nodeIP(i), port))
}

// newHost starts a libp2p host that lives on the wire.
func (l *links) newHost(i int, key crypto.PrivKey) (p2phost.Host, error) {
	ip := nodeIP(i)
	speed := simnet.NodeBiDiLinkSettings{
		Downlink: simnet.LinkSettings{BitsPerSecond: bitsPerSecond},
		Uplink:   simnet.LinkSettings{BitsPerSecond: bitsPerSecond},
	}
	reuse := func(lc fx.Lifecycle, reset quic.StatelessResetKey, token quic.TokenGeneratorKey) (*quicreuse.ConnManager, error) {
		cm, err := quicreuse.NewConnManager(reset, token,
			quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return sourceIP(ip), nil }),
			quicreuse.OverrideListenUDP(func(_ string, a *net.UDPAddr) (net.PacketConn, error) {
				return &wire{l.sim.NewEndpoint(a, speed), l, a.IP.String()}, nil
			}))
		if err != nil {
			return nil, err
		}
		lc.Append(fx.StopHook(cm.Close)) // libp2p closes only one that it made itself
		return cm, nil
	}
	h, err := libp2p.New(
		libp2p.Identity(key),
		libp2p.NoTransports,
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.QUICReuse(reuse),
		libp2p.ListenAddrs(nodeAddr(i)),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.DisableMetrics(),
		libp2p.DisableRelay(),
	)
	if err != nil {
		return nil, fmt.Errorf("start host %d: %w", i, err)
	}
	return h, nil
}
