package node

import "time"

// HurryIndex is how long questions wait for the index.
func (n *Node) HurryIndex(patience time.Duration) { n.indexPatience = patience }

// BoundWallet bounds what one answer to a wallet holds: coins, pending payments,
// entries of histories, and bytes of their transactions and blocks.
func (n *Node) BoundWallet(coins, pending, rows, bytes int) {
	n.walletBounds = walletBounds{
		coins: coins, pending: pending, pendingBytes: 1 << 20, rows: rows, txBytes: bytes, blockBytes: bytes,
	}
}
