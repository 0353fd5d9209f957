// Package wire holds the bytes of the sync protocol /ingchain/sync/1.0.0 and of
// gossip's messages: announcements of blocks, batches of payments. It knows
// neither streams nor peers: it turns values into bytes and back.
//
// Every message is a frame: one byte of [Type], the length of the payload as a
// minimal uvarint, the payload. Each message states the largest payload that it
// can have (MaxSize), and [ReadFrame] refuses a longer one before it allocates.
// Integers are little-endian, lists carry a minimal uvarint count, and every
// value has exactly one encoding. Blocks, headers and transactions travel in the
// consensus encoding of package core, untouched.
//
// Start with [Message] and [ReadFrame]; gossip's messages are apart, in
// [ParseAnnouncement] and [ParseTxBatch], since gossip frames them itself.
package wire
