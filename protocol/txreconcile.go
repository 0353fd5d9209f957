package protocol

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	// compareInterval is the time between two looks into a peer's pool. With more
	// than comparePeers peers it is longer for each, so that a payment's id does
	// not come from everybody.
	compareInterval = 10 * time.Second
	comparePeers    = 4
	// compareHurry is that time once gossip has missed something.
	compareHurry = 2 * time.Second
	// compareAside is that time for a peer that has nothing of what it lists.
	compareAside = time.Minute
	compareRound = 30 * time.Second // for one look, however much is new
	comparePages = 256              // of txids, in one look: more than a pool holds
	maxComparing = 4                // looks at once
	compareTick  = time.Second      // while catching up, or nobody is due
	// chainPatience is how long a peer that has joined is not looked into while it
	// claims a heavier chain than ours.
	chainPatience = 30 * time.Second
	// maxLater bounds the payments of one peer that are asked for again after a
	// block.
	maxLater = 512
)

// poolView is how far we have read a peer's pool. txRelay.mu guards it, but for
// epoch, after, later and tip, which only the look under way uses.
type poolView struct {
	epoch, after uint64
	// later are payments behind us that our pool refused, and may take once tip is
	// not the tip any more: at most maxLater.
	later []core.Hash
	tip   core.Hash
	// joined is when the peer did, as far as we know.
	joined     time.Time
	last, next time.Time // looks
	busy       bool
}

// joined has the pool of a peer that has joined looked into at once.
func (t *txRelay) joined(p peer.ID) {
	if t == nil {
		return
	}
	t.mu.Lock()
	if v := t.views[p]; v != nil {
		v.joined, v.next = time.Now(), time.Time{}
	}
	t.mu.Unlock()
	poke(t.hurry)
}

// tipChanged has those pools looked into that waited for it.
func (t *txRelay) tipChanged() {
	if t != nil {
		poke(t.hurry)
	}
}

// compareSoon has pools looked into before long.
func (t *txRelay) compareSoon() {
	t.mu.Lock()
	for _, v := range t.views {
		if soon := v.last.Add(compareHurry); soon.Before(v.next) {
			v.next = soon
		}
	}
	t.mu.Unlock()
	poke(t.hurry)
}

// reconcile looks into peers' pools in turn until ctx is done, and takes what ours
// lacks: so pools converge without gossip, as chains do.
func (t *txRelay) reconcile(ctx context.Context, g *group) {
	for ctx.Err() == nil {
		_ = t.blame(t.pool.TxFaults(), "")
		wait := compareTick
		if !t.s.behind() {
			wait = t.compareDue(ctx, g)
		}
		sleep(ctx, wait, t.hurry)
	}
}

// compareDue begins the looks that are due and returns when the next one is.
func (t *txRelay) compareDue(ctx context.Context, g *group) time.Duration {
	peers := t.s.peersWith(wire.CapTxs)
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgetViews(peers)
	for _, p := range peers {
		if t.views[p] == nil {
			t.views[p] = &poolView{joined: now}
		}
	}
	slices.SortFunc(peers, func(a, b peer.ID) int {
		return cmp.Or(t.views[a].next.Compare(t.views[b].next), cmp.Compare(a, b))
	})
	wait := compareTick
	for _, p := range peers {
		v := t.views[p]
		if v.busy || t.running == maxComparing {
			continue
		}
		if due := v.next.Sub(now); due > 0 {
			wait = min(wait, due)
			break
		}
		// What spends coins of blocks that we lack could not be judged.
		if now.Sub(v.joined) < chainPatience && t.s.isAhead(p) {
			continue
		}
		interval := compareInterval * time.Duration(max(comparePeers, len(peers))) / comparePeers
		v.busy, v.last, v.next = true, now, now.Add(compareRound+interval) // later than it will be
		t.running++
		g.start(func() { t.compare(ctx, p, v, interval) })
	}
	return wait
}

// forgetViews drops the views of peers that have left, once they are many.
// t.mu is held.
func (t *txRelay) forgetViews(joined []peer.ID) {
	if len(t.views) < maxPeers {
		return
	}
	for p, v := range t.views {
		if !v.busy && !slices.Contains(joined, p) {
			delete(t.views, p)
		}
	}
}

// compare takes a look into a peer's pool.
func (t *txRelay) compare(ctx context.Context, p peer.ID, v *poolView, interval time.Duration) {
	round, cancel := context.WithTimeout(ctx, compareRound)
	defer cancel()
	err := t.askAgain(round, p, v)
	var lacked, came int
	if err == nil {
		lacked, came, err = t.readPool(round, p, v)
	}
	if err != nil && ctx.Err() == nil {
		t.s.log.Debug("compare pools", "peer", p, "error", err)
	}
	next := time.Now().Add(interval)
	idle := lacked > fetchChunk && came == 0
	if idle {
		next = time.Now().Add(compareAside)
	}
	t.mu.Lock()
	v.busy = false
	if idle || next.Before(v.next) { // unless somebody is in a hurry meanwhile
		v.next = next
	}
	t.running--
	t.mu.Unlock()
	poke(t.hurry)
}

// askAgain fetches once more what our pool refused for something that has passed
// with a block. The peer's list is read only forwards, so nothing else would bring
// it.
func (t *txRelay) askAgain(ctx context.Context, p peer.ID, v *poolView) error {
	tip := t.s.chain.Tip().ID
	if len(v.later) == 0 || tip == v.tip {
		return nil
	}
	_, later, err := t.fetch(ctx, p, t.lacking(v.later))
	if err != nil {
		return err // they are asked for at the next look
	}
	orphans := t.orphansOf(v.later)
	v.later, v.tip = nil, tip
	v.keep(orphans)
	v.keep(later)
	return nil
}

// keep remembers payments for the time after the next block.
func (v *poolView) keep(ids []core.Hash) {
	v.later = append(v.later, ids[:min(len(ids), maxLater-len(v.later))]...)
}

// readPool reads on in a peer's pool and fetches what ours lacks. It goes on from
// the last page that was done with.
func (t *txRelay) readPool(ctx context.Context, p peer.ID, v *poolView) (lacked, came int, err error) {
	if len(v.later) == 0 {
		v.tip = t.s.chain.Tip().ID
	}
	for range comparePages {
		page, err := t.s.fetchPool(ctx, p, &wire.GetPool{Epoch: v.epoch, After: v.after})
		if errors.Is(err, wire.ErrMalformed) {
			t.s.punish(p, err)
		}
		if err != nil {
			return lacked, came, err
		}
		ids, n, err := t.fetchPage(ctx, p, v, page.IDs)
		lacked, came = lacked+ids, came+n
		if err != nil {
			return lacked, came, err
		}
		v.epoch, v.after = page.Epoch, page.Next
		if !page.More {
			break
		}
	}
	return lacked, came, nil
}

// fetchPage fetches what our pool lacks of a page. Of orphans nobody knows yet
// whether their witnesses are the true ones: what is still missing once the
// parents have come is fetched, or else left for the time after the next block.
func (t *txRelay) fetchPage(ctx context.Context, p peer.ID, v *poolView, page []core.Hash) (lacked, came int, err error) {
	if len(page) == 0 {
		return 0, 0, nil
	}
	ids, orphans := t.lacking(page), t.orphansOf(page)
	for next := ids; len(next) > 0; {
		n, later, err := t.fetch(ctx, p, next)
		came += n
		v.keep(later)
		if err != nil {
			return len(ids), came, err
		}
		waiting := t.orphansOf(orphans)
		if next = orphans; len(waiting) == len(orphans) {
			next = nil
		}
		orphans = waiting
	}
	v.keep(orphans)
	return len(ids), came, nil
}

// isAhead reports whether a peer claims a heavier chain than ours.
func (s *Service) isAhead(p peer.ID) bool {
	tip := s.chain.Tip()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.peers[p]
	return e != nil && core.Heavier(e.tip.Work, e.tip.ID, tip.Work, tip.ID)
}

// peersWith returns the joined peers that understand something.
func (s *Service) peersWith(caps wire.Capabilities) (peers []peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.peers {
		if e.joined && e.caps.Has(caps) {
			peers = append(peers, e.id)
		}
	}
	return peers
}
