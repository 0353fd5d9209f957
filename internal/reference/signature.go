package reference

import (
	"crypto/sha512"
	"math/big"

	"filippo.io/edwards25519"
)

// order is ℓ = 2^252 + 27742317777372353535851937790883648493, the order of the
// group that Ed25519's base point makes.
var order, _ = new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)

// checkSignatures is transaction.md 11 for one transaction: the witnesses in
// order, all over the signing digest.
func (n *Network) checkSignatures(t transaction) string {
	digest := tagged("ingchain/sign", n.genesisID[:], t.body())
	for _, w := range t.witnesses {
		if code := n.verify(w.key, w.signature, digest); code != "" {
			return code
		}
	}
	return ""
}

// verify is transaction.md's four rules on signatures.
func (n *Network) verify(key [32]byte, signature [64]byte, message [32]byte) string {
	// 1: A decodes, be the encoding canonical or not.
	a, err := new(edwards25519.Point).SetBytes(key[:])
	if err != nil {
		return "tx-key"
	}
	identity := edwards25519.NewIdentityPoint()
	// 4: A is not of small order, that is, [8]A is not the identity.
	small := new(edwards25519.Point).MultByCofactor(a).Equal(identity) == 1
	if n.breaks("signature 4", small) {
		return "tx-key"
	}
	if n.has("canonical keys only") && string(a.Bytes()) != string(key[:]) {
		return "tx-key"
	}
	// 1: so does R.
	r, err := new(edwards25519.Point).SetBytes(signature[:32])
	if err != nil {
		return "tx-signature"
	}
	// 2: S is below ℓ.
	var bigEndian, wide [64]byte
	copy(wide[:], signature[32:])
	for i := range wide {
		bigEndian[63-i] = wide[i]
	}
	if n.breaks("signature 2", new(big.Int).SetBytes(bigEndian[:]).Cmp(order) >= 0) {
		return "tx-signature"
	}
	s, err := new(edwards25519.Scalar).SetUniformBytes(wide[:])
	if err != nil {
		return "tx-signature"
	}
	// 3: [8][S]B = [8]R + [8][k]A, written as [8]([S]B − [k]A − R) = 0.
	hash := sha512.New()
	hash.Write(signature[:32])
	hash.Write(key[:])
	hash.Write(message[:])
	k, err := new(edwards25519.Scalar).SetUniformBytes(hash.Sum(nil))
	if err != nil {
		return "tx-signature"
	}
	minusA := new(edwards25519.Point).Negate(a)
	left := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(k, minusA, s)
	left.Subtract(left, r)
	if !n.has("without the cofactor") {
		left.MultByCofactor(left)
	}
	if n.breaks("signature 3", left.Equal(identity) != 1) {
		return "tx-signature"
	}
	return ""
}

// VerifySignature says what the rules on signatures make of one: "", "tx-key" or
// "tx-signature" (transaction.md).
func VerifySignature(key [32]byte, signature [64]byte, message [32]byte) string {
	return (&Network{}).verify(key, signature, message)
}
