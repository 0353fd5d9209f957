package core

import (
	"crypto/sha256"
	"encoding/binary"

	"lukechampine.com/blake3/guts"
)

const (
	// LtHashSize is the size of the accumulator, in bytes.
	LtHashSize = lthashWords * 2

	lthashWords = 1024                // 16-bit counters in the accumulator
	xofBlock    = 16 * guts.BlockSize // bytes that one call of the XOF yields

	// coinContext is the BLAKE3 key-derivation context of coins.
	coinContext = "ingchain 2026-11-20 lthash16 coin v1"
)

// coinKey is the chaining value that BLAKE3's derive_key mode gives for
// coinContext, worked out once.
var coinKey = func() (key [8]uint32) {
	n := guts.CompressChunk([]byte(coinContext), &guts.IV, 0, guts.FlagDeriveKeyContext)
	n.Flags |= guts.FlagRoot
	out := guts.CompressNode(n)
	copy(key[:], out[:8])
	return key
}()

// CoinSet commits to a set of coins in any order: an LtHash16 accumulator
// (Bellare and Micciancio; https://eprint.iacr.org/2019/227), the sum of every
// coin expanded to 1,024 counters of 16 bits by BLAKE3, and the count of coins.
// The zero value is the empty set. Sets of equal coins are equal values.
type CoinSet struct {
	acc   [lthashWords]uint16
	count uint64
}

// Count returns the number of coins in the set.
func (s *CoinSet) Count() uint64 { return s.count }

// Add puts a coin into the set, which must not hold it already.
func (s *CoinSet) Add(c *Coin) {
	var x [LtHashSize]byte
	expandCoin(c, &x)
	for i := range s.acc {
		s.acc[i] += binary.LittleEndian.Uint16(x[2*i:])
	}
	s.count++
}

// Remove takes a coin out of the set, which must hold it.
func (s *CoinSet) Remove(c *Coin) {
	var x [LtHashSize]byte
	expandCoin(c, &x)
	for i := range s.acc {
		s.acc[i] -= binary.LittleEndian.Uint16(x[2*i:])
	}
	s.count--
}

// Hash returns SHA-256 of the accumulator, its counters little-endian.
func (s *CoinSet) Hash() Hash {
	b := s.accBytes()
	return sha256.Sum256(b[:])
}

func (s *CoinSet) accBytes() (b [LtHashSize]byte) {
	for i, w := range s.acc {
		binary.LittleEndian.PutUint16(b[2*i:], w)
	}
	return b
}

// AppendTo appends accumulator and count, for storage.
func (s *CoinSet) AppendTo(b []byte) []byte {
	acc := s.accBytes()
	return binary.LittleEndian.AppendUint64(append(b, acc[:]...), s.count)
}

// ParseCoinSet is the inverse of [CoinSet.AppendTo].
func ParseCoinSet(b []byte) (CoinSet, error) {
	d := newDecoder(b)
	s := d.coinSet()
	return s, d.End()
}

func (d *decoder) coinSet() (s CoinSet) {
	for i := range s.acc {
		s.acc[i] = d.U16()
	}
	s.count = d.U64()
	return s
}

// expandCoin is BLAKE3 in derive_key mode with an output of 2,048 bytes.
func expandCoin(c *Coin, out *[LtHashSize]byte) {
	enc := c.Encode()
	n := guts.CompressChunk(enc[:], &coinKey, 0, guts.FlagDeriveKeyMaterial)
	n.Flags |= guts.FlagRoot
	for i := 0; i < LtHashSize/xofBlock; i++ {
		n.Counter = uint64(i) * (xofBlock / guts.BlockSize)
		guts.CompressBlocks((*[xofBlock]byte)(out[i*xofBlock:]), n)
	}
}
