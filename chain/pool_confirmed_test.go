package chain_test

import (
	"path/filepath"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/mempool"
)

// A payment of the journal that a block took meanwhile is not called gone: it has
// arrived.
func TestJournalOfAConfirmedPayment(t *testing.T) {
	b := newBuilder(t)
	dir, fs := t.TempDir(), memFS()
	path := filepath.Join(dir, "mempool.dat")
	m := mustOpen(t, fs, chain.Options{Journal: path})
	tx := b.pay(b.fund(m, 1)[0], 1000)
	mustSubmit(t, m, tx)
	killed := filepath.Join(dir, "killed")
	copyFile(t, path, killed)
	mustAdd(t, m, b.child(m.Tip().ID, tx))
	mustClose(t, m)

	m = mustOpen(t, fs, chain.Options{Journal: killed})
	defer mustClose(t, m)
	m.ReadPool(func(p *mempool.Pool) {
		if why, ok := p.Explain(tx.ID()); ok {
			t.Errorf("a confirmed payment is said to be gone: %+v", why)
		}
	})
}
