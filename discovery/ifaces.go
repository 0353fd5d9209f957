package discovery

import (
	"net"
	"net/netip"
	"slices"
	"strings"
)

// maxRecordIPs is how many of our own IPs go into A and AAAA records.
const maxRecordIPs = 8

// iface is a network interface that is up, with its addresses.
type iface struct {
	net.Interface
	ips []netip.Addr
}

// interfaces returns the interfaces that mDNS speaks on: those that are up,
// can multicast, and have an address, and loopback, which works even without
// the MULTICAST flag that Linux does not give it. Loopback is always among
// them, so that nodes of one machine find each other whatever comes and goes.
func interfaces() ([]iface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []iface
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&(net.FlagMulticast|net.FlagLoopback) == 0 {
			continue
		}
		if ips := ipsOf(i); len(ips) > 0 {
			out = append(out, iface{i, ips})
		}
	}
	return out, nil
}

func ipsOf(i net.Interface) []netip.Addr {
	addrs, err := i.Addrs()
	if err != nil {
		return nil // it went away
	}
	var ips []netip.Addr
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				ips = append(ips, ip.Unmap())
			}
		}
	}
	return ips
}

// recordIPs chooses what a host tells of itself in A and AAAA records, by
// which others know whether it is the same as theirs: its addresses on the
// LAN, or a loopback one if there are none.
func recordIPs(ifs []iface) []string {
	var lan, linkLocal, loopback []string
	for _, i := range ifs {
		for _, ip := range i.ips {
			switch {
			case ip.IsLoopback():
				loopback = append(loopback, ip.String())
			case ip.Is6() && ip.IsLinkLocalUnicast():
				linkLocal = append(linkLocal, ip.String())
			default:
				lan = append(lan, ip.String())
			}
		}
	}
	for _, ips := range [][]string{lan, linkLocal, loopback} {
		if len(ips) > 0 {
			slices.Sort(ips)
			return ips[:min(len(ips), maxRecordIPs)]
		}
	}
	return nil
}

// sameHost reports whether all of the IPs that another node told of its host
// are ours. (One of them is not enough: two hosts may both have, say, a
// container bridge 172.17.0.1.)
func sameHost(theirs []net.IP, ours map[netip.Addr]bool) bool {
	for _, t := range theirs {
		ip, ok := netip.AddrFromSlice(t)
		if !ok || !ours[ip.Unmap()] {
			return false
		}
	}
	return len(theirs) > 0
}

// localAddrs describes the machine's addresses; it changes when they do.
func localAddrs() string {
	ifs, err := interfaces()
	if err != nil {
		return ""
	}
	return describe(ifs)
}

func describe(ifs []iface) string {
	var b strings.Builder
	for _, i := range ifs {
		b.WriteString(i.Name)
		for _, ip := range i.ips {
			b.WriteByte(' ')
			b.WriteString(ip.String())
		}
		b.WriteByte('\n')
	}
	return b.String()
}
