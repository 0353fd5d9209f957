package canon_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/ingchain/ingchain/core/canon"
)

var errKind = errors.New("kind")

// FuzzDecoder reads bytes by a list of steps. What was read writes the bytes that
// were read; a failure sticks, wraps its kind, and moves nothing.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6}, []byte("some bytes that are read in steps"))
	f.Add([]byte{4, 4}, []byte{0x80, 0x00, 0xff})
	f.Add([]byte{4}, bytes.Repeat([]byte{0xff}, 11))
	f.Add([]byte{5, 6}, []byte{3, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, steps, in []byte) {
		d := canon.New(in, errKind)
		var again []byte
		le := binary.LittleEndian
		for _, s := range steps {
			failed, off := d.Err(), d.Offset()
			var wrote []byte
			zero := true
			switch n := int(s / 8); s % 8 {
			case 0:
				v := d.U8()
				wrote, zero = []byte{v}, v == 0
			case 1:
				v := d.U16()
				wrote, zero = le.AppendUint16(nil, v), v == 0
			case 2:
				v := d.U32()
				wrote, zero = le.AppendUint32(nil, v), v == 0
			case 3:
				v := d.U64()
				wrote, zero = le.AppendUint64(nil, v), v == 0
			case 4:
				v := d.Uvarint(1 << (2 * n))
				if v > 1<<(2*n) {
					t.Fatalf("integer %d is above %d", v, 1<<(2*n))
				}
				wrote, zero = binary.AppendUvarint(nil, v), v == 0
			case 5:
				v := d.Count("things", 1<<n, 1+n)
				if d.Err() == nil && (v > 1<<n || v*(1+n) > d.Remaining()) {
					t.Fatalf("%d things of %d bytes in %d", v, 1+n, d.Remaining())
				}
				wrote, zero = binary.AppendUvarint(nil, uint64(v)), v == 0
			case 6:
				v := d.Take(n)
				wrote, zero = v, v == nil
				if cap(v) != len(v) {
					t.Fatal("what was taken can be appended to over the rest of the input")
				}
			case 7:
				if d.Fail("on purpose"); d.Err() == nil {
					t.Fatal("a failure is no failure")
				}
			}
			if d.Err() != nil {
				if !errors.Is(d.Err(), errKind) || !zero || d.Offset() < off || failed != nil && (d.Offset() != off || d.Err().Error() != failed.Error()) {
					t.Fatalf("after %v, then %v: value is zero %v, offset %d, was %d", failed, d.Err(), zero, d.Offset(), off)
				}
				continue
			}
			again = append(again, wrote...)
			if d.Offset() != len(again) || d.Offset()+d.Remaining() != len(in) || !bytes.HasPrefix(in, again) {
				t.Fatalf("%x was read as %x", in, again)
			}
		}
		if d.Err() == nil && d.End() == nil != (len(again) == len(in)) {
			t.Fatalf("%d of %d bytes were read: %v", len(again), len(in), d.Err())
		}
	})
}
