package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// Bounds on what a message may hold.
const (
	MaxAgent   = 64   // bytes of a node's name for itself
	MaxText    = 128  // bytes of an explanation
	MaxHeaders = 2000 // headers in one answer, as in Bitcoin
	MaxBlocks  = 512  // blocks in one request

	// helloExtra is room in a Hello for fields of later versions, in bytes.
	helloExtra = 256

	helloFixedSize      = 2 + 2*core.HashSize + 4 + core.WorkSize + 8 + 8 + 8 + 8 + 4
	maxHelloSize        = helloFixedSize + 1 + MaxAgent + helloExtra
	maxHelloRefusedSize = 1 + core.HashSize + 2 + MaxText
	maxGetHeadersSize   = 1 + core.MaxLocator*core.HashSize + core.HashSize + 2
	maxHeadersSize      = 2 + MaxHeaders*core.HeaderSize
	maxGetBlocksSize    = 2 + MaxBlocks*core.HashSize
	getRangeSize        = core.HashSize + 4 + 2
	endSize             = 1
	maxErrorSize        = 1 + 2 + MaxText
)

// Version is the version of the messages below. A peer of a later one may add
// fields to the end of its Hello, which are skipped.
const Version uint16 = 1

// Capabilities says, a bit each, which messages a node understands beyond
// hello. A message is sent only to a peer that lists it.
type Capabilities uint64

// Capabilities known so far.
const (
	CapHeaders Capabilities = 1 << 0 // GetHeaders
	CapBlocks  Capabilities = 1 << 1 // GetBlocks
	CapRange   Capabilities = 1 << 2 // GetRange
	// CapTxs is GetTxs and GetPool: the node has a pool of payments.
	CapTxs      Capabilities = 1 << 3
	CapBlockTxs Capabilities = 1 << 4 // GetBlockTxs
)

// Has reports whether every bit of want is set.
func (c Capabilities) Has(want Capabilities) bool { return c&want == want }

// Message is a message of the sync protocol.
type Message interface {
	// Type is the frame's first byte.
	Type() Type
	// MaxSize is the largest payload that the message can have, in bytes.
	MaxSize() int
	// AppendTo appends the payload. The value must be within its bounds.
	AppendTo(b []byte) []byte
}

var (
	_ Message = (*Hello)(nil)
	_ Message = (*HelloRefused)(nil)
	_ Message = (*GetHeaders)(nil)
	_ Message = (*Headers)(nil)
	_ Message = (*GetBlocks)(nil)
	_ Message = (*GetRange)(nil)
	_ Message = (*Block)(nil)
	_ Message = (*NotFound)(nil)
	_ Message = (*End)(nil)
	_ Message = (*Error)(nil)
	_ Message = (*GetTxs)(nil)
	_ Message = (*Tx)(nil)
	_ Message = (*GetPool)(nil)
	_ Message = (*TxIDs)(nil)
	_ Message = (*GetBlockTxs)(nil)
)

// Parse parses the payload of a frame.
func Parse(t Type, payload []byte) (Message, error) {
	switch t {
	case TypeHello:
		return ParseHello(payload)
	case TypeHelloRefused:
		return ParseHelloRefused(payload)
	case TypeGetHeaders:
		return ParseGetHeaders(payload)
	case TypeHeaders:
		return ParseHeaders(payload)
	case TypeGetBlocks:
		return ParseGetBlocks(payload)
	case TypeGetRange:
		return ParseGetRange(payload)
	case TypeBlock:
		return &Block{Bytes: payload}, nil
	case TypeNotFound:
		return ParseNotFound(payload)
	case TypeEnd:
		return ParseEnd(payload)
	case TypeError:
		return ParseError(payload)
	case TypeGetTxs:
		return ParseGetTxs(payload)
	case TypeTx:
		return &Tx{Bytes: payload}, nil
	case TypeGetPool:
		return ParseGetPool(payload)
	case TypeTxIDs:
		return ParseTxIDs(payload)
	case TypeGetBlockTxs:
		return ParseGetBlockTxs(payload)
	}
	return nil, fmt.Errorf("%w: unknown %v", ErrMalformed, t)
}

// GetHeaders asks for headers of the peer's best chain, from behind the first
// id of the locator that is on it (from behind genesis if none is).
type GetHeaders struct {
	// Locator names blocks of the asker's chain, the newest first; at most
	// core.MaxLocator.
	Locator []core.Hash
	// Stop ends the answer with this block; zero for none.
	Stop core.Hash
	// Max bounds the answer, from 1 to MaxHeaders.
	Max uint16
}

// Type implements [Message].
func (*GetHeaders) Type() Type { return TypeGetHeaders }

// MaxSize implements [Message].
func (*GetHeaders) MaxSize() int { return maxGetHeadersSize }

// AppendTo implements [Message].
func (m *GetHeaders) AppendTo(b []byte) []byte {
	b = appendHashes(b, m.Locator)
	b = append(b, m.Stop[:]...)
	return binary.LittleEndian.AppendUint16(b, m.Max)
}

// ParseGetHeaders parses a payload.
func ParseGetHeaders(b []byte) (*GetHeaders, error) {
	d := newDecoder(b)
	m := &GetHeaders{Locator: d.hashes("locator ids", core.MaxLocator), Stop: d.hash(), Max: d.U16()}
	if d.Err() == nil && (m.Max == 0 || m.Max > MaxHeaders) {
		d.Fail("asks for %d headers, want 1 to %d", m.Max, MaxHeaders)
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// Headers answers GetHeaders with consecutive headers, fewer than asked for if
// the chain ends.
type Headers struct {
	Headers []core.Header // at most MaxHeaders
}

// Type implements [Message].
func (*Headers) Type() Type { return TypeHeaders }

// MaxSize implements [Message].
func (*Headers) MaxSize() int { return maxHeadersSize }

// AppendTo implements [Message].
func (m *Headers) AppendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(m.Headers)))
	for i := range m.Headers {
		b = m.Headers[i].AppendTo(b)
	}
	return b
}

// ParseHeaders parses a payload.
func ParseHeaders(b []byte) (*Headers, error) {
	d := newDecoder(b)
	n := d.Count("headers", MaxHeaders, core.HeaderSize)
	m := &Headers{Headers: make([]core.Header, n)}
	for i := range m.Headers {
		m.Headers[i] = d.header()
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// GetBlocks asks for blocks by id. The answer has, in the order of the ids, a
// Block or a NotFound each, and then an End.
type GetBlocks struct {
	IDs []core.Hash // 1 to MaxBlocks
}

// Type implements [Message].
func (*GetBlocks) Type() Type { return TypeGetBlocks }

// MaxSize implements [Message].
func (*GetBlocks) MaxSize() int { return maxGetBlocksSize }

// AppendTo implements [Message].
func (m *GetBlocks) AppendTo(b []byte) []byte { return appendHashes(b, m.IDs) }

// ParseGetBlocks parses a payload.
func ParseGetBlocks(b []byte) (*GetBlocks, error) {
	d := newDecoder(b)
	m := &GetBlocks{IDs: d.hashes("block ids", MaxBlocks)}
	if d.Err() == nil && len(m.IDs) == 0 {
		d.Fail("asks for no block")
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// GetRange asks for blocks by height on the branch that ends in Tip. The answer
// is that of GetBlocks; a branch that isn't known is one NotFound of Tip.
type GetRange struct {
	Tip   core.Hash
	From  uint32 // height of the first block
	Count uint16 // 1 to MaxBlocks
}

// Type implements [Message].
func (*GetRange) Type() Type { return TypeGetRange }

// MaxSize implements [Message].
func (*GetRange) MaxSize() int { return getRangeSize }

// AppendTo implements [Message].
func (m *GetRange) AppendTo(b []byte) []byte {
	b = append(b, m.Tip[:]...)
	b = binary.LittleEndian.AppendUint32(b, m.From)
	return binary.LittleEndian.AppendUint16(b, m.Count)
}

// ParseGetRange parses a payload.
func ParseGetRange(b []byte) (*GetRange, error) {
	d := newDecoder(b)
	m := &GetRange{Tip: d.hash(), From: d.U32(), Count: d.U16()}
	switch {
	case d.Err() != nil:
	case m.Count == 0 || m.Count > MaxBlocks:
		d.Fail("asks for %d blocks, want 1 to %d", m.Count, MaxBlocks)
	case uint64(m.From)+uint64(m.Count) > 1<<32:
		d.Fail("range from %d of %d blocks ends above the greatest height", m.From, m.Count)
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// Block is a block in its consensus encoding, which core.ParseBlock reads.
type Block struct {
	Bytes []byte
}

// Type implements [Message].
func (*Block) Type() Type { return TypeBlock }

// MaxSize implements [Message]. A reader lowers it to its network's limit.
func (*Block) MaxSize() int { return core.MaxBlockBytesLimit }

// AppendTo implements [Message].
func (m *Block) AppendTo(b []byte) []byte { return append(b, m.Bytes...) }

// NotFound says that the peer doesn't have a block, or a payment.
type NotFound struct {
	ID core.Hash
}

// Type implements [Message].
func (*NotFound) Type() Type { return TypeNotFound }

// MaxSize implements [Message].
func (*NotFound) MaxSize() int { return core.HashSize }

// AppendTo implements [Message].
func (m *NotFound) AppendTo(b []byte) []byte { return append(b, m.ID[:]...) }

// ParseNotFound parses a payload.
func ParseNotFound(b []byte) (*NotFound, error) {
	d := newDecoder(b)
	m := &NotFound{ID: d.hash()}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// End closes an answer of blocks or transactions.
type End struct {
	// More says that the answer was cut short by its size: ask again for what
	// is missing.
	More bool
}

// Type implements [Message].
func (*End) Type() Type { return TypeEnd }

// MaxSize implements [Message].
func (*End) MaxSize() int { return endSize }

// AppendTo implements [Message].
func (m *End) AppendTo(b []byte) []byte {
	return appendFlag(b, m.More)
}

// ParseEnd parses a payload.
func ParseEnd(b []byte) (*End, error) {
	d := newDecoder(b)
	m := &End{More: d.flag()}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

// ErrorCode says why a request is not answered.
type ErrorCode byte

// Codes of Error. Others are to be read as CodeInternal.
const (
	CodeInternal   ErrorCode = 0 // the node failed
	CodeBusy       ErrorCode = 1 // too many requests at once: ask later
	CodeBadRequest ErrorCode = 2 // the request makes no sense
	CodeNotJoined  ErrorCode = 3 // no hello has been exchanged
)

// Error answers a request that can't be served.
type Error struct {
	Code ErrorCode
	Text string // at most MaxText bytes of printable ASCII
}

// Type implements [Message].
func (*Error) Type() Type { return TypeError }

// MaxSize implements [Message].
func (*Error) MaxSize() int { return maxErrorSize }

// AppendTo implements [Message].
func (m *Error) AppendTo(b []byte) []byte {
	return appendText(append(b, byte(m.Code)), Printable(m.Text, MaxText))
}

// ParseError parses a payload.
func ParseError(b []byte) (*Error, error) {
	d := newDecoder(b)
	m := &Error{Code: ErrorCode(d.U8()), Text: d.text("explanation", MaxText)}
	if err := d.End(); err != nil {
		return nil, err
	}
	return m, nil
}

func appendHashes(b []byte, ids []core.Hash) []byte {
	b = binary.AppendUvarint(b, uint64(len(ids)))
	for i := range ids {
		b = append(b, ids[i][:]...)
	}
	return b
}

func (d *decoder) hashes(what string, limit int) []core.Hash {
	ids := make([]core.Hash, d.Count(what, limit, core.HashSize))
	for i := range ids {
		ids[i] = d.hash()
	}
	return ids
}
