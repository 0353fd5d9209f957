package core_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"reflect"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// naiveRoot is the merkle root of docs/spec, top down.
func naiveRoot(leaves []core.Hash) core.Hash {
	var top func(level []core.Hash) core.Hash
	top = func(level []core.Hash) core.Hash {
		if len(level) == 1 {
			return level[0]
		}
		left := 1
		for 2*left < len(level) {
			left *= 2
		}
		a, b := top(level[:left]), top(level[left:])
		return sha256.Sum256(slices.Concat([]byte{1}, a[:], b[:]))
	}
	var t core.Hash
	if len(leaves) > 0 {
		t = top(leaves)
	}
	return sha256.Sum256(append(binary.LittleEndian.AppendUint32([]byte{2}, uint32(len(leaves))), t[:]...))
}

// FuzzMerkle holds the root to a recursive one, and asks that no other list of
// leaves has it: not with one altered, two swapped, or the last one doubled.
func FuzzMerkle(f *testing.F) {
	f.Add([]byte{}, byte(0), byte(0))
	f.Add([]byte{1, 2, 3}, byte(0), byte(2))
	f.Add(bytes.Repeat([]byte{7}, 9), byte(1), byte(8))
	f.Fuzz(func(t *testing.T, b []byte, i, j byte) {
		b = b[:min(len(b), 300)]
		leaves := make([]core.Hash, len(b))
		for k, v := range b {
			leaves[k] = core.MerkleLeaf(core.Hash{v}, core.Hash{})
		}
		kept := slices.Clone(leaves)
		root := core.MerkleRoot(leaves)
		if root != naiveRoot(leaves) || !slices.Equal(leaves, kept) {
			t.Fatalf("%d leaves have root %s", len(leaves), root)
		}
		if len(leaves) == 0 {
			return
		}
		x, y := int(i)%len(leaves), int(j)%len(leaves)
		others := map[string][]core.Hash{
			"the last doubled": append(slices.Clone(leaves), leaves[len(leaves)-1]),
			"one less":         leaves[:len(leaves)-1],
			"all doubled":      append(slices.Clone(leaves), leaves...),
		}
		swapped := slices.Clone(leaves)
		if swapped[x], swapped[y] = swapped[y], swapped[x]; swapped[x] != swapped[y] {
			others["two swapped"] = swapped
		}
		altered := slices.Clone(leaves)
		altered[x][31] ^= 1 + j
		if altered[x] != leaves[x] {
			others["one altered"] = altered
		}
		for name, other := range others {
			if core.MerkleRoot(other) == root {
				t.Fatalf("%s: the same root of %d leaves", name, len(leaves))
			}
		}
	})
}

func FuzzParseCoin(f *testing.F) {
	c := core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{1}, Index: 2}, Value: 3, Height: 4, Coinbase: true}
	enc := c.Encode()
	f.Add(enc[:])
	f.Add(append(enc[:], 0))
	f.Add(bytes.Repeat([]byte{2}, core.CoinSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := core.ParseCoin(b)
		if good := len(b) == core.CoinSize && b[48] <= 1; (err == nil) != good {
			t.Fatalf("%x: %v", b, err)
		}
		if err != nil {
			return
		}
		if again := c.Encode(); !bytes.Equal(again[:], b) {
			t.Fatalf("%x encodes to %x", b, again)
		}
		if c.Coinbase != (b[48] == 1) || c.Index != binary.LittleEndian.Uint32(b[32:]) {
			t.Fatalf("%x is %+v", b, c)
		}
	})
}

func FuzzParseState(f *testing.F) {
	c := coretest.New(f, nil)
	n := c.Chain("b", coretest.Genesis, 5)
	f.Add(n.State.AppendTo(nil))
	f.Add(n.State.AppendTo(nil)[:200])
	f.Add(append(n.State.AppendTo(nil), 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		var st core.State
		var err error
		fuzzing.Proportional(t, len(b), 16, func() { st, err = core.ParseState(b) })
		if err != nil {
			return
		}
		if again := st.AppendTo(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x encodes to %x", b, again)
		}
		back, err := core.ParseState(st.AppendTo(nil))
		if err != nil || back != st || back.Commitment() != st.Commitment() {
			t.Fatalf("read again it differs: %v", err)
		}
		head := st.HeaderState.AppendTo(nil)
		if hs, err := core.ParseHeaderState(head); err != nil || hs != st.HeaderState || !bytes.HasPrefix(b, head) {
			t.Fatalf("header state: %v", err)
		}
	})
}

func FuzzParseUndo(f *testing.F) {
	c := coretest.New(f, nil)
	b1 := c.Next("b1", coretest.Genesis)
	pay := coretest.Pay(c.Rules.GenesisID(), []core.Coin{b1.Coinbase()}, []string{"miner"}, coretest.To("alice", 3), coretest.To("bob", 4))
	n := c.Next("b2", "b1", coretest.WithTx(pay))
	f.Add(n.Diff.AppendUndo(nil))
	f.Add([]byte{33})
	f.Add(append([]byte{32}, make([]byte, 32*core.HashSize)...))
	f.Add(append([]byte{33}, make([]byte, 33*core.HashSize)...))
	f.Add([]byte{255, 1})
	f.Fuzz(func(t *testing.T, undo []byte) {
		var d *core.Diff
		var err error
		fuzzing.Proportional(t, len(undo), 8, func() { d, err = core.ParseUndo(undo, n.Block) })
		if err != nil {
			return
		}
		if again := d.AppendUndo(nil); !bytes.Equal(again, undo) {
			t.Fatalf("%x encodes to %x", undo, again)
		}
		if len(d.MergedPeaks) > 32 { // as many as a height has bits
			t.Fatalf("%d peaks", len(d.MergedPeaks))
		}
		if !reflect.DeepEqual(d.Created, n.Diff.Created) {
			t.Fatalf("created %v, want %v", d.Created, n.Diff.Created)
		}
		if bytes.Equal(undo, n.Diff.AppendUndo(nil)) && *core.UndoBlock(n.State, &b1.State.HeaderState, d) != *b1.State {
			t.Fatal("the block's own record does not undo it")
		}
	})
}

// The coin set is that of its coins, in whatever order they came and went.
func FuzzCoinSet(f *testing.F) {
	f.Add([]byte{1, 2, 3, 2, 1}, []byte{4, 1, 0})
	f.Add([]byte{9, 9, 9}, []byte{})
	f.Fuzz(func(t *testing.T, walk, order []byte) {
		walk = walk[:min(len(walk), 64)]
		coin := func(b byte) *core.Coin {
			c := &core.Coin{Value: core.Amount(b), Height: uint32(b) << 3, Coinbase: b&1 == 1}
			c.TxID[0], c.Index, c.Address.Hash[19] = b/2, uint32(b)%5, b
			return c
		}
		var set core.CoinSet
		in := map[byte]bool{}
		for _, b := range walk { // each byte puts its coin in, or takes it out
			if in[b] = !in[b]; in[b] {
				set.Add(coin(b))
			} else {
				set.Remove(coin(b))
			}
		}
		var left []byte
		for b, is := range in {
			if is {
				left = append(left, b)
			}
		}
		slices.Sort(left)
		for i, o := range order { // another order
			if len(left) > 0 {
				x, y := i%len(left), int(o)%len(left)
				left[x], left[y] = left[y], left[x]
			}
		}
		var other core.CoinSet
		for _, b := range left {
			other.Add(coin(b))
		}
		if set != other || set.Hash() != other.Hash() || set.Count() != uint64(len(left)) {
			t.Fatalf("%d coins, counted %d, hash %s and %s", len(left), set.Count(), set.Hash(), other.Hash())
		}
		if back, err := core.ParseCoinSet(set.AppendTo(nil)); err != nil || back != set {
			t.Fatalf("read again it differs: %v", err)
		}
		for _, b := range left {
			other.Remove(coin(b))
			if other == set {
				t.Fatalf("without coin %d it is the same set", b)
			}
		}
		if other != (core.CoinSet{}) {
			t.Fatal("not empty when all have gone")
		}
		if len(left) > 0 {
			wantAllCounts(t, coin(left[0]))
		}
	})
}

// wantAllCounts asks that a coin which differs in any field makes another set.
func wantAllCounts(t *testing.T, c *core.Coin) {
	t.Helper()
	hash := func(c core.Coin) core.Hash {
		var s core.CoinSet
		s.Add(&c)
		return s.Hash()
	}
	for name, change := range map[string]func(*core.Coin){
		"txid": func(c *core.Coin) { c.TxID[31]++ }, "index": func(c *core.Coin) { c.Index++ }, "value": func(c *core.Coin) { c.Value++ },
		"height": func(c *core.Coin) { c.Height++ }, "coinbase": func(c *core.Coin) { c.Coinbase = !c.Coinbase },
		"kind": func(c *core.Coin) { c.Address.Kind++ }, "address": func(c *core.Coin) { c.Address.Hash[7]++ },
	} {
		other := *c
		if change(&other); hash(other) == hash(*c) {
			t.Fatalf("the %s of a coin does not count", name)
		}
	}
}
