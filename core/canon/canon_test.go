package canon

import (
	"errors"
	"testing"
)

var errKind = errors.New("kind")

func TestFirstFailureSticks(t *testing.T) {
	d := New([]byte{1, 2, 3}, errKind)
	if d.U16() != 0x0201 || d.Offset() != 2 || d.Remaining() != 1 {
		t.Fatal("U16")
	}
	if d.U32() != 0 || !errors.Is(d.Err(), errKind) {
		t.Fatalf("4 bytes of 1: %v", d.Err())
	}
	first := d.Err()
	if d.U8() != 0 || d.Take(1) != nil || d.Uvarint(9) != 0 || d.Count("x", 9, 1) != 0 || !errors.Is(d.End(), first) {
		t.Fatal("reads go on after a failure")
	}
}

func TestIntegersAreMinimalAndBounded(t *testing.T) {
	for _, tc := range []struct {
		in   []byte
		max  uint64
		want uint64
		ok   bool
	}{
		{[]byte{0}, 0, 0, true}, {[]byte{0x7f}, 127, 127, true}, {[]byte{0x80, 1}, 128, 128, true},
		{[]byte{0x80, 1}, 127, 0, false}, {[]byte{0x80, 0}, 9, 0, false}, {[]byte{0x80}, 9, 0, false}, {nil, 9, 0, false},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 1<<64 - 1, 1<<64 - 1, true},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}, 1<<64 - 1, 0, false},
	} {
		d := New(tc.in, errKind)
		if got := d.Uvarint(tc.max); got != tc.want || (d.End() == nil) != tc.ok {
			t.Errorf("%x up to %d: %d, %v", tc.in, tc.max, got, d.Err())
		}
	}
}

func TestCountsFitInTheBytesAtHand(t *testing.T) {
	for _, tc := range []struct {
		n, limit, size int
		ok             bool
	}{{3, 3, 2, true}, {3, 2, 2, false}, {4, 9, 2, false}, {0, 0, 2, true}} {
		d := New(append([]byte{byte(tc.n)}, make([]byte, 6)...), errKind)
		if got := d.Count("things", tc.limit, tc.size); (d.Err() == nil) != tc.ok || tc.ok && got != tc.n {
			t.Errorf("%d of %d bytes in 6, at most %d: %d, %v", tc.n, tc.size, tc.limit, got, d.Err())
		}
	}
}

func TestEndRefusesWhatIsLeft(t *testing.T) {
	d := New([]byte{1}, errKind)
	if err := d.End(); !errors.Is(err, errKind) {
		t.Fatal(err)
	}
}
