package core

import (
	"encoding/binary"
	"math/bits"
	"testing"
)

// rangeTop is the root of a perfect tree over leaves, which are 2^n.
func rangeTop(leaves []Hash) Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	left, right := rangeTop(leaves[:len(leaves)/2]), rangeTop(leaves[len(leaves)/2:])
	return taggedHash(tagHNode, left[:], right[:])
}

// Every history is the one that its leaves make top down, and every push is
// undone by its pop.
func FuzzHistory(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, byte(3))
	f.Add([]byte{}, byte(0))
	f.Fuzz(func(t *testing.T, ids []byte, popped byte) {
		ids = ids[:min(len(ids), 100)]
		var h History
		var before []History
		var merged [][]Hash
		var leaves []Hash
		push := func(i int, id byte) {
			before = append(before, h)
			work := WorkFromBytes([WorkSize]byte{31: id, 30: byte(i)})
			merged = append(merged, h.push(Hash{id}, work))
			w, block := work.Bytes(), Hash{id}
			leaves = append(leaves, taggedHash(tagHLeaf, block[:], w[:]))
		}
		for i, id := range ids {
			push(i, id)
		}
		for n := int(popped); n > 0 && len(leaves) > 0; n-- {
			last := len(leaves) - 1
			h.pop(merged[last])
			if h != before[last] {
				t.Fatalf("popping block %d does not undo pushing it", last)
			}
			before, merged, leaves = before[:last], merged[:last], leaves[:last]
		}
		push(7, 7) // goes on as if nothing had been
		var peaks []byte
		for rest := leaves; len(rest) > 0; {
			n := 1 << (bits.Len(uint(len(rest))) - 1)
			top := rangeTop(rest[:n])
			peaks, rest = append(peaks, top[:]...), rest[n:]
		}
		count := binary.LittleEndian.AppendUint32(nil, uint32(len(leaves)))
		if want := taggedHash(tagHistory, count, peaks); h.Root() != want || h.Count() != uint32(len(leaves)) {
			t.Fatalf("%d blocks: root %s, want %s", len(leaves), h.Root(), want)
		}
		if back, err := ParseHistory(h.AppendTo(nil)); err != nil || back != h {
			t.Fatalf("read again it differs: %v", err)
		}
	})
}
