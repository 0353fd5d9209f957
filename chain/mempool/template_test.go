package mempool

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

func TestTemplateOrder(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(6)
	plain := w.mustAdd(pay(3000, 1, coins[0]))
	poor := w.mustAdd(pay(500, 2, coins[1]))
	rich := w.mustAdd(pay(30_000, 1, coinOf(&poor, 0)))    // pays for its parent
	late := w.mustAdd(pay(3000, 1, coins[2]))              // the same as plain, later
	parent := w.mustAdd(pay(20_000, 2, coins[3]))          // makes its child look no better
	lagging := w.mustAdd(pay(1000, 1, coinOf(&parent, 0))) // last
	want := []core.Hash{parent.ID(), poor.ID(), rich.ID(), plain.ID(), late.ID(), lagging.ID()}
	if got := idsOf(w.pool.Template(1<<20, 1000)); !slices.Equal(got, want) {
		t.Fatalf("%v\nwant %v", got, want)
	}
	// Without room for the package, what follows.
	room := sizeOf(&parent) + sizeOf(&poor) + sizeOf(&rich) - 1
	if got := idsOf(w.pool.Template(room, 1000)); !slices.Equal(got, []core.Hash{parent.ID(), plain.ID(), late.ID()}) {
		t.Fatalf("%v", got)
	}
	if got := idsOf(w.pool.Template(1<<20, 3+2)); !slices.Equal(got, []core.Hash{parent.ID(), plain.ID()}) {
		t.Fatalf("%v", got)
	}
	if got := w.pool.Template(0, 0); len(got) != 0 {
		t.Fatalf("%d in no room", len(got))
	}
	w.check()
}

// TestTemplateTakesASiblingAfterItsParent: once a parent is in, its children go
// by what is left of their packages.
func TestTemplateTakesASiblingAfterItsParent(t *testing.T) {
	w := lone(t, nil)
	coins := w.fund(2)
	parent := w.mustAdd(pay(230, 3, coins[0]))
	rich := w.mustAdd(pay(50_000, 1, coinOf(&parent, 0)))
	sibling := w.mustAdd(pay(9000, 1, coinOf(&parent, 1)))
	plain := w.mustAdd(pay(5000, 1, coins[1])) // above the package of parent and sibling
	want := []core.Hash{parent.ID(), rich.ID(), sibling.ID(), plain.ID()}
	if got := idsOf(w.pool.Template(1<<20, 1000)); !slices.Equal(got, want) {
		t.Fatalf("%v\nwant %v", got, want)
	}
}

// TestTemplatesConnect: what the pool chooses makes blocks that the rules pass,
// with real signatures.
func TestTemplatesConnect(t *testing.T) {
	params := core.Dev()
	params.MaxBlockBytes, params.MaxTxBytes, params.MaxBlockCoins = 8<<10, 2<<10, 60
	c := coretest.New(t, params)
	r := rand.New(rand.NewPCG(3, 4))
	names := []string{"miner", "alice", "bob"}
	tip := c.Chain("b", coretest.Genesis, 5)
	pool, err := New(c.Rules, DefaultPolicy(), tip.Block.Header.Height)
	if err != nil {
		t.Fatal(err)
	}
	owner := func(a core.Address) string {
		return names[slices.IndexFunc(names, func(n string) bool { return coretest.Key(n).Address == a })]
	}
	confirmed := 0
	for i := range 25 {
		coins := make([]core.Coin, 0, len(tip.Coins))
		for _, coin := range tip.Coins {
			coins = append(coins, coin)
		}
		slices.SortFunc(coins, func(a, b core.Coin) int { return compareHash(a.TxID, b.TxID)*1000 + int(a.Index) - int(b.Index) })
		for range 12 {
			for _, e := range pool.List(0, 100) {
				if coin := coinOf(e.Transaction(), 0); r.IntN(4) == 0 {
					coins = append(coins, coin)
				}
			}
			coin := coins[r.IntN(len(coins))]
			if _, spent := pool.Spender(coin.Outpoint); spent || coin.Value < 100_000 {
				continue
			}
			value := coin.Value - core.Amount(1000+r.IntN(20_000))
			tx := coretest.Pay(c.Rules.GenesisID(), []core.Coin{coin}, []string{owner(coin.Address)},
				coretest.To(names[r.IntN(3)], value/2), coretest.To(names[r.IntN(3)], value-value/2))
			if err := c.Rules.CheckTx(&tx); err != nil {
				t.Fatal(err)
			}
			if _, err := pool.Add(NewTx(&tx), tip.Coins, 1, ""); err != nil && core.IsForever(err) {
				t.Fatal(err)
			}
		}
		var mutators []coretest.Mutator
		for _, tx := range pool.Template(int(params.MaxBlockBytes)-600, int(params.MaxBlockCoins)-1) {
			mutators = append(mutators, coretest.WithTx(*tx.Transaction()))
		}
		next := c.Next(fmt.Sprint("t", i), tip.Name, mutators...)
		if next.Err != nil {
			t.Fatalf("block %d: %v", i, next.Err)
		}
		confirmed += len(mutators)
		read := func([]core.Outpoint) (core.UTXOs, error) { return next.Coins, nil }
		if _, err := pool.Rebase(nil, []*core.Block{next.Block}, read, next.Block.Header.Height, 1); err != nil {
			t.Fatal(err)
		}
		tip = next
	}
	if confirmed < 100 {
		t.Fatalf("only %d payments", confirmed)
	}
}

// TestTemplateIsTheBestOfAll compares with choosing the best package again and
// again.
func TestTemplateIsTheBestOfAll(t *testing.T) {
	for seed := range uint64(40) {
		policy := DefaultPolicy()
		w := newWorld(t, policy, random(seed, 600))
		w.fund(8)
		for !w.draw.Empty() {
			w.stepPay()
		}
		bytes := 2000 + int(seed)*300
		want := w.naiveTemplate(bytes, 60)
		if got := idsOf(w.pool.Template(bytes, 60)); !slices.Equal(got, want) {
			t.Fatalf("seed %d, of %d: %d chosen, want %d\n%v\n%v", seed, w.pool.total.count, len(got), len(want), got, want)
		}
	}
}

func (w *world) naiveTemplate(bytes, coins int) (ids []core.Hash) {
	in := map[*entry]bool{}
	tooLarge := map[*entry]int{} // size of its package when it did not fit
	for {
		var best *entry
		var bestRate rate
		var bestSet []*entry
		for _, s := range w.pool.order {
			e := s.e
			if e == nil || in[e] {
				continue
			}
			set := []*entry{e}
			var left sums
			left.add(e.tx)
			for _, a := range e.lineage() {
				if !in[a] {
					set = append(set, a)
					left.add(a.tx)
				}
			}
			if tooLarge[e] == left.count {
				continue
			}
			r := left.rate()
			if best == nil || bestRate.less(r) {
				best, bestRate, bestSet = e, r, set
			}
		}
		if best == nil {
			return ids
		}
		slices.SortFunc(bestSet, bySeq)
		size, n := 0, 0
		for _, e := range bestSet {
			size += e.tx.size
			n += e.tx.coins()
		}
		if size > bytes || n > coins {
			tooLarge[best] = len(bestSet)
			continue
		}
		bytes, coins = bytes-size, coins-n
		for _, e := range bestSet {
			in[e] = true
			ids = append(ids, e.tx.id)
		}
	}
}
