package host

import (
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// How many messages of each topic gossipsub gets to see. It remembers every one
// of them for seenFor, about 300 bytes each, whatever a validator says of it, and
// all topics wait for validation in one queue. What is above these rates is
// dropped before: nodes also ask each other for what gossip has not brought.
const (
	// ownRate and ownBurst are a peer's for sure: a node that gathers for 50 ms what
	// it publishes sends 20 a second.
	ownRate  = 25
	ownBurst = 100
	// newRate and newBurst are how many peers get such a share of their own, a
	// second and at once. Others must do with what is left of all: new identities
	// cost nothing.
	newRate  = 20
	newBurst = 400
	// allRate and allBurst are for what is above that, of all peers together. With
	// copies from six peers each, that is some 350 different messages a second.
	allRate  = 2_000
	allBurst = 4_000
	// peerRate and peerBurst are what one peer may take of these.
	peerRate  = 500
	peerBurst = 1_000

	// seenFor is how long gossipsub remembers messages: a few times as long as
	// they can be asked for.
	seenFor = 20 * time.Second

	// maxShares is how many peers are remembered, in each topic, before those that
	// are no longer connected are forgotten.
	maxShares = 2048
)

// shares says which messages are within their senders' share. Gossipsub's event
// loop alone uses it.
type shares struct {
	now       func() time.Time
	connected func(peer.ID) bool
	topics    map[string]*topicShares
}

type topicShares struct {
	all, newcomers *rate.Limiter
	peers          map[peer.ID]*share
	most           int // peers at which those that have gone are forgotten
}

// share is one peer's.
type share struct {
	own, peer *rate.Limiter
}

func newShares(topics []string, now func() time.Time, connected func(peer.ID) bool) *shares {
	s := &shares{now: now, connected: connected, topics: make(map[string]*topicShares, len(topics))}
	for _, t := range topics {
		s.topics[t] = &topicShares{
			all: rate.NewLimiter(allRate, allBurst), newcomers: rate.NewLimiter(newRate, newBurst),
			peers: make(map[peer.ID]*share), most: maxShares,
		}
	}
	return s
}

// inspect takes out of an RPC the messages that are too many, and those of other
// topics. It never refuses an RPC as a whole.
func (s *shares) inspect(from peer.ID, rpc *pubsub.RPC) error {
	now := s.now()
	kept := rpc.Publish[:0]
	for _, m := range rpc.Publish {
		if s.admit(from, m, now) {
			kept = append(kept, m)
		}
	}
	clear(rpc.Publish[len(kept):])
	rpc.Publish = kept
	return nil
}

func (s *shares) admit(from peer.ID, m *pb.Message, now time.Time) bool {
	t := s.topics[m.GetTopic()]
	if t == nil {
		return false
	}
	p := t.peers[from]
	if p == nil && t.newcomers.AllowN(now, 1) {
		p = s.welcome(t, from)
	}
	if p == nil {
		return t.all.AllowN(now, 1)
	}
	return p.own.AllowN(now, 1) || p.peer.AllowN(now, 1) && t.all.AllowN(now, 1)
}

// welcome gives a peer a share of its own.
func (s *shares) welcome(t *topicShares, from peer.ID) *share {
	if len(t.peers) >= t.most {
		for id := range t.peers {
			if !s.connected(id) {
				delete(t.peers, id)
			}
		}
		t.most = max(maxShares, 2*len(t.peers))
	}
	p := &share{own: rate.NewLimiter(ownRate, ownBurst), peer: rate.NewLimiter(peerRate, peerBurst)}
	t.peers[from] = p
	return p
}
