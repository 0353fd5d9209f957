package reference

import (
	"crypto/sha512"
	"math/big"

	"filippo.io/edwards25519"
)

// order is ℓ = 2^252 + 27742317777372353535851937790883648493, the order of the
// group that Ed25519's base point makes.
var order, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

// keyOK reports whether a public key may sign: it decodes (signature 1), be the
// encoding canonical or not, and is not of small order (signature 4).
func (n *Network) keyOK(key [32]byte) bool {
	a, err := new(edwards25519.Point).SetBytes(key[:])
	if err != nil {
		return false
	}
	if n.has("canonical keys only") && string(a.Bytes()) != string(key[:]) {
		return false
	}
	// Of small order is what eight times itself is the identity.
	small := new(edwards25519.Point).MultByCofactor(a).Equal(edwards25519.NewIdentityPoint()) == 1
	return !n.breaks("signature 4", small)
}

// verify is transaction.md's list on signatures, but for what keyOK looks at.
func (n *Network) verify(key [32]byte, signature [64]byte, message [32]byte) bool {
	// 1: A and R decode.
	a, errA := new(edwards25519.Point).SetBytes(key[:])
	r, errR := new(edwards25519.Point).SetBytes(signature[:32])
	if errA != nil || errR != nil {
		return false
	}
	if n.has("canonical R only") && string(r.Bytes()) != string(signature[:32]) {
		return false
	}
	// 2: S is below the order.
	var bigEndian, wide [64]byte
	copy(wide[:], signature[32:])
	for i := range wide {
		bigEndian[63-i] = wide[i]
	}
	if n.breaks("signature 2", new(big.Int).SetBytes(bigEndian[:]).Cmp(order) >= 0) {
		return false
	}
	s := scalar(wide[:])
	// 3: [8][S]B = [8]R + [8][k]A, written as [8]([S]B − [k]A − R) = 0.
	k := sha512.Sum512(append(append(append([]byte{}, signature[:32]...), key[:]...), message[:]...))
	minusA := new(edwards25519.Point).Negate(a)
	left := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(scalar(k[:]), minusA, s)
	left.Subtract(left, r)
	if !n.has("without the cofactor") {
		left.MultByCofactor(left)
	}
	return left.Equal(edwards25519.NewIdentityPoint()) == 1
}

// scalar is a number of 64 bytes, little-endian, modulo the order.
func scalar(b []byte) *edwards25519.Scalar {
	s, err := new(edwards25519.Scalar).SetUniformBytes(b)
	if err != nil {
		panic(err) // another length than 64, which no caller has
	}
	return s
}

// VerifySignature reports whether one signature is good by all four rules
// (transaction.md, Signatures).
func VerifySignature(key [32]byte, signature [64]byte, message [32]byte) bool {
	n := &Network{}
	return n.keyOK(key) && n.verify(key, signature, message)
}
