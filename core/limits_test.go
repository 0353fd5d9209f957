package core_test

import (
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// These rules stand behind others for a block that comes as bytes, and alone for
// a transaction that a program made.
func TestPaymentsByThemselves(t *testing.T) {
	p := core.Dev()
	p.MaxBlockBytes, p.MaxTxBytes = 1<<20, 100_000
	c := coretest.New(t, p)
	c.Next("b1", coretest.Genesis)
	genesis, coin := c.Rules.GenesisID(), c.Get("b1").Coinbase()
	outputs := func(n int, value core.Amount) (outs []core.Output) {
		for range n {
			outs = append(outs, coretest.To("bob", value))
		}
		return outs
	}
	for _, tc := range []struct {
		name   string
		want   error
		change func(tx *core.Transaction)
	}{
		{"plain", nil, func(*core.Transaction) {}},
		{"no inputs", core.ErrTxNoInputs, func(tx *core.Transaction) { tx.Inputs = nil }},
		{"too large", core.ErrTxSize, func(tx *core.Transaction) { tx.Outputs = outputs(100_000/29, 1) }},
		{"129 bytes of data", core.ErrTxData, func(tx *core.Transaction) { tx.Data = make([]byte, 129) }},
		{"fee of 2^64-1", core.ErrTxSum, func(tx *core.Transaction) { tx.Fee = 1<<64 - 1 }},
		// 2,049 times 2^53-1 is 2^64 and a sum that is allowed.
		{"outputs beyond 2^64", core.ErrTxSum, func(tx *core.Transaction) { tx.Outputs, tx.Fee = outputs(2049, core.MaxAmount), 0 }},
	} {
		tx := coretest.Pay(genesis, []core.Coin{coin}, []string{"miner"}, coretest.To("bob", ing))
		tc.change(&tx)
		coretest.Sign(genesis, &tx, "miner")
		if err := c.Rules.CheckTx(&tx); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	for _, owners := range [][]string{nil, {"miner", "bob"}} {
		tx := coretest.Pay(genesis, []core.Coin{coin}, []string{"miner"}, coretest.To("bob", ing))
		coretest.Sign(genesis, &tx, owners...)
		if err := c.Rules.CheckTx(&tx); !errors.Is(err, core.ErrTxOwnerOrder) {
			t.Errorf("%d witnesses: %v", len(owners), err)
		}
	}
	tx := coretest.Pay(genesis, []core.Coin{coin}, []string{"miner"}, coretest.To("bob", ing))
	tx.Witnesses[0].Signature[1] ^= 1
	if err := c.Rules.CheckTx(&tx); !errors.Is(err, core.ErrTxSignature) {
		t.Errorf("bad signature: %v", err)
	}
}

// No valid chain has coins for such a sum, so these never existed.
func TestInputsAboveTheMaximum(t *testing.T) {
	c := coretest.New(t, nil)
	c.Next("b1", coretest.Genesis)
	genesis := c.Rules.GenesisID()
	imagined := func(n byte) core.Coin {
		return core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{n}}, Value: core.MaxAmount, Address: coretest.Key("miner").Address}
	}
	inputs := func(d *coretest.Draft) {
		tx := coretest.Pay(genesis, []core.Coin{imagined(0), imagined(1)}, []string{"miner"}, coretest.To("bob", 1))
		tx.Fee = 0
		coretest.Sign(genesis, &tx, "miner")
		d.Txs = append(d.Txs, tx)
	}
	b := c.Next("inputs", "b1", inputs).Block
	utxos := core.UTXOs{imagined(0).Outpoint: imagined(0), imagined(1).Outpoint: imagined(1)}
	if _, _, err := c.Rules.ConnectBlock(c.Get("b1").State, b, utxos); !errors.Is(err, core.ErrInputSum) {
		t.Errorf("inputs: %v", err)
	}
}

func TestCoinbaseSizeLimit(t *testing.T) {
	p := core.Dev()
	p.MaxBlockBytes, p.MaxTxBytes = 4096, 1099
	c := coretest.New(t, p)
	for _, tc := range []struct {
		name    string
		outputs int
		want    error
	}{{"fits", 36, nil}, {"large", 38, core.ErrTxSize}} {
		n := c.Next(tc.name, coretest.Genesis, func(d *coretest.Draft) {
			for range tc.outputs - 1 {
				d.Txs[0].Outputs = append(d.Txs[0].Outputs, coretest.To("bob", 1))
			}
		})
		if !errors.Is(n.Err, tc.want) {
			t.Errorf("coinbase of %d bytes: %v, want %v", len(n.Block.Txs[0].AppendTo(nil)), n.Err, tc.want)
		}
	}
}

// Bytes that are too long under an honest header say nothing of its id: its own
// block is within the limit. (Nodes read no block as long as that; case B80 has
// the other rules.)
func TestLongBytesOfAnotherRootCondemnNobody(t *testing.T) {
	c := coretest.New(t, nil)
	b := c.Next("b1", coretest.Genesis).Block
	tx := core.Transaction{Version: core.TxVersion, Inputs: make([]core.Input, c.Rules.Params().MaxBlockBytes/34), Witnesses: make([]core.Witness, 1)}
	long, err := core.NewBlock(b.Header, []core.Transaction{b.Txs[0], tx})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Rules.CheckBlock(long); long.Size() <= int(c.Rules.Params().MaxBlockBytes) || long.ID() != b.ID() ||
		!errors.Is(err, core.ErrMerkleRoot) || core.IsForever(err) {
		t.Errorf("%d bytes: %v", long.Size(), err)
	}
}

// On a network whose blocks are harder than its limit.
func TestHeadersOfAdjustingDifficulty(t *testing.T) {
	p := core.Dev()
	p.Retarget.Fixed = false
	p.GenesisBits = 0x2000ffff // about 2^8 hashes
	c := coretest.New(t, p)
	c.Chain("b", coretest.Genesis, 3)
	st := c.Get("b3").State
	if want := c.Get("b2").State.Time; st.ParentTime != want {
		t.Errorf("parent's time %d, want %d", st.ParentTime, want)
	}
	for name, bits := range map[string]uint32{"limit": p.Retarget.LimitBits, "step": st.Bits + 1} {
		n := c.Next(name, "b3", coretest.WithHeader(func(h *core.Header) { h.Bits = bits }))
		if !errors.Is(n.Err, core.ErrBits) {
			t.Errorf("bits %08x instead of %08x: %v", bits, c.Rules.NextBits(&st.HeaderState), n.Err)
		}
	}
}

func TestCheckWork(t *testing.T) {
	c := coretest.New(t, core.LAN())
	p := c.Rules.Params()
	h := core.Header{Bits: p.GenesisBits}
	if err := c.Rules.CheckWork(&h); !errors.Is(err, core.ErrWork) {
		t.Errorf("no work: %v", err)
	}
	h.Bits = 0x207fffff
	coretest.Mine(t, &h)
	if err := c.Rules.CheckWork(&h); !errors.Is(err, core.ErrBits) {
		t.Errorf("work below the limit: %v", err)
	}
	// Newer rules are a reason to wait only for who worked.
	g := p.GenesisState()
	h = core.Header{Version: 2, Height: 1, Parent: g.ID, Bits: p.GenesisBits, Time: g.Time + 1}
	if _, err := c.Rules.ConnectHeader(&g.HeaderState, &h); !errors.Is(err, core.ErrWork) {
		t.Errorf("newer version without work: %v", err)
	}
}

func TestTheLastHeightHasNoChild(t *testing.T) {
	c := coretest.New(t, nil)
	st := c.Get(coretest.Genesis).State.HeaderState
	st.Height = 1<<32 - 1
	h := core.Header{Version: 1, Height: 0, Parent: st.ID, Bits: st.Bits, Time: st.Time + 1}
	coretest.Mine(t, &h)
	if _, err := c.Rules.ConnectHeader(&st, &h); !errors.Is(err, core.ErrHeight) {
		t.Errorf("%v", err)
	}
}

func TestFutureLimitIsOneWindow(t *testing.T) {
	if got := core.LAN().MaxFutureMillis(); got != 600_000 {
		t.Errorf("%d ms, want 10 minutes", got)
	}
}

func TestParametersThatAreRefused(t *testing.T) {
	for name, change := range map[string]func(*core.Params){
		"genesis time":      func(p *core.Params) { p.GenesisTime = 1 << 53 },
		"genesis bits":      func(p *core.Params) { p.GenesisBits = p.Retarget.LimitBits + 1 },
		"small blocks":      func(p *core.Params) { p.MaxBlockBytes, p.MaxTxBytes = 4095, 1024 },
		"small payments":    func(p *core.Params) { p.MaxTxBytes = 1023 },
		"payments as block": func(p *core.Params) { p.MaxTxBytes = p.MaxBlockBytes - 2047 },
		"one coin":          func(p *core.Params) { p.MaxBlockCoins = 1 },
		"many coins":        func(p *core.Params) { p.MaxBlockCoins = 1<<18 + 1 },
		"maturity":          func(p *core.Params) { p.CoinbaseMaturity = 100_001 },
		"version 0":         func(p *core.Params) { p.Versions[0].Version = 0 },
		"supply":            func(p *core.Params) { p.Subsidy = core.MaxAmount + 1 },
	} {
		p := core.LAN()
		change(p)
		if err := p.Validate(); !errors.Is(err, core.ErrParams) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// txHead is a payment's encoding up to its first input's position.
func txHead() []byte {
	b := binary.LittleEndian.AppendUint16(nil, core.TxVersion)
	return append(append(b, 1), make([]byte, core.HashSize)...)
}

// Integers that a field cannot hold would be another transaction once they are
// cut to size.
func TestIntegersAboveTheirField(t *testing.T) {
	rest := func(b []byte) []byte { return append(b, make([]byte, 1+8+1+96)...) } // no outputs, no data, one witness
	inputs := func(index, owner uint64) []byte {
		return binary.AppendUvarint(binary.AppendUvarint(txHead(), index), owner)
	}
	if _, err := core.ParseTransaction(rest(inputs(1<<32-1, 0))); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"index": rest(inputs(1<<32, 0)),
		"owner": rest(inputs(0, 1<<16)),
		"data":  append(binary.AppendUvarint(append(inputs(0, 0), make([]byte, 1+8)...), 129), make([]byte, 129+96)...),
	} {
		if _, err := core.ParseTransaction(b); !errors.Is(err, core.ErrTxMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// As many inputs and owners as the bytes can hold, and one owner beyond all.
func TestTransactionsFullOfInputs(t *testing.T) {
	const inputs, owners = 200, 1<<16 - 1
	small := binary.AppendUvarint(binary.LittleEndian.AppendUint16(nil, core.TxVersion), inputs)
	small = append(small, make([]byte, inputs*34+1+8+1+96)...) // no outputs, no data, one witness
	if tx, err := core.ParseTransaction(small); err != nil || len(tx.Inputs) != inputs || len(tx.Witnesses) != 1 {
		t.Errorf("%d of the smallest inputs: %v", inputs, err)
	}
	last := func(owner uint64) error {
		b := append(binary.AppendUvarint(append(txHead(), 0), owner), make([]byte, 1+8+1)...)
		_, err := core.ParseTransaction(append(b, make([]byte, (owner+1)*96)...))
		return err
	}
	if err := last(owners - 1); err != nil {
		t.Errorf("the last owner: %v", err)
	}
	if err := last(owners); !errors.Is(err, core.ErrTxMalformed) {
		t.Errorf("an owner too many: %v", err)
	}
}

func TestMissingWitnessesAreCounted(t *testing.T) {
	b := append(txHead(), make([]byte, 2+1+8+1)...)
	for have, want := range map[int]string{0: "byte 47: 1 witnesses do not fit in 0 bytes", 95: "byte 47: 1 witnesses do not fit in 95 bytes", 97: "byte 143: 1 bytes left over"} {
		_, err := core.ParseTransaction(append(b[:len(b):len(b)], make([]byte, have)...))
		if err == nil || err.Error() != "tx-malformed: malformed: "+want {
			t.Errorf("%d bytes: %v, want %q", have, err, want)
		}
	}
}

// A block of small transactions takes few allocations, so that who sends many
// costs us little.
func TestSmallTransactionsShareMemory(t *testing.T) {
	txs := make([]core.Transaction, 5000)
	for i := range txs {
		txs[i] = core.Transaction{Inputs: make([]core.Input, 1), Outputs: make([]core.Output, 1), Witnesses: make([]core.Witness, 1)}
	}
	raw := core.AppendBlock(nil, core.Header{}, txs)
	allocs := testing.AllocsPerRun(2, func() {
		if _, err := core.ParseBlock(raw); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 5000/10 {
		t.Errorf("%.0f allocations for %d transactions", allocs, len(txs))
	}
}

func TestTooManyTransactions(t *testing.T) {
	txs := make([]core.Transaction, 1<<17+2) // each as small as can be
	if _, err := core.ParseBlock(core.AppendBlock(nil, core.Header{}, txs)); !errors.Is(err, core.ErrMalformed) {
		t.Errorf("%v", err)
	}
	if b, err := core.ParseBlock(core.AppendBlock(nil, core.Header{}, txs[1:])); err != nil || len(b.Txs) != 1<<17+1 {
		t.Errorf("as many as may be: %v", err)
	}
}

// What bytes claim costs no memory before they are there.
func TestClaimsCostNoMemory(t *testing.T) {
	const size = 1 << 20
	many := binary.AppendUvarint([]byte{1, 0}, size/2) // inputs of 34 bytes at least
	owner := binary.AppendUvarint(append(txHead(), 0), 1<<16-2)
	for name, head := range map[string][]byte{"inputs": many, "witnesses": owner} {
		b := append(head, make([]byte, size-len(head))...)
		if name == "witnesses" {
			b = append(head, make([]byte, 200)...)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := core.ParseTransaction(b)
		runtime.ReadMemStats(&after)
		if err == nil || after.TotalAlloc-before.TotalAlloc > 1<<18 {
			t.Errorf("%s: %d bytes allocated, %v", name, after.TotalAlloc-before.TotalAlloc, err)
		}
	}
}
