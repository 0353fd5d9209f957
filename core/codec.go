package core

import (
	"errors"
	"math"

	"github.com/ingchain/ingchain/core/canon"
)

// errMalformed is wrapped by every failure to decode.
var errMalformed = errors.New("malformed")

// noLimit is for counts that only the bytes at hand bound.
const noLimit = math.MaxInt

// decoder reads the types of this package.
type decoder struct{ canon.Decoder }

func newDecoder(b []byte) decoder { return decoder{canon.New(b, errMalformed)} }

func (d *decoder) hash() (h Hash) {
	copy(h[:], d.Take(HashSize))
	return h
}
