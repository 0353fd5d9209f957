// Package mempool is the pool of payments that wait for a block: which ones a
// node keeps, which it gives up for others, and in what order they go into the
// next block. That is policy, each node's own; the rules are core's.
//
// It is a value: no locks, no disk, no network, no clock. Whoever owns it holds
// a lock around it and passes the time in, in Unix milliseconds. It verifies no
// signatures: what is added must have passed [core.Rules.CheckTx]. What it does
// check is all that takes coins, by [core.Rules.CheckSpend].
//
// Start with [New], [Pool.Needs] and [Pool.Add]; [Pool.Rebase] follows the
// chain. Methods that only read may be called at the same time as each other.
//
// # How it holds together
//
// An entry knows its parents and children in the pool, and the sums of all its
// ancestors and of all its descendants, itself included:
//
//	a ──► b ──► d        anc(d)  = a + b + c + d
//	c ─────────►         desc(a) = a + b + d
//
// Both are bounded (25 by default), so that walking them is cheap, and no
// payment can make another expensive to move. Entries are numbered as they
// come, parents before children: sorting by number gives a block's order.
//
// Blocks are filled by the rate of an entry with all of its ancestors, so that
// a child pays for its parents. What leaves a full pool is chosen by the rate of
// an entry with all of its descendants, so that the children's fees protect a
// parent. Every decision is made before anything is changed: a payment that is
// refused leaves the pool as it was.
package mempool
