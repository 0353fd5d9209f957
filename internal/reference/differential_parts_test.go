package reference

import (
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/holiman/uint256"
	"github.com/ingchain/ingchain/core"
)

// partRounds is how often each of the parts below is tried. They are what chains
// of cheap blocks do not come to: hard targets, great heights, odd parameters.
const partRounds = 20_000

// drawBits is a compact target: any number, or one that is well-formed.
func drawBits(c *choices) uint32 {
	if c.percent(30) {
		return uint32(c.u64())
	}
	return uint32(1+c.n(35))<<24 | uint32(c.u64())&pick[uint32](c, 0xff_ffff, 0x7f_ffff, 0xffff, 0xff, 0xff_ff00)
}

// drawTarget is a number of any length up to 256 bits, but 0.
func drawTarget(c *choices) *big.Int {
	var b [32]byte
	for i := range 4 {
		binary.BigEndian.PutUint64(b[8*i:], c.u64())
	}
	v := new(big.Int).SetBytes(b[:])
	v.Rsh(v, uint(c.n(256)))
	return v.Add(v, big.NewInt(int64(1-v.Sign())))
}

func TestDifferentialTargets(t *testing.T) {
	c := &choices{rnd: rand.New(rand.NewPCG(*seedFlag, 1))}
	for range partRounds {
		bits := drawBits(c)
		got, ok := decodeTarget(bits)
		want, err := core.TargetFromBits(bits)
		if ok != (err == nil) || ok && got.Cmp(want.ToBig()) != 0 {
			t.Fatalf("%08x: core says %v, %v, the model %v", bits, want.Hex(), err, got)
		}
		if ok {
			work, _ := core.WorkFromBits(bits)
			if workOf(got).Cmp(work.ToBig()) != 0 {
				t.Fatalf("work of %08x: core says %v, the model %x", bits, work.Hex(), workOf(got))
			}
		}
		target := drawTarget(c)
		if got, want := encodeTarget(target), core.BitsFromTarget(uint256.MustFromBig(target)); got != want {
			t.Fatalf("target %x: core writes %08x, the model %08x", target, want, got)
		}
	}
}

// retargets compares one drawn step of the difficulty rule.
func retargets(c *choices, bug plant) (r core.Retarget, height, bits uint32, delta uint64, got, want uint32) {
	r = core.Retarget{
		IntervalMillis: pick(c, 1, 2, 10_000, 86_400_000, 1+c.u64()%86_400_000),
		Window:         uint32(pick(c, 2, 3, 60, 1000, 2+c.n(999))),
		LimitBits:      encodeTarget(drawTarget(c)),
		Fixed:          c.percent(5),
	}
	if r.Validate() != nil {
		r.LimitBits = pick[uint32](c, 0x2100ffff, 0x1e400000, 0x05010000)
	}
	r.RampStart = uint32(2 + c.n(int(r.Window)-1))
	height = pick(c, 1, 2, 3, 5, 6, 7, uint32(c.n(7000)), uint32(c.u64()), 1<<32-1)
	height = max(height, 1)
	bits = pick(c, r.LimitBits, 0x05010000, 0x05010001, 0x0500ffff, encodeTarget(drawTarget(c)))
	span := uint64(r.WindowAt(height)) * r.IntervalMillis
	delta = pick(c, 1, r.IntervalMillis, span-1, span, span+1, c.u64()%(2*span), c.u64()>>1)

	n := &Network{params: params{interval: r.IntervalMillis, window: r.Window, rampStart: r.RampStart, limitBits: r.LimitBits, fixed: r.Fixed}, planted: bug}
	parent := &State{height: height - 1, time: 1<<63 + delta, grandparentTime: 1 << 63, bits: bits}
	return r, height, bits, delta, n.nextBits(parent), r.NextBits(height, bits, delta)
}

func TestDifferentialRetarget(t *testing.T) {
	c := &choices{rnd: rand.New(rand.NewPCG(*seedFlag, 2))}
	for range partRounds {
		if r, height, bits, delta, got, want := retargets(c, plant{}); got != want {
			t.Fatalf("%+v, height %d after bits %08x and %d ms: core says %08x, the model %08x", r, height, bits, delta, want, got)
		}
	}
	for _, bug := range []plant{{name: "work clamp floor"}, {name: "work clamp limit"}, {name: "work delta cap"}, {name: "ramp divisor", by: 1}, {name: "retarget start", by: -1}} {
		found := 0
		for range partRounds {
			if _, _, _, _, got, want := retargets(c, bug); got != want {
				found++
			}
		}
		if found == 0 {
			t.Errorf("%+v is not found", bug)
		}
	}
}

// TestDifferentialHeaders judges headers after parents that no chain of ours
// reaches: at the greatest heights, at the end of time, with nearly all the work
// that 256 bits can hold.
func TestDifferentialHeaders(t *testing.T) {
	c := &choices{rnd: rand.New(rand.NewPCG(*seedFlag, 3))}
	seen := map[Verdict]int{}
	for range partRounds / 40 {
		p := worldParams(c)
		rules, err := core.NewRules(p)
		if err != nil {
			t.Fatal(err)
		}
		n, err := New(p.Encode())
		if err != nil {
			t.Fatal(err)
		}
		for range 8 {
			parent, model := drawParent(c, p)
			h := core.Header{
				Version: 1, Height: parent.Height + 1, Parent: parent.ID,
				Time: parent.Time + pick(c, 0, 1, 1<<64-1, c.u64()), Bits: rules.NextBits(&parent),
			}
			switch c.n(8) {
			case 0:
				h.Version = uint16(c.n(4))
			case 1:
				h.Height = pick(c, 0, parent.Height, 1<<32-1)
			case 2:
				h.Bits = drawBits(c)
			}
			if mine(&h); c.percent(5) {
				unmine(&h)
			}
			now := pick(c, h.Time, h.Time-min(h.Time, p.MaxFutureMillis()+uint64(c.n(2))), c.u64())
			next, err := rules.ConnectHeader(&parent, &h)
			want, got := verdictOfError(err), verdictOf(n.checkChild(model, modelHeader(&h)))
			seen[want]++
			if got != want {
				t.Fatalf("%+v after %+v: core says %v, the model %v", h, parent, want, got)
			}
			if got, want := verdictOf(n.checkStranger(modelHeader(&h))), verdictOfError(rules.CheckWork(&h)); got != want {
				t.Fatalf("%+v alone: core says %v, the model %v", h, want, got)
			}
			if got, want := verdictOf(n.checkClock(modelHeader(&h), now)), verdictOfError(rules.CheckClock(&h, now)); got != want {
				t.Fatalf("%+v at %d: core says %v, the model %v", h, now, want, got)
			}
			if err == nil {
				if w := next.Work.Bytes(); workAfter(model.work, h.Bits).Cmp(number(w[:])) != 0 {
					t.Fatalf("work after %v and %08x: core says %v", parent.Work, h.Bits, next.Work)
				}
			}
		}
	}
	for _, code := range []string{"", "header-height", "header-new-rules", "header-version", "header-time", "header-bits", "header-work"} {
		if seen[verdictOf(code)] == 0 {
			t.Errorf("no header was judged %q", code)
		}
	}
}

func drawParent(c *choices, p *core.Params) (core.HeaderState, *State) {
	var id core.Hash
	binary.LittleEndian.PutUint64(id[:], c.u64())
	work := drawTarget(c)
	if c.percent(30) {
		work = new(big.Int).Sub(two256, big.NewInt(int64(1+c.n(3))))
	}
	s := core.HeaderState{
		Height: pick(c, 0, 1, 2, uint32(c.n(1000)), 1<<32-2, 1<<32-1, uint32(c.u64())),
		ID:     id,
		Time:   pick(c, p.GenesisTime+1, 1<<62, 1<<64-1, 1<<64-2),
		Bits:   pick(c, p.Retarget.LimitBits, p.GenesisBits, 0x203fffff, 0x2010ffff),
		Work:   core.WorkFromBytes([32]byte(work.FillBytes(make([]byte, 32)))),
	}
	s.ParentTime = s.Time - min(s.Time, pick(c, 1, p.Retarget.IntervalMillis, c.u64()))
	return s, &State{id: id, height: s.Height, time: s.Time, grandparentTime: s.ParentTime, bits: s.Bits, work: work}
}

func modelHeader(h *core.Header) header {
	return header{h.Version, h.Height, h.Parent, h.MerkleRoot, h.State, h.Time, h.Bits, h.Nonce}
}

// TestDifferentialParams compares which parameters make a network, its genesis
// block, and what it mints at any height.
func TestDifferentialParams(t *testing.T) {
	c := &choices{rnd: rand.New(rand.NewPCG(*seedFlag, 4))}
	good := 0
	for range partRounds {
		p := worldParams(c)
		for range c.n(3) {
			alterParams(c, p)
		}
		n, modelErr := New(p.Encode())
		rules, err := core.NewRules(p)
		if (err == nil) != (modelErr == nil) {
			t.Fatalf("%+v: core says %v, the model %v", p, err, modelErr)
		}
		if err != nil {
			continue
		}
		good++
		if rules.GenesisID() != n.genesisID || string(rules.Genesis().Bytes()) != string(n.genesisBlock) {
			t.Fatalf("%+v: genesis is %x for core, %x for the model", p, rules.Genesis().Bytes(), n.genesisBlock)
		}
		height := pick(c, 0, 1, p.HalvingInterval, p.HalvingInterval+1, 63*p.HalvingInterval, 64*p.HalvingInterval, 64*p.HalvingInterval+1, uint32(c.u64()), 1<<32-1)
		if got, want := n.subsidyAt(height), p.SubsidyAt(height); !got.IsUint64() || got.Uint64() != uint64(want) {
			t.Fatalf("%+v mint %d at height %d, by the model %v", p, want, height, got)
		}
	}
	if good < partRounds/10 || good > partRounds*9/10 {
		t.Errorf("%d of %d parameters are good: the test shows little", good, partRounds)
	}
}

func alterParams(c *choices, p *core.Params) {
	u32 := func(near ...uint32) uint32 {
		return pick(c, append(near, 0, 1, 2, uint32(c.u64()), 1<<32-1)...)
	}
	switch c.n(15) {
	case 0:
		p.Name = pick(c, "", "-a", "a-", "A", "a b", "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef0", "ä")
	case 1:
		p.AddressPrefix = pick(c, "", "a", "ab", "abcde", "abcdef", "aB", "a1", "ing")
	case 2:
		p.GenesisTime = pick(c, 0, 1<<53-1, 1<<53, c.u64())
	case 3:
		p.GenesisBits = drawBits(c)
	case 4:
		p.Retarget.LimitBits = pick(c, drawBits(c), 0x05010000, 0x0500ffff)
	case 5:
		p.Retarget.IntervalMillis = pick(c, 0, 1, 86_400_000, 86_400_001, c.u64())
	case 6:
		p.Retarget.Window = u32(1000, 1001, p.Retarget.RampStart, p.Retarget.RampStart-1)
	case 7:
		p.Retarget.RampStart = u32(p.Retarget.Window, p.Retarget.Window+1)
	case 8:
		p.MaxBlockBytes = u32(4095, 4096, 32<<20, 32<<20+1, p.MaxTxBytes+2048, p.MaxTxBytes+2047)
	case 9:
		p.MaxTxBytes = u32(1023, 1024, p.MaxBlockBytes-2048, p.MaxBlockBytes-2047)
	case 10:
		p.MaxBlockCoins = u32(1<<18, 1<<18+1)
	case 11:
		p.CoinbaseMaturity = u32(100_000, 100_001)
	case 12:
		p.HalvingInterval = u32(uint32(core.MaxAmount / max(p.Subsidy, 1)))
	case 13:
		p.Subsidy = pick(c, 0, core.MaxAmount/core.Amount(max(p.HalvingInterval, 1))/2+core.Amount(c.n(3)), core.MaxAmount, core.MaxAmount+1, core.Amount(c.u64()))
	case 14:
		p.Versions = pick(c, nil, []core.VersionRule{{Height: 0, Version: 0}}, []core.VersionRule{{Height: 1, Version: 1}},
			[]core.VersionRule{{Height: 0, Version: 1}, {Height: 9, Version: 2}}, []core.VersionRule{{Height: 0, Version: 1}, {Height: 0, Version: 1}})
	}
}
