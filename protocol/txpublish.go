package protocol

import (
	"context"
	"time"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	gatherTime = 50 * time.Millisecond // between two batches of ours that are not full
	gatherPage = 256                   // entries of the pool read at a time
	gatherMost = 32                    // such pages read under one lock

	// A batch of ours is full at so many payments or bytes. Beyond that, verifying
	// in larger batches saves little and every hop waits for a whole one.
	batchTxs   = 512
	batchBytes = 128 << 10
)

// publisher brings to gossip what our pool takes in. The pool is its queue: it
// remembers how far it has read.
type publisher struct {
	t          *txRelay
	cursor     uint64      // number of the last entry read
	pending    []core.Hash // to be published though they lie behind the cursor
	signatures bucket
	bytes      bucket
	last       time.Time // of the last batch
}

// publish runs until ctx is done.
func (t *txRelay) publish(ctx context.Context) {
	wake, cancel := t.pool.SubscribePool()
	defer cancel()
	p := &publisher{
		t: t, signatures: newBucket(publishSignatures, publishSignaturesBurst), bytes: newBucket(publishBytes, publishBytesBurst),
	}
	for ctx.Err() == nil {
		b := p.gather()
		if len(b.txs) == 0 {
			p.advance(b)
			if b.more {
				continue
			}
			select {
			case <-ctx.Done():
			case <-wake:
			case <-t.dirty:
			}
			continue
		}
		if quiet := time.Since(p.last); !b.more && quiet < gatherTime {
			sleep(ctx, gatherTime-quiet, nil)
			continue // there may be more by now
		}
		if wait := max(p.signatures.wait(b.signatures, time.Now()), p.bytes.wait(b.size, time.Now())); wait > 0 {
			sleep(ctx, wait, nil)
			continue
		}
		p.send(ctx, b)
		p.advance(b)
	}
}

// draft is a batch to be, and how far it takes the publisher.
type draft struct {
	ids        []core.Hash
	txs        []*mempool.Tx
	size       int // bytes of the payments
	signatures int
	cursor     uint64
	pending    int // of publisher.pending, how many are done
	more       bool
}

// full reports whether a payment of that size is too much.
func (b *draft) full(size int) bool {
	return len(b.txs) > 0 && (len(b.txs) >= batchTxs || wire.TxBatchSize(len(b.txs)+1, b.size+size) > batchBytes)
}

// gather reads the pool for what gossip has not carried, parents first.
func (p *publisher) gather() draft {
	t := p.t
	if len(p.pending) == 0 {
		p.pending = t.takeAgain()
	}
	b := draft{cursor: p.cursor}
	now := time.Now()
	t.pool.ReadPool(func(pool *mempool.Pool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		add := func(tx *mempool.Tx) bool {
			if t.carried.has(tx.ID(), now) || wire.TxBatchSize(1, tx.Size()) > wire.MaxBatchSize {
				return true
			}
			if b.full(tx.Size()) {
				return false
			}
			b.ids, b.txs = append(b.ids, tx.ID()), append(b.txs, tx)
			b.size += tx.Size()
			b.signatures += len(tx.Transaction().Witnesses)
			return true
		}
		for _, id := range p.pending {
			if e, ok := pool.Get(id); ok && !add(e.Tx) {
				b.more = true
				return
			}
			b.pending++
		}
		for range gatherMost {
			page := pool.List(b.cursor, gatherPage)
			for i := range page {
				if !add(page[i].Tx) {
					b.more = true
					return
				}
				b.cursor = page[i].Seq
			}
			if len(page) < gatherPage {
				return
			}
		}
		b.more = true
	})
	return b
}

func (p *publisher) advance(b draft) {
	p.cursor, p.pending = b.cursor, p.pending[b.pending:]
	if len(p.pending) == 0 {
		p.pending = nil
	}
}

// send publishes a batch. If nobody listens it is not kept: peers that come ask
// for what we have.
func (p *publisher) send(ctx context.Context, b draft) {
	t := p.t
	if len(t.topic.ListPeers()) == 0 {
		return
	}
	raws := make([][]byte, len(b.txs))
	for i, tx := range b.txs {
		raws[i] = tx.Transaction().AppendTo(make([]byte, 0, tx.Size()))
	}
	data := wire.AppendTxBatch(make([]byte, 0, wire.TxBatchSize(len(raws), b.size)), raws)
	now := time.Now()
	p.last = now
	p.signatures.charge(b.signatures, now)
	p.bytes.charge(len(data), now)
	t.markCarried(b.ids)
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := t.topic.Publish(ctx, data); err != nil && ctx.Err() == nil {
		t.s.log.Debug("publish payments", "error", err)
		return
	}
	t.s.count(func(st *Stats) {
		st.TxBatchesPublished++
		st.TxsPublished += len(b.txs)
		st.TxBytesPublished += len(data)
	})
}
