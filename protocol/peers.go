package protocol

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/plan"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	// maxPeers bounds the peers remembered, the connected ones included; of those
	// that are gone the longest silent are forgotten.
	maxPeers = 1024

	// A peer may send requests of a cost of requestRate per second. Each costs 1,
	// and afterwards what it was answered with: 2,000 headers cost 50, so that 8,000
	// headers or small blocks a second, or 100 MiB, are left.
	requestRate  = 200
	requestBurst = 400
	costItems    = 40        // headers, blocks or payments for a cost of 1
	costIDs      = 400       // txids for a cost of 1
	costBytes    = 512 << 10 // bytes of blocks and payments for a cost of 1
)

// peerEntry is what the service knows of a peer. Service.mu guards it.
type peerEntry struct {
	id        peer.ID
	connected bool
	stop      context.CancelFunc // ends keep; nil if it doesn't run
	poke      chan struct{}      // 1 slot: protocols may have changed, or a session ended
	session   *session           // nil: no hello yet
	// joined holds from hello to the end of the session.
	joined      bool
	subscriber  bool // doesn't speak the protocol
	reason      string
	code        core.Code // of the broken rule that reason tells of, or ""
	refusal     error     // *GenesisError; nil: none since connecting
	bannedUntil time.Time
	asideUntil  time.Time // until when it is not asked to complete blocks

	agent   string
	genesis core.Hash
	tip     plan.Claim
	caps    wire.Capabilities
	latency time.Duration
	skew    time.Duration

	streams int // inbound, open
	limiter *rate.Limiter
	// payments is what payments of the peer may cost.
	payments account
	seen     time.Time
}

// PeerState is what is known of a peer, for people and the API.
type PeerState struct {
	ID        peer.ID
	Connected bool
	Addr      string // remote address, "" if not connected
	Direction string // "inbound", "outbound" or ""
	Agent     string
	Tip       plan.Claim
	// Joined is whether the peer is past hello with our genesis; if not, Reason
	// says why. A joined peer's Reason says why it isn't asked for blocks.
	Joined bool
	Reason string
	// Code is the code of the rule that Reason says the peer's headers or blocks
	// broke, or that they cannot be held to yet; "" if Reason is something else.
	Code core.Code
	// Latency is the round-trip time of hello, zero if unknown.
	Latency time.Duration
	// Skew is how far the peer's clock is ahead of ours.
	Skew    time.Duration
	Genesis core.Hash // zero if unknown
}

// entry returns the peer's entry, making one if need be. s.mu is held.
func (s *Service) entry(p peer.ID) *peerEntry {
	e := s.peers[p]
	if e == nil {
		if len(s.peers) >= maxPeers {
			s.forgetOldest()
		}
		e = &peerEntry{id: p, poke: make(chan struct{}, 1), limiter: rate.NewLimiter(requestRate, requestBurst), payments: newAccount()}
		s.peers[p] = e
	}
	e.seen = time.Now()
	return e
}

func (s *Service) forgetOldest() {
	var oldest *peerEntry
	for _, e := range s.peers {
		if !e.connected && e.streams == 0 && (oldest == nil || e.seen.Before(oldest.seen)) {
			oldest = e
		}
	}
	if oldest != nil {
		delete(s.peers, oldest.id)
	}
}

// notify wakes WaitJoined. s.mu is held.
func (s *Service) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// connected begins to look after a peer. If that is done already, the peer has
// made a connection more, perhaps because it lost the one that our session is on.
func (s *Service) connected(ctx context.Context, g *group, p peer.ID) {
	if s.inSession(p) {
		s.cfg.Feedback.Doubt(p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(p)
	e.connected = true
	if time.Now().Before(e.bannedUntil) {
		g.start(func() { s.closePeer(p) })
		return
	}
	if e.stop != nil {
		return
	}
	e.refusal = nil
	ctx, e.stop = context.WithCancel(ctx)
	stop := e.stop
	g.start(func() {
		defer stop()
		s.keep(ctx, p)
		s.txs.forget(p)
	})
}

func (s *Service) disconnected(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.peers[p]
	// Asked with the lock held, so that a connection made meanwhile is either
	// seen here or waits in connected.
	if e == nil || s.host.Network().Connectedness(p) == p2pnetwork.Connected {
		return
	}
	e.connected, e.subscriber = false, false
	if e.stop != nil {
		e.stop()
		e.stop = nil
	}
}

func (s *Service) closePeer(p peer.ID) {
	if err := s.host.Network().ClosePeer(p); err != nil {
		s.log.Debug("closing connections", "peer", p, "error", err)
	}
}

// disconnect drops a peer for a reason that may pass.
func (s *Service) disconnect(p peer.ID, reason string) {
	s.log.Debug("disconnecting", "peer", p, "reason", reason)
	s.setReason(p, reason, "")
	s.closePeer(p)
}

// punish drops a peer that broke a rule and keeps it away for a while: by its
// id, never by its address, which on a LAN others may share.
func (s *Service) punish(p peer.ID, err error) {
	reason := wire.Printable("broke a rule: "+err.Error(), 2*wire.MaxText)
	s.chatter.line(slog.LevelWarn, "peer broke a rule", "peer", p, "error", err)
	s.mu.Lock()
	e := s.entry(p)
	e.bannedUntil, e.reason, e.code = time.Now().Add(s.cfg.Limits.BanTime), reason, core.CodeOf(err)
	s.mu.Unlock()
	s.cfg.Feedback.Refused(p, reason)
	s.closePeer(p)
}

// Forgive lets a peer in again that broke a rule, and forgets that it refused us
// or was refused.
func (s *Service) Forgive(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.peers[p]; e != nil && !e.joined {
		e.bannedUntil, e.refusal, e.reason, e.code = time.Time{}, nil, "", ""
	}
}

func (s *Service) setReason(p peer.ID, reason string, code core.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(p)
	if !time.Now().Before(e.bannedUntil) { // that reason stays
		e.reason, e.code = reason, code
	}
}

// refuse notes that a peer belongs elsewhere. The caller closes the connection.
func (s *Service) refuse(p peer.ID, theirs core.Hash, agent string) {
	err := &GenesisError{Ours: s.rules.GenesisID(), Theirs: theirs}
	s.mu.Lock()
	e := s.entry(p)
	e.refusal, e.reason, e.code, e.genesis = err, err.Error(), "", theirs
	if agent != "" {
		e.agent = agent
	}
	s.notify()
	s.mu.Unlock()
	s.chatter.line(slog.LevelInfo, "peer of another network", "peer", p, "genesis", theirs)
	s.cfg.Feedback.Refused(p, err.Error())
}

// WaitJoined returns nil once the peer is past hello, a *GenesisError if it
// turns out to be of another network, or the error of ctx.
func (s *Service) WaitJoined(ctx context.Context, p peer.ID) error {
	for {
		s.mu.Lock()
		var joined bool
		var refusal error
		if e := s.peers[p]; e != nil {
			joined, refusal = e.joined, e.refusal
		}
		changed := s.changed
		s.mu.Unlock()
		switch {
		case joined:
			return nil
		case refusal != nil:
			return refusal
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for hello of %s: %w", p, ctx.Err())
		}
	}
}

// Peers returns what is known of every peer, connected or seen, by id.
func (s *Service) Peers() []PeerState {
	s.mu.Lock()
	out := make([]PeerState, 0, len(s.peers))
	for _, e := range s.peers {
		out = append(out, PeerState{
			ID: e.id, Connected: e.connected, Agent: e.agent, Tip: e.tip, Joined: e.joined, Reason: e.reason, Code: e.code,
			Latency: e.latency, Skew: e.skew, Genesis: e.genesis,
		})
	}
	s.mu.Unlock()
	for i := range out {
		p := &out[i]
		if conns := s.host.Network().ConnsToPeer(p.ID); len(conns) > 0 {
			p.Addr = conns[0].RemoteMultiaddr().String()
			p.Direction = strings.ToLower(conns[0].Stat().Direction.String())
		}
		if p.Agent == "" {
			if v, err := s.host.Peerstore().Get(p.ID, "AgentVersion"); err == nil {
				agent, _ := v.(string)
				p.Agent = wire.Printable(agent, wire.MaxAgent)
			}
		}
		if !p.Joined && p.Reason == "" && p.Connected {
			p.Reason = "no hello yet"
		}
	}
	slices.SortFunc(out, func(a, b PeerState) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

// Warnings says what an operator should look at.
func (s *Service) Warnings() []string {
	s.mu.Lock()
	var skews []time.Duration
	for _, e := range s.peers {
		if e.joined {
			skews = append(skews, e.skew)
		}
	}
	s.mu.Unlock()
	if len(skews) == 0 {
		return nil
	}
	slices.Sort(skews)
	median := skews[len(skews)/2].Round(time.Second)
	if median.Abs() <= s.cfg.Limits.MaxSkew {
		return nil
	}
	way := "behind"
	if median < 0 {
		way = "ahead of"
	}
	return []string{fmt.Sprintf("this machine's clock is %v %s the clocks of its peers: set it right", median.Abs(), way)}
}
