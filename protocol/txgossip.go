package protocol

import (
	"context"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	// txValidators are batches in our hands at once, at most 32 MiB. They take
	// turns, one at a time; more are dropped, and asked for soon.
	txValidators = 64
	// maxWaitingBatches are those of one peer.
	maxWaitingBatches = 16
)

// validate judges a batch of payments before it is passed on. It is passed on
// only if each payment in it is good and in our pool, so that we can answer for
// it: a peer that judges by another policy, or at another tip, finds none of them
// false. Of other batches, what is good goes on in one of our own.
func (t *txRelay) validate(ctx context.Context, from peer.ID, msg *pubsub.Message) pubsub.ValidationResult {
	s := t.s
	if from == s.host.ID() {
		return pubsub.ValidationAccept
	}
	if s.behind() {
		return pubsub.ValidationIgnore
	}
	data := msg.GetData()
	s.count(func(st *Stats) { st.TxBatchesReceived++; st.TxBytesReceived += len(data) })
	if !t.admitBytes(from, len(data)) {
		return t.drop()
	}
	batch, err := wire.ParseTxBatch(data)
	if err != nil {
		return t.reject(from, err)
	}
	fresh, ids := t.unknown(batch.Txs)
	if len(fresh) == 0 {
		return pubsub.ValidationIgnore
	}
	if !t.admitSignatures(from, signaturesOf(fresh)) || !t.queue(from) {
		return t.drop()
	}
	defer t.unqueue(from)
	t.markCarried(ids)                            // at once, lest they be published meanwhile
	outcomes, blame, _ := t.add(ctx, from, fresh) // after an error nothing is taken
	taken, junk := sortOut(fresh, ids, outcomes)
	s.count(func(st *Stats) { st.TxsTaken += len(taken) })
	if blame == nil && len(taken) == len(fresh) {
		return pubsub.ValidationAccept
	}
	t.publishAgain(ids, taken)
	if blame != nil {
		t.chargeSearch(signaturesOf(fresh))
		s.log.Debug("payments rejected", "peer", from, "error", blame)
		return pubsub.ValidationReject
	}
	t.chargeJunk(from, junk)
	return pubsub.ValidationIgnore
}

// unknown returns the payments, and their txids, that are not in the pool with
// the same witnesses. Those that are have been judged.
func (t *txRelay) unknown(txs []*core.Transaction) (fresh []*core.Transaction, ids []core.Hash) {
	all := make([]core.Hash, len(txs))
	leaves := make([]core.Hash, len(txs))
	for i, tx := range txs {
		all[i] = tx.ID()
		leaves[i] = core.MerkleLeaf(all[i], tx.WitnessID())
	}
	t.pool.ReadPool(func(p *mempool.Pool) {
		for i := range txs {
			if p.ByLeaf(leaves[i]) == nil {
				fresh, ids = append(fresh, txs[i]), append(ids, all[i])
			}
		}
	})
	return fresh, ids
}

// sortOut returns the txids of what the pool took, and how many signatures were
// verified for what is of no use. What pays too little, for now or for a full
// pool, is refused without that, and is no fault of a peer with more room.
func sortOut(txs []*core.Transaction, ids []core.Hash, outcomes []mempool.Outcome) (taken []core.Hash, junk int) {
	for i := range outcomes {
		switch outcomes[i].Status {
		case mempool.Accepted:
			taken = append(taken, ids[i])
		case mempool.Refused, mempool.Orphan:
			if !outcomes[i].Unverified {
				junk += len(txs[i].Witnesses)
			}
		}
	}
	return taken, junk
}

func (t *txRelay) reject(from peer.ID, err error) pubsub.ValidationResult {
	t.punish(from, err)
	return pubsub.ValidationReject
}

// drop gives up a batch unread. Gossip does not bring it again, so pools are
// compared soon.
func (t *txRelay) drop() pubsub.ValidationResult {
	t.s.count(func(st *Stats) { st.TxBatchesDropped++ })
	t.compareSoon()
	return pubsub.ValidationIgnore
}

// queue lets a batch wait for its turn, unless many of its peer do.
func (t *txRelay) queue(p peer.ID) bool {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	a := &t.s.entry(p).payments
	if a.waiting >= maxWaitingBatches {
		return false
	}
	a.waiting++
	return true
}

func (t *txRelay) unqueue(p peer.ID) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if e := t.s.peers[p]; e != nil {
		e.payments.waiting--
	}
}
