package conformance

import (
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/core/coretest/cases"
)

// script is a story that has been told to core, as a node is to go through it.
type script struct {
	rules *core.Rules
	steps []coretest.Step
	// blocks are those of the steps and their ancestors.
	blocks map[core.Hash]*entry
	// fresh is a good block after the last tip, which comes at the end.
	fresh *core.Block
	// pinned says that the story is about the clock, which then stands still
	// during a step.
	pinned bool
}

// entry is a block of a story.
type entry struct {
	*core.Block
	work core.Work // claimed by the headers up to this one
}

// newScript tells the story of c.
func newScript(t *testing.T, c *cases.Case) *script {
	t.Helper()
	var p *core.Params
	if c.Params != nil {
		p = c.Params()
	}
	s := coretest.NewStory(t, p)
	c.Tell(s)
	if len(s.Steps) == 0 {
		t.Fatal("nothing was delivered")
	}
	sc := &script{rules: s.Rules, steps: s.Steps, blocks: map[core.Hash]*entry{}}
	for i := range s.Steps {
		st := &s.Steps[i]
		sc.add(s.Get(st.Name))
		sc.pinned = sc.pinned || st.Clock != s.Steps[0].Clock || st.Code == core.ErrFuture
	}
	sc.fresh = s.Next("the honest node's", s.Best().Name).Block
	return sc
}

func (sc *script) add(n *coretest.Named) *entry {
	id := n.Block.ID()
	if e := sc.blocks[id]; e != nil {
		return e
	}
	e := &entry{Block: n.Block}
	sc.blocks[id] = e
	if n.Parent != nil {
		e.work = sc.add(n.Parent).work
	}
	if w, err := core.WorkOf(n.Block.Header.Bits); err == nil && n.Parent != nil {
		e.work = e.work.Add(w)
	}
	return e
}

// branch lists the blocks from behind genesis to id, or nothing if one of them
// is missing.
func (sc *script) branch(id core.Hash) []*entry {
	var down []*entry
	for e := sc.blocks[id]; ; e = sc.blocks[e.Header.Parent] {
		if e == nil || e.Header.Height == 0 && e.ID() != sc.rules.GenesisID() {
			return nil
		}
		if e.Header.Height == 0 {
			break
		}
		down = append(down, e)
	}
	for i, j := 0, len(down)-1; i < j; i, j = i+1, j-1 {
		down[i], down[j] = down[j], down[i]
	}
	return down
}

// root returns the verdict on the block itself that condemns the one with this
// id, the nearest first: its own unless it only descends from a bad one.
func (sc *script) root(id core.Hash) (core.Hash, core.Code) {
	own := map[core.Hash]core.Code{}
	for i := range sc.steps {
		st := &sc.steps[i]
		if st.Verdict == coretest.Rejected && st.Code != core.ErrBadParent {
			own[st.Culprit] = st.Code
		}
	}
	for e := sc.blocks[id]; e != nil; e = sc.blocks[e.Header.Parent] {
		if code := own[e.ID()]; code != "" {
			return e.ID(), code
		}
	}
	return core.Hash{}, ""
}

// aboutHeader reports whether a code is a verdict on a header, which is reached
// without the body.
func aboutHeader(c core.Code) bool { return strings.HasPrefix(string(c), "header-") }
