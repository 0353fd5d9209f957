package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// forgotten is what `wallet forget` prints.
type forgotten struct {
	ID   string    `json:"id"`
	TxID core.Hash `json:"txid"`
}

func (w *walletVerbs) forgetCmd() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "forget ID", Short: "Give back the coins of a payment that is gone",
		Long: `Let other payments spend the coins of one that is neither in a block nor in the
node's pool: it was reorganised out or dropped, and some of its coins are left.
Otherwise they stay with it for two weeks. The payment is named by its id or txid.

Whoever has its bytes may still have it mined once all its coins are there: then
both it and a payment in its place are paid, unless they spend a coin in common.
Its id is free again, so 'wallet send' with that id makes a new payment.

A node whose index is off or has failed does not know what blocks took long ago, so
it takes --yes there, which says that you know of the payment otherwise.`,
		Example: "  ingchain wallet forget rent-11", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			p, err := w.open()
			if err != nil {
				return err
			}
			send, err := p.sendOf(operands[0])
			if err != nil {
				return err
			}
			if err := p.forget(cmd.Context(), send, yes); err != nil {
				return err
			}
			return w.print(forgotten{send.ID, send.TxID}, func(out io.Writer) {
				fmt.Fprintf(out, "payment %s is forgotten, and its coins are free again\n", clean(send.ID))
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// sendOf returns a payment that was made here, by its id or txid.
func (p *purse) sendOf(name string) (*keystore.Send, error) {
	st, err := p.store.State()
	if err != nil {
		return nil, err
	}
	if send, ok := st.Send(name); ok {
		return send, nil
	}
	sends := st.Sends()
	i := slices.IndexFunc(sends, func(s *keystore.Send) bool { return s.TxID.String() == name })
	if i < 0 {
		return nil, withHint(fmt.Errorf("%w: no payment %q was made here", api.ErrNotFound, name), "'ingchain wallet history --json%s' has the ids", p.dataDirArg())
	}
	return sends[i], nil
}

// forget frees the coins of a payment, if the node has it neither on the chain
// nor in its pool, and a person agrees.
func (p *purse) forget(ctx context.Context, send *keystore.Send, yes bool) error {
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	tx, err := c.Tx(ctx, send.TxID, false)
	switch {
	case errors.Is(err, api.ErrNotFound):
	case err != nil:
		return err
	case tx.Status != api.StatusGone && tx.Status != api.StatusOrphan: // an orphan once it was sent again
		return fmt.Errorf("%w: payment %s is %s: only one that is gone can be forgotten", api.ErrNotAllowed, send.ID, tx.Status)
	}
	if !yes {
		if err := provable(ctx, c, send); err != nil {
			return err
		}
		if _, ok := p.terminal(); !ok {
			return withHint(usagef("without a terminal nobody can be asked whether to forget it"), "--yes forgets it without asking")
		}
		for _, out := range send.Payments {
			fmt.Fprintf(p.err, "pays %s to %s\n", ing(out.Value), p.text(out.Address))
		}
		ok, err := p.confirm(ctx, "Whoever has its bytes may still have it mined. Forget it?")
		if err != nil {
			return err
		}
		if !ok {
			return errors.New("not forgotten")
		}
	}
	return p.store.Forget(send.ID)
}

// provable fails if the node, which says that it has no such payment, cannot know.
func provable(ctx context.Context, c *api.Client, send *keystore.Send) error {
	s, err := c.Status(ctx)
	if err != nil {
		return err
	}
	why := ""
	switch {
	case s.Index.Error != "":
		why = "its index has failed: " + s.Index.Error
	case !s.Index.Enabled:
		why = "it keeps no index"
	default:
		return nil
	}
	return withHint(fmt.Errorf("%w: the node cannot say whether a block has payment %s: %s", api.ErrNotAllowed, send.ID, why),
		"ask a node with an index, or give --yes if you know that none has it")
}
