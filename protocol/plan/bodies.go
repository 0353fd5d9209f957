package plan

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ingchain/ingchain/core"
)

// batch is a run of wanted blocks that is asked for together.
type batch struct {
	want     []core.HeaderState
	requests []*request // in flight, the oldest first; at most maxRequests and a reliable one
	// blocks, once they have come, match want one to one and are all from one
	// peer.
	blocks []*core.Block
	from   PeerID
	bytes  int
}

type request struct {
	id    uint64
	peer  *peer
	batch *batch
	sent  time.Time
}

// adding is what is with the chain. Its blocks count as covered until the chain
// has answered.
type adding struct {
	from PeerID
	ids  map[core.Hash]struct{}
}

// refresh compares what is wanted with what is under way.
func (p *Plan) refresh() {
	p.want = p.choose()
	wanted := make(map[core.Hash]struct{}, len(p.want))
	for i := range p.want {
		wanted[p.want[i].ID] = struct{}{}
	}
	for _, b := range slices.Clone(p.batches) {
		p.trim(b, wanted)
	}
	var first core.Hash
	if len(p.want) > 0 {
		first = p.want[0].ID
	}
	if first != p.first {
		p.first, p.firstSince = first, p.now
	}
}

// choose returns what to fetch: bodies up to the best header or, if for a while
// no peer has those or whoever was asked has failed, up to another claim of a
// peer that is better than our tip: the one whose peers have failed least, then
// the best.
func (p *Plan) choose() []core.HeaderState {
	want := p.chain.Missing(lookAhead)
	if len(want) == 0 {
		p.scarce = core.Hash{}
	} else if want[0].ID != p.scarce {
		p.scarce, p.misses = want[0].ID, 0
	}
	if len(want) == 0 || p.misses < maxMisses && p.failures(&want[0]) == 0 {
		p.starvedSince = time.Time{}
		return want
	}
	if p.starvedSince.IsZero() {
		p.starvedSince = p.now
	}
	if !p.starved() {
		return want
	}
	tip, header := p.chain.Tip(), p.chain.BestHeader()
	best, least := Claim{header.ID, header.Height, header.Work}, max(p.misses, p.failures(&want[0]))
	seen, looked := map[core.Hash]bool{header.ID: true}, 0
	for _, id := range p.order {
		c := p.peers[id].claim
		if seen[c.ID] || !core.Heavier(c.Work, c.ID, tip.Work, tip.ID) {
			continue
		}
		seen[c.ID] = true
		if _, known := p.chain.HeaderState(c.ID); !known {
			continue
		}
		alt := p.chain.MissingTo(c.ID, lookAhead)
		if len(alt) == 0 {
			continue
		}
		if looked++; looked > maxBranches {
			break
		}
		n := p.failures(&alt[0])
		if n < least || n == least && core.Heavier(c.Work, c.ID, best.Work, best.ID) {
			want, best, least = alt, c, n
		}
	}
	return want
}

// missed counts a request that hasn't brought the block that is scarce.
func (p *Plan) missed(r *request) {
	if slices.ContainsFunc(r.batch.want, func(st core.HeaderState) bool { return st.ID == p.scarce }) {
		p.misses++
	}
}

// nobody is how often a block's peers have failed if there are none.
const nobody = math.MaxInt

// failures returns how often in a row that peer has failed which has failed
// least of those that may have the block.
func (p *Plan) failures(st *core.HeaderState) int {
	least := nobody
	for _, pr := range p.peers {
		if pr.strikes < least && pr.mayHave(st) && !slices.Contains(pr.lacks, st.ID) {
			least = pr.strikes
		}
	}
	return least
}

func (pr *peer) mayHave(st *core.HeaderState) bool { return pr.claim.Work.Cmp(st.Work) >= 0 }

// trim drops from a batch what is no longer wanted.
func (p *Plan) trim(b *batch, wanted map[core.Hash]struct{}) {
	if !slices.ContainsFunc(b.want, func(st core.HeaderState) bool { _, ok := wanted[st.ID]; return !ok }) {
		return
	}
	var want []core.HeaderState
	var blocks []*core.Block
	for i := range b.want {
		if _, ok := wanted[b.want[i].ID]; !ok {
			delete(p.byID, b.want[i].ID)
			continue
		}
		want = append(want, b.want[i])
		if b.blocks != nil {
			blocks = append(blocks, b.blocks[i])
		}
	}
	b.want, b.blocks = want, blocks
	if len(want) == 0 {
		p.drop(b)
	}
}

// drop forgets a batch; what it covered is free again.
func (p *Plan) drop(b *batch) {
	for len(b.requests) > 0 {
		p.cancel(b.requests[0])
	}
	p.release(b)
}

func (p *Plan) release(b *batch) {
	for i := range b.want {
		if p.byID[b.want[i].ID] == b {
			delete(p.byID, b.want[i].ID)
		}
	}
	if i := slices.Index(p.batches, b); i >= 0 {
		p.batches = slices.Delete(p.batches, i, i+1)
	}
}

// detach takes a request off its batch and peer. A batch that nobody is asked
// for any more and that hasn't come is released.
func (p *Plan) detach(r *request) {
	is := func(o *request) bool { return o == r }
	r.peer.requests = slices.DeleteFunc(r.peer.requests, is)
	r.batch.requests = slices.DeleteFunc(r.batch.requests, is)
	if len(r.batch.requests) == 0 && r.batch.blocks == nil {
		p.release(r.batch)
	}
}

func (p *Plan) cancel(r *request) {
	p.detach(r)
	p.do(Cancel{Peer: r.peer.id, Req: r.id})
}

// covered reports whether the block is asked for, has come or is with the
// chain.
func (p *Plan) covered(id core.Hash) bool {
	if p.adding != nil {
		if _, ok := p.adding.ids[id]; ok {
			return true
		}
	}
	return p.byID[id] != nil
}

// assign asks free peers for free blocks, the lowest first, then sees to
// batches that don't come.
func (p *Plan) assign() {
	p.replaceStalled()
	free := true
	for i := 0; i < len(p.want); {
		if p.covered(p.want[i].ID) {
			i++
			continue
		}
		n := 1
		for n < batchBlocks && i+n < len(p.want) && !p.covered(p.want[i+n].ID) {
			n++
		}
		if i > 0 && p.reserved()+batchReserve > maxBufferedBytes {
			free = false
			break
		}
		pr := p.pick(&p.want[i], nil, maxInFlight)
		if pr == nil {
			free = false
			break
		}
		for n > 1 && !pr.mayHave(&p.want[i+n-1]) {
			n--
		}
		b := &batch{want: slices.Clone(p.want[i : i+n])}
		for j := range b.want {
			p.byID[b.want[j].ID] = b
		}
		p.batches = append(p.batches, b)
		p.request(pr, b)
		i += n
	}
	slices.SortStableFunc(p.batches, func(a, b *batch) int { return cmp.Compare(a.want[0].Height, b.want[0].Height) })
	if free {
		p.duplicateLast()
	}
}

// reserved is how much memory answers take, come or not.
func (p *Plan) reserved() (n int) {
	for _, b := range p.batches {
		if b.blocks == nil {
			n += batchReserve
		} else {
			n += b.bytes
		}
	}
	return n
}

// pick returns the best peer to ask for a block among those with less than
// limit requests in flight, or nil: the one that has failed least, then one that
// says it has the last block wanted (one with as much work may be on another
// branch), then the least busy, then the fastest. For what all others wait for,
// one that has sent blocks before goes before one that hasn't.
func (p *Plan) pick(st *core.HeaderState, but []*request, limit int) *peer {
	urgent := st.ID == p.first
	var best *peer
	for _, id := range p.order {
		pr := p.peers[id]
		if p.aside(pr) || len(pr.requests) >= limit || !pr.mayHave(st) || slices.Contains(pr.lacks, p.first) ||
			slices.ContainsFunc(but, func(r *request) bool { return r.peer == pr }) {
			continue
		}
		if best != nil && urgent && (pr.rate > 0) != (best.rate > 0) {
			if pr.rate > 0 {
				best = pr
			}
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(pr.strikes, best.strikes), cmp.Compare(p.doubt(pr), p.doubt(best)),
			cmp.Compare(len(pr.requests), len(best.requests)), cmp.Compare(best.rate, pr.rate)) < 0 {
			best = pr
		}
	}
	return best
}

// doubt is 0 for a peer that says it has the last block wanted, else 1.
func (p *Plan) doubt(pr *peer) int {
	if pr.claim.ID == p.want[len(p.want)-1].ID {
		return 0
	}
	return 1
}

func (p *Plan) request(pr *peer, b *batch) {
	p.nextReq++
	r := &request{id: p.nextReq, peer: pr, batch: b, sent: p.now}
	pr.requests = append(pr.requests, r)
	b.requests = append(b.requests, r)
	ids := make([]core.Hash, len(b.want))
	for i := range b.want {
		ids[i] = b.want[i].ID
	}
	p.do(GetBlocks{Peer: pr.id, Req: r.id, IDs: ids})
}

// reliable reports whether the peer has sent blocks and not failed since.
func (pr *peer) reliable() bool { return pr.strikes == 0 && pr.rate > 0 }

// replaceStalled asks a second peer for the batch that all others wait for, if
// the first lets us wait. The time doubles each time, so that a slow link of
// our own doesn't cost us one peer after the other; but peers that aren't
// reliable say nothing of our link, and leave room for one that is.
func (p *Plan) replaceStalled() {
	if len(p.want) == 0 {
		return
	}
	b := p.byID[p.want[0].ID]
	if b == nil || b.blocks != nil || len(b.requests) == 0 || len(b.requests) > maxRequests {
		return
	}
	telling := slices.ContainsFunc(b.requests, func(r *request) bool { return r.peer.reliable() })
	if telling && len(b.requests) == maxRequests {
		return
	}
	since := p.firstSince
	if b.requests[0].sent.After(since) {
		since = b.requests[0].sent
	}
	patience := minStall
	if telling {
		patience = p.stall
	}
	if p.now.Before(since.Add(patience)) {
		return
	}
	pr := p.pick(&b.want[0], b.requests, maxInFlight+1)
	if pr == nil || len(b.requests) == maxRequests && !pr.reliable() {
		return
	}
	if telling {
		p.stall = min(2*p.stall, maxStall)
	}
	p.request(pr, b)
}

// duplicateLast lets peers that would be idle double the last requests.
func (p *Plan) duplicateLast() {
	for _, b := range p.batches {
		if b.blocks != nil || len(b.requests) != 1 || p.now.Before(b.requests[0].sent.Add(duplicateAfter)) {
			continue
		}
		if pr := p.pick(&b.want[0], b.requests, 1); pr != nil {
			p.request(pr, b)
		}
	}
}

func (p *Plan) blocksArrived(ev BlocksArrived) {
	pr := p.peers[ev.Peer]
	if pr == nil {
		return
	}
	i := slices.IndexFunc(pr.requests, func(r *request) bool { return r.id == ev.Req })
	if i < 0 {
		if core.IsPunishable(ev.Err) {
			p.blame(pr, ev.Err)
		}
		return
	}
	r := pr.requests[i]
	b := r.batch
	blocks := b.matching(ev.Blocks)
	n := len(blocks)
	if n > 0 {
		p.receive(b, r, blocks)
	} else {
		p.missed(r)
		p.detach(r)
		// What a hello has overtaken may be there by now.
		if ev.NotFound && ev.Err == nil && !pr.claimedAt.After(r.sent) {
			if len(pr.lacks) == maxLacks {
				pr.lacks = pr.lacks[1:]
			}
			pr.lacks = append(pr.lacks, p.first)
		}
	}
	switch {
	case core.IsPunishable(ev.Err):
		p.blame(pr, ev.Err)
	case ev.Err != nil && !p.aside(pr):
		p.setAside(pr, asideFailed, fmt.Errorf("asked for blocks: %w", ev.Err))
	case n == 0 && !ev.NotFound && !p.aside(pr):
		p.setAside(pr, asideFailed, errNothing)
	}
	p.refresh()
}

// matching returns those of the blocks that are, from the first on, what the
// batch wants. What it has ceased to want since it was asked for is skipped.
func (b *batch) matching(blocks []*core.Block) (out []*core.Block) {
	for _, blk := range blocks {
		if len(out) < len(b.want) && blk.ID() == b.want[len(out)].ID {
			out = append(out, blk)
		}
	}
	return out
}

// receive files the first n blocks of a batch and frees the rest.
func (p *Plan) receive(b *batch, r *request, blocks []*core.Block) {
	for i := len(blocks); i < len(b.want); i++ {
		delete(p.byID, b.want[i].ID)
	}
	b.want, b.blocks, b.from = b.want[:len(blocks)], blocks, r.peer.id
	for _, blk := range blocks {
		b.bytes += blk.Size()
	}
	took := p.now.Sub(r.sent)
	if took > 0 {
		r.peer.rate = 0.7*r.peer.rate + 0.3*float64(len(blocks))/took.Seconds()
	}
	late := b.requests[0]
	p.detach(r)
	for len(b.requests) > 0 {
		p.cancel(b.requests[0])
	}
	// Whoever was asked first and takes more than twice as long is too slow; if
	// both are, it is our own link.
	if lost := p.now.Sub(late.sent); late != r && lost >= duplicateAfter && lost > 2*took {
		p.setAside(late.peer, asideStall, errTooSlow)
	}
}

// handOver gives the chain the lowest batch if it has come, and those behind it
// from the same peer.
func (p *Plan) handOver() {
	if p.adding != nil || len(p.want) == 0 || p.now.Before(p.retryAt) {
		return
	}
	b := p.byID[p.want[0].ID]
	if b == nil || b.blocks == nil {
		return
	}
	next := &adding{from: b.from, ids: map[core.Hash]struct{}{}}
	var blocks []*core.Block
	for i := 0; b != nil && b.blocks != nil && b.from == next.from && b.want[0].ID == p.want[i].ID; {
		if len(blocks) > 0 && len(blocks)+len(b.blocks) > maxAddBlocks {
			break
		}
		for _, blk := range b.blocks {
			next.ids[blk.ID()] = struct{}{}
		}
		blocks = append(blocks, b.blocks...)
		i += len(b.blocks)
		p.release(b)
		if b = nil; i < len(p.want) {
			b = p.byID[p.want[i].ID]
		}
	}
	p.adding = next
	p.do(AddBlocks{Peer: next.from, Blocks: blocks})
}

func (p *Plan) blocksAdded(ev BlocksAdded) {
	done := p.adding
	if done == nil {
		return
	}
	p.adding = nil
	pr := p.peers[done.from]
	switch {
	case ev.Err == nil:
		p.stall = max(minStall, p.stall*85/100)
		if pr != nil {
			p.succeeded(pr)
		}
	case core.IsPunishable(ev.Err):
		p.forget(done.from)
		if pr != nil {
			p.blame(pr, ev.Err)
		} else if guilty(ev.Err) {
			p.do(Punish{Peer: done.from, Err: ev.Err})
		}
	case core.IsDeferred(ev.Err):
		p.retryAt = p.now.Add(deferPause)
	default:
		p.retryAt = p.now.Add(failPause)
	}
	p.refresh()
}

// forget drops everything that a peer has sent and that isn't with the chain.
func (p *Plan) forget(id PeerID) {
	for _, b := range slices.Clone(p.batches) {
		if b.blocks != nil && b.from == id {
			p.drop(b)
		}
	}
}
