package plan

import (
	"container/heap"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
)

// world plays peers, links and a chain to a plan, in virtual time.
type world struct {
	t     *testing.T
	rules *core.Rules
	chain *fakechain.Chain
	plan  *Plan
	peers map[PeerID]*actor

	now    time.Time
	queue  eventQueue
	seq    int
	wakeAt time.Time

	asked     map[PeerID]int // blocks asked for
	cancelled map[uint64]bool
	punished  map[PeerID]error
	aside     map[PeerID]string
	adds      []AddBlocks
	headers   int // headers handed to the chain
	trace     []string
}

// actor is a peer: what it has and how it behaves.
type actor struct {
	chain    *fakechain.Chain
	claim    *Claim        // instead of its tip
	latency  time.Duration // of every answer
	perBlock time.Duration
	silentAt time.Time                       // from then on it answers nothing
	noBodies bool                            // it answers requests for blocks with NotFound
	mute     bool                            // it does not answer them at all
	headers  func(GetHeaders) []core.Header  // instead of its chain's
	mutate   func(b *core.Block) *core.Block // applied to served blocks
	served   int
}

type queued struct {
	at  time.Time
	seq int
	ev  Event
	run func()
}

type eventQueue []*queued

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].seq < q[j].seq
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(*queued)) }
func (q *eventQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

func devRules(t testing.TB) *core.Rules {
	t.Helper()
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func newWorld(t *testing.T) *world {
	rules := devRules(t)
	w := &world{
		t: t, rules: rules, chain: fakechain.New(rules), peers: map[PeerID]*actor{},
		now:   time.UnixMilli(int64(rules.Params().GenesisTime)).Add(time.Hour),
		asked: map[PeerID]int{}, cancelled: map[uint64]bool{}, punished: map[PeerID]error{}, aside: map[PeerID]string{},
	}
	w.plan = New(rules, w.chain)
	return w
}

// chainOf returns a chain that has the given blocks.
func (w *world) chainOf(branches ...[]*core.Block) *fakechain.Chain {
	c := fakechain.New(w.rules)
	for _, b := range branches {
		c.Extend(b)
	}
	return c
}

func (w *world) genesis() core.HeaderState { return w.rules.Params().GenesisState().HeaderState }

// join adds a peer at the present time.
func (w *world) join(id PeerID, a *actor) {
	if a.latency == 0 {
		a.latency = 5 * time.Millisecond
	}
	w.peers[id] = a
	w.step(Joined{Peer: id, Claim: w.claimOf(a)})
}

func (w *world) claimOf(a *actor) Claim {
	if a.claim != nil {
		return *a.claim
	}
	tip := a.chain.Tip()
	return Claim{tip.ID, tip.Height, tip.Work}
}

func (w *world) leave(id PeerID) {
	delete(w.peers, id)
	w.step(Left{Peer: id})
}

func (w *world) after(d time.Duration, ev Event) { w.push(&queued{at: w.now.Add(d), ev: ev}) }

func (w *world) at(d time.Duration, run func()) { w.push(&queued{at: w.now.Add(d), run: run}) }

func (w *world) push(q *queued) {
	w.seq++
	q.seq = w.seq
	heap.Push(&w.queue, q)
}

func (w *world) step(ev Event) {
	for _, a := range w.plan.Step(ev, w.now) {
		w.perform(a)
	}
	w.check()
}

// check holds the plan to its bounds after every step.
func (w *world) check() {
	w.t.Helper()
	for id, pr := range w.plan.peers {
		if len(pr.requests) > maxInFlight+1 {
			w.t.Fatalf("%s has %d requests in flight", id, len(pr.requests))
		}
		if ex := pr.ex; ex != nil {
			if n := len(ex.buffer)*core.HeaderSize + len(ex.checkpoints)*core.HashSize; n > MaxBufferBytes+MaxBufferBytes/64 {
				w.t.Fatalf("%s costs %d bytes of headers", id, n)
			}
		}
	}
	if n := w.plan.exchanges(); n > maxExchanges {
		w.t.Fatalf("%d exchanges", n)
	}
	for i := 1; i < len(w.plan.batches); i++ {
		if w.plan.batches[i-1].want[0].Height >= w.plan.batches[i].want[0].Height {
			w.t.Fatal("batches out of order")
		}
	}
}

func (w *world) perform(a Action) {
	switch a := a.(type) {
	case GetHeaders:
		w.getHeaders(a)
	case GetBlocks:
		w.getBlocks(a)
	case AddHeaders:
		w.headers += len(a.Headers)
		_, err := w.chain.AddHeaders(a.Headers)
		w.after(time.Millisecond, HeadersAdded{Peer: a.Peer, Err: err})
	case AddBlocks:
		w.adds = append(w.adds, a)
		n, err := w.chain.AddBlocks(w.t.Context(), a.Blocks)
		w.after(time.Duration(len(a.Blocks))*100*time.Microsecond, BlocksAdded{N: n, Err: err})
	case Cancel:
		w.cancelled[a.Req] = true
	case Punish:
		w.punished[a.Peer] = a.Err
		delete(w.peers, a.Peer)
	case SetAside:
		w.aside[a.Peer] = a.Reason
		w.trace = append(w.trace, fmt.Sprintf("%v aside %s: %s", w.now.UnixMilli(), a.Peer, a.Reason))
	case WakeAt:
		if !a.Time.After(w.now) {
			w.t.Fatalf("wake at %v, now is %v", a.Time, w.now)
		}
		w.wakeAt = a.Time
	}
}

func (w *world) getHeaders(a GetHeaders) {
	peer := w.peers[a.Peer]
	if peer == nil || !peer.silentAt.IsZero() && w.now.After(peer.silentAt) {
		w.after(10*time.Second, HeadersFailed{Peer: a.Peer, Req: a.Req, Err: fmt.Errorf("deadline exceeded")})
		return
	}
	if peer.headers != nil {
		w.after(peer.latency, HeadersArrived{Peer: a.Peer, Req: a.Req, Headers: peer.headers(a)})
		return
	}
	w.after(peer.latency, HeadersArrived{Peer: a.Peer, Req: a.Req, Headers: peer.chain.HeadersAfter(a.Locator, core.Hash{}, HeadersPerRequest)})
}

func (w *world) getBlocks(a GetBlocks) {
	w.asked[a.Peer] += len(a.IDs)
	peer := w.peers[a.Peer]
	if peer == nil || peer.mute || !peer.silentAt.IsZero() && w.now.After(peer.silentAt) {
		w.after(10*time.Second, BlocksArrived{Peer: a.Peer, Req: a.Req, Err: fmt.Errorf("deadline exceeded")})
		return
	}
	ev := BlocksArrived{Peer: a.Peer, Req: a.Req}
	for _, id := range a.IDs {
		raw, err := peer.chain.BlockBytes(id)
		if err != nil || peer.noBodies {
			ev.NotFound = true
			break
		}
		b, err := core.ParseBlock(raw)
		if err != nil {
			w.t.Fatal(err)
		}
		if peer.mutate != nil {
			b = peer.mutate(b)
		}
		ev.Blocks = append(ev.Blocks, b)
		peer.served++
	}
	w.after(peer.latency+time.Duration(len(ev.Blocks))*peer.perBlock, ev)
}

// run plays events until the chain's tip is want or the time is over, and
// returns how long that took.
func (w *world) run(limit time.Duration, want core.Hash) time.Duration {
	w.t.Helper()
	start := w.now
	for w.chain.Tip().ID != want {
		if !w.next(start.Add(limit)) {
			w.t.Fatalf("after %v the tip is at height %d, want another; %d of %d peers punished\n%v",
				w.now.Sub(start), w.chain.Tip().Height, len(w.punished), len(w.peers), w.trace)
		}
	}
	return w.now.Sub(start)
}

// idle plays events for a time.
func (w *world) idle(d time.Duration) {
	end := w.now.Add(d)
	for w.next(end) {
	}
	w.now = end
}

// next plays the next event or wake-up before end, if there is one.
func (w *world) next(end time.Time) bool {
	wake := w.wakeAt.After(w.now) && (len(w.queue) == 0 || w.wakeAt.Before(w.queue[0].at))
	if wake {
		if w.wakeAt.After(end) {
			return false
		}
		w.now = w.wakeAt
		w.step(Tick{})
		return true
	}
	if len(w.queue) == 0 || w.queue[0].at.After(end) {
		return false
	}
	q := heap.Pop(&w.queue).(*queued)
	w.now = q.at
	if q.run != nil {
		q.run()
		return true
	}
	if ev, ok := q.ev.(BlocksArrived); ok && w.cancelled[ev.Req] {
		return true
	}
	w.step(q.ev)
	return true
}

func last(blocks []*core.Block) core.Hash { return blocks[len(blocks)-1].ID() }

func stateAfter(rules *core.Rules, parent core.HeaderState, blocks []*core.Block) core.HeaderState {
	for _, b := range blocks {
		st, err := rules.ConnectHeader(&parent, &b.Header)
		if err != nil {
			panic(err)
		}
		parent = st
	}
	return parent
}

// addedBy lists who the blocks that went to the chain came from, in order.
func (w *world) addedBy() (ids []PeerID) {
	for _, a := range w.adds {
		if !slices.Contains(ids, a.Peer) {
			ids = append(ids, a.Peer)
		}
	}
	return ids
}
