//go:build linux && multihost

package scenario

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ingchain/ingchain/internal/lab"
)

// healLimit is how soon after healing all nodes must agree.
const healLimit = 10 * time.Second

// A LAN that was cut in two while both parts mined has one chain again soon
// after it is healed, and remembers the part that lost.
func TestPartition(t *testing.T) {
	lab.Require(t)
	repeat(t, partition)
}

func partition(t *testing.T) {
	net := lab.New(t)
	nodes := startMesh(t, net, miningNetwork(t, lab.BuildBinary(t), 2*time.Second), 0, 2)
	lab.Until(t, time.Minute, "full mesh", func() error { return lab.Mesh(nodes) })
	streams := follow(t, nodes)
	converged(t, 30*time.Second, nodes...)

	left, right := nodes[:2], nodes[2:]
	net.LAN.Partition(hostsOf(left), hostsOf(right))
	during(t, *partitionFor, nodes...)
	leftTip, rightTip := tipOf(t, left[0]), tipOf(t, right[0])
	if leftTip.ID == rightTip.ID {
		t.Fatalf("both parts are on %v: the partition did not part them", leftTip)
	}

	healed := time.Now()
	net.LAN.Heal()
	state := converged(t, time.Minute, nodes...)
	took := time.Since(healed)
	t.Logf("parted %v: tips %v | %v; one tip and state %v after healing: %v", *partitionFor, leftTip, rightTip, round(took), state.BlockRef)
	if took > healLimit {
		t.Errorf("one tip and state %v after healing, want at most %v", took, healLimit)
	}

	for i, s := range streams {
		awaitApply(t, s, state.ID)
		all := events(t, s)
		replay(t, nodes[i].Name, all) // reverts before applies
		checkFork(t, nodes[i], all, healed)
	}
	if l, r := reverts(events(t, streams[0]), healed), reverts(events(t, streams[2]), healed); l+r == 0 {
		t.Errorf("neither part reverted a block after healing")
	}
}

// checkFork checks that the blocks a node reverted on healing are a fork in
// "chain forks", down to the height where the parts' chains met.
func checkFork(t *testing.T, n *lab.Node, all []event, healed time.Time) {
	t.Helper()
	var lost []event // the longest run of reverts since
	for i := 0; i < len(all); i++ {
		run := i
		for run < len(all) && all[run].Type == "revert" && all[run].At.After(healed) {
			run++
		}
		if run-i > len(lost) {
			lost = all[i:run]
		}
		i = max(i, run-1)
	}
	if len(lost) == 0 {
		return // this part won
	}
	var forks []lab.Fork
	n.MustJSON(&forks, "chain", "forks")
	top, base := lost[0].Block.BlockRef, lost[len(lost)-1].Block.Height-1
	if !slices.ContainsFunc(forks, func(f lab.Fork) bool {
		return f.Tip.ID == top.ID && f.ForkHeight == base && f.Length == len(lost)
	}) {
		t.Errorf("%s: chain forks lacks the %d reverted blocks from height %d to %v: %+v", n.Name, len(lost), base+1, top, forks)
	}
}

// reverts counts the reverted blocks since a time.
func reverts(all []event, since time.Time) (count int) {
	for _, e := range all {
		if e.Type == "revert" && e.At.After(since) {
			count++
		}
	}
	return count
}

func hostsOf(nodes []*lab.Node) []*lab.Host {
	var all []*lab.Host
	for _, n := range nodes {
		all = append(all, n.Host)
	}
	return all
}

func tipOf(t *testing.T, n *lab.Node) lab.BlockRef {
	t.Helper()
	status, err := n.Status()
	if err != nil {
		t.Fatal(fmt.Errorf("tip of %s: %w", n.Name, err))
	}
	return status.Tip.BlockRef
}
