package mempool

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// world is a chain of blocks with a pool on its tip. The pool looks at neither
// work nor signatures, so the blocks have none; they are good otherwise.
type world struct {
	t      testing.TB
	rules  *core.Rules
	pool   *Pool
	now    uint64
	blocks []*core.Block // from genesis
	coins  []core.UTXOs  // after each block
	serial uint32

	draw *fuzzing.Source
	// withheld are parents of orphans that nobody has sent yet.
	withheld []core.Transaction
	// accepted are all payments that ever were in the pool.
	accepted map[core.Hash]bool
}

const (
	testMaturity  = 3
	testBlockSize = 16 << 10
	testKeys      = 5
)

func testParams() *core.Params {
	p := core.Dev()
	p.CoinbaseMaturity = testMaturity
	p.MaxBlockBytes, p.MaxTxBytes, p.MaxBlockCoins = testBlockSize, 4<<10, 200
	return p
}

func newWorld(t testing.TB, policy Policy, draw *fuzzing.Source) *world {
	t.Helper()
	rules, err := core.NewRules(testParams())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, rules: rules, now: 1_000_000, draw: draw, accepted: make(map[core.Hash]bool),
		blocks: []*core.Block{rules.Genesis()}, coins: []core.UTXOs{{}},
	}
	if w.pool, err = New(rules, policy, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 * testMaturity {
		w.mine(nil)
	}
	return w
}

func (w *world) height() uint32    { return uint32(len(w.blocks) - 1) }
func (w *world) utxos() core.UTXOs { return w.coins[len(w.coins)-1] }
func (w *world) read(ops []core.Outpoint) (core.UTXOs, error) {
	found := core.UTXOs{}
	for _, op := range ops {
		if c, ok := w.utxos()[op]; ok {
			found[op] = c
		}
	}
	return found, nil
}

// key returns a public key that nobody could sign with.
func key(i int) (k [core.PublicKeySize]byte) { k[0] = byte(i + 1); return k }

var addresses = func() (a [testKeys]core.Address) {
	for i := range a {
		a[i] = core.AddressOf(key(i))
	}
	return a
}()

// pay spends coins into outputs of about equal value, and leaves a fee.
func pay(fee core.Amount, outputs int, coins ...core.Coin) core.Transaction {
	t := core.Transaction{Version: core.TxVersion, Fee: fee}
	owners := map[core.Address]uint16{}
	var sum core.Amount
	for _, c := range coins {
		o, ok := owners[c.Address]
		if !ok {
			o = uint16(len(owners))
			owners[c.Address] = o
			t.Witnesses = append(t.Witnesses, core.Witness{PublicKey: key(slices.Index(addresses[:], c.Address))})
		}
		t.Inputs = append(t.Inputs, core.Input{Outpoint: c.Outpoint, Owner: o})
		sum += c.Value
	}
	left := sum - fee
	for i := range outputs {
		v := left / core.Amount(outputs-i)
		left -= v
		t.Outputs = append(t.Outputs, core.Output{Value: v, Address: addresses[i%testKeys]})
	}
	return t
}

// coinOf is the coin that output i of t makes.
func coinOf(t *core.Transaction, i int) core.Coin {
	return core.Coin{Outpoint: core.Outpoint{TxID: t.ID(), Index: uint32(i)}, Value: t.Outputs[i].Value, Address: t.Outputs[i].Address}
}

// block makes a child of the tip.
func (w *world) block(txs []core.Transaction) *core.Block {
	w.t.Helper()
	height := w.height() + 1
	reward := w.rules.Params().SubsidyAt(height)
	for i := range txs {
		reward += txs[i].Fee
	}
	w.serial++
	coinbase := core.NewCoinbase(height, reward, addresses[height%testKeys], binary.LittleEndian.AppendUint32(nil, w.serial))
	b, err := core.NewBlock(core.Header{Version: 1, Height: height, Parent: w.blocks[height-1].ID(), Time: uint64(height), Nonce: w.serial}, append([]core.Transaction{coinbase}, txs...))
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// extend puts a block on the chain, without telling the pool.
func (w *world) extend(b *core.Block) {
	w.t.Helper()
	coins := core.UTXOs{}
	for op, c := range w.utxos() {
		coins[op] = c
	}
	for i := range b.Txs {
		tx := &b.Txs[i]
		if i > 0 {
			var spend []core.Coin
			for j := range tx.Inputs {
				c, ok := coins[tx.Inputs[j].Outpoint]
				if !ok {
					w.t.Fatalf("transaction %d of block %d spends a missing coin", i, b.Header.Height)
				}
				spend = append(spend, c)
				delete(coins, c.Outpoint)
			}
			if err := w.rules.CheckSpend(tx, spend, b.Header.Height); err != nil {
				w.t.Fatalf("transaction %d of block %d: %v", i, b.Header.Height, err)
			}
		}
		for j := range tx.Outputs {
			c := coinOf(tx, j)
			c.Height, c.Coinbase = b.Header.Height, i == 0
			coins[c.Outpoint] = c
		}
	}
	w.blocks = append(w.blocks, b)
	w.coins = append(w.coins, coins)
}

// mine extends the chain by a block of those txs and moves the pool.
func (w *world) mine(txs []core.Transaction) Rebased {
	w.t.Helper()
	b := w.block(txs)
	w.extend(b)
	return w.rebase(nil, []*core.Block{b})
}

func (w *world) rebase(reverted, applied []*core.Block) Rebased {
	w.t.Helper()
	r, err := w.pool.Rebase(reverted, applied, w.read, w.height(), w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, tx := range slices.Concat(r.Returned, r.Promoted) {
		w.accepted[tx.id] = true
	}
	return r
}

// revert takes n blocks off the chain, without telling the pool.
func (w *world) revert(n int) []*core.Block {
	at := len(w.blocks) - n
	reverted := slices.Clone(w.blocks[at:])
	w.blocks, w.coins = w.blocks[:at], w.coins[:at]
	return reverted
}

// add offers a payment with the coins that the pool asks for.
func (w *world) add(t core.Transaction, from string) (Result, error) {
	w.t.Helper()
	coins, _ := w.read(w.pool.Needs(&t))
	known, screened := w.pool.Screen(NewTx(&t), w.now)
	r, err := w.pool.Add(NewTx(&t), coins, w.now, from)
	if known != (r.Status == Known) || screened != nil && err == nil {
		w.t.Fatalf("screened as %v, %v; added as %v, %v", known, screened, r.Status, err)
	}
	if r.Status == Accepted {
		w.accepted[t.ID()] = true
	}
	for _, tx := range r.Promoted {
		w.accepted[tx.id] = true
	}
	return r, err
}

// mustAdd adds a payment that is to be accepted.
func (w *world) mustAdd(t core.Transaction) core.Transaction {
	w.t.Helper()
	if r, err := w.add(t, ""); err != nil || r.Status != Accepted {
		w.t.Fatalf("%v, %v", r.Status, err)
	}
	return t
}

// coinbase returns the coin of the block at a height.
func (w *world) coinbase(height uint32) core.Coin {
	c := coinOf(&w.blocks[height].Txs[0], 0)
	c.Height, c.Coinbase = height, true
	return c
}

// fund mines a block whose only payment splits a coinbase into n coins.
func (w *world) fund(n int) []core.Coin {
	w.t.Helper()
	tx := pay(0, n, w.coinbase(w.height()-testMaturity))
	w.mine([]core.Transaction{tx})
	var coins []core.Coin
	for i := range n {
		c := coinOf(&tx, i)
		c.Height = w.height()
		coins = append(coins, c)
	}
	return coins
}

// spendable lists the coins of chain and pool that nothing in the pool spends,
// in a fixed order; some are immature.
func (w *world) spendable() (coins []core.Coin) {
	for op, c := range w.utxos() {
		if _, spent := w.pool.Spender(op); !spent {
			coins = append(coins, c)
		}
	}
	slices.SortFunc(coins, func(a, b core.Coin) int {
		if c := compareHash(a.TxID, b.TxID); c != 0 {
			return c
		}
		return int(a.Index) - int(b.Index)
	})
	for _, s := range w.pool.order {
		for i := 0; s.e != nil && i < len(s.e.tx.t.Outputs); i++ {
			c := s.e.tx.output(uint32(i))
			if _, spent := w.pool.Spender(c.Outpoint); !spent {
				coins = append(coins, c)
			}
		}
	}
	return coins
}

// random returns a source of n random bytes.
func random(seed uint64, n int) *fuzzing.Source {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return fuzzing.New(b)
}
