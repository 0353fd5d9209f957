package wallet

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// ContactName returns a name as an address book has it, in NFC: Korean may be typed
// as syllables or as their letters, which look the same.
func ContactName(typed string) string { return norm.NFC.String(typed) }

// SameLook reports whether two names differ in nothing that a person sees for sure:
// in case, in spaces, in the width of letters, or in invisible characters. Letters
// of different scripts that look alike are different.
func SameLook(a, b string) bool { return seen(a) == seen(b) }

// seen is what a person sees of a name.
func seen(name string) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(name))
	// Lower case may have a shorter form of its own.
	return norm.NFKC.String(strings.ToLower(visible))
}
