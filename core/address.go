package core

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/btcutil/bech32"
)

const (
	// AddressHashSize is the size of the hash in an address, in bytes.
	AddressHashSize = 20
	// KindKeyHash is the only address kind so far: the hash of an Ed25519
	// public key.
	KindKeyHash byte = 0

	addressDataSize = 1 + AddressHashSize // kind and hash, in bytes
)

// Errors of [ParseAddress], for errors.Is.
var (
	ErrAddress        = errors.New("not an address")
	ErrAddressNetwork = errors.New("address of another network")
	ErrAddressKind    = errors.New("unknown address kind")
)

// Address says who may spend an output: a kind and 20 bytes whose meaning the
// kind gives. The zero Address is valid and nobody is known to hold its key.
type Address struct {
	Kind byte
	Hash [AddressHashSize]byte
}

// AddressOf returns the address of an Ed25519 public key: the first 20 bytes of
// SHA-256(tag, key).
func AddressOf(publicKey [PublicKeySize]byte) Address {
	full := taggedHash(tagAddress, publicKey[:])
	a := Address{Kind: KindKeyHash}
	copy(a.Hash[:], full[:])
	return a
}

// IsZero reports whether a is the zero account, which nobody can spend from.
func (a Address) IsZero() bool { return a == Address{} }

// Encode writes the address in bech32m (BIP 350) with the network's prefix.
func (a Address) Encode(prefix string) string {
	data := append([]byte{a.Kind}, a.Hash[:]...)
	// Neither fails: bytes can always be cut into groups of five bits, and each
	// group has a letter.
	groups, _ := bech32.ConvertBits(data, 8, 5, true)
	s, _ := bech32.EncodeM(prefix, groups)
	return s
}

// addressFault words why a string is not bech32. The checksum that a mistyped
// address should have is left out: with it, it would be an address of nobody.
func addressFault(err error) error {
	var checksum bech32.ErrInvalidChecksum
	if errors.As(err, &checksum) {
		return errors.New("a character is wrong, missing or too many (the checksum does not match)")
	}
	return err
}

// ParseAddress reads a bech32m address of the network with the given prefix.
// An address of another network fails with [ErrAddressNetwork], a kind that
// these rules don't know with [ErrAddressKind], all else with [ErrAddress].
func ParseAddress(s, prefix string) (Address, error) {
	var a Address
	hrp, groups, version, err := bech32.DecodeGeneric(s)
	if err != nil {
		return a, fmt.Errorf("%w: %.100q: %w", ErrAddress, s, addressFault(err))
	}
	if version != bech32.VersionM {
		return a, fmt.Errorf("%w: %q is bech32, want bech32m", ErrAddress, s)
	}
	if hrp != prefix {
		return a, fmt.Errorf("%w: %q begins with %q, this network's with %q", ErrAddressNetwork, s, hrp, prefix)
	}
	data, err := bech32.ConvertBits(groups, 5, 8, false)
	if err != nil {
		return a, fmt.Errorf("%w: %q: %w", ErrAddress, s, err)
	}
	if len(data) != addressDataSize {
		return a, fmt.Errorf("%w: %q holds %d bytes, want %d", ErrAddress, s, len(data), addressDataSize)
	}
	if data[0] != KindKeyHash {
		return a, fmt.Errorf("%w: %q is of kind %d, these rules know only kind %d", ErrAddressKind, s, data[0], KindKeyHash)
	}
	a.Kind = data[0]
	copy(a.Hash[:], data[1:])
	return a, nil
}
