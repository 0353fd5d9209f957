package plan

import (
	"errors"
	"slices"
	"time"

	"github.com/ingchain/ingchain/core"
)

// Limits of what peers can make a plan hold or wait for.
const (
	HeadersPerRequest  = 2000    // headers in one answer
	CheckpointInterval = 1000    // headers between the ids that the first pass keeps
	MaxBufferBytes     = 2 << 20 // 2 MiB of unproven branch a peer, buffered or as ids

	maxBuffered    = MaxBufferBytes / core.HeaderSize // headers
	maxCheckpoints = MaxBufferBytes / core.HashSize   // ids

	maxExchanges     = 8                // exchanges of headers at once
	exchangePatience = 2 * time.Second  // without new headers before one more peer is asked
	exchangeLimit    = 20 * time.Second // for showing work, if others wait
	maxRestarts      = 3                // times that a peer may change branches in an exchange
	heardPause       = 5 * time.Second  // before an announcement is followed again that led nowhere

	lookAhead        = 1024    // blocks from the first missing one that may be asked for
	batchBlocks      = 64      // blocks in a request
	maxInFlight      = 2       // requests of blocks a peer
	maxRequests      = 2       // peers that are asked for the same batch at once
	maxLacks         = 8       // blocks remembered that a peer said it hasn't got
	maxAddBlocks     = 256     // blocks handed to the chain at once
	batchReserve     = 8 << 20 // bytes that an answer may have, as servers cut it
	maxBufferedBytes = 64 << 20

	minStall       = 2 * time.Second  // before the first-needed batch is asked of another peer
	maxStall       = 64 * time.Second // as in Bitcoin Core: doubles with each stall
	duplicateAfter = time.Second      // before idle peers double a request at the end

	asideFailed = time.Second      // first pause after a failed request
	asideStall  = 10 * time.Second // first pause after losing a race
	asideShort  = 10 * time.Second // first pause after not showing the claimed work
	asideMax    = 10 * time.Minute // pauses double up to this
	// asideOurs is the longest pause for what is no fault of the peer's: the
	// operator may change his mind about a block, the disk may have room again.
	asideOurs = 40 * time.Second

	deferPause     = 2 * time.Second // before blocks are tried again that can't be judged yet
	failPause      = 5 * time.Second // before a chain that failed is tried again
	starvePatience = 3 * time.Second // without a source before lighter branches are tried
	maxBranches    = 8               // lighter branches that are looked at
	maxMisses      = 3               // failures to send a block before a new peer's word for it isn't enough
)

// Chain is what the plan reads of the chain, from memory.
type Chain interface {
	// Tip is the block whose coins are current, BestHeader the end of the
	// heaviest chain of valid headers.
	Tip() core.HeaderState
	BestHeader() core.HeaderState
	// HeaderState knows every header that has been accepted.
	HeaderState(id core.Hash) (core.HeaderState, bool)
	// Locator names blocks of the best chain, the newest first, genesis last.
	Locator() []core.Hash
	// Missing lists the next blocks without a body up to the best header, the
	// lowest first. MissingTo does so for another branch; it lists none of one that
	// is very long, or part of the best.
	Missing(max int) []core.HeaderState
	MissingTo(tip core.Hash, max int) []core.HeaderState
}

// Plan is the state of a synchronisation. It is not safe for concurrent use.
type Plan struct {
	rules *core.Rules
	chain Chain

	peers map[PeerID]*peer
	order []PeerID // of peers, sorted, so that equal inputs give equal actions

	lastUseful time.Time // when headers were last accepted, or an exchange begun from none

	// want is what to fetch, in order. byID finds the batch that covers a block;
	// what none covers is free to be asked for. batches are sorted by height.
	want         []core.HeaderState
	byID         map[core.Hash]*batch
	batches      []*batch
	adding       *adding
	retryAt      time.Time // until then nothing is handed to the chain
	stall        time.Duration
	first        core.Hash // first block wanted
	firstSince   time.Time
	starvedSince time.Time // no peer that hasn't failed has scarce; zero: one has
	// scarce is the first block without a body up to the best header, misses how
	// often a peer that was asked for it hasn't sent it.
	scarce  core.Hash
	misses  int
	nextReq uint64

	now     time.Time
	actions []Action
}

type peer struct {
	id         PeerID
	claim      Claim
	claimedAt  time.Time // of the last hello
	heard      core.Hash // announced by the peer, its parent unknown to us; zero: none
	heardAfter time.Time
	askAfter   time.Time // no exchange begins before
	turn       time.Time // when the last exchange began; at first, when it joined
	ex         *exchange // nil: none is under way
	requests   []*request
	asideUntil time.Time
	strikes    int         // failures since the last success
	told       bool        // people were told why it isn't asked
	lacks      []core.Hash // blocks that it hasn't got; at most maxLacks
	rate       float64     // blocks per second, averaged
}

// New returns a plan without peers.
func New(rules *core.Rules, chain Chain) *Plan {
	return &Plan{
		rules: rules, chain: chain,
		peers: map[PeerID]*peer{}, byID: map[core.Hash]*batch{}, stall: minStall,
	}
}

// Step takes an event and returns what to do now. now never runs backwards; it
// is also the clock that headers are held against.
func (p *Plan) Step(ev Event, now time.Time) []Action {
	p.now, p.actions = now, nil
	switch ev := ev.(type) {
	case Joined:
		p.join(ev)
	case Left:
		p.leave(ev.Peer)
	case Claimed:
		p.claimed(ev)
	case Heard:
		p.heard(ev)
	case HeadersArrived:
		p.headersArrived(ev)
	case HeadersFailed:
		p.headersFailed(ev)
	case HeadersAdded:
		p.headersAdded(ev)
	case BlocksArrived:
		p.blocksArrived(ev)
	case BlocksAdded:
		p.blocksAdded(ev)
	case ChainChanged:
		p.refresh()
	case Tick:
		p.refresh()
	}
	p.startExchanges()
	p.assign()
	p.handOver()
	if t := p.nextWake(); !t.IsZero() {
		p.do(WakeAt{Time: t})
	}
	return p.actions
}

// Status is what a plan is after.
type Status struct {
	// Target is the heaviest chain known: by its headers, or only claimed by a
	// peer that is being asked for them.
	Target Claim
	// Missing is the number of blocks to be fetched, as far as looked ahead.
	Missing int
	// Exchanges is the number of peers that are being asked for headers.
	Exchanges int
	// Unproven is whether a peer that hasn't failed us yet claims a heavier chain
	// than any we know the headers of.
	Unproven bool
}

// Status returns what the plan is after, as of the last Step.
func (p *Plan) Status() Status {
	best := p.chain.BestHeader()
	s := Status{Target: Claim{best.ID, best.Height, best.Work}, Missing: len(p.want)}
	for _, id := range p.order {
		pr := p.peers[id]
		if pr.ex != nil {
			s.Exchanges++
		}
		if pr.strikes == 0 && p.unproven(pr) {
			s.Unproven = true
			if core.Heavier(pr.claim.Work, pr.claim.ID, s.Target.Work, s.Target.ID) {
				s.Target = pr.claim
			}
		}
	}
	return s
}

func (p *Plan) do(a Action) { p.actions = append(p.actions, a) }

func (p *Plan) join(ev Joined) {
	if p.peers[ev.Peer] != nil {
		p.leave(ev.Peer)
	}
	p.peers[ev.Peer] = &peer{id: ev.Peer, claim: ev.Claim, turn: p.now}
	i, _ := slices.BinarySearch(p.order, ev.Peer)
	p.order = slices.Insert(p.order, i, ev.Peer)
	p.refresh()
}

func (p *Plan) leave(id PeerID) {
	pr := p.peers[id]
	if pr == nil {
		return
	}
	for len(pr.requests) > 0 {
		p.missed(pr.requests[0])
		p.cancel(pr.requests[0])
	}
	delete(p.peers, id)
	if i, ok := slices.BinarySearch(p.order, id); ok {
		p.order = slices.Delete(p.order, i, i+1)
	}
	p.refresh()
}

func (p *Plan) claimed(ev Claimed) {
	pr := p.peers[ev.Peer]
	if pr == nil {
		p.join(Joined(ev)) // its Left was overtaken by its return
		return
	}
	pr.claimedAt = p.now
	if pr.claim == ev.Claim && len(pr.lacks) == 0 {
		return
	}
	pr.claim = ev.Claim
	if best := p.chain.BestHeader(); ev.Claim.Work.Cmp(best.Work) >= 0 {
		pr.lacks = nil // it has caught up: a hello names only what it has
	}
	p.refresh()
}

// aside reports whether pr isn't to be asked now.
func (p *Plan) aside(pr *peer) bool { return pr.asideUntil.After(p.now) }

// setAside gives a peer a pause that doubles with each failure in a row, and
// takes back what it was asked for.
func (p *Plan) setAside(pr *peer, pause time.Duration, why error) {
	p.setAsideAtMost(pr, pause, asideMax, why)
}

func (p *Plan) setAsideAtMost(pr *peer, pause, most time.Duration, why error) {
	pause = min(pause<<min(pr.strikes, 10), most)
	pr.strikes++
	pr.told = true
	pr.asideUntil = p.now.Add(pause)
	pr.ex = nil
	for len(pr.requests) > 0 {
		p.cancel(pr.requests[0])
	}
	p.do(SetAside{Peer: pr.id, Until: pr.asideUntil, Reason: why.Error(), Code: core.CodeOf(why)})
}

// succeeded forgets a peer's failures, and takes back what was told of them.
func (p *Plan) succeeded(pr *peer) {
	pr.strikes = 0
	if pr.told {
		pr.told = false
		p.do(SetAside{Peer: pr.id})
	}
}

// guilty reports whether a verdict is the sender's fault. A chain that goes on
// from a block that we found bad isn't always: the operator may have called it
// so.
func guilty(err error) bool {
	return core.IsPunishable(err) && !errors.Is(err, core.ErrInvalidated) && !errors.Is(err, core.ErrBadParent)
}

// blame punishes a peer for what the chain or the rules said of its data, or
// sets it aside if that is no fault of its own.
func (p *Plan) blame(pr *peer, err error) {
	if !guilty(err) {
		p.setAsideAtMost(pr, asideShort, asideOurs, err)
		return
	}
	p.leave(pr.id)
	p.do(Punish{Peer: pr.id, Err: err})
}

// base is the chain that a branch must reach the work of: the best headers, or
// only our tip while nobody serves the bodies up to those.
func (p *Plan) base() core.HeaderState {
	if p.starved() {
		return p.chain.Tip()
	}
	return p.chain.BestHeader()
}

func (p *Plan) starved() bool {
	return !p.starvedSince.IsZero() && !p.now.Before(p.starvedSince.Add(starvePatience))
}

// nextWake returns when time alone will change something, or zero.
func (p *Plan) nextWake() time.Time {
	var next time.Time
	at := func(t time.Time) {
		if t.After(p.now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, pr := range p.peers {
		at(pr.asideUntil)
		at(pr.askAfter)
		if !pr.heard.IsZero() {
			at(pr.heardAfter)
		}
		if pr.ex != nil {
			at(pr.ex.started.Add(exchangeLimit))
		}
		for _, r := range pr.requests {
			at(r.sent.Add(duplicateAfter))
			at(r.sent.Add(minStall))
		}
	}
	if len(p.want) > 0 {
		at(p.firstSince.Add(minStall))
		at(p.firstSince.Add(p.stall))
	}
	if !p.starvedSince.IsZero() {
		at(p.starvedSince.Add(starvePatience))
	}
	at(p.retryAt)
	if n := p.exchanges(); n > 0 && n < maxExchanges {
		at(p.lastUseful.Add(time.Duration(n) * exchangePatience))
	}
	return next
}
