package cases

import (
	"math"
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// headers are about what a header alone, or as a child of its parent, decides.
var headers = slices.Concat(headerFields, headerTimes, headerParents, headerTargets)

var headerFields = []Case{
	{ID: "H14", Name: "version 0", Rule: "work 4", Tell: refused(core.ErrOldVersion, header(func(h *core.Header) { h.Version = 0 }))},
	{ID: "H18", Name: "heights other than the parent's plus one", Rule: "work 2", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad1, bad2, ...    (each says another height)
		//          \-> good
		trunk(s, 4)
		for i, height := range []uint32{1, 4, 6, 5 + 1<<16, math.MaxUint32} {
			name := numbered("bad", i+1)
			s.Next(name, "b4", func(d *coretest.Draft) {
				d.Header.Height = height
				d.Txs[0] = core.NewCoinbase(height, 5*ing, core.Address{}, nil)
			})
			s.Rejected(name, core.ErrHeight)
		}
		s.Next("good", "b4")
		s.Accepted("good")
	}},
	{ID: "H20", Name: "merkle root of nothing", Rule: "block 1", Tell: func(s *coretest.Story) {
		// ... -> b4 -> odd
		//          \-> good
		trunk(s, 4)
		odd := s.Next("odd", "b4", func(d *coretest.Draft) { d.KeepMerkle = true })
		s.Next("good", "b4")
		s.BadBody("odd", odd.Block.Bytes(), core.ErrMerkleRoot)
		s.Accepted("good")
	}},
	{ID: "H21", Name: "a byte more or less in the header", Rule: "judge 1", Tell: func(s *coretest.Story) {
		trunk(s, 4)
		raw := s.Next("b5", "b4").Block.Bytes()
		s.BadBody("b5", splice(raw, core.HeaderSize, 0, 0), core.ErrMalformed)
		s.BadBody("b5", splice(raw, 0, 0, 0), core.ErrMalformed)
		s.BadBody("b5", splice(raw, core.HeaderSize-1, 1), core.ErrMalformed)
		s.Accepted("b5")
	}},
	{ID: "H22", Name: "highest bit of the version", Rule: "work 3", Tell: newRules(1 | 1<<15)},
	{ID: "H31", Name: "version 2 with work", Rule: "work 3", Tell: newRules(2)},
	{ID: "H32", Name: "version 65535 with work", Rule: "work 3", Tell: newRules(math.MaxUint16)},
	{ID: "H33", Name: "version 2 without work", Rule: "work 3, header 2", Tell: refused(core.ErrWork, header(func(h *core.Header) { h.Version = 2 }), workless)},
	{ID: "H34", Name: "version 2 and too easy a target", Rule: "work 3, header 1", Tell: refused(core.ErrBits, header(func(h *core.Header) { h.Version, h.Bits = 2, 0x2100ffff }))},
	{ID: "H35", Name: "version 2 and malformed bits", Rule: "work 3, header 1", Tell: refused(core.ErrBits, header(func(h *core.Header) { h.Version, h.Bits = 2, 0x20ffffff }))},
	{ID: "H36", Name: "version 2 and what else the rules of now refuse", Rule: "work 3", Tell: func(s *coretest.Story) {
		// ... -> b4 -> newer
		//          \-> good
		// What newer rules allow is not for us to say.
		trunk(s, 4)
		s.Next("newer", "b4", header(func(h *core.Header) { h.Version, h.Time, h.State = 2, 1, core.Hash{} }))
		s.Next("good", "b4")
		s.Deferred("newer", core.ErrNewRules)
		s.Accepted("good")
	}},
	{ID: "H80", Name: "version 2 and ahead of the clock", Rule: "work 3, judge 7", Tell: func(s *coretest.Story) {
		// ... -> b4 -> newer
		//          \-> good
		trunk(s, 4)
		now := timeOf(s, "b4")
		s.Clock(now)
		s.Next("newer", "b4", header(func(h *core.Header) {
			h.Version, h.Time = 2, now+2*s.Rules.Params().MaxFutureMillis()
		}))
		s.Next("good", "b4")
		s.Deferred("newer", core.ErrNewRules)
		s.Accepted("good")
	}},
	{ID: "H37", Name: "version 0 without work", Rule: "work 4", Tell: refused(core.ErrOldVersion, header(func(h *core.Header) { h.Version = 0 }), workless)},
	{ID: "H38", Name: "each field altered after mining", Rule: "work 2, work 3, work 4, work 6, work 7, judge 4", Params: hard, Tell: alteredFields},
	{ID: "H39", Name: "state one bit off", Rule: "state 2", Tell: refused(core.ErrStateRoot, header(func(h *core.Header) { h.State[31] ^= 0x80 }))},
	{ID: "H40", Name: "state after the block itself", Rule: "state 2", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad
		//          \-> good
		trunk(s, 4)
		after := s.Next("good", "b4").State.Commitment()
		s.Next("bad", "b4", header(func(h *core.Header) { h.State = after }))
		s.Rejected("bad", core.ErrStateRoot)
		s.Accepted("good")
	}},
	{ID: "H41", Name: "state of the grandparent", Rule: "state 2", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad
		//          \-> good
		trunk(s, 4)
		before := s.Get("b3").State.Commitment()
		s.Next("bad", "b4", header(func(h *core.Header) { h.State = before }))
		s.Next("good", "b4")
		s.Rejected("bad", core.ErrStateRoot)
		s.Accepted("good")
	}},
	{ID: "H42", Name: "state of an equally long branch", Rule: "state 2", Tell: func(s *coretest.Story) {
		// genesis -> b1 -> ... -> b4 -> bad (state after c4)
		//                   \-> c4 \-> good
		trunk(s, 4)
		c4 := s.Get(above(s, "c4.", "b3", "b4"))
		s.Next("bad", "b4", header(func(h *core.Header) { h.State = c4.State.Commitment() }))
		s.Next("good", "b4")
		s.SideChain(c4.Name)
		s.Rejected("bad", core.ErrStateRoot)
		s.Accepted("good")
	}},
}

// newRules tells of a block of a newer version, its child, and the honest
// block that follows without them.
//
//	... -> b4 -> newer -> child
//	         \-> good
func newRules(version uint16) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		s.Next("newer", "b4", header(func(h *core.Header) { h.Version = version }))
		s.Next("child", "newer")
		s.Next("good", "b4")
		s.Deferred("newer", core.ErrNewRules)
		s.Deferred("child", core.ErrNoParent)
		s.Accepted("good")
		s.Deferred("newer", core.ErrNewRules)
	}
}

// alteredFields tells of copies of good with one field altered, so that each
// has the work of another header.
//
//	genesis -> b1 -> b2 -> version, height, ...
//	                   \-> good
func alteredFields(s *coretest.Story) {
	trunk(s, 2)
	s.Next("good", "b2")
	for _, alter := range []struct {
		name string
		code core.Code
		f    func(h *core.Header)
	}{
		{"version", core.ErrOldVersion, func(h *core.Header) { h.Version-- }},
		{"newer version", core.ErrWork, func(h *core.Header) { h.Version++ }},
		{"height", core.ErrHeight, func(h *core.Header) { h.Height++ }},
		{"merkle root", core.ErrWork, func(h *core.Header) { h.MerkleRoot[0] ^= 1 }},
		{"state", core.ErrWork, func(h *core.Header) { h.State[0] ^= 1 }},
		{"time", core.ErrWork, func(h *core.Header) { h.Time++ }},
		{"bits", core.ErrBits, func(h *core.Header) { h.Bits-- }},
		{"nonce", core.ErrWork, func(h *core.Header) { h.Nonce++ }},
	} {
		s.Next(alter.name, "b2", alteredCopy("good", alter.f))
		s.Rejected(alter.name, alter.code)
	}
	s.Next("parent", "b2", alteredCopy("good", func(h *core.Header) { h.Parent[0] ^= 1 }))
	s.Deferred("parent", core.ErrNoParent)
	s.Accepted("good")
}

var headerTimes = []Case{
	{ID: "H09", Name: "time of the parent", Rule: "work 5", Tell: refused(core.ErrTime, in(0))},
	{ID: "H10", Name: "a millisecond after the parent", Rule: "work 5", Tell: accepted(in(1))},
	{ID: "H11", Name: "exactly at the future limit", Rule: "judge 7", Tell: func(s *coretest.Story) {
		const ahead = 1_000_000
		limit := s.Rules.Params().MaxFutureMillis()
		s.Clock(timeOf(s, coretest.Genesis) + ahead - limit)
		trunk(s, 4)
		s.Next("early", "b4", coretest.WithTime(timeOf(s, coretest.Genesis)+ahead))
		s.Accepted("early")
	}},
	{ID: "H12", Name: "a millisecond beyond the future limit, accepted when it has passed", Rule: "judge 7", Tell: func(s *coretest.Story) {
		// ... -> b4 -> early -> child
		const ahead = 1_000_000
		now := timeOf(s, coretest.Genesis) + ahead - s.Rules.Params().MaxFutureMillis() - 1
		s.Clock(now)
		trunk(s, 4)
		s.Next("early", "b4", coretest.WithTime(timeOf(s, coretest.Genesis)+ahead))
		s.Next("child", "early", in(1))
		s.Deferred("early", core.ErrFuture)
		s.Deferred("child", core.ErrNoParent)
		s.ExpectTip("b4")
		s.Clock(now + 1)
		s.Accepted("early")
		s.Deferred("child", core.ErrFuture)
		s.Clock(now + 2)
		s.Accepted("child")
	}},
	{ID: "H23", Name: "a clock pushed to the limit and back", Rule: "work 5", Tell: func(s *coretest.Story) {
		// With strictly increasing times nothing is gained by a late stamp: what
		// follows cannot be earlier.
		//
		// ... -> b4 -> late -> back
		//                  \-> next
		trunk(s, 4)
		s.Next("late", "b4", in(s.Rules.Params().MaxFutureMillis()))
		s.Next("back", "late", coretest.WithTime(timeOf(s, "b4")+1))
		s.Next("next", "late", in(1))
		s.Accepted("late")
		s.Rejected("back", core.ErrTime)
		s.Accepted("next")
	}},
	{ID: "H43", Name: "a millisecond before the parent", Rule: "work 5", Tell: refused(core.ErrTime, in(math.MaxUint64))},
	{ID: "H44", Name: "time 0", Rule: "work 5", Tell: refused(core.ErrTime, coretest.WithTime(0))},
	{ID: "H45", Name: "before genesis", Rule: "work 5", Tell: func(s *coretest.Story) {
		s.Next("bad", coretest.Genesis, in(math.MaxUint64))
		s.Next("good", coretest.Genesis, in(1))
		s.Rejected("bad", core.ErrTime)
		s.Accepted("good")
	}},
	{ID: "H46", Name: "greatest times that there are", Rule: "judge 7", Tell: func(s *coretest.Story) {
		// ... -> b4 -> far1, far2, ...
		//          \-> good
		trunk(s, 4)
		for i, ms := range []uint64{1 << 53, 1<<63 - 1, 1 << 63, math.MaxUint64} {
			name := numbered("far", i+1)
			s.Next(name, "b4", coretest.WithTime(ms))
			s.Deferred(name, core.ErrFuture)
		}
		s.Next("good", "b4")
		s.Accepted("good")
	}},
	{ID: "H47", Name: "a clock that stands at 1970", Rule: "judge 7", Tell: func(s *coretest.Story) {
		s.Clock(0)
		s.Next("b1", coretest.Genesis)
		s.Deferred("b1", core.ErrFuture)
		s.Clock(timeOf(s, "b1"))
		s.Accepted("b1")
	}},
	{ID: "H48", Name: "an early block whose chance passes", Rule: "judge 7, best", Tell: func(s *coretest.Story) {
		// ... -> b4 -> early
		//         \--> c5 -> c6
		s.Clock(timeOf(s, coretest.Genesis))
		trunk(s, 4)
		s.Next("early", "b4", in(600_000))
		s.Chain.Chain("c", "b4", 2)
		s.Deferred("early", core.ErrFuture)
		s.Accepted("c1", "c2")
		s.Clock(timeOf(s, "early"))
		s.SideChain("early")
		s.ExpectTip("c2")
	}},
	{ID: "H81", Name: "an early block that is bad when its time has come", Rule: "judge 7, judge 9", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad -> child
		//          \-> good
		trunk(s, 4)
		now := timeOf(s, "b4")
		early := now + s.Rules.Params().MaxFutureMillis() + 1
		s.Next("bad", "b4", badState, coretest.WithTime(early))
		s.Next("child", "bad", coretest.WithTime(early+1))
		s.Next("good", "b4")
		s.Clock(now)
		s.Deferred("bad", core.ErrFuture)
		s.Deferred("child", core.ErrNoParent)
		s.Clock(early)
		s.Rejected("bad", core.ErrStateRoot)
		s.Rejected("child", core.ErrBadParent)
		s.Accepted("good")
	}},
	{ID: "H49", Name: "early and without work", Rule: "work 7, judge 6", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad
		//          \-> good
		// The clock comes last, so that only what cost work waits.
		s.Clock(timeOf(s, coretest.Genesis))
		trunk(s, 4)
		s.Next("bad", "b4", in(1<<40), workless)
		s.Next("good", "b4")
		s.Rejected("bad", core.ErrWork)
		s.Accepted("good")
	}},
	{ID: "H50", Name: "many blocks a millisecond apart", Rule: "work 5", Tell: func(s *coretest.Story) {
		trunk(s, 1)
		last := "b1"
		for i := range 8 {
			last = s.Next(numbered("quick", i+1), last, in(1)).Name
			s.Accepted(last)
		}
	}},
}
