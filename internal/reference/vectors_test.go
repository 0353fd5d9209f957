package reference

import (
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

func networkOf(t *testing.T, encoding hexBytes) *Network {
	t.Helper()
	n, err := New(encoding)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestVectorsNetwork(t *testing.T) {
	for _, v := range readVectors[struct {
		Valid []struct {
			Encoding, Parent, Genesis, ID, State hexBytes
		}
	}](t, "network.json").Valid {
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
	for _, v := range readVectors[struct {
		Valid []struct {
			Name, Bits               string
			Version                  uint16
			Height, Nonce            uint32
			Time                     uint64 `json:",string"`
			Parent, State, Bytes, ID hexBytes
			MerkleRoot               hexBytes `json:"merkle_root"`
		}
	}](t, "header.json").Valid {
		h, ok := parseHeader(v.Bytes)
		if !ok {
			t.Fatalf("%s: does not parse", v.Name)
		}
		equal(t, v.Name, h, header{v.Version, v.Height, v.Parent.hash(), v.MerkleRoot.hash(), v.State.hash(), v.Time, bitsOf(t, v.Bits), v.Nonce})
		equal(t, v.Name+", id", h.id(), v.ID.hash())
		equal(t, v.Name+", bytes", string(h.encode()), string(v.Bytes))
	}
}

func TestVectorsTransaction(t *testing.T) {
	file := readVectors[struct {
		Encoding hexBytes `json:"params_encoding"`
		Cases    []struct {
			Name, Verdict            string
			Bytes, Txid, Wid, Digest hexBytes
		}
		Malformed []struct {
			Name  string
			Bytes hexBytes
		}
	}](t, "transaction.json")
	n := networkOf(t, file.Encoding)
	for _, v := range file.Malformed {
		equal(t, v.Name, n.JudgeTransaction(v.Bytes).Code, "tx-malformed")
	}
	for _, v := range file.Cases {
		equal(t, v.Name, n.JudgeTransaction(v.Bytes).Code, v.Verdict)
		r := reader{rest: v.Bytes}
		tx := n.readTransaction(&r)
		equal(t, v.Name+", txid", tx.txid(), v.Txid.hash())
		equal(t, v.Name+", wid", tx.wid(), v.Wid.hash())
		equal(t, v.Name+", digest", tagged("ingchain/sign", n.genesisID[:], tx.body()), v.Digest.hash())
	}
}

func TestVectorsMerkle(t *testing.T) {
	for i, v := range readVectors[struct {
		Cases []struct {
			Txids, Wids, Leaves []hexBytes
			Root                hexBytes
		}
	}](t, "merkle.json").Cases {
		var leaves [][32]byte
		for k := range v.Leaves {
			leaves = append(leaves, v.Leaves[k].hash())
			if k < len(v.Txids) {
				equal(t, fmt.Sprint(i, " leaf ", k), merkleLeaf(v.Txids[k].hash(), v.Wids[k].hash()), leaves[k])
			}
		}
		equal(t, fmt.Sprint(i), rootOf(leaves), v.Root.hash())
	}
}

func TestVectorsSignature(t *testing.T) {
	for _, v := range readVectors[struct {
		Cases []struct {
			Name               string
			PublicKey          hexBytes `json:"public_key"`
			Message, Signature hexBytes
			Valid              bool
		}
	}](t, "signature.json").Cases {
		var signature [64]byte
		copy(signature[:], v.Signature)
		if VerifySignature(v.PublicKey.hash(), signature, v.Message.hash()) != v.Valid {
			t.Errorf("%s: want valid %v", v.Name, v.Valid)
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
		Invalid []struct{ Reason, Bits string }
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
			t.Errorf("%s: %s is accepted", v.Reason, v.Bits)
		}
	}
	for _, v := range file.Rounded {
		equal(t, "rounded", encodeTarget(number(v.Target)), bitsOf(t, v.Bits))
	}
}

func TestVectorsRetarget(t *testing.T) {
	for _, v := range readVectors[struct {
		Cases []struct {
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
		}
	}](t, "retarget.json").Cases {
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
			Value         uint64 `json:",string"`
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

func TestVectorsBlock(t *testing.T) {
	file := readVectors[struct {
		Encoding hexBytes `json:"params_encoding"`
		Cases    []struct {
			Name, Verdict, Kind string
			Bytes, ID           hexBytes
		}
		Malformed []struct {
			Name  string
			Bytes hexBytes
		}
	}](t, "block.json")
	n := networkOf(t, file.Encoding)
	for _, v := range file.Malformed {
		equal(t, v.Name, n.JudgeAlone(v.Bytes), Verdict{Body, "block-malformed"})
	}
	for _, v := range file.Cases {
		want := Verdict{Code: v.Verdict, Kind: map[string]Kind{"": Accepted, "rule": Rule, "body": Body}[v.Kind]}
		equal(t, v.Name, n.JudgeAlone(v.Bytes), want)
		h, _ := parseHeader(v.Bytes[:headerSize])
		equal(t, v.Name+", id", h.id(), v.ID.hash())
	}
}

func TestVectorsChain(t *testing.T) {
	for _, c := range readVectors[struct {
		Chains []struct {
			Name     string
			Encoding hexBytes `json:"params_encoding"`
			Steps    []struct {
				Name, Verdict, Kind string
				Clock               uint64
				Bytes, ID           hexBytes
				After               struct {
					Work  string
					Coins int
					State hexBytes
				}
			}
		}
	}](t, "chain.json").Chains {
		n := networkOf(t, c.Encoding)
		g := n.Genesis()
		states, bad := map[[32]byte]*State{g.ID(): g}, map[[32]byte]bool{}
		for _, v := range c.Steps {
			name, parent := c.Name+", "+v.Name, [32]byte(v.Bytes[6:38])
			if states[parent] == nil {
				if want := map[bool]string{true: "header-bad-parent", false: "header-no-parent"}[bad[parent]]; want != v.Verdict {
					t.Errorf("%s: %s, though its parent is not valid", name, v.Verdict)
				}
				bad[v.ID.hash()] = bad[parent]
				continue
			}
			f := n.Judge(states[parent], v.Bytes, v.Clock)
			equal(t, name, f.Verdict.Code, v.Verdict)
			bad[v.ID.hash()] = v.Kind == "rule"
			if v.Verdict != "" || f.Verdict.Code != "" {
				continue
			}
			states[v.ID.hash()] = f.Next
			equal(t, name+", id", f.Next.ID(), v.ID.hash())
			equal(t, name+", work", f.Next.Work().Text(16), v.After.Work)
			equal(t, name+", coins", f.Next.Coins(), v.After.Coins)
			equal(t, name+", state", f.Next.Commitment(), v.After.State.hash())
		}
	}
}
