package core

import (
	"encoding/binary"
)

// MaxBlockBytesLimit bounds what any network may allow for a block, in bytes.
const MaxBlockBytesLimit = 32 << 20

// maxBlockTxs bounds the transactions of any block: a payment has an input and an
// output, of which no network allows more.
const maxBlockTxs = maxBlockCoins/2 + 1

// Block is a header and its transactions, with what was computed from the
// bytes once. A Block is never changed after [ParseBlock] or [NewBlock] made
// it; to alter one, make another.
type Block struct {
	Header Header
	Txs    []Transaction

	id     Hash
	raw    []byte
	txids  []Hash
	leaves []Hash
	bodies []span // where each transaction's body lies in raw
}

type span struct{ start, end int }

// ParseBlock reads exactly one block. It keeps b, which must not be changed
// afterwards. Bytes that are not a canonical block fail with a [BodyError].
func ParseBlock(b []byte) (*Block, error) {
	d := newDecoder(b)
	blk := &Block{raw: b, Header: d.header()}
	n := d.Count("transactions", maxBlockTxs, minTxSize)
	blk.Txs = make([]Transaction, n)
	blk.txids = make([]Hash, n)
	blk.leaves = make([]Hash, n)
	blk.bodies = make([]span, n)
	var slabs txSlabs
	for i := range blk.Txs {
		start := d.Offset()
		bodyEnd := d.transaction(&blk.Txs[i], &slabs)
		if d.Err() != nil {
			return nil, bodyErr(ErrMalformed, "transaction %d: %v", i, d.Err())
		}
		blk.bodies[i] = span{start, bodyEnd}
		blk.txids[i] = taggedHash(tagTx, b[start:bodyEnd])
		blk.leaves[i] = MerkleLeaf(blk.txids[i], taggedHash(tagWitness, b[bodyEnd:d.Offset()]))
	}
	if err := d.End(); err != nil {
		return nil, bodyErr(ErrMalformed, "%v", err)
	}
	blk.id = doubleSHA256(b[:HeaderSize])
	return blk, nil
}

// NewBlock makes a block of a header and transactions, as a miner does. It does
// not check them, but they must be encodable: data within [MaxTxData], one
// witness per owner.
func NewBlock(h Header, txs []Transaction) (*Block, error) {
	return ParseBlock(AppendBlock(nil, h, txs))
}

// AppendBlock appends the encoding of a block: header, number of transactions,
// transactions.
func AppendBlock(b []byte, h Header, txs []Transaction) []byte {
	b = h.AppendTo(b)
	b = binary.AppendUvarint(b, uint64(len(txs)))
	for i := range txs {
		b = txs[i].AppendTo(b)
	}
	return b
}

// ID returns the block id.
func (b *Block) ID() Hash { return b.id }

// Bytes returns the encoding of b. It must not be changed.
func (b *Block) Bytes() []byte { return b.raw }

// Size returns the length of the encoding, in bytes.
func (b *Block) Size() int { return len(b.raw) }

// TxID returns the id of transaction i.
func (b *Block) TxID(i int) Hash { return b.txids[i] }

// Leaves returns the merkle leaves, one per transaction. They must not be
// changed.
func (b *Block) Leaves() []Hash { return b.leaves }

// MerkleRoot computes the root of the transactions.
func (b *Block) MerkleRoot() Hash { return MerkleRoot(b.leaves) }

// signingDigest is what the owners of transaction i sign.
func (b *Block) signingDigest(i int, genesis Hash) Hash {
	s := b.bodies[i]
	return taggedHash(tagSign, genesis[:], b.raw[s.start:s.end])
}
