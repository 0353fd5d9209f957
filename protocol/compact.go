package protocol

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/plan"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	// rebuildShare is the part of an announced block's transactions that may be
	// missing, in percent: with more of them the whole block is fetched.
	rebuildShare = 75
	maxRebuilds  = 4                      // blocks whose missing transactions are awaited
	rebuildTime  = 2 * time.Second        // for the missing transactions
	rebuildStall = 500 * time.Millisecond // without one of them
	rebuildTries = 10                     // requests of a peer that is still connecting the block itself
	rebuildPause = 100 * time.Millisecond // between these
	// rebuildAside is how long a peer is not asked that did not deliver: it would
	// hold up every block that it announces first.
	rebuildAside = time.Minute
)

// rebuild makes an announced block of our pool and, if that lacks a part of it,
// of what the announcer sends. It reports whether it has taken the block on: if
// not, or if it fails later, the plan has the whole block fetched.
func (s *Service) rebuild(ctx context.Context, g *group, from peer.ID, a *wire.Announcement) bool {
	if s.txs == nil || a.Coinbase == nil || !s.chain.HasBlock(a.Header.Parent) {
		return false
	}
	txs, missing := s.fromPool(a)
	if len(missing) == 0 {
		return s.addRebuilt(ctx, from, a, txs, func(st *Stats) { st.BlocksRebuilt++ })
	}
	if len(missing)*100 > len(a.Leaves)*rebuildShare || !s.beginRebuild(from, a.ID) {
		return false
	}
	g.start(func() {
		err := s.completeBlock(ctx, from, a, txs, missing)
		if err != nil && ctx.Err() == nil {
			s.leaveAside(from)
		}
		done := err == nil && s.addRebuilt(ctx, from, a, txs, func(st *Stats) { st.BlocksCompleted++ })
		s.endRebuild(a.ID)
		if !done {
			s.log.Debug("announced block is fetched whole", "id", a.ID, "peer", from, "error", err)
			s.send(ctx, plan.Heard{Peer: plan.PeerID(from), Header: a.Header})
		}
	})
	return true
}

// fromPool looks an announced block's payments up in our pool, by the whole leaf:
// what is found is what the block commits to.
func (s *Service) fromPool(a *wire.Announcement) (txs []*core.Transaction, missing []uint16) {
	txs = make([]*core.Transaction, len(a.Leaves))
	txs[0] = a.Coinbase
	s.cfg.Pool.ReadPool(func(p *mempool.Pool) {
		for i := 1; i < len(txs); i++ {
			if tx := p.ByLeaf(a.Leaves[i]); tx != nil {
				txs[i] = tx.Transaction()
			} else {
				missing = append(missing, uint16(i))
			}
		}
	})
	return txs, missing
}

// addRebuilt hands a block whose transactions are all there to the chain, which
// judges it like any other, and counts it. It reports whether the block has got
// its verdict.
func (s *Service) addRebuilt(ctx context.Context, from peer.ID, a *wire.Announcement, txs []*core.Transaction, count func(*Stats)) bool {
	at := -1
	b, _, err := a.Rebuild(func(core.Hash) *core.Transaction { at++; return txs[at+1] })
	if err != nil || b == nil {
		s.log.Debug("rebuild block", "id", a.ID, "error", err)
		return false
	}
	if err = s.addAnnounced(ctx, from, a, b); err == nil {
		s.count(count)
	}
	return err == nil || core.IsForever(err)
}

// completeBlock asks the announcer for what is missing. It may have passed the
// announcement on before it had the block itself, so it is asked again.
func (s *Service) completeBlock(ctx context.Context, from peer.ID, a *wire.Announcement, txs []*core.Transaction, missing []uint16) error {
	ctx, cancel := context.WithTimeout(ctx, rebuildTime)
	defer cancel()
	for try := 1; ; try++ {
		err := s.fetchBlockTxs(ctx, from, a, txs, missing)
		if errors.Is(err, wire.ErrMalformed) {
			s.punish(from, err)
		}
		if !errors.Is(err, errNotFound) || try == rebuildTries || !sleep(ctx, rebuildPause, nil) {
			return err
		}
	}
}

// fetchBlockTxs asks a peer for transactions of a block and puts them in place.
func (s *Service) fetchBlockTxs(ctx context.Context, p peer.ID, a *wire.Announcement, txs []*core.Transaction, missing []uint16) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stall := time.AfterFunc(rebuildStall, cancel)
	defer stall.Stop()
	budget := int(s.rules.Params().MaxBlockBytes)
	done := 0
	q := &wire.GetBlockTxs{Block: a.ID, Positions: missing}
	return s.request(ctx, p, q, wire.CapBlockTxs, rebuildTime, s.txFrames, func(ty wire.Type, payload []byte) (bool, error) {
		stall.Reset(rebuildStall)
		switch ty {
		case wire.TypeNotFound:
			if m, err := wire.ParseNotFound(payload); err != nil {
				return false, err
			} else if m.ID != a.ID || done > 0 {
				return false, fmt.Errorf("%w: not-found of a block that wasn't asked for", wire.ErrMalformed)
			}
			return false, errNotFound
		case wire.TypeEnd:
			end, err := wire.ParseEnd(payload)
			if err == nil && (end.More || done < len(missing)) {
				err = fmt.Errorf("%w: %d of %d transactions answered", wire.ErrMalformed, done, len(missing))
			}
			return true, err
		}
		if done == len(missing) {
			return false, fmt.Errorf("%w: more than was asked for", wire.ErrMalformed)
		}
		tx, err := parseTx(payload, &budget)
		if err != nil {
			return false, err
		}
		at := missing[done]
		if leaf := core.MerkleLeaf(tx.ID(), tx.WitnessID()); leaf != a.Leaves[at] {
			return false, fmt.Errorf("%w: transaction %d of block %s is another one", wire.ErrMalformed, at, a.ID.Short())
		}
		txs[at] = tx
		done++
		s.count(func(st *Stats) { st.BlockTxsFetched++; st.BlockTxBytes += len(payload) })
		return false, nil
	})
}

// beginRebuild notes that a block is being completed by a peer, unless it or too
// many are already, or the peer let us down. Meanwhile the plan does not miss it.
func (s *Service) beginRebuild(p peer.ID, id core.Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rebuilding[id] || len(s.rebuilding) == maxRebuilds || time.Now().Before(s.entry(p).asideUntil) {
		return false
	}
	s.rebuilding[id] = true
	return true
}

// leaveAside has a peer's announcements completed by nobody for a while.
func (s *Service) leaveAside(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entry(p).asideUntil = time.Now().Add(rebuildAside)
}

func (s *Service) endRebuild(id core.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rebuilding, id)
}

// withoutRebuilds leaves out the blocks that are being completed.
func (s *Service) withoutRebuilds(missing []core.HeaderState) []core.HeaderState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rebuilding) == 0 {
		return missing
	}
	kept := make([]core.HeaderState, 0, len(missing))
	for _, st := range missing {
		if !s.rebuilding[st.ID] {
			kept = append(kept, st)
		}
	}
	return kept
}
