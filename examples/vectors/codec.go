package main

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
)

// reader takes canonical values off the front of b. After the first that is
// not there or not canonical, err is set and what it returns means nothing.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(why string) {
	if r.err == nil {
		r.err = errors.New(why)
	}
	r.b = nil
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail("too short")
		return make([]byte, min(n, 1<<10))
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// uint takes a little-endian integer of so many bytes.
func (r *reader) uint(size int) uint64 {
	var full [8]byte
	copy(full[:], r.take(size))
	return binary.LittleEndian.Uint64(full[:])
}

func (r *reader) hash() (h hash) {
	copy(h[:], r.take(32))
	return h
}

// uvarint takes a minimal uvarint that is at most limit.
func (r *reader) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || n > 1 && r.b[n-1] == 0 || v > limit {
		r.fail("uvarint")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count takes the number of items that have at least size bytes each.
func (r *reader) count(size int) int {
	n := r.uvarint(math.MaxUint64)
	if n > uint64(len(r.b)/size) {
		r.fail("more items than bytes")
		return 0
	}
	return int(n)
}

// end returns the first error, or that bytes are left over.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.fail("bytes left over")
	}
	return r.err
}

// put appends v as a little-endian integer of so many bytes.
func put(b []byte, v uint64, size int) []byte {
	return append(b, binary.LittleEndian.AppendUint64(nil, v)[:size]...)
}

// tagged is H(tag, data).
func tagged(tag string, data ...[]byte) hash {
	b := append([]byte{byte(len(tag))}, tag...)
	for _, d := range data {
		b = append(b, d...)
	}
	return sha256.Sum256(b)
}

type header struct {
	Version uint16
	Height  uint32
	Parent  hash
	Merkle  hash `json:"merkle_root"`
	State   hash
	Time    uint64 `json:",string"`
	Bits    bits
	Nonce   uint32
}

func (r *reader) header() (h header) {
	h.Version, h.Height = uint16(r.uint(2)), uint32(r.uint(4))
	h.Parent, h.Merkle, h.State = r.hash(), r.hash(), r.hash()
	h.Time, h.Bits, h.Nonce = r.uint(8), bits(r.uint(4)), uint32(r.uint(4))
	return h
}

func (h *header) encode() []byte {
	b := put(put(nil, uint64(h.Version), 2), uint64(h.Height), 4)
	b = append(append(append(b, h.Parent[:]...), h.Merkle[:]...), h.State[:]...)
	return put(put(put(b, h.Time, 8), uint64(h.Bits), 4), uint64(h.Nonce), 4)
}

func (h *header) id() hash {
	once := sha256.Sum256(h.encode())
	return sha256.Sum256(once[:])
}

type outpoint struct {
	TxID  hash
	Index uint32
}

type input struct {
	outpoint
	Owner int
}

type output struct {
	Value uint64 `json:",string"`
	Kind  byte
	Hash  hexBytes
}

type witness struct {
	PublicKey hexBytes `json:"public_key"`
	Signature hexBytes
}

type transaction struct {
	Version   uint16
	Inputs    []input
	Outputs   []output
	Fee       uint64 `json:",string"`
	Data      hexBytes
	Witnesses []witness
}

func (r *reader) transaction() (t transaction) {
	t.Version = uint16(r.uint(2))
	owners := 0
	for range r.count(34) {
		in := input{outpoint{r.hash(), uint32(r.uvarint(math.MaxUint32))}, int(r.uvarint(65534))}
		owners = max(owners, in.Owner+1)
		t.Inputs = append(t.Inputs, in)
	}
	for range r.count(29) {
		t.Outputs = append(t.Outputs, output{r.uint(8), byte(r.uint(1)), r.take(20)})
	}
	t.Fee = r.uint(8)
	t.Data = r.take(int(r.uvarint(128)))
	for range owners {
		if r.err != nil {
			break
		}
		t.Witnesses = append(t.Witnesses, witness{r.take(32), r.take(64)})
	}
	return t
}

func (t *transaction) body() []byte {
	b := binary.AppendUvarint(put(nil, uint64(t.Version), 2), uint64(len(t.Inputs)))
	for _, in := range t.Inputs {
		b = binary.AppendUvarint(append(b, in.TxID[:]...), uint64(in.Index))
		b = binary.AppendUvarint(b, uint64(in.Owner))
	}
	b = binary.AppendUvarint(b, uint64(len(t.Outputs)))
	for _, out := range t.Outputs {
		b = append(append(put(b, out.Value, 8), out.Kind), out.Hash...)
	}
	b = binary.AppendUvarint(put(b, t.Fee, 8), uint64(len(t.Data)))
	return append(b, t.Data...)
}

func (t *transaction) witnesses() (b []byte) {
	for _, w := range t.Witnesses {
		b = append(append(b, w.PublicKey...), w.Signature...)
	}
	return b
}

func (t *transaction) encode() []byte { return append(t.body(), t.witnesses()...) }
func (t *transaction) txid() hash     { return tagged("ingchain/tx", t.body()) }
func (t *transaction) wid() hash      { return tagged("ingchain/witness", t.witnesses()) }

func (t *transaction) digest(genesis hash) hash {
	return tagged("ingchain/sign", genesis[:], t.body())
}

func (t *transaction) leaf() hash { return leaf(t.txid(), t.wid()) }

func leaf(txid, wid hash) hash { return sha256.Sum256(join([]byte{0}, txid[:], wid[:])) }

func join(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func merkleRoot(leaves []hash) hash {
	level := append([]hash(nil), leaves...)
	for len(level) > 1 {
		var up []hash
		for i := 0; i+1 < len(level); i += 2 {
			up = append(up, sha256.Sum256(join([]byte{1}, level[i][:], level[i+1][:])))
		}
		if len(level)%2 == 1 {
			up = append(up, level[len(level)-1])
		}
		level = up
	}
	var top hash
	if len(level) == 1 {
		top = level[0]
	}
	return sha256.Sum256(append(put([]byte{2}, uint64(len(leaves)), 4), top[:]...))
}

type block struct {
	header
	txs []transaction
}

func parseBlock(raw []byte) (*block, error) {
	r := &reader{b: raw}
	b := &block{header: r.header()}
	for range r.count(13) {
		if r.err != nil {
			break
		}
		b.txs = append(b.txs, r.transaction())
	}
	return b, r.end()
}

func (b *block) encode() []byte {
	raw := binary.AppendUvarint(b.header.encode(), uint64(len(b.txs)))
	for i := range b.txs {
		raw = append(raw, b.txs[i].encode()...)
	}
	return raw
}

func (b *block) merkleRoot() hash {
	var leaves []hash
	for i := range b.txs {
		leaves = append(leaves, b.txs[i].leaf())
	}
	return merkleRoot(leaves)
}
