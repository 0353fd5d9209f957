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
	later      []core.Hash
	tip        core.Hash
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
		v.next = time.Time{}
	}
	t.mu.Unlock()
	poke(t.hurry)
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
			t.views[p] = &poolView{}
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
		v.busy, v.last = true, now
		t.running++
		interval := compareInterval * time.Duration(max(comparePeers, len(peers))) / comparePeers
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
	if lacked > fetchChunk && came == 0 {
		interval = compareAside
	}
	t.mu.Lock()
	v.busy = false
	if next := time.Now().Add(interval); !v.next.After(v.last) {
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
	ids := t.lacking(v.later)
	v.later, v.tip = nil, tip
	_, later, err := t.fetch(ctx, p, ids)
	v.keep(later)
	return err
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
		var ids []core.Hash
		if len(page.IDs) > 0 {
			ids = t.lacking(page.IDs)
		}
		n, later, err := t.fetch(ctx, p, ids)
		lacked, came = lacked+len(ids), came+n
		v.keep(later)
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
