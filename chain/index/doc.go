// Package index finds what the chain itself has no table for: the history,
// unspent outputs and balance of an address, where a transaction stands, and who
// spent an output. It answers for the best chain only; what waits in the pool is
// the pool's to tell.
//
// It is a reader of the chain's update feed with a store of its own, and judges
// nothing. All that it holds comes from the chain's blocks: the store may be
// deleted at any time and is then built again, and so it builds itself anew when
// it finds its store damaged, of another format, or of another network.
//
// Start with [Open], [Index.Run], which builds and follows, and [Index.View] or
// the reads of [Index]. [Index.WaitFor] makes a read as new as a block.
//
// # Keys
//
// A transaction is named by where it stands: height and position in its block.
// That takes 7 bytes for 32, sorts by age, and gives way to another on a
// reorganisation only together with everything that names it.
//
// Integers in keys are big-endian, heights of 4 bytes, positions and output
// indexes of 3; integers in values are uvarints. An address is its kind and 20
// bytes.
//
//	prefix  key                                value
//	'm'     name                               "schema": u32; "genesis": id; "tip": height u32, id
//	'h'     height                             block id
//	'd'     height                             per transaction: number of inputs, and for each
//	                                           where the output it spends stands: heights
//	                                           below, position, index. Absent if nothing is spent
//	't'     txid                               height, position, as in keys
//	'x'     height, position                   txid
//	'o'     height, position, index            address, value of an output, spent or not
//	's'     height, position, index            height, position, input that spends the output
//	'a'     address, height, position          received, sent: a transaction that touches the address
//	'u'     address, height, position, index   value of an unspent output
//	'b'     address                            balance, received in all, transactions, outputs, unspent
//
// A block is taken back with these tables alone ('x', 'o' and 'd' have all that
// it did), whether the chain still has its body or not: after a power cut the
// index may remember blocks that the chain has lost.
//
// The tip moves in the batch of the rows that belong to it, so a crash leaves
// the exact state after some block. There is no log: what is not yet in a file
// when the process dies, at most two tables in memory, the feed brings again
// within seconds. Rows have no checksums of their own; Pebble has one per block
// of a file.
package index
