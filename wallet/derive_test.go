package wallet_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

func testSeed(t testing.TB) wallet.Seed {
	t.Helper()
	s, err := mustParse(t, "legal winner thank year wave sausage worth useful legal winner thank yellow").Seed(wallet.Passphrase{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testAccount(t testing.TB, number uint32) wallet.Account {
	t.Helper()
	a, err := testSeed(t).Account(number)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func keyAt(t testing.TB, a wallet.Account, b wallet.Branch, i uint32) wallet.Key {
	t.Helper()
	k, err := a.Key(b, i)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeysDiffer(t *testing.T) {
	seen := map[core.Address]string{}
	for account := range uint32(3) {
		a := testAccount(t, account)
		for branch := wallet.Receive; branch <= wallet.Change; branch++ {
			for i := range uint32(5) {
				k := keyAt(t, a, branch, i)
				if want := (wallet.Path{Account: account, Branch: branch, Index: i}); k.Path() != want {
					t.Fatalf("path %s, want %s", k.Path(), want)
				}
				if other := seen[k.Address()]; other != "" {
					t.Fatalf("%s and %s are one key", other, k.Path())
				}
				seen[k.Address()] = k.Path().String()
				if again, err := a.Address(branch, i); err != nil || again != k.Address() {
					t.Fatalf("Address: %v", err)
				}
			}
		}
	}
	a := testAccount(t, 0)
	if _, err := a.Key(wallet.Branch(2), 0); !errors.Is(err, wallet.ErrPath) {
		t.Errorf("branch 2: %v", err)
	}
	if _, err := a.Key(wallet.Receive, wallet.MaxIndex+1); !errors.Is(err, wallet.ErrPath) {
		t.Errorf("index 2^31: %v", err)
	}
	if _, err := testSeed(t).Account(wallet.MaxIndex + 1); !errors.Is(err, wallet.ErrPath) {
		t.Errorf("account 2^31: %v", err)
	}
	if _, err := (wallet.Seed{}).Account(0); err == nil {
		t.Error("an account of no seed")
	}
	if _, err := (wallet.Account{}).Key(wallet.Receive, 0); err == nil {
		t.Error("a key of no account")
	}
}

func TestPaths(t *testing.T) {
	for _, p := range []wallet.Path{{}, {Account: 7, Branch: wallet.Change, Index: 3}, {Account: wallet.MaxIndex, Index: wallet.MaxIndex}} {
		got, err := wallet.ParsePath(p.String())
		if err != nil || got != p {
			t.Errorf("%s: %v, %v", p, got, err)
		}
	}
	if got := (wallet.Path{Account: 1, Branch: wallet.Change, Index: 2}).String(); got != "m/44'/4804167'/1'/1'/2'" {
		t.Error(got)
	}
	for _, s := range []string{"", "m", "m/44'/4804167'/0'/0'", "m/44'/4804167'/0'/0'/0", "m/44'/0'/0'/0'/0'", "m/44'/4804167'/0'/2'/0'",
		"m/44'/4804167'/0'/0'/2147483648'", "m/44'/4804167'/00'/0'/0'", "M/44'/4804167'/0'/0'/0'", "m/44'/4804167'/0'/0'/-1'", strings.Repeat("/", 100)} {
		if p, err := wallet.ParsePath(s); !errors.Is(err, wallet.ErrPath) {
			t.Errorf("%q: %v, %v", s, p, err)
		}
	}
}

func TestWipe(t *testing.T) {
	m := mustParse(t, "legal winner thank year wave sausage worth useful legal winner thank yellow")
	m.Wipe()
	if len(m.Reveal()) != 0 {
		t.Error("words stay")
	}
	s := testSeed(t)
	s.Wipe()
	if !bytes.Equal(s.Reveal(), make([]byte, wallet.SeedSize)) {
		t.Error("the seed stays")
	}
	a := testAccount(t, 0)
	before := keyAt(t, a, wallet.Receive, 0).Address()
	a.Wipe()
	if keyAt(t, a, wallet.Receive, 0).Address() == before {
		t.Error("the account stays")
	}
	wallet.Mnemonic{}.Wipe()
	wallet.Seed{}.Wipe()
	wallet.Account{}.Wipe()
	wallet.Key{}.Wipe()
}

func TestScan(t *testing.T) {
	a := testAccount(t, 0)
	used := func(receive, change []uint32) func([]core.Address) ([]bool, error) {
		set := map[core.Address]bool{}
		for b, indexes := range [][]uint32{receive, change} {
			for _, i := range indexes {
				set[keyAt(t, a, wallet.Branch(b), i).Address()] = true
			}
		}
		return func(batch []core.Address) ([]bool, error) {
			if len(batch) != wallet.GapLimit {
				t.Errorf("asks for %d at once", len(batch))
			}
			out := make([]bool, len(batch))
			for i, b := range batch {
				out[i] = set[b]
			}
			return out, nil
		}
	}
	for name, c := range map[string]struct {
		receive, change []uint32
		next            [2]uint32
		found           int
	}{
		"nothing":                    {nil, nil, [2]uint32{0, 0}, 0},
		"the first":                  {[]uint32{0}, nil, [2]uint32{1, 0}, 1},
		"a gap of 19":                {[]uint32{0, 20}, []uint32{19}, [2]uint32{21, 20}, 3},
		"a gap of 20 within a batch": {[]uint32{5, 26}, nil, [2]uint32{27, 0}, 2}, // seen by chance, as batches are whole
		"beyond the gap":             {[]uint32{0, 40}, nil, [2]uint32{1, 0}, 1},
		"many":                       {[]uint32{0, 15, 30, 45, 60}, []uint32{3}, [2]uint32{61, 4}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := wallet.Scan(a, used(c.receive, c.change))
			if err != nil {
				t.Fatal(err)
			}
			if f.Next != c.next || len(f.Used) != c.found {
				t.Errorf("next %v, %d found", f.Next, len(f.Used))
			}
			for _, o := range f.Used {
				if keyAt(t, a, o.Path.Branch, o.Path.Index).Address() != o.Address {
					t.Errorf("%s has another address", o.Path)
				}
			}
		})
	}
	boom := errors.New("boom")
	if _, err := wallet.Scan(a, func([]core.Address) ([]bool, error) { return nil, boom }); !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
	if _, err := wallet.Scan(a, func([]core.Address) ([]bool, error) { return []bool{true}, nil }); err == nil {
		t.Error("takes one answer for twenty")
	}
}
