package wallet

import "golang.org/x/text/unicode/norm"

// ContactName returns a name as an address book has it, in NFC: Korean may be typed
// as syllables or as their letters, which look the same.
func ContactName(typed string) string { return norm.NFC.String(typed) }
