package discovery

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

var _ connmgr.ConnectionGater = (*Gater)(nil)

// Gater refuses connections with blocked peers, in both directions. It is
// made before the host, which gets it as connection gater, and then given to
// the Dialer, which fills it. Blocks last until the process ends.
type Gater struct {
	mu      sync.RWMutex
	blocked map[peer.ID]struct{} // guarded by mu
}

// NewGater returns a gater that lets everybody in.
func NewGater() *Gater { return &Gater{blocked: make(map[peer.ID]struct{})} }

// Blocked reports whether p is kept away.
func (g *Gater) Blocked(p peer.ID) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	_, ok := g.blocked[p]
	return ok
}

func (g *Gater) set(p peer.ID, blocked bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if blocked {
		g.blocked[p] = struct{}{}
	} else {
		delete(g.blocked, p)
	}
}

// InterceptPeerDial allows dialling peers that are not blocked.
func (g *Gater) InterceptPeerDial(p peer.ID) bool { return !g.Blocked(p) }

// InterceptAddrDial allows dialling peers that are not blocked.
func (g *Gater) InterceptAddrDial(p peer.ID, _ ma.Multiaddr) bool { return !g.Blocked(p) }

// InterceptAccept allows every connection: who it is shows later.
func (g *Gater) InterceptAccept(p2pnetwork.ConnMultiaddrs) bool { return true }

// InterceptSecured allows connections with peers that are not blocked.
func (g *Gater) InterceptSecured(_ p2pnetwork.Direction, p peer.ID, _ p2pnetwork.ConnMultiaddrs) bool {
	return !g.Blocked(p)
}

// InterceptUpgraded allows every connection that came so far.
func (g *Gater) InterceptUpgraded(p2pnetwork.Conn) (bool, control.DisconnectReason) { return true, 0 }
