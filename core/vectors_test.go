package core_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// The vectors in docs/spec/vectors are for everybody who implements the
// formats, in any language. The tests here read the files and hold the code to
// them; with -update they write the files anew from the code, which is right
// only when a format has changed on purpose.
var update = flag.Bool("update", false, "rewrite docs/spec/vectors from the code")

var vectorDir = filepath.Join("..", "docs", "spec", "vectors")

// hexBytes is a byte string in lower-case hexadecimal.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// vectors returns what the file of that name holds. With -update the file is
// first made from generate.
func vectors[T any](t *testing.T, name string, generate func(*testing.T) T) (v T) {
	t.Helper()
	path := filepath.Join(vectorDir, name)
	if *update {
		raw, err := json.MarshalIndent(generate(t), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./core -run Vectors -update makes it)", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-vector +code):\n%s", what, diff)
	}
}

// filler is a hash that stands for any other, told apart by name.
func filler(name string) core.Hash { return sha256.Sum256([]byte("vector " + name)) }

// codeName is how vectors name a verdict: the code, or "" for a pass.
func codeName(err error) string { return string(core.CodeOf(err)) }

type headerVector struct {
	Name       string    `json:"name"`
	Version    uint16    `json:"version"`
	Height     uint32    `json:"height"`
	Parent     core.Hash `json:"parent"`
	MerkleRoot core.Hash `json:"merkle_root"`
	State      core.Hash `json:"state"`
	Time       uint64    `json:"time"`
	Bits       uint32    `json:"bits"`
	Nonce      uint32    `json:"nonce"`
	Bytes      hexBytes  `json:"bytes"`
	ID         core.Hash `json:"id"`
}

func (v *headerVector) header() core.Header {
	return core.Header{Version: v.Version, Height: v.Height, Parent: v.Parent, MerkleRoot: v.MerkleRoot,
		State: v.State, Time: v.Time, Bits: v.Bits, Nonce: v.Nonce}
}

func makeHeaders(*testing.T) []headerVector {
	vs := []headerVector{
		{Name: "all zero"},
		{Name: "every field its own", Version: 1, Height: 0x01020304, Parent: filler("parent"),
			MerkleRoot: filler("merkle root"), State: filler("state"),
			Time: 1_795_132_812_345, Bits: 0x1e010000, Nonce: 0xa1b2c3d4},
		{Name: "greatest integers", Version: 1<<16 - 1, Height: 1<<32 - 1, Time: 1<<64 - 1, Bits: 1<<32 - 1, Nonce: 1<<32 - 1},
	}
	for i := range vs {
		h := vs[i].header()
		vs[i].Bytes, vs[i].ID = h.AppendTo(nil), h.ID()
	}
	return vs
}

func TestHeaderVectors(t *testing.T) {
	for _, v := range vectors(t, "header.json", makeHeaders) {
		h := v.header()
		equal(t, v.Name, hexBytes(h.AppendTo(nil)), v.Bytes)
		equal(t, v.Name, h.ID(), v.ID)
		got, err := core.ParseHeader(v.Bytes)
		if err != nil || got != h {
			t.Errorf("%s: ParseHeader = %+v, %v", v.Name, got, err)
		}
	}
}

type merkleVector struct {
	TxIDs  []core.Hash `json:"txids"`
	Wids   []core.Hash `json:"wids"`
	Leaves []core.Hash `json:"leaves"`
	Root   core.Hash   `json:"root"`
}

func makeMerkle(*testing.T) []merkleVector {
	var vs []merkleVector
	for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 11} {
		v := merkleVector{TxIDs: []core.Hash{}, Wids: []core.Hash{}, Leaves: []core.Hash{}}
		for i := range n {
			txid, wid := filler(fmt.Sprint("txid ", i)), filler(fmt.Sprint("wid ", i))
			v.TxIDs, v.Wids = append(v.TxIDs, txid), append(v.Wids, wid)
			v.Leaves = append(v.Leaves, core.MerkleLeaf(txid, wid))
		}
		v.Root = core.MerkleRoot(v.Leaves)
		vs = append(vs, v)
	}
	return vs
}

func TestMerkleVectors(t *testing.T) {
	for _, v := range vectors(t, "merkle.json", makeMerkle) {
		for i := range v.Leaves {
			equal(t, "leaf", core.MerkleLeaf(v.TxIDs[i], v.Wids[i]), v.Leaves[i])
		}
		equal(t, fmt.Sprint(len(v.Leaves), " leaves"), core.MerkleRoot(v.Leaves), v.Root)
	}
}

type addressVectors struct {
	Valid   []validAddress   `json:"valid"`
	Invalid []invalidAddress `json:"invalid"`
}

type validAddress struct {
	Prefix    string   `json:"prefix"`
	PublicKey hexBytes `json:"public_key,omitempty"`
	Kind      byte     `json:"kind"`
	Hash      hexBytes `json:"hash"`
	Address   string   `json:"address"`
}

type invalidAddress struct {
	Name    string `json:"name"`
	Prefix  string `json:"prefix"`
	Address string `json:"address"`
	// Error is "address", "network" or "kind".
	Error string `json:"error"`
}

var addressErrors = map[string]error{
	"address": core.ErrAddress, "network": core.ErrAddressNetwork, "kind": core.ErrAddressKind,
}

func makeAddresses(t *testing.T) addressVectors {
	var v addressVectors
	add := func(prefix string, key []byte, a core.Address) string {
		s := a.Encode(prefix)
		v.Valid = append(v.Valid, validAddress{prefix, key, a.Kind, a.Hash[:], s})
		return s
	}
	alice := coretest.Key("alice")
	good := add("ing", alice.Public[:], alice.Address)
	dev := add("ingd", alice.Public[:], alice.Address)
	add("ing", nil, core.Address{})
	full := core.Address{}
	for i := range full.Hash {
		full.Hash[i] = 0xff
	}
	add("zz", nil, full)

	raw := append([]byte{0}, alice.Address.Hash[:]...)
	v.Invalid = []invalidAddress{
		{"nothing", "ing", "", "address"},
		{"no prefix", "ing", "1" + good[4:], "address"},
		{"one letter changed", "ing", good[:10] + swapLetter(good[10]) + good[11:], "address"},
		{"last letter missing", "ing", good[:len(good)-1], "address"},
		{"upper and lower case", "ing", "I" + good[1:], "address"},
		{"letter outside the alphabet", "ing", good[:10] + "b" + good[11:], "address"},
		{"bech32, not bech32m", "ing", encodeBech32(t, "ing", raw, false), "address"},
		{"19 bytes of hash", "ing", encodeBech32(t, "ing", raw[:20], true), "address"},
		{"21 bytes of hash", "ing", encodeBech32(t, "ing", append(raw[:21:21], 0), true), "address"},
		{"padding not zero", "ing", encodeGroups(t, "ing", oddPadding(t, raw), true), "address"},
		{"another network", "ing", dev, "network"},
		{"kind 1", "ing", encodeBech32(t, "ing", append([]byte{1}, raw[1:]...), true), "kind"},
		{"kind 255", "ing", encodeBech32(t, "ing", append([]byte{255}, raw[1:]...), true), "kind"},
	}
	return v
}

func TestAddressVectors(t *testing.T) {
	vs := vectors(t, "address.json", makeAddresses)
	for _, v := range vs.Valid {
		a := core.Address{Kind: v.Kind}
		copy(a.Hash[:], v.Hash)
		if v.PublicKey != nil {
			equal(t, "address of key", core.AddressOf([32]byte(v.PublicKey)), a)
		}
		equal(t, "encoding", a.Encode(v.Prefix), v.Address)
		got, err := core.ParseAddress(v.Address, v.Prefix)
		if err != nil || got != a {
			t.Errorf("ParseAddress(%s) = %v, %v", v.Address, got, err)
		}
		upper := string(bytes.ToUpper([]byte(v.Address)))
		if got, err := core.ParseAddress(upper, v.Prefix); err != nil || got != a {
			t.Errorf("ParseAddress(%s) = %v, %v", upper, got, err)
		}
	}
	for _, v := range vs.Invalid {
		want := addressErrors[v.Error]
		if want == nil {
			t.Fatalf("%s: unknown error %q", v.Name, v.Error)
		}
		if _, err := core.ParseAddress(v.Address, v.Prefix); !errors.Is(err, want) {
			t.Errorf("%s: ParseAddress(%q) = %v, want %v", v.Name, v.Address, err, want)
		}
	}
}
