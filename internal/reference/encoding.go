package reference

import (
	"bytes"
	"crypto/sha256"
)

// tagged is H(tag, data…) of the README's conventions.
func tagged(tag string, data ...[]byte) [32]byte {
	all := append([]byte{byte(len(tag))}, tag...)
	for _, d := range data {
		all = append(all, d...)
	}
	return sha256.Sum256(all)
}

// reader takes values off the front of some bytes. It does not ask whether they
// were written in the canonical way: that shows when they are written again.
type reader struct {
	rest  []byte
	short bool // there were fewer bytes than asked for, or a number too large
}

func (r *reader) take(count uint64) []byte {
	if uint64(len(r.rest)) < count {
		r.short, r.rest = true, nil
		return nil
	}
	taken := r.rest[:count]
	r.rest = r.rest[count:]
	return taken
}

// fixed reads a little-endian integer of so many bytes.
func (r *reader) fixed(size uint64) uint64 {
	var v uint64
	for i, b := range r.take(size) {
		v += uint64(b) << (8 * i)
	}
	return v
}

// uvarint reads seven bits a byte, the lowest first. Nothing that is counted or
// numbered in a block comes near 2^56, so more than eight bytes are refused.
func (r *reader) uvarint() uint64 {
	var v uint64
	for i := range 8 {
		b := r.fixed(1)
		v += (b & 0x7f) << (7 * i)
		if b < 0x80 {
			return v
		}
	}
	r.short = true
	return 0
}

// writeFixed appends an integer as so many bytes, little-endian.
func writeFixed(to []byte, v uint64, size int) []byte {
	for range size {
		to = append(to, byte(v))
		v >>= 8
	}
	return to
}

// writeUvarint appends the shortest uvarint of v.
func writeUvarint(to []byte, v uint64) []byte {
	for v >= 0x80 {
		to = append(to, byte(v)|0x80)
		v >>= 7
	}
	return append(to, byte(v))
}

// header is block.md's, field by field.
type header struct {
	version    uint16
	height     uint32
	parent     [32]byte
	merkleRoot [32]byte
	state      [32]byte
	time       uint64
	bits       uint32
	nonce      uint32
}

const headerSize = 118

func parseHeader(b []byte) (header, bool) {
	var h header
	r := reader{rest: b}
	h.version = uint16(r.fixed(2))
	h.height = uint32(r.fixed(4))
	copy(h.parent[:], r.take(32))
	copy(h.merkleRoot[:], r.take(32))
	copy(h.state[:], r.take(32))
	h.time = r.fixed(8)
	h.bits = uint32(r.fixed(4))
	h.nonce = uint32(r.fixed(4))
	return h, !r.short && len(r.rest) == 0
}

func (h header) encode() []byte {
	b := writeFixed(nil, uint64(h.version), 2)
	b = writeFixed(b, uint64(h.height), 4)
	b = append(b, h.parent[:]...)
	b = append(b, h.merkleRoot[:]...)
	b = append(b, h.state[:]...)
	b = writeFixed(b, h.time, 8)
	b = writeFixed(b, uint64(h.bits), 4)
	return writeFixed(b, uint64(h.nonce), 4)
}

// id is SHA-256 twice.
func (h header) id() [32]byte {
	once := sha256.Sum256(h.encode())
	return sha256.Sum256(once[:])
}

// outpoint names a coin: the output of so much index of the transaction txid.
type outpoint struct {
	txid  [32]byte
	index uint32
}

type input struct {
	coin  outpoint
	owner uint64
}

type output struct {
	value uint64
	kind  byte
	hash  [20]byte
}

type witness struct {
	key       [32]byte
	signature [64]byte
}

// transaction is transaction.md's, field by field.
type transaction struct {
	version   uint16
	inputs    []input
	outputs   []output
	fee       uint64
	data      []byte
	witnesses []witness
}

func (n *Network) readTransaction(r *reader) transaction {
	var t transaction
	t.version = uint16(r.fixed(2))
	owners := uint64(0)
	for count := r.uvarint(); count > 0 && !r.short; count-- {
		var in input
		copy(in.coin.txid[:], r.take(32))
		index := r.uvarint()
		in.owner = r.uvarint()
		if index > 0xffff_ffff || in.owner > 65_534 {
			r.short = true
		}
		in.coin.index = uint32(index)
		owners = max(owners, in.owner+1)
		t.inputs = append(t.inputs, in)
	}
	for count := r.uvarint(); count > 0 && !r.short; count-- {
		var out output
		out.value = r.fixed(8)
		out.kind = byte(r.fixed(1))
		copy(out.hash[:], r.take(20))
		t.outputs = append(t.outputs, out)
	}
	t.fee = r.fixed(8)
	size := r.uvarint()
	if n.breaks("encoding data", size > 128) {
		r.short = true
	}
	t.data = r.take(size)
	for ; owners > 0 && !r.short; owners-- {
		var w witness
		copy(w.key[:], r.take(32))
		copy(w.signature[:], r.take(64))
		t.witnesses = append(t.witnesses, w)
	}
	return t
}

func (t transaction) body() []byte {
	b := writeFixed(nil, uint64(t.version), 2)
	b = writeUvarint(b, uint64(len(t.inputs)))
	for _, in := range t.inputs {
		b = append(b, in.coin.txid[:]...)
		b = writeUvarint(b, uint64(in.coin.index))
		b = writeUvarint(b, in.owner)
	}
	b = writeUvarint(b, uint64(len(t.outputs)))
	for _, out := range t.outputs {
		b = writeFixed(b, out.value, 8)
		b = append(b, out.kind)
		b = append(b, out.hash[:]...)
	}
	b = writeFixed(b, t.fee, 8)
	b = writeUvarint(b, uint64(len(t.data)))
	return append(b, t.data...)
}

func (t transaction) witnessBytes() []byte {
	var b []byte
	for _, w := range t.witnesses {
		b = append(b, w.key[:]...)
		b = append(b, w.signature[:]...)
	}
	return b
}

func (t transaction) encode() []byte   { return append(t.body(), t.witnessBytes()...) }
func (t transaction) txid() [32]byte   { return tagged("ingchain/tx", t.body()) }
func (t transaction) wid() [32]byte    { return tagged("ingchain/witness", t.witnessBytes()) }
func (t transaction) isCoinbase() bool { return len(t.inputs) == 0 }

// block is a header and its transactions.
type block struct {
	header header
	txs    []transaction
	size   int // of the bytes that it was read from
}

func (b block) encode() []byte {
	all := writeUvarint(b.header.encode(), uint64(len(b.txs)))
	for _, t := range b.txs {
		all = append(all, t.encode()...)
	}
	return all
}

// maxTransactions is how many transactions of a block parse, on every network
// (block.md, Block).
const maxTransactions = 131_073

// parseBlock reads a block. What does not write back to the same bytes is not
// canonical.
func (n *Network) parseBlock(b []byte) (block, bool) {
	if len(b) < headerSize {
		return block{}, false
	}
	h, _ := parseHeader(b[:headerSize])
	parsed := block{header: h, size: len(b)}
	r := reader{rest: b[headerSize:]}
	count := r.uvarint()
	if count > maxTransactions {
		return block{}, false
	}
	for ; count > 0 && !r.short; count-- {
		parsed.txs = append(parsed.txs, n.readTransaction(&r))
	}
	if r.short || n.breaks("encoding canonical", !bytes.Equal(parsed.encode(), b)) {
		return block{}, false
	}
	return parsed, true
}

// merkleRoot is block.md's, over the transactions of a block.
func (n *Network) merkleRoot(txs []transaction) [32]byte {
	var leaves [][32]byte
	for _, t := range txs {
		wid := t.wid()
		if n.has("leaf without witness") {
			wid = [32]byte{}
		}
		leaves = append(leaves, merkleLeaf(t.txid(), wid))
	}
	return rootOf(leaves)
}

func merkleLeaf(txid, wid [32]byte) [32]byte {
	return sha256.Sum256(append(append([]byte{0}, txid[:]...), wid[:]...))
}

func rootOf(leaves [][32]byte) [32]byte {
	level := leaves
	for len(level) > 1 {
		var above [][32]byte
		for i := 0; i < len(level); i += 2 {
			if i+1 == len(level) { // an odd one goes up alone
				above = append(above, level[i])
				continue
			}
			above = append(above, sha256.Sum256(append(append([]byte{1}, level[i][:]...), level[i+1][:]...)))
		}
		level = above
	}
	var top [32]byte // of none: zeros
	if len(level) == 1 {
		top = level[0]
	}
	root := writeFixed([]byte{2}, uint64(len(leaves)), 4)
	return sha256.Sum256(append(root, top[:]...))
}
