package main

import (
	"context"
	"errors"
	"slices"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

// maxGoneAsked bounds the transactions about which one history asks the node one
// by one: what became of those that it misses, and what took the coins of those
// that are gone. Of the rest of these it says that they are gone.
const maxGoneAsked = 200

// errFurtherBack means too many transactions to ask for one by one: a view that
// reaches further back has them.
var errFurtherBack = errors.New("the view does not reach back far enough")

// withBuried adds those that were seen last time and whose blocks are deeper than
// the view reaches by now, or that came back just now. What is missing then is gone.
func withBuried(ctx context.Context, c *api.Client, entries []wallet.Entry, seen []wallet.Seen) ([]wallet.Entry, error) {
	have := map[core.Hash]bool{}
	for i := range entries {
		have[entries[i].Tx.ID()] = true
	}
	seen = slices.DeleteFunc(seen, func(s wallet.Seen) bool { return have[s.TxID] })
	if len(seen) > maxGoneAsked {
		return nil, errFurtherBack
	}
	for _, s := range seen {
		tx, err := core.ParseTransaction(s.Raw)
		if err != nil {
			continue // the history leaves it out as well
		}
		now, err := c.Tx(ctx, s.TxID, false)
		switch {
		case errors.Is(err, api.ErrNotFound):
		case err != nil:
			return nil, err
		case now.Block != nil:
			entries = append(entries, wallet.Entry{Tx: tx, Block: now.Block.ID, Height: now.Block.Height, Time: now.Block.Time, Position: now.Block.Position})
		case now.Status == api.StatusPending:
			entries = append(entries, wallet.Entry{Tx: tx, Time: s.Time, Pending: true})
		}
	}
	return entries, nil
}

// taken asks the node what spends the coins of transactions that are gone. What
// makes a coin that somebody paid us with, and what takes it, need not touch any
// address of ours, so no view of the wallet has it.
func taken(ctx context.Context, c *api.Client, rows []wallet.Row) (map[core.Outpoint]core.Hash, error) {
	spenders := map[core.Outpoint]core.Hash{}
	makers := map[core.Hash]api.TxDetail{} // of coins; zero where the node knows none
	for _, row := range rows {
		tx, err := core.ParseTransaction(row.Raw)
		if err != nil {
			continue // not gone, or a coinbase: there is nothing to send again
		}
		for i := range tx.Inputs {
			coin := tx.Inputs[i].Outpoint
			maker, asked := makers[coin.TxID]
			if !asked {
				if len(makers) == maxGoneAsked {
					return spenders, nil
				}
				maker, err = c.Tx(ctx, coin.TxID, false)
				if err != nil && !errors.Is(err, api.ErrNotFound) {
					return nil, err
				}
				makers[coin.TxID] = maker
			}
			stands := maker.Status == api.StatusConfirmed || maker.Status == api.StatusPending
			if stands && uint64(coin.Index) < uint64(len(maker.Outputs)) && !maker.Outputs[coin.Index].SpentBy.IsZero() {
				spenders[coin] = maker.Outputs[coin.Index].SpentBy
			}
		}
	}
	return spenders, nil
}
