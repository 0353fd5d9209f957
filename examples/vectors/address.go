package main

import (
	"errors"
	"slices"
	"strings"
)

// addressHash is the 20 bytes that stand for a public key.
func addressHash(key []byte) []byte {
	h := tagged("ingchain/address", key)
	return h[:20]
}

const letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32m gives the checksum's state after prefix and values of 5 bits.
func bech32m(prefix string, values []byte) uint32 {
	var all []byte
	for _, c := range []byte(prefix) {
		all = append(all, c>>5)
	}
	all = append(all, 0)
	for _, c := range []byte(prefix) {
		all = append(all, c&31)
	}
	state := uint32(1)
	for _, v := range append(all, values...) {
		top := state >> 25
		state = state&0x1ffffff<<5 ^ uint32(v)
		for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				state ^= g
			}
		}
	}
	return state
}

const bech32mConstant = 0x2bc830a3

func encodeAddress(prefix string, kind byte, hash []byte) string {
	var values []byte
	acc, bits := uint(0), 0
	for _, b := range append([]byte{kind}, hash...) {
		acc, bits = acc<<8|uint(b), bits+8
		for bits >= 5 {
			bits -= 5
			values = append(values, byte(acc>>bits&31))
		}
	}
	if bits > 0 {
		values = append(values, byte(acc<<(5-bits)&31))
	}
	sum := bech32m(prefix, append(slices.Clone(values), make([]byte, 6)...)) ^ bech32mConstant
	for i := range 6 {
		values = append(values, byte(sum>>(25-5*i)&31))
	}
	out := []byte(prefix + "1")
	for _, v := range values {
		out = append(out, letters[v])
	}
	return string(out)
}

// The classes of strings that are no address.
var (
	errAddress = errors.New("address")
	errPrefix  = errors.New("prefix")
	errKind    = errors.New("kind")
)

func parseAddress(s, prefix string) (kind byte, hash []byte, err error) {
	if len(s) > 90 || s != strings.ToLower(s) && s != strings.ToUpper(s) {
		return 0, nil, errAddress
	}
	s = strings.ToLower(s)
	cut := strings.LastIndexByte(s, '1')
	if cut < 1 {
		return 0, nil, errAddress
	}
	for _, c := range []byte(s[:cut]) {
		if c < 33 || c > 126 {
			return 0, nil, errAddress
		}
	}
	var values []byte
	for _, c := range []byte(s[cut+1:]) {
		v := strings.IndexByte(letters, c)
		if v < 0 {
			return 0, nil, errAddress
		}
		values = append(values, byte(v))
	}
	switch {
	case bech32m(s[:cut], values) != bech32mConstant:
		return 0, nil, errAddress
	case s[:cut] != prefix:
		return 0, nil, errPrefix
	case len(values) != 34+6:
		return 0, nil, errAddress
	}
	var data []byte
	acc, bits := uint(0), 0
	for _, v := range values[:34] {
		acc, bits = acc<<5|uint(v), bits+5
		if bits >= 8 {
			bits -= 8
			data = append(data, byte(acc>>bits))
		}
	}
	switch {
	case acc&3 != 0: // the padding
		return 0, nil, errAddress
	case data[0] != 0:
		return 0, nil, errKind
	}
	return data[0], data[1:], nil
}
