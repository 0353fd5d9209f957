package wallet_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/internal/fuzzing"
	"github.com/ingchain/ingchain/wallet"
)

// ownCoin is a coin of a key of the account.
func ownCoin(t testing.TB, a wallet.Account, n int, value core.Amount, index uint32) wallet.Coin {
	c := coin(n, value, "")
	k := keyAt(t, a, wallet.Receive, index)
	p := k.Path()
	c.Address, c.Path = k.Address(), &p
	return c
}

// keysOf finds the first keys of accounts by address.
func keysOf(t testing.TB, accounts ...wallet.Account) func(core.Address) (wallet.Key, bool) {
	keys := map[core.Address]wallet.Key{}
	for _, a := range accounts {
		for i := range uint32(5) {
			k := keyAt(t, a, wallet.Receive, i)
			keys[k.Address()] = k
		}
	}
	return func(a core.Address) (wallet.Key, bool) { k, ok := keys[a]; return k, ok }
}

// twoOwnersDraft spends two coins of account 0 and one of account 1.
func twoOwnersDraft(t testing.TB, rules *core.Rules) (*wallet.Draft, wallet.Account, wallet.Account) {
	t.Helper()
	alice, bob := testAccount(t, 0), testAccount(t, 1)
	coins := []wallet.Coin{ownCoin(t, alice, 1, 2*ing, 0), ownCoin(t, bob, 2, 3*ing, 1), ownCoin(t, alice, 3, ing, 0)}
	p := payment(5*ing, ing/2)
	p.Data = []byte("rent")
	d, err := wallet.Pay(wallet.Terms{Rules: rules, Height: 100, FeeRate: 1000}, coins, p)
	if err != nil {
		t.Fatal(err)
	}
	return d, alice, bob
}

func TestDraftOfSeveralOwners(t *testing.T) {
	rules := testRules(t, nil)
	d, alice, bob := twoOwnersDraft(t, rules)
	id, size := d.TxID(), d.Size()
	if len(d.Missing()) != 2 {
		t.Fatalf("%d owners", len(d.Missing()))
	}
	if _, err := d.Transaction(rules); !errors.Is(err, wallet.ErrUnsigned) {
		t.Errorf("an unsigned transaction: %v", err)
	}
	sign := func(a wallet.Account) *wallet.Draft {
		part, err := wallet.ParseDraft(d.Encode(), rules)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := part.Sign(keysOf(t, a)); n != 1 || err != nil {
			t.Fatalf("%d signatures, %v", n, err)
		}
		if n, err := part.Sign(keysOf(t, a)); n != 0 || err != nil {
			t.Fatalf("signs twice: %d, %v", n, err)
		}
		part, err = wallet.ParseDraft(part.Encode(), rules)
		if err != nil {
			t.Fatal(err)
		}
		return part
	}
	a, b := sign(alice), sign(bob)
	if len(a.Missing()) != 1 || len(a.Summary().Missing) != 1 {
		t.Errorf("missing %v", a.Missing())
	}
	if _, err := a.Transaction(rules); !errors.Is(err, wallet.ErrUnsigned) {
		t.Errorf("half signed: %v", err)
	}
	for _, order := range [][]*wallet.Draft{{a, b}, {b, a}, {d, b, a, a}} {
		whole, err := wallet.Combine(order[0], order[1:]...)
		if err != nil {
			t.Fatal(err)
		}
		tx, err := whole.Transaction(rules)
		if err != nil {
			t.Fatal(err)
		}
		if tx.ID() != id || len(tx.AppendTo(nil)) != size {
			t.Errorf("txid or size differ from what the draft said")
		}
		if err := rules.CheckTx(tx); err != nil {
			t.Error(err)
		}
	}
	other, err := wallet.Pay(terms(t), []wallet.Coin{coin(3, 2*ing, "x")}, payment(ing))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wallet.Combine(d, other); !errors.Is(err, wallet.ErrDraftDiffers) {
		t.Errorf("combines different payments: %v", err)
	}
	lied, err := wallet.Combine(d)
	if err != nil {
		t.Fatal(err)
	}
	lied.Inputs = slices.Clone(d.Inputs)
	lied.Inputs[0].Value++ // which the txid does not tell
	if _, err := wallet.Combine(d, lied); !errors.Is(err, wallet.ErrDraftDiffers) {
		t.Errorf("combines drafts that differ in what inputs are worth: %v", err)
	}
	lied.Inputs[0].Value = 1<<63 + lied.Inputs[0].Value - 1
	lied.Inputs[1].Value += 1 << 63
	if err := lied.Check(rules); !errors.Is(err, wallet.ErrDraft) {
		t.Errorf("inputs whose sum wraps around: %v", err)
	}
	if _, err := d.Sign(func(core.Address) (wallet.Key, bool) { return keyAt(t, alice, wallet.Change, 9), true }); err == nil {
		t.Error("signs with another address' key")
	}
}

// TestDraftConnects: what the wallet signs is a transaction that a chain takes.
func TestDraftConnects(t *testing.T) {
	c := coretest.New(t, nil)
	alice := testAccount(t, 0)
	key := keyAt(t, alice, wallet.Receive, 0)
	b1 := c.Next("b1", coretest.Genesis, func(d *coretest.Draft) {
		for i := range d.Txs[0].Outputs {
			d.Txs[0].Outputs[i].Address = key.Address()
		}
	})
	var coins []wallet.Coin
	for _, coin := range b1.Coins {
		coins = append(coins, wallet.Coin{Coin: coin})
	}
	d, err := wallet.Pay(wallet.Terms{Rules: c.Rules, Height: 1, FeeRate: 1000}, coins, payment(ing))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Sign(keysOf(t, alice)); err != nil {
		t.Fatal(err)
	}
	tx, err := d.Transaction(c.Rules)
	if err != nil {
		t.Fatal(err)
	}
	if b2 := c.Next("b2", "b1", func(d *coretest.Draft) { d.Txs = append(d.Txs, *tx) }); b2.Err != nil {
		t.Error(b2.Err)
	}
}

func TestDraftText(t *testing.T) {
	rules := testRules(t, nil)
	d, alice, _ := twoOwnersDraft(t, rules)
	if _, err := d.Sign(keysOf(t, alice)); err != nil {
		t.Fatal(err)
	}
	text := d.Encode()
	if again, err := wallet.ParseDraft([]byte(" \n"+strings.ReplaceAll(string(text), ",", ",\n ")+"\n"), rules); err != nil || !bytes.Equal(again.Encode(), text) {
		t.Fatalf("with white space: %v", err)
	}
	for n := range len(text) {
		if _, err := wallet.ParseDraft(text[:n], rules); err == nil {
			t.Fatalf("%d of %d bytes parse", n, len(text))
		}
	}
	sub := func(old, new string) string {
		t.Helper()
		if !strings.Contains(string(text), old) {
			t.Fatalf("the draft has no %s: %s", old, text)
		}
		return strings.Replace(string(text), old, new, 1)
	}
	good := d.Signatures[0]
	otherNet := testRules(t, func(p *core.Params) { p.Salt[0] = 1 })
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"another version":                {sub(`"ingchain_draft":1`, `"ingchain_draft":2`), wallet.ErrDraft},
		"another genesis":                {strings.Replace(string(text), rules.GenesisID().String(), otherNet.GenesisID().String(), 1), wallet.ErrDraftNetwork},
		"another name":                   {sub(`"network":"lan"`, `"network":"dev"`), wallet.ErrDraft},
		"an unknown key":                 {sub(`"fee"`, `"tip":1,"fee"`), wallet.ErrDraft},
		"a key twice":                    {sub(`"network":"lan"`, `"network":"lan","network":"lan"`), wallet.ErrDraft},
		"a key in other case":            {sub(`"network"`, `"Network"`), wallet.ErrDraft},
		"keys out of order":              {sub(`"value":300000000,"address"`, `"address"`), wallet.ErrDraft},
		"a fee that is not what is left": {sub(`"fee":`, `"fee":1`), wallet.ErrDraft},
		"a value of more":                {sub(`"value":300000000`, `"value":300000001`), wallet.ErrDraft},
		"a negative value":               {sub(`"value":300000000`, `"value":-300000000`), wallet.ErrDraft},
		"a value above all":              {sub(`"value":300000000`, `"value":9007199254740992`), wallet.ErrDraft},
		"a fraction":                     {sub(`"value":300000000`, `"value":300000000.5`), wallet.ErrDraft},
		"an exponent":                    {sub(`"value":300000000`, `"value":3e8`), wallet.ErrDraft},
		"an address of another network":  {sub(d.Inputs[0].Address.Encode("ing"), d.Inputs[0].Address.Encode("ingd")), wallet.ErrDraft},
		"a path elsewhere":               {sub(`m/44'/4804167'`, `m/44'/0'`), wallet.ErrDraft},
		"data altered":                   {sub(`"data":"72656e74"`, `"data":"72656e75"`), wallet.ErrDraftSignature},
		"data in upper case":             {sub(`"data":"72656e74"`, `"data":"72656E74"`), wallet.ErrDraft},
		"no data":                        {sub(`"data":"72656e74"`, `"data":""`), wallet.ErrDraft},
		"a signature cut":                {sub(`"signature":"`+hexOf(good.Signature[:1]), `"signature":"`), wallet.ErrDraft},
		"a signature altered":            {sub(`"signature":"`+hexOf(good.Signature[:1]), `"signature":"`+hexOf([]byte{good.Signature[0] ^ 1})), wallet.ErrDraftSignature},
		"a stranger's key":               {sub(`"public_key":"`+hexOf(good.PublicKey[:1]), `"public_key":"`+hexOf([]byte{good.PublicKey[0] ^ 1})), wallet.ErrDraftSignature},
		"a signature twice":              {sub(`"signatures":[`, `"signatures":[{"public_key":"`+hexOf(good.PublicKey[:])+`","signature":"`+hexOf(good.Signature[:])+`"},`), wallet.ErrDraft},
		"two texts":                      {string(text) + string(text), wallet.ErrDraft},
		"nothing":                        {"", wallet.ErrDraft},
		"null":                           {"null", wallet.ErrDraft},
	} {
		if _, err := wallet.ParseDraft([]byte(c.text), rules); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := wallet.ParseDraft(text, otherNet); !errors.Is(err, wallet.ErrDraftNetwork) || !strings.Contains(err.Error(), "lan") {
		t.Errorf("on another network: %v", err)
	}
	if _, err := wallet.ParseDraft(make([]byte, wallet.MaxDraftSize+1), rules); !errors.Is(err, wallet.ErrDraft) {
		t.Errorf("a huge text: %v", err)
	}
}

func TestMarkKeepsOnlyOurOwn(t *testing.T) {
	rules := testRules(t, nil)
	d, _, _ := twoOwnersDraft(t, rules)
	for i := range d.Outputs {
		d.Outputs[i].Change = true // as somebody might who wants his output overlooked
	}
	mine := d.Inputs[0].Address
	d.Mark(func(a core.Address) (wallet.Path, bool) {
		return wallet.Path{Branch: wallet.Change, Index: 7}, a == mine || a == addressOf("change")
	})
	for _, out := range d.Outputs {
		if ours := out.Address == addressOf("change"); out.Change != ours || (out.Path != nil) != ours {
			t.Errorf("output to %v: change %v", out.Address, out.Change)
		}
	}
	for _, in := range d.Inputs {
		if (in.Path != nil) != (in.Address == mine) {
			t.Errorf("input of %v: path %v", in.Address, in.Path)
		}
	}
	if len(d.Payments()) != 2 {
		t.Errorf("%d payments", len(d.Payments()))
	}
}

func TestDraftAgainstTheChain(t *testing.T) {
	rules := testRules(t, nil) // maturity 10
	d, _, _ := twoOwnersDraft(t, rules)
	coins := core.UTXOs{}
	for _, in := range d.Inputs {
		coins[in.Outpoint] = core.Coin{Outpoint: in.Outpoint, Value: in.Value, Address: in.Address, Height: 91}
	}
	if err := d.CheckCoins(rules, coins, 100); err != nil {
		t.Fatal(err)
	}
	at := d.Inputs[1].Outpoint
	for name, change := range map[string]func(*core.Coin){
		"another value":   func(c *core.Coin) { c.Value++ },
		"another address": func(c *core.Coin) { c.Address.Hash[0]++ },
		"immature":        func(c *core.Coin) { c.Coinbase, c.Height = true, 92 },
	} {
		good := coins[at]
		bad := good
		change(&bad)
		coins[at] = bad
		if err := d.CheckCoins(rules, coins, 100); !errors.Is(err, wallet.ErrDraft) {
			t.Errorf("%s: %v", name, err)
		}
		coins[at] = good
	}
	mature := coins[at]
	mature.Coinbase = true
	coins[at] = mature
	if err := d.CheckCoins(rules, coins, 100); err != nil {
		t.Errorf("a coinbase that has just matured: %v", err)
	}
	delete(coins, at)
	if err := d.CheckCoins(rules, coins, 100); !errors.Is(err, wallet.ErrDraft) {
		t.Errorf("a coin that is spent: %v", err)
	}
}

func FuzzDraft(f *testing.F) {
	rules := testRules(f, nil)
	d, alice, _ := twoOwnersDraft(f, rules)
	f.Add(d.Encode())
	if _, err := d.Sign(keysOf(f, alice)); err != nil {
		f.Fatal(err)
	}
	f.Add(d.Encode())
	f.Add([]byte(`{"ingchain_draft":1,"inputs":[],"outputs":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := wallet.ParseDraft(text, rules)
		if err != nil {
			return
		}
		again, err := wallet.ParseDraft(d.Encode(), rules)
		if err != nil || !bytes.Equal(again.Encode(), d.Encode()) || again.TxID() != d.TxID() {
			t.Fatalf("does not read back: %v", err)
		}
		var sum core.Amount
		for _, in := range d.Inputs {
			sum += in.Value
		}
		if s := d.Summary(); sum != s.Paid+s.Change+s.Fee {
			t.Fatalf("inputs %d, paid %d, change %d, fee %d", sum, s.Paid, s.Change, s.Fee)
		}
		fuzzing.Proportional(t, len(text), 200, func() { _, _ = wallet.ParseDraft(text, rules) })
	})
}
