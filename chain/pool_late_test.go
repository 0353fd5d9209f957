package chain_test

import (
	"path/filepath"
	"testing"

	"github.com/ingchain/ingchain/chain"
)

// A power cut loses the last blocks, and with them the coins of payments that were
// acknowledged: they come back once the blocks have, also after another restart.
func TestPaymentsComeBackWithTheirCoins(t *testing.T) {
	b := newBuilder(t)
	dir := t.TempDir()
	path, cut := filepath.Join(dir, "mempool.dat"), filepath.Join(dir, "cut")
	m := mustOpen(t, memFS(), chain.Options{Journal: path})
	coins := b.fund(m, 3)
	parent := b.pay(coins[0], 1000)
	child := b.pay(outputOf(&parent, 0), 1000)
	spent := b.pay(coins[1], 1000)
	mustSubmit(t, m, parent, child, spent)
	tip := m.Tip().ID
	copyFile(t, path, cut)
	mustClose(t, m)

	disk := memFS() // nothing of the chain is left
	m = mustOpen(t, disk, chain.Options{Journal: cut})
	m.TendPool()
	mustClose(t, m)
	m = mustOpen(t, disk, chain.Options{Journal: cut})
	rival := b.child(tip, b.pay(coins[1], 2000))
	mustAdd(t, m, append(b.branchTo(tip), rival)...)
	if isPooled(m, parent) {
		t.Fatal("the payment came back before anybody looked")
	}
	m.TendPool()
	if !isPooled(m, parent) || !isPooled(m, child) || isPooled(m, spent) {
		t.Errorf("parent %t, child %t, want both; of a coin that is spent %t", isPooled(m, parent), isPooled(m, child), isPooled(m, spent))
	}
	// They are in the journal as before.
	copyFile(t, cut, path)
	if told := records(t, path, b.genesis()); !told[parent.ID()] || !told[child.ID()] {
		t.Errorf("the journal has %v", told)
	}
	mustClose(t, m)
}
