package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// Bounds on a message of the topic of transactions. The largest payment of the
// default network, 256 KiB, fits twice less a little; gossip's limit is 1 MiB.
const (
	MaxBatchTxs = 1024 // payments
	// MaxBatchSize is the largest batch, in bytes. A payment that does not fit, of a
	// network that allows such, is not gossiped: peers ask for it.
	MaxBatchSize = 512 << 10

	kindTxBatch = 1 // the first byte

	// minBatchedTx is the size of the smallest transaction with its length, in
	// bytes.
	minBatchedTx = 1 + 13
)

// ErrBatch is wrapped, and wraps [ErrMalformed], where a batch holds what is no
// transaction. It wraps a [core.BodyError] too.
var ErrBatch = fmt.Errorf("%w: batch of transactions", ErrMalformed)

// TxBatch is a message of the topic of transactions: payments that one node
// brings to the network together. Others pass it on as it is. A value has one
// encoding, so the hash of the bytes is a good message id.
type TxBatch struct {
	Txs []*core.Transaction
	// Size is the length of the encoding, in bytes.
	Size int
}

// AppendTxBatch appends the batch of encoded payments, of which there are 1 to
// MaxBatchTxs.
func AppendTxBatch(b []byte, txs [][]byte) []byte {
	b = binary.AppendUvarint(append(b, kindTxBatch), uint64(len(txs)))
	for _, raw := range txs {
		b = append(binary.AppendUvarint(b, uint64(len(raw))), raw...)
	}
	return b
}

// TxBatchSize returns the length of a batch of n payments that have bytes bytes
// in all: what AppendTxBatch takes, or up to n bytes more.
func TxBatchSize(n, bytes int) int {
	const lengthSize = 3 // of a length below 2^21
	return 1 + 2 + n*lengthSize + bytes
}

// ParseTxBatch parses what [AppendTxBatch] made. It does not judge what the
// payments say.
func ParseTxBatch(b []byte) (*TxBatch, error) {
	if len(b) > MaxBatchSize {
		return nil, fmt.Errorf("%w of %d bytes, at most %d", ErrBatch, len(b), MaxBatchSize)
	}
	d := newDecoder(b)
	if kind := d.U8(); d.Err() == nil && kind != kindTxBatch {
		d.Fail("batch of unknown kind %d", kind)
	}
	n := d.Count("transactions", MaxBatchTxs, minBatchedTx)
	if d.Err() == nil && n == 0 {
		d.Fail("a batch of nothing")
	}
	m := &TxBatch{Size: len(b), Txs: make([]*core.Transaction, 0, n)}
	for i := range n {
		raw := d.Take(d.Count("transaction's bytes", MaxBatchSize, 1))
		if d.Err() != nil {
			break
		}
		tx, err := core.ParseTransaction(raw)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w: transaction %d", ErrBatch, i), err)
		}
		m.Txs = append(m.Txs, tx)
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}
