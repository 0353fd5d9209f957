package coretest

import (
	"crypto/sha512"
	"encoding/hex"
	"fmt"

	"filippo.io/edwards25519"

	"github.com/ingchain/ingchain/core"
)

// SmallOrder are the eight points of small order, in their canonical encodings;
// the first is the identity.
var SmallOrder = points(
	"0100000000000000000000000000000000000000000000000000000000000000", // order 1
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
	"0000000000000000000000000000000000000000000000000000000000000000", // order 4
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
)

// SmallOrderOdd are the other encodings of the points of small order that
// decode: y not below the field's prime, or a sign bit where x is zero.
var SmallOrderOdd = points(
	"0100000000000000000000000000000000000000000000000000000000000080", // order 1, x = -0
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 1, y = p + 1
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // both
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // order 2, x = -0
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 4, y = p
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
)

func points(encodings ...string) (ps [][core.PublicKeySize]byte) {
	for _, s := range encodings {
		b, err := hex.DecodeString(s)
		if err != nil {
			panic(err)
		}
		ps = append(ps, [core.PublicKeySize]byte(b))
	}
	return ps
}

// OddKey signs with a public key that RFC 8032 would not make: a known secret
// times the base point, plus a point of small order.
type OddKey struct {
	Public [core.PublicKeySize]byte
	secret *edwards25519.Scalar // zero if Public is of small order
}

// SmallKey is a key of small order in the given encoding; its secret is zero,
// so everybody has it.
func SmallKey(encoding [core.PublicKeySize]byte) OddKey {
	return OddKey{Public: encoding, secret: edwards25519.NewScalar()}
}

// MixedKey is the key of that name plus a point of small order. With the
// identity it is [Key] itself.
func MixedKey(name string, torsion [core.PublicKeySize]byte) OddKey {
	k := Key(name)
	hash := sha512.Sum512(k.Seed[:])
	secret := must(edwards25519.NewScalar().SetBytesWithClamping(hash[:32]))
	p := new(edwards25519.Point).ScalarBaseMult(secret)
	p.Add(p, must(new(edwards25519.Point).SetBytes(torsion[:])))
	return OddKey{Public: [core.PublicKeySize]byte(p.Bytes()), secret: secret}
}

// Address is that of the key.
func (k OddKey) Address() core.Address { return core.AddressOf(k.Public) }

// Sign signs with an R that is the given encoding of a point of small order.
// The signature satisfies the equation that multiplies by the cofactor.
func (k OddKey) Sign(digest core.Hash, r [32]byte) [core.SignatureSize]byte {
	return k.sign(digest, r, edwards25519.NewScalar())
}

// SignMixed is [OddKey.Sign] with an R that has a component of prime order as
// well.
func (k OddKey) SignMixed(digest core.Hash, torsion [32]byte) [core.SignatureSize]byte {
	hash := sha512.Sum512(append(k.secret.Bytes(), digest[:]...))
	nonce := must(edwards25519.NewScalar().SetUniformBytes(hash[:]))
	p := new(edwards25519.Point).ScalarBaseMult(nonce)
	p.Add(p, must(new(edwards25519.Point).SetBytes(torsion[:])))
	return k.sign(digest, [32]byte(p.Bytes()), nonce)
}

func (k OddKey) sign(digest core.Hash, r [32]byte, nonce *edwards25519.Scalar) (sig [core.SignatureSize]byte) {
	copy(sig[:], r[:])
	s := edwards25519.NewScalar().MultiplyAdd(challenge(k.Public, digest, r), k.secret, nonce)
	copy(sig[32:], s.Bytes())
	return sig
}

// Strict reports whether a signature satisfies the equation without the
// cofactor too, which ZIP-215 does not ask for.
func Strict(public [core.PublicKeySize]byte, digest core.Hash, sig [core.SignatureSize]byte) bool {
	r := [32]byte(sig[:32])
	a := must(new(edwards25519.Point).SetBytes(public[:]))
	want := new(edwards25519.Point).ScalarMult(challenge(public, digest, r), a)
	want.Add(want, must(new(edwards25519.Point).SetBytes(r[:])))
	got := new(edwards25519.Point).ScalarBaseMult(must(edwards25519.NewScalar().SetCanonicalBytes(sig[32:])))
	return got.Equal(want) == 1
}

// challenge is SHA-512 of R, A and the message, as a scalar.
func challenge(public [core.PublicKeySize]byte, digest core.Hash, r [32]byte) *edwards25519.Scalar {
	h := sha512.New()
	h.Write(r[:])
	h.Write(public[:])
	h.Write(digest[:])
	return must(edwards25519.NewScalar().SetUniformBytes(h.Sum(nil)))
}

// OddPoint is an encoding that is not canonical, of a point that is not of
// small order. Nobody knows its secret.
func OddPoint() [core.PublicKeySize]byte {
	enc := SmallOrderOdd[4] // y = p
	for enc[0] = 0xed + 2; ; enc[0]++ {
		p, err := new(edwards25519.Point).SetBytes(enc[:])
		if err == nil && new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 0 {
			return enc
		}
	}
}

// NoPoint is an encoding that no point of the curve has.
func NoPoint() (enc [core.PublicKeySize]byte) {
	for enc[0] = 2; ; enc[0]++ {
		if _, err := new(edwards25519.Point).SetBytes(enc[:]); err != nil {
			return enc
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("coretest: %v", err))
	}
	return v
}
