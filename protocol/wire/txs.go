package wire

import (
	"encoding/binary"

	"github.com/ingchain/ingchain/core"
)

// Bounds on messages of transactions.
const (
	MaxTxs      = 1024               // transactions in one request by txid
	MaxPoolIDs  = 2048               // txids in one page of a pool
	MaxBlockTxs = MaxAnnouncedLeaves // transactions of a block in one request by position

	maxGetTxsSize      = 2 + MaxTxs*core.HashSize
	getPoolSize        = 8 + 8
	maxTxIDsSize       = 8 + 8 + 1 + 2 + MaxPoolIDs*core.HashSize
	maxGetBlockTxsSize = core.HashSize + 2 + 2*MaxBlockTxs
)

// GetTxs asks for payments of the peer's pool by txid. The answer has, in the
// order of the ids, a Tx or a NotFound each, and then an End.
type GetTxs struct {
	IDs []core.Hash // 1 to MaxTxs
}

// Type implements [Message].
func (*GetTxs) Type() Type { return TypeGetTxs }

// MaxSize implements [Message].
func (*GetTxs) MaxSize() int { return maxGetTxsSize }

// AppendTo implements [Message].
func (m *GetTxs) AppendTo(b []byte) []byte { return appendHashes(b, m.IDs) }

// ParseGetTxs parses a payload.
func ParseGetTxs(b []byte) (*GetTxs, error) {
	d := newDecoder(b)
	m := &GetTxs{IDs: d.hashes("txids", MaxTxs)}
	if d.Err() == nil && len(m.IDs) == 0 {
		d.Fail("asks for no transaction")
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// Tx is a transaction in its consensus encoding, which core.ParseTransaction
// reads.
type Tx struct {
	Bytes []byte
}

// Type implements [Message].
func (*Tx) Type() Type { return TypeTx }

// MaxSize implements [Message]. A reader lowers it to its network's limit.
func (*Tx) MaxSize() int { return core.MaxBlockBytesLimit }

// AppendTo implements [Message].
func (m *Tx) AppendTo(b []byte) []byte { return append(b, m.Bytes...) }

// GetPool asks which payments the peer's pool holds. The answer is one TxIDs.
type GetPool struct {
	// Epoch and After are those of the last TxIDs of the peer, or zero. If the
	// epoch is no longer the peer's, the answer begins anew.
	Epoch uint64
	After uint64
}

// Type implements [Message].
func (*GetPool) Type() Type { return TypeGetPool }

// MaxSize implements [Message].
func (*GetPool) MaxSize() int { return getPoolSize }

// AppendTo implements [Message].
func (m *GetPool) AppendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, m.Epoch)
	return binary.LittleEndian.AppendUint64(b, m.After)
}

// ParseGetPool parses a payload.
func ParseGetPool(b []byte) (*GetPool, error) {
	d := newDecoder(b)
	m := &GetPool{Epoch: d.U64(), After: d.U64()}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// TxIDs is a page of what a pool holds, in the order in which it came: parents
// before children.
type TxIDs struct {
	// Epoch names the life of the pool that Next counts in. It is not 0, which in a
	// GetPool stands for none.
	Epoch uint64
	// Next is what to ask for as GetPool.After, now or later.
	Next uint64
	// More says that there is another page already.
	More bool
	IDs  []core.Hash // at most MaxPoolIDs
}

// Type implements [Message].
func (*TxIDs) Type() Type { return TypeTxIDs }

// MaxSize implements [Message].
func (*TxIDs) MaxSize() int { return maxTxIDsSize }

// AppendTo implements [Message].
func (m *TxIDs) AppendTo(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, m.Epoch)
	b = binary.LittleEndian.AppendUint64(b, m.Next)
	return appendHashes(appendFlag(b, m.More), m.IDs)
}

// ParseTxIDs parses a payload.
func ParseTxIDs(b []byte) (*TxIDs, error) {
	d := newDecoder(b)
	m := &TxIDs{Epoch: d.U64(), Next: d.U64(), More: d.flag(), IDs: d.hashes("txids", MaxPoolIDs)}
	if d.Err() == nil && m.Epoch == 0 {
		d.Fail("a pool's epoch is not 0")
	}
	if d.Err() == nil && m.More && len(m.IDs) == 0 {
		d.Fail("an empty page with more behind it")
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// GetBlockTxs asks for transactions of a block by their positions in it. The
// answer has a Tx each, in order, and then an End; if the peer cannot give the
// block, one NotFound of it, and an End.
type GetBlockTxs struct {
	Block     core.Hash
	Positions []uint16 // 1 to MaxBlockTxs, ascending
}

// Type implements [Message].
func (*GetBlockTxs) Type() Type { return TypeGetBlockTxs }

// MaxSize implements [Message].
func (*GetBlockTxs) MaxSize() int { return maxGetBlockTxsSize }

// AppendTo implements [Message].
func (m *GetBlockTxs) AppendTo(b []byte) []byte {
	b = append(b, m.Block[:]...)
	b = binary.AppendUvarint(b, uint64(len(m.Positions)))
	for _, at := range m.Positions {
		b = binary.LittleEndian.AppendUint16(b, at)
	}
	return b
}

// ParseGetBlockTxs parses a payload.
func ParseGetBlockTxs(b []byte) (*GetBlockTxs, error) {
	d := newDecoder(b)
	m := &GetBlockTxs{Block: d.hash()}
	m.Positions = make([]uint16, d.Count("positions", MaxBlockTxs, 2))
	for i := range m.Positions {
		m.Positions[i] = d.U16()
		if d.Err() == nil && i > 0 && m.Positions[i] <= m.Positions[i-1] {
			d.Fail("position %d comes after %d", m.Positions[i], m.Positions[i-1])
		}
	}
	if d.Err() == nil && len(m.Positions) == 0 {
		d.Fail("asks for no transaction")
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// flag reads a byte that is 0 or 1.
func (d *decoder) flag() bool {
	v := d.U8()
	if v > 1 {
		d.Fail("flag %d, want 0 or 1", v)
	}
	return v == 1
}

func appendFlag(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}
