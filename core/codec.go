package core

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// errMalformed is wrapped by every failure to decode.
var errMalformed = errors.New("malformed")

// decoder reads canonical encodings from a byte slice. The first failure
// sticks; later reads return zero values, so that callers check once. It never
// allocates: counts are checked against the bytes that remain first.
type decoder struct {
	buf []byte
	off int
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: byte %d: %s", errMalformed, d.off, fmt.Sprintf(format, args...))
	}
}

func (d *decoder) remaining() int { return len(d.buf) - d.off }

// take returns the next n bytes, aliasing the input, or nil after a failure.
func (d *decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n > d.remaining() {
		d.fail("need %d bytes, have %d", n, d.remaining())
		return nil
	}
	b := d.buf[d.off : d.off+n : d.off+n]
	d.off += n
	return b
}

func (d *decoder) u8() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) u16() uint16 {
	if b := d.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (d *decoder) u32() uint32 {
	if b := d.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) hash() (h Hash) {
	copy(h[:], d.take(HashSize))
	return h
}

// uvarint reads a LEB128 integer of at most max, in as few bytes as it needs.
func (d *decoder) uvarint(max uint64) uint64 {
	if d.err != nil {
		return 0
	}
	v, n := binary.Uvarint(d.buf[d.off:])
	switch {
	case n <= 0:
		d.fail("unfinished or oversized integer")
		return 0
	case n > 1 && d.buf[d.off+n-1] == 0:
		d.fail("integer longer than it needs to be")
		return 0
	case v > max:
		d.fail("integer %d is above %d", v, max)
		return 0
	}
	d.off += n
	return v
}

// count reads a number of items that take at least itemSize bytes each, and
// refuses one that the remaining bytes cannot hold.
func (d *decoder) count(itemSize int) int {
	n := d.uvarint(uint64(len(d.buf)))
	if d.err == nil && n > uint64(d.remaining()/itemSize) {
		d.fail("%d items of %d bytes or more do not fit in %d bytes", n, itemSize, d.remaining())
		return 0
	}
	return int(n)
}

// end fails if bytes are left over.
func (d *decoder) end() error {
	if d.err == nil && d.remaining() != 0 {
		d.fail("%d bytes left over", d.remaining())
	}
	return d.err
}
