package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// CheckPool holds what waits in the node's pool against the coins of the chain:
// each input is an unspent coin or an output of a payment before it, and no two
// payments spend the same. It looks at nothing while the chain moves.
func (n *Node) CheckPool() (err error) {
	if err := n.Ledger.Pull(); err != nil {
		return err
	}
	tip, height := n.Ledger.Tip()
	coins := n.Ledger.Coins()
	n.Chain.ReadPool(func(p *mempool.Pool) {
		if p.Height() == height {
			err = fits(p, coins)
		}
	})
	if err != nil && n.Chain.Tip().ID == tip {
		return fmt.Errorf("node %d: %w", n.index, err)
	}
	return nil
}

func fits(p *mempool.Pool, coins core.UTXOs) error {
	spent := map[core.Outpoint]core.Hash{}
	for _, e := range p.Snapshot() {
		for _, in := range e.Transaction().Inputs {
			if by, twice := spent[in.Outpoint]; twice {
				return fmt.Errorf("%s:%d is spent by %s and by %s, both in the pool", in.TxID.Short(), in.Index, by.Short(), e.ID().Short())
			}
			if _, ok := coins[in.Outpoint]; !ok {
				return fmt.Errorf("%s waits in the pool and spends %s:%d, which is not there", e.ID().Short(), in.TxID.Short(), in.Index)
			}
			spent[in.Outpoint] = e.ID()
		}
		for i, out := range e.Transaction().Outputs {
			op := core.Outpoint{TxID: e.ID(), Index: uint32(i)}
			coins[op] = core.Coin{Outpoint: op, Value: out.Value, Address: out.Address}
		}
	}
	return nil
}

// CheckMoney holds every node against a replay of its chain that knows nothing
// but inputs and outputs: no coin is spent twice, what is unspent is the same
// everywhere, and it is what the blocks were allowed to mint.
func (w *World) CheckMoney(ctx context.Context) error {
	var errs []error
	want := w.Nodes[0].Chain.TipState()
	for i, n := range w.Nodes {
		if err := n.checkMoney(ctx, want); err != nil {
			errs = append(errs, fmt.Errorf("node %d: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

func (n *Node) checkMoney(ctx context.Context, want *core.State) error {
	got, err := n.Chain.StateHashFull(ctx)
	if err != nil {
		return err
	}
	if got.Commitment != want.Commitment() || n.Chain.Tip().ID != want.ID {
		return fmt.Errorf("state %s after block %s, want %s after %s", got.Commitment, n.Chain.Tip().ID, want.Commitment(), want.ID)
	}
	replayed, err := n.replay()
	if err != nil {
		return err
	}
	stored, err := n.StoredCoins()
	if err != nil {
		return err
	}
	if err := n.Ledger.Pull(); err != nil {
		return fmt.Errorf("the feed of updates: %w", err)
	}
	if !maps.Equal(stored, replayed) || !maps.Equal(stored, n.Ledger.Coins()) {
		return fmt.Errorf("%d coins in the store, %d by a replay, %d by the feed of updates: not the same",
			len(stored), len(replayed), len(n.Ledger.Coins()))
	}
	var sum, minted core.Amount
	for _, c := range stored {
		sum += c.Value
	}
	for h := uint32(0); h <= want.Height; h++ {
		minted += n.Chain.Rules().Params().SubsidyAt(h)
	}
	if sum != minted {
		return fmt.Errorf("coins of %d grains, but %d were to be minted", sum, minted)
	}
	return nil
}

// replay makes the unspent coins from the blocks alone.
func (n *Node) replay() (core.UTXOs, error) {
	coins, spent := core.UTXOs{}, map[core.Outpoint]core.Hash{}
	parent := n.Chain.Rules().GenesisID()
	for h := uint32(1); h <= n.Chain.Tip().Height; h++ {
		b, err := n.Chain.BlockAt(h)
		if err != nil {
			return nil, err
		}
		if b.Header.Parent != parent {
			return nil, fmt.Errorf("block %d is not behind block %d", h, h-1)
		}
		parent = b.ID()
		for i := range b.Txs {
			id := b.Txs[i].ID()
			for _, in := range b.Txs[i].Inputs {
				if by, twice := spent[in.Outpoint]; twice {
					return nil, fmt.Errorf("%s:%d is spent by %s and by %s", in.TxID, in.Index, by, id)
				}
				if _, ok := coins[in.Outpoint]; !ok {
					return nil, fmt.Errorf("%s spends %s:%d, which is not there", id, in.TxID, in.Index)
				}
				spent[in.Outpoint] = id
				delete(coins, in.Outpoint)
			}
			for j, out := range b.Txs[i].Outputs {
				op := core.Outpoint{TxID: id, Index: uint32(j)}
				coins[op] = core.Coin{Outpoint: op, Value: out.Value, Address: out.Address, Height: h, Coinbase: i == 0}
			}
		}
	}
	return coins, nil
}
