//go:build !linux

package lab

import "testing"

// Require skips the test: namespaces and TAP devices exist on Linux only.
func Require(tb testing.TB) {
	tb.Helper()
	tb.Skip("lab: needs Linux network namespaces")
}
