package mempool

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/core"
)

// left checks that a payment left for a reason, and returns what is known.
func (w *world) left(tx core.Transaction, reason Reason) Removed {
	w.t.Helper()
	r, ok := w.pool.Explain(tx.ID())
	if !ok || r.Reason != reason || w.pool.Has(tx.ID()) {
		w.t.Fatalf("left as %+v (%v), want %s", r, ok, reason)
	}
	return r
}

func TestReorganisation(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(4)
	// a is in a block, with its child b; c and its child d wait.
	a := pay(1000, 2, coins[0])
	b := pay(1000, 1, coinOf(&a, 0))
	w.mine([]core.Transaction{a, b})
	c := w.mustAdd(pay(1000, 2, coinOf(&a, 1)))
	d := w.mustAdd(pay(1000, 1, coinOf(&c, 0), coinOf(&b, 0)))
	e := w.mustAdd(pay(1000, 1, coins[1]))

	// Back to before the block: all of them wait, parents first.
	came := w.now
	w.now += 5000
	r := w.rebase(w.revert(1), nil)
	w.check()
	if again, _ := w.pool.Get(a.ID()); again.Time != w.now {
		t.Fatalf("a waits since %d, it is %d", again.Time, w.now)
	}
	if stayed, _ := w.pool.Get(d.ID()); stayed.Time != came {
		t.Fatalf("d waits since %d, it came at %d", stayed.Time, came)
	}
	if got := idsOf(r.Returned); !slices.Equal(got, []core.Hash{a.ID(), b.ID()}) || len(r.Removed) != 0 {
		t.Fatalf("%d returned, %d removed", len(got), len(r.Removed))
	}
	if len(w.pool.List(0, 10)) != 5 || w.pool.Height() != w.height() {
		t.Fatal("entries are missing")
	}
	// In again, in one step with its reversal: the children have stayed.
	w.mine([]core.Transaction{a, b})
	w.left(a, Confirmed)
	reverted := w.revert(1)
	again := w.block([]core.Transaction{a, b})
	w.extend(again)
	r = w.rebase(reverted, []*core.Block{again})
	w.check()
	if len(r.Removed)+len(r.Returned) != 0 || w.left(a, Confirmed).Block != again.ID() || len(w.pool.List(0, 10)) != 3 {
		t.Fatalf("%+v", r)
	}
	// Another branch spends a's coin: a conflicts, and all after it goes along.
	reverted = w.revert(1)
	thief := pay(5000, 1, coins[0])
	other := w.block([]core.Transaction{thief})
	w.extend(other)
	r = w.rebase(reverted, []*core.Block{other})
	w.check()
	for i, tx := range []core.Transaction{a, b, c, d} {
		got := w.left(tx, Conflict)
		if got.By != thief.ID() || got.Block != other.ID() || got.Ancestor.IsZero() != (i == 0) {
			t.Fatalf("payment %d: %+v", i, got)
		}
	}
	if len(r.Removed) != 4 || !w.pool.Has(e.ID()) {
		t.Fatalf("%d removed", len(r.Removed))
	}
	// A conflict in a block on top.
	last := pay(7000, 1, coins[1])
	w.mine([]core.Transaction{last})
	if got := w.left(e, Conflict); got.By != last.ID() {
		t.Fatalf("%+v", got)
	}
	w.check()
}

// TestCoinbasesAndReorganisations: what spends the coinbase of a reverted block
// leaves, and so does what is immature again on a shorter chain.
func TestCoinbasesAndReorganisations(t *testing.T) {
	w := lone(t, nil)
	for range 3 {
		w.mine(nil)
	}
	top := w.height()
	young := w.mustAdd(pay(1000, 2, w.coinbase(top+1-testMaturity))) // may be in the next block at the earliest
	child := w.mustAdd(pay(1000, 1, coinOf(&young, 0)))
	old := w.mustAdd(pay(1000, 1, w.coinbase(top-testMaturity)))
	w.rebase(w.revert(1), nil)
	w.check()
	w.left(young, Immature)
	if got := w.left(child, Immature); got.Ancestor != young.ID() {
		t.Fatalf("%+v", got)
	}
	if !w.pool.Has(old.ID()) {
		t.Fatal("a mature one left")
	}
	w.mine(nil)
	w.mustAdd(young)
	w.mustAdd(child)
	w.check()
	w.rebase(w.revert(testMaturity), nil)
	w.check()
	w.left(young, CoinGone)
	w.left(child, CoinGone)
	w.left(old, Immature)
}

// TestReturningByPolicy: what a miner took in spite of this node's policy does
// not come back into its pool.
func TestReturningByPolicy(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(2)
	free := pay(0, 2, coins[0])
	w.mine([]core.Transaction{free})
	child := w.mustAdd(pay(1000, 1, coinOf(&free, 0)))
	w.rebase(w.revert(1), nil)
	w.check()
	if got := w.left(free, Unwanted); got.Code != ErrFeeLow {
		t.Fatalf("%+v", got)
	}
	if got := w.left(child, Unwanted); got.Code != ErrFeeLow || got.Ancestor != free.ID() {
		t.Fatalf("%+v", got)
	}
	// A full pool is another reason.
	w.mustAdd(pay(9000, 1, coins[1]))
	w.mine([]core.Transaction{pay(500, 1, coins[0])})
	w.pool.policy.MaxTxs = 1
	reverted := w.revert(1)
	w.rebase(reverted, nil)
	w.check()
	w.left(reverted[0].Txs[1], Evicted)
}

// TestReturningPushesOut: of two that return to a pool with room for one, the
// better stays.
func TestReturningPushesOut(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(2)
	low, high := pay(1000, 1, coins[0]), pay(9000, 1, coins[1])
	w.mine([]core.Transaction{low, high})
	w.pool.policy.MaxTxs = 1
	r := w.rebase(w.revert(1), nil)
	w.check()
	if got := idsOf(r.Returned); !slices.Equal(got, []core.Hash{high.ID()}) || len(r.Removed) != 1 || r.Removed[0].ID != low.ID() {
		t.Fatalf("%d returned, removed %+v", len(got), r.Removed)
	}
	w.left(low, Evicted)
}

// TestReturningBringsOrphans: what waited for a payment of the reverted block
// comes in behind it.
func TestReturningBringsOrphans(t *testing.T) {
	w := lone(t, nil)
	coin := w.fund(1)[0]
	parent := pay(1000, 2, coin)
	taken := pay(0, 1, coinOf(&parent, 0)) // will not be wanted again
	w.mine([]core.Transaction{parent, taken})
	waits := pay(1000, 1, coinOf(&parent, 0))
	if !w.orphan(waits, "peer") {
		t.Fatal("not kept")
	}
	r := w.rebase(w.revert(1), nil)
	w.check()
	if got := idsOf(r.Promoted); !slices.Equal(got, []core.Hash{waits.ID()}) {
		t.Fatalf("%d promoted", len(got))
	}
}

func TestRebaseFailsWithoutAChange(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(1)
	a := pay(1000, 1, coins[0])
	w.mine([]core.Transaction{a})
	b := w.mustAdd(pay(1000, 1, coinOf(&a, 0)))
	reverted := w.revert(1)
	failure := errors.New("disk")
	_, err := w.pool.Rebase(reverted, nil, func([]core.Outpoint) (core.UTXOs, error) { return nil, failure }, w.height(), w.now)
	if !errors.Is(err, failure) || !w.pool.Has(b.ID()) || w.pool.Has(a.ID()) || w.pool.Height() == w.height() {
		t.Fatalf("%v, %v", err, w.pool)
	}
	w.rebase(reverted, nil)
	w.check()
	if !w.pool.Has(a.ID()) || !w.pool.Has(b.ID()) {
		t.Fatal("not back")
	}
}

// TestRebaseIsARebuild: after a reorganisation the pool has what one would have
// that is made anew of all payments that were in blocks or in the pool.
func TestRebaseIsARebuild(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			policy := DefaultPolicy()
			policy.MinFeeRate = 0
			policy.MaxAncestors, policy.MaxDescendants = maxRelatives, maxRelatives
			w := newWorld(t, policy, random(seed, 2500))
			w.fund(8)
			for !w.draw.Empty() {
				for range 6 {
					w.stepPay()
				}
				w.mine(w.candidates(nil))
				if w.draw.Rarely(3) && w.height() > 3*testMaturity {
					w.reorganiseAndRebuild()
				}
			}
		})
	}
}

func (w *world) reorganiseAndRebuild() {
	w.t.Helper()
	reverted := w.revert(1 + w.draw.Intn(4))
	var all []core.Transaction
	for _, b := range reverted {
		all = append(all, b.Txs[1:]...)
	}
	others := all
	for _, e := range w.pool.List(0, 10_000) {
		all = append(all, *e.Transaction())
	}
	var applied []*core.Block
	for range w.draw.Intn(6) {
		b := w.block(w.candidates(others))
		w.extend(b)
		applied = append(applied, b)
	}
	w.rebase(reverted, applied)
	w.check()
	fresh, err := New(w.rules, w.pool.policy, w.height())
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range all {
		if !w.confirmedAnywhere(all[i].ID()) {
			coins, _ := w.read(fresh.Needs(&all[i]))
			if _, err := fresh.Add(NewTx(&all[i]), coins, w.now, ""); err != nil && !core.IsDeferred(err) {
				w.t.Fatal(err)
			}
		}
	}
	for _, e := range fresh.List(0, 10_000) {
		if !w.pool.Has(e.ID()) {
			w.t.Fatalf("%s is missing", e.ID().Short())
		}
	}
	if got, want := w.pool.Stats(w.now), fresh.Stats(w.now); got.Count != want.Count || got.Fees != want.Fees || got.Memory != want.Memory {
		w.t.Fatalf("%+v, made anew %+v", got, want)
	}
}

func (w *world) confirmedAnywhere(id core.Hash) bool {
	return w.payment(id) != nil
}
