package mempool

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// lone is a world where nothing is left to chance.
func lone(t testing.TB, change func(*Policy)) *world {
	t.Helper()
	policy := DefaultPolicy()
	if change != nil {
		change(&policy)
	}
	return newWorld(t, policy, fuzzing.New(nil))
}

// refused adds a payment that policy is to refuse.
func (w *world) refused(tx core.Transaction, code core.Code) {
	w.t.Helper()
	r, err := w.add(tx, "peer")
	var policy *PolicyError
	if !errors.Is(err, code) || !errors.As(err, &policy) || r.Status != Refused || core.IsPunishable(err) {
		w.t.Fatalf("%v, %v; want %s", r.Status, err, code)
	}
	w.check()
}

// chain makes n payments, each spending the first output of the one before.
func chain(n int, fee core.Amount, from core.Coin) (txs []core.Transaction) {
	for range n {
		tx := pay(fee, 2, from)
		tx.Outputs[0].Value += tx.Outputs[1].Value - 100_000
		tx.Outputs[1].Value = 100_000
		txs = append(txs, tx)
		from = coinOf(&tx, 0)
	}
	return txs
}

func idsOf(txs []*Tx) (ids []core.Hash) {
	for _, tx := range txs {
		ids = append(ids, tx.id)
	}
	return ids
}

func TestTxIsACopyOfItsSize(t *testing.T) {
	for _, data := range [][]byte{nil, bytes.Repeat([]byte{7}, core.MaxTxData)} {
		for _, in := range []int{1, 127, 128, 300} {
			var coins []core.Coin
			for i := range in {
				coins = append(coins, core.Coin{Outpoint: core.Outpoint{Index: uint32(i) << (i % 31)}, Value: 1 << 30, Address: addresses[i%testKeys]})
			}
			tx := pay(500, in, coins...)
			tx.Data = data
			raw := tx.AppendTo(nil)
			parsed, err := core.ParseTransaction(raw)
			if err != nil {
				t.Fatal(err)
			}
			made := NewTx(parsed)
			clear(raw)
			parsed.Inputs[0] = core.Input{}
			parsed.Outputs[0] = core.Output{}
			parsed.Witnesses[0] = core.Witness{}
			if made.Size() != len(raw) || made.ID() != tx.ID() || made.Leaf() != core.MerkleLeaf(tx.ID(), tx.WitnessID()) {
				t.Fatalf("%d inputs: size %d, want %d", in, made.Size(), len(raw))
			}
			if !bytes.Equal(made.Transaction().AppendTo(nil), tx.AppendTo(nil)) {
				t.Fatalf("%d inputs: the copy has changed with what it was made of", in)
			}
		}
	}
}

func TestFees(t *testing.T) {
	w := lone(t, nil)
	coin := w.fund(1)[0]
	size := sizeOf(new(pay(0, 1, coin)))
	least := (core.Amount(size)*DefaultMinFeeRate + 999) / 1000
	w.refused(pay(least-1, 1, coin), ErrFeeLow)
	w.mustAdd(pay(least, 1, coin))
	w.check()
}

func TestPolicyValidate(t *testing.T) {
	good := DefaultPolicy()
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for i, spoil := range []func(*Policy){
		func(p *Policy) { p.MinFeeRate = maxRate + 1 },
		func(p *Policy) { p.ReplaceBump = maxRate + 1 },
		func(p *Policy) { p.MaxBytes = 0 },
		func(p *Policy) { p.MaxTxs = 0 },
		func(p *Policy) { p.MaxAncestors = 0 },
		func(p *Policy) { p.MaxDescendants = maxRelatives + 1 },
		func(p *Policy) { p.MaxReplaced = -1 },
		func(p *Policy) { p.Expiry = 0 },
		func(p *Policy) { p.OrphanExpiry = 0 },
		func(p *Policy) { p.FloorHalfLife = 0 },
		func(p *Policy) { p.MaxHistory = 0 },
	} {
		bad := DefaultPolicy()
		spoil(&bad)
		if _, err := New(nil, bad, 0); !errors.Is(err, ErrPolicy) {
			t.Errorf("case %d: %v", i, err)
		}
	}
}

func TestKnownAndMissing(t *testing.T) {
	w := lone(t, nil)
	coin := w.fund(1)[0]
	tx := w.mustAdd(pay(1000, 1, coin))
	again := tx
	again.Witnesses = slices.Clone(tx.Witnesses)
	again.Witnesses[0].Signature[5] = 1 // the same payment, signed otherwise
	for _, same := range []core.Transaction{tx, again} {
		if r, err := w.add(same, "peer"); err != nil || r.Status != Known {
			t.Fatalf("%v, %v", r.Status, err)
		}
	}
	w.mine([]core.Transaction{tx})
	if r, err := w.add(tx, "peer"); err != nil || r.Status != Known {
		t.Fatalf("in a block: %v, %v", r.Status, err)
	}
	spentAgain := pay(1000, 2, coin)
	r, err := w.add(spentAgain, "peer")
	if !errors.Is(err, core.ErrMissingCoin) || !core.IsDeferred(err) || !slices.Equal(r.Missing, []core.Hash{coin.TxID}) {
		t.Fatalf("%v, %v, missing %v", r.Status, err, r.Missing)
	}
	young := pay(1000, 1, w.coinbase(w.height()))
	if r, err := w.add(young, "peer"); !errors.Is(err, core.ErrImmature) || !core.IsDeferred(err) || core.IsPunishable(err) || r.Status != Refused {
		t.Fatalf("immature: %v, %v", r.Status, err)
	}
	w.mine(nil)
	w.mine(nil)
	w.mustAdd(young)
	w.check()
}

func TestTooManyCoinsForABlock(t *testing.T) {
	w := lone(t, nil)
	coin := w.fund(1)[0]
	// 200 in a block, one of them the coinbase's.
	big := core.Transaction{Version: 1, Fee: 100_000}
	big.Inputs = []core.Input{{Outpoint: coin.Outpoint}}
	big = pay(100_000, 198, coin)
	if got := len(big.Inputs) + len(big.Outputs); got != 199 {
		t.Fatal(got)
	}
	w.refused(pay(100_000, 199, coin), ErrTooManyCoins)
	w.mustAdd(big)
}

func TestChainsAreBounded(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(3)
	txs := chain(DefaultMaxAncestors+1, 1000, coins[0])
	for _, tx := range txs[:DefaultMaxAncestors] {
		w.mustAdd(tx)
	}
	w.refused(txs[DefaultMaxAncestors], ErrTooManyAncestors)
	// Another child of the first would be its 26th descendant.
	w.refused(pay(1000, 1, coinOf(&txs[0], 1)), ErrTooManyDescendants)

	// A fan: 24 children of one parent.
	parent := w.mustAdd(pay(20_000, 25, coins[1]))
	for i := range DefaultMaxDescendants - 1 {
		w.mustAdd(pay(1000, 1, coinOf(&parent, i)))
	}
	w.refused(pay(1000, 1, coinOf(&parent, 24)), ErrTooManyDescendants)

	// Replacing one of the children frees its place.
	w.mustAdd(pay(9000, 1, coinOf(&parent, 0)))
	w.check()

	// Once the first is in a block, the chain may go on.
	w.mine(txs[:1])
	w.mustAdd(txs[DefaultMaxAncestors])
	w.check()
}

// TestManyParents: a payment that spends from many others is told so before
// anything is walked.
func TestManyParents(t *testing.T) {
	w := lone(t, nil)
	var coins []core.Coin
	for _, c := range w.fund(DefaultMaxAncestors + 1) {
		parent := w.mustAdd(pay(1000, 1, c))
		coins = append(coins, coinOf(&parent, 0))
	}
	w.refused(pay(30_000, 1, coins...), ErrTooManyAncestors)
	w.refused(pay(30_000, 1, coins[1:]...), ErrTooManyAncestors)
	w.mustAdd(pay(30_000, 1, coins[2:]...))
	w.check()
}

func TestRelativesAreBoundedInBytes(t *testing.T) {
	parent := pay(9000, 2, core.Coin{Value: 1 << 40, Address: addresses[0]})
	child := pay(9000, 1, coinOf(&parent, 0))
	both := sizeOf(&parent) + sizeOf(&child)
	for _, tc := range []struct {
		anc, desc int
		code      core.Code
	}{{both, both, ""}, {both - 1, both, ErrTooManyAncestors}, {both, both - 1, ErrTooManyDescendants}, {1, 1, ErrTooManyDescendants}} {
		w := lone(t, func(p *Policy) { p.MaxAncestorBytes, p.MaxDescendantBytes = tc.anc, tc.desc })
		parent := w.mustAdd(pay(9000, 2, w.fund(1)[0])) // alone, it may be of any size
		child := pay(9000, 1, coinOf(&parent, 0))
		if tc.code == "" {
			w.mustAdd(child)
		} else {
			w.refused(child, tc.code)
		}
	}
}

func TestReplacement(t *testing.T) {
	w := lone(t, func(p *Policy) { p.MaxReplaced = 5 })
	coins := w.fund(8)
	old := w.mustAdd(pay(5000, 2, coins[0]))
	child := w.mustAdd(pay(3000, 1, coinOf(&old, 0)))
	size := core.Amount(sizeOf(new(pay(0, 2, coins[0]))))
	least := 5000 + 3000 + size // the bump is a grain for each byte
	w.refused(pay(least-1, 2, coins[0]), ErrReplaceFee)

	// A rate above the sum's, but a higher fee only by its size: below the rate of
	// what it replaces.
	var many []core.Coin
	many = append(many, coins[0])
	many = append(many, coins[2:]...)
	w.refused(pay(least+600, 60, many...), ErrReplaceFee)

	// It may not bring a parent of its own, nor spend what it replaces.
	other := w.mustAdd(pay(2000, 1, coins[1]))
	w.refused(pay(50_000, 1, coins[0], coinOf(&other, 0)), ErrReplaceNewParent)
	w.refused(pay(50_000, 1, coins[0], coinOf(&old, 1)), ErrReplaceOwnParent)
	w.refused(pay(50_000, 1, coins[0], coinOf(&child, 0)), ErrReplaceOwnParent)

	replacement := pay(least, 2, coins[0])
	r, err := w.add(replacement, "")
	if err != nil || len(r.Removed) != 2 {
		t.Fatalf("%v, removed %v", err, r.Removed)
	}
	for i, want := range []core.Transaction{old, child} {
		got := r.Removed[i]
		if got.ID != want.ID() || got.Reason != Replaced || got.By != replacement.ID() || (got.Ancestor == old.ID()) != (i == 1) {
			t.Fatalf("removed %+v", got)
		}
		if past, ok := w.pool.Explain(want.ID()); !ok || past.Reason != Replaced || past.By != replacement.ID() || past.At != w.now {
			t.Fatalf("explained as %+v", past)
		}
	}
	w.check()

	// A parent that the replaced had may stay one.
	sibling := w.mustAdd(pay(2000, 1, coinOf(&replacement, 0)))
	w.mustAdd(pay(9000, 1, coinOf(&replacement, 0)))
	if w.pool.Has(sibling.ID()) {
		t.Fatal("two entries spend one coin")
	}

	// At most five may go.
	grown := chain(5, 1000, coins[2])
	for _, tx := range grown {
		w.mustAdd(tx)
	}
	more := w.mustAdd(pay(1000, 1, coins[3]))
	w.refused(pay(1_000_000, 1, coins[2], coins[3]), ErrReplaceMany)
	w.mustAdd(pay(1_000_000, 1, coins[2]))
	w.mustAdd(pay(1_000_000, 1, coins[3]))
	if w.pool.Has(more.ID()) || w.pool.Has(grown[4].ID()) {
		t.Fatal("still there")
	}
	var six []core.Coin
	for _, c := range w.fund(6) {
		w.mustAdd(pay(1000, 1, c))
		six = append(six, c)
	}
	w.refused(pay(1_000_000, 1, six...), ErrReplaceMany)
	w.check()
}

// TestEviction: a pool of three gives up the package that pays least, for what
// pays better, and refuses what does not without any change.
func TestEviction(t *testing.T) {
	w := lone(t, func(p *Policy) { p.MaxTxs = 3 })
	coins := w.fund(8)
	low := w.mustAdd(pay(1000, 2, coins[0]))
	mid := w.mustAdd(pay(2000, 2, coins[1]))
	w.mustAdd(pay(8000, 1, coinOf(&low, 0))) // its fees protect its parent

	w.refused(pay(2000, 2, coins[2]), ErrFull) // not more than the lowest
	better := pay(2100, 2, coins[2])
	r, err := w.add(better, "")
	if err != nil || len(r.Removed) != 1 || r.Removed[0].ID != mid.ID() || r.Removed[0].Reason != Evicted {
		t.Fatalf("%v, removed %+v", err, r.Removed)
	}
	w.check()

	// Who comes next pays more than what had to leave, by the bump.
	floor := NewTx(&mid).FeeRate() + DefaultReplaceBump
	if got := w.pool.MinFeeRate(w.now); got != floor {
		t.Fatalf("floor %d, want %d", got, floor)
	}
	w.refused(pay(feeFor(sizeOf(&mid), floor)-1, 2, coins[3]), ErrFeeLow)

	// It falls by half in its time, to nothing in the end.
	if got := w.pool.MinFeeRate(w.now + DefaultFloorHalfLife); got != floor/2 {
		t.Fatalf("after its half-life: %d, want %d", got, floor/2)
	}
	if got := w.pool.MinFeeRate(w.now + 10*DefaultFloorHalfLife); got != DefaultMinFeeRate {
		t.Fatalf("after a long time: %d", got)
	}

	// A child cannot push out its own parent, and the package that pays least goes
	// as a whole.
	w.now += 10 * DefaultFloorHalfLife
	r, err = w.add(pay(40_000, 1, coins[4]), "")
	if err != nil || len(r.Removed) != 1 || r.Removed[0].ID != better.ID() {
		t.Fatalf("%v, removed %+v", err, r.Removed)
	}
	w.now += 10 * DefaultFloorHalfLife
	r, err = w.add(pay(40_000, 1, coins[5]), "")
	if err != nil || len(r.Removed) != 2 || r.Removed[0].ID != low.ID() || r.Removed[1].Ancestor != low.ID() {
		t.Fatalf("%v, removed %+v", err, r.Removed)
	}
	w.check()
}

// TestEvictionSparesAncestors: the newcomer's own ancestors are not what makes
// room for it, however little they pay alone.
func TestEvictionSparesAncestors(t *testing.T) {
	w := lone(t, func(p *Policy) { p.MaxTxs = 2 })
	coins := w.fund(3)
	parent := w.mustAdd(pay(500, 2, coins[0]))
	other := w.mustAdd(pay(700, 2, coins[1]))
	child := pay(30_000, 1, coinOf(&parent, 0))
	if r, err := w.add(child, ""); err != nil || len(r.Removed) != 1 || r.Removed[0].ID != other.ID() {
		t.Fatalf("%v, removed %+v", err, r.Removed)
	}
	// With a child that pays too little for both, the package is the worst.
	w = lone(t, func(p *Policy) { p.MaxTxs = 2 })
	coins = w.fund(3)
	parent = w.mustAdd(pay(2000, 60, coins[0]))
	w.mustAdd(pay(2000, 2, coins[1]))
	w.refused(pay(2500, 1, coinOf(&parent, 0)), ErrFull)
}

// TestEvictionByMemory: what one large payment takes, small ones that pay less
// have to give.
func TestEvictionByMemory(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(30)
	var memory int
	for _, c := range coins[:20] {
		tx := w.mustAdd(pay(1000, 1, c))
		memory += NewTx(&tx).poolMemory()
	}
	w.pool.policy.MaxBytes = memory
	big := pay(100_000, 60, coins[20])
	r, err := w.add(big, "")
	if err != nil || len(r.Removed) < 2 {
		t.Fatalf("%v, %d removed", err, len(r.Removed))
	}
	w.check()
	// What is cheaper than all of them changes nothing, though a part of the room
	// would be had from cheaper ones.
	w.now += 20 * DefaultFloorHalfLife
	w.mustAdd(pay(90_000, 1, coins[21]))
	w.now += 20 * DefaultFloorHalfLife
	w.refused(pay(20_000, 90, coins[22]), ErrFull)
}

// TestReplacementInAFullPool: what is replaced makes room, once, and does not
// count for its ancestors any more.
func TestReplacementInAFullPool(t *testing.T) {
	w := lone(t, func(p *Policy) { p.MaxTxs = 3 })
	coins := w.fund(4)
	a := w.mustAdd(pay(1000, 1, coins[0]))
	b := w.mustAdd(pay(2000, 1, coins[1]))
	w.mustAdd(pay(3000, 1, coins[2]))
	if r, err := w.add(pay(1500, 1, coins[0]), ""); err != nil || len(r.Removed) != 1 || r.Removed[0].ID != a.ID() {
		t.Fatalf("one for one: %v, removed %+v", err, r.Removed)
	}
	// More memory than the one that it replaces, which scores lowest: the next goes.
	w.pool.policy.MaxBytes = w.pool.memory
	r, err := w.add(pay(9000, 2, coins[0]), "")
	if err != nil || len(r.Removed) != 2 || r.Removed[0].Reason != Replaced || r.Removed[1].Reason != Evicted || r.Removed[1].ID != b.ID() {
		t.Fatalf("%v, removed %+v", err, r.Removed)
	}
	w.check()

	w = lone(t, nil)
	coins = w.fund(2)
	parent := w.mustAdd(pay(2000, 60, coins[0]))
	w.mustAdd(pay(2000, 1, coinOf(&parent, 0)))
	w.mustAdd(pay(540, 2, coins[1]))
	w.pool.policy.MaxBytes = w.pool.memory
	// The package comes to 2,366 grains per 1,000 bytes, with the replaced child it
	// would be 3,063; the other payment has 2,686.
	w.refused(pay(3000, 3, coinOf(&parent, 0)), ErrFull)
}

func TestFloorEnds(t *testing.T) {
	w := lone(t, func(p *Policy) { p.MinFeeRate = 0 })
	w.pool.floor.raise(4*DefaultReplaceBump, 1000, DefaultFloorHalfLife)
	w.pool.floor.raise(DefaultReplaceBump, 1000, DefaultFloorHalfLife) // lower: nothing
	for _, tc := range []struct {
		after uint64
		want  core.Amount
	}{{0, 4000}, {DefaultFloorHalfLife, 2000}, {3 * DefaultFloorHalfLife, 500}, {3*DefaultFloorHalfLife + 5000, 0}} {
		if got := w.pool.MinFeeRate(1000 + tc.after); got != tc.want {
			t.Errorf("after %d ms: %d, want %d", tc.after, got, tc.want)
		}
	}
	if got := w.pool.MinFeeRate(0); got != 4000 {
		t.Errorf("by a clock that was set back: %d", got)
	}
}

// TestReplacementAtTheSameRate: a higher fee for more bytes is not enough.
func TestReplacementAtTheSameRate(t *testing.T) {
	w := lone(t, nil)
	coin := w.fund(1)[0]
	small, large := pay(0, 1, coin), pay(0, 6, coin)
	size, larger := core.Amount(sizeOf(&small)), core.Amount(sizeOf(&large))
	w.mustAdd(pay(10*size, 1, coin))
	if 10*larger < 10*size+larger {
		t.Fatal("this is about the rate, not the fee")
	}
	w.refused(pay(10*larger, 6, coin), ErrReplaceFee)
	w.mustAdd(pay(10*larger+1, 6, coin))
}

func TestExpiry(t *testing.T) {
	w := lone(t, func(p *Policy) { p.Expiry = 2_000_000 })
	coins := w.fund(2)
	old := w.mustAdd(pay(1000, 1, coins[0]))
	w.now += 1_000_000
	child := w.mustAdd(pay(1000, 1, coinOf(&old, 0)))
	other := w.mustAdd(pay(1000, 1, coins[1]))
	if gone := w.pool.Expire(w.now + 1_000_000); len(gone) != 0 {
		t.Fatalf("%v expired to the millisecond", gone)
	}
	gone := w.pool.Expire(w.now + 1_000_001)
	if len(gone) != 2 || gone[0].ID != old.ID() || gone[1].ID != child.ID() || gone[1].Ancestor != old.ID() || !w.pool.Has(other.ID()) {
		t.Fatalf("%+v", gone)
	}
	w.check()
	if gone := w.pool.Remove(other.ID(), w.now); len(gone) != 1 || gone[0].Reason != ByOperator || w.pool.Remove(other.ID(), w.now) != nil {
		t.Fatalf("%+v", gone)
	}
}

// TestFit: the defaults are what fits into the default, and no share of any other
// is more than there is.
func TestFit(t *testing.T) {
	p := DefaultPolicy()
	p.Fit(DefaultMemory)
	if p != DefaultPolicy() {
		t.Errorf("%+v, want the defaults", p)
	}
	for _, memory := range []int{1 << 20, 5<<20 + 1, 1 << 30, 1 << 40} {
		p.Fit(memory)
		if err := p.Validate(); err != nil {
			t.Errorf("%d bytes: %v", memory, err)
		}
		if all := p.MaxBytes + p.MaxOrphanBytes + p.MaxHistory*historyCost; all > memory || p.MaxHistory < maxHistory && all < memory-historyCost-8 || p.MaxPeerOrphanBytes > p.MaxOrphanBytes {
			t.Errorf("%d bytes: %+v", memory, p)
		}
	}
	for _, memory := range []int{-1, 0, 100} {
		if p.Fit(memory); !errors.Is(p.Validate(), ErrPolicy) {
			t.Errorf("%d bytes are enough", memory)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	w := lone(t, func(p *Policy) { p.MaxHistory = 3 })
	coins := w.fund(6)
	var ids []core.Hash
	first := pay(1000, 1, coins[0])
	for i := range 5 {
		tx := w.mustAdd(pay(1000, 1, coins[i]))
		ids = append(ids, tx.ID())
		w.pool.Remove(tx.ID(), w.now)
		if i == 0 { // back in, and out again: it is remembered once, as the last time
			w.mustAdd(first)
			w.pool.Remove(first.ID(), w.now+5)
		}
	}
	for i, id := range ids {
		if _, ok := w.pool.Explain(id); ok != (i >= 2) {
			t.Errorf("payment %d is remembered: %v", i, ok)
		}
	}
	if len(w.pool.gone.byID) > 2*3 {
		t.Fatal(len(w.pool.gone.byID))
	}
	// What was confirmed does not push out the others.
	for _, c := range w.fund(6) {
		w.mine([]core.Transaction{w.mustAdd(pay(1000, 1, c))})
	}
	for i, id := range ids[2:] {
		if r, ok := w.pool.Explain(id); !ok || r.Reason != ByOperator {
			t.Errorf("payment %d is forgotten for confirmed ones", i+2)
		}
	}
}

// TestHistoryKeepsTheLatest: the place of an earlier removal is no place of a
// later one.
func TestHistoryKeepsTheLatest(t *testing.T) {
	h := newPast(3)
	a := core.Hash{1}
	put := func(first byte, r Reason) { h.put(Removed{ID: core.Hash{first}, Reason: r}, 1) }
	put(1, Evicted)
	put(1, Expired)
	put(2, Expired)
	put(3, Expired) // in the place of the first
	if r, ok := h.get(a); !ok || r.Reason != Expired {
		t.Fatalf("%+v, %v", r, ok)
	}
	put(4, Expired) // in the place of the second
	if _, ok := h.get(a); ok {
		t.Fatal("still there")
	}
	h = newPast(3)
	put(1, Confirmed)
	put(1, Conflict)
	for i := range byte(3) {
		put(10+i, Confirmed)
	}
	if r, ok := h.get(a); !ok || r.Reason != Conflict {
		t.Fatalf("%+v, %v", r, ok)
	}
}

func TestAddresses(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(2) // to addresses 0 and 1
	a := w.mustAdd(pay(1000, 3, coins[0]))
	b := w.mustAdd(pay(1000, 1, coinOf(&a, 1), coinOf(&a, 2)))
	if got := w.pool.ByAddress(addresses[1], 0, 10); len(got) != 2 || got[0].ID() != a.ID() || got[1].ID() != b.ID() {
		t.Fatalf("%d entries", len(got))
	}
	if got := w.pool.ByAddress(addresses[1], 1, 10); len(got) != 1 || got[0].ID() != b.ID() {
		t.Fatalf("%d entries after the first", len(got))
	}
	if got := w.pool.ByAddress(addresses[1], 0, 1); len(got) != 1 {
		t.Fatalf("%d entries of one", len(got))
	}
	want := Balance{In: a.Outputs[0].Value + b.Outputs[0].Value, Out: coins[0].Value, Count: 2}
	if got := w.pool.Balance(addresses[0]); got != want {
		t.Fatalf("%+v, want %+v", got, want)
	}
	// What the pool pays and spends itself is no change.
	if got := w.pool.Balance(addresses[1]); got != (Balance{Count: 2}) {
		t.Fatalf("%+v", got)
	}
	if got := w.pool.Balance(addresses[4]); got != (Balance{}) {
		t.Fatalf("%+v", got)
	}
	// Of several it is the same, with each payment once.
	asked := []core.Address{addresses[4], addresses[1], addresses[0]}
	for n := range 4 {
		balances, entries, more := w.pool.Concerning(asked, n)
		for i, a := range asked {
			if got := w.pool.Balance(a); balances[i] != got {
				t.Errorf("address %d: %+v, want %+v", i, balances[i], got)
			}
		}
		if more != (n < 2) || len(entries) != min(n, 2) || n > 0 && entries[0].ID() != a.ID() || n > 1 && entries[1].ID() != b.ID() {
			t.Errorf("first %d: %d entries, more %v", n, len(entries), more)
		}
	}
	if balances, entries, more := w.pool.Concerning(nil, 9); len(balances)+len(entries) != 0 || more {
		t.Error("nobody has something")
	}
}

func TestReads(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(8)
	parent := w.mustAdd(pay(1000, 2, coins[0]))
	child := w.mustAdd(pay(9000, 1, coinOf(&parent, 0)))
	dear := w.mustAdd(pay(5000, 1, coins[1]))
	e, ok := w.pool.Get(child.ID())
	if !ok || e.Ancestors != 1 || e.Descendants != 0 || e.PackageFee != 10_000 || e.PackageBytes != sizeOf(&parent)+sizeOf(&child) || e.Time != w.now {
		t.Fatalf("%+v", e)
	}
	if len(e.Coins) != 1 || e.Coins[0] != coinOf(&parent, 0) {
		t.Fatalf("%+v", e.Coins)
	}
	if e, _ := w.pool.Get(dear.ID()); e.Coins[0] != coins[1] {
		t.Fatalf("%+v, want %+v", e.Coins, coins[1])
	}
	if _, ok := w.pool.Get(core.Hash{}); ok || w.pool.ByLeaf(core.Hash{}) != nil {
		t.Fatal("found nothing")
	}
	if tx := w.pool.ByLeaf(NewTx(&dear).leaf); tx == nil || tx.id != dear.ID() {
		t.Fatal("not found by its leaf")
	}
	if c, ok := w.pool.Output(coinOf(&dear, 0).Outpoint); !ok || c != coinOf(&dear, 0) {
		t.Fatalf("%+v", c)
	}
	if _, ok := w.pool.Output(core.Outpoint{TxID: dear.ID(), Index: 1}); ok {
		t.Fatal("an output too many")
	}
	if id, ok := w.pool.Spender(coins[1].Outpoint); !ok || id != dear.ID() {
		t.Fatal(id, ok)
	}
	first := w.pool.List(0, 2)
	if len(first) != 2 || first[0].ID() != parent.ID() || first[1].ID() != child.ID() {
		t.Fatalf("%d listed", len(first))
	}
	if rest := w.pool.List(first[1].Seq, 2); len(rest) != 1 || rest[0].ID() != dear.ID() || w.pool.Stats(0).LastSeq != rest[0].Seq {
		t.Fatalf("%d listed", len(rest))
	}
	// As mined: the single one has the higher rate, then the package.
	next := w.pool.Next(3)
	if len(next) != 3 || next[0].ID() != dear.ID() || next[1].ID() != parent.ID() || next[2].ID() != child.ID() {
		t.Fatalf("%v", next)
	}
	if len(w.pool.Next(2)) != 2 || len(w.pool.Snapshot()) != 3 {
		t.Fatal("wrong number")
	}
	// Long after, with most of them gone, the list is the same.
	for range 100 {
		tx := w.mustAdd(pay(1000, 1, coins[2]))
		w.pool.Remove(tx.ID(), w.now)
	}
	if len(w.pool.order) > 70 || len(w.pool.List(0, 10)) != 3 {
		t.Fatal(len(w.pool.order))
	}
	if r := Refused; fmt.Sprint(r, Accepted, Known, Orphan, w.pool) != "refused accepted known orphan 3 payments, "+fmt.Sprint(w.pool.total.bytes)+" bytes, at height 7" {
		t.Fatal(fmt.Sprint(r, Accepted, Known, Orphan, w.pool))
	}
}
