package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// historyWindow is how many blocks back a history looks first; it looks twice as
// far until it has as many rows as asked for.
const historyWindow = 4 * wallet.SettledDepth

// historyRow is an element of what `wallet history` prints.
type historyRow struct {
	wallet.Row
	From []string `json:"from"`
	To   []string `json:"to"`
	// ID is that of the payment, if it was made here.
	ID string `json:"id,omitempty"`
	// Data is what the payer wrote to it, in hexadecimal as in 'tx get'.
	Data string `json:"data,omitempty"`
	// Resend tells that 'wallet resend' can send it again.
	Resend bool `json:"resend"`
	// Labels are names of the other side and labels of our addresses that were
	// paid, with --labels.
	Labels []string `json:"labels,omitempty"`

	paid []string // addresses of ours that got something, change not counted
}

func (w *walletVerbs) historyCmd() *cobra.Command {
	var limit int
	var labels, asCSV bool
	var passphrase secretFlags
	cmd := &cobra.Command{
		Use: "history", Short: "List payments, the newest first",
		Long: `List what came in and went out: pending, confirmed, "reorganised-out" for what was
in a block that is no longer on the best chain, "dropped" for what no pool holds
any more, and "replaced" for what another transaction took the place of. What is
reorganised out or dropped can be sent again ('wallet resend'). It needs no
passphrase, but for --labels, which are encrypted. What moves coins of watched
addresses alone is marked, and does not count.

--csv prints a table for spreadsheets, in UTF-8, of all payments (100,000 at most)
unless --limit is given: times in UTC, amounts in ING. What is out and what is the
fee count as negative. Only the net of what is confirmed and not marked as watched
comes to the balance.`,
		Example: `  ingchain wallet history
  ingchain wallet history --limit 10 --json
  ingchain wallet history --csv --labels >payments.csv`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > maxList {
				return usagef("--limit %d, want 1 to %d payments", limit, maxList)
			}
			if asCSV && w.json {
				return usagef("--csv and --json are both given")
			}
			if asCSV && !cmd.Flags().Changed("limit") {
				limit = maxList
			}
			p, err := w.open()
			if err != nil {
				return err
			}
			var called names
			if labels {
				u, err := w.unlock(cmd.Context(), p.store, &passphrase)
				if err != nil {
					return err
				}
				called = namesOf(u)
				u.Close()
			}
			c, err := p.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			rows, err := p.history(cmd.Context(), c, limit)
			if err != nil {
				return err
			}
			for i := range rows {
				rows[i].Labels = called.of(slices.Concat(rows[i].To, rows[i].From, rows[i].paid)...)
			}
			if asCSV {
				w.live.close()
				return writeHistoryCSV(w.out, rows)
			}
			if err := w.print(list(rows), func(out io.Writer) { printHistory(out, rows, labels) }); err != nil {
				return err
			}
			w.offerResend(rows)
			return nil
		},
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "how many payments")
	cmd.Flags().BoolVar(&labels, "labels", false, "show labels, names and what payers wrote (--data), for which it takes the passphrase")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print comma-separated values")
	passphrase.register(cmd.Flags(), "passphrase", "the wallet's passphrase")
	return cmd
}

// history returns the newest rows, and remembers what it saw for the next time.
func (p *purse) history(ctx context.Context, c *api.Client, limit int) ([]historyRow, error) {
	head, err := c.Status(ctx)
	if err != nil {
		return nil, err
	}
	for window := uint32(historyWindow); ; window *= 2 {
		since := uint32(0)
		if window < head.Tip.Height {
			since = head.Tip.Height - window
		}
		v, err := p.look(ctx, c, since)
		if err != nil {
			return nil, err
		}
		rows, err := p.remember(ctx, c, v, since)
		if errors.Is(err, errFurtherBack) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(rows) >= limit || since == 0 {
			return rows[:min(limit, len(rows))], nil
		}
	}
}

// remember makes the rows of a view, which reaches back to height since, and notes
// what was seen, so that the next history can tell what is gone.
func (p *purse) remember(ctx context.Context, c *api.Client, v *walletView, since uint32) ([]historyRow, error) {
	entries, err := v.entries()
	if err != nil {
		return nil, err
	}
	if since > 0 {
		if entries, err = withBuried(ctx, c, entries, v.st.Seen()); err != nil {
			return nil, err
		}
	}
	view := wallet.View{Own: v.st.Owns, IsChange: v.st.IsChange, Height: v.tip.Height, Entries: entries, Seen: v.st.Seen()}
	if !v.st.WatchOnly() {
		view.Watched = v.st.OnlyWatched
	}
	rows, seen := wallet.History(view)
	if view.Taken, err = taken(ctx, c, rows); err != nil {
		return nil, err
	}
	if len(view.Taken) > 0 {
		rows, seen = wallet.History(view)
	}
	if err := p.store.SetSeen(seen); err != nil {
		return nil, err
	}
	ids := map[core.Hash]string{}
	for _, send := range v.st.Sends() {
		ids[send.TxID] = send.ID
	}
	paid := map[core.Hash][]string{}
	for i := range entries {
		tx := entries[i].Tx
		for _, out := range tx.Outputs {
			if v.st.Owns(out.Address) && !v.st.IsChange(out.Address) {
				paid[tx.ID()] = append(paid[tx.ID()], p.text(out.Address))
			}
		}
	}
	var all []historyRow
	var deep []core.Hash
	for _, row := range rows {
		r := historyRow{Row: row, From: []string{}, To: []string{}, ID: ids[row.TxID], Data: hex.EncodeToString(row.Data),
			Resend: len(row.Raw) > 0, paid: paid[row.TxID]}
		for _, a := range row.From {
			r.From = append(r.From, p.text(a))
		}
		for _, a := range row.To {
			r.To = append(r.To, p.text(a))
		}
		if row.Confirmations >= wallet.SettledDepth && r.ID != "" {
			deep = append(deep, row.TxID)
		}
		if row.Status != wallet.Confirmed || row.Height >= since { // else it comes when the view reaches so far
			all = append(all, r)
		}
	}
	if len(deep) > 0 {
		err = p.store.Settle(deep)
	}
	return all, err
}

func printHistory(w io.Writer, rows []historyRow, labels bool) {
	head := []string{"TIME", "ING", "STATUS", "WITH", "TXID"}
	if labels {
		head = append(head, "LABELS", "DATA") // the data last: strangers say how long it is
	}
	var cells [][]string
	for _, r := range rows {
		status := string(r.Status)
		switch r.Status {
		case wallet.Confirmed:
			status = counted(int(r.Confirmations), "confirmation", "confirmations")
		case wallet.ReorganisedOut:
			status = "reorganised out"
		case wallet.Replaced:
			status = "replaced by " + r.ReplacedBy.Short()
		}
		if r.Watched {
			status += ", watched"
		}
		row := []string{timeOf(r.Time), signed(r.Net), status, otherSide(r), r.TxID.String()}
		if labels {
			data := ""
			if r.Data != "" {
				data = dataText(r.Data)
			}
			row = append(row, strings.Join(r.Labels, ", "), data)
		}
		cells = append(cells, row)
	}
	table(w, "no payments", head, cells)
}

// signed words what a payment did to the balance, in ING.
func signed(net int64) string {
	if net < 0 {
		return "-" + core.Amount(-net).String()
	}
	return "+" + core.Amount(net).String()
}

// otherSide words whom a payment was to or from.
func otherSide(r historyRow) string {
	side := r.From
	switch {
	case r.Coinbase:
		return "mined"
	case len(r.To) > 0:
		side = r.To
	case len(side) == 0:
		return "own addresses"
	}
	if len(side) > 1 {
		return fmt.Sprintf("%s and %d more", side[0], len(side)-1)
	}
	return side[0]
}

// offerResend says what can be sent again, and how.
func (w *walletVerbs) offerResend(rows []historyRow) {
	for _, r := range rows {
		if !r.Resend {
			continue
		}
		what := "is in no pool and no block"
		if r.Status == wallet.ReorganisedOut {
			what = "was reorganised out: the block that had it is not on the best chain"
		}
		w.live.close()
		fmt.Fprintf(w.err, "%s %s; 'ingchain wallet resend %s%s' sends it again\n", r.TxID.Short(), what, r.TxID, w.dataDirArg())
	}
}

func (w *walletVerbs) resendCmd() *cobra.Command {
	return &cobra.Command{
		Use: "resend TXID", Short: "Send a payment again that was reorganised out or dropped",
		Long: `Hand the same bytes to the node again. It needs no passphrase, and since they are
the same bytes nothing is paid twice.`,
		Example: "  ingchain wallet resend 5f0e…", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			id, err := core.ParseHash(operands[0])
			if err != nil {
				return usagef("txid: %w", err)
			}
			p, err := w.open()
			if err != nil {
				return err
			}
			st, err := p.store.State()
			if err != nil {
				return err
			}
			c, err := p.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			for _, send := range st.Sends() {
				if send.TxID == id && send.Recorded() && send.Raw != nil {
					return p.resendPayment(cmd.Context(), c, send)
				}
			}
			for _, seen := range st.Seen() {
				if seen.TxID == id && len(seen.Raw) > 0 && !isCoinbase(seen.Raw) {
					return w.submitRaw(cmd.Context(), c, seen.Raw)
				}
			}
			return fmt.Errorf("%w: the wallet remembers no payment %s to send again", api.ErrNotFound, id)
		},
	}
}

// resendPayment hands out the bytes of a payment that was made here.
func (p *purse) resendPayment(ctx context.Context, c *api.Client, send *keystore.Send) error {
	offered, err := p.store.Offer(send.ID)
	if err != nil {
		return err
	}
	if !bytes.Equal(offered.Raw, send.Raw) {
		return fmt.Errorf("%w (%q)", keystore.ErrNotReserved, send.ID)
	}
	result, err := p.submit(ctx, c, offered)
	if err != nil {
		return err
	}
	return p.printSent(result)
}

func isCoinbase(raw []byte) bool {
	tx, err := core.ParseTransaction(raw)
	return err == nil && tx.IsCoinbase()
}
