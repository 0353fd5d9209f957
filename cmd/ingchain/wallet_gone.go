package main

import (
	"context"
	"errors"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

// maxGoneAsked bounds the transactions about which one history asks the node what
// took the coins of those that are gone. Of the rest it says that they are gone.
const maxGoneAsked = 200

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
