package wallet

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ingchain/ingchain/core"
)

// The vectors in docs/spec/vectors/wallet.json are for everybody who writes a
// wallet. The tests here hold the code to them; with -update they write them anew,
// which is right only when a format has changed on purpose.
var update = flag.Bool("update", false, "rewrite docs/spec/vectors/wallet.json from the code")

type walletVectors struct {
	Comment   string           `json:"comment"`
	Page      string           `json:"page"`
	Mnemonics []mnemonicVector `json:"mnemonics"`
	NoSeeds   []noSeedVector   `json:"not_mnemonics"`
	Keys      []keyVector      `json:"keys"`
	Messages  []messageVector  `json:"messages"`
	NoSigned  []armorVector    `json:"not_messages"`
	// Params is the network of the drafts.
	Params  json.RawMessage `json:"params"`
	Genesis core.Hash       `json:"genesis"`
	Drafts  []draftVector   `json:"drafts"`
}

type mnemonicVector struct {
	Language   string `json:"language"`
	Entropy    string `json:"entropy"`
	Words      string `json:"words"`
	Passphrase string `json:"passphrase"`
	Seed       string `json:"seed"`
}

type noSeedVector struct {
	Name  string `json:"name"`
	Words string `json:"words"`
	// Error is count, word or checksum; Position is the word's, from 1.
	Error    string `json:"error"`
	Position int    `json:"position,omitempty"`
}

type keyVector struct {
	Seed      string `json:"seed"`
	Path      Path   `json:"path"`
	Private   string `json:"private_key"`
	PublicKey string `json:"public_key"`
	Address   string `json:"address"` // on lan
}

type messageVector struct {
	Private   string `json:"private_key"`
	Prefix    string `json:"prefix"`
	Text      string `json:"text"`
	Digest    string `json:"digest"`
	Signature string `json:"signature"`
	Armor     string `json:"armor"`
}

type armorVector struct {
	Name  string `json:"name"`
	Armor string `json:"armor"`
}

type draftVector struct {
	Name     string    `json:"name"`
	Text     string    `json:"text"`
	TxID     core.Hash `json:"txid"`
	Size     int       `json:"size"`
	Fee      string    `json:"fee"`
	Signed   bool      `json:"signed"`
	TxBytes  string    `json:"transaction,omitempty"`
	Unsigned []string  `json:"missing"`
}

const vectorWords = "legal winner thank year wave sausage worth useful legal winner thank yellow"

func vectorSeed(t *testing.T, words, passphrase string) Seed {
	t.Helper()
	m, err := ParseMnemonic(words)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Seed(NewPassphrase(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func vectorKey(t *testing.T, s Seed, p Path) Key {
	t.Helper()
	a, err := s.Account(p.Account)
	if err != nil {
		t.Fatal(err)
	}
	k, err := a.Key(p.Branch, p.Index)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func makeVectors(t *testing.T) walletVectors {
	v := walletVectors{Comment: "A wallet's words, keys, signed messages and drafts. Amounts are in grains. Secrets here are for tests only.", Page: "wallet.md"}
	for i, c := range []struct {
		l    Language
		size int
		pass string
	}{{English, 16, ""}, {English, 32, "TREZOR"}, {Korean, 16, ""}, {Korean, 32, "추가 암호"}, {English, 16, "\u1100\u1161"}, {English, 16, "\uac00"}} {
		entropy := bytes.Repeat([]byte{0x80 + byte(min(i, 4))}, c.size)
		m, err := NewMnemonic(entropy, c.l)
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Join(m.Reveal(), " ")
		v.Mnemonics = append(v.Mnemonics, mnemonicVector{strings.ToLower(c.l.String()), hex.EncodeToString(entropy), words, c.pass,
			hex.EncodeToString(vectorSeed(t, words, c.pass).Reveal())})
	}
	v.NoSeeds = []noSeedVector{
		{"eleven words", vectorWords[:strings.LastIndex(vectorWords, " ")], "count", 0},
		{"a word of no list", strings.Replace(vectorWords, "thank", "thonk", 1), "word", 3},
		{"two words changed places", strings.Replace(vectorWords, "legal winner thank", "winner legal thank", 1), "checksum", 0},
	}
	seed := vectorSeed(t, vectorWords, "")
	for _, p := range []Path{{}, {Index: 1}, {Branch: Change}, {Account: 3, Branch: Change, Index: 7}, {Account: MaxIndex, Index: MaxIndex}} {
		v.Keys = append(v.Keys, keyVectorOf(t, seed, p))
	}
	key := vectorKey(t, seed, Path{})
	for _, text := range []string{"hello", "two lines,\n- one with a dash\n", "한글 메시지"} {
		for _, prefix := range []string{"ing", "ingd"} {
			m, err := SignMessage(key, prefix, text)
			if err != nil {
				t.Fatal(err)
			}
			v.Messages = append(v.Messages, messageVector{hex.EncodeToString(key.box.get().seed[:]), prefix, m.Text,
				messageDigest(m.Address.Encode(prefix), m.Text).String(), hex.EncodeToString(m.signature[:]), m.String()})
		}
	}
	armor := v.Messages[0].Armor
	v.NoSigned = []armorVector{
		{"another text", strings.Replace(armor, "hello", "hallo", 1)},
		{"no end", strings.Replace(armor, messageEnd, "", 1)},
		{"a dash that is not escaped", strings.Replace(armor, "hello", "-hello", 1)},
		{"an escape without need", strings.Replace(armor, "hello", "- hello", 1)},
		{"another address", strings.Replace(armor, key.Address().Encode("ing"), vectorKey(t, seed, Path{Index: 1}).Address().Encode("ing"), 1)},
	}
	return v
}

func keyVectorOf(t *testing.T, seed Seed, p Path) keyVector {
	k := vectorKey(t, seed, p)
	public := k.PublicKey()
	return keyVector{hex.EncodeToString(seed.Reveal()), p, hex.EncodeToString(k.box.get().seed[:]), hex.EncodeToString(public[:]), k.Address().Encode("ing")}
}

func makeDrafts(t *testing.T, v *walletVectors) {
	rules, err := core.NewRules(core.LAN())
	if err != nil {
		t.Fatal(err)
	}
	if v.Params, err = json.Marshal(rules.Params()); err != nil {
		t.Fatal(err)
	}
	v.Genesis = rules.GenesisID()
	seed := vectorSeed(t, vectorWords, "")
	mine, his, change := vectorKey(t, seed, Path{}), vectorKey(t, seed, Path{Account: 1}), vectorKey(t, seed, Path{Branch: Change})
	coin := func(n byte, value core.Amount, k Key) Coin {
		p := k.Path()
		return Coin{Coin: core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{n}, Index: uint32(n)}, Value: value, Height: 1, Address: k.Address()}, Path: &p}
	}
	coins := []Coin{coin(1, 2*core.GrainsPerING, mine), coin(200, 3*core.GrainsPerING, his), coin(3, core.GrainsPerING, mine)}
	changePath := change.Path()
	d, err := Pay(Terms{Rules: rules, Height: 100, FeeRate: 1000}, coins, Payment{Data: []byte("rent"), Change: change.Address(), ChangePath: &changePath,
		Outputs: []core.Output{{Value: 5 * core.GrainsPerING, Address: core.Address{Hash: [20]byte{1}}}}})
	if err != nil {
		t.Fatal(err)
	}
	add := func(name string) {
		x := draftVector{Name: name, Text: string(d.Encode()), TxID: d.TxID(), Size: d.Size(), Fee: d.Fee.String(), Unsigned: d.Summary().Missing}
		if tx, err := d.Transaction(rules); err == nil {
			x.Signed, x.TxBytes = true, hex.EncodeToString(tx.AppendTo(nil))
		}
		v.Drafts = append(v.Drafts, x)
	}
	sign := func(k Key) {
		if n, err := d.Sign(func(a core.Address) (Key, bool) { return k, a == k.Address() }); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	add("unsigned")
	sign(his)
	add("signed by one of two owners")
	sign(mine)
	add("signed by both")
}

func TestWalletVectors(t *testing.T) {
	path := filepath.Join("..", "docs", "spec", "vectors", "wallet.json")
	made := makeVectors(t)
	makeDrafts(t, &made)
	if *update {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetIndent("", " ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(made); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./wallet -run Vectors -update makes it)", err)
	}
	var v walletVectors
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, v.Params); err != nil {
		t.Fatal(err)
	}
	v.Params = compact.Bytes()
	if diff := cmp.Diff(v, made); diff != "" {
		t.Errorf("(-vector +code):\n%s", diff)
	}
	readVectors(t, &v)
}

// readVectors reads what the code wrote the other way round.
func readVectors(t *testing.T, v *walletVectors) {
	for _, c := range v.Mnemonics {
		m, err := ParseMnemonic(c.Words)
		if err != nil || strings.ToLower(m.Language().String()) != c.Language {
			t.Errorf("%s: %v", c.Entropy, err)
			continue
		}
		if entropy, _ := m.box.get().split(); hex.EncodeToString(entropy) != c.Entropy {
			t.Errorf("entropy %x, want %s", entropy, c.Entropy)
		}
	}
	kinds := map[string]error{"count": ErrWordCount, "word": ErrWord, "checksum": ErrChecksum}
	for _, c := range v.NoSeeds {
		if _, err := ParseMnemonic(c.Words); !isError(err, kinds[c.Error], c.Position) {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	for _, c := range v.Messages {
		if m, err := VerifyMessage(c.Armor, c.Prefix); err != nil || m.Text != c.Text {
			t.Errorf("%q: %v", c.Text, err)
		}
	}
	for _, c := range v.NoSigned {
		if _, err := VerifyMessage(c.Armor, "ing"); err == nil {
			t.Errorf("%s verifies", c.Name)
		}
	}
	params, err := core.ParseParams(v.Params)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := core.NewRules(params)
	if err != nil || rules.GenesisID() != v.Genesis {
		t.Fatalf("genesis: %v", err)
	}
	for _, c := range v.Drafts {
		d, err := ParseDraft([]byte(c.Text), rules)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if d.TxID() != c.TxID || d.Size() != c.Size || len(d.Missing()) != len(c.Unsigned) || (len(c.TxBytes) > 0) != c.Signed {
			t.Errorf("%s: txid %s, %d bytes, %d missing", c.Name, d.TxID(), d.Size(), len(d.Missing()))
		}
		if c.Signed && len(c.TxBytes) != 2*c.Size {
			t.Errorf("%s: %d bytes", c.Name, len(c.TxBytes)/2)
		}
	}
}

func isError(err, kind error, position int) bool {
	var word *WordError
	if errors.As(err, &word) && word.Position != position {
		return false
	}
	return errors.Is(err, kind)
}

// TestNobodySignsForAnother: a signature over the right digest is worth nothing
// if the key is not the address'.
func TestNobodySignsForAnother(t *testing.T) {
	seed := vectorSeed(t, vectorWords, "")
	victim, forger := vectorKey(t, seed, Path{}), vectorKey(t, seed, Path{Index: 1})
	m := &Message{Address: victim.Address(), Prefix: "ing", Text: "I owe you", publicKey: forger.PublicKey()}
	m.signature = forger.sign(messageDigest(m.Address.Encode("ing"), m.Text))
	if _, err := VerifyMessage(m.String(), "ing"); !errors.Is(err, ErrMessageSignature) {
		t.Errorf("%v", err)
	}
}
