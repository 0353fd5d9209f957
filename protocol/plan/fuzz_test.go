package plan

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/fuzzing"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
)

const (
	fuzzSteps   = 300
	fuzzPeers   = 6             // the even ones are honest: late and silent, but never false
	fuzzPatient = 2 * time.Hour // for an honest peer alone to bring us up to it, in virtual time
)

// fuzzBranches are chains that peers have, the heaviest last. They are made once
// and shared by all executions, which do not change them.
type fuzzBranches struct {
	rules    *core.Rules
	branches [][]*core.Block
	chains   []*fakechain.Chain
	headers  []core.Header // of all, and some that break rules
	blocks   []*core.Block // of all, and some false ones
}

func newFuzzBranches(tb testing.TB) *fuzzBranches {
	f := &fuzzBranches{rules: devRules(tb)}
	genesis := f.rules.Params().GenesisState().HeaderState
	trunk := fakechain.Make(f.rules, genesis, 20, 1)
	at := stateAfter(f.rules, genesis, trunk)
	for i, n := range []int{0, 3, 50, 110} {
		f.branches = append(f.branches, slices.Concat(trunk, fakechain.Make(f.rules, at, n, uint32(10+i))))
	}
	for _, b := range f.branches {
		c := fakechain.New(f.rules)
		c.Extend(b)
		f.chains = append(f.chains, c)
		f.headers = append(f.headers, fakechain.Headers(b)...)
		f.blocks = append(f.blocks, b...)
	}
	f.headers = append(f.headers, f.rules.Genesis().Header, core.Header{}, core.Header{Parent: genesis.ID, Height: 1})
	other := core.Dev()
	other.Salt[0]++
	f.headers = append(f.headers, other.Genesis().Header)
	false1, err := core.NewBlock(trunk[0].Header, trunk[1].Txs) // another's body
	if err != nil {
		tb.Fatal(err)
	}
	f.blocks = append(f.blocks, false1, f.rules.Genesis())
	return f
}

// scribble is a plan that is told whatever the bytes say, and the bookkeeping of
// what it may ask for.
type scribble struct {
	*fuzzBranches
	t     *testing.T
	s     *fuzzing.Source
	chain *fakechain.Chain
	plan  *Plan
	now   time.Time
	wake  time.Time

	joined  map[PeerID]bool
	heads   []GetHeaders // not answered
	bodies  []GetBlocks
	added   []AddHeaders // not reported on
	adding  []AddBlocks
	lastReq uint64
}

func name(i int) PeerID { return PeerID(rune('a' + i)) }

// honest says which of the branches a peer has; liars say anything.
func (w *scribble) honest(p PeerID) (chain *fakechain.Chain, is bool) {
	i := int(p[0] - 'a')
	return w.chains[len(w.chains)-1-i/2%len(w.chains)], i%2 == 0
}

func (w *scribble) claim(p PeerID) Claim {
	c, honest := w.honest(p)
	if tip := c.Tip(); honest || !w.s.Rarely(2) {
		return Claim{tip.ID, tip.Height, tip.Work}
	}
	var work [core.WorkSize]byte
	copy(work[w.s.Intn(core.WorkSize):], w.s.Bytes(2))
	return Claim{ID: core.Hash{w.s.Byte()}, Height: uint32(w.s.Uint64()), Work: core.WorkFromBytes(work)}
}

// step tells the plan an event and holds what it answers to its promises.
func (w *scribble) step(ev Event) {
	t := w.t
	switch ev := ev.(type) {
	case Joined:
		w.joined[ev.Peer] = true
	case Claimed:
		w.joined[ev.Peer] = true
	case Left:
		delete(w.joined, ev.Peer)
	}
	for _, a := range w.plan.Step(ev, w.now) {
		switch a := a.(type) {
		case GetHeaders:
			if !w.joined[a.Peer] || len(a.Locator) == 0 || len(a.Locator) > core.MaxLocator || a.Req <= w.lastReq {
				t.Fatalf("%T: asks %q, joined %v, by request %d after %d with %d ids", ev, a.Peer, w.joined[a.Peer], a.Req, w.lastReq, len(a.Locator))
			}
			w.lastReq = a.Req
			w.heads = append(w.heads, a)
		case GetBlocks:
			if !w.joined[a.Peer] || len(a.IDs) == 0 || len(a.IDs) > batchBlocks || a.Req <= w.lastReq {
				t.Fatalf("%T: asks %q, joined %v, by request %d after %d for %d blocks", ev, a.Peer, w.joined[a.Peer], a.Req, w.lastReq, len(a.IDs))
			}
			w.lastReq = a.Req
			w.bodies = append(w.bodies, a)
		case AddHeaders:
			for i := 1; i < len(a.Headers); i++ {
				if a.Headers[i].Parent != a.Headers[i-1].ID() {
					t.Fatalf("%T: headers for the chain have a gap at %d", ev, i)
				}
			}
			w.added = append(w.added, a)
		case AddBlocks:
			if w.adding = append(w.adding, a); len(w.adding) > 1 || len(a.Blocks) == 0 || len(a.Blocks) > maxAddBlocks {
				t.Fatalf("%T: %d blocks go to the chain, %d at a time", ev, len(a.Blocks), len(w.adding))
			}
		case Punish:
			delete(w.joined, a.Peer)
			if _, honest := w.honest(a.Peer); honest || a.Err == nil {
				t.Fatalf("%T: honest %v, punished for %v", ev, honest, a.Err)
			}
		case WakeAt:
			if w.wake = a.Time; !a.Time.After(w.now) {
				t.Fatalf("%T: wakes at %v, now is %v", ev, a.Time, w.now)
			}
		case SetAside:
			if (a.Reason == "") != a.Until.IsZero() {
				t.Fatalf("%T: set aside until %v because %q", ev, a.Until, a.Reason)
			}
		case Cancel:
		default:
			t.Fatalf("unknown action %T", a)
		}
	}
	w.check(ev)
}

// check holds the plan to its bounds.
func (w *scribble) check(ev Event) {
	t, p := w.t, w.plan
	if len(p.peers) != len(w.joined) || len(p.order) != len(p.peers) || !slices.IsSorted(p.order) {
		t.Fatalf("%T: knows %v, joined are %v", ev, p.order, w.joined)
	}
	for id, pr := range p.peers {
		if !w.joined[id] || len(pr.requests) > maxInFlight+1 || len(pr.lacks) > maxLacks {
			t.Fatalf("%T: %q, joined %v, has %d requests and lacks %d", ev, id, w.joined[id], len(pr.requests), len(pr.lacks))
		}
		if ex := pr.ex; ex != nil {
			if n := len(ex.buffer)*core.HeaderSize + len(ex.checkpoints)*core.HashSize; n > MaxBufferBytes+MaxBufferBytes/64 {
				t.Fatalf("%T: %q costs %d bytes of headers", ev, id, n)
			}
			if ex.waiting && ex.adding {
				t.Fatalf("%T: %q is asked for headers while its last are with the chain", ev, id)
			}
		}
		for _, r := range pr.requests {
			if !slices.Contains(p.batches, r.batch) || !slices.Contains(r.batch.requests, r) {
				t.Fatalf("%T: a request to %q is of no batch", ev, id)
			}
		}
	}
	if n := p.exchanges(); n > maxExchanges {
		t.Fatalf("%T: %d exchanges", ev, n)
	}
	if n := p.reserved(); n > maxBufferedBytes+batchReserve {
		t.Fatalf("%T: %d bytes reserved", ev, n)
	}
	covered := 0
	for i, b := range p.batches {
		if len(b.want) == 0 || len(b.requests) > maxRequests+1 || b.blocks == nil && len(b.requests) == 0 || b.blocks != nil && len(b.blocks) != len(b.want) {
			t.Fatalf("%T: a batch wants %d, has %d, asked %d times", ev, len(b.want), len(b.blocks), len(b.requests))
		}
		if i > 0 && p.batches[i-1].want[0].Height > b.want[0].Height {
			t.Fatalf("%T: batches out of order", ev)
		}
		for _, st := range b.want {
			if p.byID[st.ID] != b {
				t.Fatalf("%T: block %d is covered by another batch", ev, st.Height)
			}
		}
		covered += len(b.want)
	}
	if covered != len(p.byID) || len(p.want) > lookAhead {
		t.Fatalf("%T: %d blocks in batches, %d found by id, %d wanted", ev, covered, len(p.byID), len(p.want))
	}
	if st := p.Status(); st.Missing != len(p.want) || st.Exchanges > maxExchanges {
		t.Fatalf("%T: status %+v", ev, st)
	}
}

// take removes one of a list that the bytes choose.
func take[T any](w *scribble, list *[]T) (v T, ok bool) {
	if len(*list) == 0 {
		return v, false
	}
	i := w.s.Intn(len(*list))
	v = (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return v, true
}

var errSilent = errors.New("deadline exceeded")

// answerHeaders answers truly, or as the bytes say if the peer is a liar.
func (w *scribble) answerHeaders(a GetHeaders) Event {
	c, honest := w.honest(a.Peer)
	hs := c.HeadersAfter(a.Locator, core.Hash{}, HeadersPerRequest)
	if honest {
		return HeadersArrived{Peer: a.Peer, Req: a.Req, Headers: hs}
	}
	switch w.s.Intn(8) {
	case 0:
		from := int(w.s.Uint64() % uint64(len(w.headers)))
		hs = w.headers[from:min(from+w.s.Intn(60), len(w.headers))]
	case 1:
		hs = hs[:len(hs)/2]
	case 2:
		hs = append(slices.Clone(hs), w.headers[int(w.s.Uint64()%uint64(len(w.headers)))])
	case 3:
		hs = make([]core.Header, HeadersPerRequest+w.s.Intn(2))
	case 4:
		if hs = slices.Clone(hs); len(hs) > 0 {
			h := &hs[w.s.Intn(len(hs))%len(hs)]
			h.Time, h.Version = h.Time+uint64(w.s.Intn(2))<<44, h.Version+uint16(w.s.Intn(2))
			for n := 0; n < 64 && w.rules.CheckWork(h) != nil; n++ {
				h.Nonce++
			}
		}
	}
	return HeadersArrived{Peer: a.Peer, Req: a.Req, Headers: hs}
}

// answerBlocks does the same for bodies.
func (w *scribble) answerBlocks(a GetBlocks) Event {
	c, honest := w.honest(a.Peer)
	ev := BlocksArrived{Peer: a.Peer, Req: a.Req}
	for _, id := range a.IDs {
		raw, err := c.BlockBytes(id)
		if err != nil {
			ev.NotFound = true
			break
		}
		b, err := core.ParseBlock(raw)
		if err != nil {
			w.t.Fatal(err)
		}
		ev.Blocks = append(ev.Blocks, b)
	}
	if honest {
		return ev
	}
	switch w.s.Intn(8) {
	case 0:
		ev.Blocks = []*core.Block{w.blocks[int(w.s.Uint64()%uint64(len(w.blocks)))]}
	case 1:
		ev.Blocks = ev.Blocks[:len(ev.Blocks)/2]
	case 2:
		ev.Blocks = nil
	case 3:
		slices.Reverse(ev.Blocks)
	case 4:
		if len(ev.Blocks) > 0 { // the header asked for with another's body
			b, err := core.NewBlock(ev.Blocks[0].Header, w.blocks[w.s.Intn(len(w.blocks))].Txs)
			if err != nil {
				w.t.Fatal(err)
			}
			ev.Blocks[0] = b
		}
	case 5:
		ev.Err = &core.BodyError{Code: core.ErrMerkleRoot, Detail: "as the client found"}
	}
	return ev
}

// event draws what happens next; it may be nothing.
func (w *scribble) event() Event {
	p := name(w.s.Intn(fuzzPeers))
	switch w.s.Intn(16) {
	case 0:
		return Joined{Peer: p, Claim: w.claim(p)}
	case 1:
		return Claimed{Peer: p, Claim: w.claim(p)}
	case 2:
		if w.s.Rarely(3) {
			return Left{Peer: p}
		}
	case 3:
		h := w.headers[int(w.s.Uint64()%uint64(len(w.headers)))]
		return Heard{Peer: p, Header: h}
	case 4, 5:
		if a, ok := take(w, &w.heads); ok {
			return w.answerHeaders(a)
		}
	case 6, 7:
		if a, ok := take(w, &w.bodies); ok {
			return w.answerBlocks(a)
		}
	case 8, 9:
		if a, ok := take(w, &w.added); ok {
			_, err := w.chain.AddHeaders(a.Headers)
			return HeadersAdded{Peer: a.Peer, Err: err}
		}
	case 10, 11:
		if a, ok := take(w, &w.adding); ok {
			n, err := w.chain.AddBlocks(w.t.Context(), a.Blocks)
			return BlocksAdded{N: n, Err: err}
		}
	case 12:
		if a, ok := take(w, &w.heads); ok {
			return HeadersFailed{Peer: a.Peer, Req: a.Req, Err: errSilent}
		}
	case 13:
		if a, ok := take(w, &w.bodies); ok {
			return BlocksArrived{Peer: a.Peer, Req: a.Req, Err: errSilent}
		}
	case 14:
		w.now = w.now.Add(time.Duration(w.s.Byte()) * fuzzing.Of(w.s, time.Millisecond, 100*time.Millisecond, time.Minute))
		return Tick{}
	case 15:
		switch w.s.Intn(4) { // what nobody asked for
		case 0:
			b := w.branches[w.s.Intn(len(w.branches))]
			w.chain.Extend(b[:w.s.Intn(len(b))%len(b)])
			return ChainChanged{}
		case 1:
			return HeadersArrived{Peer: p, Req: w.lastReq + uint64(w.s.Byte()), Headers: w.headers[:w.s.Intn(9)]}
		case 2:
			return BlocksArrived{Peer: p, Req: w.lastReq + uint64(w.s.Byte()), Blocks: w.blocks[:w.s.Intn(9)]}
		case 3:
			return HeadersFailed{Peer: p, Req: w.lastReq + 1, Err: errSilent}
		}
	}
	return nil
}

// settle lets the liars go, one honest peer answer everything, and time pass,
// until the chain is what that peer has.
func (w *scribble) settle() {
	for i := 1; i < fuzzPeers; i++ {
		w.step(Left{Peer: name(i)})
	}
	best, _ := w.honest(name(0))
	want, end := best.Tip(), w.now.Add(fuzzPatient)
	w.step(Joined{Peer: name(0), Claim: Claim{want.ID, want.Height, want.Work}})
	for w.chain.Tip().ID != want.ID {
		switch {
		case len(w.added) > 0:
			a := w.added[0]
			w.added = w.added[1:]
			_, err := w.chain.AddHeaders(a.Headers)
			w.step(HeadersAdded{Peer: a.Peer, Err: err})
		case len(w.adding) > 0:
			a := w.adding[0]
			w.adding = nil
			n, err := w.chain.AddBlocks(w.t.Context(), a.Blocks)
			w.step(BlocksAdded{N: n, Err: err})
		case len(w.heads) > 0:
			a := w.heads[0]
			w.heads = w.heads[1:]
			w.step(w.answerHeaders(a))
		case len(w.bodies) > 0:
			a := w.bodies[0]
			w.bodies = w.bodies[1:]
			w.step(w.answerBlocks(a))
		case w.wake.After(w.now) && w.wake.Before(end):
			w.now = w.wake
			w.step(Tick{})
		default:
			w.t.Fatalf("at height %d of %d, and nothing more to do: %+v", w.chain.Tip().Height, want.Height, w.plan.Status())
		}
	}
}

// FuzzStep tells a plan anything in any order: what was asked for and what was
// not, true and false, early, late and never. It asks nobody who has gone, keeps
// its bounds, never punishes a peer that told the truth, and in the end an honest
// peer alone brings the chain up to its own.
func FuzzStep(f *testing.F) {
	shared := newFuzzBranches(f)
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 4, 0, 8, 0, 6, 0, 10, 0, 6, 0, 10})
	f.Add([]byte{1, 0, 1, 0, 0, 4, 0, 0, 8, 1, 6, 0, 3, 1, 10, 0, 2, 2, 0, 14, 200, 1, 0, 6, 5, 0, 10, 3, 1, 0, 0, 4})
	f.Add([]byte{3, 0, 0, 3, 4, 0, 3, 40, 5, 0, 4, 15, 0, 1, 20, 0, 14, 255, 2, 0, 7, 0, 11})
	f.Fuzz(func(t *testing.T, b []byte) {
		w := &scribble{
			fuzzBranches: shared, t: t, s: fuzzing.New(b), chain: fakechain.New(shared.rules), joined: map[PeerID]bool{},
			now: time.UnixMilli(int64(shared.rules.Params().GenesisTime)).Add(time.Hour),
		}
		w.plan = New(w.rules, w.chain)
		for n := 0; n < fuzzSteps && !w.s.Empty(); n++ {
			if ev := w.event(); ev != nil {
				w.step(ev)
			}
		}
		w.settle()
	})
}
