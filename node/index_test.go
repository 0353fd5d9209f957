package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
)

// addressCalls are the questions that need the index.
func addressCalls(n api.Backend, address string) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"address": func(ctx context.Context) error { _, err := n.Address(ctx, address); return err },
		"coins":   func(ctx context.Context) error { _, err := n.AddressCoins(ctx, address, "", 0); return err },
		"history": func(ctx context.Context) error { _, err := n.AddressHistory(ctx, address, "", 0); return err },
		"wallet": func(ctx context.Context) error {
			_, err := n.WalletView(ctx, api.WalletQuery{Addresses: []string{address}})
			return err
		},
	}
}

// refusedFor checks that every question about addresses is refused with a code.
func refusedFor(t *testing.T, n *node.Node, address, code string) {
	t.Helper()
	for name, call := range addressCalls(n, address) {
		var e *api.IndexError
		if err := call(t.Context()); !errors.Is(err, api.ErrNoIndex) || !errors.As(err, &e) || e.Code != code {
			t.Errorf("%s: %v, want %s", name, err, code)
		}
	}
}

// Without the index a node takes payments, mines them, and says what has become
// of them as far as its pool remembers.
func TestWithoutIndex(t *testing.T) {
	p := testParams(t)
	cfg := testConfig(t, p)
	cfg.NoIndex = true
	n, stop := start(t, cfg)
	alice, bob := newPurse(p, "alice"), newPurse(p, "bob")
	refusedFor(t, n, alice.String(), api.CodeIndexOff)
	if s, err := n.Status(t.Context()); err != nil || s.Index != (api.IndexStatus{}) || len(s.Warnings) != 0 {
		t.Errorf("status %+v, %v", s, err)
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "index")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory: %v", err)
	}
	mine(t, n, 1, alice)
	head, err := n.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	coin := api.CoinInfo{TxID: head.Transactions[0].TxID, Value: p.SubsidyAt(1), Address: alice.String()}
	id := submit(t, n, alice.pay(t, []api.CoinInfo{coin}, bob.owner, 1000, 1000))
	if d := lookUp(t, n, id); d.Status != api.StatusPending {
		t.Errorf("pending: %+v", d)
	}
	mine(t, n, 1, bob)
	if d := lookUp(t, n, id); d.Status != api.StatusConfirmed || d.Block == nil || d.Block.Position != 1 || d.Confirmations != 1 {
		t.Errorf("confirmed: %+v", d)
	}
	if _, err := n.Tx(t.Context(), coin.TxID, false); !errors.Is(err, api.ErrNotFound) || !strings.Contains(err.Error(), "--index") {
		t.Errorf("a coinbase that the pool never saw: %v", err)
	}
	stop()

	// A chain that is there already is indexed in the background.
	cfg.NoIndex = false
	n, _ = start(t, cfg)
	if d := lookUp(t, n, coin.TxID); d.Status != api.StatusConfirmed || d.Outputs[0].SpentBy != id {
		t.Errorf("the coinbase: %+v", d)
	}
	if b := balance(t, n, bob); b.Confirmed != p.SubsidyAt(1)+2000 {
		t.Errorf("bob has %+v", b)
	}
}

// An index that is far behind says how far it is.
func TestIndexBuilding(t *testing.T) {
	p := testParams(t)
	cfg := testConfig(t, p)
	cfg.NoIndex = true
	alice := newPurse(p, "alice")
	n, stop := start(t, cfg)
	mine(t, n, 150, alice)
	stop()
	cfg.NoIndex = false
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n, err := node.New(ctx, cfg) // does not run yet: the index stands still
	if err != nil {
		t.Fatal(err)
	}
	n.HurryIndex(time.Millisecond)
	refusedFor(t, n, alice.String(), api.CodeIndexBuilding)
	var late *api.IndexError
	if _, err := n.Address(ctx, alice.String()); !errors.As(err, &late) || !strings.Contains(err.Error(), "block 0 of 150") || late.RetryAfter == 0 {
		t.Errorf("progress: %#v", err)
	}
	if s, err := n.Status(ctx); err != nil || !s.Index.Enabled || !s.Index.Building || s.Index.Height != 0 {
		t.Errorf("status %+v, %v", s.Index, err)
	}
	// Who asks just then waits for what takes no longer than a moment.
	n.HurryIndex(20 * time.Second)
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	if b := balance(t, n, alice); b.Txs != 150 || b.Unspent != 150 || b.Confirmed != 150*p.SubsidyAt(1) || b.Received != b.Confirmed {
		t.Errorf("alice has %+v", b)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// While the index cannot say whether a block has a payment, the node does not say
// that it is gone, an orphan or nowhere, for it may be made anew then: the pool of
// a node that was killed knows a payment that is confirmed only as one whose coins
// are missing.
func TestNothingIsGoneBeforeTheIndexIsThere(t *testing.T) {
	p := testParams(t)
	cfg := testConfig(t, p)
	journal := filepath.Join(cfg.DataDir, "mempool.dat")
	n, stop := start(t, cfg)
	alice, bob := newPurse(p, "alice"), newPurse(p, "bob")
	mine(t, n, 2, alice)
	coins := spendable(t, n, alice)
	taken := alice.pay(t, coins[:1], bob.owner, coins[0].Value-1000, 1000)
	lost := alice.pay(t, coins[1:], bob.owner, 1000, 1000)
	id, rival := submit(t, n, taken), submit(t, n, lost)
	killed, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	// A block takes both, and another what they pay.
	mine(t, n, 1, alice)
	submit(t, n, bob.pay(t, spendable(t, n, bob), alice.owner, 5000, 5000))
	last := submit(t, n, alice.pay(t, []api.CoinInfo{{TxID: rival, Index: 1, Value: coins[1].Value - 2000, Address: alice.String()}}, alice.owner, 5000, 5000))
	mine(t, n, 1, alice)
	stop()
	if err := errors.Join(os.WriteFile(journal, killed, 0o600), os.RemoveAll(filepath.Join(cfg.DataDir, "index"))); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if n, err = node.New(ctx, cfg); err != nil { // does not run yet: the index stands still
		t.Fatal(err)
	}
	n.HurryIndex(time.Millisecond)
	for name, id := range map[string]core.Hash{"of the journal": id, "another": rival, "that spends one": last, "none": {1}} {
		var e *api.IndexError
		if d, err := n.Tx(ctx, id, false); !errors.As(err, &e) || e.Code != api.CodeIndexBehind || e.RetryAfter == 0 {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	var r *api.Refusal
	if _, err := n.SubmitTx(ctx, taken); !errors.As(err, &r) || !r.Later || !strings.Contains(r.Detail, "a block may have it") {
		t.Errorf("handed in again: %v", err)
	}
	if d, err := n.Tx(ctx, id, false); !errors.Is(err, api.ErrNoIndex) {
		t.Errorf("an orphan that is confirmed: %+v, %v", d, err)
	}

	n.HurryIndex(20 * time.Second)
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	for _, id := range []core.Hash{id, rival, last} {
		if d := lookUp(t, n, id); d.Status != api.StatusConfirmed {
			t.Errorf("with the index: %+v", d)
		}
	}
	if _, err := n.Tx(ctx, core.Hash{1}, false); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
	if a, err := n.SubmitTx(ctx, taken); err != nil || a.Status != api.StatusKnown {
		t.Errorf("handed in again: %+v, %v", a, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A damaged index is built again at the next start.
func TestDamagedIndexIsBuiltAgain(t *testing.T) {
	p := testParams(t)
	cfg := testConfig(t, p)
	alice := newPurse(p, "alice")
	n, stop := start(t, cfg)
	mine(t, n, 3, alice)
	if b := balance(t, n, alice); b.Txs != 3 {
		t.Fatalf("alice has %+v", b)
	}
	stop()
	files, err := filepath.Glob(filepath.Join(cfg.DataDir, "index", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		if err := os.WriteFile(f, []byte("damage"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n, _ = start(t, cfg)
	if b := balance(t, n, alice); b.Txs != 3 || b.Confirmed != 3*p.SubsidyAt(1) {
		t.Errorf("alice has %+v", b)
	}
	if s, err := n.Status(t.Context()); err != nil || len(s.Warnings) != 0 {
		t.Errorf("status %+v, %v", s, err)
	}
}

// An index that cannot be had does not take the node down: it warns, answers so,
// and goes on.
func TestFailedIndexIsAWarning(t *testing.T) {
	p := testParams(t)
	cfg := testConfig(t, p)
	alice := newPurse(p, "alice")
	if err := os.WriteFile(filepath.Join(cfg.DataDir, "index"), []byte("a file where a directory belongs"), 0o600); err != nil {
		t.Fatal(err)
	}
	n, _ := start(t, cfg)
	mine(t, n, 2, alice)
	refusedFor(t, n, alice.String(), api.CodeIndexFailed)
	s, err := n.Status(t.Context())
	if err != nil || !s.Index.Enabled || s.Index.Error == "" || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "index") || s.Tip.Height != 2 {
		t.Errorf("status %+v, %v", s, err)
	}
	url, token := n.API()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/addresses/"+alice.String(), nil)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var problem api.Problem
	if err := json.NewDecoder(res.Body).Decode(&problem); err != nil || res.StatusCode != http.StatusServiceUnavailable || problem.Code != api.CodeIndexFailed {
		t.Errorf("%s with %+v, %v", res.Status, problem, err)
	}
}

// Addresses that are none of this network's, cursors and limits that nobody gave,
// are the asker's mistake.
func TestBadQuestions(t *testing.T) {
	p := testParams(t)
	n, _ := start(t, testConfig(t, p))
	alice := newPurse(p, "alice")
	for name, address := range map[string]string{
		"another network's": alice.owner.Encode("ing"), "nothing": "", "noise": "alice", "cut": alice.String()[:20], "long": strings.Repeat("a", 10_000),
	} {
		for call, ask := range addressCalls(n, address) {
			if err := ask(t.Context()); !errors.Is(err, api.ErrBadRequest) || len(err.Error()) > 500 {
				t.Errorf("%s, %s: %v", name, call, err)
			}
		}
	}
	if _, err := n.Address(t.Context(), alice.owner.Encode("ing")); !errors.Is(err, core.ErrAddressNetwork) || !strings.Contains(err.Error(), p.AddressPrefix) {
		t.Errorf("another network's: %v", err)
	}
	for _, limit := range []int{-1, api.MaxPageSize + 1} {
		_, coins := n.AddressCoins(t.Context(), alice.String(), "", limit)
		_, hist := n.AddressHistory(t.Context(), alice.String(), "", limit)
		_, pool := n.MempoolTxs(t.Context(), 0, limit)
		for _, err := range []error{coins, hist, pool} {
			if !errors.Is(err, api.ErrBadRequest) {
				t.Errorf("limit %d: %v", limit, err)
			}
		}
	}
	for _, cursor := range []string{"x", "1-2", "1-2-3-4", "-1-0-0", "01-0-0", "1-99999999-0"} {
		_, coins := n.AddressCoins(t.Context(), alice.String(), cursor, 0)
		_, hist := n.AddressHistory(t.Context(), alice.String(), cursor, 0)
		if !errors.Is(coins, api.ErrBadRequest) || !errors.Is(hist, api.ErrBadRequest) {
			t.Errorf("cursor %q: %v, %v", cursor, coins, hist)
		}
	}
	many := make([]string, api.MaxWalletAddresses+1)
	for i := range many {
		many[i] = newPurse(p, fmt.Sprint(i)).String()
	}
	for name, list := range map[string][]string{"none": nil, "too many": many, "one twice": {many[0], many[1], many[0]}} {
		if _, err := n.WalletView(t.Context(), api.WalletQuery{Addresses: list}); !errors.Is(err, api.ErrBadRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v, err := n.WalletView(t.Context(), api.WalletQuery{Addresses: many[:api.MaxWalletAddresses], Since: 1 << 31}); err != nil || len(v.Addresses) != api.MaxWalletAddresses || v.More {
		t.Errorf("as many as may be: %+v, %v", v, err)
	}
}
