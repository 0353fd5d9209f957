//go:build unix

package chain_test

import (
	"context"
	"crypto/ed25519"
	"flag"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
)

// Without lanLimits, blocks are an eighth of lan's.
var (
	lanLimits   = flag.Bool("lan-limits", false, "TestRefusingFullBlocks measures blocks of lan's full size")
	refusalTime = flag.Duration("refusal-time", 0, "the CPU time that refusing one of few signatures may take at most; 0 means any")
)

const (
	// refusalMemory bounds what refusing a block allocates, as a multiple of its
	// size.
	refusalMemory = 32
	// refusalRuns is how many blocks with the same fault are measured; the least
	// counts.
	refusalRuns = 3
)

// easyLAN is lan but for the work.
func easyLAN() *core.Params {
	p := core.LAN()
	p.GenesisBits, p.Retarget.LimitBits = 0x207fffff, 0x207fffff
	if !*lanLimits {
		p.MaxBlockBytes, p.MaxBlockCoins = p.MaxBlockBytes/8, p.MaxBlockCoins/8
	}
	return p
}

// rich is a chain with coins to fill half of what a block may have of them.
type rich struct {
	*builder
	chain []*core.Block
	coins []core.Coin
}

func newRich(t testing.TB) *rich {
	r := &rich{builder: newBuilderOf(t, easyLAN())}
	part := int(r.rules.Params().MaxBlockCoins) / 8 // 8,192 on lan
	r.chain = r.branch(r.genesis(), 14)
	var txs []core.Transaction
	for _, b := range r.chain[:4] {
		coin := r.builder.coins[b.ID()][core.Outpoint{TxID: b.TxID(0)}]
		txs = append(txs, r.join([]core.Coin{coin}, part-16))
	}
	split := r.child(r.chain[13].ID(), txs...)
	r.chain, r.coins = append(r.chain, split), split.Created()[1:]
	return r
}

func (r *rich) tip() core.Hash { return r.chain[len(r.chain)-1].ID() }

// wide is a block's payments with as many inputs and outputs as allowed, and few
// signatures.
func (r *rich) wide() []core.Transaction {
	const payments = 9 // each within max_tx_bytes
	most := int(r.rules.Params().MaxBlockCoins) - 1 - len(r.coins)
	var txs []core.Transaction
	for part := range slices.Chunk(r.coins, (len(r.coins)+payments-1)/payments) {
		txs = append(txs, r.join(part, most/payments))
	}
	return txs
}

// many is a block's payments with as many signatures as its bytes allow.
func (r *rich) many() []core.Transaction {
	room := int(r.rules.Params().MaxBlockBytes) - core.HeaderSize - 100
	var txs []core.Transaction
	for _, c := range r.coins {
		tx := r.join([]core.Coin{c}, 1)
		if room -= len(tx.AppendTo(nil)); room < 0 {
			break
		}
		txs = append(txs, tx)
	}
	return txs
}

// fault is one way in which a block can be bad.
type fault struct {
	name string
	code core.Code
	// last changes the last payment, whose lists are its own and which is then
	// signed again.
	last func(r *rich, txs []core.Transaction, tx *core.Transaction)
	// reward is added to the coinbase.
	reward core.Amount
	header func(h *core.Header)
}

var faults = []fault{
	{name: "missing coin at the last input", code: core.ErrMissingCoin, last: func(_ *rich, _ []core.Transaction, tx *core.Transaction) {
		tx.Inputs[len(tx.Inputs)-1].TxID[5] ^= 1
	}},
	{name: "immature coin at the last input", code: core.ErrImmature, last: func(r *rich, _ []core.Transaction, tx *core.Transaction) {
		tx.Inputs[len(tx.Inputs)-1].Outpoint = core.Outpoint{TxID: r.chain[10].TxID(0)}
	}},
	{name: "another's coins in the last payment", code: core.ErrOwner, last: func(r *rich, _ []core.Transaction, _ *core.Transaction) {
		r.key = ed25519.NewKeyFromSeed(slices.Repeat([]byte{1}, ed25519.SeedSize))
	}},
	{name: "fee mismatch in the last payment", code: core.ErrFeeMismatch, last: func(_ *rich, _ []core.Transaction, tx *core.Transaction) {
		tx.Outputs[0].Value--
	}},
	{name: "another state", code: core.ErrStateRoot, header: func(h *core.Header) { h.State[0] ^= 1 }},
	{name: "double spend at the last input", code: core.ErrBlockDouble, last: func(_ *rich, txs []core.Transaction, tx *core.Transaction) {
		tx.Inputs[len(tx.Inputs)-1] = txs[0].Inputs[0]
	}},
	{name: "output of nothing at the end", code: core.ErrTxValue, last: func(_ *rich, _ []core.Transaction, tx *core.Transaction) {
		tx.Outputs[len(tx.Outputs)-1].Value = 0
	}},
	{name: "reward too high", code: core.ErrCoinbaseValue, reward: 1},
	{name: "too many inputs and outputs", code: core.ErrBlockCoins, last: func(r *rich, txs []core.Transaction, tx *core.Transaction) {
		coins := 1
		for i := range txs {
			coins += len(txs[i].Inputs) + len(txs[i].Outputs)
		}
		for range int(r.rules.Params().MaxBlockCoins) + 1 - coins {
			tx.Outputs = append(tx.Outputs, tx.Outputs[0])
		}
	}},
	{name: "transactions of another root", code: core.ErrMerkleRoot, header: func(h *core.Header) { h.MerkleRoot[0] ^= 1 }},
	{name: "time of the parent", code: core.ErrTime, header: func(h *core.Header) { h.Time -= 1000 }},
}

// make makes the bytes of a block with the fault; no two are alike.
func (f *fault) make(r *rich, payments []core.Transaction) []byte {
	key := r.key
	defer func() { r.key = key }()
	txs := slices.Clone(payments)
	if f.last != nil {
		last := &txs[len(txs)-1]
		last.Inputs, last.Outputs = slices.Clone(last.Inputs), slices.Clone(last.Outputs)
		f.last(r, txs, last)
		r.sign(last)
	}
	h := r.header(r.tip())
	b := r.solve(h, append([]core.Transaction{r.coinbase(h.Height, f.reward)}, txs...))
	if h = b.Header; f.header != nil {
		f.header(&h)
		for r.rules.CheckWork(&h) != nil {
			h.Nonce++
		}
	}
	return core.AppendBlock(nil, h, b.Txs)
}

// refuse delivers a block and returns what that cost.
func refuse(t testing.TB, m *chain.Manager, raw []byte, code core.Code) (cpu time.Duration, allocated uint64) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin := cpuTime(t)
	b, err := core.ParseBlock(raw)
	if err == nil {
		_, err = m.AddBlocks(context.Background(), []*core.Block{b})
	}
	cpu = cpuTime(t) - begin
	runtime.ReadMemStats(&after)
	if core.CodeOf(err) != code || code == "" && err != nil {
		t.Fatalf("%v, want %q", err, code)
	}
	return cpu, after.TotalAlloc - before.TotalAlloc
}

// What refusing the dearest blocks costs, beside accepting a good one of the same
// size: memory in proportion to what was received, and time within -refusal-time.
// Signatures come on top where the fault shows only behind them: they are looked
// at before the coins, and what they cost is TestRefusingSignaturesCostsLittle's.
func TestRefusingFullBlocks(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's own time and memory would be measured")
	}
	r := newRich(t)
	db, err := pebbledb.Open("d", r.genesis(), pebbledb.Options{FS: memFS()})
	if err != nil {
		t.Fatal(err)
	}
	m, err := chain.Open(db, r.rules, chain.Options{Now: clockOf})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	mustAdd(t, m, r.chain...)
	shapes := []struct {
		name     string
		payments []core.Transaction
	}{{"most coins", r.wide()}, {"most signatures", r.many()}}
	for _, shape := range shapes {
		for _, f := range append(slices.Clip(faults), fault{name: "(nothing)"}) {
			if f.code == core.ErrBlockCoins && shape.name != "most coins" {
				continue // it would be too big before
			}
			cpu, allocated, size := time.Duration(math.MaxInt64), uint64(math.MaxUint64), 0
			for range refusalRuns {
				raw := f.make(r, shape.payments)
				size = len(raw)
				c, a := refuse(t, m, raw, f.code)
				cpu, allocated = min(cpu, c), min(allocated, a)
				if f.code == "" {
					if err := m.Invalidate(context.Background(), m.Tip().ID); err != nil {
						t.Fatal(err)
					}
				}
			}
			line := fmt.Sprintf("%-15s %5.2f MB, %-35s: %6.1f ms, allocated %4.1f times its size",
				shape.name, float64(size)/1e6, f.name, float64(cpu.Microseconds())/1e3, float64(allocated)/float64(size))
			t.Log(line)
			if f.code == "" {
				continue
			}
			if allocated > refusalMemory*uint64(size) {
				t.Errorf("%s: at most %d times", line, refusalMemory)
			}
			if *refusalTime > 0 && cpu > *refusalTime && shape.name == "most coins" {
				t.Errorf("%s: at most %v", line, *refusalTime)
			}
		}
	}
}
