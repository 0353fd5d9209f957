package chain_test

import (
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// What may be handed on as good is what was connected, and nothing else that is
// stored.
func TestVouched(t *testing.T) {
	b := newBuilder(t)
	m := newManager(t, chain.Options{})
	a := b.branch(b.genesis(), 4)
	side := b.branch(b.genesis(), 2)
	bad := b.badState(side[1].ID())
	child := b.on(bad)
	grandchild := b.on(child)
	mustAdd(t, m, a...)
	mustAdd(t, m, side...)
	mustAdd(t, m, bad) // nobody looks at its coins yet
	check := func(when string, want bool, blocks ...*core.Block) {
		t.Helper()
		for _, blk := range blocks {
			if got := m.Vouched(blk.ID()); got != want {
				t.Errorf("%s: block at height %d vouched for: %v, want %v", when, blk.Header.Height, got, want)
			}
		}
	}
	check("best chain", true, b.rules.Genesis(), a[0], a[3])
	check("beside it", false, side[0], side[1], bad, child)
	if _, err := m.AddBlocks(t.Context(), []*core.Block{child, grandchild}); !core.IsForever(err) {
		t.Fatalf("error %v, want a verdict", err)
	}
	check("connected and left again", true, side...)
	check("bad", false, bad, child, grandchild)
	check("restored", true, a...)
}
