package wallet_test

import (
	"testing"

	"github.com/ingchain/ingchain/wallet"
)

// Who reads a name before paying sees no difference between these.
func TestNamesThatLookTheSame(t *testing.T) {
	for _, pair := range [][2]string{
		{"bob", "bob"}, {"bob", "Bob"}, {"bob", "bob "}, {"Anna Kim", "Anna  Kim"}, {"bob", "bo\u200bb"}, {"bob", "\u2060bob"},
		{"bob", "ｂｏｂ"}, {"밥", "\u1107\u1161\u11b8"}, {"file", "ﬁle"}, {"bob", "b\u00a0ob"},
	} {
		if !wallet.SameLook(pair[0], pair[1]) {
			t.Errorf("%q and %q are told apart", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"bob", "bobo"}, {"밥", "밤"}, {"bob-1", "bob-2"}, {"José", "Jose"}} {
		if wallet.SameLook(pair[0], pair[1]) {
			t.Errorf("%q and %q are one", pair[0], pair[1])
		}
	}
}
