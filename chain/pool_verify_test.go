package chain_test

import (
	"math/rand/v2"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// spoil changes the signature of a payment, or its key into one that nobody can
// sign with.
func spoil(tx *core.Transaction, key bool) {
	w := tx.Witnesses[0]
	if key {
		w.PublicKey = [core.PublicKeySize]byte{1} // of order one
	} else {
		w.Signature[7] ^= 1
	}
	tx.Witnesses = []core.Witness{w}
}

// Among payments of our own users, exactly the bad ones are refused, each with
// its own verdict, however many there are.
func TestEveryCulpritIsFound(t *testing.T) {
	b := newBuilder(t)
	rng := rand.New(rand.NewPCG(3, 3))
	first := newManager(t, chain.Options{})
	coins := b.fund(first, 300)
	for _, bad := range []int{0, 1, 2, 40, 299, 300} {
		m := newManager(t, chain.Options{})
		mustAdd(t, m, b.branchTo(first.Tip().ID)...)
		var txs []core.Transaction
		for _, c := range coins {
			txs = append(txs, b.pay(c, 1000))
		}
		want := make([]core.Code, len(txs))
		for _, i := range rng.Perm(len(txs))[:bad] {
			key := rng.IntN(4) == 0
			if spoil(&txs[i], key); key {
				want[i] = core.ErrTxKey
			} else {
				want[i] = core.ErrTxSignature
			}
		}
		outs, err := m.AddTxs(t.Context(), "", pointers(txs))
		if err != nil {
			t.Fatal(err)
		}
		for i := range outs {
			if core.CodeOf(outs[i].Err) != want[i] || (want[i] == "") != (outs[i].Status == mempool.Accepted) || core.IsDeferred(outs[i].Err) {
				t.Fatalf("%d bad, payment %d: %v, %v; want %q", bad, i, outs[i].Status, outs[i].Err, want[i])
			}
		}
	}
}

// A stranger's bad payments cost a bounded search: one culprit is found in any
// case, no good payment is called bad, and looking ends at a multiple of what the
// whole batch costs.
func TestAStrangersCulpritsCostABoundedSearch(t *testing.T) {
	b := newBuilder(t)
	first := newManager(t, chain.Options{})
	coins := b.fund(first, 400)
	for _, bad := range []int{1, 30, 400} {
		m := newManager(t, chain.Options{})
		mustAdd(t, m, b.branchTo(first.Tip().ID)...)
		var txs []core.Transaction
		for i, c := range coins {
			tx := b.pay(c, 1000)
			if i%(len(coins)/bad) == len(coins)/bad-1 {
				spoil(&tx, false)
			}
			txs = append(txs, tx)
		}
		_, unknown := m.CountSignatures()
		outs, err := m.AddTxs(t.Context(), "peer", pointers(txs))
		if err != nil {
			t.Fatal(err)
		}
		found, deferred := 0, 0
		for i := range outs {
			isBad := i%(len(coins)/bad) == len(coins)/bad-1
			switch {
			case core.IsForever(outs[i].Err) && isBad:
				found++
			case core.IsDeferred(outs[i].Err):
				deferred++
			case outs[i].Err != nil || isBad:
				t.Fatalf("%d bad, payment %d: %v, %v", bad, i, outs[i].Status, outs[i].Err)
			}
		}
		t.Logf("%d of %d bad: %d found, %d not looked at, %d signatures verified", bad, len(txs), found, deferred, unknown.Load())
		if found == 0 || bad == 1 && deferred > 0 || bad == 400 && deferred == 0 {
			t.Errorf("%d bad: %d found, %d not looked at", bad, found, deferred)
		}
		if most := int64(chain.SearchFactor*(len(txs)+4) + len(txs)); unknown.Load() > most {
			t.Errorf("%d bad: %d signatures verified, at most %d", bad, unknown.Load(), most)
		}
	}
}

// Signatures are verified once: not again in a block, nor when a payment is
// offered again; and cheap refusals and known payments cost none.
func TestSignaturesAreVerifiedOnce(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	coins := b.fund(m, 40)
	var txs []core.Transaction
	for _, c := range coins[:30] {
		txs = append(txs, b.pay(c, 1000))
	}
	known, unknown := m.CountSignatures()
	want := func(what string, k, u int64) {
		t.Helper()
		if known.Swap(0) != k || unknown.Swap(0) != u {
			t.Errorf("%s: not %d known and %d verified", what, k, u)
		}
	}
	mustSubmit(t, m, txs...)
	want("new payments", 0, 30)
	if _, err := m.AddTxs(t.Context(), "peer", pointers(txs)); err != nil {
		t.Fatal(err)
	}
	want("payments in the pool", 0, 0)
	cheap := b.pay(coins[30], 1)
	if outs, err := m.AddTxs(t.Context(), "peer", pointers([]core.Transaction{cheap})); err != nil || core.CodeOf(outs[0].Err) != mempool.ErrFeeLow {
		t.Fatal(outs, err)
	}
	want("too low a fee", 0, 0)
	late := b.pay(coins[31], 1000)
	blk := b.child(m.Tip().ID, append(txs, late)...)
	mustAdd(t, m, blk)
	want("a block of known payments and another one", 30, 1)
	// A competing block has the same, on a longer branch.
	rival := b.child(blk.Header.Parent, txs...)
	mustAdd(t, m, rival, b.child(rival.ID()))
	want("its rival", 30, 0)
	if m.Tip().Height != blk.Header.Height+1 {
		t.Fatal("no reorganisation")
	}
	m.ReadPool(func(p *mempool.Pool) {
		if !p.Has(late.ID()) {
			t.Error("the payment of the block that lost is not in the pool")
		}
	})
}
