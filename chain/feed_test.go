package chain_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// follow takes a reader's stack of blocks from where it stands to the tip.
func follow(t *testing.T, m *chain.Manager, stack []core.Hash, step int) []core.Hash {
	t.Helper()
	for {
		var cursor core.Hash
		if len(stack) > 0 {
			cursor = stack[len(stack)-1]
		}
		u, err := m.UpdatesSince(cursor, step)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range u.Reverted {
			if stack[len(stack)-1] != b.ID() {
				t.Fatal("reverted a block that is not the newest")
			}
			stack = stack[:len(stack)-1]
		}
		for _, b := range u.Applied {
			if len(stack) > 0 && stack[len(stack)-1] != b.Header.Parent {
				t.Fatal("applied a block on one that is not its parent")
			}
			stack = append(stack, b.ID())
		}
		if stack[len(stack)-1] != u.Cursor {
			t.Fatal("cursor is not where the steps lead")
		}
		if !u.More {
			break
		}
	}
	if m.Tip().ID != stack[len(stack)-1] || len(stack) != int(m.Tip().Height)+1 {
		t.Fatal("steps do not lead to the tip")
	}
	return stack
}

func TestUpdatesReplayAcrossReorganisations(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 3))
		b := newBuilder(t)
		m := newManager(t, chain.Options{FlushBytes: 2000})
		var quick, slow []core.Hash
		for i, blk := range b.forest(rng, 60) {
			mustAdd(t, m, blk)
			quick = follow(t, m, quick, 1+rng.IntN(4))
			if i%9 == 0 {
				slow = follow(t, m, slow, 1+rng.IntN(3))
			}
		}
		follow(t, m, slow, 1000)
		// From any block whatever, on the chain or not.
		for id, blk := range b.blocks {
			var stack []core.Hash
			for at := blk; ; at = b.blocks[at.Header.Parent] {
				stack = append([]core.Hash{at.ID()}, stack...)
				if at.Header.Height == 0 {
					break
				}
			}
			if stack[len(stack)-1] != id {
				t.Fatal("test: stack")
			}
			follow(t, m, stack, 7)
		}
	}
}

func TestUnknownCursor(t *testing.T) {
	m := newManager(t, chain.Options{})
	if _, err := m.UpdatesSince(core.Hash{5}, 10); !errors.Is(err, chain.ErrNotFound) {
		t.Fatal(err)
	}
}

func TestSubscribersArePoked(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	wake, cancel := m.Subscribe()
	gone, cancelGone := m.Subscribe()
	cancelGone()
	poked := func(ch <-chan struct{}) bool {
		select {
		case <-ch:
			return true
		default:
			return false
		}
	}
	blocks := b.branch(b.genesis(), 3)
	mustAdd(t, m, blocks...)
	if !poked(wake) || poked(wake) || poked(gone) {
		t.Error("want one poke for a tip that moved, none for who left")
	}
	mustAdd(t, m, b.child(b.genesis())) // a side branch: no new tip
	if poked(wake) {
		t.Error("poked for nothing")
	}
	cancel()
}

func TestExportAndImport(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	mustAdd(t, m, b.bare(b.genesis(), 600)...)
	var stream bytes.Buffer
	tip, err := m.Export(context.Background(), &stream)
	if err != nil || tip != m.Tip() {
		t.Fatal(tip, err)
	}
	whole := stream.Bytes()
	other := newManager(t, chain.Options{})
	if got, err := other.Import(context.Background(), bytes.NewReader(whole), nil); err != nil || got != tip {
		t.Fatal(got, err)
	}
	wantVerified(t, other)

	cut := newManager(t, chain.Options{})
	if _, err := cut.Import(context.Background(), bytes.NewReader(whole[:len(whole)/2]), nil); !errors.Is(err, chain.ErrBadExport) {
		t.Error("cut stream:", err)
	}
	if h := cut.Tip().Height; h < 200 {
		t.Errorf("the good half of a cut stream brought %d blocks", h)
	}
	foreign := bytes.Clone(whole)
	foreign[20] ^= 1
	if _, err := cut.Import(context.Background(), bytes.NewReader(foreign), nil); !errors.Is(err, chain.ErrWrongNetwork) {
		t.Error("foreign stream:", err)
	}
	if _, err := cut.Import(context.Background(), bytes.NewReader([]byte("hello")), nil); !errors.Is(err, chain.ErrBadExport) {
		t.Error("no export at all:", err)
	}
}

func TestReading(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	blocks := b.bare(b.genesis(), 50)
	side := b.bare(blocks[29].ID(), 10)
	mustAdd(t, m, blocks...)
	mustAdd(t, m, side...)
	if got := m.Locator(); got[0] != blocks[49].ID() || got[len(got)-1] != b.genesis() {
		t.Error("locator ends")
	}
	// A peer on the side branch: from the fork on, up to stop.
	hs := m.HeadersAfter([]core.Hash{side[9].ID(), blocks[29].ID()}, blocks[34].ID(), 100)
	if len(hs) != 5 || hs[0].ID() != blocks[30].ID() {
		t.Errorf("%d headers after the fork", len(hs))
	}
	ids, err := m.IDsInRange(side[9].ID(), 29, 5)
	if err != nil || len(ids) != 5 || ids[1] != blocks[29].ID() || ids[2] != side[0].ID() {
		t.Error("ids across the fork:", ids, err)
	}
	if _, err := m.IDsInRange(core.Hash{3}, 0, 1); !errors.Is(err, chain.ErrNotFound) {
		t.Error("ids of an unknown branch:", err)
	}
	if _, err := m.BlockBytes(core.Hash{3}); !errors.Is(err, chain.ErrNotFound) {
		t.Error(err)
	}
	if _, _, err := m.HeaderByHeight(51); !errors.Is(err, chain.ErrNotFound) {
		t.Error(err)
	}
	forks, err := m.Forks()
	if err != nil || len(forks) != 2 {
		t.Fatal(forks, err)
	}
	if f := forks[0]; f.Status != chain.StatusActive || f.Tip.ID != blocks[49].ID() {
		t.Errorf("%+v", f)
	}
	if f := forks[1]; f.Status != chain.StatusStored || f.ForkHeight != 30 || f.Length != 10 {
		t.Errorf("%+v", f)
	}
	over := b.bare(side[9].ID(), 11)
	mustAdd(t, m, over...)
	ahead := b.bare(over[10].ID(), 3)
	if _, err := m.AddHeaders(headersOf(ahead)); err != nil {
		t.Fatal(err)
	}
	if forks, err = m.Forks(); err != nil || len(forks) != 3 {
		t.Fatal(forks, err)
	}
	if forks[0].Status != chain.StatusHeaders || forks[1].Status != chain.StatusActive || forks[2].Status != chain.StatusValid {
		t.Errorf("%+v", forks)
	}
	if missing := m.Missing(2); len(missing) != 2 || missing[0].ID != ahead[0].ID() || missing[1].ID != ahead[1].ID() {
		t.Errorf("missing %+v", missing)
	}
}

func TestTemplateMakesAnAcceptedBlock(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	first := b.child(b.genesis())
	mustAdd(t, m, first)
	coin := b.coins[first.ID()][sortedOutpoints(b.coins[first.ID()])[0]]
	tmpl, err := m.Template(clockOf(), b.addr, []byte("hello"), b.pay(coin, 9))
	if err != nil {
		t.Fatal(err)
	}
	blk := b.solve(tmpl.Header, tmpl.Txs)
	mustAdd(t, m, blk)
	if m.Tip().ID != blk.ID() {
		t.Fatal("block of the template is not the tip")
	}
	b.add(blk)
	b.wantState(m)
}
