package core

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// HashSize is the size of every id and commitment, in bytes.
const HashSize = sha256.Size

// Hash is a SHA-256 value: a block id, a txid, a root or a commitment. It is
// written as 64 lower-case hexadecimal digits in byte order.
type Hash [HashSize]byte

// String returns the 64 hexadecimal digits of h.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short returns the first 12 digits of h, for people and logs.
func (h Hash) Short() string { return hex.EncodeToString(h[:6]) }

// IsZero reports whether every byte of h is zero.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText implements encoding.TextMarshaler.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hash) UnmarshalText(text []byte) error {
	parsed, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}

// ParseHash reads 64 lower-case hexadecimal digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*HashSize {
		return h, fmt.Errorf("id %.80q has %d characters, want %d hexadecimal digits", s, len(s), 2*HashSize)
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return h, fmt.Errorf("id %q has %q at position %d, want lower-case hexadecimal digits", s, c, i+1)
		}
	}
	_, _ = hex.Decode(h[:], []byte(s)) // an even number of digits, as checked above
	return h, nil
}

// Tags separate the uses of SHA-256. A tagged hash is
// SHA-256(length of tag as one byte, tag, data); no tag is 0, 1 or 2 bytes
// long, so none collides with the prefixes of the merkle tree.
const (
	tagTx      = "ingchain/tx"
	tagWitness = "ingchain/witness"
	tagSign    = "ingchain/sign"
	tagAddress = "ingchain/address"
	tagState   = "ingchain/state"
	tagHistory = "ingchain/history"
	tagHLeaf   = "ingchain/history/leaf"
	tagHNode   = "ingchain/history/node"
	tagParams  = "ingchain/params"
)

// taggedHash is SHA-256(len(tag), tag, parts...).
func taggedHash(tag string, parts ...[]byte) Hash {
	d := sha256.New()
	d.Write([]byte{byte(len(tag))})
	d.Write([]byte(tag))
	for _, p := range parts {
		d.Write(p)
	}
	var h Hash
	d.Sum(h[:0])
	return h
}

// doubleSHA256 is SHA-256(SHA-256(b)), the proof-of-work hash of Bitcoin.
func doubleSHA256(b []byte) Hash {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}
