package simulation

import (
	"context"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

var (
	paymentsFlag = flag.Int("payments", 0, "payments of TestMoney; 0 means the test's own choice")
	walletsFlag  = flag.Int("wallets", 0, "wallets of TestMoney; 0 means the test's own choice")
)

const (
	moneyInterval = 2 * time.Second
	// moneyExpiry is short, so that payments expire where they wait behind others.
	moneyExpiry = 2 * time.Minute
	// perSecond is how many acts of payment there are on average, in virtual time,
	// and roomPerSecond the bytes that blocks have for them: more than twice as
	// much, as many blocks are lost, and halves of the network find fewer.
	perSecond     = 12
	roomPerSecond = 7000
	// warmUp is how many blocks are mined before anybody pays.
	warmUp = 10
	// settleIn is how long the network may take to come to one mind and to mine
	// what waits.
	settleIn = 20 * time.Minute
	// telling is how many payments tell everything that can happen to them.
	telling = 2000
	// shown bounds how many failures of a kind are printed.
	shown = 20
)

// moneyNetwork is five nodes and people who pay each other.
func moneyNetwork(t *testing.T, wallets int) Config {
	policy := mempool.DefaultPolicy()
	policy.Expiry = uint64(moneyExpiry.Milliseconds())
	cfg := network(t, 5)
	cfg.Nodes = 5
	cfg.Interval = moneyInterval
	cfg.Loss = 0.002
	cfg.Money = &Money{
		Wallets: wallets, Maturity: 4, Policy: policy, SmallPool: 320 << 10, Dir: t.TempDir(),
		BlockBytes: uint32(roomPerSecond * moneyInterval.Seconds()),
	}
	return cfg
}

// weather is what happens to the network while people pay.
type weather struct {
	w     *World
	rng   *rand.Rand
	until time.Time
	down  int     // the node that is stopped, or -1
	pace  float64 // how much is paid, 1 on average

	cuts, stops int
}

// change draws other partitions, another node that is stopped, another pace.
func (x *weather) change(ctx context.Context, t *testing.T, teller *Teller) {
	x.until = time.Now().Add(5*time.Second + time.Duration(x.rng.ExpFloat64()*float64(15*time.Second)))
	for _, n := range x.w.Nodes {
		if n.up {
			if err := n.CheckPool(); err != nil {
				t.Error(err)
			}
		}
	}
	x.pace = []float64{0.3, 0.7, 1, 2}[x.rng.IntN(4)]
	if x.rng.IntN(3) == 0 {
		x.w.Heal()
	} else {
		sides := make([]int, len(x.w.Nodes))
		for i := range sides {
			sides[i] = x.rng.IntN(2 + x.rng.IntN(2))
		}
		x.w.Divide(sides)
		x.cuts++
	}
	x.up(ctx, t)
	if x.rng.IntN(5) == 0 {
		x.down = x.rng.IntN(len(x.w.Nodes))
		if err := teller.Stop(ctx, x.down); err != nil {
			t.Fatalf("stop node %d: %v", x.down, err)
		}
		x.stops++
	}
}

// up starts the node that is stopped.
func (x *weather) up(ctx context.Context, t *testing.T) {
	if x.down < 0 {
		return
	}
	if err := x.w.Start(ctx, x.down); err != nil {
		t.Fatalf("start node %d again: %v", x.down, err)
	}
	x.down = -1
}

// pay lets people pay, in all weathers, until so many payments are made.
func (x *weather) pay(ctx context.Context, t *testing.T, teller *Teller, payments int) {
	x.w.Wait(ctx, time.Hour, func() bool { return x.w.Nodes[0].Chain.Tip().Height >= warmUp })
	for teller.Book.Count() < payments {
		if !time.Now().Before(x.until) {
			x.change(ctx, t, teller)
		}
		<-time.After(time.Duration(x.rng.ExpFloat64() / (perSecond * x.pace) * float64(time.Second)))
		if err := teller.Step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	x.up(ctx, t)
	x.w.Heal()
}

// mineAll waits until all that waits is mined and all nodes agree, and each has
// looked after its pool once: after a power cut, payments come back then.
func mineAll(ctx context.Context, t *testing.T, w *World) {
	w.Wait(ctx, tendEvery+time.Second, func() bool { return false })
	if _, ok := w.Wait(ctx, settleIn, func() bool { return w.Agreed() && w.Waiting() == 0 }); !ok {
		t.Errorf("%v after healing there are %d tips, and %d payments wait", settleIn, len(w.Tips()), w.Waiting())
	}
	w.StopMining()
	if _, ok := w.Wait(ctx, time.Minute, func() bool { return w.Agreed() && w.Waiting() == 0 }); !ok {
		t.Errorf("a minute after the last block there are %d tips, and %d payments wait", len(w.Tips()), w.Waiting())
	}
}

// TestMoney has people pay each other through a network that falls apart and
// comes together again, and asks of every payment what became of it.
//
//	go test ./internal/simulation -run TestMoney -payments 50000 -wallets 200 -v -timeout 60m
func TestMoney(t *testing.T) {
	payments, wallets := 2500, 40
	if raceDetector {
		payments = 200
	}
	if *paymentsFlag > 0 {
		payments = *paymentsFlag
	}
	if *walletsFlag > 0 {
		wallets = *walletsFlag
	}
	cfg := moneyNetwork(t, wallets)
	inWorld(t, cfg, func(ctx context.Context, t *testing.T, w *World) {
		teller := w.Teller()
		x := &weather{w: w, rng: rand.New(rand.NewPCG(cfg.Seed, 5)), down: -1}
		began := time.Now()
		x.pay(ctx, t, teller, payments)
		paid := time.Now()
		mineAll(ctx, t, w)
		t.Logf("%d payments of %d wallets on %d nodes in %v, all mined %v later; %d were handed over again, %d wallets moved; the network was cut %d times, a node stopped or killed %d times",
			teller.Book.Count(), wallets, len(w.Nodes), paid.Sub(began), time.Since(paid), teller.Book.Repeats(), teller.Moves, x.cuts, x.stops)
		logForks(t, w)
		if err := w.CheckMoney(ctx); err != nil {
			t.Error(err)
		}
		checkWallets(t, w)
		a := audited(t, w, teller.Book)
		if payments >= telling {
			a.wantAll(t)
		}
		for _, s := range a.Unexplained[:min(len(a.Unexplained), shown)] {
			t.Errorf("unexplained: %s", s)
		}
		for _, s := range a.Wrong[:min(len(a.Wrong), shown)] {
			t.Errorf("wrong: %s", s)
		}
		for i, n := range w.Nodes {
			if r := n.Refused(); len(r) > 0 {
				t.Errorf("node %d refused honest peers: %v", i, r)
			}
		}
	})
}

// wantAll asks that there was enough of everything for the test to mean something.
func (a *Audit) wantAll(t *testing.T) {
	t.Helper()
	count := map[string]int{}
	for k, by := range a.Fates {
		for fate, n := range by {
			if k.counts() {
				count[fate] += n
				count["all"] += n
			}
		}
	}
	if n := count[fateConfirmed]; 4*n < count["all"] {
		t.Errorf("%d of %d payments were confirmed, want a quarter at least", n, count["all"])
	}
	for _, r := range []mempool.Reason{mempool.Conflict, mempool.Replaced} {
		if count["the node: "+string(r)] == 0 {
			t.Errorf("no payment had the fate %q, want some for the test to mean something", r)
		}
	}
	if n := a.world.Forks.Count(2); n == 0 {
		t.Error("no branch of 2 blocks or more lost, want some for the test to mean something")
	}
}

// audited prints the table of what became of all payments.
func audited(t *testing.T, w *World, b *Book) *Audit {
	t.Helper()
	a, err := w.Audit(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range a.Table() {
		t.Log(line)
	}
	t.Logf("unexplained: %d", len(a.Unexplained))
	return a
}

// checkWallets asks every wallet what it has, at every node: together that is all
// the money there is, as all of it was mined for them.
func checkWallets(t *testing.T, w *World) {
	t.Helper()
	for _, n := range w.Nodes {
		var sum, minted core.Amount
		for _, p := range w.wallets {
			p.node = n
			purse, err := p.look()
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range purse.coins {
				sum += c.Value
			}
		}
		for h := range n.Chain.Tip().Height + 1 {
			minted += w.rules.Params().SubsidyAt(h)
		}
		if sum != minted {
			t.Errorf("at node %d, the wallets have %d grains, want %d", n.index, sum, minted)
		}
	}
}

// Payments that a node has taken and then lost must not count as explained: the
// node is alone when it takes them, and keeps no journal.
func TestLostPaymentsAreNoticed(t *testing.T) {
	cfg := moneyNetwork(t, 20)
	cfg.Nodes, cfg.Miners, cfg.Money.Dir = 2, 1, ""
	inWorld(t, cfg, func(ctx context.Context, t *testing.T, w *World) {
		teller := w.Teller()
		w.Wait(ctx, time.Hour, func() bool { return w.Agreed() && w.Nodes[1].Chain.Tip().Height >= warmUp })
		w.Partition(1)
		for _, p := range w.wallets {
			p.node = w.Nodes[1]
		}
		for teller.Book.Count() < 5 {
			if err := teller.ordinary(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Stop(ctx, 1); err != nil {
			t.Fatal(err)
		}
		if err := w.Start(ctx, 1); err != nil {
			t.Fatal(err)
		}
		w.Heal()
		mineAll(ctx, t, w)
		if a := audited(t, w, teller.Book); len(a.Unexplained) != 5 {
			t.Errorf("%d payments are unexplained, want all 5", len(a.Unexplained))
		}
	})
}

// Nobody but one node mines, so what the others' wallets pay must have come to it:
// by gossip, or as pools are compared.
func TestPaymentsReachTheOneMiner(t *testing.T) {
	for _, c := range []struct {
		name     string
		noGossip bool
	}{{"gossip", false}, {"without gossip", true}} {
		t.Run(c.name, func(t *testing.T) {
			cfg := moneyNetwork(t, 20)
			cfg.Miners, cfg.NoGossip = 1, c.noGossip
			cfg.Money.SmallPool, cfg.Money.BlockBytes = 1<<20, 1<<20
			inWorld(t, cfg, func(ctx context.Context, t *testing.T, w *World) {
				teller := w.Teller()
				w.Wait(ctx, time.Hour, func() bool { return w.Agreed() && w.Nodes[0].Chain.Tip().Height >= warmUp })
				for _, p := range w.wallets {
					if p.node == w.Nodes[0] {
						p.node = w.Nodes[1]
					}
				}
				for teller.Book.Count() < 100 {
					<-time.After(100 * time.Millisecond)
					if err := teller.ordinary(ctx); err != nil && !poor(err) {
						t.Fatal(err)
					}
				}
				mineAll(ctx, t, w)
				a := audited(t, w, teller.Book)
				for _, p := range teller.Book.Payments() {
					if _, ok := a.confirmed[p.ID]; p.taken() && !ok {
						t.Errorf("taken, but not confirmed: %s", a.story(p))
					}
				}
				if n := a.Fates[Ordinary][fateConfirmed]; n < 50 {
					t.Errorf("%d of %d payments were confirmed, want half of them at least", n, teller.Book.Count())
				}
			})
		})
	}
}
