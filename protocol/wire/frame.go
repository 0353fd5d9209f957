package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/canon"
)

// Type is the first byte of a frame.
type Type byte

// Types of messages.
const (
	TypeHello        Type = 1
	TypeHelloRefused Type = 2
	TypeGetHeaders   Type = 3
	TypeHeaders      Type = 4
	TypeGetBlocks    Type = 5
	TypeGetRange     Type = 6
	TypeBlock        Type = 7
	TypeNotFound     Type = 8
	TypeEnd          Type = 9
	TypeError        Type = 10
	TypeGetTxs       Type = 11
	TypeTx           Type = 12
	TypeGetPool      Type = 13
	TypeTxIDs        Type = 14
	TypeGetBlockTxs  Type = 15
)

var typeNames = [...]string{
	TypeHello: "hello", TypeHelloRefused: "hello-refused",
	TypeGetHeaders: "get-headers", TypeHeaders: "headers",
	TypeGetBlocks: "get-blocks", TypeGetRange: "get-range",
	TypeBlock: "block", TypeNotFound: "not-found", TypeEnd: "end", TypeError: "error",
	TypeGetTxs: "get-txs", TypeTx: "tx", TypeGetPool: "get-pool", TypeTxIDs: "txids", TypeGetBlockTxs: "get-block-txs",
}

// String returns the name of t.
func (t Type) String() string {
	if t > 0 && int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type %d", byte(t))
}

// MaxSize returns the largest payload that a message of type t can have, in
// bytes, and 0 for an unknown type.
func (t Type) MaxSize() int {
	switch t {
	case TypeHello:
		return maxHelloSize
	case TypeHelloRefused:
		return maxHelloRefusedSize
	case TypeGetHeaders:
		return maxGetHeadersSize
	case TypeHeaders:
		return maxHeadersSize
	case TypeGetBlocks:
		return maxGetBlocksSize
	case TypeGetRange:
		return getRangeSize
	case TypeBlock:
		return core.MaxBlockBytesLimit
	case TypeNotFound:
		return core.HashSize
	case TypeEnd:
		return endSize
	case TypeError:
		return maxErrorSize
	case TypeGetTxs:
		return maxGetTxsSize
	case TypeTx:
		return core.MaxBlockBytesLimit
	case TypeGetPool:
		return getPoolSize
	case TypeTxIDs:
		return maxTxIDsSize
	case TypeGetBlockTxs:
		return maxGetBlockTxsSize
	}
	return 0
}

const (
	// readChunk is how far memory may run ahead of the bytes that have arrived,
	// so that a length that is only claimed costs nothing.
	readChunk = 64 << 10 // 64 KiB

	maxLengthSize = 5 // bytes of a length: enough for any MaxSize
	// MaxFrameHeader is the largest size of a frame's type and length, in bytes.
	MaxFrameHeader = 1 + maxLengthSize
)

// AppendFrame appends a message as a frame.
func AppendFrame(b []byte, m Message) []byte {
	payload := m.AppendTo(nil)
	return append(AppendFrameHeader(b, m.Type(), len(payload)), payload...)
}

// AppendFrameHeader appends the type and length that come before a payload of
// size bytes, for payloads that are written as they lie, such as blocks.
func AppendFrameHeader(b []byte, t Type, size int) []byte {
	return binary.AppendUvarint(append(b, byte(t)), uint64(size))
}

// Reader is what frames are read from, such as a *bufio.Reader.
type Reader interface {
	io.Reader
	io.ByteReader
}

// ReadFrame reads one frame and returns its type and payload. limit, if not
// nil, lowers the largest payload of a type; zero means that the type isn't
// expected. A type or length that isn't allowed fails with [ErrMalformed]
// before anything is allocated. At the end of the stream, before the first
// byte, the error is io.EOF; later it is io.ErrUnexpectedEOF.
func ReadFrame(r Reader, limit func(Type) int) (Type, []byte, error) {
	first, err := r.ReadByte()
	if err != nil {
		return 0, nil, err
	}
	t := Type(first)
	allowed := t.MaxSize()
	if allowed == 0 {
		return t, nil, fmt.Errorf("%w: unknown %v", ErrMalformed, t)
	}
	if limit != nil {
		if allowed = min(allowed, limit(t)); allowed == 0 {
			return t, nil, fmt.Errorf("%w: unexpected %v", ErrMalformed, t)
		}
	}
	size, err := readLength(r)
	if err != nil {
		return t, nil, fmt.Errorf("length of %v: %w", t, err)
	}
	if size > uint64(allowed) {
		return t, nil, fmt.Errorf("%w: %v of %d bytes, at most %d", ErrTooLong, t, size, allowed)
	}
	payload, err := readPayload(r, int(size))
	if err != nil {
		return t, nil, fmt.Errorf("read %v: %w", t, err)
	}
	return t, payload, nil
}

func readLength(r io.ByteReader) (uint64, error) {
	var b [maxLengthSize]byte
	for i := range b {
		c, err := r.ReadByte()
		if err != nil {
			return 0, unexpected(err)
		}
		if b[i] = c; c < 0x80 {
			v, _, err := canon.Uvarint(b[:i+1])
			if err != nil {
				return 0, fmt.Errorf("%w: %w", ErrMalformed, err)
			}
			return v, nil
		}
	}
	return 0, fmt.Errorf("%w: more than %d bytes", ErrMalformed, maxLengthSize)
}

// readPayload reads n bytes, growing the buffer as they arrive.
func readPayload(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, 0, min(n, readChunk))
	for len(b) < n {
		if len(b) == cap(b) {
			grown := make([]byte, len(b), min(n, 2*cap(b)))
			copy(grown, b)
			b = grown
		}
		next := b[len(b):cap(b)]
		if _, err := io.ReadFull(r, next); err != nil {
			return nil, unexpected(err)
		}
		b = b[:cap(b)]
	}
	return b, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
