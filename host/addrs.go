package host

import (
	"net"
	"slices"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// DialableAddrs returns the addresses under which others can dial this host
// now, each with /p2p/ID: a listener on every interface gives one address per
// interface IP. Addresses of the LAN come first, IPv4 before IPv6, and
// loopback last. Link-local IPv6 addresses are left out, since they mean
// nothing without the name of the dialler's interface.
//
// The interfaces are read at each call (libp2p caches them for a minute, too
// long for a host whose address changes).
func (h *Host) DialableAddrs() []ma.Multiaddr {
	own := interfaceIPs()
	var plain []ma.Multiaddr
	for _, a := range h.Network().ListenAddresses() {
		plain = append(plain, expand(a, own)...)
	}
	slices.SortFunc(plain, func(a, b ma.Multiaddr) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return a.Compare(b)
	})
	plain = slices.CompactFunc(plain, ma.Multiaddr.Equal)

	p2p, err := ma.NewComponent("p2p", h.ID().String())
	if err != nil {
		return nil // a host's id always encodes
	}
	out := make([]ma.Multiaddr, 0, len(plain))
	for _, a := range plain {
		out = append(out, a.Encapsulate(p2p.Multiaddr()))
	}
	return out
}

// expand replaces an unspecified IP by each own IP of the same family.
func expand(a ma.Multiaddr, own []net.IP) []ma.Multiaddr {
	ip, err := manet.ToIP(a)
	if err != nil || !ip.IsUnspecified() {
		return []ma.Multiaddr{a}
	}
	_, rest := ma.SplitFirst(a)
	var out []ma.Multiaddr
	for _, o := range own {
		if (o.To4() != nil) != (ip.To4() != nil) {
			continue
		}
		if first, err := manet.FromIP(o); err == nil {
			out = append(out, first.Encapsulate(rest))
		}
	}
	return out
}

// interfaceIPs returns the addresses of all interfaces that are up, without
// link-local IPv6 ones.
func interfaceIPs() []net.IP {
	ifaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	var ips []net.IP
	for _, i := range ifaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it went away
		}
		for _, a := range addrs {
			n, ok := a.(*net.IPNet)
			if ok && (n.IP.To4() != nil || !n.IP.IsLinkLocalUnicast()) {
				ips = append(ips, n.IP)
			}
		}
	}
	return ips
}

// rank orders addresses by how likely a stranger on the LAN can use them.
func rank(a ma.Multiaddr) int {
	ip, err := manet.ToIP(a)
	switch {
	case err != nil:
		return 2
	case ip.IsLoopback():
		return 3
	case ip.To4() == nil:
		return 1
	}
	return 0
}
