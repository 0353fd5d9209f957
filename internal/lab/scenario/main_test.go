//go:build linux && multihost

package scenario

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/ingchain/ingchain/internal/lab"
)

var (
	runs         = flag.Int("runs", 1, "how often each scenario runs")
	mineFor      = flag.Duration("mine-for", 20*time.Second, "how long block propagation is measured")
	partitionFor = flag.Duration("partition", 15*time.Second, "how long a partition lasts")
	kills        = flag.Int("kills", 12, "kills of TestKill9, a quarter in each phase")
	syncBlocks   = flag.Int("blocks", 2000, "blocks that a fresh node syncs")
	seed         = flag.Uint64("seed", 1, "seed of what a scenario draws by chance")
)

func TestMain(m *testing.M) {
	flag.Parse()
	lab.Main(m)
}

// repeat runs a scenario as often as -runs says.
func repeat(t *testing.T, scenario func(t *testing.T)) {
	t.Helper()
	for i := range *runs {
		if *runs == 1 {
			scenario(t)
			return
		}
		if !t.Run(fmt.Sprintf("run%d", i+1), scenario) {
			return // the first failure is the one to look at
		}
	}
}

// miningNetwork writes a network like lan on which a couple of threads find
// a block about every interval, from the first minute on.
func miningNetwork(t *testing.T, binary string, interval time.Duration) string {
	t.Helper()
	return lab.NetworkFile(t, binary, "lan", "lab", lab.Patch{
		"block_interval_ms":     interval.Milliseconds(),
		"coinbase_maturity":     maturity,
		"genesis_bits":          "1e040000", // 2^22 hashes, a second of one slow thread
		"difficulty_limit_bits": "1f010000", // 2^16
	})
}

// quietNetwork writes a network like dev: blocks come from "mine once" alone.
func quietNetwork(t *testing.T, binary, name string) string {
	t.Helper()
	return lab.NetworkFile(t, binary, "dev", name, nil)
}

// hosts adds count hosts with addresses to the LAN.
func hosts(n *lab.Net, count int) []*lab.Host {
	all := make([]*lab.Host, count)
	for i := range all {
		all[i] = n.Host(fmt.Sprintf("h%d", i+1), fmt.Sprintf("10.77.0.%d/24", i+1))
	}
	return all
}

// mine mines blocks on a node and returns the last.
func mine(t *testing.T, n *lab.Node, count int) lab.BlockRef {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var mined []lab.BlockRef
	if err := n.JSONContext(ctx, &mined, "mine", "once", "-n", fmt.Sprint(count)); err != nil {
		t.Fatal(err)
	}
	if len(mined) != count {
		t.Fatalf("mine once -n %d printed %d blocks", count, len(mined))
	}
	return mined[count-1]
}

// converged waits until all nodes have the same tip and state, and returns it.
func converged(t *testing.T, within time.Duration, nodes ...*lab.Node) lab.StateHash {
	t.Helper()
	var state lab.StateHash
	lab.Until(t, within, "one tip and one state", func() (err error) {
		state, err = lab.Agreement(nodes)
		return err
	})
	return state
}

// onTip waits until all nodes have block as their tip.
func onTip(t *testing.T, within time.Duration, block lab.BlockRef, nodes ...*lab.Node) {
	t.Helper()
	lab.Until(t, within, "all nodes on "+block.String(), func() error {
		state, err := lab.Agreement(nodes)
		if err == nil && state.ID != block.ID {
			err = fmt.Errorf("all are on %v", state.BlockRef)
		}
		return err
	})
}

// during lets nodes run for a while and fails as soon as one of them ends.
func during(t *testing.T, d time.Duration, nodes ...*lab.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	ended := make(chan *lab.Node, len(nodes))
	for _, n := range nodes {
		go func() {
			select {
			case <-n.Proc().Done():
				ended <- n
			case <-ctx.Done():
			}
		}()
	}
	select {
	case n := <-ended:
		t.Fatalf("node %s ended: %v", n.Name, n.Proc().Err())
	case <-ctx.Done():
	}
}
