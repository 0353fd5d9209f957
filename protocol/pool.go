package protocol

import (
	"context"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// Pool is what the protocol needs of chain.Manager to relay payments.
type Pool interface {
	// AddTxs judges payments that a peer sent and keeps those that are wanted,
	// with an outcome for each. The error is only for what is our own failure.
	AddTxs(ctx context.Context, from string, txs []*core.Transaction) ([]mempool.Outcome, error)
	// ReadPool calls read with the pool, which must not be kept or changed; it
	// does not wait for blocks that are being judged.
	ReadPool(read func(p *mempool.Pool))
	// SubscribePool returns a channel that is poked after each change of the pool.
	SubscribePool() (wake <-chan struct{}, cancel func())
	// TxFaults returns, once, orphans that turned out to break a rule when a block
	// brought what they spend.
	TxFaults() []mempool.Fault
	// ForgetTxPeer drops what is kept on behalf of a peer that has left.
	ForgetTxPeer(from string)
}
