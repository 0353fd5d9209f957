package core_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

type coinSetVectors struct {
	about
	Empty core.Hash    `json:"empty"`
	Coins []coinVector `json:"coins"`
}

type coinVector struct {
	TxID     core.Hash `json:"txid"`
	Index    uint32    `json:"index"`
	Value    uint64    `json:"value,string"`
	Height   uint32    `json:"height"`
	Coinbase bool      `json:"coinbase"`
	Kind     byte      `json:"kind"`
	Hash     hexBytes  `json:"hash"`
	Bytes    hexBytes  `json:"bytes"`
	// Alone is the hash of the set of this coin only, Sum that of the set of this
	// and all coins above.
	Alone core.Hash `json:"alone"`
	Sum   core.Hash `json:"sum"`
}

func (v *coinVector) coin() core.Coin {
	c := core.Coin{Outpoint: core.Outpoint{TxID: v.TxID, Index: v.Index}, Value: core.Amount(v.Value), Height: v.Height, Coinbase: v.Coinbase}
	c.Address.Kind = v.Kind
	copy(c.Address.Hash[:], v.Hash)
	return c
}

func (v *coinVector) fill(sum *core.CoinSet) {
	c := v.coin()
	enc := c.Encode()
	v.Bytes = enc[:]
	var alone core.CoinSet
	alone.Add(&c)
	sum.Add(&c)
	v.Alone, v.Sum = alone.Hash(), sum.Hash()
}

func makeCoins(*testing.T) coinSetVectors {
	v := coinSetVectors{about: about{"Coins, their 70 bytes, and the hash of the set of each alone and of all up to it.", "state.md"}}
	alice, bob := coretest.Key("alice").Address, coretest.Key("bob").Address
	v.Coins = []coinVector{
		{TxID: filler("coin 0"), Value: 500_000_000, Height: 1, Coinbase: true, Hash: alice.Hash[:]},
		{TxID: filler("coin 1"), Index: 1, Value: 1, Height: 2, Hash: bob.Hash[:]},
		{TxID: filler("coin 1"), Index: 2, Value: 1, Height: 2, Hash: bob.Hash[:]},
		{TxID: filler("coin 3"), Index: 1<<32 - 1, Value: uint64(core.MaxAmount), Height: 1<<32 - 1, Hash: make([]byte, 20)},
	}
	var sum core.CoinSet
	v.Empty = sum.Hash()
	for i := range v.Coins {
		v.Coins[i].fill(&sum)
	}
	return v
}

func TestCoinSetVectors(t *testing.T) {
	vs := vectors(t, "coinset.json", makeCoins)
	var sum core.CoinSet
	equal(t, "empty", sum.Hash(), vs.Empty)
	for i, v := range vs.Coins {
		got := v
		got.fill(&sum)
		equal(t, fmt.Sprint("coin ", i), got, v)
		if c, err := core.ParseCoin(v.Bytes); err != nil || c != v.coin() {
			t.Errorf("coin %d: ParseCoin = %+v, %v", i, c, err)
		}
	}
	for i := len(vs.Coins) - 1; i > 0; i-- {
		c := vs.Coins[i].coin()
		sum.Remove(&c)
		equal(t, fmt.Sprint("without coin ", i), sum.Hash(), vs.Coins[i-1].Sum)
	}
}

type historyVectors struct {
	about
	Empty  core.Hash       `json:"empty"`
	Blocks []historyVector `json:"blocks"`
}

type historyVector struct {
	ID   core.Hash `json:"id"`
	Work core.Work `json:"work"`
	// Root is that of the history up to and with this block.
	Root core.Hash `json:"root"`
}

// historyOf is the history of these blocks, put together from the formats that
// the specification gives: the rules append only blocks that they connected.
func historyOf(t *testing.T, blocks []historyVector) core.History {
	t.Helper()
	tagged := func(tag string, parts ...[]byte) core.Hash {
		return sha256.Sum256(slices.Concat(append([][]byte{{byte(len(tag))}, []byte(tag)}, parts...)...))
	}
	type tree struct {
		leaves int
		root   core.Hash
	}
	var trees []tree
	for _, b := range blocks {
		work := b.Work.Bytes()
		trees = append(trees, tree{1, tagged("ingchain/history/leaf", b.ID[:], work[:])})
		for n := len(trees); n > 1 && trees[n-1].leaves == trees[n-2].leaves; n-- {
			left, right := trees[n-2], trees[n-1]
			trees = append(trees[:n-2], tree{2 * left.leaves, tagged("ingchain/history/node", left.root[:], right.root[:])})
		}
	}
	stored := binary.LittleEndian.AppendUint32(nil, uint32(len(blocks)))
	for _, tree := range trees {
		stored = append(stored, tree.root[:]...)
	}
	h, err := core.ParseHistory(stored)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func makeHistory(t *testing.T) historyVectors {
	v := historyVectors{about: about{"History roots of 0 to 9 blocks; work is cumulative, in hexadecimal without leading zeros.", "state.md"}}
	h := historyOf(t, nil)
	v.Empty = h.Root()
	var work core.Work
	for i := range 9 {
		v.Blocks = append(v.Blocks, historyVector{ID: filler(fmt.Sprint("block ", i)), Work: work})
		h := historyOf(t, v.Blocks)
		v.Blocks[i].Root = h.Root()
		w, err := core.WorkOf(0x1e010000)
		if err != nil {
			t.Fatal(err)
		}
		work = work.Add(w)
	}
	return v
}

func TestHistoryVectors(t *testing.T) {
	vs := vectors(t, "history.json", makeHistory)
	h := historyOf(t, nil)
	equal(t, "empty", h.Root(), vs.Empty)
	for i, v := range vs.Blocks {
		h := historyOf(t, vs.Blocks[:i+1])
		equal(t, fmt.Sprint(i+1, " blocks"), h.Root(), v.Root)
	}
}

type networkVectors struct {
	about
	Valid   []networkVector  `json:"valid"`
	Invalid []invalidNetwork `json:"invalid"`
}

type networkVector struct {
	File json.RawMessage `json:"file"`
	// Encoding is what genesis' parent field hashes.
	Encoding hexBytes  `json:"encoding"`
	Parent   core.Hash `json:"parent"`
	Genesis  hexBytes  `json:"genesis"`
	ID       core.Hash `json:"id"`
	// State is what block 1 must commit to.
	State     core.Hash       `json:"state"`
	Subsidies []subsidyVector `json:"subsidies"`
}

type subsidyVector struct {
	Height  uint32      `json:"height"`
	Subsidy core.Amount `json:"subsidy"`
}

// invalidNetwork has a file as text, since some are no JSON object at all.
type invalidNetwork struct {
	Name string `json:"name"`
	File string `json:"file"`
}

func makeNetworks(t *testing.T) networkVectors {
	v := networkVectors{about: about{"Network files with what follows from them (encoding, genesis block, id, the state after it, subsidies), and files that are none.", "network.md"}}
	small := smallNetwork()
	small.Subsidy, small.HalvingInterval = 5, 3
	for _, p := range []*core.Params{core.LAN(), core.Dev(), small} {
		n := networkVector{File: paramsFile(t, p)}
		interval := uint64(p.HalvingInterval)
		for _, h := range []uint64{0, 1, interval, interval + 1, 2*interval + 1, 3*interval + 1, 63*interval + 1, 64*interval + 1, math.MaxUint32} {
			n.Subsidies = append(n.Subsidies, subsidyVector{Height: uint32(h)})
		}
		n.fill(p)
		v.Valid = append(v.Valid, n)
	}
	file := string(paramsFile(t, core.Dev()))
	bad := func(name, old, new string) {
		s := strings.Replace(file, old, new, 1)
		if s == file {
			t.Fatalf("%s changes nothing in %s", name, file)
		}
		v.Invalid = append(v.Invalid, invalidNetwork{name, s})
	}
	v.Invalid = []invalidNetwork{
		{"nothing", ""},
		{"a list", "[" + file + "]"},
		{"two objects", file + file},
		{"cut off", file[:len(file)-1]},
	}
	bad("a key missing", `"subsidy":500000000,`, ``)
	bad("a key nobody knows", `{`, `{"more":1,`)
	bad("a key twice", `"subsidy":500000000,`, `"subsidy":500000000,"subsidy":500000000,`)
	bad("a key in upper case", `"subsidy"`, `"Subsidy"`)
	bad("null", `"subsidy":500000000`, `"subsidy":null`)
	bad("a number as text", `"subsidy":500000000`, `"subsidy":"500000000"`)
	bad("a fraction", `"subsidy":500000000`, `"subsidy":0.5`)
	bad("a negative number", `"subsidy":500000000`, `"subsidy":-1`)
	bad("no name", `"name":"dev"`, `"name":""`)
	bad("a name that begins with -", `"name":"dev"`, `"name":"-dev"`)
	bad("a name in upper case", `"name":"dev"`, `"name":"Dev"`)
	bad("a name of 33", `"name":"dev"`, `"name":"`+strings.Repeat("d", 33)+`"`)
	bad("a salt of 63 digits", `"salt":"0`, `"salt":"`)
	bad("a salt in upper case", `"salt":"0`, `"salt":"A`)
	bad("a prefix of one letter", `"ingd"`, `"i"`)
	bad("a prefix of six letters", `"ingd"`, `"ingdev"`)
	bad("a prefix with a digit", `"ingd"`, `"ing1"`)
	bad("a genesis time of 2^53", `1795132800000`, `9007199254740992`)
	bad("genesis bits that are no target", `"genesis_bits":"207fffff"`, `"genesis_bits":"20ffffff"`)
	bad("genesis bits of 7 digits", `"genesis_bits":"207fffff"`, `"genesis_bits":"07fffff"`)
	bad("genesis bits that are no digits", `"genesis_bits":"207fffff"`, `"genesis_bits":"207ffffg"`)
	bad("genesis bits easier than the limit", `"genesis_bits":"207fffff"`, `"genesis_bits":"2100ffff"`)
	bad("a limit below 2^32", `"difficulty_limit_bits":"207fffff"`, `"difficulty_limit_bits":"0500ffff"`)
	bad("blocks in no time", `"block_interval_ms":10000`, `"block_interval_ms":0`)
	bad("blocks in more than a day", `"block_interval_ms":10000`, `"block_interval_ms":86400001`)
	bad("a window of 1", `"difficulty_window":60,"difficulty_ramp_start":4`, `"difficulty_window":1,"difficulty_ramp_start":1`)
	bad("a window of 1,001", `"difficulty_window":60`, `"difficulty_window":1001`)
	bad("a ramp that starts at 1", `"difficulty_ramp_start":4`, `"difficulty_ramp_start":1`)
	bad("a ramp that starts above the window", `"difficulty_ramp_start":4`, `"difficulty_ramp_start":61`)
	bad("blocks below 4,096 bytes", `"max_block_bytes":4194304,"max_tx_bytes":262144`, `"max_block_bytes":4095,"max_tx_bytes":1024`)
	bad("blocks above 32 MiB", `"max_block_bytes":4194304`, `"max_block_bytes":33554433`)
	bad("transactions below 1,024 bytes", `"max_tx_bytes":262144`, `"max_tx_bytes":1023`)
	bad("transactions that leave no 2,048 bytes of the block", `"max_tx_bytes":262144`, `"max_tx_bytes":4192257`)
	bad("a block of one coin", `"max_block_coins":65536`, `"max_block_coins":1`)
	bad("a block of 262,145 coins", `"max_block_coins":65536`, `"max_block_coins":262145`)
	bad("maturity 0", `"coinbase_maturity":1`, `"coinbase_maturity":0`)
	bad("maturity 100,001", `"coinbase_maturity":1`, `"coinbase_maturity":100001`)
	bad("2^53 grains and more are minted", `"subsidy":500000000`, `"subsidy":536870912`)
	bad("halving never", `"halving_interval":8400000`, `"halving_interval":0`)
	bad("no versions", `[{"height":0,"version":1}]`, `[]`)
	bad("versions that begin late", `{"height":0,"version":1}`, `{"height":1,"version":1}`)
	bad("version 0", `{"height":0,"version":1}`, `{"height":0,"version":0}`)
	bad("version 2, which has no rules", `{"height":0,"version":1}`, `{"height":0,"version":2}`)
	bad("versions that do not rise", `{"height":0,"version":1}`, `{"height":0,"version":1},{"height":1,"version":1}`)
	bad("heights that do not rise", `{"height":0,"version":1}`, `{"height":0,"version":1},{"height":0,"version":2}`)
	bad("a key of a version missing", `{"height":0,"version":1}`, `{"version":1}`)
	bad("a key of a version nobody knows", `{"height":0,"version":1}`, `{"height":0,"version":1,"name":"one"}`)
	return v
}

func (v *networkVector) fill(p *core.Params) {
	g, st := p.Genesis(), p.GenesisState()
	v.Encoding, v.Parent = p.Encode(), g.Header.Parent
	v.Genesis, v.ID, v.State = g.Bytes(), g.ID(), st.Commitment()
	for i := range v.Subsidies {
		v.Subsidies[i].Subsidy = p.SubsidyAt(v.Subsidies[i].Height)
	}
}

func TestNetworkVectors(t *testing.T) {
	vs := vectors(t, "network.json", makeNetworks)
	for i, v := range vs.Valid {
		p, err := core.ParseParams(v.File)
		if err != nil {
			t.Fatal(err)
		}
		got := networkVector{File: v.File, Subsidies: make([]subsidyVector, len(v.Subsidies))}
		for j := range v.Subsidies {
			got.Subsidies[j].Height = v.Subsidies[j].Height
		}
		got.fill(p)
		equal(t, p.Name, got, v)
		if i < 2 {
			equal(t, "built-in "+p.Name, p, core.BuiltIn(p.Name))
		}
	}
	for _, v := range vs.Invalid {
		if _, err := core.ParseParams([]byte(v.File)); err == nil {
			t.Errorf("%s: parses", v.Name)
		}
	}
}
