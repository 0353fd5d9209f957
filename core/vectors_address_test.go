package core_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/bech32"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

type addressVectors struct {
	about
	Valid   []validAddress   `json:"valid"`
	Invalid []invalidAddress `json:"invalid"`
}

type validAddress struct {
	Name      string   `json:"name"`
	Prefix    string   `json:"prefix"`
	PublicKey hexBytes `json:"public_key,omitempty"`
	Kind      byte     `json:"kind"`
	Hash      hexBytes `json:"hash"`
	Address   string   `json:"address"`
	// Written is how we write it, if not so.
	Written string `json:"written,omitempty"`
}

type invalidAddress struct {
	Name    string `json:"name"`
	Prefix  string `json:"prefix"`
	Address string `json:"address"`
	// Error is "address", "prefix" or "kind".
	Error string `json:"error"`
}

var addressErrors = map[string]error{
	"address": core.ErrAddress, "prefix": core.ErrAddressNetwork, "kind": core.ErrAddressKind,
}

func makeAddresses(t *testing.T) addressVectors {
	v := addressVectors{about: about{"Addresses, and strings that are none: not bech32m of 21 bytes (address), of another network (prefix), of an unknown kind (kind).", "address.md"}}
	add := func(name, prefix string, key []byte, a core.Address) string {
		s := a.Encode(prefix)
		v.Valid = append(v.Valid, validAddress{name, prefix, key, a.Kind, a.Hash[:], s, ""})
		return s
	}
	alice := coretest.Key("alice")
	good := add("a key's", "ing", alice.Public[:], alice.Address)
	dev := add("the same key's on dev", "ingd", alice.Public[:], alice.Address)
	add("the zero account", "ing", nil, core.Address{})
	full := core.Address{}
	for i := range full.Hash {
		full.Hash[i] = 0xff
	}
	add("all ones, shortest prefix", "zz", nil, full)
	add("longest prefix", "abcde", nil, alice.Address)
	v.Valid = append(v.Valid, validAddress{"in upper case", "ing", nil, 0, alice.Address.Hash[:], strings.ToUpper(good), good})

	raw := append([]byte{0}, alice.Address.Hash[:]...)
	v.Invalid = []invalidAddress{
		{"nothing", "ing", "", "address"},
		{"no prefix", "ing", "1" + good[4:], "address"},
		{"no separator", "ing", strings.Replace(good, "1", "", 1), "address"},
		{"one letter changed", "ing", good[:10] + swapLetter(good[10]) + good[11:], "address"},
		{"two letters swapped", "ing", good[:20] + good[21:22] + good[20:21] + good[22:], "address"},
		{"last letter missing", "ing", good[:len(good)-1], "address"},
		{"upper and lower case", "ing", "I" + good[1:], "address"},
		{"letter outside the alphabet", "ing", good[:10] + "b" + good[11:], "address"},
		{"a space behind", "ing", good + " ", "address"},
		{"bech32, not bech32m", "ing", encodeBech32(t, "ing", raw, false), "address"},
		{"19 bytes of hash", "ing", encodeBech32(t, "ing", raw[:20], true), "address"},
		{"21 bytes of hash", "ing", encodeBech32(t, "ing", append(raw[:21:21], 0), true), "address"},
		{"no bytes", "ing", encodeBech32(t, "ing", nil, true), "address"},
		{"padding not zero", "ing", encodeGroups(t, "ing", oddPadding(t, raw), true), "address"},
		{"a group of padding too many", "ing", encodeGroups(t, "ing", append(groupsOf(t, raw), 0), true), "address"},
		{"91 characters", "ing", encodeBech32(t, "ing", make([]byte, 50), true), "address"},
		{"another network", "ing", dev, "prefix"},
		{"another network whose prefix ends in ours", "ing", alice.Address.Encode("xing"), "prefix"},
		{"another network, and of kind 1", "ing", encodeBech32(t, "ingd", append([]byte{1}, raw[1:]...), true), "prefix"},
		{"another network, and 19 bytes of hash", "ing", encodeBech32(t, "ingd", raw[:20], true), "prefix"},
		{"kind 1", "ing", encodeBech32(t, "ing", append([]byte{1}, raw[1:]...), true), "kind"},
		{"kind 255", "ing", encodeBech32(t, "ing", append([]byte{255}, raw[1:]...), true), "kind"},
	}
	return v
}

func TestAddressVectors(t *testing.T) {
	vs := vectors(t, "address.json", makeAddresses)
	for _, v := range vs.Valid {
		a := core.Address{Kind: v.Kind}
		copy(a.Hash[:], v.Hash)
		if v.PublicKey != nil {
			equal(t, "address of key", core.AddressOf([32]byte(v.PublicKey)), a)
		}
		want := v.Address
		if v.Written != "" {
			want = v.Written
		}
		equal(t, "encoding", a.Encode(v.Prefix), want)
		for _, s := range []string{v.Address, string(bytes.ToUpper([]byte(v.Address)))} {
			if got, err := core.ParseAddress(s, v.Prefix); err != nil || got != a {
				t.Errorf("ParseAddress(%s) = %v, %v", s, got, err)
			}
		}
	}
	for _, v := range vs.Invalid {
		want := addressErrors[v.Error]
		if want == nil {
			t.Fatalf("%s: unknown error %q", v.Name, v.Error)
		}
		if _, err := core.ParseAddress(v.Address, v.Prefix); !errors.Is(err, want) {
			t.Errorf("%s: ParseAddress(%q) = %v, want %v", v.Name, v.Address, err, want)
		}
	}
}

func swapLetter(c byte) string {
	if c == 'q' {
		return "p"
	}
	return "q"
}

func groupsOf(t *testing.T, data []byte) []byte {
	t.Helper()
	groups, err := bech32.ConvertBits(data, 8, 5, true)
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

func encodeBech32(t *testing.T, prefix string, data []byte, m bool) string {
	t.Helper()
	return encodeGroups(t, prefix, groupsOf(t, data), m)
}

func encodeGroups(t *testing.T, prefix string, groups []byte, m bool) string {
	t.Helper()
	encode := bech32.Encode
	if m {
		encode = bech32.EncodeM
	}
	s, err := encode(prefix, groups)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// oddPadding is data in groups of five bits whose two padding bits are not zero.
func oddPadding(t *testing.T, data []byte) []byte {
	t.Helper()
	groups := groupsOf(t, data)
	groups[len(groups)-1] |= 1
	return groups
}
