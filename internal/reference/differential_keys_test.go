package reference

import (
	"crypto/sha512"

	"filippo.io/edwards25519"
	"github.com/ingchain/ingchain/core"
)

// signer is a key pair of the generator's. It signs by hand, so that it can make
// the odd signatures that the predicate must accept.
type signer struct {
	secret  *edwards25519.Scalar
	public  [32]byte
	address core.Address
}

const signerCount = 8

var (
	signers   [signerCount]signer
	ownerOf   = map[core.Address]int{}
	torsion   []*edwards25519.Point // the eight points of small order
	smallKeys [][32]byte            // every encoding of those, canonical or not
	oddKeys   [][32]byte            // encodings that are not canonical, of points that are not small
	noKeys    [][32]byte            // encodings of no point
)

func init() {
	makeTorsion()
	for i := range signers {
		h := sha512.Sum512([]byte{'k', 'e', 'y', byte(i)})
		s := &signers[i]
		s.secret = scalar(h[:])
		a := new(edwards25519.Point).ScalarBaseMult(s.secret)
		if i == 0 { // outside of the prime-order group, and can sign under the cofactor all the same
			a.Add(a, torsion[1])
		}
		copy(s.public[:], a.Bytes())
		s.address = core.AddressOf(s.public)
		ownerOf[s.address] = i
	}
}

// makeTorsion fills in the odd points. A point of order 8 is what is left of a
// point when the prime order is multiplied out.
func makeTorsion() {
	minusOne := new(edwards25519.Scalar).Negate(scalar(append([]byte{1}, make([]byte, 63)...)))
	for y := byte(2); ; y++ {
		p, err := new(edwards25519.Point).SetBytes(append([]byte{y}, make([]byte, 31)...))
		if err != nil {
			noKeys = append(noKeys, [32]byte{y})
			continue
		}
		t := new(edwards25519.Point).ScalarMult(minusOne, p) // (ℓ−1)·p
		t.Add(t, p)                                          // ℓ·p
		four := new(edwards25519.Point).Add(t, t)
		four.Add(four, four)
		if four.Equal(edwards25519.NewIdentityPoint()) == 1 {
			continue // of order 4 or less
		}
		sum := edwards25519.NewIdentityPoint()
		for range 8 {
			torsion = append(torsion, new(edwards25519.Point).Set(sum))
			sum.Add(sum, t)
		}
		break
	}
	for _, t := range torsion {
		smallKeys = append(smallKeys, [32]byte(t.Bytes()))
	}
	for y := range byte(19) { // 2^255 − 19 + y fits 255 bits
		for _, sign := range []byte{0, 0x80} {
			odd := [32]byte{0xed + y}
			for i := 1; i < 31; i++ {
				odd[i] = 0xff
			}
			odd[31] = 0x7f | sign
			p, err := new(edwards25519.Point).SetBytes(odd[:])
			switch {
			case err != nil:
				noKeys = append(noKeys, odd)
			case new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1:
				smallKeys = append(smallKeys, odd)
			default:
				oddKeys = append(oddKeys, odd)
			}
		}
	}
	for _, y := range []byte{1, 0xec} { // x = 0 with a sign
		odd := [32]byte{y}
		if y != 1 {
			for i := 1; i < 32; i++ {
				odd[i] = 0xff
			}
		}
		odd[31] |= 0x80
		smallKeys = append(smallKeys, odd)
	}
}

// sign signs a message. A style other than 0 makes a signature that only a
// predicate without the cofactor, or one that wants canonical points, refuses.
func (s *signer) sign(message [32]byte, style int) (sig [64]byte) {
	h := sha512.Sum512(append(s.secret.Bytes(), message[:]...))
	nonce := scalar(h[:])
	r := new(edwards25519.Point).ScalarBaseMult(nonce)
	switch style {
	case 1:
		r.Add(r, torsion[1+int(message[0])%7])
	case 2: // R is a small point, perhaps with an encoding that is not canonical
		nonce = edwards25519.NewScalar()
	}
	copy(sig[:], r.Bytes())
	if style == 2 {
		small := smallKeys[int(message[0])%len(smallKeys)]
		copy(sig[:], small[:])
	}
	k := sha512.Sum512(append(append(append([]byte{}, sig[:32]...), s.public[:]...), message[:]...))
	copy(sig[32:], new(edwards25519.Scalar).MultiplyAdd(scalar(k[:]), s.secret, nonce).Bytes())
	return sig
}

// addOrder adds the group's order to a signature's S, which names the same
// scalar.
func addOrder(sig *[64]byte) {
	const order = "\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10"
	carry := 0
	for i := range 32 {
		carry += int(sig[32+i]) + int(order[i])
		sig[32+i] = byte(carry)
		carry >>= 8
	}
}
