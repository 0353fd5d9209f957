// Package discovery finds the other nodes of a network and keeps this one
// connected to them.
//
// Several sources tell of peers: mDNS on the LAN (MDNS), addresses that the
// user gave, and a saved list of peers that were joined before. All feed one
// Dialer, which alone decides whom to dial and when. The protocol layer tells
// the Dialer what it learned of a peer after connecting: Joined, Lost, Refused.
//
// The package does not know what a block is; a network is the hex of its
// genesis id. What a peer claims over mDNS is not authenticated, so nothing
// here trusts it beyond trying an address: libp2p's handshake proves the peer
// id, and hello, elsewhere, the network.
//
// Start at New and Dialer.Run.
package discovery

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// maxAddrs is how many addresses are kept for one peer.
const maxAddrs = 12

// Kind says where we know a peer from.
type Kind string

// The kinds, as `net peers` shows them.
const (
	KindMDNS    Kind = "mdns"    // heard on the LAN
	KindStatic  Kind = "static"  // given by the user
	KindSaved   Kind = "saved"   // joined in an earlier run
	KindInbound Kind = "inbound" // it dialled us
)

// Found is one sighting of a peer by a source.
type Found struct {
	Peer  peer.ID
	Addrs []ma.Multiaddr // without /p2p
	Kind  Kind

	// Genesis is the hex of the genesis id that the peer claims; peers of
	// another network than ours are listed and not dialled. Empty means that
	// the source does not know, and counts as ours.
	Genesis string

	// Instance, where a source has such a thing, changes when the peer
	// restarts or its addresses change: a reason to dial it at once, and to
	// doubt connections that it had before.
	Instance string
}

// Source is a way to learn of peers.
type Source interface {
	// Run calls sink for each sighting, the same peer as often as it is seen,
	// until ctx is done. It returns when it has stopped calling. sink does
	// not block.
	Run(ctx context.Context, sink func(Found)) error
}

// ParsePeers reads multiaddrs that end in /p2p/<peer id> and joins those of
// one peer. Names (/dns4, /dns6, /dnsaddr) are resolved when dialled.
func ParsePeers(addrs []string) ([]peer.AddrInfo, error) {
	var all []ma.Multiaddr
	for _, s := range addrs {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			return nil, fmt.Errorf("peer address %q: %w (an example: /ip4/192.168.1.7/tcp/8555/p2p/12D3Koo...)", s, err)
		}
		info, err := peer.AddrInfoFromP2pAddr(a)
		if err != nil {
			return nil, fmt.Errorf("peer address %s does not say who the peer is: append /p2p/<peer id>, which `ingchain id` prints there", s)
		}
		if len(info.Addrs) == 0 {
			return nil, fmt.Errorf("peer address %s does not say where the peer is: put /ip4/<address>/tcp/<port> before it", s)
		}
		all = append(all, a)
	}
	return peer.AddrInfosFromP2pAddrs(all...)
}

// mergeAddrs returns the addresses of fresh followed by those of old, without
// repeats, at most maxAddrs; more tells whether fresh had any that old had not.
func mergeAddrs(fresh, old []ma.Multiaddr) (merged []ma.Multiaddr, more bool) {
	merged = make([]ma.Multiaddr, 0, maxAddrs)
	for _, a := range fresh {
		if len(merged) == maxAddrs {
			break
		}
		if !ma.Contains(merged, a) {
			merged = append(merged, a)
			more = more || !ma.Contains(old, a)
		}
	}
	for _, a := range old {
		if len(merged) == maxAddrs {
			break
		}
		if !ma.Contains(merged, a) {
			merged = append(merged, a)
		}
	}
	return merged, more
}
