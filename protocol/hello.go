package protocol

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"

	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/ingchain/ingchain/protocol/plan"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	firstFrameTimeout = 10 * time.Second       // from opening a stream to its first whole frame
	helloWait         = 15 * time.Second       // before a peer that should say hello and doesn't is dropped
	writeTimeout      = 10 * time.Second       // for a hello, or 64 KiB of an answer
	refusalLinger     = 2 * time.Second        // for a refusal to get out before the connection closes
	helloPushGap      = 50 * time.Millisecond  // between hellos that tell of a new tip
	protocolsRecheck  = 5 * time.Second        // between looks whether a subscriber has begun to speak
	reopenPause       = 250 * time.Millisecond // first pause before hello is tried again; doubles
	reopenPauseMax    = 4 * time.Second

	helloRate = 2 * int(time.Second/helloPushGap) // hellos that a peer may send, per second
	// helloBurst are hellos that may come at once: so many may a syncing peer have
	// sent before it gives us up, if we were suspended.
	helloBurst = 300
)

var (
	errHelloFlood   = fmt.Errorf("%w: hellos without end", wire.ErrMalformed)
	errOtherGenesis = errors.New("another genesis")
	errReplaced     = errors.New("a newer hello stream took over")
)

// session is the hello stream of a pair of peers.
type session struct {
	peer   peer.ID
	stream p2pnetwork.Stream
	poke   chan struct{} // 1 slot: our tip has changed
	// stamp is the peer's of its last hello, which came at stampAt. Service.mu
	// guards both.
	stamp   uint64
	stampAt time.Time
}

// keep looks after a connected peer: the one with the smaller id says hello,
// and again whenever the stream is lost.
func (s *Service) keep(ctx context.Context, p peer.ID) {
	s.mu.Lock()
	changed := s.entry(p).poke
	s.mu.Unlock()
	opener := s.host.ID() < p
	waited := time.Duration(0)
	for pause := reopenPause; ctx.Err() == nil; {
		if s.inSession(p) {
			waited, pause = 0, reopenPause
			sleep(ctx, protocolsRecheck, changed)
			continue
		}
		if opener {
			began := time.Now()
			err := s.openHello(ctx, p)
			if ctx.Err() != nil {
				return
			}
			s.log.Debug("hello stream ended", "peer", p, "error", err)
			if time.Since(began) > reopenPauseMax {
				pause = reopenPause
			}
		}
		if speaks, known := s.speaks(p); known && !speaks {
			if !s.admitSubscriber(p) {
				return
			}
			waited = 0
			sleep(ctx, protocolsRecheck, changed)
			continue
		}
		wait := pause
		if !opener {
			wait = protocolsRecheck
			if waited >= helloWait {
				s.disconnect(p, "no hello")
				return
			}
		}
		began := time.Now()
		sleep(ctx, wait, changed)
		waited += time.Since(began)
		pause = min(2*pause, reopenPauseMax)
	}
}

func (s *Service) inSession(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.peers[p]
	return e != nil && e.session != nil
}

// speaks reports whether identify has named our protocol, and whether it has
// named any.
func (s *Service) speaks(p peer.ID) (speaks, known bool) {
	all, err := s.host.Peerstore().GetProtocols(p)
	if err != nil || len(all) == 0 {
		return false, false
	}
	for _, id := range all {
		if id == ID {
			return true, true
		}
	}
	return false, true
}

// admitSubscriber lets a peer stay that doesn't speak the protocol, if there is
// room.
func (s *Service) admitSubscriber(p peer.ID) bool {
	s.mu.Lock()
	n := 0
	for _, e := range s.peers {
		if e.subscriber && e.id != p {
			n++
		}
	}
	e := s.entry(p)
	ok := n < s.cfg.Limits.Subscribers
	e.subscriber = ok
	e.code = ""
	if e.reason = "does not speak " + string(ID); !ok {
		e.reason = fmt.Sprintf("more than %d peers that only subscribe", s.cfg.Limits.Subscribers)
	}
	s.mu.Unlock()
	if !ok {
		s.closePeer(p)
	}
	return ok
}

// openHello says hello and talks until the stream ends.
func (s *Service) openHello(ctx context.Context, p peer.ID) error {
	open, cancel := context.WithTimeout(p2pnetwork.WithNoDial(ctx, "hello"), firstFrameTimeout)
	defer cancel()
	str, err := s.host.NewStream(open, p, ID)
	if err != nil {
		return fmt.Errorf("open hello stream: %w", err)
	}
	if err := str.Scope().SetService(serviceName); err != nil {
		_ = str.Reset()
		return fmt.Errorf("hello stream: %w", err)
	}
	return s.talk(ctx, &session{peer: p, stream: str, poke: make(chan struct{}, 1)}, bufio.NewReader(str), nil)
}

// talk owns the fate of a hello stream. first is the hello that it began with
// if the peer opened it.
func (s *Service) talk(ctx context.Context, ses *session, r *bufio.Reader, first *wire.Hello) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = ses.stream.Reset() })
	defer stop()
	var written chan struct{}
	begin := func() {
		written = make(chan struct{})
		go func() {
			defer close(written)
			if err := s.sayHello(ctx, ses); err != nil {
				cancel()
			}
		}()
	}
	err := s.listen(ctx, ses, r, first, begin)
	s.left(ctx, ses)
	if errors.Is(err, errOtherGenesis) {
		s.closePeer(ses.peer)
	}
	if isTimeout(err) {
		// The link is dead, or as good as that: close it for the dialer to make
		// another one.
		s.setReason(ses.peer, "stopped answering", "")
		_ = ses.stream.Conn().Close()
	}
	if errors.Is(err, wire.ErrMalformed) {
		s.disconnect(ses.peer, "hello: "+err.Error())
	}
	cancel()
	_ = ses.stream.Reset()
	if written != nil {
		<-written
	}
	return err
}

// listen reads hellos for as long as they come. begin starts the writer: at
// once if we opened the stream, else when the first hello is fine.
func (s *Service) listen(ctx context.Context, ses *session, r *bufio.Reader, first *wire.Hello, begin func()) error {
	if first != nil {
		if first.Genesis != s.rules.GenesisID() {
			return s.turnAway(ses, r, first)
		}
		if err := s.heardHello(ctx, ses, first); err != nil {
			return err
		}
		begin()
	} else {
		begin()
	}
	flood := rate.NewLimiter(rate.Limit(helloRate), helloBurst)
	timeout := firstFrameTimeout
	for {
		if err := ses.stream.SetReadDeadline(time.Now().Add(timeout)); err != nil {
			return err
		}
		t, payload, err := wire.ReadFrame(r, helloFrames)
		if err != nil {
			return err
		}
		timeout = s.cfg.Limits.HelloTimeout
		if t == wire.TypeHelloRefused {
			return s.turnedAway(ses, payload)
		}
		m, err := wire.ParseHello(payload)
		if err != nil {
			return err
		}
		if !flood.Allow() {
			return errHelloFlood
		}
		if m.Genesis != s.rules.GenesisID() {
			s.refuse(ses.peer, m.Genesis, m.Agent)
			return errOtherGenesis
		}
		if err := s.heardHello(ctx, ses, m); err != nil {
			return err
		}
	}
}

func helloFrames(t wire.Type) int {
	if t == wire.TypeHello || t == wire.TypeHelloRefused {
		return t.MaxSize()
	}
	return 0
}

// turnAway answers a hello of another network, naming ours, and waits a moment
// for the answer to arrive.
func (s *Service) turnAway(ses *session, r *bufio.Reader, m *wire.Hello) error {
	s.refuse(ses.peer, m.Genesis, m.Agent)
	str := ses.stream
	refusal := wire.AppendFrame(nil, &wire.HelloRefused{
		Code: wire.RefusedGenesis, Genesis: s.rules.GenesisID(),
		Text: "another network: " + s.rules.Params().Name,
	})
	if err := str.SetDeadline(time.Now().Add(refusalLinger)); err != nil {
		return errOtherGenesis
	}
	if _, err := str.Write(refusal); err == nil && str.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, r, 1)
	}
	return errOtherGenesis
}

// turnedAway notes the answer of a peer that refuses us.
func (s *Service) turnedAway(ses *session, payload []byte) error {
	m, err := wire.ParseHelloRefused(payload)
	if err != nil {
		return err
	}
	if m.Genesis == s.rules.GenesisID() {
		reason := "refuses us: " + m.Text
		s.setReason(ses.peer, reason, "")
		s.cfg.Feedback.Refused(ses.peer, reason)
		return errOtherGenesis
	}
	s.refuse(ses.peer, m.Genesis, "")
	return errOtherGenesis
}

// sayHello writes hellos: now, at intervals, and when our tip changes.
func (s *Service) sayHello(ctx context.Context, ses *session) error {
	for {
		if err := ses.stream.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		if _, err := ses.stream.Write(wire.AppendFrame(nil, s.hello(ses))); err != nil {
			return err
		}
		if !sleep(ctx, helloPushGap, nil) || !sleep(ctx, s.cfg.Limits.HelloInterval-helloPushGap, ses.poke) {
			return ctx.Err()
		}
	}
}

func (s *Service) stamp(t time.Time) uint64 { return uint64(t.Sub(s.since).Microseconds()) + 1 }

func (s *Service) hello(ses *session) *wire.Hello {
	tip, now := s.chain.Tip(), time.Now()
	m := &wire.Hello{
		Version: wire.Version, Genesis: s.rules.GenesisID(), Tip: tip.ID, Height: tip.Height, Work: tip.Work,
		Clock: uint64(max(0, s.cfg.Now().UnixMilli())), Capabilities: s.capabilities(), Agent: s.cfg.Agent, Stamp: s.stamp(now),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ses.stampAt.IsZero() {
		m.Echo = ses.stamp
		m.Held = uint32(min(now.Sub(ses.stampAt).Microseconds(), math.MaxUint32))
	}
	return m
}

// heardHello files a hello of our network; the first one joins the peer.
func (s *Service) heardHello(ctx context.Context, ses *session, m *wire.Hello) error {
	now := time.Now()
	claim := plan.Claim{ID: m.Tip, Height: m.Height, Work: m.Work}
	s.mu.Lock()
	e := s.entry(ses.peer)
	if now.Before(e.bannedUntil) {
		s.mu.Unlock()
		return errOtherGenesis
	}
	var replaced *session
	fresh := e.session != ses
	if fresh {
		if ses.stampAt.IsZero() {
			replaced, e.session = e.session, ses
		} else {
			s.mu.Unlock()
			return errReplaced
		}
	}
	joins := !e.joined
	e.joined, e.subscriber, e.refusal = true, false, nil
	if joins {
		e.reason, e.code = "", ""
	}
	e.agent, e.genesis, e.tip, e.caps = m.Agent, m.Genesis, claim, m.Capabilities
	ses.stamp, ses.stampAt = m.Stamp, now
	if rtt := int64(s.stamp(now)) - int64(m.Echo) - int64(m.Held); m.Echo != 0 && rtt >= 0 && rtt < time.Minute.Microseconds() {
		e.latency = max(time.Duration(rtt)*time.Microsecond, time.Microsecond)
	}
	const maxSkew = 100 * 365 * 24 * time.Hour // a duration holds it
	ahead := int64(min(m.Clock, 1<<53)) - s.cfg.Now().UnixMilli()
	e.skew = time.Duration(max(min(ahead, maxSkew.Milliseconds()), -maxSkew.Milliseconds()))*time.Millisecond + e.latency/2
	if joins {
		s.notify()
		poke(ses.poke) // the second hello tells the peer its round-trip time
	}
	poke(e.poke)
	s.mu.Unlock()

	if replaced != nil {
		_ = replaced.stream.Reset()
	}
	if joins {
		s.chatter.line(slog.LevelInfo, "peer joined", "peer", ses.peer, "height", m.Height, "agent", m.Agent)
		s.send(ctx, plan.Joined{Peer: plan.PeerID(ses.peer), Claim: claim})
		s.cfg.Feedback.Joined(ses.peer)
		s.txs.joined(ses.peer)
		return nil
	}
	s.send(ctx, plan.Claimed{Peer: plan.PeerID(ses.peer), Claim: claim})
	return nil
}

// left ends a session: unless a newer one has taken over, the peer is no longer
// joined.
func (s *Service) left(ctx context.Context, ses *session) {
	s.mu.Lock()
	e := s.peers[ses.peer]
	was := e != nil && e.session == ses
	if was {
		e.session, e.joined = nil, false
		poke(e.poke)
	}
	s.mu.Unlock()
	if !was {
		return
	}
	s.chatter.line(slog.LevelInfo, "peer left", "peer", ses.peer)
	s.send(ctx, plan.Left{Peer: plan.PeerID(ses.peer)})
	s.cfg.Feedback.Lost(ses.peer)
}

// pokeSessions makes every hello go out soon.
func (s *Service) pokeSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.peers {
		if e.session != nil {
			poke(e.session.poke)
		}
	}
}

// joinedPeers counts the peers past hello.
func (s *Service) joinedPeers() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.peers {
		if e.joined {
			n++
		}
	}
	return n
}

// peerJoined returns whether a peer is past hello, and what it understands.
func (s *Service) peerJoined(p peer.ID) (caps wire.Capabilities, joined bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.peers[p]; e != nil {
		return e.caps, e.joined
	}
	return 0, false
}
