package host

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// DefaultMaxMessageSize is the largest gossip message, with the framing of the
// RPC that carries it, in bytes. A publisher is not told when a message is
// bigger; it just arrives nowhere.
const DefaultMaxMessageSize = 1 << 20 // 1 MiB

const (
	gossipHeartbeat = 500 * time.Millisecond
	gossipHistory   = 6 // heartbeats a message can be asked for again, and is kept
	gossipWindow    = 4 // heartbeats a message is offered in
	gossipQueue     = 256
	validateQueue   = 256 // messages waiting for validation; more are dropped

	// maxSubscriptionsPerRPC bounds what a peer may subscribe to in one message.
	maxSubscriptionsPerRPC = 64
)

// newPubSub starts a gossipsub router on h that lives until ctx is done.
//
// Nothing here identifies the publisher: a message is what it says, and its id
// is the hash of its bytes, so that the same announcement from many is one
// message, and a forged variant does not silence the true one.
func newPubSub(ctx context.Context, h p2phost.Host, cfg Config) (*pubsub.PubSub, error) {
	params := pubsub.DefaultGossipSubParams()
	params.HeartbeatInterval = gossipHeartbeat
	params.HistoryLength = gossipHistory
	params.HistoryGossip = gossipWindow

	filter := pubsub.WrapLimitSubscriptionFilter(
		pubsub.NewAllowlistSubscriptionFilter(cfg.Topics...), maxSubscriptionsPerRPC)
	score, thresholds := scoring(cfg.Topics)
	connected := func(p peer.ID) bool { return h.Network().Connectedness(p) == p2pnetwork.Connected }
	ps, err := pubsub.NewGossipSub(ctx, impatientHost{h, gossipPatience},
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithFloodPublish(true),
		pubsub.WithPeerExchange(false),
		pubsub.WithSubscriptionFilter(filter),
		pubsub.WithPeerScore(score, thresholds),
		pubsub.WithGossipSubParams(params),
		pubsub.WithMaxMessageSize(cfg.MaxMessageSize),
		pubsub.WithPeerOutboundQueueSize(gossipQueue),
		pubsub.WithValidateQueueSize(validateQueue),
		pubsub.WithSeenMessagesTTL(seenFor),
		pubsub.WithAppSpecificRpcInspector(newShares(cfg.Topics, time.Now, connected).inspect),
	)
	if err != nil {
		return nil, fmt.Errorf("start gossipsub: %w", err)
	}
	return ps, nil
}

func messageID(m *pb.Message) string {
	sum := sha256.Sum256(m.GetData())
	return string(sum[:])
}

// scoring judges peers by what they send: seven invalid messages within about
// a minute and a peer is no longer listened to. It never judges by address:
// the nodes of a LAN, a laboratory or one machine share them.
func scoring(topics []string) (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	params := &pubsub.PeerScoreParams{
		Topics:                   make(map[string]*pubsub.TopicScoreParams, len(topics)),
		TopicScoreCap:            50,
		AppSpecificScore:         func(peer.ID) float64 { return 0 },
		IPColocationFactorWeight: 0,
		BehaviourPenaltyWeight:   -1, BehaviourPenaltyThreshold: 6, BehaviourPenaltyDecay: 0.99,
		DecayInterval: time.Second,
		DecayToZero:   0.01,
		RetainScore:   10 * time.Minute, // a reconnect does not wash a peer clean
		SeenMsgTTL:    seenFor,
	}
	for _, t := range topics {
		params.Topics[t] = &pubsub.TopicScoreParams{
			SkipAtomicValidation:         true,
			TopicWeight:                  1,
			FirstMessageDeliveriesWeight: 0.5, FirstMessageDeliveriesDecay: 0.98, FirstMessageDeliveriesCap: 20,
			InvalidMessageDeliveriesWeight: -2, InvalidMessageDeliveriesDecay: 0.99,
			TimeInMeshQuantum: time.Second,
		}
	}
	thresholds := &pubsub.PeerScoreThresholds{
		GossipThreshold:   -10,
		PublishThreshold:  -50,
		GraylistThreshold: -80,
	}
	return params, thresholds
}
