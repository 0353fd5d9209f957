package reference

import (
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/coretest/cases"
)

// TestStories has the model judge what the named cases deliver.
func TestStories(t *testing.T) {
	judged := 0
	for _, c := range cases.All() {
		t.Run(c.ID, func(t *testing.T) {
			p := core.Dev()
			if c.Params != nil {
				p = c.Params()
			}
			s := coretest.NewStory(t, p)
			c.Tell(s)
			judged += retell(t, s, p)
		})
	}
	if judged < len(cases.All()) {
		t.Errorf("the model judged %d blocks of %d stories", judged, len(cases.All()))
	}
}

// retell judges every step of a story whose parent is valid, and compares. It
// returns how many those are. The model connects every block at once, the
// stories' node only those of the best branch.
func retell(t *testing.T, s *coretest.Story, p *core.Params) (judged int) {
	n, err := New(p.Encode())
	if err != nil {
		t.Fatal(err)
	}
	states := map[core.Hash]*State{n.genesisID: n.Genesis()}
	codes := map[core.Hash]string{}
	for _, st := range s.Steps {
		if at, ok := states[st.Tip]; !ok && st.Verdict == coretest.Accepted && st.Tip != st.ID {
			t.Errorf("%s: the tip is a block that the model refused", st.Name)
		} else if ok && at.Commitment() != st.State {
			t.Errorf("%s: another state after the tip", st.Name)
		}
		parent := states[st.Header.Parent]
		if parent == nil || states[st.ID] != nil || len(st.Bytes) < headerSize || [headerSize]byte(st.Bytes[:headerSize]) != st.Header.Encode() {
			continue
		}
		judged++
		f := n.Judge(parent, st.Bytes, st.Clock)
		codes[st.ID] = f.Verdict.Code
		if f.Verdict.Kind == Accepted {
			states[st.ID] = f.Next
		}
		want, got := st.Code, f.Verdict.Code
		switch {
		case st.Verdict == coretest.Accepted && (f.Connect.Kind != Accepted && st.Tip != st.ID): // found out later
		case st.Verdict == coretest.Rejected && st.Culprit != st.ID:
			want, got = st.Code, codes[st.Culprit]
			fallthrough
		default:
			if string(want) != got {
				t.Errorf("%s: the story says %q, the model %q", st.Name, want, got)
			}
		}
		if at := states[st.Tip]; at == nil || at.Commitment() != st.State {
			t.Errorf("%s: another tip, or another state after it", st.Name)
		}
	}
	return judged
}
