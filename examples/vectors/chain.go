package main

import "bytes"

// node keeps the state after every valid block, so that any branch can be gone
// on with, and which ids are false for ever.
type node struct {
	params *params
	valid  map[hash]*state
	bad    map[hash]bool
	best   *state
}

func newNode(p *params) *node {
	g := p.genesis()
	first := &state{header: g.header, coins: map[outpoint]coin{}}
	first.leaves = []hash{historyLeaf(g.id(), &first.work)}
	return &node{p, map[hash]*state{g.id(): first}, map[hash]bool{}, first}
}

// deliver judges a block's bytes and keeps what is to be kept of the verdict.
func (n *node) deliver(raw []byte, clock uint64) (*state, string) {
	s, code := n.judge(raw, clock)
	if s != nil {
		id, best := s.id(), n.best.id()
		n.valid[id] = s
		if order := s.work.Cmp(&n.best.work); order > 0 || order == 0 && bytes.Compare(id[:], best[:]) < 0 {
			n.best = s
		}
	} else if kindOf(code) == "rule" {
		r := &reader{b: raw}
		h := r.header()
		n.bad[h.id()] = true
	}
	return s, code
}

// kindOf says what a code's failure means.
func kindOf(code string) string {
	switch code {
	case "":
		return ""
	case "block-malformed", "block-merkle-root", "tx-malformed":
		return "body"
	case "header-no-parent", "header-future", "header-new-rules":
		return "defer"
	}
	return "rule"
}

func checkChains(t *tally, raw []byte) {
	var f struct {
		about
		Chains []struct {
			Name, About string
			network
			Steps []struct {
				Name          string
				Clock         uint64
				Bytes         hexBytes
				ID            hash
				Verdict, Kind string
				After         *struct {
					Work     number256
					Coins    int
					CoinHash hash `json:"coin_hash"`
					History  hash
					State    hash
				}
				Tip hash
			}
		}
	}
	load(t, raw, &f)
	for _, c := range f.Chains {
		n := newNode(c.params(t))
		for _, step := range c.Steps {
			name := c.Name + ", " + step.Name
			if b, err := parseBlock(step.Bytes); err == nil {
				same(t, name, "id", b.id(), step.ID)
				same(t, name, "encoding", hexBytes(b.encode()).String(), step.Bytes.String())
			}
			s, code := n.deliver(step.Bytes, step.Clock)
			same(t, name, "verdict", code, step.Verdict)
			same(t, name, "kind", kindOf(code), step.Kind)
			same(t, name, "valid", s != nil, step.After != nil)
			if s != nil && step.After != nil {
				same(t, name, "work", s.work.Text(16), step.After.Work.n.Text(16))
				same(t, name, "number of coins", len(s.coins), step.After.Coins)
				same(t, name, "hash of coins", coinHash(s.coins), step.After.CoinHash)
				same(t, name, "history", historyRoot(s.leaves), step.After.History)
				same(t, name, "state", s.commitment(), step.After.State)
			}
			same(t, name, "tip", n.best.id(), step.Tip)
		}
	}
}
