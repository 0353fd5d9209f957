package chain_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// coinsOf lists the coins after a block that may be spent in the next, sorted.
func (b *builder) coinsOf(id core.Hash) (coins []core.Coin) {
	for _, op := range sortedOutpoints(b.coins[id]) {
		if c := b.coins[id][op]; b.mature(c, b.states[id].Height+1) {
			coins = append(coins, c)
		}
	}
	return coins
}

// fund makes a chain whose last block splits a coinbase into n coins, and adds it.
func (b *builder) fund(m *chain.Manager, n int) []core.Coin {
	b.t.Helper()
	first := b.child(b.genesis())
	coin := b.coinsOf(first.ID())[0]
	split := b.join([]core.Coin{coin}, n)
	second := b.child(first.ID(), split)
	mustAdd(b.t, m, first, second)
	var coins []core.Coin
	for i := range n {
		coins = append(coins, b.coins[second.ID()][core.Outpoint{TxID: split.ID(), Index: uint32(i)}])
	}
	return coins
}

// mustSubmit offers payments that are all to be accepted.
func mustSubmit(t testing.TB, m *chain.Manager, txs ...core.Transaction) []mempool.Outcome {
	t.Helper()
	outs, err := m.SubmitTxs(t.Context(), pointers(txs))
	if err != nil {
		t.Fatal(err)
	}
	for i := range outs {
		if outs[i].Err != nil || outs[i].Status != mempool.Accepted {
			t.Fatalf("payment %d: %v, %v", i, outs[i].Status, outs[i].Err)
		}
	}
	return outs
}

func pointers(txs []core.Transaction) []*core.Transaction {
	list := make([]*core.Transaction, len(txs))
	for i := range txs {
		list[i] = &txs[i]
	}
	return list
}

// A payment comes in, is mined by a template, and leaves.
func TestPoolToBlock(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	coins := b.fund(m, 3)
	wake, cancel := m.SubscribePool()
	defer cancel()
	parent := b.pay(coins[0], 1000)
	child := b.pay(outputOf(&parent, 0), 2000)
	other := b.pay(coins[1], 500)
	mustSubmit(t, m, parent, child, other)
	select {
	case <-wake:
	default:
		t.Fatal("nobody was woken")
	}
	outs, err := m.AddTxs(t.Context(), "peer", pointers([]core.Transaction{other}))
	if err != nil || outs[0].Status != mempool.Known || outs[0].Err != nil {
		t.Fatal(outs, err)
	}
	tmpl, err := m.PoolTemplate(clockOf(), b.addr, []byte("extra"))
	if err != nil || len(tmpl.Txs) != 4 {
		t.Fatalf("%d transactions, %v", len(tmpl.Txs), err)
	}
	blk := b.add(b.solve(tmpl.Header, tmpl.Txs))
	mustAdd(t, m, blk)
	b.wantState(m)
	m.ReadPool(func(p *mempool.Pool) {
		if s := p.Stats(0); s.Count != 0 || p.Height() != m.Tip().Height {
			t.Errorf("%+v at height %d", s, p.Height())
		}
		if why, ok := p.Explain(child.ID()); !ok || why.Reason != mempool.Confirmed || why.Block != blk.ID() {
			t.Errorf("%+v, %v", why, ok)
		}
	})
}

// What is refused says why, and in what order it was looked at.
func TestPoolRefusals(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	coins := b.fund(m, 3)
	forged := b.pay(coins[0], 1000)
	forged.Witnesses[0].Signature[0] ^= 1
	forgedCheap := b.pay(coins[0], 0)
	forgedCheap.Witnesses[0].Signature[0] ^= 1
	formless := b.pay(coins[0], 0)
	formless.Outputs = nil
	lost := coins[1]
	lost.TxID[0] ^= 1
	orphan := b.pay(lost, 1000)
	good := b.pay(coins[2], 1000)
	outs, err := m.AddTxs(t.Context(), "peer", pointers([]core.Transaction{forged, forgedCheap, formless, orphan, good}))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		status mempool.Status
		code   core.Code
		kind   func(error) bool
	}{
		{mempool.Refused, core.ErrTxSignature, core.IsForever},
		{mempool.Refused, mempool.ErrFeeLow, func(err error) bool { var p *mempool.PolicyError; return errors.As(err, &p) }},
		{mempool.Refused, core.ErrTxNoOutputs, core.IsForever},
		{mempool.Orphan, core.ErrMissingCoin, core.IsDeferred},
		{mempool.Accepted, "", func(err error) bool { return err == nil }},
	} {
		if o := outs[i]; o.Status != want.status || core.CodeOf(o.Err) != want.code || !want.kind(o.Err) {
			t.Errorf("payment %d: %v, %v", i, o.Status, o.Err)
		}
	}
	m.ForgetTxPeer("peer")
	m.ReadPool(func(p *mempool.Pool) {
		if s := p.Stats(0); s.Count != 1 || s.Orphans != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// submitAll submits payments from several goroutines, all of which must be
// accepted.
func submitAll(tb testing.TB, m *chain.Manager, txs []*core.Transaction, batch, callers int) {
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for {
				end := int(next.Add(int64(batch)))
				if end-batch >= len(txs) {
					return
				}
				outs, err := m.SubmitTxs(context.Background(), txs[end-batch:min(end, len(txs))])
				if err != nil {
					failed.Add(1)
				}
				for i := range outs {
					if outs[i].Status != mempool.Accepted {
						failed.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := failed.Load(); n > 0 {
		tb.Fatal(n, "payments failed")
	}
}
