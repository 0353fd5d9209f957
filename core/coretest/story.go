package coretest

import (
	"bytes"
	"testing"

	"github.com/ingchain/ingchain/core"
)

// A Story is a sequence of deliveries to one node, each with the verdict that
// the rules demand. Its blocks are made with [Chain.Next], in any order and
// without effect; the verbs deliver them. What a verb claims is compared with
// what core's functions say, and recorded in Steps, so that whole nodes can be
// told the same story.
type Story struct {
	*Chain
	Steps []Step

	clock uint64              // the node's, Unix milliseconds
	known map[core.Hash]*told // blocks whose header and form are good
	bad   map[core.Hash]core.Code
	tip   *told
}

// told is a delivered block.
type told struct {
	*Named
	parent    *told
	header    core.HeaderState
	connected *core.State // nil as long as it was never on the best branch
	coins     core.UTXOs
}

// Verdict is what becomes of a delivery.
type Verdict uint8

// Verdicts.
const (
	Accepted Verdict = iota // stored: it may be the tip or on a side branch
	Rejected                // false for ever; the sender should have known
	BadBody                 // bytes that are not the block's; its id stays unjudged
	Deferred                // cannot be told yet; nobody is to blame
)

// Step is one delivery.
type Step struct {
	Name string
	// ID and Header are the block's that is meant, Bytes what is sent as it.
	ID     core.Hash
	Header core.Header
	Bytes  []byte

	Verdict Verdict
	Code    core.Code // of Rejected, BadBody and Deferred
	// Culprit is the block that Rejected condemns: the step's own, or an
	// ancestor on a side branch that was looked at only now.
	Culprit core.Hash

	Clock uint64    // of the node, Unix milliseconds
	Tip   core.Hash // the best block afterwards
	State core.Hash // the commitment to the state after Tip
}

// NewStory begins a story on the given network; nil means the development
// network. The node's clock stands far enough ahead that no header is early.
func NewStory(tb testing.TB, p *core.Params) *Story {
	tb.Helper()
	s := &Story{Chain: New(tb, p), known: make(map[core.Hash]*told), bad: make(map[core.Hash]core.Code)}
	g := s.Get(Genesis)
	s.clock = g.Block.Header.Time + 1<<40
	s.tip = &told{Named: g, header: g.State.HeaderState, connected: g.State, coins: g.Coins}
	s.known[g.Block.ID()] = s.tip
	return s
}

// Clock sets the node's clock, in Unix milliseconds.
func (s *Story) Clock(ms uint64) { s.clock = ms }

// Accepted delivers a block that becomes the tip.
func (s *Story) Accepted(names ...string) {
	s.tb.Helper()
	for _, name := range names {
		if st := s.deliver(name, s.Get(name).Block.Bytes()); st.Verdict != Accepted || st.Tip != st.ID {
			s.tb.Fatalf("%s: verdict %d %s, tip %s; want it accepted as the tip", name, st.Verdict, st.Code, s.tip.Name)
		}
	}
}

// SideChain delivers a block with which nothing is wrong as far as the node
// looks, and which does not become the tip. It may be known already.
func (s *Story) SideChain(names ...string) {
	s.tb.Helper()
	for _, name := range names {
		if st := s.deliver(name, s.Get(name).Block.Bytes()); st.Verdict != Accepted || st.Tip == st.ID {
			s.tb.Fatalf("%s: verdict %d %s, tip %s; want it accepted beside the tip", name, st.Verdict, st.Code, s.tip.Name)
		}
	}
}

// Rejected delivers a block that is false for ever.
func (s *Story) Rejected(name string, code core.Code) {
	s.tb.Helper()
	s.RejectedBy(name, name, code)
}

// RejectedBy delivers a block whose branch would be the best if the block
// culprit in it, delivered before, did not turn out to be false for ever.
func (s *Story) RejectedBy(name, culprit string, code core.Code) {
	s.tb.Helper()
	st := s.deliver(name, s.Get(name).Block.Bytes())
	if st.Verdict != Rejected || st.Code != code || st.Culprit != s.Get(culprit).Block.ID() {
		s.tb.Fatalf("%s: verdict %d %q, want %q of %s (%v)", name, st.Verdict, st.Code, code, culprit, s.Get(culprit).Err)
	}
}

// BadBody delivers bytes that are not those of the named block, under its
// header. The block itself may follow, unless these are the bytes that it was
// made of, and its header commits to others.
func (s *Story) BadBody(name string, raw []byte, code core.Code) {
	s.tb.Helper()
	if n := s.Get(name); bytes.Equal(raw, n.Block.Bytes()) && core.CodeOf(n.Err) != code {
		s.tb.Fatalf("%s: these are its bytes", name)
	}
	if st := s.deliver(name, raw); st.Verdict != BadBody || st.Code != code {
		s.tb.Fatalf("%s: verdict %d %q, want the bytes refused with %q", name, st.Verdict, st.Code, code)
	}
}

// Deferred delivers a block of which it cannot be told yet whether it is good.
func (s *Story) Deferred(name string, code core.Code) {
	s.tb.Helper()
	if st := s.deliver(name, s.Get(name).Block.Bytes()); st.Verdict != Deferred || st.Code != code {
		s.tb.Fatalf("%s: verdict %d %q, want it deferred with %q (%v)", name, st.Verdict, st.Code, code, s.Get(name).Err)
	}
}

// ExpectTip claims that the named block is the best.
func (s *Story) ExpectTip(name string) {
	s.tb.Helper()
	if s.tip != s.known[s.Get(name).Block.ID()] {
		s.tb.Fatalf("the tip is %s, want %s", s.tip.Name, name)
	}
}

// deliver judges and records.
func (s *Story) deliver(name string, raw []byte) *Step {
	s.tb.Helper()
	n := s.Get(name)
	st := Step{Name: name, ID: n.Block.ID(), Header: n.Block.Header, Bytes: raw, Clock: s.clock, Culprit: n.Block.ID()}
	err := s.judge(n, raw, &st)
	st.Code = core.CodeOf(err)
	switch {
	case err == nil:
		st.Verdict = Accepted
	case core.IsForever(err):
		st.Verdict = Rejected
	case core.IsPunishable(err):
		st.Verdict = BadBody
	case core.IsDeferred(err):
		st.Verdict = Deferred
	default:
		s.tb.Fatalf("%s: %v is no verdict", name, err)
	}
	st.Tip, st.State = s.tip.Block.ID(), s.tip.connected.Commitment()
	s.Steps = append(s.Steps, st)
	return &s.Steps[len(s.Steps)-1]
}

// judge is a node in its plainest form: header, clock, bytes, then the way to
// the block from where its branch was last connected.
func (s *Story) judge(n *Named, raw []byte, st *Step) error {
	id := n.Block.ID()
	if code, ok := s.bad[id]; ok {
		return &core.RuleError{Code: code, Detail: "known"}
	}
	if s.known[id] != nil {
		return nil
	}
	if n.Block.Header.Height == 0 {
		return &core.RuleError{Code: core.ErrGenesis, Detail: n.Name}
	}
	parent := s.known[n.Block.Header.Parent]
	if _, bad := s.bad[n.Block.Header.Parent]; bad {
		return &core.RuleError{Code: core.ErrBadParent, Detail: n.Name}
	}
	if parent == nil {
		return &core.DeferError{Code: core.ErrNoParent, Detail: n.Name}
	}
	hs, err := s.Rules.ConnectHeader(&parent.header, &n.Block.Header)
	if err != nil {
		if s.Rules.CheckWork(&n.Block.Header) != nil {
			return err // ids without work cost nothing to make, so none is remembered
		}
		return s.remember(n, err)
	}
	if err := s.Rules.CheckClock(&n.Block.Header, s.clock); err != nil {
		return err
	}
	b, err := core.ParseBlock(raw)
	if err != nil {
		return err
	}
	if b.ID() != id {
		return &core.BodyError{Code: core.ErrMalformed, Detail: "another block"}
	}
	if err := s.Rules.CheckBlock(b); err != nil {
		return s.remember(n, err)
	}
	t := &told{Named: n, parent: parent, header: hs}
	s.known[id] = t
	if !core.Heavier(hs.Work, id, s.tip.header.Work, s.tip.Block.ID()) {
		return nil
	}
	return s.connect(t, st)
}

func (s *Story) remember(n *Named, err error) error {
	if core.IsForever(err) {
		s.bad[n.Block.ID()] = core.CodeOf(err)
	}
	return err
}

// connect goes to t, or as far as its branch is good.
func (s *Story) connect(t *told, st *Step) error {
	var path []*told
	for at := t; at.connected == nil; at = at.parent {
		path = append(path, at)
	}
	for i := len(path) - 1; i >= 0; i-- {
		at := path[i]
		state, diff, err := s.Rules.ConnectBlock(at.parent.connected, at.Block, at.parent.coins)
		if err != nil {
			st.Culprit = at.Block.ID()
			s.condemn(at, core.CodeOf(err))
			return err
		}
		at.connected, at.coins = state, coinsAfter(at.parent.coins, diff)
		if core.Heavier(state.Work, state.ID, s.tip.connected.Work, s.tip.connected.ID) {
			s.tip = at
		}
	}
	return nil
}

// condemn forgets a block and what follows it.
func (s *Story) condemn(t *told, code core.Code) {
	s.bad[t.Block.ID()] = code
	delete(s.known, t.Block.ID())
	for _, k := range s.known {
		if k.parent == t {
			s.condemn(k, core.ErrBadParent)
		}
	}
}

func coinsAfter(before core.UTXOs, d *core.Diff) core.UTXOs {
	after := make(core.UTXOs, len(before)+len(d.Created))
	for op, coin := range before {
		after[op] = coin
	}
	for i := range d.Spent {
		delete(after, d.Spent[i].Outpoint)
	}
	for i := range d.Created {
		after[d.Created[i].Outpoint] = d.Created[i]
	}
	return after
}

// Best returns the tip.
func (s *Story) Best() *Named { return s.tip.Named }
