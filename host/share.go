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
	// ownRate and ownBurst are every peer's for sure: a node that gathers for 50 ms
	// what it publishes sends 20 a second.
	ownRate  = 25
	ownBurst = 100
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

	// maxShares bounds the peers remembered, in each topic; shareIdle is after
	// how long of silence one has its whole share again.
	maxShares = 2048
	shareIdle = max(ownBurst/ownRate, peerBurst/peerRate) * time.Second
)

// shares says which messages are within their senders' share. Gossipsub's event
// loop alone uses it.
type shares struct {
	now    func() time.Time
	topics map[string]*topicShares
}

type topicShares struct {
	all   *rate.Limiter
	peers map[peer.ID]*share
}

// share is one peer's.
type share struct {
	own, peer *rate.Limiter
	last      time.Time // message
}

func newShares(topics []string, now func() time.Time) *shares {
	s := &shares{now: now, topics: make(map[string]*topicShares, len(topics))}
	for _, t := range topics {
		s.topics[t] = &topicShares{all: rate.NewLimiter(allRate, allBurst), peers: make(map[peer.ID]*share)}
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
	p := t.share(from, now)
	return p.own.AllowN(now, 1) || p.peer.AllowN(now, 1) && t.all.AllowN(now, 1)
}

func (t *topicShares) share(from peer.ID, now time.Time) *share {
	p := t.peers[from]
	if p == nil {
		if len(t.peers) >= maxShares {
			t.forget(now)
		}
		p = &share{own: rate.NewLimiter(ownRate, ownBurst), peer: rate.NewLimiter(peerRate, peerBurst)}
		t.peers[from] = p
	}
	p.last = now
	return p
}

// forget makes room: who was silent has its whole share anyway, and if nobody
// was, all begin anew.
func (t *topicShares) forget(now time.Time) {
	for id, p := range t.peers {
		if now.Sub(p.last) >= shareIdle {
			delete(t.peers, id)
		}
	}
	if len(t.peers) >= maxShares {
		clear(t.peers)
	}
}
