package reference

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// hexBytes is a byte string in lower-case hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	var err error
	*h, err = hex.DecodeString(s)
	return err
}

func (h hexBytes) hash() (out [32]byte) {
	copy(out[:], h)
	return out
}

func readVectors[T any](t *testing.T, name string) T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "spec", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %x, want %x", what, any(got), any(want))
	}
}

// vectorNetwork is the network of network.json that has a name.
func vectorNetwork(t *testing.T, name string) *Network {
	t.Helper()
	for _, v := range readVectors[[]struct {
		File     struct{ Name string }
		Encoding hexBytes
	}](t, "network.json") {
		if v.File.Name == name {
			n, err := New(v.Encoding)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("network.json has no network %q", name)
	return nil
}

func TestVectorsNetwork(t *testing.T) {
	for _, v := range readVectors[[]struct {
		Encoding, Parent, Genesis, ID, State hexBytes
	}](t, "network.json") {
		n, err := New(v.Encoding)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "genesis", string(n.genesisBlock), string(v.Genesis))
		equal(t, "id", n.genesisID, v.ID.hash())
		equal(t, "state", n.Genesis().commitment, v.State.hash())
		if _, err := New(v.Encoding[:len(v.Encoding)-1]); err == nil {
			t.Error("parameters without their last byte are read")
		}
	}
}

func TestVectorsHeader(t *testing.T) {
	for _, v := range readVectors[[]struct {
		Name                     string
		Version                  uint16
		Height, Bits, Nonce      uint32
		Time                     uint64
		Parent, State, Bytes, ID hexBytes
		MerkleRoot               hexBytes `json:"merkle_root"`
	}](t, "header.json") {
		h, ok := parseHeader(v.Bytes)
		if !ok {
			t.Fatalf("%s: does not parse", v.Name)
		}
		equal(t, v.Name, h, header{v.Version, v.Height, v.Parent.hash(), v.MerkleRoot.hash(), v.State.hash(), v.Time, v.Bits, v.Nonce})
		equal(t, v.Name+", id", h.id(), v.ID.hash())
		equal(t, v.Name+", bytes", string(h.encode()), string(v.Bytes))
	}
}

func TestVectorsTransaction(t *testing.T) {
	file := readVectors[struct {
		Network string
		Cases   []struct {
			Name, Verdict            string
			Bytes, Txid, Wid, Digest hexBytes
		}
	}](t, "transaction.json")
	n := vectorNetwork(t, file.Network)
	for _, v := range file.Cases {
		equal(t, v.Name, n.JudgeTransaction(v.Bytes).Code, v.Verdict)
		r := reader{rest: v.Bytes}
		tx := n.readTransaction(&r)
		if v.Verdict == "tx-malformed" { // has no ids
			continue
		}
		equal(t, v.Name+", txid", tx.txid(), v.Txid.hash())
		equal(t, v.Name+", wid", tx.wid(), v.Wid.hash())
		equal(t, v.Name+", digest", tagged("ingchain/sign", n.genesisID[:], tx.body()), v.Digest.hash())
	}
}

func TestVectorsMerkle(t *testing.T) {
	for i, v := range readVectors[[]struct {
		Txids, Wids, Leaves []hexBytes
		Root                hexBytes
	}](t, "merkle.json") {
		var leaves [][32]byte
		for k := range v.Txids {
			leaves = append(leaves, merkleLeaf(v.Txids[k].hash(), v.Wids[k].hash()))
			equal(t, fmt.Sprint(i, " leaf ", k), leaves[k], v.Leaves[k].hash())
		}
		equal(t, fmt.Sprint(i), rootOf(leaves), v.Root.hash())
	}
}

func TestVectorsSignature(t *testing.T) {
	for _, v := range readVectors[[]struct {
		Name               string
		PublicKey          hexBytes `json:"public_key"`
		Message, Signature hexBytes
		Valid              bool
	}](t, "signature.json") {
		var signature [64]byte
		copy(signature[:], v.Signature)
		code := VerifySignature(v.PublicKey.hash(), signature, v.Message.hash())
		if (code == "") != v.Valid {
			t.Errorf("%s: valid is %v, got %q", v.Name, v.Valid, code)
		}
	}
}

func bitsOf(t *testing.T, s string) uint32 {
	t.Helper()
	v, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(v)
}

func number(b hexBytes) *big.Int { return new(big.Int).SetBytes(b) }

func TestVectorsTarget(t *testing.T) {
	file := readVectors[struct {
		Valid []struct {
			Bits         string
			Target, Work hexBytes
		}
		Invalid []struct{ Name, Bits string }
		Rounded []struct {
			Target hexBytes
			Bits   string
		}
	}](t, "target.json")
	for _, v := range file.Valid {
		target, ok := decodeTarget(bitsOf(t, v.Bits))
		if !ok {
			t.Errorf("%s is refused", v.Bits)
			continue
		}
		equal(t, v.Bits, target.Cmp(number(v.Target)), 0)
		equal(t, v.Bits+", work", workOf(target).Cmp(number(v.Work)), 0)
	}
	for _, v := range file.Invalid {
		if _, ok := decodeTarget(bitsOf(t, v.Bits)); ok {
			t.Errorf("%s: %s is accepted", v.Name, v.Bits)
		}
	}
	for _, v := range file.Rounded {
		equal(t, "rounded", encodeTarget(number(v.Target)), bitsOf(t, v.Bits))
	}
}

func TestVectorsRetarget(t *testing.T) {
	for _, v := range readVectors[[]struct {
		Name       string
		Interval   uint64 `json:"block_interval_ms"`
		Window     uint32 `json:"difficulty_window"`
		Ramp       uint32 `json:"difficulty_ramp_start"`
		Limit      string `json:"difficulty_limit_bits"`
		Fixed      bool   `json:"difficulty_fixed"`
		Height     uint32
		ParentBits string `json:"parent_bits"`
		Delta      uint64 `json:"delta_ms"`
		Bits       string
	}](t, "retarget.json") {
		n := &Network{params: params{interval: v.Interval, window: v.Window, rampStart: v.Ramp, limitBits: bitsOf(t, v.Limit), fixed: v.Fixed}}
		parent := &State{height: v.Height - 1, time: 1 << 40, grandparentTime: 1<<40 - v.Delta, bits: bitsOf(t, v.ParentBits)}
		equal(t, v.Name, n.nextBits(parent), bitsOf(t, v.Bits))
	}
}

func TestVectorsCoinset(t *testing.T) {
	file := readVectors[struct {
		Empty hexBytes
		Coins []struct {
			Txid          hexBytes
			Index, Height uint32
			Value         uint64
			Coinbase      bool
			Kind          byte
			Hash          hexBytes
			Alone, Sum    hexBytes
		}
	}](t, "coinset.json")
	hash := func(coins map[outpoint]coin) [32]byte {
		var b []byte
		for _, v := range sumOf(coins) {
			b = writeFixed(b, uint64(v), 2)
		}
		return sha256.Sum256(b)
	}
	all := map[outpoint]coin{}
	equal(t, "empty", hash(all), file.Empty.hash())
	for i, v := range file.Coins {
		c := coin{value: v.Value, height: v.Height, coinbase: v.Coinbase, kind: v.Kind}
		copy(c.hash[:], v.Hash)
		name := outpoint{v.Txid.hash(), v.Index}
		equal(t, fmt.Sprint(i, " alone"), hash(map[outpoint]coin{name: c}), v.Alone.hash())
		all[name] = c
		equal(t, fmt.Sprint(i, " sum"), hash(all), v.Sum.hash())
	}
}

func TestVectorsHistory(t *testing.T) {
	file := readVectors[struct {
		Empty  hexBytes
		Blocks []struct {
			ID, Root hexBytes
			Work     string
		}
	}](t, "history.json")
	var leaves [][32]byte
	equal(t, "empty", historyRoot(leaves), file.Empty.hash())
	for i, v := range file.Blocks {
		work, _ := new(big.Int).SetString(v.Work, 16)
		leaves = append(leaves, historyLeaf(v.ID.hash(), work))
		equal(t, fmt.Sprint(i), historyRoot(leaves), v.Root.hash())
	}
}

func TestVectorsChain(t *testing.T) {
	file := readVectors[struct {
		Network string
		Blocks  []struct {
			Bytes, ID, State hexBytes
			Work             string
			Coins            int
		}
		Children []struct {
			Name, Verdict string
			Bytes         hexBytes
		}
	}](t, "chain.json")
	n := vectorNetwork(t, file.Network)
	state := n.Genesis()
	if !bytes.Equal(n.GenesisBlock(), file.Blocks[0].Bytes) {
		t.Error("another genesis block")
	}
	now := uint64(1) << 60
	for i, v := range file.Blocks {
		if i > 0 {
			next, verdict := n.Judge(state, v.Bytes, now)
			if verdict != (Verdict{}) {
				t.Fatalf("block %d: %v", i, verdict)
			}
			state = next
		}
		equal(t, "id", state.ID(), v.ID.hash())
		equal(t, "work", state.Work().Text(16), v.Work)
		equal(t, "coins", state.Coins(), v.Coins)
		equal(t, "state", state.Commitment(), v.State.hash())
	}
	for _, v := range file.Children {
		_, verdict := n.Judge(state, v.Bytes, now)
		equal(t, v.Name, verdict.Code, v.Verdict)
	}
}
