package load

import (
	"flag"
	"os"
	"testing"
	"time"
)

var (
	fullLoad  = flag.Bool("load", false, "run the long measurements, too")
	floodFor  = flag.Duration("flood-for", 20*time.Second, "how long each flood lasts")
	floodRate = flag.Int("flood-rate", 50_000, "payments offered per second in a flood")
	spamMB    = flag.Int("spam-mb", 300, "spam offered, in 10^6 bytes")
	poolBytes = flag.Int("pool-bytes", 64<<20, "memory of the pool that is spammed, in bytes, orphans and history included")
	payFor    = flag.Duration("pay-for", 15*time.Second, "how long four nodes confirm payments; 10m is the goal's")
	payRate   = flag.Int("pay-rate", 1_100, "payments handed in per second, to four nodes in turn")
	profiles  = flag.String("profiles", "", "directory for profiles of the nodes under load")
)

// needsLoad skips what takes long.
func needsLoad(t *testing.T) {
	t.Helper()
	if !*fullLoad {
		t.Skipf("takes long: go test ./internal/load -v -timeout 0 -load -run '^%s$'", t.Name())
	}
}

// TestMain is also the way into a node's process.
func TestMain(m *testing.M) {
	if raw, ok := os.LookupEnv(nodeEnv); ok {
		os.Exit(beNode(raw))
	}
	os.Exit(m.Run())
}
