// Package pebbledb keeps a chain on disk, or in memory for tests, in a Pebble
// store. It implements [chain.Store] and knows no rules.
//
// Start with [Open], [OpenReadOnly] or [OpenMem]. In the data directory,
// .lock is locked while a process uses it, LOCK tells which, and the directory
// chain is the store.
//
// # Keys
//
// Heights and indexes in keys are big-endian, so that keys sort by them; bodies
// and undo records begin with the height, so that new ones lie behind old ones
// and are not rewritten by compaction. Every value ends in the CRC-32C of key
// and value.
//
//	prefix  key                value
//	'm'     name               "schema": u32; "genesis": id; "flushed": core.State;
//	                           "tips": ids; "reindex": present while rebuilding
//	'h'     block id           chain.Record
//	'b'     height, block id   the block's bytes
//	'u'     height, block id   core.Diff's undo
//	'i'     height             id of the flushed chain's block
//	'c'     txid, index        value, height, coinbase, kind, hash of a coin
//	'v'     block id           chain.Verdict
//	'w'     parent, child      nothing: the child's body waits for the parent's
//
// Commits are not synced one by one: a crash may lose the newest seconds, which
// the network still has, but never leaves a part of a commit.
package pebbledb
