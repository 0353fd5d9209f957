package pebbledb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// schema is the version of the table in the package comment.
const schema uint32 = 1

// Prefixes of keys, see the package comment.
const (
	prefixMeta    = 'm'
	prefixHeader  = 'h'
	prefixBody    = 'b'
	prefixUndo    = 'u'
	prefixIndex   = 'i'
	prefixCoin    = 'c'
	prefixVerdict = 'v'
	prefixWaiting = 'w'
)

const (
	crcSize     = 4 // bytes
	outpointLen = core.HashSize + 4
)

var (
	keySchema  = []byte{prefixMeta, 's', 'c', 'h', 'e', 'm', 'a'}
	keyGenesis = append([]byte{prefixMeta}, "genesis"...)
	keyFlushed = append([]byte{prefixMeta}, "flushed"...)
	keyTips    = append([]byte{prefixMeta}, "tips"...)
	keyReindex = append([]byte{prefixMeta}, "reindex"...)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers the key too, so that no value passes for another's.
func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

// unseal checks the checksum and returns the value without it.
func unseal(key, sealed []byte) ([]byte, error) {
	n := len(sealed) - crcSize
	if n < 0 {
		return nil, fmt.Errorf("%w: value of %q is cut short", chain.ErrCorrupt, key)
	}
	if binary.LittleEndian.Uint32(sealed[n:]) != checksum(key, sealed[:n]) {
		return nil, fmt.Errorf("%w: checksum of the value of %q is wrong", chain.ErrCorrupt, key)
	}
	return sealed[:n:n], nil
}

func headerKey(id core.Hash) []byte  { return append([]byte{prefixHeader}, id[:]...) }
func verdictKey(id core.Hash) []byte { return append([]byte{prefixVerdict}, id[:]...) }

func indexKey(height uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{prefixIndex}, height)
}

func parseIndexKey(key []byte) (height uint32, err error) {
	if len(key) != 1+4 {
		return 0, fmt.Errorf("%w: index key of %d bytes", chain.ErrCorrupt, len(key))
	}
	return binary.BigEndian.Uint32(key[1:]), nil
}

func blockKey(prefix byte, height uint32, id core.Hash) []byte {
	k := make([]byte, 0, 1+4+core.HashSize)
	k = binary.BigEndian.AppendUint32(append(k, prefix), height)
	return append(k, id[:]...)
}

func parseBlockKey(key []byte) (chain.BodyKey, error) {
	if len(key) != 1+4+core.HashSize {
		return chain.BodyKey{}, fmt.Errorf("%w: key of %d bytes", chain.ErrCorrupt, len(key))
	}
	return chain.BodyKey{Height: binary.BigEndian.Uint32(key[1:]), ID: core.Hash(key[5:])}, nil
}

func coinKey(op core.Outpoint) []byte {
	return appendCoinKey(make([]byte, 0, 1+outpointLen), op)
}

func appendCoinKey(k []byte, op core.Outpoint) []byte {
	k = append(append(k, prefixCoin), op.TxID[:]...)
	return binary.BigEndian.AppendUint32(k, op.Index)
}

// coinValue is the coin's encoding without its outpoint.
func coinValue(c *core.Coin) []byte {
	e := c.Encode()
	return append(make([]byte, 0, len(e)), e[outpointLen:]...)
}

func parseCoin(key, value []byte) (core.Coin, error) {
	if len(key) != 1+outpointLen {
		return core.Coin{}, fmt.Errorf("%w: coin key of %d bytes", chain.ErrCorrupt, len(key))
	}
	b := make([]byte, 0, core.CoinSize)
	b = append(b, key[1:1+core.HashSize]...)
	b = binary.LittleEndian.AppendUint32(b, binary.BigEndian.Uint32(key[1+core.HashSize:]))
	c, err := core.ParseCoin(append(b, value...))
	if err != nil {
		return c, fmt.Errorf("%w: coin: %w", chain.ErrCorrupt, err)
	}
	return c, nil
}

func waitingKey(k chain.Kin) []byte {
	b := append([]byte{prefixWaiting}, k.Parent[:]...)
	return append(b, k.Child[:]...)
}

func parseWaitingKey(key []byte) (chain.Kin, error) {
	if len(key) != 1+2*core.HashSize {
		return chain.Kin{}, fmt.Errorf("%w: key of %d bytes", chain.ErrCorrupt, len(key))
	}
	return chain.Kin{Parent: core.Hash(key[1 : 1+core.HashSize]), Child: core.Hash(key[1+core.HashSize:])}, nil
}

// verdictValue is: revision u32, height u32, sequence u64, operator u8, length
// of the code u8, code, detail.
func verdictValue(v *chain.Verdict) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, v.Revision)
	b = le.AppendUint32(b, v.Height)
	b = le.AppendUint64(b, v.Seq)
	op := byte(0)
	if v.Operator {
		op = 1
	}
	b = append(b, op, byte(len(v.Code)))
	b = append(b, v.Code...)
	return append(b, v.Detail...)
}

var errVerdict = errors.New("malformed verdict")

func parseVerdict(key, b []byte) (*chain.Verdict, error) {
	const fixed = 4 + 4 + 8 + 1 + 1
	if len(key) != 1+core.HashSize || len(b) < fixed || len(b) < fixed+int(b[fixed-1]) {
		return nil, fmt.Errorf("%w: %w", chain.ErrCorrupt, errVerdict)
	}
	le := binary.LittleEndian
	v := &chain.Verdict{
		ID: core.Hash(key[1:]), Revision: le.Uint32(b), Height: le.Uint32(b[4:]),
		Seq: le.Uint64(b[8:]), Operator: b[16] != 0,
	}
	end := fixed + int(b[fixed-1])
	v.Code, v.Detail = core.Code(b[fixed:end]), string(b[end:])
	return v, nil
}
