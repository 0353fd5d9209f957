package node_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
)

// A long history comes in pages by height, each transaction once, in order,
// whatever the bounds are; coins and pending payments beyond theirs are told of.
func TestWalletViewInPages(t *testing.T) {
	p := testParams(t)
	n, _ := start(t, testConfig(t, p))
	alice, bob := newPurse(p, "alice"), newPurse(p, "bob")
	mine(t, n, 20, alice)
	for _, c := range spendable(t, n, alice)[:12] {
		submit(t, n, alice.pay(t, []api.CoinInfo{c}, bob.owner, 1000, 1000))
	}
	mine(t, n, 1, bob) // 13 transactions in one block
	mine(t, n, 9, bob)
	for _, c := range spendable(t, n, alice)[:4] {
		submit(t, n, alice.pay(t, []api.CoinInfo{c}, bob.owner, 1000, 1000))
	}
	all := view(t, n, 0, alice, bob)
	if len(all.Txs) != 4+42 || all.More || all.CoinsMore || all.PendingMore || all.Tip.Height != 30 {
		t.Fatalf("%d transactions, more %v", len(all.Txs), all.More)
	}
	for name, b := range map[string][4]int{ // coins, pending, rows, bytes
		"ample":      {1000, 100, 1000, 1 << 20},
		"few rows":   {1000, 100, 5, 1 << 20},
		"one row":    {1000, 100, 1, 1 << 20},
		"some rows":  {1000, 100, 17, 1 << 20},
		"few bytes":  {1000, 100, 1000, 700},
		"one byte":   {1000, 100, 1000, 1},
		"all little": {3, 2, 2, 100},
	} {
		n.BoundWallet(b[0], b[1], b[2], b[3])
		seen := map[core.Hash]bool{}
		pages, since := 0, uint32(0)
		last := api.WalletTx{}
		for more := true; more; pages++ {
			v := view(t, n, since, alice, bob)
			pending, chain := 0, 0
			for _, tx := range v.Txs {
				if tx.Pending {
					pending++
					continue
				}
				chain++
				if seen[tx.TxID] || tx.Height < since || tx.Height < last.Height || tx.Height == last.Height && tx.Position <= last.Position {
					t.Fatalf("%s: %+v after %+v, from height %d on", name, tx, last, since)
				}
				if tx.Confirmations != 31-tx.Height || tx.Time == 0 || mustParse(t, unhex(t, tx.Raw)).ID() != tx.TxID {
					t.Errorf("%s: %+v", name, tx)
				}
				seen[tx.TxID], last = true, tx
			}
			if pending != min(4, b[1]) || v.PendingMore != (b[1] < 4) {
				t.Errorf("%s: %d pending, more %v", name, pending, v.PendingMore)
			}
			fromChain := 0
			for _, c := range v.Coins {
				if !c.Pending {
					fromChain++
				}
			}
			if want := min(20+12+10, b[0]); fromChain != want || v.CoinsMore != (b[0] < 42) {
				t.Errorf("%s: %d coins, want %d, more %v", name, fromChain, want, v.CoinsMore)
			}
			if more = v.More; more && (v.Next <= since || v.Next <= last.Height && chain > 0) {
				t.Fatalf("%s: next is %d, from %d on", name, v.Next, since)
			}
			since = v.Next
		}
		if len(seen) != 42 || b[2] > 42 && b[3] > 1<<19 && pages != 1 || b[2] == 1 && pages < 20 {
			t.Errorf("%s: %d transactions in %d pages", name, len(seen), pages)
		}
	}
	n.BoundWallet(1000, 100, 1000, 1<<20)
	if v := view(t, n, 21, bob); len(v.Txs) != 4+1+12+9 || v.Txs[4].Height != 21 {
		t.Errorf("from height 21: %d transactions", len(v.Txs))
	}
	// Pages of one address.
	var coins, entries int
	for cursor := ""; ; {
		page, err := n.AddressCoins(t.Context(), alice.String(), cursor, 3)
		if err != nil || len(page.Coins) > 7 {
			t.Fatalf("%+v, %v", page, err)
		}
		coins += len(page.Coins)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for cursor := ""; ; {
		page, err := n.AddressHistory(t.Context(), alice.String(), cursor, 5)
		if err != nil || len(page.Entries) > 9 {
			t.Fatalf("%+v, %v", page, err)
		}
		entries += len(page.Entries)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if coins != 20+4 || entries != 32+4 {
		t.Errorf("%d coins and %d entries of alice", coins, entries)
	}
}

// A payment may pay an address very often: what a wallet is told of the pool is
// bounded by coins, too, and its balance is whole all the same.
func TestManyPendingCoins(t *testing.T) {
	p := testParams(t)
	n, _ := start(t, testConfig(t, p))
	alice, bob := newPurse(p, "alice"), newPurse(p, "bob")
	mine(t, n, 4, alice)
	const outputs = 10
	for _, c := range spendable(t, n, alice) {
		coin, err := c.Coin(p.AddressPrefix)
		if err != nil {
			t.Fatal(err)
		}
		tx := core.Transaction{Version: core.TxVersion, Inputs: []core.Input{{Outpoint: coin.Outpoint}}, Fee: 1000 + c.Value%outputs}
		for range outputs {
			tx.Outputs = append(tx.Outputs, core.Output{Value: (c.Value - 1000) / outputs, Address: bob.owner})
		}
		submit(t, n, alice.sign(&tx))
	}
	for most, payments := range map[int]int{100: 4, 30: 3, 21: 3, 1: 1} {
		n.BoundWallet(most, 100, 1000, 1<<20)
		v := view(t, n, 100, bob)
		if len(v.Coins) != payments*outputs || len(v.Txs) != payments || v.PendingMore != (payments < 4) || v.Addresses[0].PendingIn != 4*outputs*((p.SubsidyAt(1)-1000)/outputs) {
			t.Errorf("bound %d: %d coins, %d payments, more %v, %+v", most, len(v.Coins), len(v.Txs), v.PendingMore, v.Addresses)
		}
	}
	page, err := n.AddressCoins(t.Context(), bob.String(), "", 0)
	if err != nil || len(page.Coins) != 4*outputs {
		t.Errorf("%d coins, %v", len(page.Coins), err)
	}
}

// sums checks that a view adds up: all that was ever mined went to its addresses.
func sums(v *api.WalletView, subsidy core.Amount) error {
	minted := core.Amount(v.Tip.Height) * subsidy
	var onChain, free, fees, confirmed, in, out core.Amount
	for _, c := range v.Coins {
		if !c.Pending {
			onChain += c.Value
		}
		if c.SpentBy.IsZero() {
			free += c.Value
		}
	}
	for _, tx := range v.Txs {
		if tx.Pending {
			raw, err := hexBytes(tx.Raw)
			if err != nil {
				return err
			}
			parsed, err := core.ParseTransaction(raw)
			if err != nil {
				return err
			}
			fees += parsed.Fee
		}
	}
	for _, a := range v.Addresses {
		confirmed += a.Confirmed + a.Immature
		in, out = in+a.PendingIn, out+a.PendingOut
	}
	if onChain != minted || confirmed != minted || free+fees != minted || confirmed+in != out+free {
		return fmt.Errorf("at height %d: %d minted, coins of %d, balances of %d, free %d and fees %d, pending in %d, out %d",
			v.Tip.Height, minted, onChain, confirmed, free, fees, in, out)
	}
	return nil
}

// While blocks come, go and take payments, every view of a wallet adds up, and no
// payment is ever nowhere.
func TestViewsAddUpWhileTheChainMoves(t *testing.T) {
	p := testParams(t)
	n, _ := start(t, testConfig(t, p))
	alice, bob := newPurse(p, "alice"), newPurse(p, "bob")
	mine(t, n, 8, alice)
	subsidy := p.SubsidyAt(1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	var mu sync.Mutex
	var ids []core.Hash // guarded by mu
	known := func() []core.Hash {
		mu.Lock()
		defer mu.Unlock()
		return append([]core.Hash(nil), ids...)
	}
	var work sync.WaitGroup
	work.Go(func() { // readers
		for round := 0; ctx.Err() == nil; round++ {
			v, err := n.WalletView(ctx, api.WalletQuery{Addresses: []string{alice.String(), bob.String()}})
			if err == nil {
				err = sums(&v, subsidy)
			}
			if err != nil && ctx.Err() == nil && !errors.Is(err, api.ErrNoIndex) {
				t.Errorf("round %d: %v", round, err)
				return
			}
		}
	})
	work.Go(func() {
		for ctx.Err() == nil {
			for _, id := range known() {
				d, err := n.Tx(ctx, id, false)
				if ctx.Err() == nil && (err != nil || d.Status != api.StatusConfirmed && d.Status != api.StatusPending) {
					t.Errorf("%s: %+v, %v", id.Short(), d, err)
					return
				}
			}
		}
	})
	for round := range 30 {
		for _, from := range []purse{alice, bob} {
			to := map[core.Address]purse{alice.owner: bob, bob.owner: alice}[from.owner]
			for i, c := range spendable(t, n, from) {
				if i == 3 || c.Value < 10_000 {
					break
				}
				id := submit(t, n, from.pay(t, []api.CoinInfo{c}, to.owner, c.Value/2, 1000))
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
			}
		}
		mine(t, n, 1+round%2, alice)
		if round%5 == 4 {
			takeBack(t, n, alice)
		}
	}
	cancel()
	work.Wait()
	if v := view(t, n, 0, alice, bob); sums(&v, subsidy) != nil || len(known()) < 30 {
		t.Errorf("in the end: %v; %d payments", sums(&v, subsidy), len(known()))
	}
}

// takeBack makes the chain leave its tip and come back.
func takeBack(t *testing.T, n *node.Node, to purse) {
	t.Helper()
	head, err := n.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Invalidate(t.Context(), head.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Reconsider(t.Context(), head.ID); err != nil {
		t.Fatal(err)
	}
}
