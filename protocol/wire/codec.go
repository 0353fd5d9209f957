package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/canon"
)

// ErrMalformed is wrapped by every failure to parse: the sender broke the
// protocol.
var ErrMalformed = errors.New("malformed message")

// ErrTooLong is wrapped, and wraps [ErrMalformed], where a frame is longer than
// its type may be.
var ErrTooLong = fmt.Errorf("%w: too long", ErrMalformed)

// decoder reads the fields of messages.
type decoder struct{ canon.Decoder }

func newDecoder(b []byte) decoder { return decoder{canon.New(b, ErrMalformed)} }

func (d *decoder) hash() (h core.Hash) {
	copy(h[:], d.Take(core.HashSize))
	return h
}

func (d *decoder) work() core.Work {
	var b [core.WorkSize]byte
	copy(b[:], d.Take(core.WorkSize))
	return core.WorkFromBytes(b)
}

func (d *decoder) header() core.Header {
	b := d.Take(core.HeaderSize)
	if b == nil {
		return core.Header{}
	}
	h, err := core.ParseHeader(b)
	if err != nil {
		d.Fail("%v", err)
	}
	return h
}

// text reads a length-prefixed string of printable ASCII, so that what a
// stranger calls itself can go to a terminal as it is.
func (d *decoder) text(what string, limit int) string {
	b := d.Take(d.Count(what+" bytes", limit, 1))
	for _, c := range b {
		if c < 0x20 || c > 0x7e {
			d.Fail("%s has byte %#02x, want printable ASCII", what, c)
			return ""
		}
	}
	return string(b)
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
