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

	// minBatch is how many signatures are worth a batch: fewer are verified as
	// fast one by one, which also tells which is bad.
	minBatch = 4
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

// Refusal says what is wrong with signatures.
type Refusal struct {
	// Key tells that a public key is no point, or one of small order. Keys come
	// before signatures: it is false only if every key is fit to sign.
	Key bool
	// Index is the position of the first bad key, or else of the first bad
	// signature; -1 if that was not looked for.
	Index int
}

// Verify reports whether one signature is good.
func Verify(it Item) bool {
	return verify(it.PublicKey[:], it.Message[:], it.Signature[:])
}

// VerifyAll verifies many signatures together and returns nil if [Verify] would
// pass each. To refuse costs little more than to pass: the first bad signature
// is named only among the few that are not worth a batch.
func VerifyAll(items []Item) *Refusal {
	return verifyAll(len(items), func(i int) (key, message, sig []byte) {
		it := &items[i]
		return it.PublicKey[:], it.Message[:], it.Signature[:]
	})
}

func verify(key, message, sig []byte) bool {
	return ed25519.VerifyWithOptions(key, message, sig, options)
}

// verifyAll is [VerifyAll] for messages of any size; at returns each of the n
// items.
func verifyAll(n int, at func(i int) (key, message, sig []byte)) *Refusal {
	for base := 0; base < n; base += MaxBatch {
		bad, ok := verifyChunk(base, min(base+MaxBatch, n), at)
		if ok {
			continue
		}
		for i := base; i < n; i++ {
			if key, _, _ := at(i); !validKey(key) {
				return &Refusal{Key: true, Index: i}
			}
		}
		return &Refusal{Index: bad}
	}
	return nil
}

// verifyChunk verifies the items from first up to end. If they are few it names
// the first bad one.
func verifyChunk(first, end int, at func(i int) (key, message, sig []byte)) (bad int, ok bool) {
	if end-first < minBatch {
		for i := first; i < end; i++ {
			if !verify(at(i)) {
				return i, false
			}
		}
		return -1, true
	}
	batch := ed25519.NewBatchVerifierWithCapacity(end - first)
	for i := first; i < end; i++ {
		key, message, sig := at(i)
		batch.AddWithOptions(key, message, sig, options)
	}
	return -1, batch.VerifyBatchOnly(rand.Reader)
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
func ValidKey(key *[PublicKeySize]byte) bool { return validKey(key[:]) }

func validKey(key []byte) bool {
	var y curve.CompressedEdwardsY
	var p curve.EdwardsPoint
	copy(y[:], key)
	if _, err := p.SetCompressedY(&y); err != nil {
		return false
	}
	return !p.IsSmallOrder()
}
