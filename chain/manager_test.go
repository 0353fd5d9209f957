package chain_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

func sortedOutpoints(coins core.UTXOs) []core.Outpoint {
	ops := make([]core.Outpoint, 0, len(coins))
	for op := range coins {
		ops = append(ops, op)
	}
	slices.SortFunc(ops, func(a, b core.Outpoint) int {
		if c := bytes.Compare(a.TxID[:], b.TxID[:]); c != 0 {
			return c
		}
		return int(a.Index) - int(b.Index)
	})
	return ops
}

func TestNewChainStandsAtGenesis(t *testing.T) {
	m := newManager(t, chain.Options{})
	if tip := m.Tip(); tip.ID != m.Rules().GenesisID() || tip.Height != 0 {
		t.Fatalf("tip %+v", tip)
	}
	b, err := m.BlockAt(0)
	if err != nil || b.ID() != m.Rules().GenesisID() {
		t.Fatalf("block at 0: %v, %v", b, err)
	}
	wantVerified(t, m)
}

func TestExtendWithPayments(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	rng := rand.New(rand.NewPCG(1, 2))
	at := b.genesis()
	for range 40 {
		blk := b.spending(at, rng, 3)
		if n, err := m.AddBlocks(context.Background(), []*core.Block{blk}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if n, err := m.AddBlocks(context.Background(), []*core.Block{blk}); n != 0 || err != nil {
			t.Fatal("known block:", n, err)
		}
		at = blk.ID()
		if m.Tip().ID != at {
			t.Fatal("tip did not follow")
		}
	}
	b.wantState(m)
	wantVerified(t, m)
}

func TestUnknownParentIsDeferred(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	blocks := b.branch(b.genesis(), 2)
	_, err := m.AddBlocks(context.Background(), blocks[1:])
	if !core.IsDeferred(err) || !errors.Is(err, core.ErrNoParent) {
		t.Fatal(err)
	}
}

// A block that cannot be kept now holds up none that came before it.
func TestBlocksBeforeADeferredOneAreConnected(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	good := b.branch(b.genesis(), 3)
	gap := b.branch(b.genesis(), 2)
	if _, err := m.AddHeaders(headersOf(gap)); err != nil {
		t.Fatal(err)
	}
	m.FillWaiting()
	added, err := m.AddBlocks(context.Background(), append(good, gap[1]))
	if added != 3 || !errors.Is(err, core.ErrNoParent) {
		t.Fatalf("%d blocks added, %v", added, err)
	}
	if m.Tip().ID != good[2].ID() {
		t.Errorf("tip at height %d, want 3", m.Tip().Height)
	}
}
