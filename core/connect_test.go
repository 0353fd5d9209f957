package core

import (
	"errors"
	"math"
	"testing"
)

// devRules are those of the development network after a change that
// Params.Validate would refuse: what is to come, or must not come.
func devRules(t *testing.T, change func(*Params)) *Rules {
	t.Helper()
	r, err := NewRules(Dev())
	if err != nil {
		t.Fatal(err)
	}
	change(&r.params)
	return r
}

// These rules know one version so far; the schedule is asked for the height of
// the header, not of its parent.
func TestTheHeaderVersionIsThatOfItsHeight(t *testing.T) {
	r := devRules(t, func(p *Params) {
		p.Versions = []VersionRule{{Version: 1}, {Height: 5, Version: 2}, {Height: 6, Version: 3}}
	})
	for height, version := range map[uint32]uint16{4: 1, 5: 2, 6: 3, 7: 3} {
		parent := HeaderState{Height: height - 1, Time: 1000, Bits: 0x207fffff}
		for v, want := range map[uint16]error{version - 1: ErrOldVersion, version: ErrTime} {
			h := Header{Version: v, Height: height, Time: parent.Time, Bits: parent.Bits}
			if _, err := r.ConnectHeader(&parent, &h); !errors.Is(err, want) {
				t.Errorf("version %d at height %d: %v, want %v", v, height, err, want)
			}
		}
	}
}

// A parent whose bits are no target, which no rule lets in, has no child.
func TestMalformedBitsAreNotPassedOn(t *testing.T) {
	r := devRules(t, func(*Params) {})
	for _, bits := range []uint32{0, 0x1d80ffff, 0xff7fffff} {
		parent := HeaderState{Height: 4, Time: 1000, Bits: bits}
		h := Header{Version: 1, Height: 5, Time: 1001, Bits: bits}
		if _, err := r.ConnectHeader(&parent, &h); !errors.Is(err, ErrBits) {
			t.Errorf("bits %08x: %v", bits, err)
		}
	}
}

func TestTheClockDoesNotWrap(t *testing.T) {
	r := devRules(t, func(*Params) {})
	limit := r.params.MaxFutureMillis()
	for _, tc := range []struct {
		time, now uint64
		want      bool
	}{
		{0, 0, true}, {limit, 0, true}, {limit + 1, 0, false}, {math.MaxUint64, 0, false}, {0, math.MaxUint64, true}, {5, math.MaxUint64, true},
		{math.MaxUint64, math.MaxUint64, true}, {math.MaxUint64, math.MaxUint64 - limit, true}, {math.MaxUint64, math.MaxUint64 - limit - 1, false},
	} {
		if err := r.CheckClock(&Header{Time: tc.time}, tc.now); (err == nil) != tc.want {
			t.Errorf("time %d at %d: %v", tc.time, tc.now, err)
		}
	}
}

// ConnectBlock does not lean on CheckBlock for coins that the block makes
// itself: they are spent once, and only those that there are.
func TestOwnOutputsAreSpentOnce(t *testing.T) {
	var b Block
	b.Txs = []Transaction{
		{Version: TxVersion, Outputs: []Output{{Value: 7}}},
		{Version: TxVersion, Inputs: []Input{{}}, Outputs: []Output{{Value: 1}, {Value: 2}}},
		{Version: TxVersion, Inputs: []Input{{}}, Outputs: []Output{{Value: 3}}},
	}
	b.Header.Height = 9
	b.txids = []Hash{{1}, {2}, {3}}
	o := newOutputs(&b)
	for _, tc := range []struct {
		name   string
		op     Outpoint
		before int
		value  Amount // 0: not to be had
	}{
		{"of another block", Outpoint{TxID: Hash{4}}, 3, 0},
		{"of a later transaction", Outpoint{TxID: Hash{3}}, 1, 0},
		{"behind the last", Outpoint{TxID: Hash{2}, Index: 2}, 3, 0},
		{"far behind", Outpoint{TxID: Hash{2}, Index: math.MaxUint32}, 3, 0},
		{"the last", Outpoint{TxID: Hash{2}, Index: 1}, 3, 2},
		{"again", Outpoint{TxID: Hash{2}, Index: 1}, 3, 0},
		{"the coinbase's", Outpoint{TxID: Hash{1}}, 1, 7},
	} {
		c, ok := o.take(tc.op, tc.before)
		if ok != (tc.value != 0) || c.Value != tc.value {
			t.Errorf("%s: %+v, %t", tc.name, c, ok)
		}
		if ok && (c.Outpoint != tc.op || c.Height != 9 || c.Coinbase != (tc.op.TxID == Hash{1})) {
			t.Errorf("%s: %+v", tc.name, c)
		}
	}
	var left []Amount
	for _, c := range o.left() {
		left = append(left, c.Value)
	}
	if len(left) != 2 || left[0] != 1 || left[1] != 3 {
		t.Errorf("left are %v", left)
	}
}
