package host

import (
	"math"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/x/rate"
)

// Limits for a LAN of about 200 nodes, each of which may briefly hold two
// connections to another.
const (
	connLow   = 256              // connections: trimming stops here
	connHigh  = 384              // connections: trimming starts here
	connGrace = 20 * time.Second // age below which a connection is not trimmed

	maxConns          = 1024  // connections in all
	maxConnsInbound   = 768   // connections that others opened
	maxConnsOutbound  = 768   // connections that we opened
	maxConnsTransient = 512   // connections before the end of their handshakes
	maxStreams        = 16384 // streams in all
	maxNewStreams     = 8192  // streams whose protocol is not agreed on yet; libp2p allows a peer 256 and more
	maxConnsPerPeer   = 8     // connections with one peer id
)

// lanPrefixes are the ranges in which a LAN's addresses lie: RFC 1918, RFC
// 6598 (overlay networks), loopback, link-local and unique local.
//
// libp2p's defaults (8 connections per IPv4 address, one new one every five
// seconds) are made for the open internet. On a LAN many nodes may share an
// address, so there no limit per address holds; the system's limits do.
var lanPrefixes = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("fc00::/7"),
	netip.MustParsePrefix("fe80::/10"),
}

// newResourceManager returns a manager with the limits above. With metrics
// false it reports to nobody.
func newResourceManager(metrics bool) (network.ResourceManager, error) {
	scaling := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaling)
	limits := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: maxConns, ConnsInbound: maxConnsInbound, ConnsOutbound: maxConnsOutbound,
			Streams: maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams,
		},
		Transient: rcmgr.ResourceLimits{
			Conns: maxConnsTransient, ConnsInbound: maxConnsTransient, ConnsOutbound: maxConnsTransient,
			Streams: maxNewStreams, StreamsInbound: maxNewStreams, StreamsOutbound: maxNewStreams,
		},
		PeerDefault: rcmgr.ResourceLimits{
			Conns: maxConnsPerPeer, ConnsInbound: maxConnsPerPeer, ConnsOutbound: maxConnsPerPeer,
		},
	}.Build(scaling.AutoScale())

	v4, v6 := connLimits()
	opts := []rcmgr.Option{rcmgr.WithNetworkPrefixLimit(v4, v6), rcmgr.WithConnRateLimiters(connRates())}
	if !metrics {
		opts = append(opts, rcmgr.WithMetricsDisabled())
	}
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits), opts...)
}

func connLimits() (v4, v6 []rcmgr.NetworkPrefixLimit) {
	for _, p := range lanPrefixes {
		l := rcmgr.NetworkPrefixLimit{Network: p, ConnCount: math.MaxInt}
		if p.Addr().Is4() {
			v4 = append(v4, l)
		} else {
			v6 = append(v6, l)
		}
	}
	return v4, v6
}

// connRates limits how fast new connections come: not at all from the LAN, by
// libp2p's own figures from elsewhere. (A limiter given to libp2p replaces its
// default, so the latter is repeated here.)
func connRates() *rate.Limiter {
	perAddr := rate.Limit{RPS: 0.2, Burst: 16}
	lim := &rate.Limiter{SubnetRateLimiter: rate.SubnetLimiter{
		IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: perAddr}},
		IPv6SubnetLimits: []rate.SubnetLimit{
			{PrefixLength: 56, Limit: perAddr},
			{PrefixLength: 48, Limit: rate.Limit{RPS: 0.5, Burst: 80}},
		},
		GracePeriod: time.Minute,
	}}
	for _, p := range lanPrefixes {
		// A zero limit means none.
		lim.NetworkPrefixLimits = append(lim.NetworkPrefixLimits, rate.PrefixLimit{Prefix: p})
	}
	return lim
}

func newConnManager() (*connmgr.BasicConnMgr, error) {
	return connmgr.NewConnManager(connLow, connHigh, connmgr.WithGracePeriod(connGrace))
}
