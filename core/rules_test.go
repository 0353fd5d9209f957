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

// rulesChain is
//
//	genesis -> b1 -> b2 -> b3 -> b4
//
// whose coinbases all pay "miner". Cases follow b4.
func rulesChain(t *testing.T) *coretest.Chain {
	c := coretest.New(t, nil)
	c.Chain("b", coretest.Genesis, 4)
	return c
}

func TestRulesTable(t *testing.T) {
	header := coretest.WithHeader
	// pay spends b1's coinbase to alice, b2's to bob, as changed by f and signed
	// again by the miner.
	pay := func(c *coretest.Chain, f func(*core.Transaction)) core.Transaction {
		tx := coretest.Pay(c.Rules.GenesisID(), []core.Coin{c.Get("b1").Coinbase()}, []string{"miner"}, coretest.To("alice", 2*ing), coretest.To("miner", 2*ing))
		if f != nil {
			f(&tx)
			coretest.Sign(c.Rules.GenesisID(), &tx, "miner")
		}
		return tx
	}
	payment := func(f func(*core.Transaction)) coretest.Mutator {
		return func(d *coretest.Draft) { d.Txs = append(d.Txs, pay(d.Chain, f)) }
	}
	coinbase := func(f func(*core.Transaction)) coretest.Mutator {
		return func(d *coretest.Draft) { d.KeepReward = true; f(&d.Txs[0]) }
	}

	cases := []struct {
		name string
		want error // nil: accepted
		muts []coretest.Mutator
	}{
		{"plain", nil, nil},
		{"payment", nil, []coretest.Mutator{payment(nil)}},

		// Headers.
		{"hash above target", core.ErrWork, []coretest.Mutator{func(d *coretest.Draft) {
			d.KeepNonce = true
			d.KeepMerkle = true
			d.Header.MerkleRoot = core.MerkleRoot([]core.Hash{core.MerkleLeaf(d.Txs[0].ID(), d.Txs[0].WitnessID())})
			target, _ := core.TargetFromBits(d.Header.Bits)
			for core.HashMeetsTarget(d.Header.ID(), &target) {
				d.Header.Nonce++
			}
		}}},
		{"bits one step harder", core.ErrBits, []coretest.Mutator{header(func(h *core.Header) { h.Bits-- })}},
		{"bits easier", core.ErrBits, []coretest.Mutator{header(func(h *core.Header) { h.Bits = 0x20800000 })}},
		{"bits zero", core.ErrBits, []coretest.Mutator{header(func(h *core.Header) { h.Bits = 0 })}},
		{"time of the parent", core.ErrTime, []coretest.Mutator{func(d *coretest.Draft) { d.Header.Time = d.Parent.State.Time }}},
		{"a millisecond later", nil, []coretest.Mutator{func(d *coretest.Draft) { d.Header.Time = d.Parent.State.Time + 1 }}},
		{"height too high", core.ErrHeight, []coretest.Mutator{header(func(h *core.Header) { h.Height++ }), coinbase(func(tx *core.Transaction) { tx.Data[0]++ })}},
		{"version 0", core.ErrOldVersion, []coretest.Mutator{header(func(h *core.Header) { h.Version = 0 })}},
		{"version 2", core.ErrNewRules, []coretest.Mutator{header(func(h *core.Header) { h.Version = 2 })}},
		{"another state", core.ErrStateRoot, []coretest.Mutator{header(func(h *core.Header) { h.State[0] ^= 1 })}},
		{"another parent", core.ErrParentID, []coretest.Mutator{header(func(h *core.Header) { h.Parent[0] ^= 1 })}},

		// Blocks.
		{"merkle root", core.ErrMerkleRoot, []coretest.Mutator{func(d *coretest.Draft) { d.KeepMerkle = true }}},
		{"no transactions", core.ErrNoTxs, []coretest.Mutator{func(d *coretest.Draft) { d.Txs = nil }}},
		{"payment first", core.ErrFirstTx, []coretest.Mutator{payment(nil), func(d *coretest.Draft) { d.Txs = d.Txs[1:] }}},
		{"two coinbases", core.ErrExtraCoinbase, []coretest.Mutator{func(d *coretest.Draft) {
			d.Txs = append(d.Txs, core.NewCoinbase(d.Header.Height, ing, core.Address{}, nil))
		}}},
		{"coin spent by two", core.ErrBlockDouble, []coretest.Mutator{payment(nil), payment(func(tx *core.Transaction) { tx.Data = []byte("x") })}},
		{"same payment twice", core.ErrBlockDouble, []coretest.Mutator{payment(nil), payment(nil)}},

		// Coinbases.
		{"reward and one grain", core.ErrCoinbaseValue, []coretest.Mutator{coinbase(func(tx *core.Transaction) { tx.Outputs[0].Value++ })}},
		{"reward less one grain", core.ErrCoinbaseValue, []coretest.Mutator{coinbase(func(tx *core.Transaction) { tx.Outputs[0].Value-- })}},
		{"fee not collected", core.ErrCoinbaseValue, []coretest.Mutator{payment(nil), coinbase(func(*core.Transaction) {})}},
		{"reward split in two", nil, []coretest.Mutator{func(d *coretest.Draft) { d.Txs[0].Outputs = append(d.Txs[0].Outputs, coretest.To("bob", ing)) }}},
		{"height of the parent", core.ErrCoinbaseHeight, []coretest.Mutator{coinbase(func(tx *core.Transaction) { tx.Data[0]-- })}},
		{"no height", core.ErrCoinbaseHeight, []coretest.Mutator{coinbase(func(tx *core.Transaction) { tx.Data = tx.Data[:3] })}},
		{"coinbase with a fee", core.ErrCoinbaseFee, []coretest.Mutator{coinbase(func(tx *core.Transaction) { tx.Fee = 1 })}},
		{"coinbase version", core.ErrTxVersion, []coretest.Mutator{coinbase(func(tx *core.Transaction) { tx.Version = 2 })}},
		{"coinbase output of nothing", core.ErrTxValue, []coretest.Mutator{coinbase(func(tx *core.Transaction) { tx.Outputs = append(tx.Outputs, core.Output{}) })}},
		{"immature in its own block", core.ErrImmature, []coretest.Mutator{func(d *coretest.Draft) {
			d.KeepReward = true
			own := core.Coin{Outpoint: core.Outpoint{TxID: d.Txs[0].ID()}, Value: d.Txs[0].Outputs[0].Value}
			d.Txs = append(d.Txs, coretest.Pay(d.Chain.Rules.GenesisID(), []core.Coin{own}, []string{"miner"}, coretest.To("bob", own.Value)))
		}}},
		{"mature after one block", nil, []coretest.Mutator{func(d *coretest.Draft) {
			d.Txs = append(d.Txs, coretest.Pay(d.Chain.Rules.GenesisID(), []core.Coin{d.Parent.Coinbase()}, []string{"miner"}, coretest.To("bob", ing)))
		}}},

		// Payments.
		{"no outputs", core.ErrTxNoOutputs, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Outputs, tx.Fee = nil, 5*ing })}},
		{"tx version 0", core.ErrTxVersion, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Version = 0 })}},
		{"output of nothing", core.ErrTxValue, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Outputs[0].Value = 0 })}},
		{"output above the maximum", core.ErrTxValue, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Outputs[0].Value = core.MaxAmount + 1 })}},
		{"output of 2^64-1", core.ErrTxValue, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Outputs[0].Value = 1<<64 - 1 })}},
		{"outputs overflow", core.ErrTxSum, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Outputs[0].Value = core.MaxAmount })}},
		{"fee above the maximum", core.ErrTxSum, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Fee = 1<<64 - 1 })}},
		{"unknown output kind", core.ErrTxKind, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Outputs[0].Address.Kind = 1 })}},
		{"128 bytes of data", nil, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Data = make([]byte, 128) })}},
		{"outputs above inputs", core.ErrFeeMismatch, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Outputs[0].Value += 2 * ing })}},
		{"fee declared too low", core.ErrFeeMismatch, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Fee-- })}},
		{"fee declared too high", core.ErrFeeMismatch, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Fee++ })}},
		{"coin that never was", core.ErrMissingCoin, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Inputs[0].Index = 7 })}},
		{"coin named twice", core.ErrTxDoubleIn, []coretest.Mutator{payment(func(tx *core.Transaction) { tx.Inputs = append(tx.Inputs, tx.Inputs[0]) })}},
		{"spends a later transaction", core.ErrMissingCoin, []coretest.Mutator{func(d *coretest.Draft) {
			first := pay(d.Chain, nil)
			coin := core.Coin{Outpoint: core.Outpoint{TxID: first.ID()}, Value: 2 * ing}
			second := coretest.Pay(d.Chain.Rules.GenesisID(), []core.Coin{coin}, []string{"alice"}, coretest.To("bob", ing))
			d.Txs = append(d.Txs, second, first)
		}}},
		{"spends an earlier transaction", nil, []coretest.Mutator{func(d *coretest.Draft) {
			first := pay(d.Chain, nil)
			coin := core.Coin{Outpoint: core.Outpoint{TxID: first.ID()}, Value: 2 * ing}
			d.Txs = append(d.Txs, first, coretest.Pay(d.Chain.Rules.GenesisID(), []core.Coin{coin}, []string{"alice"}, coretest.To("bob", ing)))
		}}},

		// Witnesses.
		{"another's key", core.ErrOwner, []coretest.Mutator{func(d *coretest.Draft) {
			tx := pay(d.Chain, nil)
			coretest.Sign(d.Chain.Rules.GenesisID(), &tx, "mallory")
			d.Txs = append(d.Txs, tx)
		}}},
		{"signature bit flipped", core.ErrTxSignature, []coretest.Mutator{func(d *coretest.Draft) {
			tx := pay(d.Chain, nil)
			tx.Witnesses[0].Signature[9] ^= 4
			d.Txs = append(d.Txs, tx)
		}}},
		{"signed for another network", core.ErrTxSignature, []coretest.Mutator{func(d *coretest.Draft) {
			tx := pay(d.Chain, nil)
			coretest.Sign(core.Hash{1}, &tx, "miner")
			d.Txs = append(d.Txs, tx)
		}}},
		{"key of small order", core.ErrTxKey, []coretest.Mutator{func(d *coretest.Draft) {
			tx := pay(d.Chain, nil)
			tx.Witnesses[0] = core.Witness{PublicKey: [32]byte{1}, Signature: [64]byte{1}}
			d.Txs = append(d.Txs, tx)
		}}},
		{"two coins of two owners", nil, []coretest.Mutator{func(d *coretest.Draft) {
			first := pay(d.Chain, nil)
			coins := []core.Coin{
				{Outpoint: core.Outpoint{TxID: first.ID(), Index: 0}, Value: 2 * ing},
				{Outpoint: core.Outpoint{TxID: first.ID(), Index: 1}, Value: 2 * ing},
			}
			d.Txs = append(d.Txs, first, coretest.Pay(d.Chain.Rules.GenesisID(), coins, []string{"alice", "miner"}, coretest.To("bob", 4*ing)))
		}}},
		{"owner 1 before owner 0", core.ErrTxOwnerOrder, []coretest.Mutator{func(d *coretest.Draft) {
			tx := pay(d.Chain, nil)
			tx.Inputs[0].Owner = 1
			coretest.Sign(d.Chain.Rules.GenesisID(), &tx, "alice", "miner")
			d.Txs = append(d.Txs, tx)
		}}},
		{"one key for two owners", core.ErrTxKeyTwice, []coretest.Mutator{func(d *coretest.Draft) {
			coins := []core.Coin{d.Chain.Get("b1").Coinbase(), d.Chain.Get("b2").Coinbase()}
			tx := coretest.Pay(d.Chain.Rules.GenesisID(), coins, []string{"miner"}, coretest.To("bob", 10*ing))
			tx.Inputs[1].Owner = 1
			coretest.Sign(d.Chain.Rules.GenesisID(), &tx, "miner", "miner")
			d.Txs = append(d.Txs, tx)
		}}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := rulesChain(t)
			n := c.Next("case", "b4", tc.muts...)
			if !errors.Is(n.Err, tc.want) {
				t.Fatalf("verdict %v, want %v", n.Err, tc.want)
			}
			checkVerdictType(t, n.Err)
			if n.Err == nil {
				undone := core.UndoBlock(n.State, &n.Parent.State.HeaderState, n.Diff)
				if *undone != *n.Parent.State {
					t.Fatal("undoing the block does not give the parent's state")
				}
			}
		})
	}
}

// checkVerdictType checks that each failure is of exactly one kind.
func checkVerdictType(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	want := "rule"
	switch core.CodeOf(err) {
	case core.ErrMalformed, core.ErrMerkleRoot, core.ErrTxMalformed:
		want = "body"
	case core.ErrNewRules, core.ErrFuture, core.ErrNoParent:
		want = "defer"
	}
	got := map[bool]string{core.IsForever(err): "rule", core.IsDeferred(err): "defer", core.IsPunishable(err) && !core.IsForever(err): "body"}[true]
	if got != want {
		t.Fatalf("%v is a %s error, want %s", err, got, want)
	}
}

func TestLimitsOfSizes(t *testing.T) {
	p := core.Dev()
	p.MaxBlockBytes, p.MaxTxBytes, p.MaxBlockCoins = 4096, 1099, 20
	fill := func(outputs int) coretest.Mutator {
		return func(d *coretest.Draft) {
			var outs []core.Output
			for range outputs {
				outs = append(outs, coretest.To("bob", 1))
			}
			d.Txs = append(d.Txs, coretest.Pay(d.Chain.Rules.GenesisID(), []core.Coin{d.Parent.Coinbase()}, []string{"miner"}, outs...))
		}
	}
	for _, tc := range []struct {
		name    string
		outputs int
		want    error
	}{{"as many coins as allowed", 18, nil}, {"one more", 19, core.ErrBlockCoins}} {
		c := coretest.New(t, p)
		c.Next("b1", coretest.Genesis)
		if n := c.Next("b2", "b1", fill(tc.outputs)); !errors.Is(n.Err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, n.Err, tc.want)
		}
	}
	p.MaxBlockCoins = 1000
	for _, tc := range []struct {
		outputs int
		want    error
	}{{32, nil}, {33, core.ErrTxSize}} { // 32 outputs make 1,071 bytes, 33 make 1,100
		c := coretest.New(t, p)
		c.Next("b1", coretest.Genesis)
		n := c.Next("b2", "b1", fill(tc.outputs))
		if size := len(n.Block.Txs[1].AppendTo(nil)); !errors.Is(n.Err, tc.want) {
			t.Errorf("transaction of %d bytes: %v, want %v", size, n.Err, tc.want)
		}
	}
}

func TestBlockSizeLimit(t *testing.T) {
	p := core.Dev()
	p.MaxBlockBytes, p.MaxTxBytes = 4096, 2048
	c := coretest.New(t, p)
	c.Chain("b", coretest.Genesis, 3)
	// Two transactions of nearly 2 KiB and data that brings the block to 4,096
	// bytes, or one more.
	for _, tc := range []struct {
		extra int
		want  error
	}{{0, nil}, {1, core.ErrBlockSize}} {
		build := func(data int) coretest.Mutator {
			return func(d *coretest.Draft) {
				for i, name := range []string{"b1", "b2"} {
					var outs []core.Output
					for range 61 {
						outs = append(outs, coretest.To("bob", 1))
					}
					tx := coretest.Pay(c.Rules.GenesisID(), []core.Coin{c.Get(name).Coinbase()}, []string{"miner"}, outs...)
					if i == 1 {
						tx.Data = make([]byte, data)
						coretest.Sign(c.Rules.GenesisID(), &tx, "miner")
					}
					d.Txs = append(d.Txs, tx)
				}
			}
		}
		probe := c.Next("probe"+strings.Repeat("'", tc.extra), "b3", build(0))
		n := c.Next("full"+strings.Repeat("'", tc.extra), "b3", build(4096-probe.Block.Size()+tc.extra+1))
		if n.Block.Size() != 4096+tc.extra || !errors.Is(n.Err, tc.want) {
			t.Errorf("block of %d bytes: %v, want %v", n.Block.Size(), n.Err, tc.want)
		}
	}
}

func TestClock(t *testing.T) {
	c := rulesChain(t)
	h := &c.Get("b4").Block.Header
	limit := c.Rules.Params().MaxFutureMillis()
	if err := c.Rules.CheckClock(h, h.Time-limit); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := c.Rules.CheckClock(h, h.Time-limit-1); !errors.Is(err, core.ErrFuture) || !core.IsDeferred(err) {
		t.Errorf("a millisecond beyond: %v", err)
	}
	if err := c.Rules.CheckClock(h, 1<<63); err != nil {
		t.Errorf("long ago: %v", err)
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
