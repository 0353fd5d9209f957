package chain_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// failing is a store whose coins cannot be read while it is told so.
type failing struct {
	chain.Store
	fail  atomic.Bool
	asked atomic.Int64
}

// Coins implements [chain.Reader].
func (f *failing) Coins(ops []core.Outpoint, found core.UTXOs) error {
	f.asked.Add(1)
	if f.fail.Load() {
		return fmt.Errorf("read coins: %w", chain.ErrDisk)
	}
	return f.Store.Coins(ops, found)
}

// If the pool cannot follow the tip, the chain goes on without it, and the pool
// catches up as soon as it can: every good block stays good.
func TestThePoolCatchesUpAfterAFailure(t *testing.T) {
	for _, by := range []string{"payments", "time", "blocks"} {
		b := newBuilder(t)
		var store *failing
		m, err := openWith(b.rules, memFS(), chain.Options{FlushBytes: 1}, func(s chain.Store) chain.Store {
			store = &failing{Store: s}
			return store
		})
		if err != nil {
			t.Fatal(err)
		}
		coins := b.fund(m, 3)
		fork := m.Tip().ID
		lost, waits := b.pay(coins[0], 1000), b.pay(coins[1], 1000)
		mustSubmit(t, m, waits)
		mustAdd(t, m, b.child(fork, lost))
		branch := b.branch(fork, 2)
		store.fail.Store(true)
		asked := store.asked.Load()
		mustAdd(t, m, branch...)
		if m.Tip().ID != branch[1].ID() || store.asked.Load() == asked {
			t.Fatal("the tip did not move, or no coin was read")
		}
		tmpl, err := m.PoolTemplate(clockOf(), b.addr, nil)
		if err != nil || tmpl.Parent != m.Tip() || len(tmpl.Txs) != 1 {
			t.Fatalf("%d transactions in a template on height %d, %v", len(tmpl.Txs), tmpl.Parent.Height, err)
		}
		if _, err := m.AddTxs(t.Context(), "peer", pointers([]core.Transaction{b.pay(coins[2], 1000)})); !errors.Is(err, chain.ErrDisk) {
			t.Fatalf("payments while coins cannot be read: %v", err)
		}
		store.fail.Store(false)
		switch by {
		case "payments":
			mustSubmit(t, m, b.pay(coins[2], 1000))
		case "time":
			m.TendPool()
		case "blocks":
			mustAdd(t, m, b.child(m.Tip().ID))
		}
		m.ReadPool(func(p *mempool.Pool) {
			if p.Height() != m.Tip().Height || !p.Has(lost.ID()) || !p.Has(waits.ID()) {
				t.Errorf("by %s: height %d, %s", by, p.Height(), p)
			}
		})
		mustClose(t, m)
	}
}

// A change of the chain that was stopped in its midst goes on before payments are
// judged: they always meet the coins of a tip.
func TestPaymentsEndAnInterruptedChange(t *testing.T) {
	b := newBuilder(t)
	ctx, cancel := context.WithCancel(t.Context())
	reorganising := false
	m := newManager(t, chain.Options{FlushBytes: 1, Trace: func(phase string, begin bool) {
		switch {
		case phase == chain.PhaseReorganising:
			reorganising = begin
		case reorganising: // a block back
			cancel()
		}
	}})
	coins := b.fund(m, 2)
	fork := m.Tip().ID
	lost := b.pay(coins[0], 1000)
	mustAdd(t, m, b.child(fork, lost))
	branch := b.branch(fork, 2)
	if _, err := m.AddBlocks(ctx, branch); !errors.Is(err, context.Canceled) || m.Tip().ID == branch[1].ID() {
		t.Fatalf("tip at height %d, %v", m.Tip().Height, err)
	}
	mustSubmit(t, m, b.pay(coins[1], 1000))
	if m.Tip().ID != branch[1].ID() || !isPooled(m, lost) {
		t.Errorf("tip at height %d, the reverted payment is pooled: %v", m.Tip().Height, isPooled(m, lost))
	}
}

// A reorganisation of more bytes than the pool is given at once leaves it with the
// same payments.
func TestALongReorganisationMovesThePoolInSteps(t *testing.T) {
	for _, limit := range []int{0, 1, 1500, 1 << 20} {
		b := newBuilder(t)
		m := newManager(t, chain.Options{})
		if limit > 0 {
			m.LimitMoves(limit)
		}
		coins := b.fund(m, 12)
		fork := m.Tip().ID
		var txs []core.Transaction
		for _, c := range coins {
			txs = append(txs, b.pay(c, 1000))
		}
		child := b.pay(outputOf(&txs[0], 0), 1000)  // of a payment that comes back
		doomed := b.pay(outputOf(&txs[8], 0), 1000) // of one that the other branch double-spends
		old := []*core.Block{b.child(fork, txs[:4]...)}
		old = append(old, b.child(old[0].ID(), txs[4:9]...))
		mustAdd(t, m, old...)
		mustSubmit(t, m, child, doomed, txs[9], txs[10])
		rival := b.pay(coins[8], 2000)
		branch := []*core.Block{b.child(fork, txs[1])}
		branch = append(branch, b.child(branch[0].ID(), rival, txs[9]))
		branch = append(branch, b.child(branch[1].ID()))
		mustAdd(t, m, branch...)
		if m.Tip().ID != branch[2].ID() {
			t.Fatal("no reorganisation")
		}
		m.ReadPool(func(p *mempool.Pool) {
			want := []core.Transaction{txs[0], txs[2], txs[3], txs[4], txs[5], txs[6], txs[7], child, txs[10]}
			for i := range want {
				if !p.Has(want[i].ID()) {
					t.Errorf("limit %d: payment %d is not in the pool", limit, i)
				}
			}
			if n := p.Stats(0).Count; n != len(want) || p.Height() != m.Tip().Height {
				t.Errorf("limit %d: %d payments at height %d", limit, n, p.Height())
			}
			for _, tx := range []core.Transaction{txs[8], doomed} {
				if why, ok := p.Explain(tx.ID()); !ok || why.Reason != mempool.Conflict && (limit == 0 || limit > 1500 || why.Reason != mempool.CoinGone) {
					t.Errorf("limit %d: %+v, %v", limit, why, ok)
				}
			}
		})
	}
}

// While the chain is being changed, payments wait no longer than their context,
// and readers of the pool do not wait at all.
func TestPaymentsWaitForTheChainNoLongerThanTheyMay(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	coins := b.fund(m, 2)
	unlock := m.LockChange()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 2 { // one waits for the chain, the other for that one
		wg.Go(func() {
			if _, err := m.AddTxs(ctx, "peer", pointers([]core.Transaction{b.pay(coins[i], 1000)})); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	m.ReadPool(func(p *mempool.Pool) {
		if p.Stats(0).Count != 0 {
			t.Error("a payment came in without the chain")
		}
	})
	m.TendPool() // does not wait either
	unlock()
	mustSubmit(t, m, b.pay(coins[0], 1000))
}

// Everything at once: payments from several senders, blocks and reorganisations,
// readers, templates. It is for the race detector; the walks look at what comes
// of it.
func TestPoolAtOnce(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{Journal: filepath.Join(t.TempDir(), "mempool.dat")})
	coins := b.fund(m, 120)
	var txs []core.Transaction
	for i, c := range coins {
		txs = append(txs, b.pay(c, 1000))
		if i%3 == 0 {
			txs = append(txs, b.pay(outputOf(&txs[len(txs)-1], 0), 1000))
		}
	}
	tip := m.Tip().ID
	left := []*core.Block{b.child(tip, txs[3:7]...)}
	left = append(left, b.child(left[0].ID(), txs[20:30]...))
	right := []*core.Block{b.child(tip, txs[4:6]...)}
	for range 4 {
		right = append(right, b.child(right[len(right)-1].ID()))
	}
	done := make(chan struct{})
	var adders, readers sync.WaitGroup
	for peer := range 4 {
		adders.Go(func() {
			from := []string{"", "a", "b", "c"}[peer]
			for at := 0; at < len(txs); at += 10 {
				part := pointers(txs[at:min(at+10, len(txs))])
				add := func() ([]mempool.Outcome, error) { return m.AddTxs(context.Background(), from, part) }
				if peer == 0 {
					add = func() ([]mempool.Outcome, error) { return m.SubmitTxs(context.Background(), part) }
				}
				outs, err := add()
				if err != nil {
					t.Error(err)
				}
				for _, o := range outs {
					if core.IsForever(o.Err) {
						t.Error(o.Err)
					}
				}
				m.ForgetTxPeer(from)
			}
		})
	}
	adders.Go(func() {
		for _, branch := range [][]*core.Block{left, right[:2], right[2:]} {
			if _, err := m.AddBlocks(context.Background(), branch); err != nil {
				t.Error(err)
			}
		}
	})
	wake, cancel := m.SubscribePool()
	defer cancel()
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-wake:
				default:
				}
				m.ReadPool(func(p *mempool.Pool) { p.Next(5); p.Stats(1) })
				if _, err := m.PoolTemplate(clockOf(), b.addr, nil); err != nil {
					t.Error(err)
				}
				m.TendPool()
				m.TxFaults()
			}
		})
	}
	adders.Wait()
	close(done)
	readers.Wait()
	if m.Tip().ID != right[4].ID() {
		t.Fatal("not the best tip")
	}
	tmpl, err := m.PoolTemplate(clockOf(), b.addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := len(txs) - 2 + 1; len(tmpl.Txs) != want { // all but two confirmed, and the coinbase
		t.Errorf("%d transactions in the template, want %d", len(tmpl.Txs), want)
	}
	mustAdd(t, m, b.add(b.solve(tmpl.Header, tmpl.Txs)))
}

// An orphan that breaks a rule shows only when a block brings its parent: then the
// peer that sent it is named, once.
func TestFaultsOfOrphansAreTold(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	coins := b.fund(m, 2)
	parent := b.pay(coins[0], 1000)
	claim := outputOf(&parent, 0)
	claim.Value++ // its inputs are a grain less than outputs and fee
	false1 := b.pay(claim, 1000)
	good := b.pay(outputOf(&parent, 1), 1000)
	if outs, err := m.AddTxs(t.Context(), "liar", pointers([]core.Transaction{false1})); err != nil || outs[0].Status != mempool.Orphan {
		t.Fatal(outs, err)
	}
	if outs, err := m.AddTxs(t.Context(), "honest", pointers([]core.Transaction{good})); err != nil || outs[0].Status != mempool.Orphan {
		t.Fatal(outs, err)
	}
	mustAdd(t, m, b.child(m.Tip().ID, parent))
	faults := m.TxFaults()
	if len(faults) != 1 || faults[0].Tx.ID() != false1.ID() || len(faults[0].From) != 1 || faults[0].From[0] != "liar" || !errors.Is(faults[0].Err, core.ErrFeeMismatch) {
		t.Errorf("%+v", faults)
	}
	if m.TxFaults() != nil {
		t.Error("told twice")
	}
	if !isPooled(m, good) {
		t.Error("the good orphan is not in the pool")
	}
}
