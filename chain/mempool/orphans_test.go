package mempool

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/core"
)

// orphan offers a payment whose parents are missing, and reports whether it is
// kept.
func (w *world) orphan(tx core.Transaction, from string) bool {
	w.t.Helper()
	r, err := w.add(tx, from)
	if !core.IsDeferred(err) || !errors.Is(err, core.ErrMissingCoin) || len(r.Missing) == 0 {
		w.t.Fatalf("%v, %v, missing %v", r.Status, err, r.Missing)
	}
	w.check()
	return r.Status == Orphan
}

// stray is a payment of an unknown parent, another one for each n.
func stray(n int) core.Transaction {
	c := core.Coin{Value: 1 << 30, Address: addresses[0]}
	c.TxID[0], c.TxID[1], c.TxID[2] = byte(n), byte(n>>8), 1
	return pay(1000, 1, c)
}

func TestOrphansComeInWithTheirParents(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(2)
	txs := chain(4, 1000, coins[0])
	side := pay(1000, 1, coinOf(&txs[0], 1), coins[1])
	for _, tx := range []core.Transaction{txs[3], txs[2], side, txs[1]} {
		if !w.orphan(tx, "peer") {
			t.Fatal("not kept")
		}
	}
	r, err := w.add(txs[0], "other")
	if err != nil || len(r.Promoted) != 4 || w.pool.Stats(w.now).Orphans != 0 {
		t.Fatalf("%v, %d promoted", err, len(r.Promoted))
	}
	w.check()
	for i, e := range w.pool.List(0, 10)[1:] {
		if e.ID() != r.Promoted[i].id {
			t.Fatal("promoted in another order than they are in")
		}
	}
}

// Witnesses that are not the owner's show only when the parent comes. Whoever
// sends them keeps no true payment out, and nobody else is to blame.
func TestOrphansOfOneTxid(t *testing.T) {
	for _, forgedFirst := range []bool{true, false} {
		w := lone(t, nil)
		coins := w.fund(1)
		txs := chain(2, 1000, coins[0])
		twin := txs[1]
		twin.Witnesses = slices.Clone(twin.Witnesses)
		twin.Witnesses[0].PublicKey[0] ^= 1
		if forgedFirst {
			w.orphan(twin, "liar")
			w.orphan(txs[1], "honest")
		} else {
			w.orphan(txs[1], "honest")
			w.orphan(twin, "liar")
		}
		r, err := w.add(txs[0], "other")
		if err != nil || len(r.Promoted) != 1 || w.pool.Stats(w.now).Orphans != 0 {
			t.Fatalf("%v, %d promoted", err, len(r.Promoted))
		}
		w.check()
		for _, f := range r.Faults {
			if !slices.Equal(f.From, []string{"liar"}) || core.CodeOf(f.Err) != core.ErrOwner {
				t.Errorf("%v of %q", f.Err, f.From)
			}
		}
		if forgedFirst != (len(r.Faults) == 1) {
			t.Errorf("%d faults, forged first: %v", len(r.Faults), forgedFirst)
		}
	}
}

// What is known of an orphan can be read: the payment, what it misses, and the
// coins of chain and pool that it spends.
func TestReadingAnOrphan(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(2)
	parent, lost := pay(1000, 1, coins[0]), stray(1)
	if _, err := w.add(parent, "peer"); err != nil {
		t.Fatal(err)
	}
	tx := pay(1000, 1, coinOf(&parent, 0), coins[1], coinOf(&lost, 0))
	came := w.now
	w.orphan(tx, "peer")
	o, ok := w.pool.Orphan(tx.ID())
	if !ok || o.ID() != tx.ID() || o.Time != came || !slices.Equal(o.Missing, []core.Hash{lost.ID()}) || len(o.Coins) != 2 {
		t.Fatalf("%+v, %v", o, ok)
	}
	for i, want := range []core.Coin{coinOf(&parent, 0), coins[1]} {
		if c := o.Coins[want.Outpoint]; c.Value != want.Value || c.Address != want.Address {
			t.Errorf("coin %d is %+v, want %+v", i, c, want)
		}
	}
	for _, none := range []core.Hash{parent.ID(), lost.ID()} {
		if o, ok := w.pool.Orphan(none); ok {
			t.Errorf("no orphan: %+v", o)
		}
	}
}

func TestOrphansOfABlock(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(3)
	parent := pay(1000, 3, coins[0])
	child := pay(1000, 1, coinOf(&parent, 0))
	confirmed := pay(1000, 1, coinOf(&parent, 1))
	rival := pay(2000, 1, coinOf(&parent, 2))
	loser := pay(1000, 1, coinOf(&parent, 2))
	for _, tx := range []core.Transaction{child, confirmed, loser} {
		w.orphan(tx, "peer")
	}
	r := w.mine([]core.Transaction{parent, confirmed, rival})
	if ids := idsOf(r.Promoted); !slices.Equal(ids, []core.Hash{child.ID()}) || w.pool.Stats(w.now).Orphans != 0 {
		t.Fatalf("%d promoted, %d orphans left", len(ids), w.pool.Stats(w.now).Orphans)
	}
	w.check()

	// A reorganisation forgets orphans whose coins it takes back.
	missing := pay(1000, 1, coins[1])
	w.orphan(pay(1000, 1, coinOf(&parent, 2), coinOf(&missing, 0)), "peer") // spent by the rival
	half := pay(1000, 1, coinOf(&rival, 0), coinOf(&missing, 0))
	w.orphan(half, "peer")
	w.rebase(w.revert(1), nil)
	w.check()
	if w.pool.HasOrphan(half.ID()) {
		t.Fatal("an orphan has a coin that is gone")
	}
}

func TestOrphanThatBreaksARule(t *testing.T) {
	w := lone(t, nil)
	coin := w.fund(1)[0]
	parent := pay(1000, 2, coin)
	bad := pay(1000, 1, coinOf(&parent, 0))
	bad.Fee++
	poor := pay(1, 1, coinOf(&parent, 1))
	w.orphan(bad, "liar")
	w.orphan(bad, "fool")
	if r, err := w.add(poor, "peer"); r.Status != Refused || !errors.Is(err, ErrFeeLow) {
		t.Fatalf("%v, %v: an orphan that pays too little is kept", r.Status, err)
	}
	r, err := w.add(parent, "peer")
	if err != nil || r.Status != Accepted || len(r.Faults) != 1 {
		t.Fatalf("%v, %v", r, err)
	}
	f := r.Faults[0]
	if f.Tx.id != bad.ID() || !slices.Equal(f.From, []string{"liar", "fool"}) || !errors.Is(f.Err, core.ErrFeeMismatch) || !core.IsPunishable(f.Err) {
		t.Fatalf("%+v", f)
	}
	w.check()
}

// TestNobodyPushesOutAnothersOrphans: a flood costs the flooder its own.
func TestNobodyPushesOutAnothersOrphans(t *testing.T) {
	w := lone(t, func(p *Policy) { p.MaxPeerOrphans, p.MaxOrphans = 10, 25 })
	var honest []core.Transaction
	for i := range 3 { // 25 for 7 peers are 3 for each
		honest = append(honest, stray(i))
		if !w.orphan(honest[i], "honest") {
			t.Fatal("not kept")
		}
	}
	for i := range 300 {
		w.orphan(stray(100+i), fmt.Sprint("flooder ", i%6))
	}
	for i, tx := range honest {
		if !w.pool.HasOrphan(tx.ID()) {
			t.Fatalf("orphan %d of the honest peer is gone", i)
		}
	}
	if n := w.pool.Stats(w.now).Orphans; n != 25 {
		t.Fatalf("%d orphans", n)
	}
	// Of a flooder's own, the last stay.
	if !w.pool.HasOrphan(new(stray(399)).ID()) {
		t.Fatal("the last one is gone")
	}
	w.pool.ForgetPeer("honest")
	w.pool.ForgetPeer("nobody")
	w.check()
	for _, tx := range honest {
		if w.pool.HasOrphan(tx.ID()) {
			t.Fatal("the orphan of a peer that left is still there")
		}
	}
}

// TestAnOrphanStaysAsLongAsOnePeerHoldsIt.
func TestAnOrphanStaysAsLongAsOnePeerHoldsIt(t *testing.T) {
	w := lone(t, func(p *Policy) { p.MaxPeerOrphans = 2 })
	tx := stray(1)
	w.orphan(tx, "a")
	w.orphan(tx, "b")
	for i := range 5 {
		w.orphan(stray(10+i), "a")
	}
	if !w.pool.HasOrphan(tx.ID()) {
		t.Fatal("b's orphan left with a's")
	}
	w.pool.ForgetPeer("b")
	if w.pool.HasOrphan(tx.ID()) {
		t.Fatal("nobody holds it")
	}
	w.check()
}

func TestOrphanLimits(t *testing.T) {
	one := stray(1)
	memory := (&orphan{tx: NewTx(&one)}).memory()
	for _, tc := range []struct {
		change func(*Policy)
		kept   bool
	}{
		{func(p *Policy) { p.MaxPeerOrphanBytes = memory }, true},
		{func(p *Policy) { p.MaxPeerOrphanBytes = memory - 1 }, false},
		{func(p *Policy) { p.MaxOrphanBytes = memory }, true},
		{func(p *Policy) { p.MaxOrphanBytes = memory - 1 }, false},
		{func(p *Policy) { p.MaxOrphans = 0 }, false},
		{func(p *Policy) { p.MaxPeerOrphans = 0 }, false},
	} {
		w := lone(t, tc.change)
		if kept := w.orphan(one, ""); kept != tc.kept {
			t.Errorf("kept: %v", kept)
		}
	}

	w := lone(t, nil)
	w.orphan(one, "peer")
	w.pool.Expire(w.now + DefaultOrphanExpiry - 1)
	if !w.pool.HasOrphan(one.ID()) {
		t.Fatal("expired too soon")
	}
	w.pool.Expire(w.now + DefaultOrphanExpiry)
	if w.pool.HasOrphan(one.ID()) {
		t.Fatal("not expired")
	}
	// What has expired makes room before anybody loses something.
	w = lone(t, func(p *Policy) { p.MaxOrphans = 2 })
	w.orphan(stray(1), "a")
	w.now += DefaultOrphanExpiry
	w.orphan(stray(2), "b")
	w.orphan(stray(3), "b")
	if !w.pool.HasOrphan(new(stray(2)).ID()) || !w.pool.HasOrphan(new(stray(3)).ID()) {
		t.Fatal("a fresh orphan left for an old one")
	}
}

// TestEqualShares: of peers that hold as much, always the same one gives way, so
// that the pool does the same wherever it is told the same.
func TestEqualShares(t *testing.T) {
	for range 10 {
		w := lone(t, func(p *Policy) { p.MaxOrphans = 4 })
		for i, peer := range []string{"c", "a", "d", "b"} {
			w.orphan(stray(i), peer)
		}
		if w.orphan(stray(9), "e") || !w.orphan(stray(8), "") {
			t.Fatal("the last name is not the one to give way")
		}
		if w.pool.HasOrphan(new(stray(2)).ID()) {
			t.Fatal("another gave way than d")
		}
	}
}

func TestHoldersAreBounded(t *testing.T) {
	w := lone(t, nil)
	tx := stray(1)
	for i := range 2 * maxHolders {
		w.orphan(tx, fmt.Sprint(i))
	}
	for i := range maxHolders {
		if !w.pool.HasOrphan(tx.ID()) {
			t.Fatalf("gone with %d holders left", maxHolders-i)
		}
		w.pool.ForgetPeer(fmt.Sprint(i))
	}
	if w.pool.HasOrphan(tx.ID()) {
		t.Fatal("more peers are remembered")
	}
}

// TestSentAgainAnOrphanWaitsLonger: somebody believes in it.
func TestSentAgainAnOrphanWaitsLonger(t *testing.T) {
	w := lone(t, nil)
	tx := stray(1)
	w.orphan(tx, "peer")
	w.now += DefaultOrphanExpiry / 2
	w.orphan(tx, "peer")
	w.now += DefaultOrphanExpiry - 1
	w.pool.Expire(w.now)
	if !w.pool.HasOrphan(tx.ID()) {
		t.Fatal("expired")
	}
}
