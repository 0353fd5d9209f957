package core

import "encoding/binary"

// CoinSize is the size of an encoded coin, in bytes.
const CoinSize = HashSize + 4 + 8 + 4 + 1 + 1 + AddressHashSize

// Coin is an unspent output and where it came from.
type Coin struct {
	Outpoint
	Value Amount
	// Height is that of the block which made the coin.
	Height uint32
	// Coinbase tells a minted coin, which must mature first.
	Coinbase bool
	Address  Address
}

// UTXOs holds coins by outpoint: those that a block needs from the state after
// its parent, fetched before the block is judged.
type UTXOs map[Outpoint]Coin

// Encode returns the bytes that the coin-set commitment hashes: txid, index,
// value, height, coinbase flag, kind, hash.
func (c *Coin) Encode() [CoinSize]byte {
	var b [CoinSize]byte
	le := binary.LittleEndian
	copy(b[0:], c.TxID[:])
	le.PutUint32(b[32:], c.Index)
	le.PutUint64(b[36:], uint64(c.Value))
	le.PutUint32(b[44:], c.Height)
	if c.Coinbase {
		b[48] = 1
	}
	b[49] = c.Address.Kind
	copy(b[50:], c.Address.Hash[:])
	return b
}

// ParseCoin reads exactly [CoinSize] bytes.
func ParseCoin(b []byte) (Coin, error) {
	d := newDecoder(b)
	c := d.coin()
	return c, d.End()
}

func (d *decoder) coin() (c Coin) {
	c.TxID = d.hash()
	c.Index = d.U32()
	c.Value = Amount(d.U64())
	c.Height = d.U32()
	switch flag := d.U8(); flag {
	case 0:
	case 1:
		c.Coinbase = true
	default:
		d.Fail("coinbase flag %d", flag)
	}
	c.Address.Kind = d.U8()
	copy(c.Address.Hash[:], d.Take(AddressHashSize))
	return c
}
