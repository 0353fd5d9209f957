package node

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// FuzzPayout: the payout file names an address of the network, or mining does not
// begin; spaces around it do not matter.
func FuzzPayout(f *testing.F) {
	p := core.Dev()
	good := core.Address{Hash: [20]byte{1, 2, 3}}.Encode(p.AddressPrefix)
	for _, s := range []string{good, good + "\n", "\t" + good + " \n", strings.ToUpper(good), core.Address{}.Encode("ing"), "", good + "\n" + good, "\xff"} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(filepath.Join(dir, payoutFile), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		a, ok, err := payout(dir, p)
		want, wantErr := core.ParseAddress(strings.TrimSpace(string(raw)), p.AddressPrefix)
		if (err == nil) != (wantErr == nil) || ok != (err == nil) || a != want && err == nil {
			t.Fatalf("%q pays %v, %v, %v; want %v, %v", raw, a, ok, err, want, wantErr)
		}
		if err != nil && (!a.IsZero() || core.CodeOf(err) != "" || !errors.Is(err, core.ErrAddress) && !errors.Is(err, core.ErrAddressNetwork) && !errors.Is(err, core.ErrAddressKind)) {
			t.Fatalf("%q: %v, %v is no kind of error", raw, a, err)
		}
	})
}

// FuzzNetworkOf: a directory is that of the network in its file, or is refused; it
// is never taken for one that belongs to no network yet.
func FuzzNetworkOf(f *testing.F) {
	for _, p := range []*core.Params{core.LAN(), core.Dev()} {
		data, err := json.MarshalIndent(p, "", "  ")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Add([]byte{})
	f.Add(make([]byte, core.MaxParamsFile+1))
	lan, err := core.NewRules(core.LAN())
	if err != nil {
		f.Fatal(err)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(filepath.Join(dir, networkFile), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := NetworkOf(dir)
		bound, bindErr := checkNetwork(dir, lan)
		if err != nil {
			if errors.Is(err, os.ErrNotExist) || bindErr == nil || bound {
				t.Fatalf("%q: %v; bound %v, %v", raw, err, bound, bindErr)
			}
			return
		}
		if same := p.Genesis().ID() == lan.GenesisID(); bound != same || same != (bindErr == nil) || !same && !errors.Is(bindErr, ErrWrongNetwork) {
			t.Fatalf("%q is lan %v, bound %v, %v", raw, same, bound, bindErr)
		}
		rules, err := core.NewRules(p)
		if err != nil {
			t.Fatalf("%q is accepted: %v", raw, err)
		}
		if err := bindNetwork(dir, rules); err != nil {
			t.Fatal(err)
		}
		if back, err := NetworkOf(dir); err != nil || !reflect.DeepEqual(back, p) {
			t.Fatalf("%+v is read back as %+v: %v", p, back, err)
		}
	})
}

// FuzzCursor: where a reader of events stands is a stored block, or is refused as
// a bad request or as not found.
func FuzzCursor(f *testing.F) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		f.Fatal(err)
	}
	db, err := pebbledb.OpenMem(rules.GenesisID())
	if err != nil {
		f.Fatal(err)
	}
	m, err := chain.Open(db, rules, chain.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = m.Close() })
	view := chainView{m}
	f.Add("")
	f.Add("genesis")
	f.Add(rules.GenesisID().String())
	f.Add(core.Hash{1}.String())
	f.Add(core.Hash{}.String())
	f.Add(strings.ToUpper(rules.GenesisID().String()))
	f.Fuzz(func(t *testing.T, since string) {
		at, err := view.cursor(since)
		if err != nil {
			if errors.Is(err, api.ErrBadRequest) == errors.Is(err, api.ErrNotFound) {
				t.Fatalf("%q: %v is one kind of error, or two", since, err)
			}
			return
		}
		if since != "" && since != "genesis" && since != rules.GenesisID().String() {
			t.Fatalf("%q is the cursor %s", since, at)
		}
		if u, err := m.UpdatesSince(at, 10); err != nil || len(u.Reverted)+len(u.Applied) > 1 {
			t.Fatalf("from %q: %+v, %v", since, u, err)
		}
	})
}

// FuzzParseListen: a listen address is kept as it was given, or refused as the
// caller's mistake.
func FuzzParseListen(f *testing.F) {
	f.Add("/ip4/0.0.0.0/tcp/8555", []byte{})
	f.Add("/ip4/1.2.3/tcp", []byte{})
	f.Fuzz(func(t *testing.T, s string, more []byte) {
		var given []string
		for n := 1 + fuzzing.New(more).Intn(3); n > 0; n-- {
			given = append(given, s)
		}
		list, err := parseListen(given)
		if err != nil {
			if !errors.Is(err, api.ErrBadRequest) || len(list) != 0 {
				t.Fatalf("%q: %v, %v", s, list, err)
			}
			return
		}
		if len(list) != len(given) {
			t.Fatalf("%q: %v", given, list)
		}
		if again, err := parseListen([]string{list[0].String()}); err != nil || !again[0].Equal(list[0]) {
			t.Fatalf("%q is %v, and that %v, %v", s, list[0], again, err)
		}
	})
}
