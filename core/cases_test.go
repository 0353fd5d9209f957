package core_test

import (
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/coretest/cases"
)

// TestRules tells every case to core's functions alone.
func TestRules(t *testing.T) {
	seen := make(map[string]bool)
	told := make(map[string]string) // what was delivered, to the case's id
	for _, c := range cases.All() {
		if seen[c.ID] {
			t.Fatalf("two cases %s", c.ID)
		}
		seen[c.ID] = true
		t.Run(c.ID+"/core", func(t *testing.T) {
			s := coretest.NewStory(t, nil)
			if c.Params != nil {
				s = coretest.NewStory(t, c.Params())
			}
			c.Tell(s)
			if len(s.Steps) == 0 {
				t.Error("nothing was delivered")
			}
			var all []byte
			for i := range s.Steps {
				all = append(all, s.Steps[i].Bytes...)
			}
			if other, twice := told[string(all)]; twice {
				t.Errorf("these are the blocks of %s", other)
			}
			told[string(all)] = c.ID
			undoAll(t, s)
			countSupply(t, s)
			judgePayments(t, s)
		})
	}
}

// undoAll reverts from the story's tip to genesis.
func undoAll(t *testing.T, s *coretest.Story) {
	t.Helper()
	for n := s.Best(); n.Parent != nil; n = n.Parent {
		if got := core.UndoBlock(n.State, &n.Parent.State.HeaderState, n.Diff); *got != *n.Parent.State {
			t.Fatalf("undoing %s does not give the state after %s", n.Name, n.Parent.Name)
		}
	}
}

// countSupply compares the coins at every height of the story's best branch with
// what the coinbases were allowed to mint.
func countSupply(t *testing.T, s *coretest.Story) {
	t.Helper()
	for n := s.Best(); n.Parent != nil; n = n.Parent {
		var minted, held core.Amount
		for h := uint32(1); h <= n.Block.Header.Height; h++ {
			minted += s.Rules.Params().SubsidyAt(h)
		}
		for _, c := range n.Coins {
			held += c.Value
		}
		if held != minted {
			t.Fatalf("after %s the coins are worth %d grains, %d were minted", n.Name, held, minted)
		}
	}
}
