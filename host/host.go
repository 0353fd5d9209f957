// Package host makes the libp2p host that a node lives on: its identity, its
// listeners (TCP, QUIC, WebSocket), limits that suit a LAN, and the gossipsub
// router.
//
// It knows nothing of blocks, and does not look for peers: package discovery
// does that, package protocol speaks with them. Start at New, or at Wrap if a
// libp2p host exists already.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ws "github.com/libp2p/go-libp2p/p2p/transport/websocket"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"
)

// Config says what a Host is to be. The zero value of a field is its default;
// only Identity (for New) has none.
type Config struct {
	// Identity is the node's key; see LoadOrCreateIdentity. Wrap ignores it.
	Identity crypto.PrivKey

	// Listen are the addresses to listen on. Each must be bound, or New fails
	// with a *ListenError. Empty means the default ports on every interface.
	Listen []ma.Multiaddr

	// LoopbackOnly makes the default listeners bind 127.0.0.1 and ::1 only.
	LoopbackOnly bool

	// PortsFile remembers which ports the default listeners got, so that a
	// node whose default port was taken keeps its other one over restarts.
	// Empty: nothing is remembered.
	PortsFile string

	// Topics are the only gossip topics that this host, or a peer of it, can
	// subscribe to.
	Topics []string

	// MaxMessageSize is the largest gossip message in bytes, RPC framing
	// included. Default: DefaultMaxMessageSize. It must be the same on every
	// node of a network.
	MaxMessageSize int

	// UserAgent is told to peers, for example "ingchain/1.2.3". Default:
	// "ingchain".
	UserAgent string

	// ConnectionGater, if not nil, can refuse connections.
	ConnectionGater connmgr.ConnectionGater

	// Registerer, if not nil, gets libp2p's metrics.
	Registerer prometheus.Registerer

	// Log gets warnings about ports. Default: slog.Default().
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.MaxMessageSize == 0 {
		c.MaxMessageSize = DefaultMaxMessageSize
	}
	if c.UserAgent == "" {
		c.UserAgent = "ingchain"
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Host is a libp2p host with a gossipsub router. Its methods may be called
// from any goroutine.
type Host struct {
	p2phost.Host

	pubsub     *pubsub.PubSub
	stopPubSub context.CancelFunc
	ports      Ports

	closeOnce sync.Once
	closeErr  error
}

// New starts a host that listens and gossips. Close ends it.
func New(cfg Config) (*Host, error) {
	cfg = cfg.withDefaults()
	if cfg.Identity == nil {
		return nil, errors.New("host: no identity given")
	}
	h, err := newLibp2p(cfg)
	if err != nil {
		return nil, err
	}
	ports, err := listen(h, cfg)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	host, err := Wrap(h, cfg)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	host.ports = ports
	return host, nil
}

// Wrap makes a Host of an existing libp2p host by adding the gossipsub router.
// Of cfg it uses what concerns gossip. Closing the result closes h; if Wrap
// fails, h stays open.
func Wrap(h p2phost.Host, cfg Config) (*Host, error) {
	ctx, cancel := context.WithCancel(context.Background())
	ps, err := newPubSub(ctx, h, cfg.withDefaults())
	if err != nil {
		cancel()
		return nil, err
	}
	return &Host{Host: h, pubsub: ps, stopPubSub: cancel}, nil
}

// newLibp2p assembles the libp2p host, which does not listen yet: see listen.
func newLibp2p(cfg Config) (p2phost.Host, error) {
	rm, err := newResourceManager(cfg.Registerer != nil)
	if err != nil {
		return nil, fmt.Errorf("resource manager: %w", err)
	}
	cm, err := newConnManager()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connection manager: %w", err), rm.Close())
	}
	opts := []libp2p.Option{
		libp2p.Identity(cfg.Identity),
		libp2p.NoListenAddrs,
		// Dialling from the listen port turns two peers that dial each other
		// at once into one TCP simultaneous open, in which both are TLS
		// clients and fail, again and again where there is latency
		// (go-libp2p issue 2925). ShareTCPListener would undo
		// DisableReuseport, so WebSocket has a port of its own.
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Transport(quic.NewTransport),
		libp2p.Transport(ws.New),
		libp2p.Security(libp2ptls.ID, libp2ptls.New), // preferred: 44 % faster than Noise here
		libp2p.Security(noise.ID, noise.New),
		libp2p.ResourceManager(rm),
		libp2p.ConnectionManager(cm),
		libp2p.UserAgent(cfg.UserAgent),
		libp2p.DisableRelay(),
	}
	if cfg.Registerer != nil {
		opts = append(opts, libp2p.PrometheusRegisterer(cfg.Registerer))
	} else {
		opts = append(opts, libp2p.DisableMetrics())
	}
	if cfg.ConnectionGater != nil {
		opts = append(opts, libp2p.ConnectionGater(cfg.ConnectionGater))
	}
	h, err := libp2p.New(opts...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start libp2p: %w", err), cm.Close(), rm.Close())
	}
	return h, nil
}

// PubSub returns the gossipsub router. It stops when the Host is closed.
func (h *Host) PubSub() *pubsub.PubSub { return h.pubsub }

// Ports returns the ports of the default listeners; zero where there are none
// (explicit addresses, a wrapped host).
func (h *Host) Ports() Ports { return h.ports }

// Close stops gossip and closes every connection and listener. Later calls
// return what the first one did.
//
// Some goroutines of libp2p end a moment after Close has returned: gossipsub's
// event loop and its per-peer writers, and QUIC's receive loops.
func (h *Host) Close() error {
	h.closeOnce.Do(func() {
		h.stopPubSub()
		h.closeErr = h.Host.Close()
	})
	return h.closeErr
}
