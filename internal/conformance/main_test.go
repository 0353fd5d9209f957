package conformance

import (
	"os"
	"runtime/debug"
	"testing"
)

// Thousands of hosts live for a moment each: collecting less often is a sixth of
// the time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
