package core

import "encoding/binary"

const (
	// HeaderSize is the size of an encoded header, in bytes. Its first 64 bytes,
	// one block of SHA-256, stay fixed while mining; the other 54 fit a second
	// one with the padding.
	HeaderSize = 118
	// HeaderTimeOffset is where the time stands in a header, in bytes.
	HeaderTimeOffset = 102
	// HeaderNonceOffset is where the nonce stands in a header, in bytes.
	HeaderNonceOffset = 114
)

// Header is what is hashed for proof of work. Integers are little-endian.
type Header struct {
	Version    uint16
	Height     uint32
	Parent     Hash
	MerkleRoot Hash
	// State commits to coins and history as they stand after the parent.
	State Hash
	// Time is in milliseconds since 1970-01-01 UTC.
	Time uint64
	// Bits is the target in compact form.
	Bits  uint32
	Nonce uint32
}

// Encode returns the 118 bytes of h.
func (h *Header) Encode() [HeaderSize]byte {
	var b [HeaderSize]byte
	binary.LittleEndian.PutUint16(b[0:], h.Version)
	binary.LittleEndian.PutUint32(b[2:], h.Height)
	copy(b[6:], h.Parent[:])
	copy(b[38:], h.MerkleRoot[:])
	copy(b[70:], h.State[:])
	binary.LittleEndian.PutUint64(b[HeaderTimeOffset:], h.Time)
	binary.LittleEndian.PutUint32(b[110:], h.Bits)
	binary.LittleEndian.PutUint32(b[HeaderNonceOffset:], h.Nonce)
	return b
}

// AppendTo appends the encoding of h to b.
func (h *Header) AppendTo(b []byte) []byte {
	e := h.Encode()
	return append(b, e[:]...)
}

// ID returns the block id, SHA-256d of the encoded header. It is also the
// proof of work.
func (h *Header) ID() Hash {
	e := h.Encode()
	return doubleSHA256(e[:])
}

// ParseHeader reads exactly [HeaderSize] bytes.
func ParseHeader(b []byte) (Header, error) {
	d := newDecoder(b)
	h := d.header()
	return h, d.End()
}

func (d *decoder) header() (h Header) {
	h.Version = d.U16()
	h.Height = d.U32()
	h.Parent = d.hash()
	h.MerkleRoot = d.hash()
	h.State = d.hash()
	h.Time = d.U64()
	h.Bits = d.U32()
	h.Nonce = d.U32()
	return h
}
