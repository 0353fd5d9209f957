package protocol

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	p2pnetwork "github.com/libp2p/go-libp2p/core/network"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
	"github.com/ingchain/ingchain/protocol/wire"
)

// otherRules are dev's with another salt, hence another genesis.
func otherRules(t *testing.T) *core.Rules {
	p := core.Dev()
	p.Salt = core.Hash{1}
	return rulesOf(t, p)
}

func TestOtherGenesisIsNamedAndNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		theirs := otherRules(t)
		a := sim.node()
		b := sim.node(func(c *Config) { c.Chain = fakechain.New(theirs) })
		sim.connect(a, b)
		for _, pair := range [][2]*testNode{{a, b}, {b, a}} {
			ours, other := pair[0], pair[1]
			ctx, cancel := context.WithTimeout(sim.ctx, 5*time.Second)
			err := ours.service.WaitJoined(ctx, other.ID())
			cancel()
			var ge *GenesisError
			if !errors.As(err, &ge) || ge.Ours != ours.chain.Rules().GenesisID() || ge.Theirs != other.chain.Rules().GenesisID() {
				t.Errorf("WaitJoined: %v", err)
			}
			sim.until(5*time.Second, "disconnected", func() bool { return len(ours.Network().Conns()) == 0 })
			if st := ours.state(other.ID()); st.Joined || !strings.Contains(st.Reason, other.chain.Rules().GenesisID().String()) {
				t.Errorf("listed as %+v", st)
			}
			if ours.feedback.reason(other.ID()) == "" || len(ours.feedback.joined) != 0 {
				t.Error("the dialer was not told")
			}
		}
	})
}

func TestWaitJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.node(), sim.node()
		ctx, cancel := context.WithTimeout(sim.ctx, 10*time.Second)
		defer cancel()
		sim.connect(a, b)
		if err := errors.Join(a.service.WaitJoined(ctx, b.ID()), b.service.WaitJoined(ctx, a.ID())); err != nil {
			t.Fatal(err)
		}
		silent := sim.host() // answers nothing
		silent.SetStreamHandler(ID, func(p2pnetwork.Stream) {})
		sim.connect(a, silent)
		if err := a.service.WaitJoined(ctx, silent.ID()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a silent peer: %v", err)
		}
	})
}

// A stream lost while the connection lives is opened again, and the peers
// tolerate several connections.
func TestHelloStreamIsReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.node(), sim.node()
		sim.connect(a, b)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) })
		a.service.mu.Lock()
		str := a.service.peers[b.ID()].session.stream
		a.service.mu.Unlock()
		_ = str.Reset()
		sim.until(time.Second, "noticed", func() bool { return !sim.joined(a, b) })
		sim.until(6*time.Second, "joined again", func() bool { return sim.joined(a, b) })
	})
}

// attack gives a bare host, connected to a victim that has n blocks.
func attack(t *testing.T, f func(sim *simulation, attacker, victim *testNode)) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		victim := sim.node()
		attacker := sim.host()
		sim.connect(attacker, victim)
		sim.until(5*time.Second, "identified", func() bool {
			ids, err := attacker.Peerstore().SupportsProtocols(victim.ID(), ID)
			return err == nil && len(ids) == 1
		})
		f(sim, attacker, victim)
	})
}

func (sim *simulation) open(a, b *testNode) p2pnetwork.Stream {
	sim.t.Helper()
	str, err := a.NewStream(sim.ctx, b.ID(), ID)
	if err != nil {
		sim.t.Fatal(err)
	}
	return str
}

// cutAfter reads until the stream ends and returns how long that took.
func cutAfter(str io.Reader) time.Duration {
	start := time.Now()
	_, _ = io.Copy(io.Discard, str)
	return time.Since(start)
}

func TestSilentStreamIsCut(t *testing.T) {
	attack(t, func(sim *simulation, attacker, victim *testNode) {
		str := sim.open(attacker, victim)
		// A lazily negotiated stream exists for the victim from its first byte on.
		if _, err := str.Write([]byte{byte(wire.TypeHello)}); err != nil {
			t.Fatal(err)
		}
		if took := cutAfter(str); took > firstFrameTimeout+time.Second {
			t.Errorf("cut after %v", took)
		}
	})
}

func TestDripIsCut(t *testing.T) {
	attack(t, func(sim *simulation, attacker, victim *testNode) {
		str := sim.open(attacker, victim)
		frame := wire.AppendFrame(nil, &wire.GetBlocks{IDs: make([]core.Hash, wire.MaxBlocks)})
		sim.side.Go(func() {
			for i := 0; i < len(frame) && sim.pause(time.Second); i++ { // 1 B/s
				if _, err := str.Write(frame[i : i+1]); err != nil {
					return
				}
			}
		})
		if took := cutAfter(str); took > 30*time.Second {
			t.Errorf("cut after %v", took)
		}
	})
}

func TestMalformedFirstFramesDisconnect(t *testing.T) {
	locator := &wire.GetHeaders{Locator: make([]core.Hash, core.MaxLocator+1), Max: 1}
	for name, frame := range map[string][]byte{
		"length 2^63":     {byte(wire.TypeHello), 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
		"max+1":           wire.AppendFrameHeader(nil, wire.TypeGetBlocks, wire.TypeGetBlocks.MaxSize()+1),
		"unknown type":    {99, 0},
		"unasked answer":  wire.AppendFrame(nil, &wire.End{}),
		"102 locator ids": wire.AppendFrame(nil, locator),
	} {
		t.Run(name, func(t *testing.T) {
			attack(t, func(sim *simulation, attacker, victim *testNode) {
				str := sim.open(attacker, victim)
				if _, err := str.Write(frame); err != nil {
					t.Fatal(err)
				}
				if took := cutAfter(str); took > time.Second {
					t.Errorf("cut after %v", took)
				}
				sim.until(time.Second, "disconnected", func() bool { return len(victim.Network().Conns()) == 0 })
			})
		})
	}
}

// join says hello as the rules want and returns the stream.
func (sim *simulation) join(attacker, victim *testNode, work core.Work) *bufio.Reader {
	sim.t.Helper()
	return sim.joinWith(attacker, victim, work, chainCapabilities)
}

func (sim *simulation) joinWith(attacker, victim *testNode, work core.Work, caps wire.Capabilities) *bufio.Reader {
	sim.t.Helper()
	hello := &wire.Hello{Version: wire.Version, Genesis: sim.rules.GenesisID(), Tip: core.Hash{7}, Work: work, Capabilities: caps,
		Clock: uint64(simNow().UnixMilli()), Agent: "attacker"}
	str := sim.open(attacker, victim)
	if _, err := str.Write(wire.AppendFrame(nil, hello)); err != nil {
		sim.t.Fatal(err)
	}
	r := bufio.NewReader(str)
	if t, _, err := wire.ReadFrame(r, nil); err != nil || t != wire.TypeHello {
		sim.t.Fatalf("answer to hello: %v, %v", t, err)
	}
	sim.side.Go(func() {
		for sim.pause(5 * time.Second) {
			if _, err := str.Write(wire.AppendFrame(nil, hello)); err != nil {
				return
			}
		}
	})
	return r
}

// A node that was suspended finds what its peers have said meanwhile, and holds
// it against nobody.
func TestHellosAfterAPauseAreNoFlood(t *testing.T) {
	attack(t, func(sim *simulation, peer, victim *testNode) {
		hello := wire.AppendFrame(nil, &wire.Hello{Version: wire.Version, Genesis: sim.rules.GenesisID()})
		str := sim.open(peer, victim)
		if _, err := str.Write(bytes.Repeat(hello, int(victim.service.cfg.Limits.HelloTimeout/helloPushGap))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if _, joined := victim.service.peerJoined(peer.ID()); !joined {
			t.Error("the peer was dropped")
		}
	})
}

func TestHelloFloodIsCut(t *testing.T) {
	attack(t, func(sim *simulation, attacker, victim *testNode) {
		hello := wire.AppendFrame(nil, &wire.Hello{Version: wire.Version, Genesis: sim.rules.GenesisID()})
		str := sim.open(attacker, victim)
		sim.side.Go(func() {
			for range 1000 {
				if _, err := str.Write(hello); err != nil {
					return
				}
			}
		})
		if took := cutAfter(str); took > 2*time.Second {
			t.Errorf("cut after %v", took)
		}
	})
}

func TestRequestsBeforeHelloAreNotServed(t *testing.T) {
	attack(t, func(sim *simulation, attacker, victim *testNode) {
		m := sim.ask(attacker, victim, &wire.GetHeaders{Locator: []core.Hash{}, Max: 1})
		if e, ok := m.(*wire.Error); !ok || e.Code != wire.CodeNotJoined {
			t.Errorf("answer: %+v", m)
		}
	})
}

// ask sends a request and returns the first frame of the answer, nil if the
// stream was cut.
func (sim *simulation) ask(a, b *testNode, q wire.Message) wire.Message {
	str := sim.open(a, b)
	defer func() { _ = str.Reset() }()
	if _, err := str.Write(wire.AppendFrame(nil, q)); err != nil {
		return nil
	}
	t, payload, err := wire.ReadFrame(bufio.NewReader(str), nil)
	if err != nil {
		return nil
	}
	m, err := wire.Parse(t, payload)
	if err != nil {
		sim.t.Error(err)
	}
	return m
}

func TestServer(t *testing.T) {
	attack(t, func(sim *simulation, attacker, victim *testNode) {
		victim.mine(600, 1)
		sim.join(attacker, victim, core.Work{})
		headers, ok := sim.ask(attacker, victim, &wire.GetHeaders{Locator: victim.chain.Locator()[5:6], Max: 3}).(*wire.Headers)
		if !ok || len(headers.Headers) != 3 || headers.Headers[0].Height != 596 {
			t.Errorf("headers: %+v", headers)
		}
		for _, q := range []wire.Message{
			&wire.GetBlocks{IDs: []core.Hash{{1}}},
			&wire.GetRange{Tip: core.Hash{1}, Count: 1},
		} {
			if m, ok := sim.ask(attacker, victim, q).(*wire.NotFound); !ok || m.ID != (core.Hash{1}) {
				t.Errorf("%v of an unknown block: %+v", q.Type(), m)
			}
		}
		tip := victim.chain.Tip()
		b, ok := sim.ask(attacker, victim, &wire.GetRange{Tip: tip.ID, From: 7, Count: 5}).(*wire.Block)
		if !ok {
			t.Fatal("no block of a range")
		}
		if blk, err := core.ParseBlock(b.Bytes); err != nil || blk.Header.Height != 7 {
			t.Errorf("first block of the range: %v, %v", blk, err)
		}
	})
}

// reorganising is a chain that changes while headers are looked up.
type reorganising struct {
	*fakechain.Chain
	found [][]core.Header
}

func (c *reorganising) HeadersAfter([]core.Hash, core.Hash, int) []core.Header {
	hs := c.found[0]
	c.found = c.found[1:]
	return hs
}

func TestHeadersFollowTheLocatorWhateverHappens(t *testing.T) {
	rules := devRules(t)
	blocks := fakechain.Make(rules, genesisOf(rules), 5, 1)
	hs := fakechain.Headers(blocks)
	s := &Service{rules: rules, chain: &reorganising{fakechain.New(rules), [][]core.Header{hs[3:], hs[2:]}}}
	got := s.headersAfter(&wire.GetHeaders{Locator: []core.Hash{blocks[1].ID()}, Max: 10})
	if len(got) != 3 || got[0].Height != 3 {
		t.Errorf("answer: %v", got)
	}
}

func TestAnswersAreCutBySize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		victim := sim.node(func(c *Config) { c.Limits.ResponseBytes = 1000 })
		attacker := sim.host()
		sim.connect(attacker, victim)
		tip := victim.mine(100, 1)
		sim.join(attacker, victim, core.Work{})
		str := sim.open(attacker, victim)
		if _, err := str.Write(wire.AppendFrame(nil, &wire.GetRange{Tip: tip, From: 1, Count: 100})); err != nil {
			t.Fatal(err)
		}
		r, n := bufio.NewReader(str), 0
		for {
			ty, payload, err := wire.ReadFrame(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if ty == wire.TypeEnd {
				if end, err := wire.ParseEnd(payload); err != nil || !end.More {
					t.Errorf("end: %+v, %v", end, err)
				}
				break
			}
			n += len(payload)
		}
		if n < 1000 || n > 1500 {
			t.Errorf("%d bytes in an answer", n)
		}
	})
}

func TestStreamsOfAPeerAreBounded(t *testing.T) {
	attack(t, func(sim *simulation, attacker, victim *testNode) {
		open := 0
		for range 50 {
			str := sim.open(attacker, victim)
			if _, err := str.Write([]byte{byte(wire.TypeHello)}); err != nil {
				continue
			}
			if err := str.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := str.Read(make([]byte, 1)); isTimeout(err) {
				open++
			}
		}
		if open > maxStreamsPerPeer {
			t.Errorf("%d streams open at once", open)
		}
	})
}

// A peer that asks and doesn't read is cut off, and holds little memory.
func TestReaderThatDoesNotReadIsCut(t *testing.T) {
	attack(t, func(sim *simulation, attacker, victim *testNode) {
		big := fakechain.Make(sim.rules, victim.chain.Tip(), 1, 1)[0]
		txs := append([]core.Transaction(nil), big.Txs...)
		pad := core.Transaction{Version: 1, Data: make([]byte, core.MaxTxData)}
		for range 20_000 {
			txs = append(txs, pad)
		}
		leaves := make([]core.Hash, len(txs))
		for i := range txs {
			leaves[i] = core.MerkleLeaf(txs[i].ID(), txs[i].WitnessID())
		}
		h := big.Header
		h.MerkleRoot = core.MerkleRoot(leaves)
		b := fakechain.Mine(sim.rules, h, txs)
		victim.chain.Extend([]*core.Block{b})
		sim.join(attacker, victim, core.Work{})
		str := sim.open(attacker, victim)
		ids := make([]core.Hash, 5)
		for i := range ids {
			ids[i] = b.ID()
		}
		if _, err := str.Write(wire.AppendFrame(nil, &wire.GetBlocks{IDs: ids})); err != nil {
			t.Fatal(err)
		}
		sim.until(time.Second, "served", func() bool { return len(victim.service.slots) == 1 })
		took := sim.until(time.Minute, "cut", func() bool { return len(victim.service.slots) == 0 })
		if took > 30*time.Second {
			t.Errorf("cut after %v", took)
		}
	})
}

func TestRequestRateIsBounded(t *testing.T) {
	attack(t, func(sim *simulation, attacker, victim *testNode) {
		sim.join(attacker, victim, core.Work{})
		start := time.Now()
		const n = 1500
		done := make(chan struct{}, n)
		for range 6 {
			go func() {
				for range n / 6 {
					sim.ask(attacker, victim, &wire.GetHeaders{Locator: []core.Hash{{1}}, Max: 1})
					done <- struct{}{}
				}
			}()
		}
		for range n {
			<-done
		}
		if rate := (n - requestBurst) / time.Since(start).Seconds(); rate > 1.1*requestRate {
			t.Errorf("%.0f requests per second served beyond the burst", rate)
		}
	})
}

// When all slots are taken, a request waits for a moment: an error would make
// an honest peer turn away, for longer each time.
func TestRequestsWaitForASlot(t *testing.T) {
	attack(t, func(sim *simulation, peer, victim *testNode) {
		sim.join(peer, victim, core.Work{})
		slots := victim.service.slots
		for range cap(slots) {
			slots <- struct{}{}
		}
		sim.side.Go(func() {
			sim.pause(time.Second)
			<-slots
		})
		q := &wire.GetHeaders{Locator: []core.Hash{{1}}, Max: 1}
		if m, ok := sim.ask(peer, victim, q).(*wire.Headers); !ok {
			t.Errorf("answer: %+v", m)
		}
		slots <- struct{}{}
		if e, ok := sim.ask(peer, victim, q).(*wire.Error); !ok || e.Code != wire.CodeBusy {
			t.Errorf("answer: %+v", e)
		}
	})
}

// What is much work for us is not to be had as often as what is little.
func TestRateGoesByTheAnswer(t *testing.T) {
	attack(t, func(sim *simulation, attacker, victim *testNode) {
		victim.mine(wire.MaxHeaders, 1)
		sim.join(attacker, victim, core.Work{})
		const asking = 5 * time.Second
		start := time.Now()
		var headers atomic.Int64
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				for time.Since(start) < asking {
					q := &wire.GetHeaders{Locator: []core.Hash{{1}}, Max: wire.MaxHeaders}
					if m, ok := sim.ask(attacker, victim, q).(*wire.Headers); ok {
						headers.Add(int64(len(m.Headers)))
					}
				}
			})
		}
		wg.Wait()
		took := time.Since(start).Seconds()
		if most := costItems * (requestRate*took + 2*requestBurst); float64(headers.Load()) > most {
			t.Errorf("%d headers served in %.1f s, want %.0f at most", headers.Load(), took, most)
		}
	})
}

func TestSubscribersHaveAQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		victim := sim.node(func(c *Config) { c.Limits.Subscribers = 2 })
		for range 4 {
			h := sim.host()
			sim.connect(h, victim)
			time.Sleep(2 * time.Second)
		}
		if n := len(victim.Network().Peers()); n != 2 {
			t.Errorf("%d subscribers stay, want 2", n)
		}
		time.Sleep(time.Minute)
		if n := len(victim.Network().Peers()); n != 2 {
			t.Errorf("%d subscribers are left after a minute", n)
		}
		if st := victim.state(victim.Network().Peers()[0]); st.Joined || !strings.Contains(st.Reason, string(ID)) {
			t.Errorf("listed as %+v", st)
		}
	})
}

// A banned peer's second connection is closed too if it comes while the first is
// still being closed.
func TestEveryConnectionOfABannedPeerIsClosed(t *testing.T) {
	attack(t, func(sim *simulation, attacker, victim *testNode) {
		s := victim.service
		s.mu.Lock()
		s.entry(attacker.ID()).bannedUntil = time.Now().Add(time.Minute)
		s.mu.Unlock()
		g := &group{}
		defer g.wait()
		s.connected(sim.ctx, g, attacker.ID())
		sim.until(time.Second, "disconnected", func() bool { return len(victim.Network().Conns()) == 0 })
	})
}

// A peer that speaks the protocol and says nothing is dropped, whoever should
// have said hello.
func TestPeerWithoutHelloIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b, mute := sim.node(), sim.node(), sim.host()
		mute.SetStreamHandler(ID, func(str p2pnetwork.Stream) { _, _ = io.Copy(io.Discard, str) })
		sim.connect(mute, a)
		sim.connect(mute, b)
		if took := sim.until(time.Minute, "dropped", func() bool { return len(mute.Network().Conns()) == 0 }); took > 25*time.Second {
			t.Errorf("dropped after %v", took)
		}
	})
}

func TestClaimedLengthIsNotAllocated(t *testing.T) {
	attack(t, func(sim *simulation, attacker, victim *testNode) {
		sim.join(attacker, victim, core.Work{})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 6 {
			str := sim.open(attacker, victim)
			if _, err := str.Write(wire.AppendFrameHeader(nil, wire.TypeGetBlocks, wire.TypeGetBlocks.MaxSize())); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
			t.Errorf("six half-sent requests hold %d bytes", grown)
		}
	})
}

func TestClockWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		slow := func(c *Config) { c.Now = func() time.Time { return simNow().Add(-time.Minute) } }
		a, b, c := sim.node(slow), sim.node(), sim.node()
		sim.connectAll(a, b, c)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) && sim.joined(a, c) && sim.joined(b, c) })
		time.Sleep(time.Second)
		if w := a.service.Warnings(); len(w) != 1 || !strings.Contains(w[0], "1m0s behind") {
			t.Errorf("warnings: %q", w)
		}
		if st := b.state(a.ID()); st.Skew.Round(time.Second) != -time.Minute {
			t.Errorf("skew of the slow one: %v", st.Skew)
		}
	})
}
