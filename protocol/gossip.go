package protocol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/plan"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	gossipBuffer   = 64   // announcements that wait for us; more are dropped, polling finds the blocks
	validators     = 16   // announcements validated at once
	maxReaders     = 64   // subscriptions to announcements
	readerBuffer   = 64   // announcements that wait for a reader; more are counted as missed
	carriedBlocks  = 1024 // block ids remembered as carried by gossip
	staleDepth     = 6    // blocks behind the tip at which an announcement is no news
	publishTimeout = 5 * time.Second
)

// Announcement is a block that gossip carried, as far as a header can be
// trusted: its work and merkle root fit, and so does its parent.
type Announcement struct {
	*wire.Announcement
	Topic string
	// From is the peer that delivered it, ourselves for our own.
	From     peer.ID
	Received time.Time
	// Missed is how many announcements were dropped before this one because the
	// reader was slow.
	Missed int
}

// gossip is our end of the topic of announcements.
type gossip struct {
	s     *Service
	name  string
	topic *pubsub.Topic
	sub   *pubsub.Subscription

	mu      sync.Mutex // guards all below
	carried map[core.Hash]struct{}
	order   []core.Hash // of carried, the oldest first
	readers map[*reader]struct{}
}

type reader struct {
	ch     chan Announcement
	missed int
}

func newGossip(s *Service) *gossip {
	return &gossip{
		s: s, name: BlockTopic(s.rules.GenesisID()),
		carried: make(map[core.Hash]struct{}), readers: make(map[*reader]struct{}),
	}
}

func (g *gossip) start() error {
	if g.s.cfg.NoGossip {
		return nil
	}
	ps := g.s.cfg.PubSub
	err := ps.RegisterTopicValidator(g.name, g.validate, pubsub.WithValidatorConcurrency(validators))
	if err != nil {
		return fmt.Errorf("validate topic %s: %w", g.name, err)
	}
	if g.topic, err = ps.Join(g.name); err != nil {
		return errors.Join(fmt.Errorf("join topic %s: %w", g.name, err), ps.UnregisterTopicValidator(g.name))
	}
	if g.sub, err = g.topic.Subscribe(pubsub.WithBufferSize(gossipBuffer)); err != nil {
		return errors.Join(fmt.Errorf("subscribe to topic %s: %w", g.name, err), g.topic.Close(), ps.UnregisterTopicValidator(g.name))
	}
	return nil
}

func (g *gossip) stop() error {
	if g.topic == nil {
		return nil
	}
	g.sub.Cancel()
	return errors.Join(g.topic.Close(), g.s.cfg.PubSub.UnregisterTopicValidator(g.name))
}

// validate judges an announcement before it is passed on, the cheapest checks
// first, and never waits for the network or for blocks being added. What it
// can't tell it ignores, and asks the plan to look into.
func (g *gossip) validate(_ context.Context, from peer.ID, msg *pubsub.Message) pubsub.ValidationResult {
	s := g.s
	a, err := wire.ParseAnnouncement(msg.GetData())
	if err != nil {
		return g.reject(from, err)
	}
	msg.ValidatorData = a
	if from == s.host.ID() {
		return pubsub.ValidationAccept
	}
	if a.Header.Height == 0 && a.ID != s.rules.GenesisID() {
		return g.reject(from, &core.RuleError{Code: core.ErrGenesis, Detail: "height 0 that is not this network's genesis"})
	}
	if err := s.rules.CheckWork(&a.Header); err != nil {
		return g.reject(from, err)
	}
	if err := a.Check(); err != nil {
		return g.reject(from, err)
	}
	early := s.rules.CheckClock(&a.Header, uint64(max(0, s.cfg.Now().UnixMilli())))
	parent, known := s.chain.HeaderState(a.Header.Parent)
	if !known {
		if early == nil {
			g.heard(from, a)
		}
		return g.ignore(from, &core.DeferError{Code: core.ErrNoParent, Detail: a.Header.Parent.Short()})
	}
	if _, err := s.rules.ConnectHeader(&parent, &a.Header); core.IsForever(err) {
		return g.reject(from, err)
	} else if err != nil {
		return g.ignore(from, err)
	}
	if early != nil {
		return g.ignore(from, early)
	}
	// What breaks a rule only with its body, or by our operator's word, an honest
	// peer passes on before it knows.
	if err := s.chain.Verdict(a.ID); err != nil {
		return g.ignore(from, err)
	}
	if err := s.chain.Verdict(a.Header.Parent); err != nil {
		return g.ignore(from, &core.RuleError{Code: core.ErrBadParent, Detail: err.Error()})
	}
	if tip := s.chain.Tip(); uint64(a.Header.Height)+staleDepth < uint64(tip.Height) {
		return pubsub.ValidationIgnore
	}
	return pubsub.ValidationAccept
}

func (g *gossip) reject(from peer.ID, err error) pubsub.ValidationResult {
	g.s.log.Debug("announcement rejected", "peer", from, "error", err)
	return pubsub.ValidationReject
}

func (g *gossip) ignore(from peer.ID, err error) pubsub.ValidationResult {
	g.s.log.Debug("announcement ignored", "peer", from, "error", err)
	return pubsub.ValidationIgnore
}

// heard tells the plan of a header, unless that is busy: the next hello tells
// it again.
func (g *gossip) heard(from peer.ID, a *wire.Announcement) {
	select {
	case g.s.events <- plan.Heard{Peer: plan.PeerID(from), Header: a.Header}:
	default:
	}
}

// run takes in what the validator has passed.
func (g *gossip) run(ctx context.Context, tasks *group) {
	if g.sub == nil {
		return
	}
	for {
		msg, err := g.sub.Next(ctx)
		if err != nil {
			return
		}
		a, ok := msg.ValidatorData.(*wire.Announcement)
		if !ok {
			continue
		}
		g.remember(a.ID)
		g.deliver(Announcement{Announcement: a, Topic: g.name, From: msg.ReceivedFrom, Received: g.s.cfg.Now()})
		if msg.ReceivedFrom != g.s.host.ID() {
			g.take(ctx, tasks, msg.ReceivedFrom, a)
		}
	}
}

// take adds the block if the announcement and our pool have all of it, else asks
// for what is missing.
func (g *gossip) take(ctx context.Context, tasks *group, from peer.ID, a *wire.Announcement) {
	s := g.s
	if s.chain.HasBlock(a.ID) {
		g.heard(from, a) // says what the peer has
		return
	}
	if b, whole := a.Block(); whole && s.chain.HasBlock(a.Header.Parent) {
		if err := s.addAnnounced(ctx, from, a, b); err == nil || core.IsForever(err) {
			return
		}
	} else if !whole && s.rebuild(ctx, tasks, from, a) {
		return
	}
	s.send(ctx, plan.Heard{Peer: plan.PeerID(from), Header: a.Header})
}

// addAnnounced hands a block that was announced to the chain. A bad one is not
// held against whoever passed the announcement on: it couldn't know.
func (s *Service) addAnnounced(ctx context.Context, from peer.ID, a *wire.Announcement, b *core.Block) error {
	_, err := s.chain.AddBlocks(ctx, []*core.Block{b})
	if err == nil {
		s.gossip.heard(from, a)
		return nil
	}
	s.reportChain("add announced block", err)
	if core.IsForever(err) {
		s.log.Warn("announced block breaks a rule", "id", a.ID, "height", a.Header.Height, "error", err)
	}
	return err
}

// announce publishes a block of ours, whoever found it, unless gossip has
// carried it already.
func (g *gossip) announce(ctx context.Context, id core.Hash) {
	if g.topic == nil || g.wasCarried(id) {
		return
	}
	raw, err := g.s.chain.BlockBytes(id)
	if err != nil {
		g.s.log.Error("announce block", "id", id, "error", err)
		return
	}
	b, err := core.ParseBlock(raw)
	if err != nil {
		g.s.log.Error("announce block", "id", id, "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	// A copy that gossip has carried meanwhile makes this a no-op: the message id
	// is the hash of its bytes, and those are the block's alone.
	if err := g.topic.Publish(ctx, wire.Announce(b)); err != nil && ctx.Err() == nil {
		g.s.log.Debug("announce block", "id", id, "error", err)
	}
}

func (g *gossip) wasCarried(id core.Hash) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.carried[id]
	return ok
}

func (g *gossip) remember(id core.Hash) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.carried[id]; ok {
		return
	}
	if len(g.order) == carriedBlocks {
		delete(g.carried, g.order[0])
		g.order = g.order[1:]
	}
	g.carried[id] = struct{}{}
	g.order = append(g.order, id)
}

// deliver hands an announcement to every reader that has room.
func (g *gossip) deliver(a Announcement) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for r := range g.readers {
		a.Missed = r.missed
		select {
		case r.ch <- a:
			r.missed = 0
		default:
			r.missed++
		}
	}
}

// Announcements returns a channel of announcements as they arrive, our own
// included, until cancel is called. A reader that is too slow loses some; the
// next one that it gets says how many.
func (s *Service) Announcements() (announcements <-chan Announcement, cancel func(), err error) {
	g := s.gossip
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.readers) >= maxReaders {
		return nil, nil, fmt.Errorf("more than %d readers of announcements", maxReaders)
	}
	r := &reader{ch: make(chan Announcement, readerBuffer)}
	g.readers[r] = struct{}{}
	return r.ch, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.readers, r)
	}, nil
}

// Topic is a gossip topic and the peers known to subscribe to it.
type Topic struct {
	Name  string
	Peers []peer.ID
}

// Topics lists the gossip topics that the node has joined.
func (s *Service) Topics() []Topic {
	if s.cfg.PubSub == nil {
		return nil
	}
	names := s.cfg.PubSub.GetTopics()
	// That of payments is relayed without a subscription.
	if txs := TxTopic(s.rules.GenesisID()); len(names) > 0 && s.txs != nil && !s.cfg.NoGossip {
		names = append(names, txs)
	}
	slices.Sort(names)
	var out []Topic
	for _, name := range names {
		out = append(out, Topic{Name: name, Peers: s.cfg.PubSub.ListPeers(name)})
	}
	return out
}
