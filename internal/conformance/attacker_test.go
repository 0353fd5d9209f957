package conformance

import (
	"bufio"
	"context"
	"crypto/sha256"
	"io"
	"slices"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	p2phost "github.com/libp2p/go-libp2p/core/host"
	p2pnetwork "github.com/libp2p/go-libp2p/core/network"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/protocol"
	"github.com/ingchain/ingchain/protocol/wire"
)

// attacker is a peer with a libp2p host and the messages of the protocol, and
// nothing else of ours.
type attacker struct {
	p2phost.Host
	stage *stage
	hello p2pnetwork.Stream
	topic *pubsub.Topic // nil before it gossips
	stop  context.CancelFunc
	poke  chan struct{} // 1 slot: there is another hello to say

	mu sync.Mutex
	// step is what it has to show; guarded by mu.
	step *coretest.Step
	// mute says that it has nothing but the step's own block; guarded by mu.
	mute bool
	// said is its hello; guarded by mu.
	said *wire.Hello
}

// attacker connects a new one to the victim and says hello, claiming nothing.
func (s *stage) attacker() *attacker {
	s.t.Helper()
	key := s.key()
	for idOf(key) > s.victim.host.ID() {
		key = s.key()
	}
	ctx, cancel := context.WithCancel(s.ctx)
	a := &attacker{Host: s.newHost(key), stage: s, stop: cancel, poke: make(chan struct{}, 1)}
	s.stops = append(s.stops, a.leave)
	a.SetStreamHandler(protocol.ID, a.answer)
	var err error
	if s.way != claiming {
		a.gossip(ctx)
	}
	s.connect(a, s.victim)
	if s.way != claiming {
		s.await("the victim subscribes", func() bool { return slices.Contains(a.topic.ListPeers(), s.victim.host.ID()) })
	}
	if a.hello, err = a.NewStream(ctx, s.victim.host.ID(), protocol.ID); err != nil {
		s.t.Fatal(err)
	}
	a.claim(s.sc.rules.GenesisID(), 0, core.Work{})
	go func() { _, _ = io.Copy(io.Discard, a.hello) }()
	go a.stay(ctx)
	if err := s.victim.service.WaitJoined(ctx, a.ID()); err != nil {
		s.t.Fatal(err)
	}
	return a
}

// leave goes for good. It may be called again.
func (a *attacker) leave() {
	a.stop()
	_ = a.Close()
}

// show has the attacker serve a step's block and what comes before it. A mute
// one has nothing but the block.
func (a *attacker) show(st *coretest.Step, mute bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.step, a.mute = st, mute
}

// claim says hello. A victim that has turned its back does not hear it.
func (a *attacker) claim(id core.Hash, height uint32, work core.Work) {
	a.say(&wire.Hello{
		Version: wire.Version, Genesis: a.stage.sc.rules.GenesisID(), Tip: id, Height: height, Work: work,
		Clock: uint64(a.stage.clock.Now().UnixMilli()), Capabilities: wire.CapHeaders | wire.CapBlocks, Agent: "attacker", Stamp: 1,
	})
}

func (a *attacker) say(m *wire.Hello) {
	a.mu.Lock()
	a.said = m
	a.mu.Unlock()
	a.poke <- struct{}{}
}

// stay says hello when there is something to claim, and repeats it, as who means
// to stay joined must.
func (a *attacker) stay(ctx context.Context) {
	tick := time.NewTicker(helloEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-a.poke:
		}
		a.mu.Lock()
		m := a.said
		a.mu.Unlock()
		_, _ = a.hello.Write(wire.AppendFrame(nil, m))
	}
}

// gossip makes the attacker a publisher on the topic of blocks.
func (a *attacker) gossip(ctx context.Context) {
	s := a.stage
	s.t.Helper()
	ps, err := pubsub.NewGossipSub(ctx, a.Host,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(), pubsub.WithFloodPublish(true),
		pubsub.WithMessageIdFn(func(m *pb.Message) string { sum := sha256.Sum256(m.GetData()); return string(sum[:]) }))
	if err != nil {
		s.t.Fatal(err)
	}
	if a.topic, err = ps.Join(protocol.BlockTopic(s.sc.rules.GenesisID())); err != nil {
		s.t.Fatal(err)
	}
}

func (a *attacker) publish(data []byte) {
	a.stage.t.Helper()
	if err := a.topic.Publish(a.stage.ctx, data); err != nil {
		a.stage.t.Fatal(err)
	}
}

// answer serves a request.
func (a *attacker) answer(str p2pnetwork.Stream) {
	defer str.Close()
	t, payload, err := wire.ReadFrame(bufio.NewReader(str), nil)
	if err != nil {
		return
	}
	m, err := wire.Parse(t, payload)
	if err != nil {
		return
	}
	a.mu.Lock()
	step, mute := a.step, a.mute
	a.mu.Unlock()
	switch m := m.(type) {
	case *wire.GetHeaders:
		_, _ = str.Write(wire.AppendFrame(nil, &wire.Headers{Headers: a.stage.sc.headers(step, mute, m.Locator)}))
	case *wire.GetBlocks:
		for _, id := range m.IDs {
			raw, ok := a.stage.sc.body(step, mute, id)
			if !ok {
				_, _ = str.Write(wire.AppendFrame(nil, &wire.NotFound{ID: id}))
				break
			}
			_, _ = str.Write(wire.AppendFrame(nil, &wire.Block{Bytes: raw}))
		}
		_, _ = str.Write(wire.AppendFrame(nil, &wire.End{}))
	}
}

// headers lists those of the step's branch from behind the first block of the
// locator that is on it. A block that follows nothing comes alone.
func (sc *script) headers(st *coretest.Step, mute bool, locator []core.Hash) []core.Header {
	if st == nil || mute {
		return nil
	}
	branch := sc.branch(st.ID)
	if branch == nil {
		return []core.Header{st.Header}
	}
	from := 0
	for i := len(branch) - 1; i >= 0; i-- {
		if slices.Contains(locator, branch[i].ID()) {
			from = i + 1
			break
		}
	}
	var hs []core.Header
	for _, e := range branch[from:min(len(branch), from+wire.MaxHeaders)] {
		hs = append(hs, e.Header)
	}
	return hs
}

// body returns the bytes that go for a block of the step's branch: the step's
// for its own. A mute one has no other.
func (sc *script) body(st *coretest.Step, mute bool, id core.Hash) (raw []byte, ok bool) {
	if st == nil {
		return nil, false
	}
	if st.ID == id {
		return st.Bytes, true
	}
	branch := sc.branch(st.ID)
	if i := slices.IndexFunc(branch, func(e *entry) bool { return e.ID() == id }); i >= 0 && !mute {
		return branch[i].Bytes(), true
	}
	return nil, false
}
