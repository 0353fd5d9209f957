package simulation

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/ingchain/ingchain/discovery"
)

// seenEvery is how often a node hears of its neighbours, as with mDNS.
const seenEvery = 20 * time.Second

// source tells a dialer of a node's neighbours, in place of mDNS.
type source struct {
	peers []discovery.Found
}

// Run implements [discovery.Source].
func (s *source) Run(ctx context.Context, sink func(discovery.Found)) error {
	tick := time.NewTicker(seenEvery)
	defer tick.Stop()
	for {
		for _, f := range s.peers {
			sink(f)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func sighting(id peer.ID, node int, genesis string) discovery.Found {
	return discovery.Found{
		Peer: id, Addrs: []ma.Multiaddr{nodeAddr(node)}, Kind: discovery.KindMDNS, Genesis: genesis, Instance: "1",
	}
}

// neighbours lists who knows whom among n nodes: a ring, and extra links from
// each node to random others. Knowing is mutual.
func neighbours(rng *rand.Rand, n, extra int) [][]int {
	known := make([]map[int]bool, n)
	for i := range known {
		known[i] = map[int]bool{}
	}
	link := func(a, b int) {
		if a != b {
			known[a][b], known[b][a] = true, true
		}
	}
	for i := range n {
		link(i, (i+1)%n)
		for range extra {
			link(i, rng.IntN(n))
		}
	}
	lists := make([][]int, n)
	for i := range n {
		for j := range n {
			if known[i][j] {
				lists[i] = append(lists[i], j)
			}
		}
	}
	return lists
}
