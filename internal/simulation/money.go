package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

// Money says who pays in a world, and how much room there is for it.
type Money struct {
	// Wallets is how many people there are. Each trusts one node.
	Wallets int
	// BlockBytes bounds a block.
	BlockBytes uint32
	// Maturity is how many blocks after its own a coinbase may be spent.
	Maturity uint32
	// Policy is that of all nodes; the last one's pool is SmallPool bytes.
	Policy    mempool.Policy
	SmallPool int
	// Dir is a directory for the nodes' journals; with none they keep none.
	Dir string
}

// adjust sets the rules of a network with money.
func (m *Money) adjust(p *core.Params) {
	p.CoinbaseMaturity = m.Maturity
	p.MaxBlockBytes = m.BlockBytes
	p.MaxTxBytes = m.BlockBytes / 2
}

func (m *Money) policy(node, nodes int) *mempool.Policy {
	p := m.Policy
	if node == nodes-1 {
		p.MaxBytes = m.SmallPool
	}
	return &p
}

// addWallets makes the people. Half of them have Korean words.
func (w *World) addWallets() error {
	if w.cfg.Money == nil {
		return nil
	}
	rng := rand.New(rand.NewPCG(w.cfg.Seed, 3))
	for i := range w.cfg.Money.Wallets {
		p, err := newWallet(rng, w.rules, wallet.Language(i%2))
		if err != nil {
			return fmt.Errorf("wallet %d: %w", i, err)
		}
		w.wallets = append(w.wallets, p)
	}
	return nil
}

// anyAddress draws one that a miner pays.
func (w *World) anyAddress(rng *rand.Rand) core.Address {
	return w.wallets[rng.IntN(len(w.wallets))].address(rng)
}

// Teller returns who makes the world's payments. It needs Config.Money.
func (w *World) Teller() *Teller {
	t := &Teller{w: w, rng: rand.New(rand.NewPCG(w.cfg.Seed, 4)), wallets: w.wallets, Book: newBook()}
	for i, p := range w.wallets {
		p.node = w.Nodes[i%len(w.Nodes)]
	}
	return t
}

// Stop ends a node as the product's is ended: its parts return, its host and its
// store are closed. It and Start may be called while the world runs, by one
// goroutine, which alone may look at nodes meanwhile.
func (w *World) Stop(ctx context.Context, node int) error {
	w.Nodes[node].up = false
	return ask(ctx, w.Nodes[node].stops)
}

// cut is what a killed node leaves.
type cut struct {
	disk    *vfs.MemFS
	journal []byte
}

// Kill ends a node in the midst of its work: what it had synced stays, and of what
// else it had written so many percent: all where the process is killed, less in a
// power cut. The journal stays as it is. It is to be called as Stop is.
func (w *World) Kill(ctx context.Context, node int, unsynced int, rng *rand.Rand) error {
	n := w.Nodes[node]
	c := &cut{}
	if n.journal != "" {
		// Before the store: what the journal has dropped, the store had synced.
		var err error
		if c.journal, err = os.ReadFile(n.journal); err != nil {
			return err
		}
	}
	c.disk = n.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rng})
	n.cut = c
	return w.Stop(ctx, node)
}

// Start starts a node again with what lies on its disk.
func (w *World) Start(ctx context.Context, node int) error {
	if err := ask(ctx, w.Nodes[node].starts); err != nil {
		return err
	}
	w.Nodes[node].up = true
	return nil
}

func ask(ctx context.Context, door chan<- chan error) error {
	done := make(chan error, 1)
	select {
	case door <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-done
}

// Waiting returns how many payments wait in the pools of all nodes together. All
// nodes must be up.
func (w *World) Waiting() (n int) {
	for _, node := range w.Nodes {
		node.Chain.ReadPool(func(p *mempool.Pool) { n += p.Stats(0).Count })
	}
	return n
}
