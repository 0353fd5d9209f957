package protocol

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

const (
	// carriedTxs and carriedAge bound the txids remembered as carried by gossip; up
	// to twice as many, for up to twice as long.
	carriedTxs = 32_768
	carriedAge = time.Minute
	// refusedTxs bounds the txids remembered as fetched and not taken.
	refusedTxs = 16_384
	// askedTxs bounds the parents remembered as asked for, each of one peer.
	askedTxs = 8_192
	// maxAgain bounds the payments of batches that we did not pass on and publish
	// ourselves; peers ask for the others.
	maxAgain = 16_384
	// withheldPatience is how long payments wait for the next block of a heavier
	// chain than ours.
	withheldPatience = 30 * time.Second
	withheldStep     = time.Second // between two looks which one that is
)

// txRelay carries payments between our pool and those of peers: by gossip, and by
// asking for what gossip has missed.
type txRelay struct {
	s     *Service
	pool  Pool
	name  string
	topic *pubsub.Topic
	leave pubsub.RelayCancelFunc
	// epoch names the life of our pool to peers that keep a cursor in it.
	epoch uint64
	// turn has one slot: whoever holds it may hand payments of peers to the pool.
	turn  chan struct{}
	wants chan want     // parents to be asked for
	dirty chan struct{} // 1 slot: again has grown
	hurry chan struct{} // 1 slot: some pool may be due

	mu                sync.Mutex // guards all below; Service.mu may be taken with it, not before it
	signatures, bytes bucket     // of gossip, all peers
	// fetched and fetchedBytes are of payments that we ask for.
	fetched, fetchedBytes bucket
	carried               recent[core.Hash]
	refused               recent[core.Hash]
	asked                 recent[askedParent]
	asking                map[peer.ID]int // wants in the queue or under way
	again                 []core.Hash     // to be published though a batch brought them
	views                 map[peer.ID]*poolView
	running               int // reconciliations under way
}

// askedParent is an orphan's parent that a peer was asked for.
type askedParent struct {
	peer peer.ID
	id   core.Hash
}

// newTxRelay returns nil if the service has no pool.
func newTxRelay(s *Service) *txRelay {
	if s.cfg.Pool == nil {
		return nil
	}
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails
	return &txRelay{
		s: s, pool: s.cfg.Pool, name: TxTopic(s.rules.GenesisID()),
		epoch: binary.LittleEndian.Uint64(seed[:]) | 1,
		turn:  make(chan struct{}, 1), wants: make(chan want, maxWants),
		dirty: make(chan struct{}, 1), hurry: make(chan struct{}, 1),
		signatures: newBucket(gossipSignatures, gossipSignaturesBurst), bytes: newBucket(gossipBytes, gossipBytesBurst),
		fetched: newBucket(fetchSignatures, fetchSignaturesBurst), fetchedBytes: newBucket(fetchBytes, fetchBytesBurst),
		carried: newRecent[core.Hash](carriedTxs, carriedAge), refused: newRecent[core.Hash](refusedTxs, carriedAge),
		asked: newRecent[askedParent](askedTxs, carriedAge), asking: make(map[peer.ID]int), views: make(map[peer.ID]*poolView),
	}
}

// start joins the topic. What the validator has begun counts in g.
func (t *txRelay) start(ctx context.Context, g *group) error {
	if t == nil || t.s.cfg.NoGossip {
		return nil
	}
	ps := t.s.cfg.PubSub
	validate := func(_ context.Context, from peer.ID, msg *pubsub.Message) pubsub.ValidationResult {
		if !g.enter() {
			return pubsub.ValidationIgnore
		}
		defer g.leave()
		return t.validate(ctx, from, msg)
	}
	if err := ps.RegisterTopicValidator(t.name, validate, pubsub.WithValidatorConcurrency(txValidators)); err != nil {
		return fmt.Errorf("validate topic %s: %w", t.name, err)
	}
	var err error
	if t.topic, err = ps.Join(t.name); err != nil {
		return errors.Join(fmt.Errorf("join topic %s: %w", t.name, err), ps.UnregisterTopicValidator(t.name))
	}
	// Nobody reads: the validator has handed everything to the pool.
	if t.leave, err = t.topic.Relay(); err != nil {
		return errors.Join(fmt.Errorf("relay topic %s: %w", t.name, err), t.topic.Close(), ps.UnregisterTopicValidator(t.name))
	}
	return nil
}

func (t *txRelay) stop() error {
	if t == nil || t.topic == nil {
		return nil
	}
	t.leave()
	return errors.Join(t.topic.Close(), t.s.cfg.PubSub.UnregisterTopicValidator(t.name))
}

// run begins what goes on beside gossip's validator, as members of g.
func (t *txRelay) run(ctx context.Context, g *group) {
	if t == nil {
		return
	}
	if t.topic != nil {
		g.start(func() { t.publish(ctx) })
	}
	g.start(func() { t.reconcile(ctx, g) })
	for range parentFetchers {
		g.start(func() { t.fetchParents(ctx) })
	}
}

// add hands payments of one peer to the pool, one peer at a time, and draws the
// consequences. It returns the outcomes, and what the peer is to be blamed for. An
// error is our own failure.
func (t *txRelay) add(ctx context.Context, from peer.ID, txs []*core.Transaction) (outcomes []mempool.Outcome, blame, err error) {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	outcomes, err = t.pool.AddTxs(ctx, string(from), txs)
	<-t.turn
	if err != nil {
		t.s.reportChain("add payments", err)
		return nil, nil, err
	}
	return outcomes, t.settle(from, outcomes), nil
}

// settle asks for the parents of orphans, holds against everybody the false
// payments that they sent, and returns what that is for this peer.
//
// Whoever sends a payment has judged it: by gossip a batch goes on only if every
// payment in it was judged good, and requests are answered from the pool. So one
// that is false for ever, also an orphan that turns out so once its parents come,
// is the fault of whoever sent it.
func (t *txRelay) settle(from peer.ID, outcomes []mempool.Outcome) (blame error) {
	var missing []core.Hash
	for i := range outcomes {
		o := &outcomes[i]
		if core.IsPunishable(o.Err) && blame == nil {
			blame = o.Err
		}
		if o.Status == mempool.Orphan {
			missing = append(missing, o.Missing...)
		}
		if err := t.blame(o.Faults, from); err != nil && blame == nil {
			blame = err
		}
	}
	if blame != nil {
		t.punish(from, blame)
		return blame
	}
	t.want(from, missing)
	return nil
}

// blame punishes whoever sent orphans that turned out false, but for one peer, for
// whom it returns what there is.
func (t *txRelay) blame(faults []mempool.Fault, but peer.ID) (err error) {
	for _, f := range faults {
		for _, who := range f.From {
			if p := peer.ID(who); p != but {
				t.punish(p, f.Err)
			} else {
				err = f.Err
			}
		}
	}
	return err
}

// punish drops whoever sent a false payment.
func (t *txRelay) punish(p peer.ID, err error) {
	if p == "" {
		t.s.chatter.line(slog.LevelWarn, "own payment breaks a rule", "error", err)
		return
	}
	t.s.punish(p, err)
}

// forget drops what is kept for a peer that has left.
func (t *txRelay) forget(p peer.ID) {
	if t != nil {
		t.pool.ForgetTxPeer(string(p))
	}
}

// behind reports whether we are catching up, so that payments cannot be judged. We
// are not if nobody has shown the next block for a while: whoever mined a heavier
// chain may keep it.
func (s *Service) behind() bool {
	if s.chain.BestHeader().Height <= s.chain.Tip().Height+staleDepth {
		return false
	}
	now := time.Now()
	s.mu.Lock()
	w := &s.withheld
	look := now.Sub(w.looked) >= withheldStep
	if look {
		w.looked = now
	}
	s.mu.Unlock()
	var first core.Hash // zero: all are there, and being connected
	if look {
		if missing := s.chain.Missing(1); len(missing) > 0 {
			first = missing[0].ID
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if look && (first.IsZero() || w.block != first) {
		w.block, w.since = first, now
	}
	return now.Sub(w.since) < withheldPatience
}

// withheld is the first block that we lack, as far as we have looked.
type withheld struct {
	block         core.Hash
	since, looked time.Time
}

func signaturesOf(txs []*core.Transaction) (n int) {
	for _, tx := range txs {
		n += len(tx.Witnesses)
	}
	return n
}

// markCarried notes that gossip carries payments, so that we do not publish them.
func (t *txRelay) markCarried(ids []core.Hash) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		t.carried.add(id, now)
	}
}

// publishAgain takes payments for not carried after all, and has those published
// that we took.
func (t *txRelay) publishAgain(ids, taken []core.Hash) {
	t.mu.Lock()
	for _, id := range ids {
		t.carried.remove(id)
	}
	room := maxAgain - len(t.again)
	t.again = append(t.again, taken[:min(room, len(taken))]...)
	t.mu.Unlock()
	if len(taken) > 0 {
		poke(t.dirty)
	}
}

func (t *txRelay) takeAgain() []core.Hash {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids := t.again
	t.again = nil
	return slices.Clip(ids)
}
