package discovery

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// A node's TXT record holds these strings:
//
//	genesis=<64 hex digits>
//	agent=<name/version>                       optional
//	dnsaddr=<multiaddr>/p2p/<peer id>          one or more
const (
	txtGenesis = "genesis="
	txtAgent   = "agent="
	txtAddr    = "dnsaddr="

	maxTXTString  = 255  // bytes, by the DNS format
	maxTXTBytes   = 1000 // bytes of all strings, so that a response fits one packet of 1,500
	maxTXTStrings = 32   // strings that are read of a record
	maxAgent      = 64   // bytes
	genesisDigits = 64
)

// encodeTXT makes the TXT record of a node with the given addresses, each
// ending in /p2p/<own id>, best first; those for which there is no room are
// left out.
func encodeTXT(genesis, agent string, addrs []ma.Multiaddr) []string {
	txt := []string{txtGenesis + genesis}
	if agent = printable(agent); agent != "" {
		txt = append(txt, txtAgent+agent)
	}
	size, n := 0, 0
	for _, s := range txt {
		size += len(s) + 1
	}
	for _, a := range addrs {
		s := txtAddr + a.String()
		if plain, _ := peer.SplitAddr(a); !advertised(plain) || len(s) > maxTXTString || size+len(s)+1 > maxTXTBytes || n == maxAddrs {
			continue
		}
		txt = append(txt, s)
		size += len(s) + 1
		n++
	}
	return txt
}

// advertised reports whether an address, without /p2p, belongs into a TXT
// record: an IP with plain TCP or QUIC. (WebSocket is for browsers, which do
// not hear mDNS.)
func advertised(a ma.Multiaddr) bool {
	if len(a) < 2 || manet.IsIP6LinkLocal(a) || manet.IsIPUnspecified(a) {
		return false
	}
	code := func(i int) int { return a[i].Protocol().Code }
	if code(0) != ma.P_IP4 && code(0) != ma.P_IP6 {
		return false
	}
	return len(a) == 2 && code(1) == ma.P_TCP ||
		len(a) == 3 && code(1) == ma.P_UDP && code(2) == ma.P_QUIC_V1
}

var (
	errNoGenesis = errors.New("no valid genesis")
	errNoAddr    = errors.New("no usable address")
	errTwoPeers  = errors.New("addresses of two peers")
)

// parseTXT reads a record that a stranger sent. It fails if the record cannot
// be one of ours; single strings that it does not understand it skips. With
// sameHost false, loopback addresses are skipped, too: they would lead to
// ourselves.
func parseTXT(txt []string, sameHost bool) (Found, error) {
	f := Found{Kind: KindMDNS}
	for _, s := range txt[:min(len(txt), maxTXTStrings)] {
		if g, ok := strings.CutPrefix(s, txtGenesis); ok {
			f.Genesis = g
			continue
		}
		value, ok := strings.CutPrefix(s, txtAddr)
		if !ok || len(s) > maxTXTString {
			continue
		}
		a, p, err := parseAddr(value)
		if err != nil {
			continue
		}
		if f.Peer != "" && f.Peer != p {
			return Found{}, errTwoPeers
		}
		f.Peer = p
		if advertised(a) && (sameHost || !manet.IsIPLoopback(a)) {
			f.Addrs, _ = mergeAddrs(f.Addrs, []ma.Multiaddr{a})
		}
	}
	if raw, err := hex.DecodeString(f.Genesis); err != nil || 2*len(raw) != genesisDigits || strings.ToLower(f.Genesis) != f.Genesis {
		return Found{}, errNoGenesis
	}
	if len(f.Addrs) == 0 {
		return Found{}, errNoAddr
	}
	return f, nil
}

func parseAddr(s string) (ma.Multiaddr, peer.ID, error) {
	m, err := ma.NewMultiaddr(s)
	if err != nil {
		return nil, "", fmt.Errorf("multiaddr: %w", err)
	}
	a, p := peer.SplitAddr(m)
	if p.Validate() != nil || len(a) == 0 {
		return nil, "", errNoAddr
	}
	return a, p, nil
}

// printable returns s cut to maxAgent bytes, without what is not printable
// ASCII or would need escaping in a TXT record.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), maxAgent)]
}
