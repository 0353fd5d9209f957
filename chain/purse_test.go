package chain_test

import (
	"path/filepath"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
)

// purse is a chain of lan's limits, whose last blocks split coinbases into coins
// of the builder's.
type purse struct {
	*builder
	chain []*core.Block
	coins []core.Coin
}

// newPurse makes a chain with n coins to spend, at most 28,000 a block.
func newPurse(tb testing.TB, n int) *purse {
	tb.Helper()
	params := core.LAN()
	params.GenesisBits, params.Retarget.LimitBits = 0x207fffff, 0x207fffff
	p := &purse{builder: newBuilderOf(tb, params)}
	const aTx, aBlock = 7000, 4
	p.chain = p.branch(p.genesis(), int(params.CoinbaseMaturity)+(n+aTx-1)/aTx)
	for at := 0; n > 0; {
		var txs []core.Transaction
		for ; n > 0 && len(txs) < aBlock; at++ {
			b := p.chain[at]
			coin := p.builder.coins[b.ID()][core.Outpoint{TxID: b.TxID(0)}]
			txs = append(txs, p.join([]core.Coin{coin}, min(n, aTx)))
			n -= aTx
		}
		split := p.child(p.tip(), txs...)
		p.chain = append(p.chain, split)
		p.coins = append(p.coins, split.Created()[1:]...)
	}
	return p
}

func (p *purse) tip() core.Hash { return p.chain[len(p.chain)-1].ID() }

// payments makes one of every coin, in two outputs.
func (p *purse) payments() []*core.Transaction {
	txs := make([]*core.Transaction, len(p.coins))
	for i, c := range p.coins {
		tx := p.pay(c, 1000+core.Amount(i*7919%5000))
		txs[i] = &tx
	}
	return txs
}

// open opens a manager on disk with the purse's chain and a journal.
func (p *purse) open(tb testing.TB, opts chain.Options) *chain.Manager {
	tb.Helper()
	dir := tb.TempDir()
	db, err := pebbledb.Open(filepath.Join(dir, "chain"), p.genesis(), pebbledb.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	opts.Now = clockOf
	opts.Journal = filepath.Join(dir, "mempool.dat")
	m, err := chain.Open(db, p.rules, opts)
	if err != nil {
		tb.Fatal(err)
	}
	mustAdd(tb, m, p.chain...)
	return m
}
