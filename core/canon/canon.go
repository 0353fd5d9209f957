// Package canon reads canonical encodings: fixed-width little-endian integers,
// integers in as few LEB128 bytes as they need, and counts that the bytes at hand
// can hold. Package core reads blocks with it, and protocol/wire messages.
//
// Writing takes no help: encoding/binary appends the same forms.
package canon

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Failures to read an integer.
var (
	ErrVarintShort   = errors.New("unfinished integer")
	ErrVarintLong    = errors.New("integer above 64 bits")
	ErrVarintPadding = errors.New("integer longer than it needs to be")
)

// Decoder reads from a byte slice. The first failure sticks and later reads
// return zero values, so that callers check once, at the end. It never
// allocates but for an error.
type Decoder struct {
	buf  []byte
	off  int
	err  error
	kind error // what every failure wraps
}

// New returns a decoder of b whose failures wrap kind.
func New(b []byte, kind error) Decoder { return Decoder{buf: b, kind: kind} }

// Fail notes a failure at the current place, unless there was one before.
func (d *Decoder) Fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: byte %d: %s", d.kind, d.off, fmt.Sprintf(format, args...))
	}
}

// Err returns the first failure, or nil.
func (d *Decoder) Err() error { return d.err }

// Offset returns how many bytes were read.
func (d *Decoder) Offset() int { return d.off }

// Remaining returns how many bytes are left.
func (d *Decoder) Remaining() int { return len(d.buf) - d.off }

// Take returns the next n bytes, aliasing the input, or nil after a failure.
func (d *Decoder) Take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n > d.Remaining() {
		d.Fail("need %d bytes, have %d", n, d.Remaining())
		return nil
	}
	b := d.buf[d.off : d.off+n : d.off+n]
	d.off += n
	return b
}

// U8 reads a byte.
func (d *Decoder) U8() byte {
	if b := d.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 reads a little-endian integer of 2 bytes.
func (d *Decoder) U16() uint16 {
	if b := d.Take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// U32 reads a little-endian integer of 4 bytes.
func (d *Decoder) U32() uint32 {
	if b := d.Take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// U64 reads a little-endian integer of 8 bytes.
func (d *Decoder) U64() uint64 {
	if b := d.Take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Uvarint reads a minimal LEB128 integer of at most max.
func (d *Decoder) Uvarint(max uint64) uint64 {
	if d.err != nil {
		return 0
	}
	v, n, err := Uvarint(d.buf[d.off:])
	switch {
	case err != nil:
		d.Fail("%v", err)
		return 0
	case v > max:
		d.Fail("integer %d is above %d", v, max)
		return 0
	}
	d.off += n
	return v
}

// Count reads a number of things that take at least size bytes each. It refuses
// more than limit, and more than the remaining bytes can hold.
func (d *Decoder) Count(what string, limit, size int) int {
	v := d.Uvarint(1<<64 - 1)
	switch {
	case v > uint64(limit):
		d.Fail("%d %s, at most %d", v, what, limit)
		return 0
	case v > uint64(d.Remaining()/size):
		d.Fail("%d %s do not fit in %d bytes", v, what, d.Remaining())
		return 0
	}
	return int(v)
}

// End returns the first failure, or one if bytes are left over.
func (d *Decoder) End() error {
	if d.Remaining() != 0 {
		d.Fail("%d bytes left over", d.Remaining())
	}
	return d.err
}

// Uvarint reads a minimal LEB128 integer from the front of b and returns it with
// its size in bytes.
func Uvarint(b []byte) (uint64, int, error) {
	v, n := binary.Uvarint(b)
	switch {
	case n == 0:
		return 0, 0, ErrVarintShort
	case n < 0:
		return 0, 0, ErrVarintLong
	case n > 1 && b[n-1] == 0:
		return 0, 0, ErrVarintPadding
	}
	return v, n, nil
}
