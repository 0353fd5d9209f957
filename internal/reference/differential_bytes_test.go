package reference

import (
	"slices"

	"github.com/ingchain/ingchain/core"
)

// alterBytes changes the bytes of a good block, and mines it again if they still
// are a block.
func (w *world) alterBytes(valid *draft) []byte {
	b := valid.encode()
	for range pick(w.c, 1, 1, 2, 4) {
		at := w.c.n(len(b))
		if w.c.percent(40) { // rather near the counts, which stand behind the header
			at = min(core.HeaderSize+w.c.n(20), len(b)-1)
		}
		switch w.c.n(8) {
		case 0, 1:
			b[at] ^= 1 << w.c.n(8)
		case 2:
			b[at] = pick[byte](w.c, 0, 1, 2, 0x7f, 0x80, 0xff)
		case 3:
			b = slices.Insert(b, at, byte(w.c.n(256)))
		case 4:
			b = slices.Delete(b, at, min(at+1+w.c.n(3), len(b)))
		case 5: // a small integer in more bytes than it needs
			b[at] |= 0x80
			b = slices.Insert(b, at+1, pick(w.c, []byte{0}, []byte{0x80, 0}, []byte{1}, []byte{0xff, 0xff, 0xff, 0xff, 0x0f},
				[]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02})...)
		case 6:
			b = b[:at]
		case 7:
			b = append(b, b[:w.c.n(min(len(b), 40))]...)
		}
		if len(b) == 0 {
			return b
		}
	}
	block, err := core.ParseBlock(b)
	if err != nil || w.c.percent(30) {
		return b
	}
	h := block.Header
	h.MerkleRoot = block.MerkleRoot()
	mine(&h)
	return append(h.AppendTo(nil), b[core.HeaderSize:]...)
}

// splice joins a good block with one that was accepted before.
func (w *world) splice(valid *draft) []byte {
	b, other := valid.encode(), w.nodes[w.c.n(len(w.nodes))].bytes
	if w.c.percent(30) {
		return append(b[:w.c.n(len(b))], other[w.c.n(len(other)):]...)
	}
	if w.c.percent(30) {
		return append(other[:core.HeaderSize:core.HeaderSize], b[core.HeaderSize:]...)
	}
	block, err := core.ParseBlock(other)
	if err != nil {
		return other
	}
	d := valid.clone()
	at := 1 // this block's coinbase, or the other's
	if w.c.percent(30) {
		at = 0
	}
	d.txs = d.txs[:min(at, len(d.txs))]
	for i := at; i < len(block.Txs); i++ {
		d.txs = append(d.txs, draftTx{Transaction: block.Txs[i]})
	}
	d.keepReward = w.c.percent(20)
	d.finish()
	return d.encode()
}
