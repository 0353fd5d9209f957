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
	d.Fail("later")
	if d.U8() != 0 || d.U16() != 0 || d.U32() != 0 || d.U64() != 0 || d.Take(1) != nil || d.Uvarint(9) != 0 || d.Count("x", 9, 1) != 0 {
		t.Error("reads go on after a failure")
	}
	if !errors.Is(d.End(), first) || !errors.Is(d.Err(), first) || d.Offset() != 2 {
		t.Errorf("%v at %d takes the place of %v", d.Err(), d.Offset(), first)
	}
	if want := "kind: byte 2: need 4 bytes, have 1"; first.Error() != want {
		t.Errorf("%q, want %q", first, want)
	}
}

// What cannot be read leaves nothing behind but the error.
func TestFailuresReadNothing(t *testing.T) {
	for name, read := range map[string]func(*Decoder) uint64{
		"8 bits":             func(d *Decoder) uint64 { d.Take(2); return uint64(d.U8()) },
		"16 bits":            func(d *Decoder) uint64 { d.Take(1); return uint64(d.U16()) },
		"32 bits":            func(d *Decoder) uint64 { return uint64(d.U32()) },
		"64 bits":            func(d *Decoder) uint64 { return d.U64() },
		"above the maximum":  func(d *Decoder) uint64 { return d.Uvarint(4) },
		"unfinished":         func(d *Decoder) uint64 { d.Take(1); return d.Uvarint(1 << 20) },
		"more than allowed":  func(d *Decoder) uint64 { return uint64(d.Count("things", 4, 1)) },
		"more than there is": func(d *Decoder) uint64 { return uint64(d.Count("things", 5, 1)) },
	} {
		d := New([]byte{5, 0x81}, errKind)
		if got := read(&d); got != 0 || !errors.Is(d.Err(), errKind) {
			t.Errorf("%s: %d, %v", name, got, d.Err())
		}
	}
}

func TestReading(t *testing.T) {
	d := New([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 0x96, 1}, errKind)
	if d.U8() != 1 || d.U16() != 0x0302 || d.U32() != 0x07060504 || d.U64() != 0x0f0e0d0c0b0a0908 {
		t.Error("integers of fixed width are little-endian")
	}
	if b := d.Take(2); len(b) != 2 || cap(b) != 2 || b[0] != 16 || b[1] != 17 {
		t.Errorf("Take(2) = %v of capacity %d", b, cap(b))
	}
	if d.Remaining() != 2 || d.Uvarint(150) != 150 || d.Remaining() != 0 || d.End() != nil {
		t.Errorf("%d bytes left, %v", d.Remaining(), d.Err())
	}
}

func TestUvarint(t *testing.T) {
	for _, tc := range []struct {
		in   []byte
		v    uint64
		size int
		err  error
	}{
		{[]byte{0}, 0, 1, nil}, {[]byte{1, 9}, 1, 1, nil}, {[]byte{0x80, 1, 9}, 128, 2, nil},
		{nil, 0, 0, ErrVarintShort}, {[]byte{0x80}, 0, 0, ErrVarintShort},
		{[]byte{0x80, 0}, 0, 0, ErrVarintPadding}, {[]byte{0xff, 0x80, 0}, 0, 0, ErrVarintPadding},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}, 0, 0, ErrVarintLong},
		{[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 0, 0, ErrVarintLong},
	} {
		v, size, err := Uvarint(tc.in)
		if v != tc.v || size != tc.size || !errors.Is(err, tc.err) {
			t.Errorf("%x: %d in %d bytes, %v; want %d in %d, %v", tc.in, v, size, err, tc.v, tc.size, tc.err)
		}
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
		if got := d.Uvarint(tc.max); got != tc.want || (d.Err() == nil) != tc.ok {
			t.Errorf("%x up to %d: %d, %v", tc.in, tc.max, got, d.Err())
		}
	}
}

func TestCountsFitInTheBytesAtHand(t *testing.T) {
	for _, tc := range []struct {
		n, limit, size int
		ok             bool
	}{{3, 3, 2, true}, {3, 2, 2, false}, {4, 9, 2, false}, {0, 0, 2, true}, {2, 9, 3, true}, {3, 9, 3, false}, {6, 6, 1, true}, {7, 9, 1, false}} {
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
