package keystore

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/fuzzing"
	"github.com/ingchain/ingchain/wallet"
)

// FuzzPublicFields reads public files whose checksum is right, whatever they say.
func FuzzPublicFields(f *testing.F) {
	rules, err := core.NewRules(core.LAN())
	if err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join("testdata", "v1", PublicFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"ingchain_wallet":1,"accounts":[{"number":0,"branches":[{"next":4294967295},{"used":1}]}]}`))
	f.Add([]byte(`{"ingchain_wallet":1,"sends":[{"id":"x","created":18446744073709551615,"raw":"00"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p publicFile
		if json.Unmarshal(text, &p) != nil {
			return
		}
		p.Genesis = rules.GenesisID()
		b, err := p.encode()
		if err != nil {
			t.Fatal(err)
		}
		fuzzing.Proportional(t, len(b), 400, func() { _, _, _ = parsePublic(b, rules) })
		parsed, ix, err := parsePublic(b, rules)
		if err != nil {
			if !errors.Is(err, ErrPublic) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		st := &State{parsed, ix}
		st.Ask()
		st.Watched()
		st.Sends()
		st.Seen()
		st.NeedsUnlock()
		for _, n := range st.Accounts() {
			st.Handed(n, wallet.Receive)
			st.Current(n)
			if own, err := st.ChangeAddress(n, 1); err == nil && !st.Owns(own.Address) {
				t.Fatalf("change to %v", own)
			}
		}
		for _, id := range st.Reserved(1) {
			if _, ok := st.Send(id); !ok {
				t.Fatalf("coins of %q, which is not there", id)
			}
		}
		parsed.prune(1)
	})
}

// FuzzPayload checks secrets, whatever they say.
func FuzzPayload(f *testing.F) {
	rules, err := core.NewRules(core.LAN())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"ingchain_wallet":1,"id":"00000000000000000000000000000000","accounts":[0],"words":["zoo"],"seed":"00"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p secretPayload
		if json.Unmarshal(text, &p) != nil {
			return
		}
		p.Genesis = rules.GenesisID()
		if err := p.check(rules); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatalf("an error of no kind: %v", err)
		}
	})
}

// TestPruneKeepsWhatMatters: beyond the bound the oldest settled payments go, and
// never one that is under way.
func TestPruneKeepsWhatMatters(t *testing.T) {
	var p publicFile
	for i := range MaxSends + 5 {
		p.Sends = append(p.Sends, sendFile{ID: strconv.Itoa(i), Created: 1, Raw: hexBytes{1}, Settled: i >= 3})
	}
	p.prune(2)
	if len(p.Sends) != MaxSends-1 || p.send("0") < 0 || p.send("2") < 0 || p.send("3") >= 0 || p.send("8") >= 0 || p.send("9") < 0 {
		t.Errorf("%d kept", len(p.Sends))
	}
	p.Sends = p.Sends[:0]
	for i := range MaxSends {
		p.Sends = append(p.Sends, sendFile{ID: strconv.Itoa(i), Created: 1, Raw: hexBytes{1}})
	}
	if p.prune(2); len(p.Sends) != MaxSends {
		t.Errorf("of payments under way %d are kept", len(p.Sends))
	}
}

// TestPayloadThatContradictsItself: the words on paper must be those of the keys.
func TestPayloadThatContradictsItself(t *testing.T) {
	rules, err := core.NewRules(core.LAN())
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields("legal winner thank year wave sausage worth useful legal winner thank yellow")
	p := secretPayload{Version: payloadVersion, ID: strings.Repeat("0", 2*idSize), Genesis: rules.GenesisID(), Words: words, Seed: make([]byte, wallet.SeedSize), Accounts: []uint32{0}}
	if err := p.check(rules); !errors.Is(err, ErrDamaged) {
		t.Errorf("words of another seed: %v", err)
	}
	p.Extra = true
	if err := p.check(rules); err != nil {
		t.Errorf("words with a passphrase that is not here: %v", err)
	}
	p.Words = append(words[:11:11], "zoo")
	if err := p.check(rules); !errors.Is(err, ErrDamaged) || strings.Contains(err.Error(), "zoo") {
		t.Errorf("words with a wrong checksum: %v", err)
	}
}
