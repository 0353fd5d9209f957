package node

import (
	"testing"
	"time"

	"github.com/ingchain/ingchain/protocol"
)

func TestMiningWaitsForPeersOrCatchingUp(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	type look struct {
		after  time.Duration
		peers  int
		synced bool
		want   bool
	}
	for name, looks := range map[string][]look{
		"alone":             {{0, 0, true, false}, {lonely - 1, 0, true, false}, {lonely, 0, true, true}},
		"caught up":         {{time.Second, 1, true, true}},
		"behind":            {{time.Second, 1, false, false}, {time.Hour, 1, false, false}, {time.Hour, 1, true, true}},
		"peer comes, goes":  {{4 * time.Second, 1, false, false}, {6 * time.Second, 0, true, false}, {9 * time.Second, 0, true, true}},
		"had a peer before": {{time.Hour, 2, false, false}, {time.Hour + lonely, 0, false, true}},
	} {
		wait := patience{alone: start}
		for i, l := range looks {
			if got := wait.ended(start.Add(l.after), protocol.Status{Peers: l.peers, Synced: l.synced}); got != l.want {
				t.Errorf("%s: look %d: %v, want %v", name, i, got, l.want)
			}
		}
	}
}

// What the operator said before the node was ready holds.
func TestOrdersHoldAgainstTheConfiguration(t *testing.T) {
	var o orders
	did := ""
	tell := func(what string) func() error { return func() error { did += what; return nil } }
	if err := o.orElse(tell("configured ")); err != nil {
		t.Fatal(err)
	}
	if err := o.give(tell("ordered ")); err != nil {
		t.Fatal(err)
	}
	if err := o.orElse(tell("configured again ")); err != nil {
		t.Fatal(err)
	}
	if did != "configured ordered " {
		t.Errorf("done: %s", did)
	}
}
