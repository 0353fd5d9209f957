// Package journal keeps payments in a file, so that what a node has promised to
// keep outlives it: each payment that the API acknowledged, synced before the
// answer, and after a clean stop the rest of the pool.
//
// It knows no pool and judges nothing but checksums: what is read is to be
// judged as if a peer had sent it. Start with [Open], [Journal.Append] and
// [Journal.Rewrite].
//
// # The file
//
//	header   "ingtxs" 0x00 0x01 | genesis id, 32 bytes | CRC-32C of both, u32
//	record   0xF7 "TX" 0x0A | length, u32 | CRC-32C, u32 | flags, u8 | time, u64 | transaction
//
// in little-endian. The length is that of flags, time and transaction; the
// checksum covers the length and those. Flag 1 says that the payment was
// acknowledged. A crash leaves at most a torn record at the end, which nobody
// was told of. Damage in the midst costs the records that it hits: reading goes
// on at the next mark that begins a whole one.
//
// # Rewriting
//
// The file only grows, so it is rewritten now and then: records of what is to be
// kept, one after the other, go into a new file, while appending goes on; then what
// was appended meanwhile is copied behind them, and the new file is renamed over
// the old one. All of it is synced before.
package journal
