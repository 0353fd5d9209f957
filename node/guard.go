package node

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// ErrStore says that the stored chain cannot be used any further: the disk
// failed or what it holds is damaged. The node has stopped.
var ErrStore = errors.New("the stored chain cannot be used")

// guardedChain is the chain as protocol, miner and API change it: a failure of our own
// store, which no later block can mend, stops the node.
type guardedChain struct {
	*chain.Manager
	failed chan error // one slot: the first failure
}

func newGuardedChain(m *chain.Manager) guardedChain {
	return guardedChain{Manager: m, failed: make(chan error, 1)}
}

// AddBlocks is [chain.Manager.AddBlocks].
func (g guardedChain) AddBlocks(ctx context.Context, blocks []*core.Block) (int, error) {
	added, err := g.Manager.AddBlocks(ctx, blocks)
	g.watch(err)
	return added, err
}

// AddHeaders is [chain.Manager.AddHeaders].
func (g guardedChain) AddHeaders(headers []core.Header) (core.HeaderState, error) {
	st, err := g.Manager.AddHeaders(headers)
	g.watch(err)
	return st, err
}

// Invalidate is [chain.Manager.Invalidate].
func (g guardedChain) Invalidate(ctx context.Context, id core.Hash) error {
	err := g.Manager.Invalidate(ctx, id)
	g.watch(err)
	return err
}

// Reconsider is [chain.Manager.Reconsider].
func (g guardedChain) Reconsider(ctx context.Context, id core.Hash) error {
	err := g.Manager.Reconsider(ctx, id)
	g.watch(err)
	return err
}

// Import is [chain.Manager.Import].
func (g guardedChain) Import(ctx context.Context, r io.Reader, progress func(height uint32)) (core.HeaderState, error) {
	st, err := g.Manager.Import(ctx, r, progress)
	g.watch(err)
	return st, err
}

// AddTxs is [chain.Manager.AddTxs].
func (g guardedChain) AddTxs(ctx context.Context, from string, txs []*core.Transaction) ([]mempool.Outcome, error) {
	outs, err := g.Manager.AddTxs(ctx, from, txs)
	g.watchCoins(err)
	return outs, err
}

// SubmitTxs is [chain.Manager.SubmitTxs].
func (g guardedChain) SubmitTxs(ctx context.Context, txs []*core.Transaction) ([]mempool.Outcome, error) {
	outs, err := g.Manager.SubmitTxs(ctx, txs)
	g.watchCoins(err)
	return outs, err
}

// watchCoins stops the node if payments showed that the store is damaged. A disk
// that takes no journal does not: the chain does without, and whoever handed the
// payment in is told.
func (g guardedChain) watchCoins(err error) {
	if errors.Is(err, chain.ErrCorrupt) {
		g.watch(err)
	}
}

func (g guardedChain) watch(err error) {
	if !errors.Is(err, chain.ErrCorrupt) && !errors.Is(err, chain.ErrDisk) {
		return
	}
	select {
	case g.failed <- err:
	default:
	}
}

// watchStore returns the first failure of the store, with the way out, or nil
// when ctx ends.
func (n *Node) watchStore(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.guard.failed:
		return storeError(err)
	case <-n.store.Failed():
		return storeError(n.store.Err())
	}
}

// storeError says what to do about a store that cannot be used.
func storeError(err error) error {
	switch {
	case errors.Is(err, chain.ErrCorrupt):
		return fmt.Errorf("%w: %w; start again with --reindex, or delete the folder %q in the data directory to fetch everything anew", ErrStore, err, chainDir)
	case errors.Is(err, chain.ErrDisk):
		return fmt.Errorf("%w: %w; free space or replace the disk, then start again", ErrStore, err)
	case errors.Is(err, chain.ErrWrongNetwork):
		return fmt.Errorf("%w: %w", ErrWrongNetwork, err)
	default:
		return fmt.Errorf("open the chain: %w", err)
	}
}
