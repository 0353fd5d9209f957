//go:build linux && multihost

package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/ingchain/ingchain/internal/lab"
)

// event is one line of "ingchain events --json" and when it came.
type event struct {
	At     time.Time `json:"-"`
	Type   string    `json:"type"` // "apply" or "revert"
	Cursor string    `json:"cursor"`
	Block  struct {
		lab.BlockRef
		Parent string `json:"parent"`
	} `json:"block"`
}

func (e event) String() string { return fmt.Sprintf("%s %v", e.Type, e.Block.BlockRef) }

// events decodes what a stream has so far.
func events(t *testing.T, s *lab.Stream) []event {
	t.Helper()
	var all []event
	for _, line := range s.Lines() {
		e := event{At: line.At}
		if err := json.Unmarshal(line.Text, &e); err != nil {
			t.Fatalf("events printed %q: %v", line.Text, err)
		}
		if (e.Type != "apply" && e.Type != "revert") || e.Block.ID == "" || e.Block.Parent == "" {
			t.Fatalf("events printed %q, want a type of apply or revert and a block with id and parent", line.Text)
		}
		all = append(all, e)
	}
	return all
}

// replay follows events and fails if one does not fit the tip that the ones
// before it lead to: a revert takes the tip itself, an apply builds on it.
// It returns the ids by height of what is applied at the end.
func replay(t *testing.T, who string, all []event) map[uint32]string {
	t.Helper()
	applied := make(map[uint32]string)
	var tip string // id; empty before the first event
	for _, e := range all {
		switch {
		case e.Type == "apply":
			if tip != "" && e.Block.Parent != tip {
				t.Fatalf("%s: %v builds on %.12s and not on the tip, that is %.12s", who, e, e.Block.Parent, tip)
			}
			applied[e.Block.Height] = e.Block.ID
			tip = e.Block.ID
		case tip != "" && e.Block.ID != tip:
			t.Fatalf("%s: %v is not the tip, that is %.12s", who, e, tip)
		default:
			delete(applied, e.Block.Height)
			tip = e.Block.Parent
		}
	}
	return applied
}

// mentions matches a line that has id anywhere in it.
func mentions(id string) func(lab.Line) bool {
	return func(l lab.Line) bool { return bytes.Contains(l.Text, []byte(id)) }
}

// spread is how long one block took to be applied everywhere.
type spread struct {
	block lab.BlockRef
	took  time.Duration
}

// propagation returns, for every block of the chain all nodes ended on, how
// long after it became the heaviest tip anywhere the last node applied it.
// Blocks from height from on count. A block loses a tie of equal work to a
// lower id; then it became heaviest only when its child did.
func propagation(chain map[uint32]string, from uint32, nodes [][]event) []spread {
	first, last := make(map[string]time.Time), make(map[string]time.Time)
	rivals := make(map[uint32][]string)
	for _, all := range nodes {
		seen := make(map[string]bool)
		for _, e := range all {
			if e.Type != "apply" || seen[e.Block.ID] {
				continue
			}
			seen[e.Block.ID] = true
			if at, ok := first[e.Block.ID]; !ok || e.At.Before(at) {
				first[e.Block.ID] = e.At
			}
			if e.At.After(last[e.Block.ID]) {
				last[e.Block.ID] = e.At
			}
			rivals[e.Block.Height] = append(rivals[e.Block.Height], e.Block.ID)
		}
	}
	var spreads []spread
	for height, id := range chain {
		if height < from {
			continue
		}
		heaviest := first[id]
		for _, rival := range rivals[height] {
			if rival < id {
				if child, ok := first[chain[height+1]]; ok {
					heaviest = child
				}
				break
			}
		}
		took := max(last[id].Sub(heaviest), 0)
		spreads = append(spreads, spread{lab.BlockRef{Height: height, ID: id}, took})
	}
	return spreads
}

func TestPropagationOfATie(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	apply := func(ms int, height uint32, id string) event {
		e := event{At: at(ms), Type: "apply"}
		e.Block.BlockRef = lab.BlockRef{Height: height, ID: id}
		return e
	}
	// Node 1 finds "b" at 0 and its child at 500; node 2 had "a", the lower
	// id, so it owes node 1 nothing before 500.
	nodes := [][]event{
		{apply(0, 7, "b"), apply(500, 8, "c")},
		{apply(3, 7, "a"), apply(520, 7, "b"), apply(530, 8, "c")},
	}
	chain := map[uint32]string{7: "b", 8: "c"}
	got := make(map[string]time.Duration)
	for _, s := range propagation(chain, 7, nodes) {
		got[s.block.ID] = s.took
	}
	if got["b"] != 20*time.Millisecond || got["c"] != 30*time.Millisecond {
		t.Errorf("b took %v and c %v, want 20 ms and 30 ms", got["b"], got["c"])
	}
}
