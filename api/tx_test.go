package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingchain/ingchain/core"
)

func (f *fakeBackend) SubmitTx(_ context.Context, raw []byte) (TxAccepted, error) {
	f.did("submit %x", raw)
	return TxAccepted{TxID: id(4), Status: StatusAccepted, Fee: 1000, FeeRate: 4000, Size: len(raw), Replaced: []core.Hash{id(5)}}, f.err
}

func (f *fakeBackend) SubmitTxs(_ context.Context, raws [][]byte) ([]TxOutcome, error) {
	f.did("submit %x", raws)
	return []TxOutcome{
		{TxID: id(4), Status: StatusKnown},
		{TxID: id(5), Status: StatusRefused, Code: core.ErrMissingCoin, Detail: "spent", Missing: []core.Hash{id(6)}},
	}, f.err
}

func (f *fakeBackend) Tx(_ context.Context, h core.Hash, raw bool) (TxDetail, error) {
	if h != id(4) {
		return TxDetail{}, fmt.Errorf("%w: transaction %s", ErrNotFound, h)
	}
	d := TxDetail{
		TxID: h, WID: id(5), Size: 200, Version: 1, Fee: 1000, FeeRate: 5000, Status: StatusPending,
		Inputs:  []SpentCoin{{TxID: id(6), Index: 1, Value: core.MaxAmount, Address: "ing1…"}, {TxID: id(7)}},
		Outputs: []PaidOutput{{Value: 5, Address: "ing1…", SpentBy: id(8)}, {Value: 6, Address: "ing1…"}},
		Pending: &TxPending{Time: 1_795_132_800_000, Ancestors: 1, PackageFee: 2000, PackageSize: 400, Missing: []core.Hash{}},
		Gone:    &TxGone{Reason: "replaced", By: id(9), At: 5},
		Block:   &TxBlock{Height: 1, ID: id(1), Position: 2, Time: 3},
	}
	if raw {
		d.Raw = "00ff"
	}
	return d, f.err
}

func (f *fakeBackend) Mempool(context.Context) (Mempool, error) {
	return Mempool{Tip: Ref{Height: 2, ID: id(2)}, Count: 1, Bytes: 200, MinFeeRate: 1000,
		Histogram: []FeeBucket{{MinFeeRate: 4000, Count: 1, Bytes: 200}}}, f.err
}

func (f *fakeBackend) MempoolTxs(_ context.Context, after uint64, limit int) ([]MempoolTx, error) {
	return []MempoolTx{{Seq: after + 1, TxID: id(4), Size: limit}}, f.err
}

func (f *fakeBackend) Fees(_ context.Context, targets []int) (Fees, error) {
	fees := Fees{MinFeeRate: 1000, Estimates: []FeeEstimate{}}
	for _, n := range targets {
		fees.Estimates = append(fees.Estimates, FeeEstimate{Blocks: n, FeeRate: 2000})
	}
	return fees, f.err
}

func (f *fakeBackend) Address(_ context.Context, address string) (AddressInfo, error) {
	return AddressInfo{Address: address, Confirmed: core.MaxAmount, Txs: 3}, f.err
}

func (f *fakeBackend) AddressCoins(_ context.Context, address, cursor string, limit int) (CoinPage, error) {
	return CoinPage{Coins: []CoinInfo{{TxID: id(4), Index: uint32(limit), Address: address, SpentBy: id(5)}}, Next: cursor + "1"}, f.err
}

func (f *fakeBackend) AddressHistory(_ context.Context, address, cursor string, limit int) (HistoryPage, error) {
	return HistoryPage{Entries: []HistoryEntry{{TxID: id(4), Position: uint32(limit), Block: id(1)}}, Next: cursor + address}, f.err
}

func (f *fakeBackend) WalletView(_ context.Context, q WalletQuery) (WalletView, error) {
	v := WalletView{MinFeeRate: 1000, Coins: []CoinInfo{}, More: true, Next: q.Since + 1,
		Txs: []WalletTx{{TxID: id(4), Raw: "00ff", Height: q.Since, Block: id(1)}}}
	for _, a := range q.Addresses {
		v.Addresses = append(v.Addresses, WalletAddress{Address: a, Used: true, Confirmed: 5})
	}
	return v, f.err
}

// A refusal crosses HTTP with its status, its code as an error of core's, and
// what is missing.
func TestRefusalCrosses(t *testing.T) {
	for _, c := range []struct {
		refusal Refusal
		status  int
	}{
		{Refusal{Code: core.ErrTxSignature, Detail: "input 0"}, http.StatusUnprocessableEntity},
		{Refusal{Code: "pool-fee-low", Detail: "a fee of 1"}, http.StatusUnprocessableEntity},
		{Refusal{Code: core.ErrImmature, Detail: "mined at 7", Later: true}, http.StatusConflict},
		{Refusal{Code: core.ErrMissingCoin, Detail: "spent", Later: true, Missing: []core.Hash{id(1), id(2)}}, http.StatusConflict},
	} {
		client := dial(t, serve(t, &fakeBackend{err: fmt.Errorf("hand in: %w", &c.refusal)}))
		_, err := client.SubmitTx(t.Context(), []byte{1})
		var e *Error
		if !errors.As(err, &e) || e.Status != c.status || e.Code != string(c.refusal.Code) || !slices.Equal(e.Missing, c.refusal.Missing) {
			t.Errorf("%v: got %#v", &c.refusal, err)
		}
		if !errors.Is(err, ErrRefused) || !errors.Is(err, c.refusal.Code) || errors.Is(err, core.ErrTxKey) || errors.Is(err, ErrFailed) {
			t.Errorf("%v: kinds of %v", &c.refusal, err)
		}
		var r *Refusal
		if !errors.As(err, &r) || r.Code != c.refusal.Code || r.Detail != c.refusal.Detail || r.Later != c.refusal.Later || !slices.Equal(r.Missing, c.refusal.Missing) {
			t.Errorf("%v: crossed as %#v", &c.refusal, r)
		}
		if x := (*IndexError)(nil); errors.As(err, &x) {
			t.Errorf("%v: crossed as %v, too", &c.refusal, x)
		}
		if !errors.Is(&c.refusal, ErrRefused) || !errors.Is(&c.refusal, c.refusal.Code) {
			t.Errorf("%v: its own kinds", &c.refusal)
		}
	}
}

// Without an index, the code says why, and when to ask again.
func TestIndexErrorCrosses(t *testing.T) {
	for _, code := range []string{CodeIndexOff, CodeIndexBuilding, CodeIndexBehind, CodeIndexFailed} {
		sent := &IndexError{Code: code, Detail: "at block 5 of 900"}
		if code == CodeIndexBuilding {
			sent.RetryAfter = 3 * time.Second
		}
		client := dial(t, serve(t, &fakeBackend{err: sent}))
		_, err := client.Address(t.Context(), "ingdev1")
		var e *Error
		if !errors.As(err, &e) || e.Status != http.StatusServiceUnavailable || e.Code != code || e.Detail != "at block 5 of 900" || !errors.Is(err, ErrNoIndex) {
			t.Errorf("%s: got %#v", code, err)
		}
		var got *IndexError
		if !errors.As(err, &got) || *got != *sent {
			t.Errorf("%s: crossed as %#v", code, got)
		}
		if r := (*Refusal)(nil); errors.As(err, &r) {
			t.Errorf("%s: crossed as %v, too", code, r)
		}
	}
}

// A server that has no time says when it may have some. Whoever hands in a batch
// is told which payment was refused before any was taken.
func TestWhatIsSaidBesides(t *testing.T) {
	res, p := do(t, serve(t, &fakeBackend{err: fmt.Errorf("mine: %w", &IndexError{Code: CodeIndexBuilding, RetryAfter: 1500 * time.Millisecond})}), request{method: "GET", path: "/v1/fees"})
	if after := res.Header.Get("Retry-After"); after != "2" || p.Code != CodeIndexBuilding {
		t.Errorf("index: after %q, %+v", after, p)
	}
	res, p = do(t, serve(t, &fakeBackend{err: ErrBusy}), request{method: "GET", path: "/v1/fees"})
	if after := res.Header.Get("Retry-After"); after != "1" || p.Code != "busy" {
		t.Errorf("busy: after %q, %+v", after, p)
	}
	res, p = do(t, serve(t, &fakeBackend{err: ErrFailed}), request{method: "GET", path: "/v1/fees"})
	if after := res.Header.Get("Retry-After"); after != "" {
		t.Errorf("failed: after %q, %+v", after, p)
	}
	long := strings.Repeat("0", 2*int(core.Dev().MaxTxBytes)+2)
	_, p = do(t, serve(t, &fakeBackend{}), request{method: "POST", path: "/v1/txs/batch", body: `{"txs":["00","` + long + `"]}`})
	if p.Code != string(core.ErrTxSize) || !strings.Contains(p.Detail, "payment 2 of 2") {
		t.Errorf("batch: %+v", p)
	}
}

// What asks for too much, or for nonsense, is refused before the backend sees it.
func TestTxBounds(t *testing.T) {
	b := &fakeBackend{}
	url := serve(t, b)
	most := int(core.Dev().MaxTxBytes)
	hexOf := func(n int) string { return strings.Repeat("00", n) }
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		code               string
	}{
		"no payment":         {"POST", "/v1/txs", `{}`, 400, "bad-request"},
		"odd digits":         {"POST", "/v1/txs", `{"tx":"abc"}`, 400, "bad-request"},
		"no digits":          {"POST", "/v1/txs", `{"tx":"zz"}`, 400, "bad-request"},
		"largest payment":    {"POST", "/v1/txs", `{"tx":"` + hexOf(most) + `"}`, 200, ""},
		"too large":          {"POST", "/v1/txs", `{"tx":"` + hexOf(most+1) + `"}`, 422, "tx-size"},
		"too large unread":   {"POST", "/v1/txs", `{"tx":"` + strings.Repeat("z", 2*most+1) + `"}`, 422, "tx-size"},
		"empty batch":        {"POST", "/v1/txs/batch", `{"txs":[]}`, 400, "bad-request"},
		"largest batch":      {"POST", "/v1/txs/batch", `{"txs":["00"` + strings.Repeat(`,"00"`, MaxSubmit-1) + `]}`, 200, ""},
		"too many":           {"POST", "/v1/txs/batch", `{"txs":["00"` + strings.Repeat(`,"00"`, MaxSubmit) + `]}`, 400, "bad-request"},
		"one too large":      {"POST", "/v1/txs/batch", `{"txs":["00","` + hexOf(most+1) + `"]}`, 422, "tx-size"},
		"no addresses":       {"POST", "/v1/addresses/query", `{"since":1}`, 400, "bad-request"},
		"most addresses":     {"POST", "/v1/addresses/query", `{"addresses":["a"` + strings.Repeat(`,"a"`, MaxWalletAddresses-1) + `]}`, 200, ""},
		"too many addresses": {"POST", "/v1/addresses/query", `{"addresses":["a"` + strings.Repeat(`,"a"`, MaxWalletAddresses) + `]}`, 400, "bad-request"},
		"negative height":    {"POST", "/v1/addresses/query", `{"addresses":["a"],"since":-1}`, 400, "bad-request"},
		"short txid":         {"GET", "/v1/txs/00ff", "", 400, "bad-request"},
		"unknown txid":       {"GET", "/v1/txs/" + id(1).String(), "", 404, "not-found"},
		"raw of what":        {"GET", "/v1/txs/" + id(4).String() + "?raw=maybe", "", 400, "bad-request"},
		"page too long":      {"GET", "/v1/mempool/txs?limit=1001", "", 400, "bad-request"},
		"after nothing":      {"GET", "/v1/mempool/txs?after=x", "", 400, "bad-request"},
		"coins too long":     {"GET", "/v1/addresses/a/utxos?limit=1001", "", 400, "bad-request"},
		"history too long":   {"GET", "/v1/addresses/a/history?limit=-1", "", 400, "bad-request"},
		"target zero":        {"GET", "/v1/fees?targets=0", "", 400, "bad-request"},
		"target too far":     {"GET", "/v1/fees?targets=1,1009", "", 400, "bad-request"},
		"most targets":       {"GET", "/v1/fees?targets=1" + strings.Repeat(",1008", MaxFeeTargets-1), "", 200, ""},
		"too many targets":   {"GET", "/v1/fees?targets=1" + strings.Repeat(",1", MaxFeeTargets), "", 400, "bad-request"},
	} {
		before := len(b.changes())
		res, p := do(t, url, request{method: c.method, path: c.path, body: c.body})
		if res.StatusCode != c.status || p.Code != c.code {
			t.Errorf("%s: %d %+v, want %d %q", name, res.StatusCode, p, c.status, c.code)
		}
		if reached := len(b.changes()) > before; reached && c.status != 200 {
			t.Errorf("%s: reached the node", name)
		}
	}
}

// A body longer than any may be is refused by its length.
func TestBodiesTooLong(t *testing.T) {
	for path, body := range map[string]string{
		"/v1/txs":             `{"tx":"` + strings.Repeat("0", maxBodyBytes) + `"}`,
		"/v1/txs/batch":       `{"txs":["` + strings.Repeat("0", maxBatchBytes) + `"]}`,
		"/v1/addresses/query": `{"addresses":["` + strings.Repeat("a", maxWalletBytes) + `"]}`,
	} {
		b := &fakeBackend{}
		w := handle(t, b, http.MethodPost, path, "", "application/json", []byte(body))
		if w.Code != http.StatusRequestEntityTooLarge || len(b.changes()) != 0 {
			t.Errorf("%s: got %d, %q", path, w.Code, b.changes())
		}
	}
}

// A client cuts what is too long for one request, and keeps the order.
func TestClientCutsBatches(t *testing.T) {
	b := &fakeBackend{}
	c := dial(t, serve(t, b))
	most := int(core.Dev().MaxTxBytes)
	raws := make([][]byte, 2*maxBatchBytes/(2*most))
	for i := range raws {
		raws[i] = make([]byte, most)
		raws[i][0] = byte(i)
	}
	got, err := c.SubmitTxs(t.Context(), raws)
	calls := b.changes()
	if err != nil || len(calls) != 3 || len(got) != 2*len(calls) {
		t.Fatalf("%d outcomes of %d calls, %v", len(got), len(calls), err)
	}
	next := 0
	for _, call := range calls {
		for _, word := range strings.Fields(strings.Trim(strings.TrimPrefix(call, "submit "), "[]")) {
			if want := fmt.Sprintf("%02x", next); !strings.HasPrefix(word, want) || len(word) != 2*most {
				t.Fatalf("payment %d begins with %.4s", next, word)
			}
			next++
		}
	}
	if next != len(raws) {
		t.Errorf("%d payments of %d", next, len(raws))
	}
	if _, err := c.SubmitTxs(t.Context(), make([][]byte, MaxSubmit+1)); !errors.Is(err, ErrBadRequest) {
		t.Errorf("too many: %v", err)
	}
	if _, err := c.SubmitTxs(t.Context(), nil); !errors.Is(err, ErrBadRequest) {
		t.Errorf("none: %v", err)
	}
}

// stuckBackend answers wallets when released.
type stuckBackend struct {
	fakeBackend
	asked   chan struct{}
	release chan struct{}
}

func (b *stuckBackend) WalletView(ctx context.Context, q WalletQuery) (WalletView, error) {
	b.asked <- struct{}{}
	select {
	case <-b.release:
		return b.fakeBackend.WalletView(ctx, q)
	case <-ctx.Done():
		return WalletView{}, ctx.Err()
	}
}

// However many large requests come at once, some are worked at, some wait, and the
// rest is told to come again, so that others get through.
func TestBulkFlood(t *testing.T) {
	b := &stuckBackend{asked: make(chan struct{}, maxBulk+maxBulkWaiting), release: make(chan struct{})}
	url := serve(t, b)
	client := dial(t, url)
	const refused = 100
	ended := make(chan error)
	ask := func() {
		_, err := client.WalletView(t.Context(), WalletQuery{Addresses: []string{"a"}})
		ended <- err
	}
	for range maxBulk {
		go ask()
		<-b.asked
	}
	for range maxBulkWaiting + refused {
		go ask()
	}
	for range refused {
		var e *Error
		if err := <-ended; !errors.Is(err, ErrBusy) || !errors.As(err, &e) || e.RetryAfter == 0 {
			t.Fatalf("one too many: %v", err)
		}
	}
	if _, err := client.Status(t.Context()); err != nil {
		t.Errorf("status meanwhile: %v", err)
	}
	close(b.release)
	for range maxBulk + maxBulkWaiting {
		if err := <-ended; err != nil {
			t.Errorf("one that waited: %v", err)
		}
	}
}

// Large requests beyond the limit wait for a place, and take it.
func TestBulkWaits(t *testing.T) {
	places := make(slots, 1)
	if !places.wait(t.Context()) {
		t.Fatal("no place among none")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if places.wait(ended) {
		t.Error("a place where all are taken")
	}
	got := make(chan bool)
	go func() { got <- places.wait(t.Context()) }()
	places.give()
	if !<-got {
		t.Error("who waits gets no place")
	}
}
