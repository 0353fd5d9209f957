package plan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
)

func TestFreshSync(t *testing.T) {
	for _, peers := range []int{1, 3} {
		w := newWorld(t)
		blocks := fakechain.Make(w.rules, w.genesis(), 5000, 1)
		for i := range peers {
			w.join(PeerID("abc"[i:i+1]), &actor{chain: w.chainOf(blocks)})
		}
		took := w.run(20*time.Second, last(blocks))
		if took > 3*time.Second {
			t.Errorf("%d peers: took %v", peers, took)
		}
		if n := len(w.addedBy()); n != peers {
			t.Errorf("blocks came from %d of %d peers", n, peers)
		}
		if w.headers != len(blocks) {
			t.Errorf("%d headers went to the chain, want each of %d once", w.headers, len(blocks))
		}
		for id, n := range w.asked {
			if n > len(blocks) {
				t.Errorf("%s was asked for %d blocks", id, n)
			}
		}
		w.idle(time.Second)
		if st := w.plan.Status(); st.Missing != 0 || st.Unproven || st.Exchanges != 0 {
			t.Errorf("in the end: %+v", st)
		}
	}
}

func TestFork(t *testing.T) {
	//	genesis -> common(10) -> ours(5)
	//	                     \-> theirs(8)
	w := newWorld(t)
	common := fakechain.Make(w.rules, w.genesis(), 10, 1)
	fork := stateAfter(w.rules, w.genesis(), common)
	ours, theirs := fakechain.Make(w.rules, fork, 5, 2), fakechain.Make(w.rules, fork, 8, 3)
	w.chain.Extend(append(common, ours...))
	w.join("a", &actor{chain: w.chainOf(common, theirs)})
	w.run(5*time.Second, last(theirs))
	if w.headers != len(theirs) || w.asked["a"] != len(theirs) {
		t.Errorf("%d headers, %d blocks for a branch of %d", w.headers, w.asked["a"], len(theirs))
	}
}

func TestLighterBranchIsNotKept(t *testing.T) {
	w := newWorld(t)
	ours, theirs := fakechain.Make(w.rules, w.genesis(), 8, 1), fakechain.Make(w.rules, w.genesis(), 5, 2)
	w.chain.Extend(ours)
	w.join("honest", &actor{chain: w.chainOf(theirs)})
	w.step(Heard{Peer: "honest", Header: theirs[4].Header})
	w.idle(time.Minute)
	if w.headers != 0 || len(w.punished) != 0 {
		t.Errorf("%d headers kept, punished %v", w.headers, w.punished)
	}
}

// Of two branches of equal work the one with the lower id wins, in whatever
// order they come.
func TestTieByLowerID(t *testing.T) {
	rules := devRules(t)
	g := rules.Params().GenesisState().HeaderState
	a, b := fakechain.Make(rules, g, 3, 1), fakechain.Make(rules, g, 3, 2)
	low, high := a, b
	if core.Heavier(rulesWork(rules, g, b), last(b), rulesWork(rules, g, a), last(a)) {
		low, high = b, a
	}
	for _, ours := range [][]*core.Block{low, high} {
		w := newWorld(t)
		w.chain.Extend(ours)
		other := low
		if &ours[0] == &low[0] {
			other = high
		}
		w.join("a", &actor{chain: w.chainOf(other)})
		w.idle(10 * time.Second)
		if w.chain.Tip().ID != last(low) {
			t.Errorf("tip is not the lower id")
		}
	}
}

// Peers at another tip of equal work may have the block that we want; the one
// that says it has is asked first.
func TestWhoHasTheBlockIsAskedFirst(t *testing.T) {
	w := newWorld(t)
	common := fakechain.Make(w.rules, w.genesis(), 3, 1)
	fork := stateAfter(w.rules, w.genesis(), common)
	low, high := fakechain.Make(w.rules, fork, 1, 2), fakechain.Make(w.rules, fork, 1, 3)
	if core.Heavier(rulesWork(w.rules, fork, high), last(high), rulesWork(w.rules, fork, low), last(low)) {
		low, high = high, low
	}
	w.chain.Extend(append(common, high...))
	for i := range 20 {
		w.join(PeerID(fmt.Sprint("high", i)), &actor{chain: w.chainOf(common, high), latency: 20 * time.Millisecond})
	}
	w.join("low", &actor{chain: w.chainOf(common, low), latency: 20 * time.Millisecond})
	if took := w.run(5*time.Second, last(low)); took > 100*time.Millisecond {
		t.Errorf("took %v", took)
	}
}

func rulesWork(rules *core.Rules, g core.HeaderState, blocks []*core.Block) core.Work {
	return stateAfter(rules, g, blocks).Work
}

func TestAnnouncedBlock(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 3, 1)
	w.chain.Extend(blocks[:2])
	w.join("a", &actor{chain: w.chainOf(blocks), claim: &Claim{ID: blocks[1].ID(), Work: w.chain.Tip().Work}})
	w.step(Heard{Peer: "a", Header: blocks[2].Header})
	if took := w.run(time.Second, last(blocks)); took > 20*time.Millisecond {
		t.Errorf("one announced block took %v", took)
	}
}

func TestAnnouncedOrphanIsTracedBack(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 30, 1)
	w.join("a", &actor{chain: w.chainOf(blocks), claim: &Claim{ID: w.genesis().ID}})
	w.step(Heard{Peer: "a", Header: blocks[29].Header})
	w.run(time.Second, last(blocks))
}

func TestStalledPeerIsReplaced(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 10_000, 1)
	for _, id := range []PeerID{"a", "b", "c"} {
		w.join(id, &actor{chain: w.chainOf(blocks), perBlock: 100 * time.Microsecond})
	}
	w.at(200*time.Millisecond, func() { w.peers["b"].silentAt = w.now.Add(-1) })
	took := w.run(30*time.Second, last(blocks))
	if took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if !strings.Contains(w.aside["b"], "slow") && !strings.Contains(strings.Join(w.trace, "\n"), "aside b: too slow") {
		t.Errorf("b was not set aside: %v", w.trace)
	}
	if len(w.punished) != 0 {
		t.Errorf("punished: %v", w.punished)
	}
}

// Peers that show headers and never send a body cost little once one has sent
// some, however many they are.
func TestManyMutePeers(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 5000, 1)
	for i := range 19 {
		w.join(PeerID(fmt.Sprint("mute", i)), &actor{chain: w.chainOf(blocks), mute: true})
	}
	w.join("true", &actor{chain: w.chainOf(blocks)})
	w.run(time.Minute, last(blocks))
}

// A peer at 1 KiB/s loses its place; the others finish without it.
func TestDripIsReplaced(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 1000, 1)
	w.join("a", &actor{chain: w.chainOf(blocks), perBlock: 250 * time.Millisecond})
	w.join("b", &actor{chain: w.chainOf(blocks)})
	if took := w.run(30*time.Second, last(blocks)); took > 6*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestOneSlowPeerSuffices(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 300, 1)
	w.join("a", &actor{chain: w.chainOf(blocks), perBlock: 100 * time.Millisecond})
	w.run(time.Minute, last(blocks))
	if len(w.trace) != 0 {
		t.Errorf("the only peer was set aside: %v", w.trace)
	}
}

func TestPeerLeavesInMidBatch(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 2000, 1)
	w.join("a", &actor{chain: w.chainOf(blocks), perBlock: time.Millisecond})
	w.join("b", &actor{chain: w.chainOf(blocks), perBlock: time.Millisecond})
	w.at(100*time.Millisecond, func() { w.leave("a") })
	if took := w.run(10*time.Second, last(blocks)); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestPeerLeavesWhileAskedForHeaders(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 10, 1)
	w.join("a", &actor{chain: w.chainOf(blocks), latency: time.Hour})
	w.join("b", &actor{chain: w.chainOf(blocks)})
	w.at(100*time.Millisecond, func() { w.leave("a") })
	if took := w.run(10*time.Second, last(blocks)); took > time.Second {
		t.Errorf("took %v", took)
	}
}

func TestBadBlock(t *testing.T) {
	//	genesis -> good(100) -> bad -> more(50)
	//	                    \-> honest(20)
	w := newWorld(t)
	good := fakechain.Make(w.rules, w.genesis(), 100, 1)
	fork := stateAfter(w.rules, w.genesis(), good)
	bad, honest := fakechain.Make(w.rules, fork, 51, 2), fakechain.Make(w.rules, fork, 20, 3)
	w.chain.Poison(bad[0].ID())
	w.join("liar", &actor{chain: w.chainOf(good, bad)})
	w.join("true", &actor{chain: w.chainOf(good, honest)})
	w.run(20*time.Second, last(honest))
	if !errors.Is(w.punished["liar"], core.ErrStateRoot) || w.punished["true"] != nil {
		t.Errorf("punished: %v", w.punished)
	}
}

// A body that the header doesn't commit to costs its sender, and nothing else:
// the same block is fetched from another peer.
func TestMutatedBody(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 200, 1)
	mutate := func(b *core.Block) *core.Block {
		m, err := core.NewBlock(b.Header, append(append([]core.Transaction(nil), b.Txs...), b.Txs[0]))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	w.join("a", &actor{chain: w.chainOf(blocks), mutate: mutate})
	w.join("b", &actor{chain: w.chainOf(blocks), latency: 50 * time.Millisecond})
	w.run(20*time.Second, last(blocks))
	if !errors.Is(w.punished["a"], core.ErrMerkleRoot) || w.punished["b"] != nil {
		t.Errorf("punished: %v", w.punished)
	}
	for _, a := range w.adds {
		for _, b := range a.Blocks {
			if (a.Peer == "a") != (len(b.Txs) == 2) {
				t.Fatalf("a batch of %s holds a block of another peer", a.Peer)
			}
		}
	}
}

func TestBadHeaders(t *testing.T) {
	rules := devRules(t)
	g := rules.Params().GenesisState().HeaderState
	blocks := fakechain.Make(rules, g, 5, 1)
	tests := []struct {
		name   string
		change func(hs []core.Header) []core.Header
		want   error
	}{
		{"no work", func(hs []core.Header) []core.Header {
			for rules.CheckWork(&hs[2]) == nil {
				hs[2].Nonce++
			}
			return hs[:3]
		}, core.ErrWork},
		{"a gap", func(hs []core.Header) []core.Header { return append(hs[:2], hs[3:]...) }, core.ErrParentID},
		{"unconnected", func(hs []core.Header) []core.Header { return hs[2:] }, errUnconnected},
		{"too many", func(hs []core.Header) []core.Header { return make([]core.Header, HeadersPerRequest+1) }, errTooMany},
	}
	for _, tt := range tests {
		w := newWorld(t)
		tip := stateAfter(rules, g, blocks)
		w.join("a", &actor{
			chain: w.chainOf(), claim: &Claim{tip.ID, tip.Height, tip.Work},
			headers: func(GetHeaders) []core.Header { return tt.change(fakechain.Headers(blocks)) },
		})
		w.idle(time.Second)
		if !errors.Is(w.punished["a"], tt.want) {
			t.Errorf("%s: punished for %v, want %v", tt.name, w.punished["a"], tt.want)
		}
		if w.headers != 0 {
			t.Errorf("%s: %d headers kept", tt.name, w.headers)
		}
	}
}

// A peer that claims the most and shows nothing delays the others by at most
// the patience of an exchange.
func TestLiarsAboutWork(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 100, 1)
	heavy := core.WorkFromBytes([core.WorkSize]byte{1})
	w.join("empty", &actor{chain: w.chainOf(), claim: &Claim{core.Hash{1}, 1 << 31, heavy}})
	w.join("silent", &actor{chain: w.chainOf(), claim: &Claim{core.Hash{2}, 1 << 31, heavy}, silentAt: w.now.Add(-1)})
	w.join("true", &actor{chain: w.chainOf(blocks)})
	if took := w.run(20*time.Second, last(blocks)); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	w.idle(20 * time.Second)
	if w.aside["empty"] != errShort.Error() || w.aside["silent"] == "" {
		t.Errorf("set aside: %v", w.aside)
	}
	if st := w.plan.Status(); st.Unproven {
		t.Error("peers that are set aside still count as ahead")
	}
}

// However many peers claim more and stay silent, one that has not failed us is
// asked before those that have, for headers and for bodies.
func TestManySilentLiars(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 100, 1)
	heavy := core.WorkFromBytes([core.WorkSize]byte{1})
	for i := range byte(19) {
		w.join(PeerID(fmt.Sprint("liar", i)), &actor{chain: w.chainOf(), claim: &Claim{core.Hash{1, i}, 1 << 31, heavy}, silentAt: w.now.Add(-1)})
	}
	w.join("true", &actor{chain: w.chainOf(blocks)})
	w.run(time.Minute, last(blocks))
}

// Nor do liars that come back under new names keep an honest peer from its turn.
func TestEndlessSilentLiars(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 100, 1)
	heavy := core.WorkFromBytes([core.WorkSize]byte{1})
	for i := range 300 {
		id := PeerID(fmt.Sprint("liar", i))
		w.at(time.Duration(i)*500*time.Millisecond, func() {
			w.join(id, &actor{chain: w.chainOf(), claim: &Claim{core.Hash{1, byte(i), byte(i >> 8)}, 1 << 31, heavy}, silentAt: w.now.Add(-1)})
		})
		w.at(time.Duration(i)*500*time.Millisecond+9*time.Second, func() { w.leave(id) })
	}
	w.at(5*time.Second, func() { w.join("true", &actor{chain: w.chainOf(blocks)}) })
	w.run(time.Minute, last(blocks))
}

// An answer that a peer gave before it left says nothing of the exchange that
// began when it came back.
func TestLateHeaders(t *testing.T) {
	w := newWorld(t)
	w.chain.Extend(fakechain.Make(w.rules, w.genesis(), 3000, 1))
	theirs := fakechain.Make(w.rules, w.genesis(), 3500, 2)
	a := &actor{chain: w.chainOf(theirs), latency: 100 * time.Millisecond}
	w.join("a", a)
	w.at(150*time.Millisecond, func() { // it is asked for what follows the 2000th
		w.leave("a")
		w.join("a", a)
	})
	w.run(5*time.Second, last(theirs))
	if len(w.punished) != 0 || len(w.trace) != 0 {
		t.Errorf("punished %v, set aside %v", w.punished, w.trace)
	}
}

// Claiming something else each time doesn't help a liar.
func TestChangingClaims(t *testing.T) {
	w := newWorld(t)
	heavy := core.WorkFromBytes([core.WorkSize]byte{1})
	w.join("a", &actor{chain: w.chainOf(), claim: &Claim{core.Hash{1}, 1 << 31, heavy}})
	for i := range byte(50) {
		w.step(Claimed{Peer: "a", Claim: Claim{core.Hash{2, i}, 1 << 31, heavy}})
		w.idle(7 * time.Millisecond)
	}
	if w.aside["a"] != errShort.Error() || w.plan.Status().Unproven {
		t.Errorf("set aside: %v, status %+v", w.aside, w.plan.Status())
	}
}

// flood answers with endless headers of little work, made as they are asked
// for.
func (w *world) flood() (func(GetHeaders) []core.Header, *int) {
	tip, sent := w.genesis(), 0
	return func(GetHeaders) []core.Header {
		blocks := fakechain.Make(w.rules, tip, HeadersPerRequest, 66)
		tip = stateAfter(w.rules, tip, blocks)
		sent += len(blocks)
		return fakechain.Headers(blocks)
	}, &sent
}

func TestLowWorkFloodCostsLittle(t *testing.T) {
	w := newWorld(t)
	ours := fakechain.Make(w.rules, w.genesis(), 30_000, 1)
	w.chain.Extend(ours)
	heavy := core.WorkFromBytes([core.WorkSize]byte{1})
	headers, sent := w.flood()
	w.join("a", &actor{chain: w.chainOf(), claim: &Claim{core.Hash{9}, 1 << 31, heavy}, headers: headers, latency: 100 * time.Millisecond})
	w.idle(1200 * time.Millisecond) // world.check holds the memory to its bound
	if w.headers != 0 || *sent < 5*maxBuffered/4 {
		t.Errorf("%d headers kept of %d sent", w.headers, *sent)
	}
	if ex := w.plan.peers["a"].ex; ex == nil || ex.phase != presync || ex.buffer != nil {
		t.Error("the branch is not being presynced")
	}
}

// A branch too long for the buffer is read twice and then taken.
func TestPresync(t *testing.T) {
	w := newWorld(t)
	ours := fakechain.Make(w.rules, w.genesis(), 18_500, 1)
	theirs := fakechain.Make(w.rules, w.genesis(), 18_777, 2)
	w.chain.Extend(ours)
	w.join("a", &actor{chain: w.chainOf(theirs)})
	w.run(time.Minute, last(theirs))
	if w.headers != len(theirs) {
		t.Errorf("%d headers went to the chain, want %d", w.headers, len(theirs))
	}
}

// The second pass must bring the headers of the first.
func TestPresyncOfTwoBranches(t *testing.T) {
	w := newWorld(t)
	ours := fakechain.Make(w.rules, w.genesis(), 18_001, 1)
	w.chain.Extend(ours)
	first, second := w.chainOf(fakechain.Make(w.rules, w.genesis(), 18_100, 2)), w.chainOf(fakechain.Make(w.rules, w.genesis(), 18_100, 3))
	asked := 0
	tip := first.Tip()
	w.join("a", &actor{chain: first, claim: &Claim{tip.ID, tip.Height, tip.Work}, headers: func(q GetHeaders) []core.Header {
		if asked++; asked <= 10 {
			return first.HeadersAfter(q.Locator, core.Hash{}, HeadersPerRequest)
		}
		return second.HeadersAfter(q.Locator, core.Hash{}, HeadersPerRequest)
	}})
	w.idle(5 * time.Second)
	if w.headers != 0 || w.aside["a"] != errTwoBranches.Error() {
		t.Errorf("%d headers kept, aside: %q", w.headers, w.aside["a"])
	}
}

// Headers without bodies must not keep a node from the chain that others serve,
// whether who has them says so or is silent.
func TestWithheldBodies(t *testing.T) {
	for _, mute := range []bool{false, true} {
		w := newWorld(t)
		common := fakechain.Make(w.rules, w.genesis(), 10, 1)
		fork := stateAfter(w.rules, w.genesis(), common)
		withheld, served := fakechain.Make(w.rules, fork, 9, 2), fakechain.Make(w.rules, fork, 7, 3)
		w.chain.Extend(common)
		w.join("a", &actor{chain: w.chainOf(common, withheld), noBodies: true, mute: mute})
		w.idle(time.Second)
		if w.chain.BestHeader().ID != last(withheld) {
			t.Fatal("the headers were not taken")
		}
		honest := &actor{chain: w.chainOf(common, served[:5])}
		w.join("b", honest)
		limit := 10 * time.Second
		if mute {
			limit += 10 * time.Second // until an answer is given up
		}
		w.run(limit, served[4].ID())

		// What follows on that chain is taken at once.
		w.idle(time.Minute)
		for _, b := range served[5:] {
			honest.chain.Extend([]*core.Block{b})
			w.step(Heard{Peer: "b", Header: b.Header})
			w.run(time.Second, b.ID())
		}
	}
}

// A new name for each failure does not make the bodies any likelier to come.
func TestBodiesWithheldUnderManyNames(t *testing.T) {
	w := newWorld(t)
	common := fakechain.Make(w.rules, w.genesis(), 10, 1)
	fork := stateAfter(w.rules, w.genesis(), common)
	withheld, served := fakechain.Make(w.rules, fork, 9, 2), fakechain.Make(w.rules, fork, 7, 3)
	w.chain.Extend(common)
	liar := &actor{chain: w.chainOf(common, withheld), mute: true}
	w.join("liar0", liar)
	for i := range 100 {
		w.at(time.Duration(i+1)*11*time.Second, func() {
			w.leave(PeerID(fmt.Sprint("liar", i)))
			w.join(PeerID(fmt.Sprint("liar", i+1)), liar)
		})
	}
	w.idle(time.Second)
	honest := &actor{chain: w.chainOf(common, served[:5])}
	w.join("b", honest)
	w.run(time.Minute, served[4].ID())
	for _, b := range served[5:] {
		w.idle(20 * time.Second)
		honest.chain.Extend([]*core.Block{b})
		w.step(Heard{Peer: "b", Header: b.Header})
		w.run(time.Second, b.ID())
	}
}

func TestFutureHeaderIsNobodysFault(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 5, 1)
	h := blocks[4].Header
	h.Time = uint64(w.now.UnixMilli()) + w.rules.Params().MaxFutureMillis() + 3000
	early := fakechain.Mine(w.rules, h, blocks[4].Txs)
	w.join("a", &actor{chain: w.chainOf(append(blocks[:4:4], early))})
	w.run(time.Second, blocks[3].ID())
	if w.aside["a"] == "" {
		t.Error("nobody is told why the peer isn't asked")
	}
	w.run(30*time.Second, early.ID()) // our clock gets there
	w.idle(time.Second)
	if len(w.punished) != 0 || w.aside["a"] != "" {
		t.Errorf("punished: %v; aside: %q", w.punished, w.aside["a"])
	}
}

func TestOperatorsVerdictPunishesNobody(t *testing.T) {
	w := newWorld(t)
	pr := &actor{chain: w.chainOf()}
	w.join("a", pr)
	for _, code := range []core.Code{core.ErrInvalidated, core.ErrBadParent} {
		for range 10 {
			w.plan.blame(w.plan.peers["a"], &core.RuleError{Code: code})
			if w.plan.peers["a"] == nil {
				t.Fatalf("%s: punished", code)
			}
		}
	}
	// He may take it back.
	if pause := w.plan.peers["a"].asideUntil.Sub(w.now); pause > time.Minute {
		t.Errorf("set aside for %v", pause)
	}
}

func TestWindowIsBounded(t *testing.T) {
	w := newWorld(t)
	blocks := fakechain.Make(w.rules, w.genesis(), 5000, 1)
	for _, id := range []PeerID{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		w.join(id, &actor{chain: w.chainOf(blocks), latency: time.Second})
	}
	w.idle(3500 * time.Millisecond)
	if n := w.plan.reserved(); n > maxBufferedBytes {
		t.Errorf("%d bytes reserved", n)
	}
	if n := len(w.plan.byID); n == 0 || n > lookAhead {
		t.Errorf("%d blocks under way", n)
	}
}
