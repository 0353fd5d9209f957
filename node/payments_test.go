package node_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
)

// A payment goes from the pool into a block, back by a reorganisation, and in
// again; every question tells it right at every step.
func TestPaymentThereAndBack(t *testing.T) {
	p := testParams(t)
	n, _ := start(t, testConfig(t, p))
	alice, bob, miner := newPurse(p, "alice"), newPurse(p, "bob"), newPurse(p, "miner")
	subsidy := p.SubsidyAt(1)
	mine(t, n, 1, alice)
	coins := spendable(t, n, alice)
	if len(coins) != 1 || coins[0].Value != subsidy || !coins[0].Coinbase || coins[0].Height != 1 || coins[0].Pending {
		t.Fatalf("coins %+v", coins)
	}
	raw := alice.pay(t, coins, bob.owner, 1000, 500)
	a, err := n.SubmitTx(t.Context(), raw)
	if err != nil || a.Status != api.StatusAccepted || a.Fee != 500 || a.Size != len(raw) || a.FeeRate != core.Amount(500*1000/len(raw)) || len(a.Replaced) != 0 {
		t.Fatalf("accepted %+v, %v", a, err)
	}
	pending := func() {
		t.Helper()
		d := lookUp(t, n, a.TxID)
		if d.Status != api.StatusPending || d.Block != nil || d.Confirmations != 0 || d.Pending == nil || d.Pending.PackageFee != 500 ||
			d.Raw != hex.EncodeToString(raw) || d.Inputs[0].Value != subsidy || d.Inputs[0].Address != alice.String() {
			t.Errorf("pending: %+v", d)
		}
		if h := history(t, n, bob); len(h) != 1 || !h[0].Pending || h[0].TxID != a.TxID || h[0].Received != 1000 || h[0].Sent != 0 || h[0].Confirmations != 0 {
			t.Errorf("bob's history %+v", h)
		}
		if h := history(t, n, alice); len(h) != 2 || !h[0].Pending || h[0].Sent != subsidy || h[0].Received != subsidy-1500 || !h[1].Coinbase {
			t.Errorf("alice's history %+v", h)
		}
		if b := balance(t, n, alice); b.Confirmed != subsidy || b.PendingOut != subsidy || b.PendingIn != subsidy-1500 || b.PendingTxs != 1 || b.Txs != 1 {
			t.Errorf("alice has %+v", b)
		}
		page, err := n.AddressCoins(t.Context(), alice.String(), "", 0)
		if err != nil || len(page.Coins) != 2 || !page.Coins[0].Pending || page.Coins[1].SpentBy != a.TxID || page.Next != "" {
			t.Errorf("alice's coins %+v, %v", page, err)
		}
		v := view(t, n, 0, alice, bob)
		if len(v.Coins) != 3 || len(v.Txs) != 2 || !v.Txs[0].Pending || v.Txs[0].Raw != hex.EncodeToString(raw) || v.More || !v.Addresses[1].Used || v.Addresses[1].PendingIn != 1000 {
			t.Errorf("view %+v", v)
		}
		m, err := n.Mempool(t.Context())
		if err != nil || m.Count != 1 || m.Bytes != len(raw) || m.Fees != 500 || len(m.Histogram) != 1 || m.MinFeeRate != mempool.DefaultMinFeeRate {
			t.Errorf("pool %+v, %v", m, err)
		}
		txs, err := n.MempoolTxs(t.Context(), 0, 10)
		if err != nil || len(txs) != 1 || txs[0].TxID != a.TxID || txs[0].Seq != m.LastSeq {
			t.Errorf("pool's list %+v, %v", txs, err)
		}
	}
	pending()
	if s, err := n.Status(t.Context()); err != nil || s.Mempool.Count != 1 || s.Mempool.Bytes != len(raw) || !s.Index.Enabled || s.Index.Building || s.Index.Height != 1 {
		t.Errorf("status %+v, %v", s, err)
	}
	if again, err := n.SubmitTx(t.Context(), raw); err != nil || again.Status != api.StatusKnown {
		t.Errorf("again: %+v, %v", again, err)
	}

	mine(t, n, 1, miner)
	confirmed := func() {
		t.Helper()
		d := lookUp(t, n, a.TxID)
		if d.Status != api.StatusConfirmed || d.Block == nil || d.Block.Height != 2 || d.Block.Position != 1 || d.Confirmations != 1 || d.Pending != nil ||
			d.Inputs[0].Value != subsidy || d.Inputs[0].Address != alice.String() || d.Raw != hex.EncodeToString(raw) {
			t.Errorf("confirmed: %+v", d)
		}
		if h := history(t, n, bob); len(h) != 1 || h[0].Pending || h[0].Height != 2 || h[0].Confirmations != 1 || h[0].Block != d.Block.ID || h[0].Time != d.Block.Time {
			t.Errorf("bob's history %+v", h)
		}
		if b := balance(t, n, miner); b.Confirmed != subsidy+500 {
			t.Errorf("the miner has %+v", b)
		}
		if d := lookUp(t, n, coins[0].TxID); !d.Coinbase || d.Outputs[0].SpentBy != a.TxID || d.Confirmations != 2 {
			t.Errorf("the coinbase: %+v", d)
		}
		if again, err := n.SubmitTx(t.Context(), raw); err != nil || again.Status != api.StatusKnown {
			t.Errorf("again: %+v, %v", again, err)
		}
		if m, err := n.Mempool(t.Context()); err != nil || m.Count != 0 || m.Tip.Height != 2 {
			t.Errorf("pool %+v, %v", m, err)
		}
	}
	confirmed()

	block := lookUp(t, n, a.TxID).Block.ID
	if _, err := n.Invalidate(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	pending()
	if _, err := n.Reconsider(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	confirmed()
}

// What cannot be taken is refused with a code, and what is missing is named.
func TestRefusedPayments(t *testing.T) {
	p := testParams(t)
	n, _ := start(t, testConfig(t, p))
	alice, bob := newPurse(p, "alice"), newPurse(p, "bob")
	mine(t, n, 2, alice)
	coins := spendable(t, n, alice)
	good := alice.pay(t, coins[:1], bob.owner, 1000, 5000)
	parent, err := core.ParseTransaction(alice.pay(t, coins[1:], bob.owner, 2000, 5000))
	if err != nil {
		t.Fatal(err)
	}
	child := bob.pay(t, []api.CoinInfo{{TxID: parent.ID(), Value: 2000, Address: bob.String()}}, alice.owner, 500, 1500)
	submit(t, n, good)
	wrong := slices.Clone(good)
	wrong[len(wrong)-1] ^= 1
	forged := slices.Clone(alice.pay(t, coins[1:], bob.owner, 1, 5000))
	forged[len(forged)-1] ^= 1
	for name, c := range map[string]struct {
		raw     []byte
		code    core.Code
		later   bool
		missing []core.Hash
	}{
		"nothing":          {[]byte{}, core.ErrTxMalformed, false, nil},
		"noise":            {[]byte("noise"), core.ErrTxMalformed, false, nil},
		"a byte more":      {append(slices.Clone(good), 0), core.ErrTxMalformed, false, nil},
		"too large":        {make([]byte, p.MaxTxBytes+1), core.ErrTxSize, false, nil},
		"a bad signature":  {forged, core.ErrTxSignature, false, nil},
		"another's coin":   {bob.pay(t, []api.CoinInfo{{TxID: coins[1].TxID, Value: coins[1].Value, Address: bob.String()}}, bob.owner, 1, 5000), core.ErrOwner, false, nil},
		"a low fee":        {alice.pay(t, coins[1:], bob.owner, 1, 1), mempool.ErrFeeLow, false, nil},
		"a double payment": {alice.pay(t, coins[:1], bob.owner, 1001, 5000), mempool.ErrReplaceFee, false, nil},
		"an orphan":        {child, core.ErrMissingCoin, true, []core.Hash{parent.ID()}},
	} {
		_, err := n.SubmitTx(t.Context(), c.raw)
		var r *api.Refusal
		if !errors.As(err, &r) || r.Code != c.code || r.Later != c.later || !slices.Equal(r.Missing, c.missing) {
			t.Errorf("%s: %#v", name, err)
		}
	}
	// With other witnesses it is the payment that the pool has.
	if a, err := n.SubmitTx(t.Context(), wrong); err != nil || a.Status != api.StatusKnown {
		t.Errorf("a known one: %+v, %v", a, err)
	}
	if d := lookUp(t, n, mustParse(t, child).ID()); d.Status != api.StatusOrphan || d.Raw != hex.EncodeToString(child) || d.Fee != 1500 || d.Size != len(child) ||
		d.Pending == nil || d.Pending.Time == 0 || !slices.Equal(d.Pending.Missing, []core.Hash{parent.ID()}) || d.Outputs[0].Value != 500 || d.Inputs[0].Value != 0 {
		t.Errorf("the orphan: %+v", d)
	}
	half := mustParse(t, alice.pay(t, []api.CoinInfo{coins[1], {TxID: core.Hash{7}, Value: 7, Address: alice.String()}}, bob.owner, 500, 1500))
	if _, err := n.SubmitTx(t.Context(), half.AppendTo(nil)); !errors.Is(err, core.ErrMissingCoin) {
		t.Errorf("half an orphan: %v", err)
	}
	if d := lookUp(t, n, half.ID()); d.Status != api.StatusOrphan || d.Inputs[0].Value != coins[1].Value || d.Inputs[0].Address != alice.String() || d.Inputs[1].Value != 0 {
		t.Errorf("half an orphan: %+v", d)
	}
	if _, err := n.Tx(t.Context(), core.Hash{1}, false); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("no such transaction: %v", err)
	}
	// The coin is gone with the next block: who has it, is said.
	mine(t, n, 1, alice)
	_, err = n.SubmitTx(t.Context(), alice.pay(t, coins[:1], bob.owner, 77, 50_000))
	var r *api.Refusal
	want := fmt.Sprintf("coin %s:0 was spent by %s in block 3", coins[0].TxID, mustParse(t, good).ID())
	if !errors.As(err, &r) || r.Code != core.ErrMissingCoin || !r.Later || r.Detail != want {
		t.Errorf("a spent coin: %#v, want %q", err, want)
	}
}

func mustParse(t *testing.T, raw []byte) *core.Transaction {
	t.Helper()
	tx, err := core.ParseTransaction(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// A replaced payment says what took its place.
func TestReplacedPayment(t *testing.T) {
	p := testParams(t)
	n, _ := start(t, testConfig(t, p))
	alice, bob := newPurse(p, "alice"), newPurse(p, "bob")
	mine(t, n, 1, alice)
	coins := spendable(t, n, alice)
	first := submit(t, n, alice.pay(t, coins, bob.owner, 1000, 1000))
	a, err := n.SubmitTx(t.Context(), alice.pay(t, coins, bob.owner, 1000, 10_000))
	if err != nil || len(a.Replaced) != 1 || a.Replaced[0] != first {
		t.Fatalf("the second: %+v, %v", a, err)
	}
	d := lookUp(t, n, first)
	if d.Status != api.StatusGone || d.Gone == nil || d.Gone.Reason != string(mempool.Replaced) || d.Gone.By != a.TxID || d.Gone.At == 0 {
		t.Errorf("the first: %+v", d)
	}
}

// A batch says of each payment what became of it, in their order.
func TestSubmitBatch(t *testing.T) {
	p := testParams(t)
	n, _ := start(t, testConfig(t, p))
	alice, bob := newPurse(p, "alice"), newPurse(p, "bob")
	mine(t, n, 1, alice)
	coins := spendable(t, n, alice)
	first := alice.pay(t, coins, bob.owner, 10_000, 1000)
	second := bob.pay(t, []api.CoinInfo{{TxID: mustParse(t, first).ID(), Value: 10_000, Address: bob.String()}}, alice.owner, 5000, 5000)
	lost := bob.pay(t, []api.CoinInfo{{TxID: core.Hash{7}, Value: 10_000, Address: bob.String()}}, alice.owner, 5000, 5000)
	got, err := n.SubmitTxs(t.Context(), [][]byte{{1, 2, 3}, first, first, second, lost})
	if err != nil || len(got) != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i, want := range []api.TxOutcome{
		{Status: api.StatusRefused, Code: core.ErrTxMalformed},
		{Status: api.StatusAccepted, TxID: mustParse(t, first).ID()},
		{Status: api.StatusKnown, TxID: mustParse(t, first).ID()},
		{Status: api.StatusAccepted, TxID: mustParse(t, second).ID()},
		{Status: api.StatusRefused, TxID: mustParse(t, lost).ID(), Code: core.ErrMissingCoin, Missing: []core.Hash{{7}}},
	} {
		g := got[i]
		if g.Status != want.Status || g.TxID != want.TxID || g.Code != want.Code || !slices.Equal(g.Missing, want.Missing) {
			t.Errorf("%d: %+v, want %+v", i, g, want)
		}
	}
	if d := lookUp(t, n, got[3].TxID); d.Pending == nil || d.Pending.Ancestors != 1 || d.Pending.PackageFee != 6000 {
		t.Errorf("the second: %+v", d)
	}
	if d := lookUp(t, n, got[1].TxID); d.Pending.Descendants != 1 || d.Outputs[0].SpentBy != got[3].TxID {
		t.Errorf("the first: %+v", d)
	}
	for _, raws := range [][][]byte{nil, make([][]byte, api.MaxSubmit+1)} {
		if _, err := n.SubmitTxs(t.Context(), raws); !errors.Is(err, api.ErrBadRequest) {
			t.Errorf("%d payments: %v", len(raws), err)
		}
	}
}

// What was acknowledged is there after a restart.
func TestRestartKeepsPayments(t *testing.T) {
	p := testParams(t)
	cfg := testConfig(t, p)
	n, stop := start(t, cfg)
	alice, bob := newPurse(p, "alice"), newPurse(p, "bob")
	mine(t, n, 3, alice)
	var ids []core.Hash
	for _, c := range spendable(t, n, alice) {
		ids = append(ids, submit(t, n, alice.pay(t, []api.CoinInfo{c}, bob.owner, 1000, 1000)))
	}
	stop()
	n, stop = start(t, cfg)
	for _, id := range ids {
		if d := lookUp(t, n, id); d.Status != api.StatusPending {
			t.Errorf("%s is %s", id, d.Status)
		}
	}
	mine(t, n, 1, alice)
	stop()
	n, _ = start(t, cfg)
	for _, id := range ids {
		if d := lookUp(t, n, id); d.Status != api.StatusConfirmed {
			t.Errorf("%s is %s", id, d.Status)
		}
	}
	if m, err := n.Mempool(t.Context()); err != nil || m.Count != 0 || len(ids) != 3 {
		t.Errorf("pool %+v, %v", m, err)
	}
}

// Estimates are for what was asked, and no lower than what comes in.
func TestFees(t *testing.T) {
	cfg := testConfig(t, testParams(t))
	cfg.MinFeeRate, cfg.PoolBytes = 2500, 5<<20
	n, _ := start(t, cfg)
	f, err := n.Fees(t.Context(), []int{6, 1})
	if err != nil || f.MinFeeRate != 2500 || len(f.Estimates) != 2 || f.Estimates[0] != (api.FeeEstimate{Blocks: 6, FeeRate: 2500}) || f.Estimates[1].Blocks != 1 {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := n.Fees(t.Context(), nil); err != nil || len(f.Estimates) == 0 {
		t.Errorf("of no target: %+v, %v", f, err)
	}
	for _, bad := range [][]int{{0}, {api.MaxFeeTarget + 1}, {-1}, make([]int, api.MaxFeeTargets+1)} {
		if _, err := n.Fees(t.Context(), bad); !errors.Is(err, api.ErrBadRequest) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if m, err := n.Mempool(t.Context()); err != nil || m.MaxMemory != 5<<20/4*3 {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range []func(*node.Config){func(c *node.Config) { c.PoolBytes = -1 }, func(c *node.Config) { c.MinFeeRate = 1 << 62 }} {
		cfg := testConfig(t, testParams(t))
		bad(&cfg)
		if _, err := node.New(t.Context(), cfg); !errors.Is(err, api.ErrBadRequest) || !errors.Is(err, mempool.ErrPolicy) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// Two nodes: what one is given, the other shows, and whoever mines confirms.
func TestPaymentReachesTheOther(t *testing.T) {
	p := testParams(t)
	a, _ := start(t, testConfig(t, p))
	b, _ := start(t, testConfig(t, p))
	alice, bob := newPurse(p, "alice"), newPurse(p, "bob")
	connect(t, a, b)
	mine(t, a, 1, alice)
	agree(t, a, b)
	id := submit(t, a, alice.pay(t, spendable(t, a, alice), bob.owner, 1000, 1000))
	eventually(t, 10*time.Second, func() error {
		d, err := b.Tx(t.Context(), id, false)
		if err == nil && d.Status != api.StatusPending {
			err = fmt.Errorf("it is %s", d.Status)
		}
		return err
	})
	mine(t, b, 1, bob)
	agree(t, a, b)
	if d := lookUp(t, a, id); d.Status != api.StatusConfirmed {
		t.Errorf("%+v", d)
	}
}

func hexBytes(s string) ([]byte, error) { return hex.DecodeString(s) }

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := hexBytes(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
