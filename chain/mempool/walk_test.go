package mempool

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// tight is a policy all of whose bounds a short walk reaches.
func tight() Policy {
	p := DefaultPolicy()
	p.MaxBytes = 18_000
	p.MaxTxs = 14
	p.MaxAncestors, p.MaxDescendants = 5, 6
	p.MaxAncestorBytes, p.MaxDescendantBytes = 1500, 1800
	p.MaxReplaced = 4
	p.Expiry, p.OrphanExpiry, p.FloorHalfLife = 100_000, 30_000, 20_000
	p.MaxOrphans, p.MaxPeerOrphans = 8, 4
	p.MaxOrphanBytes, p.MaxPeerOrphanBytes = 12_000, 6000
	return p
}

// step does one thing that the source chooses.
func (w *world) step() {
	w.t.Helper()
	switch w.draw.Intn(16) {
	case 0, 1, 2, 3, 4, 5:
		w.stepPay()
	case 6, 7:
		w.stepConflict()
	case 8:
		w.stepOrphan()
	case 9:
		w.stepRelease()
	case 10:
		w.stepMine()
	case 11:
		w.stepReorg()
	case 12:
		w.stepTime()
	case 13:
		w.stepForge()
	case 14:
		w.pool.ForgetPeer(w.peer())
		if all := w.pool.List(0, 100); len(all) > 0 && w.draw.Rarely(4) {
			w.pool.Remove(all[w.draw.Intn(len(all))].ID(), w.now)
		}
	default:
		w.checkTemplate(500+w.draw.Intn(16)*500, 20+w.draw.Intn(100))
	}
}

func (w *world) peer() string { return fmt.Sprint("peer ", w.draw.Intn(4)) }

func (w *world) fee() core.Amount {
	return fuzzing.Of[core.Amount](w.draw, 300, 0, 100, 500, 1000, 2000, 5000, 20_000) + core.Amount(w.draw.Intn(200))
}

// choose picks some of the coins.
func (w *world) choose(coins []core.Coin, most int) (picked []core.Coin) {
	for range 1 + w.draw.Intn(most) {
		c := coins[int(w.draw.Byte())*len(coins)/256]
		if !slices.Contains(picked, c) && c.Value > 1_000_000 {
			picked = append(picked, c)
		}
	}
	return picked
}

func (w *world) stepPay() {
	w.t.Helper()
	if coins := w.choose(w.spendable(), 3); len(coins) > 0 {
		w.offer(pay(w.fee(), 1+w.draw.Intn(4), coins...))
	}
}

// stepConflict spends a coin again that something in the pool spends.
func (w *world) stepConflict() {
	w.t.Helper()
	all := w.pool.List(0, 100)
	if len(all) == 0 {
		return
	}
	e := all[w.draw.Intn(len(all))]
	coins := []core.Coin{e.Coins[w.draw.Intn(len(e.Coins))]}
	if w.draw.Rarely(3) {
		for _, c := range w.choose(w.spendable(), 2) {
			if c.Outpoint != coins[0].Outpoint {
				coins = append(coins, c)
			}
		}
	}
	if coins[0].Value > 1_000_000 {
		w.offer(pay(e.Fee()+w.fee(), 1+w.draw.Intn(2), coins...))
	}
}

// offer adds a payment and holds the pool to what it answers.
func (w *world) offer(tx core.Transaction) {
	w.t.Helper()
	before := w.pool.Stats(w.now)
	ids := w.ids()
	coins, _ := w.read(w.pool.Needs(&tx))
	judged, judgedErr := w.pool.Judge(NewTx(&tx), coins, w.now)
	r, err := w.add(tx, w.peer())
	if judgedErr != nil && core.CodeOf(judgedErr) != core.CodeOf(err) || len(judged.Missing) != len(r.Missing) {
		w.t.Fatalf("judged %v, added %v", judgedErr, err)
	}
	if err != nil {
		if !slices.Equal(ids, w.ids()) {
			w.t.Fatalf("refused with %v, and the pool has changed", err)
		}
		if core.IsForever(err) {
			w.t.Fatalf("a good payment is called bad: %v", err)
		}
		return
	}
	if r.Status == Known {
		return
	}
	least := feeFor(sizeOf(&tx), w.pool.policy.MinFeeRate)
	var evicted bool
	for _, gone := range r.Removed {
		evicted = evicted || gone.Reason == Evicted
		if gone.Reason == Replaced {
			least = feeFor(sizeOf(&tx), w.pool.policy.ReplaceBump)
		}
		if gone.Reason == Replaced && gone.Ancestor.IsZero() && !conflict(&tx, gone.Tx) && len(r.Promoted) == 0 {
			w.t.Fatalf("%s is replaced by what does not spend its coins", gone.ID.Short())
		}
	}
	after := w.pool.Stats(w.now)
	if len(r.Promoted) == 0 && !slices.EqualFunc(judged.Removed, r.Removed, func(a, b Removed) bool { return a.ID == b.ID && a.Reason == b.Reason }) {
		w.t.Fatal("judging removes others than adding")
	}
	if !evicted && after.Fees < before.Fees+least {
		w.t.Fatalf("fees were %d and are %d: less than %d more", before.Fees, after.Fees, least)
	}
}

func conflict(a *core.Transaction, b *Tx) bool {
	for i := range a.Inputs {
		for j := range b.t.Inputs {
			if a.Inputs[i].Outpoint == b.t.Inputs[j].Outpoint {
				return true
			}
		}
	}
	return false
}

func (w *world) ids() (ids []core.Hash) {
	for _, e := range w.pool.List(0, 1000) {
		ids = append(ids, e.ID())
	}
	return ids
}

// stepOrphan offers a child whose parent is withheld.
func (w *world) stepOrphan() {
	w.t.Helper()
	coins := w.choose(w.spendable(), 2)
	if len(coins) == 0 {
		return
	}
	parent := pay(w.fee(), 2, coins[0])
	w.withheld = append(w.withheld, parent)
	from := append([]core.Coin{coinOf(&parent, w.draw.Intn(2))}, coins[1:]...)
	child := pay(w.fee(), 1+w.draw.Intn(2), from...)
	peer := w.peer()
	r, err := w.add(child, peer)
	if err == nil && r.Status != Known && !w.pool.Has(parent.ID()) {
		w.t.Fatalf("%v, without its parent", r.Status)
	}
	if r.Status == Orphan && !w.pool.HasOrphan(child.ID()) {
		w.t.Fatal("the orphan is not kept")
	}
	if w.draw.Rarely(2) {
		grandchild := pay(w.fee(), 1, coinOf(&child, 0))
		if _, err := w.add(grandchild, w.peer()); core.IsForever(err) {
			w.t.Fatal(err)
		}
	}
}

// stepRelease offers a withheld parent.
func (w *world) stepRelease() {
	w.t.Helper()
	if n := len(w.withheld); n > 0 {
		tx := w.withheld[w.draw.Intn(n)]
		r, err := w.add(tx, w.peer())
		if core.IsForever(err) || len(r.Faults) > 0 {
			w.t.Fatalf("%v, faults %v", err, r.Faults)
		}
	}
}

// stepForge offers payments that are false for ever.
func (w *world) stepForge() {
	w.t.Helper()
	coins := w.choose(w.spendable(), 1)
	if len(coins) == 0 || coins[0].Coinbase {
		return
	}
	tx := pay(20_000, 1, coins[0])
	want := core.ErrFeeMismatch
	switch w.draw.Intn(3) {
	case 0:
		tx.Fee++
	case 1:
		tx.Witnesses[0].PublicKey = key(testKeys)
		want = core.ErrOwner
	default:
		if !w.pool.Has(coins[0].TxID) {
			return
		}
		tx.Inputs[0].Index += 100
		want = core.ErrMissingCoin
	}
	r, err := w.add(tx, w.peer())
	// Policy may have spoken first.
	var policy *PolicyError
	if r.Status != Refused || !errors.Is(err, want) && !errors.As(err, &policy) || errors.Is(err, want) && !core.IsForever(err) {
		w.t.Fatalf("%v, %v; want %s", r.Status, err, want)
	}
}

func (w *world) stepTime() {
	w.t.Helper()
	w.now += uint64(w.draw.Intn(256)) * 200
	for _, r := range w.pool.Expire(w.now) {
		if r.Reason != Expired {
			w.t.Fatalf("%s by time", r.Reason)
		}
	}
}

// candidates picks payments for a block on the tip: some of the pool's, and some
// that the pool does not know, which may conflict with others of it.
func (w *world) candidates(extra []core.Transaction) (txs []core.Transaction) {
	available := core.UTXOs{}
	for op, c := range w.utxos() {
		available[op] = c
	}
	size, coins := 0, 0
	put := func(tx *core.Transaction) {
		size, coins = size+sizeOf(tx), coins+len(tx.Inputs)+len(tx.Outputs)
		if size > testBlockSize-1000 || coins > 190 {
			return
		}
		var spend []core.Coin
		for i := range tx.Inputs {
			c, ok := available[tx.Inputs[i].Outpoint]
			if !ok {
				return
			}
			spend = append(spend, c)
		}
		if w.rules.CheckSpend(tx, spend, w.height()+1) != nil {
			return
		}
		for _, c := range spend {
			delete(available, c.Outpoint)
		}
		for i := range tx.Outputs {
			c := coinOf(tx, i)
			available[c.Outpoint] = c
		}
		txs = append(txs, *tx)
	}
	for i := range extra {
		if !w.draw.Rarely(3) {
			put(&extra[i])
		}
	}
	for _, e := range w.pool.List(0, 100) {
		if w.draw.Rarely(3) && e.Coins[0].Value > 1_000_000 {
			other := pay(e.Fee()/2, 1, e.Coins[0])
			put(&other)
		}
		if !w.draw.Rarely(2) {
			put(e.Transaction())
		}
	}
	for i := range w.withheld {
		if w.draw.Rarely(4) {
			put(&w.withheld[i])
		}
	}
	return txs
}

func (w *world) stepMine() {
	w.t.Helper()
	var txs []core.Transaction
	if w.draw.Rarely(2) {
		txs = w.candidates(nil)
	} else {
		for _, tx := range w.pool.Template(testBlockSize-1000, 190) {
			txs = append(txs, *tx.Transaction())
		}
	}
	r := w.mine(txs)
	w.checkRemoved(r.Removed)
}

func (w *world) stepReorg() {
	w.t.Helper()
	back := 1 + w.draw.Intn(3)
	if int(w.height()) <= back+2*testMaturity {
		return
	}
	reverted := w.revert(back)
	var txs []core.Transaction
	for _, b := range reverted {
		txs = append(txs, b.Txs[1:]...)
	}
	var applied []*core.Block
	// Fewer blocks may have more work.
	for range w.draw.Intn(back + 2) {
		b := w.block(w.candidates(txs))
		w.extend(b)
		applied = append(applied, b)
	}
	r := w.rebase(reverted, applied)
	w.checkRemoved(r.Removed)
	for _, tx := range txs {
		id := tx.ID()
		if _, explained := w.pool.Explain(id); !explained && !w.pool.Has(id) {
			w.t.Fatalf("%s of a reverted block is neither back nor explained", id.Short())
		}
	}
}

// checkRemoved: what blocks are said to have decided is in them.
func (w *world) checkRemoved(removed []Removed) {
	w.t.Helper()
	for _, r := range removed {
		if r.Tx == nil || r.Tx.id != r.ID {
			w.t.Fatal("a removal without its payment")
		}
		switch r.Reason {
		case Confirmed:
			if !w.confirmed(r.ID, r.Block) {
				w.t.Fatalf("%s is not in block %s", r.ID.Short(), r.Block.Short())
			}
		case Conflict:
			if !w.confirmed(r.By, r.Block) {
				w.t.Fatalf("%s, with which %s is said to conflict, is not in block %s", r.By.Short(), r.ID.Short(), r.Block.Short())
			}
			if r.Ancestor.IsZero() && !conflict(w.payment(r.By), r.Tx) {
				w.t.Fatalf("%s and %s do not conflict", r.By.Short(), r.ID.Short())
			}
		}
		if !r.Ancestor.IsZero() && !slices.ContainsFunc(r.Tx.t.Inputs, func(in core.Input) bool { return in.TxID == r.Ancestor }) {
			w.t.Fatalf("%s is not a parent of %s", r.Ancestor.Short(), r.ID.Short())
		}
	}
}

// payment finds one on the chain.
func (w *world) payment(id core.Hash) *core.Transaction {
	for _, b := range w.blocks {
		for i := range b.Txs {
			if b.TxID(i) == id {
				return &b.Txs[i]
			}
		}
	}
	return nil
}

var walksFlag = flag.Int("walks", 60, "random walks of TestWalks")

// TestWalks takes random steps, and compares the pool with a naive model after
// each.
func TestWalks(t *testing.T) {
	walks := *walksFlag
	for seed := range uint64(walks) {
		policy := tight()
		if seed%3 == 0 {
			policy = DefaultPolicy()
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t, policy, random(seed, 1500))
			w.fund(8)
			for !w.draw.Empty() {
				w.step()
				w.check()
			}
		})
	}
}

// FuzzPool lets the fuzzer choose the steps.
func FuzzPool(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(random(seed, 300).Rest(), seed%2 == 0)
	}
	f.Fuzz(func(t *testing.T, choices []byte, small bool) {
		if len(choices) > 2000 {
			return
		}
		policy := DefaultPolicy()
		if small {
			policy = tight()
		}
		w := newWorld(t, policy, fuzzing.New(choices))
		w.fund(8)
		for !w.draw.Empty() {
			w.step()
			w.check()
		}
	})
}
