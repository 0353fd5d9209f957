// Package signature is the one predicate that says whether an Ed25519 signature
// is good: ZIP-215, and public keys of small order refused. It stands apart so
// that the implementation can be replaced; nothing else in the project calls a
// signature library.
//
// ZIP-215 (https://zips.z.cash/zip-0215) was made so that verifying one by one
// and in batches give the same verdict. Refusing small-order keys adds what
// ZIP-215 leaves open: with such a key anybody could sign anything.
package signature

import (
	"crypto/rand"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

const (
	// PublicKeySize is the size of a public key, in bytes.
	PublicKeySize = ed25519.PublicKeySize
	// SignatureSize is the size of a signature, in bytes.
	SignatureSize = ed25519.SignatureSize
	// SeedSize is the size of the seed that a private key is made of, in bytes.
	SeedSize = ed25519.SeedSize
	// MaxBatch is how many signatures one batch checks together; beyond it the
	// gain per signature is small and the memory is not.
	MaxBatch = 4096
)

var options = &ed25519.Options{
	Verify: &ed25519.VerifyOptions{
		AllowSmallOrderA:   false,
		AllowSmallOrderR:   true,
		AllowNonCanonicalA: true,
		AllowNonCanonicalR: true,
	},
}

// Item is one signature to verify.
type Item struct {
	PublicKey *[PublicKeySize]byte
	Message   [32]byte
	Signature *[SignatureSize]byte
}

// Verify reports whether one signature is good.
func Verify(it Item) bool {
	return ed25519.VerifyWithOptions(it.PublicKey[:], it.Message[:], it.Signature[:], options)
}

// VerifyAll verifies many signatures together and returns the index of the
// first bad one, or -1. The verdict is that of [Verify] on each.
func VerifyAll(items []Item) int {
	for base := 0; base < len(items); base += MaxBatch {
		chunk := items[base:min(base+MaxBatch, len(items))]
		if bad := verifyChunk(chunk); bad >= 0 {
			return base + bad
		}
	}
	return -1
}

func verifyChunk(items []Item) int {
	if len(items) == 1 {
		if Verify(items[0]) {
			return -1
		}
		return 0
	}
	batch := ed25519.NewBatchVerifierWithCapacity(len(items))
	for i := range items {
		it := &items[i]
		batch.AddWithOptions(it.PublicKey[:], it.Message[:], it.Signature[:], options)
	}
	if batch.VerifyBatchOnly(rand.Reader) {
		return -1
	}
	// A batch names nobody: find the culprit one by one.
	for i := range items {
		if !Verify(items[i]) {
			return i
		}
	}
	return -1
}

// Sign signs a message with the key of a 32-byte seed (RFC 8032).
func Sign(seed *[SeedSize]byte, message [32]byte) (sig [SignatureSize]byte) {
	copy(sig[:], ed25519.Sign(ed25519.NewKeyFromSeed(seed[:]), message[:]))
	return sig
}

// PublicKey returns the public key of a 32-byte seed.
func PublicKey(seed *[SeedSize]byte) (key [PublicKeySize]byte) {
	copy(key[:], ed25519.NewKeyFromSeed(seed[:])[SeedSize:])
	return key
}

// ValidKey reports whether key is a point, not of small order: one that
// [Verify] can accept a signature of.
func ValidKey(key *[PublicKeySize]byte) bool {
	var y curve.CompressedEdwardsY
	copy(y[:], key[:])
	var p curve.EdwardsPoint
	if _, err := p.SetCompressedY(&y); err != nil {
		return false
	}
	return !p.IsSmallOrder()
}
