package protocol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	txsTimeout   = 10 * time.Second // for an answer of payments, or a page of txids
	fetchChunk   = 256              // payments asked for at once
	maxTxsAnswer = 1 << 20          // bytes at which servers cut an answer of payments

	parentFetchers = 4  // requests for parents of orphans at once
	maxWants       = 64 // requests that wait for one of these; more are dropped
	maxPeerWants   = 2  // requests of one peer, waiting or under way
	maxParents     = 64 // parents asked of a peer at once
)

// want is what an orphan misses, to be asked of the peer that sent it.
type want struct {
	peer peer.ID
	ids  []core.Hash
}

// want asks a peer for parents, once each. Where there is too much to ask for,
// comparing pools brings them later.
func (t *txRelay) want(p peer.ID, ids []core.Hash) {
	if len(ids) == 0 {
		return
	}
	if caps, joined := t.s.peerJoined(p); !joined || !caps.Has(wire.CapTxs) {
		return
	}
	slices.SortFunc(ids, func(a, b core.Hash) int { return slices.Compare(a[:], b[:]) })
	ids = t.lacking(slices.Compact(ids))
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asking[p] >= maxPeerWants {
		return
	}
	w := want{peer: p}
	for _, id := range ids {
		if len(w.ids) < maxParents && !t.asked.has(askedParent{p, id}, now) {
			w.ids = append(w.ids, id)
		}
	}
	if len(w.ids) == 0 {
		return
	}
	select {
	case t.wants <- w:
		t.asking[p]++
		for _, id := range w.ids {
			t.asked.add(askedParent{p, id}, now)
		}
	default:
	}
}

// fetchParents carries out wants until ctx is done.
func (t *txRelay) fetchParents(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-t.wants:
			if _, _, err := t.fetch(ctx, w.peer, w.ids); err != nil {
				t.s.log.Debug("fetch parents", "peer", w.peer, "error", err)
			}
			t.mu.Lock()
			if t.asking[w.peer]--; t.asking[w.peer] == 0 {
				delete(t.asking, w.peer)
			}
			t.mu.Unlock()
		}
	}
}

// lacking returns the txids that are neither in the pool, nor wait there for
// parents, nor were mined or refused not long ago.
func (t *txRelay) lacking(ids []core.Hash) (lacking []core.Hash) {
	now := time.Now()
	t.pool.ReadPool(func(p *mempool.Pool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, id := range ids {
			gone, left := p.Explain(id)
			mined := left && gone.Reason == mempool.Confirmed
			if !p.Has(id) && !p.HasOrphan(id) && !mined && !t.refused.has(id, now) {
				lacking = append(lacking, id)
			}
		}
	})
	return lacking
}

// orphansOf returns the txids of which an orphan waits in the pool.
func (t *txRelay) orphansOf(ids []core.Hash) (orphans []core.Hash) {
	t.pool.ReadPool(func(p *mempool.Pool) {
		for _, id := range ids {
			if p.HasOrphan(id) {
				orphans = append(orphans, id)
			}
		}
	})
	return orphans
}

// fetch asks a peer for payments and hands them to the pool. It returns how many
// came, and those that the pool may take after the next block. An error ends it; a
// peer that broke a rule is punished.
func (t *txRelay) fetch(ctx context.Context, p peer.ID, ids []core.Hash) (came int, later []core.Hash, err error) {
	for len(ids) > 0 && err == nil {
		// Meanwhile others may have brought what is next.
		chunk := t.lacking(ids[:min(len(ids), fetchChunk)])
		if len(chunk) == 0 {
			ids = ids[min(len(ids), fetchChunk):]
			continue
		}
		ids = append(chunk, ids[min(len(ids), fetchChunk):]...)
		var txs []*core.Transaction
		var done, bytes int
		txs, bytes, done, err = t.s.fetchTxs(ctx, p, chunk)
		if errors.Is(err, wire.ErrMalformed) {
			t.s.punish(p, err)
		}
		if err == nil && done == 0 {
			err = errors.New("an answer of nothing")
		}
		ids = ids[done:]
		came += len(txs)
		if len(txs) == 0 {
			continue
		}
		if !t.paceFetch(ctx, signaturesOf(txs), bytes) {
			return came, later, ctx.Err()
		}
		outcomes, blame, failed := t.add(ctx, p, txs)
		later = append(later, t.noteFetched(txs, outcomes)...)
		err = errors.Join(err, blame, failed)
	}
	return came, later, err
}

// paceFetch waits until so many signatures may be verified, and so many bytes looked
// at: the next ones are asked for after that.
func (t *txRelay) paceFetch(ctx context.Context, signatures, bytes int) bool {
	for {
		now := time.Now()
		t.mu.Lock()
		wait := max(t.fetched.wait(signatures, now), t.fetchedBytes.wait(bytes, now))
		if wait == 0 {
			t.fetched.charge(signatures, now)
			t.fetchedBytes.charge(bytes, now)
		}
		t.mu.Unlock()
		if wait == 0 {
			return true
		}
		if !sleep(ctx, wait, nil) {
			return false
		}
	}
}

// noteFetched remembers what was not taken, so that it is not fetched from every
// peer that has it, and returns what may be taken after the next block.
func (t *txRelay) noteFetched(txs []*core.Transaction, outcomes []mempool.Outcome) (later []core.Hash) {
	now, taken := time.Now(), 0
	t.mu.Lock()
	for i := range outcomes {
		switch outcomes[i].Status {
		case mempool.Accepted:
			taken++
		case mempool.Orphan: // until others push it out
			later = append(later, txs[i].ID())
		case mempool.Refused:
			// By policy only: of what is false, another peer may have the true witnesses.
			var policy *mempool.PolicyError
			if passes(outcomes[i].Err) {
				later = append(later, txs[i].ID())
			} else if errors.As(outcomes[i].Err, &policy) {
				t.refused.add(txs[i].ID(), now)
			}
		}
	}
	t.mu.Unlock()
	t.s.count(func(st *Stats) { st.TxsFetched += len(txs); st.TxsTaken += taken })
	return later
}

// passes reports whether what a payment was refused for is likely gone after the
// next block: its relatives are mined, or a coin is there, or old enough.
func passes(err error) bool {
	switch core.CodeOf(err) {
	case mempool.ErrTooManyAncestors, mempool.ErrTooManyDescendants, core.ErrMissingCoin, core.ErrImmature:
		return true
	}
	return false
}

// fetchTxs asks a peer for payments of its pool. It returns those that came, their
// bytes, and how many of the ids were answered.
func (s *Service) fetchTxs(ctx context.Context, p peer.ID, ids []core.Hash) (txs []*core.Transaction, bytes, done int, err error) {
	budget := maxTxsAnswer + int(s.rules.Params().MaxTxBytes)
	err = s.request(ctx, p, &wire.GetTxs{IDs: ids}, wire.CapTxs, txsTimeout, s.txFrames, func(ty wire.Type, payload []byte) (bool, error) {
		if ty == wire.TypeEnd {
			end, err := wire.ParseEnd(payload)
			if err == nil && !end.More && done < len(ids) {
				err = fmt.Errorf("%w: %d of %d transactions answered", wire.ErrMalformed, done, len(ids))
			}
			return true, err
		}
		if done == len(ids) {
			return false, fmt.Errorf("%w: more than was asked for", wire.ErrMalformed)
		}
		if ty == wire.TypeNotFound {
			m, err := wire.ParseNotFound(payload)
			if err == nil && m.ID != ids[done] {
				err = fmt.Errorf("%w: not-found of a transaction that wasn't asked for", wire.ErrMalformed)
			}
			done++
			return false, err
		}
		tx, err := parseTx(payload, &budget)
		if err == nil && tx.ID() != ids[done] {
			err = fmt.Errorf("%w: transaction %s instead of %s", wire.ErrMalformed, tx.ID().Short(), ids[done].Short())
		}
		if err != nil {
			return false, err
		}
		txs = append(txs, tx)
		bytes += len(payload)
		done++
		return false, nil
	})
	return txs, bytes, done, err
}

// txFrames are the frames of an answer of transactions.
func (s *Service) txFrames(t wire.Type) int {
	switch t {
	case wire.TypeTx:
		return int(s.rules.Params().MaxTxBytes)
	case wire.TypeNotFound, wire.TypeEnd, wire.TypeError:
		return t.MaxSize()
	}
	return 0
}

// parseTx parses a transaction of an answer and takes it off what the answer may
// have in bytes.
func parseTx(payload []byte, budget *int) (*core.Transaction, error) {
	if *budget -= len(payload); *budget < 0 {
		return nil, fmt.Errorf("%w: too long an answer of transactions", wire.ErrMalformed)
	}
	tx, err := core.ParseTransaction(payload)
	if err != nil {
		return nil, errors.Join(wire.ErrMalformed, err)
	}
	return tx, nil
}

// fetchPool asks a peer for a page of its pool.
func (s *Service) fetchPool(ctx context.Context, p peer.ID, q *wire.GetPool) (page *wire.TxIDs, err error) {
	limit := func(t wire.Type) int {
		if t == wire.TypeTxIDs || t == wire.TypeError {
			return t.MaxSize()
		}
		return 0
	}
	err = s.request(ctx, p, q, wire.CapTxs, txsTimeout, limit, func(_ wire.Type, payload []byte) (bool, error) {
		page, err = wire.ParseTxIDs(payload)
		return true, err
	})
	return page, err
}
