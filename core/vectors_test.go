package core_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// The vectors in docs/spec/vectors are for everybody who implements the
// formats, in any language; docs/spec/vectors/README.md describes the files.
// The tests here read them and hold the code to them; with -update they write
// them anew from the code, which is right only when a format has changed on
// purpose. examples/vectors judges the same files by the specification alone.
var update = flag.Bool("update", false, "rewrite docs/spec/vectors from the code")

var vectorDir = filepath.Join("..", "docs", "spec", "vectors")

// about is what every vector file begins with.
type about struct {
	Comment string `json:"comment"`
	Page    string `json:"page"`
}

// malformedVector are bytes that must not parse. The reason is for people.
type malformedVector struct {
	Name   string   `json:"name"`
	Bytes  hexBytes `json:"bytes"`
	Reason string   `json:"reason"`
}

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
		raw, err := json.MarshalIndent(generate(t), "", " ")
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

// kindName is how vectors say what a verdict means.
func kindName(err error) string {
	switch {
	case err == nil:
		return ""
	case core.IsForever(err):
		return "rule"
	case core.IsDeferred(err):
		return "defer"
	default:
		return "body"
	}
}

// smallNetwork is a network with little room, so that what goes beyond its
// limits fits a vector.
func smallNetwork() *core.Params {
	p := core.Dev()
	p.Name, p.AddressPrefix, p.Salt = "vectors", "vec", filler("salt")
	p.MaxBlockBytes, p.MaxTxBytes, p.MaxBlockCoins = 4096, 1024, 40
	p.CoinbaseMaturity, p.HalvingInterval = 2, 100
	return p
}

// network is what files whose verdicts depend on a network have of it: its
// parameters as a file and in their canonical encoding.
type network struct {
	Params   json.RawMessage `json:"params"`
	Encoding hexBytes        `json:"params_encoding"`
}

func networkOf(t *testing.T, p *core.Params) network {
	t.Helper()
	return network{paramsFile(t, p), p.Encode()}
}

func paramsFile(t *testing.T, p *core.Params) json.RawMessage {
	t.Helper()
	file, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (n *network) rules(t *testing.T) *core.Rules {
	t.Helper()
	p, err := core.ParseParams(n.Params)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, p.Name, hexBytes(p.Encode()), n.Encoding)
	rules, err := core.NewRules(p)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

type headerVectors struct {
	about
	Valid     []headerVector    `json:"valid"`
	Malformed []malformedVector `json:"malformed"`
}

type headerVector struct {
	Name       string    `json:"name"`
	Version    uint16    `json:"version"`
	Height     uint32    `json:"height"`
	Parent     core.Hash `json:"parent"`
	MerkleRoot core.Hash `json:"merkle_root"`
	State      core.Hash `json:"state"`
	Time       uint64    `json:"time,string"`
	Bits       string    `json:"bits"`
	Nonce      uint32    `json:"nonce"`
	Bytes      hexBytes  `json:"bytes"`
	ID         core.Hash `json:"id"`
}

func headerVectorOf(name string, h core.Header) headerVector {
	return headerVector{Name: name, Version: h.Version, Height: h.Height, Parent: h.Parent, MerkleRoot: h.MerkleRoot, State: h.State,
		Time: h.Time, Bits: hexBits(h.Bits), Nonce: h.Nonce, Bytes: h.AppendTo(nil), ID: h.ID()}
}

func makeHeaders(t *testing.T) headerVectors {
	v := headerVectors{about: about{"Headers: their fields, 118 bytes and id. Times are decimal strings, since they may pass 2^53.", "block.md"}}
	plain := core.Header{Version: 1, Height: 0x01020304, Parent: filler("parent"),
		MerkleRoot: filler("merkle root"), State: filler("state"),
		Time: 1_795_132_812_345, Bits: 0x1e010000, Nonce: 0xa1b2c3d4}
	v.Valid = []headerVector{
		headerVectorOf("all zero", core.Header{}),
		headerVectorOf("every field its own", plain),
		headerVectorOf("greatest integers", core.Header{Version: 1<<16 - 1, Height: 1<<32 - 1, Time: 1<<64 - 1, Bits: 1<<32 - 1, Nonce: 1<<32 - 1}),
		headerVectorOf("genesis of dev", core.Dev().Genesis().Header),
	}
	raw := plain.AppendTo(nil)
	v.Malformed = []malformedVector{
		{"no bytes", nil, "truncated"},
		{"117 bytes", raw[:117], "truncated"},
		{"119 bytes", append(raw[:118:118], 0), "left over"},
	}
	return v
}

func TestHeaderVectors(t *testing.T) {
	vs := vectors(t, "header.json", makeHeaders)
	for _, v := range vs.Valid {
		h, err := core.ParseHeader(v.Bytes)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		equal(t, v.Name, headerVectorOf(v.Name, h), v)
	}
	for _, v := range vs.Malformed {
		if _, err := core.ParseHeader(v.Bytes); err == nil {
			t.Errorf("%s parses", v.Name)
		}
	}
}

type merkleVectors struct {
	about
	Cases []merkleVector `json:"cases"`
}

type merkleVector struct {
	TxIDs  []core.Hash `json:"txids,omitempty"`
	Wids   []core.Hash `json:"wids,omitempty"`
	Leaves []core.Hash `json:"leaves"`
	Root   core.Hash   `json:"root"`
}

func makeMerkle(*testing.T) merkleVectors {
	vs := merkleVectors{about: about{"Merkle roots of 0 to 11 transactions; the first cases have the ids that the leaves are made of.", "block.md"}}
	for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11} {
		v := merkleVector{Leaves: []core.Hash{}}
		for i := range n {
			txid, wid := filler(string(rune('a'+i))), filler(string(rune('A'+i)))
			if n < 4 {
				v.TxIDs, v.Wids = append(v.TxIDs, txid), append(v.Wids, wid)
			}
			v.Leaves = append(v.Leaves, core.MerkleLeaf(txid, wid))
		}
		v.Root = core.MerkleRoot(v.Leaves)
		vs.Cases = append(vs.Cases, v)
	}
	return vs
}

func TestMerkleVectors(t *testing.T) {
	for _, v := range vectors(t, "merkle.json", makeMerkle).Cases {
		for i := range v.TxIDs {
			equal(t, "leaf", core.MerkleLeaf(v.TxIDs[i], v.Wids[i]), v.Leaves[i])
		}
		equal(t, "root", core.MerkleRoot(v.Leaves), v.Root)
	}
}

type signedNetwork struct {
	chain   *coretest.Chain
	genesis core.Hash
}

func newSigned(t *testing.T, p *core.Params) signedNetwork {
	c := coretest.New(t, p)
	return signedNetwork{c, c.Rules.GenesisID()}
}

// pay spends coins with the keys of their owners.
func (n signedNetwork) pay(coins []core.Coin, owners []string, outputs ...core.Output) core.Transaction {
	return coretest.Pay(n.genesis, coins, owners, outputs...)
}
