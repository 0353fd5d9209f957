package index

import (
	"encoding/binary"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// schema is the version of the table in the package comment. A store of another
// is built anew.
const schema uint32 = 1

// Prefixes of keys, see the package comment.
const (
	prefixMeta    = 'm'
	prefixBlock   = 'h'
	prefixUndo    = 'd'
	prefixTx      = 't'
	prefixTxAt    = 'x'
	prefixOutput  = 'o'
	prefixSpender = 's'
	prefixHistory = 'a'
	prefixUnspent = 'u'
	prefixTotals  = 'b'
)

const (
	addressLen = 1 + core.AddressHashSize
	placeLen   = 4 + 3        // height, position
	outLen     = placeLen + 3 // and output index

	// maxU24 is the greatest position or index that a key can name. No network
	// allows a block more than 2^18 inputs and outputs together.
	maxU24 = 1<<24 - 1
)

var (
	keySchema  = append([]byte{prefixMeta}, "schema"...)
	keyGenesis = append([]byte{prefixMeta}, "genesis"...)
	keyTip     = append([]byte{prefixMeta}, "tip"...)
)

// place is where a transaction stands.
type place struct{ height, pos uint32 }

// outPlace is where an output stands.
type outPlace struct {
	place
	index uint32
}

// output is what a transaction pays to one address.
type output struct {
	value   core.Amount
	address core.Address
}

func appendU24(b []byte, v uint32) []byte {
	return append(b, byte(v>>16), byte(v>>8), byte(v))
}

func u24(b []byte) uint32 {
	return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
}

func appendPlace(b []byte, p place) []byte {
	return appendU24(binary.BigEndian.AppendUint32(b, p.height), p.pos)
}

// readPlace reads placeLen bytes.
func readPlace(b []byte) place {
	return place{height: binary.BigEndian.Uint32(b), pos: u24(b[4:])}
}

func appendOutPlace(b []byte, p outPlace) []byte {
	return appendU24(appendPlace(b, p.place), p.index)
}

// readOutPlace reads outLen bytes.
func readOutPlace(b []byte) outPlace {
	return outPlace{place: readPlace(b), index: u24(b[placeLen:])}
}

func appendAddress(b []byte, a *core.Address) []byte {
	return append(append(b, a.Kind), a.Hash[:]...)
}

// readAddress reads addressLen bytes.
func readAddress(b []byte) core.Address {
	return core.Address{Kind: b[0], Hash: [core.AddressHashSize]byte(b[1:addressLen])}
}

func heightKey(b []byte, prefix byte, height uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, prefix), height)
}

func txKey(b []byte, id *core.Hash) []byte {
	return append(append(b, prefixTx), id[:]...)
}

func txAtKey(b []byte, p place) []byte {
	return appendPlace(append(b, prefixTxAt), p)
}

// outKey is that of an output or, with prefixSpender, of its spender.
func outKey(b []byte, prefix byte, p outPlace) []byte {
	return appendOutPlace(append(b, prefix), p)
}

func addressKey(b []byte, prefix byte, a *core.Address) []byte {
	return appendAddress(append(b, prefix), a)
}

func historyKey(b []byte, a *core.Address, p place) []byte {
	return appendPlace(addressKey(b, prefixHistory, a), p)
}

func unspentKey(b []byte, a *core.Address, p outPlace) []byte {
	return appendOutPlace(addressKey(b, prefixUnspent, a), p)
}

// behind returns the first key behind all that begin with prefix, whose last
// bytes must not all be 0xff: ours begin with a letter.
func behind(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

func tipValue(t Tip) []byte {
	return append(binary.BigEndian.AppendUint32(nil, t.Height), t.ID[:]...)
}

func parseTip(b []byte) (Tip, error) {
	if len(b) != 4+core.HashSize {
		return Tip{}, damagedf("tip of %d bytes", len(b))
	}
	return Tip{Height: binary.BigEndian.Uint32(b), ID: core.Hash(b[4:])}, nil
}

func parsePlace(b []byte) (place, error) {
	if len(b) != placeLen {
		return place{}, damagedf("place of %d bytes", len(b))
	}
	return readPlace(b), nil
}

func parseHash(b []byte) (core.Hash, error) {
	if len(b) != core.HashSize {
		return core.Hash{}, damagedf("hash of %d bytes", len(b))
	}
	return core.Hash(b), nil
}

func appendOutput(b []byte, o *output) []byte {
	return binary.AppendUvarint(appendAddress(b, &o.address), uint64(o.value))
}

func parseOutput(b []byte) (o output, err error) {
	if len(b) < addressLen {
		return o, damagedf("output of %d bytes", len(b))
	}
	var v [1]uint64
	o.address = readAddress(b)
	err = uvarints(b[addressLen:], v[:])
	o.value = core.Amount(v[0])
	return o, err
}

// spending is the input that spends an output.
type spending struct {
	place
	input uint32
}

func appendSpending(b []byte, s spending) []byte {
	return appendU24(appendPlace(b, s.place), s.input)
}

func parseSpending(b []byte) (spending, error) {
	if len(b) != placeLen+3 {
		return spending{}, damagedf("spender of %d bytes", len(b))
	}
	return spending{place: readPlace(b), input: u24(b[placeLen:])}, nil
}

// uvarints reads exactly as many integers as values has room for.
func uvarints(b []byte, values []uint64) error {
	for i := range values {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return damagedf("integer %d of a row is cut short", i)
		}
		values[i], b = v, b[n:]
	}
	if len(b) > 0 {
		return damagedf("%d bytes behind a row", len(b))
	}
	return nil
}

// totals sum up an address.
type totals struct {
	// balance counts unspent outputs, immature ones included, in grains.
	balance uint64
	// received is modulo 2^64: coins that go in circles may exceed it.
	received uint64
	// txs touch the address; outputs paid to it, unspent of which are left.
	txs, outputs, unspent uint64
}

func appendTotals(b []byte, t *totals) []byte {
	for _, v := range [...]uint64{t.balance, t.received, t.txs, t.outputs, t.unspent} {
		b = binary.AppendUvarint(b, v)
	}
	return b
}

func parseTotals(b []byte) (totals, error) {
	var v [5]uint64
	err := uvarints(b, v[:])
	return totals{balance: v[0], received: v[1], txs: v[2], outputs: v[3], unspent: v[4]}, err
}

func damagedf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}
