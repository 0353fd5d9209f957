package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
)

// lie is an answer that a node's front makes of the honest one to a path.
type lie struct {
	path string
	tell func(answer []byte) ([]byte, error)
}

// about returns a lie over answers of a type.
func about[T any](path string, change func(*T)) *lie {
	return &lie{path, func(answer []byte) ([]byte, error) {
		var v T
		if err := json.Unmarshal(answer, &v); err != nil {
			return nil, err
		}
		change(&v)
		return json.Marshal(v)
	}}
}

const (
	walletViewPath = "/v1/addresses/query"
	feesPath       = "/v1/fees"
)

func (n *troubled) answer(r *http.Response) error {
	lies := n.lies.Load()
	if lies == nil || r.StatusCode != http.StatusOK {
		return nil
	}
	i := slices.IndexFunc(*lies, func(l *lie) bool { return l.path == r.Request.URL.Path })
	if i < 0 {
		return nil
	}
	honest, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	told, err := (*lies)[i].tell(honest)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(told))
	r.ContentLength = int64(len(told))
	r.Header.Set("Content-Length", fmt.Sprint(len(told)))
	return nil
}

// Whatever a node says of coins and fees, the wallet signs no payment that costs
// more than its owner could expect: a fee is signed and must be what inputs leave
// after outputs, and one that looks like a mistake is refused.
func TestSendToALyingNode(t *testing.T) {
	b := newBank(t)
	values := func(change func(core.Amount) core.Amount) *lie {
		return about(walletViewPath, func(v *api.WalletView) {
			for i := range v.Coins {
				v.Coins[i].Value = change(v.Coins[i].Value)
			}
		})
	}
	for name, c := range map[string]struct {
		lie  *lie
		said string
	}{
		"coins worth more":               {values(func(v core.Amount) core.Amount { return 2 * v }), "its coins are free again"},
		"coins worth less":               {values(func(v core.Amount) core.Amount { return v/2 + 1 }), "its coins are free again"},
		"coins worth more than there is": {values(func(core.Amount) core.Amount { return core.MaxAmount + 1 }), ""},
		"coins that are not there": {about(walletViewPath, func(v *api.WalletView) {
			for i := range v.Coins {
				v.Coins[i].TxID[0] ^= 1
			}
		}), ""},
		"somebody's coins for ours": {about(walletViewPath, func(v *api.WalletView) {
			for i := range v.Coins {
				v.Coins[i].Address = b.to
			}
		}), "too little money"},
		"a least fee rate":      {about(walletViewPath, func(v *api.WalletView) { v.MinFeeRate = 1_000_000_000 }), "looks like a mistake"},
		"all money as fee rate": {about(walletViewPath, func(v *api.WalletView) { v.MinFeeRate = 1<<64 - 1 }), "too little money"},
		"an estimate": {about(feesPath, func(f *api.Fees) {
			f.Estimates = []api.FeeEstimate{{Blocks: 3, FeeRate: 1_000_000_000}}
		}), "looks like a mistake"},
	} {
		b.node.lies.Store(&[]*lie{c.lie})
		id := strings.ReplaceAll(name, " ", "-")
		_, said := b.send(healthy, id, exitFailed)
		if !strings.Contains(said, c.said) || b.pool() != 0 {
			t.Errorf("%s: pool %d; it said %s", name, b.pool(), said)
		}
	}
}

// An answer without an end is not waited for.
func TestCoinsWithoutEnd(t *testing.T) {
	b := newBank(t)
	st, err := b.store.State()
	if err != nil {
		t.Fatal(err)
	}
	own, _ := st.Current(0)
	address := own.Address.Encode(b.c.Params().AddressPrefix)
	b.node.lies.Store(&[]*lie{
		about(walletViewPath, func(v *api.WalletView) { v.CoinsMore = true }),
		about("/v1/addresses/"+address+"/utxos", func(p *api.CoinPage) { p.Coins, p.Next = nil, "on" }),
	})
	_, said := b.send(healthy, "endless", exitFailed)
	if !strings.Contains(said, "does not end") {
		t.Errorf("it said %s", said)
	}
}

// A wallet without keys pays change to none but its own addresses.
func TestAWatchingWalletBelievesNoCoinsOfOthers(t *testing.T) {
	b := newBank(t)
	mine, err := b.store.State()
	if err != nil {
		t.Fatal(err)
	}
	own, _ := mine.Current(0)
	prefix := b.c.Params().AddressPrefix
	watching := filepath.Join(t.TempDir(), "watching")
	rules, err := core.NewRules(b.c.Params())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(watching, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := node.BindNetwork(watching, rules); err != nil {
		t.Fatal(err)
	}
	endpoint, err := os.ReadFile(filepath.Join(b.dir, "api.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(watching, "api.json"), endpoint, 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "wallet", "watch", own.Address.Encode(prefix), "--data-dir", watching).ends(0)

	thief := core.Address{Hash: [20]byte{2}}.Encode(prefix)
	b.node.lies.Store(&[]*lie{about(walletViewPath, func(v *api.WalletView) {
		bait := v.Coins[0]
		bait.TxID[0] ^= 1
		bait.Address, bait.Value, bait.Pending = thief, 1000*core.GrainsPerING, true
		v.Coins = append(v.Coins, bait)
	})})
	draft := filepath.Join(watching, "draft.json")
	start(t, "wallet", "send", b.to, "1", "--draft", draft, "--data-dir", watching).ends(0)
	written, err := os.ReadFile(draft)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(written, []byte(thief)) {
		t.Errorf("%s", written)
	}
}
