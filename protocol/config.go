package protocol

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	p2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/wire"
)

// ID names the stream protocol.
const ID p2pprotocol.ID = "/ingchain/sync/1.0.0"

// serviceName is what libp2p's resource manager knows our streams by.
const serviceName = "ingchain.sync"

// PhaseSyncing is the phase that Config.Trace is told of.
const PhaseSyncing = "syncing"

// BlockTopic returns the gossip topic of a network's block announcements.
func BlockTopic(genesis core.Hash) string { return "/ingchain/blocks/1.0.0/" + genesis.String() }

// TxTopic returns the gossip topic of a network's transactions.
func TxTopic(genesis core.Hash) string { return "/ingchain/txs/1.0.0/" + genesis.String() }

// Chain is what the protocol needs of chain.Manager. Reads must not wait for
// blocks that are being added.
type Chain interface {
	Rules() *core.Rules
	// Tip is the block whose coins are current, BestHeader the end of the
	// heaviest chain of valid headers.
	Tip() core.HeaderState
	BestHeader() core.HeaderState
	HeaderState(id core.Hash) (core.HeaderState, bool)
	Header(id core.Hash) (core.Header, error)
	BlockBytes(id core.Hash) ([]byte, error)
	HasBlock(id core.Hash) bool
	// Vouched reports whether a block is stored and was connected, so that it is
	// known to be good.
	Vouched(id core.Hash) bool
	// Verdict returns what is known against a block, or nil.
	Verdict(id core.Hash) error
	Locator() []core.Hash
	HeadersAfter(locator []core.Hash, stop core.Hash, max int) []core.Header
	IDsInRange(tip core.Hash, from uint32, count int) ([]core.Hash, error)
	// Missing lists blocks without a body up to the best header, the lowest first.
	Missing(max int) []core.HeaderState
	AddHeaders([]core.Header) (core.HeaderState, error)
	AddBlocks(ctx context.Context, blocks []*core.Block) (int, error)
	// Subscribe returns a channel that is poked after each change of the tip.
	Subscribe() (wake <-chan struct{}, cancel func())
}

// Feedback tells the dialer how hello went. It is called without locks held and
// must not block for long.
type Feedback interface {
	// Joined says that a peer is past hello and of our network.
	Joined(p peer.ID)
	// Lost says that a joined peer no longer answers.
	Lost(p peer.ID)
	// Doubt says that some connection of a peer may be dead: those that are should
	// be closed.
	Doubt(p peer.ID)
	// Refused says that a peer is not to be dialled soon.
	Refused(p peer.ID, reason string)
}

// Limits bound what peers can make the node do. The zero value of a field is
// its default.
type Limits struct {
	// HelloInterval is the time between hellos; default 5 s.
	HelloInterval time.Duration
	// HelloTimeout is how long a joined peer may be silent; default 12 s, which
	// two lost hellos reach.
	HelloTimeout time.Duration
	// Requests bounds the requests served at once; default 64.
	Requests int
	// Subscribers bounds the peers that only subscribe; default 32.
	Subscribers int
	// ResponseBytes is where an answer of blocks is cut; default 8 MiB, which is
	// also the most that clients take.
	ResponseBytes int
	// BanTime is how long a peer that broke a rule stays away; default 10 min.
	BanTime time.Duration
	// MaxSkew is the median difference of clocks to the peers that is worth a
	// warning; default 5 s.
	MaxSkew time.Duration
}

// Config says what a Service is to be. Host, PubSub and Chain are needed.
type Config struct {
	Host   p2phost.Host
	PubSub *pubsub.PubSub
	Chain  Chain
	// Pool is where payments come from and go; nil means that none are relayed.
	Pool Pool
	// Feedback may be nil.
	Feedback Feedback
	// Agent is what the node calls itself, at most wire.MaxAgent characters.
	Agent string
	// Logger receives log lines; nil means none.
	Logger *slog.Logger
	// Now is the clock that blocks are held against; nil means time.Now.
	Now    func() time.Time
	Limits Limits
	// Trace, if not nil, is told when PhaseSyncing begins and ends.
	Trace func(phase string, begin bool)
	// NoGossip leaves the topics alone: the node follows its peers' hellos and asks
	// for what their pools hold.
	NoGossip bool
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Host == nil:
		return c, errors.New("protocol: no host given")
	case c.PubSub == nil && !c.NoGossip:
		return c, errors.New("protocol: no gossip router given")
	case c.Chain == nil:
		return c, errors.New("protocol: no chain given")
	case len(c.Agent) > wire.MaxAgent:
		return c, fmt.Errorf("protocol: agent of %d characters, at most %d", len(c.Agent), wire.MaxAgent)
	}
	if c.Agent == "" {
		c.Agent = "ingchain"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Feedback == nil {
		c.Feedback = noFeedback{}
	}
	if c.Trace == nil {
		c.Trace = func(string, bool) {}
	}
	setDefault(&c.Limits.HelloInterval, 5*time.Second)
	setDefault(&c.Limits.HelloTimeout, 12*time.Second)
	setDefault(&c.Limits.Requests, 64)
	setDefault(&c.Limits.Subscribers, 32)
	setDefault(&c.Limits.ResponseBytes, maxResponse)
	c.Limits.ResponseBytes = min(c.Limits.ResponseBytes, maxResponse)
	setDefault(&c.Limits.BanTime, 10*time.Minute)
	setDefault(&c.Limits.MaxSkew, 5*time.Second)
	return c, nil
}

func setDefault[T ~int | ~int64](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

type noFeedback struct{}

func (noFeedback) Joined(peer.ID)          {}
func (noFeedback) Lost(peer.ID)            {}
func (noFeedback) Doubt(peer.ID)           {}
func (noFeedback) Refused(peer.ID, string) {}

// GenesisError says that a peer belongs to another network.
type GenesisError struct {
	Ours, Theirs core.Hash
}

// Error implements error.
func (e *GenesisError) Error() string {
	return fmt.Sprintf("another network: its genesis is %s, ours is %s", e.Theirs, e.Ours)
}
