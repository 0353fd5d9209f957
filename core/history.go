package core

import (
	"encoding/binary"
	"math/bits"
)

const maxPeaks = 32 // a block's height has 32 bits

// History commits to every block of a chain: a Merkle mountain range whose
// leaves are (block id, cumulative work) by height. The zero value commits to
// no block.
type History struct {
	count uint32
	// peaks are the roots of the perfect trees, the tallest first; as many are
	// in use as count has ones.
	peaks [maxPeaks]Hash
}

// Count returns the number of blocks in the history.
func (h *History) Count() uint32 { return h.count }

// push appends a block and returns the peaks that the append merged away, the
// tallest first, which pop needs.
func (h *History) push(id Hash, work Work) (merged []Hash) {
	n := bits.OnesCount32(h.count)
	k := bits.TrailingZeros32(^h.count) // trees that merge: the trailing ones
	merged = append(merged, h.peaks[n-k:n]...)
	w := work.Bytes()
	top := taggedHash(tagHLeaf, id[:], w[:])
	for i := k - 1; i >= 0; i-- {
		top = taggedHash(tagHNode, merged[i][:], top[:])
	}
	h.peaks[n-k] = top
	clear(h.peaks[n-k+1:])
	h.count++
	return merged
}

// pop undoes the push that returned merged.
func (h *History) pop(merged []Hash) {
	n := bits.OnesCount32(h.count)
	h.peaks[n-1] = Hash{}
	copy(h.peaks[n-1:], merged)
	h.count--
}

// Root returns SHA-256(tag, count, peaks).
func (h *History) Root() Hash {
	b := h.appendPeaks(nil)
	var count [4]byte
	binary.LittleEndian.PutUint32(count[:], h.count)
	return taggedHash(tagHistory, count[:], b)
}

func (h *History) appendPeaks(b []byte) []byte {
	for i := range bits.OnesCount32(h.count) {
		b = append(b, h.peaks[i][:]...)
	}
	return b
}

// AppendTo appends count and peaks, for storage.
func (h *History) AppendTo(b []byte) []byte {
	return h.appendPeaks(binary.LittleEndian.AppendUint32(b, h.count))
}

// ParseHistory is the inverse of [History.AppendTo].
func ParseHistory(b []byte) (History, error) {
	d := newDecoder(b)
	h := d.history()
	return h, d.End()
}

func (d *decoder) history() (h History) {
	h.count = d.U32()
	for i := range bits.OnesCount32(h.count) {
		h.peaks[i] = d.hash()
	}
	return h
}
