// Package chain keeps one network's blocks: the header tree, the best chain and
// the coins after it, remembered verdicts, and a feed of what changed.
//
// It is not a node: it reaches no network, owns no goroutine, and judges by the
// rules of package core alone. Where the bytes lie is behind [Store], which
// chain/pebbledb implements.
//
// Start with [Open] and [Manager.AddBlocks], the single door for every block
// whoever brings it. Readers follow the chain with [Manager.Subscribe] and
// [Manager.UpdatesSince].
//
// # How it holds together
//
// The header tree lies on disk; a bounded cache of it in memory. Every header
// names its parent and one far ancestor, so that any ancestor is found in few
// steps without an index of each branch:
//
//	height   0 <- 1 <- 2 <- 3 <- 4 <- 5 <- 6 <- 7
//	far      .    0    0    2    0    4    4    6     (lowest bit cleared)
//
// There are two positions on the tree. The tip is what readers see. The work
// position is where the coins stand; both are the same but in the midst of a
// reorganisation, which walks the work position back by undo and forward by
// connecting, commits on the way whenever the cache of coins is full, and moves
// the tip at its end. What the store calls flushed is always the exact state
// after one block, so that a crash anywhere leaves a state to walk on from.
package chain
