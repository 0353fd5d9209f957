package host

import (
	"context"
	"time"

	p2phost "github.com/libp2p/go-libp2p/core/host"
	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	p2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
)

// gossipPatience is how long a peer may take to read what is written to it at once:
// a gossip message, or several up to DefaultMaxMessageSize that it has asked for.
// What waits behind is kept meanwhile: gossipsub by itself allows 30 s, in which
// batches of payments come to more than a hundred MB. The largest batch takes a
// line of 1 Mbit/s four seconds.
const gossipPatience = 5 * time.Second

// impatientHost is what gossipsub is given: a host whose peers have to read. A
// stream whose peer does not is reset, and gossipsub opens another one, with
// nothing waiting; after four within ten minutes of each other, none until the peer
// connects anew. It may still ask for what gossip does not bring.
type impatientHost struct {
	p2phost.Host
	patience time.Duration
}

func (h impatientHost) NewStream(ctx context.Context, p peer.ID, ids ...p2pprotocol.ID) (p2pnetwork.Stream, error) {
	s, err := h.Host.NewStream(ctx, p, ids...)
	if err != nil {
		return nil, err
	}
	return impatientStream{s, h.patience}, nil
}

type impatientStream struct {
	p2pnetwork.Stream
	patience time.Duration
}

// SetWriteDeadline sets it no later than patience allows, from now.
func (s impatientStream) SetWriteDeadline(t time.Time) error {
	if latest := time.Now().Add(s.patience); t.IsZero() || t.After(latest) {
		t = latest
	}
	return s.Stream.SetWriteDeadline(t)
}
