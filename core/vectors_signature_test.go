package core_test

import (
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"

	"github.com/hdevalence/ed25519consensus"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/signature"
)

type signatureVectors struct {
	about
	Cases []signatureVector `json:"cases"`
}

type signatureVector struct {
	Name      string   `json:"name"`
	PublicKey hexBytes `json:"public_key"`
	Message   hexBytes `json:"message"` // always 32 bytes
	Signature hexBytes `json:"signature"`
	// Key says whether the public key can sign at all: the code is tx-key if not.
	Key   bool `json:"key"`
	Valid bool `json:"valid"`
}

func (v *signatureVector) item() signature.Item {
	key, sig := [32]byte(v.PublicKey), [64]byte(v.Signature)
	return signature.Item{PublicKey: &key, Message: [32]byte(v.Message), Signature: &sig}
}

// groupOrder is that of Ed25519's base point: 2^252 + 2774…493.
var groupOrder, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

func littleEndian(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

func scalarBytes(s *big.Int) []byte {
	b := s.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

// withR is a signature with a chosen R of small order: S = k·a, which satisfies
// [8][S]B = [8]R + [8][k]A since [8]R is the identity.
func withR(seed [32]byte, key, r, message []byte) []byte {
	secret := sha512.Sum512(seed[:])
	secret[0] &= 248
	secret[31] &= 127
	secret[31] |= 64
	k := sha512.Sum512(slices.Concat(r, key, message))
	s := new(big.Int).Mul(littleEndian(k[:]), littleEndian(secret[:32]))
	return append(slices.Clone(r), scalarBytes(s.Mod(s, groupOrder))...)
}

func makeSignatures(t *testing.T) signatureVectors {
	vs := signatureVectors{about: about{"Ed25519 signatures at the edges of the predicate: whether the key can sign, and whether the signature is valid.", "transaction.md"}}
	alice, message := coretest.Key("alice"), filler("message")
	key := alice.Public[:]
	good := signature.Sign(&alice.Seed, message)
	add := func(name string, key, sig []byte) {
		v := signatureVector{Name: name, PublicKey: key, Message: message[:], Signature: sig}
		it := v.item()
		v.Key, v.Valid = signature.ValidKey(it.PublicKey), signature.Verify(it)
		vs.Cases = append(vs.Cases, v)
	}
	point := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	identity := point("0100000000000000000000000000000000000000000000000000000000000000")
	oversized := point("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f") // y = p + 1
	order8 := point("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
	noPoint := append([]byte{2}, make([]byte, 31)...)

	add("plain", key, good[:])
	add("one bit changed", key, append([]byte{good[0] ^ 1}, good[1:]...))
	greater := new(big.Int).Add(littleEndian(good[32:]), groupOrder)
	add("last bit of S", key, append(slices.Clone(good[:63]), good[63]^0x80))
	add("S + order", key, append(slices.Clone(good[:32]), scalarBytes(greater)...))
	add("R of order 8, good only with the cofactor", key, withR(alice.Seed, key, order8, message[:]))
	add("R the identity", key, withR(alice.Seed, key, identity, message[:]))
	add("R the identity, not canonical", key, withR(alice.Seed, key, oversized, message[:]))
	add("R of order 2, negative zero", key, withR(alice.Seed, key, point("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"), message[:]))
	add("S zero, R the identity", key, append(slices.Clone(identity), make([]byte, 32)...))
	add("R no point", key, withR(alice.Seed, key, noPoint, message[:]))
	zero := append(slices.Clone(identity), make([]byte, 32)...)
	add("key the identity, refused beyond ZIP-215", identity, zero)
	add("key the identity, not canonical, refused too", oversized, zero)
	add("key of order 8, refused too", order8, zero)
	add("key no point", noPoint, zero)
	return vs
}

func TestSignatureVectors(t *testing.T) {
	var all, good []signature.Item
	for _, v := range vectors(t, "signature.json", makeSignatures).Cases {
		it := v.item()
		equal(t, v.Name, signature.Verify(it), v.Valid)
		equal(t, v.Name+", key", signature.ValidKey(it.PublicKey), v.Key)
		// Another implementation of ZIP-215, which knows nothing of our addition.
		zip215 := ed25519consensus.Verify(ed25519.PublicKey(v.PublicKey), v.Message, v.Signature)
		equal(t, v.Name+", by ZIP-215", zip215 && signature.ValidKey(it.PublicKey), v.Valid)
		equal(t, v.Name+", in a batch", signature.VerifyAll([]signature.Item{it, it, it, it}) == nil, v.Valid)
		all = append(all, it)
		if v.Valid {
			good = append(good, it)
		}
	}
	equal(t, "all valid in one batch", signature.VerifyAll(good) == nil, true)
	if signature.VerifyAll(all) == nil {
		t.Error("a batch with bad signatures passes")
	}
}
