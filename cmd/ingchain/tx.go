package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet/keystore"
)

func (a *app) txCmd() *cobra.Command {
	w := &walletVerbs{app: a}
	cmd := group("tx", "Look at transactions, sign drafts, send", groupWallet,
		w.txGetCmd(), w.txDecodeCmd(), w.txSignCmd(), w.txSendCmd())
	w.register(cmd)
	return cmd
}

func (w *walletVerbs) txGetCmd() *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use: "get TXID", Short: "Show a transaction and what has become of it",
		Example: "  ingchain tx get 5f0e… --json", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			id, err := core.ParseHash(operands[0])
			if err != nil {
				return usagef("txid: %w", err)
			}
			c, err := w.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			t, err := c.Tx(cmd.Context(), id, raw)
			if err != nil {
				return err
			}
			return w.print(t, func(out io.Writer) {
				if raw {
					fmt.Fprintln(out, t.Raw)
					return
				}
				printTx(out, t)
			})
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "print the transaction's bytes in hexadecimal")
	return cmd
}

func printTx(w io.Writer, t api.TxDetail) {
	rows := [][2]string{{"txid", t.TxID.String()}}
	if t.Status != "" {
		rows = append(rows, [2]string{"status", txStatus(t)})
	}
	if g := t.Gone; g != nil {
		for _, why := range []struct {
			name string
			id   core.Hash
		}{{"by", g.By}, {"block", g.Block}, {"with parent", g.Ancestor}} {
			if !why.id.IsZero() {
				rows = append(rows, [2]string{why.name, why.id.String()})
			}
		}
	}
	if t.Block != nil {
		rows = append(rows, [2]string{"block", t.Block.ID.String()}, [2]string{"time", timeOf(t.Block.Time)})
	}
	if t.Size > 0 { // else only what became of it is known
		rows = append(rows, [2]string{"wid", t.WID.String()}, [2]string{"size", grouped(t.Size) + " bytes"})
		if !t.Coinbase {
			rows = append(rows, [2]string{"fee", fmt.Sprintf("%s, %d grains per 1,000 bytes", ing(t.Fee), uint64(t.FeeRate))})
		}
	}
	if t.Data != "" {
		rows = append(rows, [2]string{"data", dataText(t.Data)})
	}
	pairs(w, rows)
	printCoins(w, t)
}

func txStatus(t api.TxDetail) string {
	switch {
	case t.Block != nil:
		return fmt.Sprintf("%s at height %s, %s", t.Status, grouped(t.Block.Height), counted(int(t.Confirmations), "confirmation", "confirmations"))
	case t.Pending != nil && t.Pending.Ancestors > 0:
		return fmt.Sprintf("%s, behind %d others", t.Status, t.Pending.Ancestors)
	case t.Gone != nil && t.Gone.Code != "":
		return fmt.Sprintf("%s: %s (%s)", t.Status, t.Gone.Reason, t.Gone.Code)
	case t.Gone != nil:
		return fmt.Sprintf("%s: %s", t.Status, t.Gone.Reason)
	}
	return t.Status
}

func printCoins(w io.Writer, t api.TxDetail) {
	var rows [][]string
	for i, in := range t.Inputs {
		value := "?"
		if in.Value > 0 {
			value = ing(in.Value)
		}
		rows = append(rows, []string{first(i, "spends"), value, in.Address, fmt.Sprintf("%s:%d", in.TxID, in.Index)})
	}
	for i, out := range t.Outputs {
		spent := ""
		if !out.SpentBy.IsZero() {
			spent = "spent by " + out.SpentBy.String()
		}
		rows = append(rows, []string{first(i, "pays"), ing(out.Value), out.Address, spent})
	}
	grid(w, rows)
}

func (w *walletVerbs) txDecodeCmd() *cobra.Command {
	return &cobra.Command{
		Use: "decode HEX|FILE|-", Short: "Show what a transaction or a draft says",
		Long: `Show what a transaction in hexadecimal or a draft of one says. It needs no node,
so it does not know what the coins are worth that a transaction spends; a draft
says so itself. Change is what goes back to the wallet here, if there is one,
whatever the drafter calls so.`,
		Example: "  ingchain tx decode payment.json", Args: args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, operands []string) error {
			rules, err := w.rules()
			if err != nil {
				return err
			}
			t, d, err := readTx(w.app, operands[0], rules)
			if err != nil {
				return err
			}
			if d != nil {
				var st *keystore.State
				if p, err := w.open(); err == nil {
					if st, err = p.store.State(); err != nil {
						return err
					}
				}
				s := asSeenBy(st, d).Summary()
				return w.print(s, func(out io.Writer) { printDraft(out, s) })
			}
			detail := describeTx(t, rules.Params().AddressPrefix)
			return w.print(detail, func(out io.Writer) { printTx(out, detail) })
		},
	}
}

// describeTx is what a transaction alone tells.
func describeTx(t *core.Transaction, prefix string) api.TxDetail {
	raw := t.AppendTo(nil)
	d := api.TxDetail{TxID: t.ID(), WID: t.WitnessID(), Size: len(raw), Version: t.Version, Fee: t.Fee,
		Coinbase: t.IsCoinbase(), Inputs: []api.SpentCoin{}, Outputs: []api.PaidOutput{}, Data: hex.EncodeToString(t.Data), Raw: hex.EncodeToString(raw)}
	d.FeeRate = core.Amount(rateOf(t.Fee, len(raw)))
	for i := range t.Inputs {
		in := &t.Inputs[i]
		coin := api.SpentCoin{TxID: in.TxID, Index: in.Index}
		if int(in.Owner) < len(t.Witnesses) {
			coin.Address = core.AddressOf(t.Witnesses[in.Owner].PublicKey).Encode(prefix)
		}
		d.Inputs = append(d.Inputs, coin)
	}
	for _, out := range t.Outputs {
		d.Outputs = append(d.Outputs, api.PaidOutput{Value: out.Value, Address: out.Address.Encode(prefix)})
	}
	return d
}

func (w *walletVerbs) txSendCmd() *cobra.Command {
	return &cobra.Command{
		Use: "send HEX|FILE|-", Short: "Hand a signed transaction, or a draft that all have signed, to the node",
		Example: "  ingchain tx send payment.json", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			rules, err := w.rules()
			if err != nil {
				return err
			}
			t, d, err := readTx(w.app, operands[0], rules)
			if err != nil {
				return err
			}
			if d != nil {
				if t, err = d.Transaction(rules); err != nil {
					return withHint(err, "'ingchain tx sign %s' signs it for the keys that are here", operands[0])
				}
			}
			c, err := dialNetwork(cmd.Context(), w.app, rules)
			if err != nil {
				return err
			}
			defer c.Close()
			return w.submitRaw(cmd.Context(), c, t.AppendTo(nil))
		},
	}
}

// submitRaw hands a transaction to the node that no payment of the wallet stands
// for.
func (a *app) submitRaw(ctx context.Context, c *api.Client, raw []byte) error {
	got, err := c.SubmitTx(ctx, raw)
	if err != nil {
		if !errors.Is(err, api.ErrRefused) {
			return withHint(err, "it may be on its way or not; sending the same bytes again does no harm")
		}
		return err
	}
	got.Replaced = list(got.Replaced)
	return a.print(got, func(w io.Writer) {
		rows := [][2]string{{"txid", got.TxID.String()}, {"status", got.Status}, {"fee", ing(got.Fee)}}
		for _, r := range got.Replaced {
			rows = append(rows, [2]string{"replaced", r.String()})
		}
		pairs(w, rows)
	})
}

// isHex reports whether an operand is meant as bytes, not as a file's name.
func isHex(s string) bool {
	const least = 2 * 20 // digits; no transaction is as short
	return len(s) >= least && len(s)%2 == 0 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
