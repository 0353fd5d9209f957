package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// ErrMalformed is wrapped by every failure to parse: the sender broke the
// protocol.
var ErrMalformed = errors.New("malformed message")

// decoder reads canonical encodings. The first failure sticks, and later reads
// return zero values, so callers check once, at the end.
type decoder struct {
	buf []byte
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
}

// take returns the next n bytes, aliasing the input, or nil after a failure.
func (d *decoder) take(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n > len(d.buf) {
		d.fail("need %d bytes, have %d", n, len(d.buf))
		return nil
	}
	b := d.buf[:n:n]
	d.buf = d.buf[n:]
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

func (d *decoder) hash() (h core.Hash) {
	copy(h[:], d.take(core.HashSize))
	return h
}

func (d *decoder) work() core.Work {
	var b [core.WorkSize]byte
	copy(b[:], d.take(core.WorkSize))
	return core.WorkFromBytes(b)
}

func (d *decoder) header() core.Header {
	b := d.take(core.HeaderSize)
	if b == nil {
		return core.Header{}
	}
	h, err := core.ParseHeader(b)
	if err != nil {
		d.fail("%v", err)
	}
	return h
}

// count reads a number of items of at least itemSize bytes each. It refuses
// more than limit, and more than the remaining bytes can hold.
func (d *decoder) count(what string, limit, itemSize int) int {
	if d.err != nil {
		return 0
	}
	v, n, err := uvarint(d.buf)
	switch {
	case err != nil:
		d.fail("number of %s: %v", what, err)
		return 0
	case v > uint64(limit):
		d.fail("%d %s, at most %d", v, what, limit)
		return 0
	case v > uint64((len(d.buf)-n)/itemSize):
		d.fail("%d %s do not fit in %d bytes", v, what, len(d.buf)-n)
		return 0
	}
	d.buf = d.buf[n:]
	return int(v)
}

// text reads a length-prefixed string of printable ASCII, so that what a
// stranger calls itself can go to a terminal as it is.
func (d *decoder) text(what string, limit int) string {
	b := d.take(d.count(what+" bytes", limit, 1))
	for _, c := range b {
		if c < 0x20 || c > 0x7e {
			d.fail("%s has byte %#02x, want printable ASCII", what, c)
			return ""
		}
	}
	return string(b)
}

func (d *decoder) end() error {
	if d.err == nil && len(d.buf) != 0 {
		d.fail("%d bytes left over", len(d.buf))
	}
	return d.err
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// Printable returns s as a text field takes it: characters outside of printable
// ASCII become '?', and what is beyond limit bytes is cut off.
func Printable(s string, limit int) string {
	out := make([]byte, 0, min(len(s), limit))
	for i := 0; i < len(s) && len(out) < limit; i++ {
		c := s[i]
		if c < 0x20 || c > 0x7e {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}

var (
	errVarintShort   = errors.New("unfinished integer")
	errVarintLong    = errors.New("integer above 64 bits")
	errVarintPadding = errors.New("integer longer than it needs to be")
)

// uvarint reads a minimal LEB128 integer and returns it with its size.
func uvarint(b []byte) (uint64, int, error) {
	v, n := binary.Uvarint(b)
	switch {
	case n == 0:
		return 0, 0, errVarintShort
	case n < 0:
		return 0, 0, errVarintLong
	case n > 1 && b[n-1] == 0:
		return 0, 0, errVarintPadding
	}
	return v, n, nil
}
