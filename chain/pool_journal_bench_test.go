//go:build unix

package chain_test

import (
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// BenchmarkRewriteJournal rewrites the journal of 40,000 payments of 300 bytes,
// all of them acknowledged.
func BenchmarkRewriteJournal(b *testing.B) {
	const size = 300 // bytes
	p := newPurse(b, 40_000)
	txs := make([]*core.Transaction, len(p.coins))
	for i, c := range p.coins {
		tx := p.pay(c, 2000)
		tx.Data = make([]byte, size-len(tx.AppendTo(nil)))
		p.sign(&tx)
		txs[i] = &tx
	}
	policy := mempool.DefaultPolicy()
	policy.MaxBytes = 128 << 20
	m := p.open(b, chain.Options{Policy: &policy})
	submitAll(b, m, txs, 1000, 1)
	b.ReportAllocs()
	b.SetBytes(int64(len(txs) * size))
	for b.Loop() {
		if err := m.RewriteJournal(); err != nil {
			b.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		b.Fatal(err)
	}
}
