package core_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

const ing = core.GrainsPerING

// In a story the parent is looked up by the field, so only who judges a header as
// the child of another sees this.
func TestHeaderOfAnotherParent(t *testing.T) {
	c := coretest.New(t, nil)
	c.Chain("b", coretest.Genesis, 2)
	parent, h := c.Get("b1").State.HeaderState, c.Get("b2").Block.Header
	if _, err := c.Rules.ConnectHeader(&parent, &h); err != nil {
		t.Fatal(err)
	}
	parent.ID[31] ^= 1
	if _, err := c.Rules.ConnectHeader(&parent, &h); !errors.Is(err, core.ErrParentID) || !core.IsForever(err) {
		t.Errorf("%v", err)
	}
}

func TestSubsidyHalves(t *testing.T) {
	p := core.LAN()
	for _, tc := range []struct {
		height uint32
		want   core.Amount
	}{
		{0, 0}, {1, 5 * ing}, {8_400_000, 5 * ing}, {8_400_001, 5 * ing / 2}, {16_800_000, 5 * ing / 2},
		{16_800_001, 5 * ing / 4}, {1<<32 - 1, 0},
	} {
		if got := p.SubsidyAt(tc.height); got != tc.want {
			t.Errorf("height %d: %d grains, want %d", tc.height, got, tc.want)
		}
	}
}

func TestOtherGenesisIsRefused(t *testing.T) {
	p := core.Dev()
	p.Salt[0] = 1
	other, err := core.NewRules(p)
	if err != nil {
		t.Fatal(err)
	}
	c := coretest.New(t, nil)
	if err := c.Rules.CheckBlock(other.Genesis()); !errors.Is(err, core.ErrGenesis) {
		t.Fatalf("%v", err)
	}
	if err := c.Rules.CheckBlock(c.Rules.Genesis()); err != nil {
		t.Fatalf("our own genesis: %v", err)
	}
}

func TestEveryParameterChangesTheGenesis(t *testing.T) {
	seen := map[core.Hash]string{}
	for name, change := range map[string]func(*core.Params){
		"nothing":  func(*core.Params) {},
		"name":     func(p *core.Params) { p.Name = "x" },
		"salt":     func(p *core.Params) { p.Salt[31] = 1 },
		"prefix":   func(p *core.Params) { p.AddressPrefix = "xx" },
		"time":     func(p *core.Params) { p.GenesisTime++ },
		"bits":     func(p *core.Params) { p.GenesisBits-- },
		"interval": func(p *core.Params) { p.Retarget.IntervalMillis++ },
		"window":   func(p *core.Params) { p.Retarget.Window++ },
		"ramp":     func(p *core.Params) { p.Retarget.RampStart++ },
		"limit":    func(p *core.Params) { p.Retarget.LimitBits-- },
		"fixed":    func(p *core.Params) { p.Retarget.Fixed = true },
		"block":    func(p *core.Params) { p.MaxBlockBytes-- },
		"tx":       func(p *core.Params) { p.MaxTxBytes-- },
		"coins":    func(p *core.Params) { p.MaxBlockCoins-- },
		"maturity": func(p *core.Params) { p.CoinbaseMaturity++ },
		"subsidy":  func(p *core.Params) { p.Subsidy-- },
		"halving":  func(p *core.Params) { p.HalvingInterval-- },
	} {
		p := core.LAN()
		change(p)
		r, err := core.NewRules(p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if other, dup := seen[r.GenesisID()]; dup {
			t.Errorf("%s leaves the genesis id as %s does", name, other)
		}
		seen[r.GenesisID()] = name

		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := core.ParseParams(data)
		if err != nil || back.Genesis().ID() != r.GenesisID() {
			t.Errorf("%s: the network file does not give the network back: %v", name, err)
		}
	}
}

func TestTheVersionScheduleIsPartOfTheNetwork(t *testing.T) {
	p, q := core.LAN(), core.LAN()
	q.Versions = append(q.Versions, core.VersionRule{Height: 9, Version: 2})
	if string(p.Encode()) == string(q.Encode()) {
		t.Error("another schedule has the same encoding")
	}
	if q.VersionAt(8) != 1 || q.VersionAt(9) != 2 {
		t.Errorf("versions %d and %d at heights 8 and 9", q.VersionAt(8), q.VersionAt(9))
	}
}

func TestNetworkFilesThatAreRefused(t *testing.T) {
	good, err := json.Marshal(core.LAN())
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) string {
		s := strings.Replace(string(good), old, new, 1)
		if s == string(good) {
			t.Fatalf("%q is not in %s", old, good)
		}
		return s
	}
	for name, in := range map[string]string{
		"empty":            "",
		"not an object":    "[]",
		"unknown key":      replace(`{`, `{"colour":1,`),
		"missing key":      replace(`"max_tx_bytes":262144,`, ``),
		"two values":       string(good) + "{}",
		"name":             replace(`"lan"`, `"L A N"`),
		"prefix":           replace(`"ing"`, `"i"`),
		"negative":         replace(`"max_tx_bytes":262144`, `"max_tx_bytes":-1`),
		"fraction":         replace(`"max_tx_bytes":262144`, `"max_tx_bytes":1.5`),
		"too large blocks": replace(`"max_block_bytes":4194304`, `"max_block_bytes":33554433`),
		"no maturity":      replace(`"coinbase_maturity":10`, `"coinbase_maturity":0`),
		"too much money":   replace(`"subsidy":500000000`, `"subsidy":600000000`),
		"no halving":       replace(`"halving_interval":8400000`, `"halving_interval":0`),
		"bits":             replace(`"1e010000"`, `"1e0100"`),
		"bits above limit": replace(`"1e010000"`, `"1f010000"`),
		"no versions":      replace(`[{"height":0,"version":1}]`, `[]`),
		"unknown version":  replace(`"version":1`, `"version":2`),
		"no height":        replace(`{"height":0,`, `{`),
		"key in capitals":  replace(`"name"`, `"NAME"`),
		"key that folds":   replace(`"salt"`, `"\u017falt"`),
		"key twice":        replace(`{`, `{"name":"lan",`),
		"nested key twice": replace(`{"height":0,`, `{"height":0,"height":0,`),
		"version from 1":   replace(`[{"height":0,`, `[{"height":1,`),
		"interval":         replace(`"block_interval_ms":10000`, `"block_interval_ms":0`),
		"too long":         string(good) + strings.Repeat(" ", core.MaxParamsFile),
	} {
		if _, err := core.ParseParams([]byte(in)); !errors.Is(err, core.ErrParams) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLocatorHeights(t *testing.T) {
	for _, tip := range []uint32{0, 1, 5, 9, 10, 11, 100, 20_000, 1<<32 - 1} {
		hs := core.LocatorHeights(tip)
		if len(hs) > core.MaxLocator || hs[0] != tip || hs[len(hs)-1] != 0 {
			t.Fatalf("tip %d: %v", tip, hs)
		}
		for i := 1; i < len(hs); i++ {
			if hs[i] >= hs[i-1] {
				t.Fatalf("tip %d: %v does not fall", tip, hs)
			}
		}
	}
}

func TestReorgPath(t *testing.T) {
	// genesis -> a1 -> a2 -> a3
	//              \-> c2 -> c3 -> c4
	c := coretest.New(t, nil)
	c.Chain("a", coretest.Genesis, 3)
	c.Next("c2", "a1", coretest.WithTime(c.Get("a2").State.Time+1))
	c.Next("c3", "c2")
	c.Next("c4", "c3")
	byID := map[core.Hash]*coretest.Named{}
	for _, name := range []string{coretest.Genesis, "a1", "a2", "a3", "c2", "c3", "c4"} {
		byID[c.Get(name).Block.ID()] = c.Get(name)
	}
	errUnknown := errors.New("unknown")
	lookup := func(id core.Hash) (core.Hash, uint32, error) {
		n := byID[id]
		if n == nil {
			return core.Hash{}, 0, errUnknown
		}
		return n.Block.Header.Parent, n.Block.Header.Height, nil
	}
	names := func(ids []core.Hash) (s string) {
		for _, id := range ids {
			s += byID[id].Name + " "
		}
		return s
	}
	for _, tc := range []struct{ from, to, revert, apply string }{
		{"a3", "c4", "a3 a2 ", "c2 c3 c4 "}, {"c4", "a3", "c4 c3 c2 ", "a2 a3 "},
		{"a1", "a3", "", "a2 a3 "}, {"a3", "a1", "a3 a2 ", ""}, {"a2", "a2", "", ""},
	} {
		revert, apply, err := core.ReorgPath(c.Get(tc.from).Block.ID(), c.Get(tc.to).Block.ID(), lookup)
		if err != nil || names(revert) != tc.revert || names(apply) != tc.apply {
			t.Errorf("%s to %s: revert %q apply %q, %v", tc.from, tc.to, names(revert), names(apply), err)
		}
	}
	if _, _, err := core.ReorgPath(core.Hash{9}, c.Get("a1").Block.ID(), lookup); !errors.Is(err, errUnknown) {
		t.Errorf("unknown block: %v", err)
	}
}

func TestHeavierIsATotalOrder(t *testing.T) {
	one, err := core.WorkOf(0x207fffff)
	if err != nil {
		t.Fatal(err)
	}
	two := one.Add(one)
	low, high := core.Hash{1}, core.Hash{2}
	if !core.Heavier(two, high, one, low) || core.Heavier(one, low, two, high) {
		t.Error("more work must win")
	}
	if !core.Heavier(one, low, one, high) || core.Heavier(one, high, one, low) || core.Heavier(one, low, one, low) {
		t.Error("between equals the lower id must win")
	}
	var most core.Work
	if err := most.UnmarshalText([]byte(strings.Repeat("f", 64))); err != nil {
		t.Fatal(err)
	}
	if most.Add(one) != most {
		t.Error("work must saturate")
	}
}
