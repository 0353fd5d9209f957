package core_test

import (
	"bytes"
	"math/big"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

const (
	maxFuzzedHeaders = 16
	maxFuzzedNonces  = 1 << 14 // proof of work is given up after as many hashes
)

// mine searches a nonce that meets the header's own bits; it may find none.
func mine(h *core.Header) {
	target, err := core.TargetFromBits(h.Bits)
	for n := 0; err == nil && n < maxFuzzedNonces && !core.HashMeetsTarget(h.ID(), &target); n++ {
		h.Nonce++
	}
}

// brokenHeaderRules lists every rule that h breaks as the child of parent, by the
// specification and in big integers.
func brokenHeaderRules(p *core.Params, parent *core.HeaderState, h *core.Header) map[core.Code]bool {
	broken := map[core.Code]bool{}
	mark := func(c core.Code, is bool) {
		if is {
			broken[c] = true
		}
	}
	raw := h.ID()
	slices.Reverse(raw[:])
	target, err := core.TargetFromBits(h.Bits)
	unmet := err != nil || new(big.Int).SetBytes(raw[:]).Cmp(expand(h.Bits)) > 0
	bits := parent.Bits
	if !p.Retarget.Fixed && parent.Height >= 2 {
		want := nextTarget(p.Retarget, parent.Height+1, parent.Bits, parent.Time-parent.ParentTime)
		bits = compact(want)
	}
	tooEasy := err != nil || target.ToBig().Cmp(expand(p.Retarget.LimitBits)) > 0
	newer := h.Version > p.VersionAt(h.Height)
	mark(core.ErrParentID, h.Parent != parent.ID)
	mark(core.ErrHeight, uint64(h.Height) != uint64(parent.Height)+1)
	mark(core.ErrOldVersion, h.Version < p.VersionAt(h.Height))
	mark(core.ErrTime, h.Time <= parent.Time)
	mark(core.ErrBits, h.Bits != bits || newer && tooEasy)
	mark(core.ErrWork, unmet)
	mark(core.ErrNewRules, newer && !unmet && !tooEasy)
	return broken
}

// compact gives the bits of the largest expressible target not above t, found by
// trying.
func compact(t *big.Int) uint32 {
	for size := uint32(34); ; size-- {
		shift := 8 * (int(size) - 3)
		m := new(big.Int).Set(t)
		if shift >= 0 {
			m.Rsh(m, uint(shift))
		} else {
			m.Lsh(m, uint(-shift))
		}
		if m.Cmp(big.NewInt(0x8000)) >= 0 { // the mantissa's first byte is in use
			return size<<24 | uint32(m.Uint64())
		}
	}
}

// editHeader changes one field to something near, or far off.
func editHeader(s *fuzzing.Source, h *core.Header) {
	switch s.Intn(8) {
	case 0:
		h.Version += fuzzing.Of(s, uint16(1), 1<<16-1, uint16(s.Byte()))
	case 1:
		h.Height += fuzzing.Of(s, uint32(1), 1<<32-1, uint32(s.Byte()))
	case 2:
		h.Parent[s.Intn(32)] ^= s.Byte()
	case 3:
		h.Time += fuzzing.Of(s, uint64(1), 1<<64-1, -h.Time, s.Uint64())
	case 4:
		h.Bits += fuzzing.Of(s, uint32(1), 1<<32-1, 1<<24, 255<<24, uint32(s.Uint64()))
	case 5:
		h.Nonce += uint32(s.Byte())
	case 6:
		h.MerkleRoot[s.Intn(32)] ^= s.Byte()
	case 7:
		h.State[s.Intn(32)] ^= s.Byte()
	}
}

// FuzzHeaderChain grows a chain of headers under a moving difficulty. A header is
// accepted if and only if it breaks no rule of the specification, and refused for
// one that it breaks; the sums add up.
func FuzzHeaderChain(f *testing.F) {
	p := core.Dev()
	p.Retarget.Fixed = false
	rules, err := core.NewRules(p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{10, 0}, 16))            // steady
	f.Add(bytes.Repeat([]byte{0, 0}, 16))             // as quick as may be
	f.Add(bytes.Repeat([]byte{255, 0}, 16))           // slow
	f.Add([]byte{10, 7, 0, 1, 0, 10, 0, 10, 7, 4, 0}) // a later version; other bits
	f.Fuzz(func(t *testing.T, b []byte) {
		s := fuzzing.New(b)
		st := p.GenesisState().HeaderState
		work := new(big.Int)
		for n := 0; n < maxFuzzedHeaders && (n < 4 || !s.Empty()); n++ {
			delta := uint64(s.Byte()) * p.Retarget.IntervalMillis / 10
			h := core.Header{
				Version: p.VersionAt(st.Height + 1), Height: st.Height + 1, Parent: st.ID, Time: st.Time + max(delta, 1), Bits: rules.NextBits(&st),
			}
			edits := s.Intn(8) - 5
			for i := 0; i < edits; i++ {
				editHeader(s, &h)
			}
			if edits < 0 || !s.Rarely(4) {
				mine(&h)
			}
			broken := brokenHeaderRules(p, &st, &h)
			next, err := rules.ConnectHeader(&st, &h)
			if err != nil {
				wantVerdict(t, err)
				if !broken[core.CodeOf(err)] || core.IsDeferred(err) != (core.CodeOf(err) == core.ErrNewRules) {
					t.Fatalf("%+v after %+v: %v, but it breaks %v", h, st, err, broken)
				}
				continue
			}
			if len(broken) > 0 {
				t.Fatalf("%+v after %+v is accepted and breaks %v", h, st, broken)
			}
			wantClock(t, rules, &h)
			each, err := core.WorkFromBits(h.Bits)
			if err != nil || rules.CheckWork(&h) != nil {
				t.Fatalf("accepted, but not its work: %v, %v", err, rules.CheckWork(&h))
			}
			raw := next.Work.Bytes()
			if work.Add(work, each.ToBig()); work.Cmp(new(big.Int).SetBytes(raw[:])) != 0 {
				t.Fatalf("work %v, want %x", next.Work, work)
			}
			want := core.HeaderState{Height: h.Height, ID: h.ID(), Time: h.Time, ParentTime: st.Time, Bits: h.Bits, Work: next.Work}
			if next != want {
				t.Fatalf("state %+v, want %+v", next, want)
			}
			st = next
		}
	})
}

// wantClock looks at the edge of the future.
func wantClock(t *testing.T, rules *core.Rules, h *core.Header) {
	t.Helper()
	limit := rules.Params().MaxFutureMillis()
	edge := h.Time - min(limit, h.Time)
	if err := rules.CheckClock(h, edge); err != nil {
		t.Fatalf("%d ms ahead: %v", h.Time-edge, err)
	}
	if h.Time > limit {
		if err := rules.CheckClock(h, edge-1); !core.IsDeferred(err) || core.CodeOf(err) != core.ErrFuture {
			t.Fatalf("%d ms ahead: %v", limit+1, err)
		}
	}
}
