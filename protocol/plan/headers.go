package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ingchain/ingchain/core"
)

var (
	errUnconnected = errors.New("headers that don't follow any block of our locator")
	errTooMany     = errors.New("more headers than asked for")
	errShort       = errors.New("stopped short of the work it claimed")
	errTwoBranches = errors.New("served one branch first and another then")
	errSlowProof   = errors.New("took too long to show the work it claimed")
	errEndless     = errors.New("branch too long for its work")
	errNothing     = errors.New("answered a request for blocks with nothing")
	errTooSlow     = errors.New("too slow: another peer sent the blocks first")
)

// phase is how far an exchange has got.
type phase int

const (
	// probing: headers are verified and buffered; their work hasn't reached ours.
	probing phase = iota
	// presync: as before, but too long to buffer; only checkpoints are kept.
	presync
	// redownload: the work has reached ours; the same headers come again.
	redownload
	// following: the branch is heavier than ours; headers go to the chain.
	following
)

// exchange is a conversation about headers with one peer.
type exchange struct {
	started time.Time
	claim   Claim // the peer's when the exchange began
	phase   phase
	waiting bool   // a request is out
	req     uint64 // the last request; answers to others are late
	adding  bool   // headers are with the chain
	end     bool   // the peer has no more than what is with the chain
	cause   error  // why it ended early, if so

	// fork is the last header that we knew, run the last that was verified.
	// Both hold once begun.
	begun     bool
	fork, run core.HeaderState
	// verified counts headers from fork to run.
	verified int
	// buffer holds verified headers. Invariant: at most maxBuffered, and while
	// redownloading at most CheckpointInterval.
	buffer []core.Header
	// checkpoints are the ids of every CheckpointInterval-th header after fork.
	checkpoints []core.Hash
	goal        core.HeaderState // where the first pass reached our work
	restarts    int
}

// unproven reports whether the peer claims a chain that would be better than
// ours and whose headers we lack.
func (p *Plan) unproven(pr *peer) bool {
	base := p.base()
	if !core.Heavier(pr.claim.Work, pr.claim.ID, base.Work, base.ID) {
		return false
	}
	_, known := p.chain.HeaderState(pr.claim.ID)
	return !known
}

// wantsExchange reports whether there is something to learn from the peer.
func (p *Plan) wantsExchange(pr *peer) bool {
	if pr.ex != nil || p.aside(pr) || pr.askAfter.After(p.now) {
		return false
	}
	if !pr.heard.IsZero() && !pr.heardAfter.After(p.now) {
		if _, known := p.chain.HeaderState(pr.heard); !known {
			return true
		}
		pr.heard = core.Hash{}
	}
	return p.unproven(pr)
}

func (p *Plan) exchanges() (n int) {
	for _, pr := range p.peers {
		if pr.ex != nil {
			n++
		}
	}
	return n
}

// startExchanges asks the peer with the heaviest claim for headers, of those
// that have failed least. As long as no headers are accepted, one more peer is
// asked every exchangePatience: the one that has waited longest for its turn, so
// that peers that claim much and show nothing hold nobody up, however many they
// are and under whatever names they return.
func (p *Plan) startExchanges() {
	var candidates []*peer
	for _, id := range p.order {
		if pr := p.peers[id]; p.wantsExchange(pr) {
			candidates = append(candidates, pr)
		}
	}
	slices.SortStableFunc(candidates, func(a, b *peer) int {
		return cmp.Or(cmp.Compare(a.strikes, b.strikes), b.claim.Work.Cmp(a.claim.Work))
	})
	active := p.exchanges()
	for len(candidates) > 0 {
		next := 0
		if active == 0 {
			p.lastUseful = p.now
		} else {
			for i, pr := range candidates {
				if pr.turn.Before(candidates[next].turn) {
					next = i
				}
			}
		}
		if active == maxExchanges && p.evictSlowest() {
			active--
		}
		if active >= min(maxExchanges, 1+int(p.now.Sub(p.lastUseful)/exchangePatience)) {
			return
		}
		pr := candidates[next]
		candidates = slices.Delete(candidates, next, next+1)
		pr.ex, pr.turn = &exchange{started: p.now, claim: pr.claim}, p.now
		p.ask(pr, p.chain.Locator())
		active++
	}
}

// evictSlowest ends the oldest exchange that has shown no work for long.
func (p *Plan) evictSlowest() bool {
	var slowest *peer
	for _, id := range p.order {
		pr := p.peers[id]
		if pr.ex == nil || pr.ex.phase == following || p.now.Before(pr.ex.started.Add(exchangeLimit)) {
			continue
		}
		if slowest == nil || pr.ex.started.Before(slowest.ex.started) {
			slowest = pr
		}
	}
	if slowest == nil {
		return false
	}
	p.setAside(slowest, asideShort, errSlowProof)
	return true
}

func (p *Plan) ask(pr *peer, locator []core.Hash) {
	p.nextReq++
	pr.ex.waiting, pr.ex.req = true, p.nextReq
	p.do(GetHeaders{Peer: pr.id, Req: pr.ex.req, Locator: locator})
}

// askOn asks for what follows the last verified header. Should the peer have
// left that branch, our own locator says where else to begin.
func (p *Plan) askOn(pr *peer) {
	ours := p.chain.Locator()
	p.ask(pr, append([]core.Hash{pr.ex.run.ID}, ours[:min(len(ours), core.MaxLocator-1)]...))
}

// awaited returns the peer if it was asked for headers by this request, and
// nil if the answer comes too late: for an exchange that has ended.
func (p *Plan) awaited(id PeerID, req uint64) *peer {
	pr := p.peers[id]
	if pr == nil || pr.ex == nil || !pr.ex.waiting || pr.ex.req != req {
		return nil
	}
	return pr
}

func (p *Plan) headersFailed(ev HeadersFailed) {
	pr := p.awaited(ev.Peer, ev.Req)
	if pr == nil {
		return
	}
	p.setAside(pr, asideFailed, fmt.Errorf("asked for headers: %w", ev.Err))
}

func (p *Plan) headersArrived(ev HeadersArrived) {
	pr := p.awaited(ev.Peer, ev.Req)
	if pr == nil {
		return
	}
	ex := pr.ex
	ex.waiting = false
	if len(ev.Headers) > HeadersPerRequest {
		p.leave(pr.id)
		p.do(Punish{Peer: pr.id, Err: errTooMany})
		return
	}
	if len(ev.Headers) > 0 && !p.locate(pr, &ev.Headers[0]) {
		return
	}
	ready, again, err := p.verify(ex, ev.Headers)
	switch {
	case core.IsDeferred(err):
		ex.cause = err
	case core.IsForever(err):
		p.blame(pr, err)
		return
	case err != nil:
		p.setAside(pr, asideShort, err)
		return
	case again:
		p.askOn(pr)
		return
	}
	ex.end = len(ev.Headers) < HeadersPerRequest || ex.cause != nil
	switch {
	case len(ready) > 0:
		ex.adding = true
		p.do(AddHeaders{Peer: pr.id, Headers: ready})
	case ex.end:
		p.finish(pr)
	default:
		p.askOn(pr)
	}
}

// locate finds where an answer begins: behind the last header, or, if that is
// the first answer or the peer has changed branches, behind one that we know.
func (p *Plan) locate(pr *peer, first *core.Header) bool {
	ex := pr.ex
	if ex.begun && first.Parent == ex.run.ID {
		return true
	}
	parent, known := p.chain.HeaderState(first.Parent)
	if !known {
		err := p.otherGenesis(first)
		if err == nil {
			err = errUnconnected
		}
		p.leave(pr.id)
		p.do(Punish{Peer: pr.id, Err: err})
		return false
	}
	if ex.begun {
		if ex.restarts++; ex.restarts > maxRestarts {
			p.setAside(pr, asideShort, errTwoBranches)
			return false
		}
	}
	*ex = exchange{started: ex.started, claim: ex.claim, restarts: ex.restarts, begun: true, fork: parent, run: parent}
	return true
}

// otherGenesis condemns a header that would begin another chain.
func (p *Plan) otherGenesis(h *core.Header) error {
	if h.Height == 0 && h.ID() != p.rules.GenesisID() {
		return &core.RuleError{Code: core.ErrGenesis, Detail: "height 0 that is not this network's genesis"}
	}
	return nil
}

// verify connects headers to the exchange's state. It returns those that may go
// to the chain, or again if the second pass begins. An error that is deferred
// ends the exchange behind what is ready.
func (p *Plan) verify(ex *exchange, hs []core.Header) (ready []core.Header, again bool, err error) {
	base := p.base()
	nowMillis := uint64(p.now.UnixMilli())
	for i := range hs {
		h := &hs[i]
		if ex.phase == probing && ex.verified == 0 {
			if st, known := p.chain.HeaderState(h.ID()); known {
				ex.run, ex.fork = st, st
				continue
			}
		}
		if err := p.otherGenesis(h); err != nil {
			return ready, false, err
		}
		next, err := p.rules.ConnectHeader(&ex.run, h)
		if err != nil {
			return ready, false, err
		}
		if err := p.rules.CheckClock(h, nowMillis); err != nil {
			return ready, false, err
		}
		ex.run = next
		ex.verified++
		out, err := ex.take(h)
		if err != nil {
			return nil, false, err
		}
		ready = append(ready, out...)
		if ex.phase > presync || !core.Heavier(next.Work, next.ID, base.Work, base.ID) {
			continue
		}
		if ex.phase == presync {
			ex.goal, ex.phase, ex.run, ex.verified = ex.run, redownload, ex.fork, 0
			return nil, true, nil
		}
		ready = append(ready, ex.buffer...)
		ex.buffer, ex.checkpoints, ex.phase = nil, nil, following
	}
	return ready, false, nil
}

// take files the header that was verified last and returns what that proves.
func (ex *exchange) take(h *core.Header) (ready []core.Header, err error) {
	atCheckpoint := ex.verified%CheckpointInterval == 0
	switch ex.phase {
	case following:
		return []core.Header{*h}, nil
	case probing, presync:
		if atCheckpoint {
			if len(ex.checkpoints) == maxCheckpoints {
				return nil, errEndless
			}
			ex.checkpoints = append(ex.checkpoints, ex.run.ID)
		}
		if ex.phase == presync {
			return nil, nil
		}
		if len(ex.buffer) == maxBuffered {
			ex.buffer, ex.phase = nil, presync
			return nil, nil
		}
		ex.buffer = append(ex.buffer, *h)
		return nil, nil
	}
	ex.buffer = append(ex.buffer, *h)
	switch {
	case ex.run.Height == ex.goal.Height:
		if ex.run.ID != ex.goal.ID {
			return nil, errTwoBranches
		}
		ex.phase, ex.checkpoints = following, nil
	case atCheckpoint:
		if ex.run.ID != ex.checkpoints[ex.verified/CheckpointInterval-1] {
			return nil, errTwoBranches
		}
	default:
		return nil, nil
	}
	ready, ex.buffer = ex.buffer, nil
	return ready, nil
}

func (p *Plan) headersAdded(ev HeadersAdded) {
	defer p.refresh()
	pr := p.peers[ev.Peer]
	if pr == nil || pr.ex == nil || !pr.ex.adding {
		return
	}
	ex := pr.ex
	ex.adding = false
	switch {
	case core.IsDeferred(ev.Err):
		ex.cause = ev.Err
		p.finish(pr)
		return
	case ev.Err != nil:
		p.blame(pr, ev.Err)
		return
	}
	p.lastUseful = p.now
	p.succeeded(pr)
	p.raiseClaim(pr, &ex.run)
	if ex.end {
		p.finish(pr)
		return
	}
	p.askOn(pr)
}

// finish ends an exchange: the peer has no more headers. If it hasn't shown
// what it claimed when it was asked, it isn't asked again for a while.
func (p *Plan) finish(pr *peer) {
	ex := pr.ex
	pr.ex = nil
	if !pr.heard.IsZero() {
		pr.heard, pr.heardAfter = core.Hash{}, p.now.Add(heardPause)
	}
	switch {
	case ex.cause != nil:
		pr.askAfter = p.now.Add(deferPause)
		pr.told = true
		p.do(SetAside{Peer: pr.id, Until: pr.askAfter, Reason: ex.cause.Error(), Code: core.CodeOf(ex.cause)})
	case p.short(ex):
		p.setAside(pr, asideShort, errShort)
	}
}

// short reports whether the peer has not shown what it claimed when the
// exchange began. One that has changed branches since has shown more than that.
func (p *Plan) short(ex *exchange) bool {
	base := p.base()
	_, known := p.chain.HeaderState(ex.claim.ID)
	return !known && core.Heavier(ex.claim.Work, ex.claim.ID, base.Work, base.ID) &&
		core.Heavier(ex.claim.Work, ex.claim.ID, ex.run.Work, ex.run.ID)
}

// heard follows an announcement: if the parent is known and the block makes a
// better chain, its header goes to the chain at once, else the peer is asked
// how it comes there.
func (p *Plan) heard(ev Heard) {
	pr := p.peers[ev.Peer]
	if pr == nil {
		return
	}
	id := ev.Header.ID()
	if st, known := p.chain.HeaderState(id); known {
		p.raiseClaim(pr, &st)
		p.refresh()
		return
	}
	parent, known := p.chain.HeaderState(ev.Header.Parent)
	if !known {
		pr.heard = id
		return
	}
	st, err := p.rules.ConnectHeader(&parent, &ev.Header)
	if err != nil || p.rules.CheckClock(&ev.Header, uint64(p.now.UnixMilli())) != nil {
		return
	}
	p.raiseClaim(pr, &st)
	// A hello of the same block may have come first; its question is needless now.
	idle := pr.ex == nil || pr.ex.waiting && !pr.ex.begun
	if base := p.base(); idle && core.Heavier(st.Work, st.ID, base.Work, base.ID) {
		pr.ex = &exchange{started: p.now, claim: pr.claim, phase: following, begun: true,
			fork: parent, run: st, adding: true, end: true}
		p.do(AddHeaders{Peer: pr.id, Headers: []core.Header{ev.Header}})
	}
}

// raiseClaim notes a chain that the peer has shown, if it is better than what
// it said in its last hello.
func (p *Plan) raiseClaim(pr *peer, st *core.HeaderState) {
	if core.Heavier(st.Work, st.ID, pr.claim.Work, pr.claim.ID) {
		pr.claim = Claim{st.ID, st.Height, st.Work}
	}
}
