package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// bumpTarget is in how many blocks a payment that is in a hurry should be mined.
const bumpTarget = 1

func (w *walletVerbs) bumpCmd() *cobra.Command {
	var o sendOptions
	cmd := &cobra.Command{
		Use: "bump TXID", Short: "Speed up a payment that waits, by a higher fee",
		Long: `Spend what a waiting payment brings to this wallet, its change or what somebody
pays us, back to the wallet with a fee for both: a miner gets the second only with
the first. Nothing is replaced, so nothing can be paid twice. A payment that brings
this wallet nothing cannot be sped up; whoever is paid can do it.

The fee rate is that of both, by themselves and with all that they wait for: what they
wait for is mined first where it pays more, and helps nobody. What an account
got stays in the account.`,
		Example: `  ingchain wallet bump 5f0e…
  ingchain wallet bump 5f0e… --fee-rate 5000`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			id, err := core.ParseHash(operands[0])
			if err != nil {
				return usagef("txid: %w", err)
			}
			p, err := w.open()
			if err != nil {
				return err
			}
			if st, err := p.store.State(); err == nil && st.WatchOnly() {
				return keystore.ErrWatchOnly // and there is no draft of this
			}
			o.spendPending = true
			return p.pay(cmd.Context(), &plan{sendOptions: &o,
				draft: func(t wallet.Terms, coins []wallet.Coin, _ wallet.OwnAddress) (*wallet.Draft, error) {
					waits, err := p.waiting(cmd.Context(), id)
					if err != nil {
						return nil, err
					}
					brings, back, err := p.broughtBy(id, coins)
					if err != nil {
						return nil, err
					}
					return speedUp(t, waits, brings, back)
				},
				is: func(s *keystore.Send) bool {
					return len(s.Payments) == 0 && len(s.Inputs) > 0 && s.Inputs[0].TxID == id
				},
			})
		},
	}
	o.registerCommon(cmd, bumpTarget)
	return cmd
}

// waiting asks the node for a payment in its pool.
func (p *purse) waiting(ctx context.Context, id core.Hash) (*api.TxDetail, error) {
	c, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	tx, err := c.Tx(ctx, id, false)
	if err != nil {
		return nil, err
	}
	if tx.Status != api.StatusPending || tx.Pending == nil {
		return nil, fmt.Errorf("%w: payment %s is %s: only one that waits in the pool can be sped up", api.ErrNotAllowed, id.Short(), tx.Status)
	}
	return &tx, nil
}

// broughtBy returns what a payment brings one account, the one that gets most of it,
// and where that goes back to: money of one account stays there.
func (p *purse) broughtBy(id core.Hash, coins []wallet.Coin) (brings []wallet.Coin, back wallet.OwnAddress, err error) {
	gets := map[uint32]core.Amount{} // without what other payments have taken
	var account uint32
	for i := range coins {
		c := &coins[i]
		if c.TxID != id || c.Path == nil {
			continue
		}
		if brings = append(brings, *c); c.ReservedBy == "" {
			gets[c.Path.Account] += min(c.Value, core.MaxAmount)
		}
	}
	if len(brings) == 0 {
		return nil, back, fmt.Errorf("%w: payment %s brings this wallet nothing, or that is spent: speed up what spends it", api.ErrNotAllowed, id.Short())
	}
	account = brings[0].Path.Account
	for _, c := range brings { // in their order, so that it is the same each time
		if gets[c.Path.Account] > gets[account] {
			account = c.Path.Account
		}
	}
	brings = slices.DeleteFunc(brings, func(c wallet.Coin) bool { return c.Path.Account != account })
	st, err := p.store.State()
	if err != nil {
		return nil, back, err
	}
	back, err = st.ChangeAddress(account, unixNow())
	return brings, back, err
}

// speedUp drafts a payment of what another brings us, back to us, that brings both
// to the fee rate of the terms: by themselves, and with all that they wait for. What
// that pays is no help where it pays more, since it is mined before them.
func speedUp(t wallet.Terms, tx *api.TxDetail, brings []wallet.Coin, back wallet.OwnAddress) (*wallet.Draft, error) {
	type sum struct {
		fee  core.Amount
		size int
	}
	sums := []sum{{tx.Fee, tx.Size}, {tx.Pending.PackageFee, tx.Pending.PackageSize}}
	has := wallet.FeeRate(math.MaxUint64)
	for _, s := range sums {
		if s.size < 1 || s.fee > core.MaxAmount {
			return nil, fmt.Errorf("the node's answer: a fee of %d grains for %d bytes", uint64(s.fee), s.size)
		}
		has = min(has, wallet.RateOf(s.fee, s.size))
	}
	if t.FeeRate <= has {
		return nil, withHint(fmt.Errorf("it pays %v already, with what it waits for", has), "give more than that with --fee-rate")
	}
	d, _, err := wallet.Sweep(t, brings, back.Address, nil)
	if err != nil {
		return nil, err
	}
	for _, s := range sums {
		if fee := t.FeeRate.Fee(s.size + d.Size()); fee > s.fee {
			t.MinFee = max(t.MinFee, fee-s.fee)
		}
	}
	if d, _, err = wallet.Sweep(t, brings, back.Address, nil); err != nil {
		return nil, err
	}
	d.Outputs[0].Change, d.Outputs[0].Path = true, &back.Path
	return d, nil
}
