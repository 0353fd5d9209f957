package conformance

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// node is a chain whose clock the story sets.
type node struct {
	*chain.Manager
	clock uint64
}

func newNode(t *testing.T, rules *core.Rules) *node {
	t.Helper()
	n := &node{}
	n.Manager = openChain(t, rules, chain.Options{Now: func() time.Time { return time.UnixMilli(int64(n.clock)) }})
	return n
}

func openChain(t *testing.T, rules *core.Rules, opts chain.Options) *chain.Manager {
	t.Helper()
	store, err := pebbledb.OpenMem(rules.GenesisID())
	if err != nil {
		t.Fatal(err)
	}
	m, err := chain.Open(store, rules, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// byChain hands blocks to the chain, as miner and API do.
func byChain(t *testing.T, r *record, sc *script) error {
	return tellNode(t, r, sc, func(n *node, st *coretest.Step) error {
		b, err := core.ParseBlock(st.Bytes)
		if err == nil {
			_, err = n.AddBlocks(t.Context(), []*core.Block{b})
		}
		return err
	})
}

// byHeader hands headers to the chain before the blocks, as sync does.
func byHeader(t *testing.T, r *record, sc *script) error {
	return tellNode(t, r, sc, func(n *node, st *coretest.Step) error {
		if _, err := n.AddHeaders([]core.Header{st.Header}); err != nil {
			return err
		}
		b, err := core.ParseBlock(st.Bytes)
		if err == nil {
			_, err = n.AddBlocks(t.Context(), []*core.Block{b})
		}
		return err
	})
}

// byImport puts each block into an export of its own.
func byImport(t *testing.T, r *record, sc *script) error {
	r.fileOnly = true
	return tellNode(t, r, sc, func(n *node, st *coretest.Step) error {
		_, err := n.Import(t.Context(), bytes.NewReader(exportOf(sc.rules.GenesisID(), st)), nil)
		return err
	})
}

// exportOf writes what chain export writes of one block.
func exportOf(genesis core.Hash, st *coretest.Step) []byte {
	out := append([]byte("ingchain-blocks\x01"), genesis[:]...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(st.Bytes)))
	out = append(out, st.Bytes...)
	return append(append(out, 0, 0, 0, 0), st.ID[:]...)
}

// tellNode goes through a story on one node.
func tellNode(t *testing.T, r *record, sc *script, deliver func(*node, *coretest.Step) error) error {
	n := newNode(t, sc.rules)
	for i := range sc.steps {
		st := &sc.steps[i]
		n.clock = st.Clock
		err := deliver(n, st)
		if r.fileOnly && len(st.Bytes) == 0 {
			r.skip(st, "a length of zero ends an export")
		} else if anotherBlock(st) {
			// Nobody says here which block was meant.
			r.skip(st, "a good block instead of the one that was asked for")
		} else if waits(n.Manager, st) {
			// Its header can be judged already, and the body comes to lie beside it.
			if err != nil {
				return fmt.Errorf("step %d, %s: %w, want it to wait for its parent", i+1, st.Name, err)
			}
		} else if err := sameVerdict(n.Manager, st, err); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, st.Name, err)
		}
		if err := sameTip(n.TipState(), st); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, st.Name, err)
		}
	}
	n.clock = max(n.clock, sc.fresh.Header.Time)
	if _, err := n.AddBlocks(t.Context(), []*core.Block{sc.fresh}); err != nil {
		return fmt.Errorf("a good block afterwards: %w", err)
	}
	return replays(t, n.Manager, sc)
}

// sameTip says how a node's tip and state differ from those after a step.
func sameTip(tip *core.State, st *coretest.Step) error {
	switch {
	case tip.ID != st.Tip:
		return fmt.Errorf("the tip is %s at height %d, want %s", tip.ID.Short(), tip.Height, st.Tip.Short())
	case tip.Commitment() != st.State:
		return fmt.Errorf("the state is %s, want %s", tip.Commitment(), st.State)
	}
	return nil
}

// anotherBlock reports whether a step's bytes are a block, but not the one that
// is meant.
func anotherBlock(st *coretest.Step) bool {
	b, err := core.ParseBlock(st.Bytes)
	return err == nil && b.ID() != st.ID
}

// waits reports whether a step's parent is known by its header and the body is
// awaited: only whoever knows no more than blocks has to send the child away.
func waits(m *chain.Manager, st *coretest.Step) bool {
	_, known := m.HeaderState(st.Header.Parent)
	return st.Code == core.ErrNoParent && known && !m.HasBlock(st.Header.Parent)
}

// tooLong reports whether a step's block is longer than the network allows, so
// that who receives it stops reading. Nothing is known of its id then.
func tooLong(st *coretest.Step) bool { return st.Code == core.ErrBlockSize }

// sameVerdict says how a node's answer differs from the verdict of a step.
func sameVerdict(m *chain.Manager, st *coretest.Step, err error) error {
	got, code := coretest.Accepted, core.CodeOf(err)
	switch {
	case err == nil:
	case core.IsForever(err):
		got = coretest.Rejected
	case core.IsPunishable(err):
		got = coretest.BadBody
	case core.IsDeferred(err):
		got = coretest.Deferred
	default:
		return fmt.Errorf("no verdict: %w", err)
	}
	// Of a block whose ancestor turned out bad it is said that it descends from
	// that one; what was wrong stands at the ancestor.
	if st.Verdict == coretest.Rejected && st.Culprit != st.ID && code == core.ErrBadParent {
		code = core.CodeOf(m.Verdict(st.Culprit))
	}
	if tooLong(st) && got == coretest.BadBody {
		got = coretest.Rejected // longer than any block may be, and not read
	}
	if got != st.Verdict || code != st.Code {
		return fmt.Errorf("%s (%s), want %s", verdictText(got, code), fmt.Sprint(err), verdictText(st.Verdict, st.Code))
	}
	return nil
}

func verdictText(v coretest.Verdict, code core.Code) string {
	switch v {
	case coretest.Accepted:
		return "accepted"
	case coretest.Rejected:
		return "rejected with " + string(code)
	case coretest.BadBody:
		return "bytes refused with " + string(code)
	}
	return "deferred with " + string(code)
}

// replays checks that a node is on the fresh block, and that a new node comes
// to the same state from its chain alone.
func replays(t *testing.T, m *chain.Manager, sc *script) error {
	t.Helper()
	tip := m.TipState()
	if tip.ID != sc.fresh.ID() {
		return fmt.Errorf("the tip is %s at height %d, want the good block at the end, %s", tip.ID.Short(), tip.Height, sc.fresh.ID().Short())
	}
	again := newNode(t, sc.rules)
	again.clock = max(sc.steps[len(sc.steps)-1].Clock, sc.fresh.Header.Time)
	var blocks []*core.Block
	for h := uint32(1); h <= tip.Height; h++ {
		b, err := m.BlockAt(h)
		if err != nil {
			return err
		}
		blocks = append(blocks, b)
	}
	if _, err := again.AddBlocks(context.Background(), blocks); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if got := again.TipState(); *got != *tip {
		return fmt.Errorf("a replay of the chain ends in state %s, the node is at %s", got.Commitment(), tip.Commitment())
	}
	return nil
}
