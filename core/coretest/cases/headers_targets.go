package cases

import (
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

var headerTargets = []Case{
	{ID: "H01", Name: "hash above the target", Rule: "work 7", Tell: refused(core.ErrWork, workless)},
	{ID: "H02", Name: "easier than the network's limit", Rule: "work 6", Tell: refused(core.ErrBits, bits(0x2100ffff))},
	{ID: "H03", Name: "one step too easy", Rule: "work 6", Params: adjusting, Tell: refused(core.ErrBits, func(d *coretest.Draft) { d.Header.Bits = easier(d.Header.Bits) })},
	{ID: "H04", Name: "one step too hard", Rule: "work 6", Params: adjusting, Tell: refused(core.ErrBits, func(d *coretest.Draft) { d.Header.Bits = harder(d.Header.Bits) })},
	{ID: "H05", Name: "negative bits", Rule: "work 6, target", Tell: refused(core.ErrBits, bits(0x20ffffff))},
	{ID: "H07", Name: "target of zero", Rule: "work 6, target", Tell: refused(core.ErrBits, bits(0x20000000))},
	{
		ID: "H08", Name: "the right target in a longer form", Rule: "work 6, target",
		Params: network(func(p *core.Params) { p.GenesisBits = 0x207fff00 }),
		Tell:   refused(core.ErrBits, bits(0x21007fff)),
	},
	{ID: "H27", Name: "longer branch of less work", Rule: "best", Params: nervous, Tell: func(s *coretest.Story) {
		// genesis -> f1 -> ... -> f4 -> f5             at once: each twice as hard
		//        \-> s1 -> ... ... ... ... -> s7       slow: each easier
		fast, slow := branch(s, "f", coretest.Genesis, 5, in(1)), branch(s, "s", coretest.Genesis, 7, in(20_000))
		s.Accepted(fast[:4]...)
		s.SideChain(slow...)
		s.ExpectTip("f4")
		s.Accepted("f5")
	}},
	{ID: "H61", Name: "shorter branch of more work", Rule: "best", Params: nervous, Tell: func(s *coretest.Story) {
		fast, slow := branch(s, "f", coretest.Genesis, 4, in(1)), branch(s, "s", coretest.Genesis, 7, in(20_000))
		s.Accepted(slow...)
		s.SideChain(fast[:2]...)
		s.Accepted(fast[2:]...)
	}},
	{ID: "H62", Name: "malformed bits of every kind", Rule: "work 6, target", Tell: func(s *coretest.Story) {
		trunk(s, 2)
		for i, b := range []uint32{
			0,          // nothing
			0x00800000, // a sign and nothing else
			0x01003456, // all of the mantissa shifted out
			0x03000001, // 1, which is 0x01010000
			0x04923456, // negative
			0x207fffff | 1<<23,
			0x21007fff, // two bytes where three would do
			0x21010000, // 2^256
			0x22000100, 0x23000001, 0xff7fffff, 0xffffffff,
		} {
			name := numbered("bad", i+1)
			s.Next(name, "b2", bits(b))
			s.Rejected(name, core.ErrBits)
		}
		s.Next("good", "b2")
		s.Accepted("good")
	}},
	{ID: "H63", Name: "steps beside the rule's target while the window grows", Rule: "difficulty", Params: adjusting, Tell: func(s *coretest.Story) {
		// genesis -> b1 -> ... -> b13, every 7 s, and beside most a step up and down.
		// The window grows at heights 6 and 12.
		for i := uint32(1); i <= 13; i++ {
			parent, name := s.Best(), numbered("b", int(i))
			s.Next(name, parent.Name, in(7_000))
			if slices.Contains([]uint32{1, 2, 3, 5, 6, 7, 11, 12, 13}, i) {
				want := s.Get(name).Block.Header.Bits
				for _, beside := range []struct {
					name string
					bits uint32
				}{
					{name + " easier", easier(want)}, {name + " harder", harder(want)},
				} {
					s.Next(beside.name, parent.Name, in(7_000), bits(beside.bits))
					s.Rejected(beside.name, core.ErrBits)
				}
			}
			s.Accepted(name)
		}
	}},
	{ID: "H64", Name: "window of the parent's height", Rule: "difficulty", Params: adjusting, Tell: func(s *coretest.Story) {
		// The window is that of the block's own height: 5 at height 6, not 4.
		trunk(s, 4)
		s.Next("b5", "b4", in(30_000))
		s.Accepted("b5")
		r, parent := s.Rules.Params().Retarget, s.Get("b5").State
		s.Next("bad", "b5", bits(r.NextBits(5, parent.Bits, parent.Time-parent.ParentTime)))
		s.Next("good", "b5")
		s.Rejected("bad", core.ErrBits)
		s.Accepted("good")
	}},
	{ID: "H65", Name: "blocks 1 and 2 keep the first difficulty", Rule: "difficulty", Params: adjusting, Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> b3     after 1 ms, 1 ms and 1 ms
		s.Next("b1", coretest.Genesis, in(1), bits(0x2000ffff))
		s.Next("moved", "b1", in(1), bits(0x2000c000))
		s.Next("b2", "b1", in(1), bits(0x2000ffff))
		s.Next("kept", "b2", in(1), bits(0x2000ffff))
		s.Next("up", "b2", in(1), bits(0x2000c001))
		s.Next("b3", "b2", in(1), bits(0x2000c000)) // 65,535 · 30,001 / 40,000 = 49,152.9
		s.Accepted("b1")
		s.Rejected("moved", core.ErrBits)
		s.Accepted("b2")
		s.Rejected("kept", core.ErrBits)
		s.Rejected("up", core.ErrBits)
		s.Accepted("b3")
	}},
	{ID: "H66", Name: "a long pause counts no more than the window", Rule: "difficulty", Params: adjusting, Tell: func(s *coretest.Story) {
		// ... -> b1 -> b2 (50 s later) -> b3: as if after 40 s, window 4 times 10 s
		trunk(s, 1)
		s.Next("b2", "b1", in(50_000))
		s.Next("bad", "b2", bits(0x2001fffe))
		s.Next("b3", "b2", bits(0x2001bffe)) // 65,535 · 70,000 / 40,000 = 114,686.25
		s.Accepted("b2")
		s.Rejected("bad", core.ErrBits)
		s.Accepted("b3")
	}},
	{
		ID: "H67", Name: "no easier than the limit", Rule: "difficulty",
		Params: network(func(p *core.Params) { p.Retarget.Fixed = false }),
		Tell: func(s *coretest.Story) {
			trunk(s, 1)
			s.Next("b2", "b1", in(20_000))
			s.Next("bad", "b2", bits(0x21009fff)) // 5/4 of the parent's target
			s.Next("b3", "b2", bits(0x207fffff))
			s.Accepted("b2")
			s.Rejected("bad", core.ErrBits)
			s.Accepted("b3")
		},
	},
	{ID: "H68", Name: "bits of another branch", Rule: "difficulty", Params: adjusting, Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> b3 (1 ms) -> b4
		//                    \-> c3 (20 s) -> c4
		trunk(s, 2)
		s.Next("b3", "b2", in(1))
		s.Next("b4", "b3")
		s.Next("c3", "b2", in(20_000))
		s.Next("bad", "c3", bits(s.Get("b4").Block.Header.Bits))
		s.Next("c4", "c3")
		offer(s, "b3")
		offer(s, "c3")
		s.Rejected("bad", core.ErrBits)
		offer(s, "c4")
		s.Accepted("b4")
	}},
	{ID: "H69", Name: "work in the other byte order", Rule: "work 7", Params: hard, Tell: refused(core.ErrWork, nonce(func(id core.Hash) bool {
		target, _ := core.TargetFromBits(hard().GenesisBits)
		meets := core.HashMeetsTarget(id, &target)
		slices.Reverse(id[:])
		return !meets && core.HashMeetsTarget(id, &target)
	}))},
	{ID: "H70", Name: "another nonce makes another block", Rule: "work 7, best", Tell: func(s *coretest.Story) {
		// Both have work and are equal but for their ids.
		trunk(s, 4)
		first := s.Next("first", "b4").Block
		target, _ := core.TargetFromBits(first.Header.Bits)
		s.Next("second", "b4", alteredCopy("first", func(h *core.Header) {
			for h.Nonce++; ; h.Nonce++ {
				if core.HashMeetsTarget(h.ID(), &target) {
					return
				}
			}
		}))
		s.Accepted("first")
		offer(s, "second")
		s.Next("next", "second")
		s.Accepted("next")
	}},
}

// nervous is adjusting with a window of two blocks.
var nervous = network(func(p *core.Params) {
	p.GenesisBits = 0x2000ffff
	p.Retarget.Fixed = false
	p.Retarget.RampStart, p.Retarget.Window = 2, 2
})
