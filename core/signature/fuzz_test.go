package signature_test

import (
	"crypto/ed25519"
	"crypto/sha512"
	"slices"
	"testing"

	"filippo.io/edwards25519"
	"github.com/hdevalence/ed25519consensus"

	"github.com/ingchain/ingchain/core/signature"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// smallOrder are encodings of points of small order, some of them not canonical,
// after which a key or an R may be anybody's.
var smallOrder = [][32]byte{
	{1},           // the identity
	{1, 31: 0x80}, // the identity with a sign
	{0},           // of order 4
	{31: 0x80},    // of order 4
	pPlus1,
}

// pPlus1 is the identity with its coordinate written as p+1.
var pPlus1 = func() (b [32]byte) {
	for i := range b {
		b[i] = 0xff
	}
	b[0], b[31] = 0xee, 0x7f
	return b
}()

// itemOf makes a signature that is mostly good.
func itemOf(s *fuzzing.Source) signature.Item {
	seed := [32]byte{s.Byte() % 4}
	it := signature.Item{PublicKey: new([32]byte), Signature: new([64]byte), Message: [32]byte{s.Byte()}}
	*it.PublicKey = signature.PublicKey(&seed)
	*it.Signature = signature.Sign(&seed, it.Message)
	if !s.Rarely(3) {
		return it
	}
	switch s.Intn(7) {
	case 0:
		it.PublicKey[s.Intn(32)] ^= s.Byte()
	case 1:
		it.Signature[s.Intn(64)] ^= s.Byte()
	case 2:
		it.Message[s.Intn(32)] ^= s.Byte()
	case 3: // 8R: good under ZIP-215 with S zero, whatever the message, if R and A are of small order
		*it.PublicKey, *it.Signature = fuzzing.Of(s, smallOrder...), [64]byte{}
		r := fuzzing.Of(s, smallOrder...)
		copy(it.Signature[:], r[:])
	case 4:
		r := fuzzing.Of(s, smallOrder...)
		copy(it.Signature[:], r[:])
	case 5:
		copy(it.PublicKey[:], s.Bytes(32))
		copy(it.Signature[:], s.Bytes(64))
	case 6:
		*it.Signature = withR(&seed, it.Message, fuzzing.Of(s, smallOrder...))
	}
	return it
}

// withR is a good signature under ZIP-215 whose R is a point of small order, as
// only its signer can make: S is k·a.
func withR(seed *[32]byte, message, r [32]byte) (sig [64]byte) {
	secret := sha512.Sum512(seed[:])
	public := signature.PublicKey(seed)
	hash := sha512.Sum512(slices.Concat(r[:], public[:], message[:]))
	a, aErr := edwards25519.NewScalar().SetBytesWithClamping(secret[:32])
	k, kErr := edwards25519.NewScalar().SetUniformBytes(hash[:])
	if aErr != nil || kErr != nil {
		panic("sizes are right")
	}
	copy(sig[:], r[:])
	copy(sig[32:], k.Multiply(k, a).Bytes())
	return sig
}

// FuzzVerify holds one signature to two other libraries: it is good if and only
// if ed25519consensus, which is ZIP-215 too, says so of a key that is not of
// small order; and whatever crypto/ed25519 calls good is.
func FuzzVerify(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 1, 2, 1, 40, 0x10})
	for r := range byte(5) {
		f.Add([]byte{1, 1, 2, 3, r, r})
		f.Add([]byte{1, 1, 2, 4, r})
		f.Add([]byte{1, 1, 2, 6, r})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		it := itemOf(fuzzing.New(b))
		got, key := signature.Verify(it), signature.ValidKey(it.PublicKey)
		if zip := ed25519consensus.Verify(it.PublicKey[:], it.Message[:], it.Signature[:]); got != (zip && key) {
			t.Fatalf("%x by %x: %v; ZIP-215 says %v, the key is valid %v", it.Signature, it.PublicKey, got, zip, key)
		}
		if ed25519.Verify(it.PublicKey[:], it.Message[:], it.Signature[:]) && key && !got {
			t.Fatalf("%x by %x: crypto/ed25519 calls it good", it.Signature, it.PublicKey)
		}
		for _, p := range smallOrder {
			if *it.PublicKey == p && (key || got) {
				t.Fatalf("the key %x is of small order", p)
			}
		}
	})
}

// FuzzVerifyAll: together they are good if and only if each is alone, and what is
// refused is refused for the right reason: keys before signatures, the first of
// them if one is named.
func FuzzVerifyAll(f *testing.F) {
	f.Add([]byte{}, byte(0))
	f.Add([]byte{}, byte(5))
	f.Add([]byte{0, 0, 0, 1, 0, 0, 2, 0, 2, 1, 63, 1, 3, 0, 0}, byte(4))
	f.Add([]byte{0, 0, 2, 1, 5, 1}, byte(1))
	f.Add([]byte{0, 0, 2, 1, 5, 1}, byte(7))
	f.Add([]byte{0, 0, 2, 3, 0, 0, 1, 0, 0, 1, 0, 2, 4, 2}, byte(3))
	f.Add([]byte{0, 0, 2, 3, 0, 0, 1, 0, 0, 1, 0, 2, 4, 2}, byte(9))
	f.Fuzz(func(t *testing.T, b []byte, n byte) {
		s := fuzzing.New(b)
		items := make([]signature.Item, n%12)
		badKey, badSig := -1, -1
		for i := range items {
			items[i] = itemOf(s)
			if badKey < 0 && !signature.ValidKey(items[i].PublicKey) {
				badKey = i
			}
			if badSig < 0 && !signature.Verify(items[i]) {
				badSig = i
			}
		}
		got := signature.VerifyAll(items)
		switch {
		case got == nil:
			if badKey >= 0 || badSig >= 0 {
				t.Fatalf("%d pass together, but not %d", len(items), max(badKey, badSig))
			}
		case badSig < 0:
			t.Fatalf("%+v of %d that are good alone", got, len(items))
		case got.Key != (badKey >= 0), got.Key && got.Index != badKey, !got.Key && got.Index != -1 && got.Index != badSig:
			t.Fatalf("%+v of %d, the first bad key is %d, signature %d", got, len(items), badKey, badSig)
		}
	})
}
