package conformance

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/protocol/wire"
)

// way is how attackers bring blocks.
type way int

const (
	claiming   way = iota // hello names the block
	announcing            // gossip brings the header
	whole                 // gossip brings the block, if it is but a coinbase
)

func bySync(t *testing.T, r *record, sc *script) error   { return play(t, r, sc, claiming) }
func byGossip(t *testing.T, r *record, sc *script) error { return play(t, r, sc, announcing) }
func byWhole(t *testing.T, r *record, sc *script) error  { return play(t, r, sc, whole) }

// play goes through a story on a network: a victim that hears of each block from
// an attacker, and an honest node beside it, which has the last word.
func play(t *testing.T, r *record, sc *script, w way) (err error) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, sc, w)
		defer s.close()
		if err = s.story(r); err == nil {
			err = s.lastWord()
		}
	})
	return err
}

// story has attackers deliver every step.
func (s *stage) story(r *record) error {
	var a *attacker
	for i := range s.sc.steps {
		st := &s.sc.steps[i]
		if a == nil {
			a = s.attacker()
		}
		if err := s.step(r, a, st); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, st.Name, err)
		}
		// One that was told off, or told to wait, would come back with the same.
		if st.Verdict != coretest.Accepted {
			a.leave()
			a = nil
		}
	}
	if a != nil {
		a.leave()
	}
	return nil
}

// answer is what a node says of a block: the code, and whether it held it
// against the one who brought it.
type answer struct {
	code     core.Code
	punished bool
}

func (a answer) String() string { return fmt.Sprintf("%q, punished: %v", a.code, a.punished) }

// step delivers a block, waits for what must come of it, and looks around.
func (s *stage) step(r *record, a *attacker, st *coretest.Step) error {
	if s.sc.pinned {
		s.clock.set(st.Clock, st.Code == core.ErrFuture)
	}
	want, why := s.expect(st)
	a.show(st, st.Code == core.ErrNoParent)
	s.deliver(a, st)
	switch {
	case st.Verdict == coretest.Accepted && st.Tip == st.ID:
		if !s.happens(func() bool { return s.victim.Tip().ID == st.ID }) {
			return fmt.Errorf("is not the tip after %v; %s", patient, s.victim.state(a.ID()).Reason)
		}
	case len(want) > 0:
		var got answer
		if !s.happens(func() bool { got = s.answer(a, st); return got.punished || slices.Contains(want, got) }) || !slices.Contains(want, got) {
			return fmt.Errorf("the victim says %v (%s), want %v", got, s.victim.state(a.ID()).Reason, want)
		}
		if got.punished {
			s.punished[a.ID()] = true
		}
	default:
		if why != "" {
			r.skip(st, why)
		}
		<-time.After(quiet)
	}
	return s.look(st)
}

// expect lists the answers that fit the verdict on a step. With none, nothing is
// to happen; why says so if the verdict cannot be reached.
func (s *stage) expect(st *coretest.Step) (want []answer, why string) {
	_, code := s.sc.root(st.ID)
	tip := s.victim.Tip()
	heavier := core.Heavier(s.sc.blocks[st.ID].work, st.ID, tip.Work, tip.ID)
	_, known := s.victim.HeaderState(st.ID)
	switch {
	case st.Verdict == coretest.Accepted:
		return nil, ""
	case known && s.victim.Verdict(st.ID) != nil:
		return nil, "" // look compares the verdict
	case s.gossips(st) && aboutHeader(st.Code) && st.Code != core.ErrGenesis && s.sc.rules.CheckWork(&st.Header) != nil:
		// Gossip looks at the work first, whatever else there is to say.
		return []answer{{core.CodeOf(s.sc.rules.CheckWork(&st.Header)), true}}, ""
	case st.Code == core.ErrNoParent && !s.gossips(st), waits(s.victim.Manager, st):
		return nil, "" // the ancestors are asked for first
	case st.Verdict == coretest.Deferred:
		return []answer{{st.Code, false}}, ""
	case st.Code == core.ErrBadParent:
		_, parentKnown := s.victim.HeaderState(st.Header.Parent)
		if reached := heavier || aboutHeader(code) || s.gossips(st) && parentKnown; !reached {
			return nil, "what follows a bad block is not asked for where it is not the best"
		}
		// If the ancestor was not kept, it comes again and is what is refused.
		return []answer{{core.ErrBadParent, false}, {code, true}}, ""
	case aboutHeader(st.Code):
		return []answer{{st.Code, true}}, ""
	case s.gossips(st) && s.inFull(st) && st.Verdict == coretest.BadBody:
		return []answer{{st.Code, true}}, "" // the announcement contradicts itself
	case s.carried(st):
		return []answer{{st.Code, false}}, "" // who passed it on could not know
	case !heavier:
		return nil, "a branch that is not the best is not asked for"
	case s.victim.HasBlock(st.Culprit):
		return []answer{{core.ErrBadParent, false}}, "" // it was found bad by what another brought
	}
	return []answer{{st.Code, true}}, ""
}

// deliver has the attacker bring a step's block.
func (s *stage) deliver(a *attacker, st *coretest.Step) {
	e := s.sc.blocks[st.ID]
	switch {
	case !s.gossips(st):
		work := e.work
		if aboutHeader(st.Code) {
			work = core.WorkFromBytes([core.WorkSize]byte{1})
		}
		a.claim(st.ID, st.Header.Height, work)
	case s.inFull(st):
		a.publish(wire.Announce(e.Block))
	default:
		a.publish(st.Header.AppendTo([]byte{2}))
	}
	s.announced[st.ID] = true
}

// gossips reports whether a step's block comes by gossip. What it has carried
// once is no message to it any more, and is claimed in a hello.
func (s *stage) gossips(st *coretest.Step) bool { return s.way != claiming && !s.announced[st.ID] }

// inFull reports whether a step's block is announced with all that belongs to
// it.
func (s *stage) inFull(st *coretest.Step) bool {
	b := s.sc.blocks[st.ID]
	return s.way == whole && bytes.Equal(st.Bytes, b.Bytes()) && len(b.Txs) > 0 && b.Txs[0].IsCoinbase()
}

// carried reports whether a step's announcement is the block, and the victim can
// judge it by that.
func (s *stage) carried(st *coretest.Step) bool {
	return s.gossips(st) && s.inFull(st) && len(s.sc.blocks[st.ID].Txs) == 1 && s.victim.HasBlock(st.Header.Parent)
}

// answer returns what the victim says so far of an attacker and its block.
func (s *stage) answer(a *attacker, st *coretest.Step) answer {
	state := s.victim.state(a.ID())
	gossip, rejected := s.victim.log.announcement(a.ID())
	_, refused := s.victim.log.punishments()[a.ID()]
	switch {
	case rejected:
		return answer{gossip, true}
	case refused:
		return answer{state.Code, true}
	case state.Code != "":
		return answer{state.Code, false}
	case s.inFull(st) && s.victim.Verdict(st.ID) != nil:
		return answer{core.CodeOf(s.victim.Verdict(st.Culprit)), false}
	}
	return answer{gossip, false}
}

// look compares the victim with the story, and sees that only attackers who
// deserved it were punished.
func (s *stage) look(st *coretest.Step) error {
	s.happens(func() bool { return s.victim.Tip().ID == st.Tip })
	if err := sameTip(s.victim.TipState(), st); err != nil {
		return err
	}
	if why := s.victim.Verdict(st.Culprit); st.Verdict == coretest.Rejected && why != nil && core.CodeOf(why) != st.Code {
		return fmt.Errorf("the verdict kept is %w, want %q", why, string(st.Code))
	} else if why := s.victim.Verdict(st.ID); st.Verdict != coretest.Rejected && why != nil {
		return fmt.Errorf("the verdict kept is %w, want none", why)
	}
	return s.justice()
}

// justice checks who was punished, and that the honest node is at home.
func (s *stage) justice() error {
	got := s.victim.log.punishments()
	if !maps.EqualFunc(got, s.punished, func(string, bool) bool { return true }) {
		return fmt.Errorf("punished: %v, want %v", got, slices.Collect(maps.Keys(s.punished)))
	}
	if got := s.honest.log.punishments(); len(got) > 0 {
		return fmt.Errorf("the honest node punished the victim: %v", got)
	}
	if !s.joined(s.victim, s.honest) || !s.joined(s.honest, s.victim) {
		return fmt.Errorf("the honest node is not joined: %s", s.victim.state(s.honest.host.ID()).Reason)
	}
	return nil
}

// lastWord has the honest node bring a good block.
func (s *stage) lastWord() error {
	s.clock.set(max(uint64(s.clock.Now().UnixMilli()), s.sc.fresh.Header.Time), false)
	s.await("the honest node follows", func() bool { return s.honest.Tip().ID == s.victim.Tip().ID })
	if _, err := s.honest.AddBlocks(s.ctx, []*core.Block{s.sc.fresh}); err != nil {
		return err
	}
	s.await("the honest node's block is adopted", func() bool { return s.victim.Tip().ID == s.sc.fresh.ID() })
	if err := s.justice(); err != nil {
		return err
	}
	return replays(s.t, s.victim.Manager, s.sc)
}
