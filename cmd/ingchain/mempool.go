package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
)

// maxPoolList bounds the payments of one `mempool ls`.
const maxPoolList = 1_000_000

func (a *app) mempoolCmd() *cobra.Command {
	return group("mempool", "See the payments that wait for a block", groupWallet, a.mempoolLsCmd(), a.mempoolGetCmd(), a.mempoolStatusCmd())
}

func (a *app) mempoolLsCmd() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "ls", Short: "List the payments in the pool, as they came",
		Example: "  ingchain mempool ls", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > maxPoolList {
				return usagef("--limit %d, want 1 to %d payments", limit, maxPoolList)
			}
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			txs, err := listPool(cmd.Context(), c, limit)
			if err != nil {
				return err
			}
			return a.print(list(txs), func(w io.Writer) {
				var rows [][]string
				for _, t := range txs {
					rows = append(rows, []string{timeOf(t.Time), t.TxID.String(), grouped(t.Size), t.Fee.String(), grouped(uint64(t.FeeRate)), fmt.Sprint(t.Ancestors)})
				}
				table(w, "no payments wait", []string{"CAME", "TXID", "BYTES", "FEE", "RATE", "BEHIND"}, rows)
			})
		},
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", 10_000, "how many payments")
	return cmd
}

// listPool lists payments page by page.
func listPool(ctx context.Context, c *api.Client, limit int) ([]api.MempoolTx, error) {
	var txs []api.MempoolTx
	for after := uint64(0); len(txs) < limit; {
		page, err := c.MempoolTxs(ctx, after, min(limit-len(txs), api.MaxPageSize))
		if err != nil || len(page) == 0 {
			return txs, err
		}
		last := page[len(page)-1].Seq
		if last <= after {
			return nil, fmt.Errorf("the node's answer does not go on: number %d after %d", last, after)
		}
		txs, after = append(txs, page...), last
	}
	return txs, nil
}

func (a *app) mempoolGetCmd() *cobra.Command {
	return &cobra.Command{
		Use: "get TXID", Short: "Show a payment in the pool",
		Example: "  ingchain mempool get 5f0e…", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			id, err := core.ParseHash(operands[0])
			if err != nil {
				return usagef("txid: %w", err)
			}
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			t, err := c.Tx(cmd.Context(), id, false)
			if err != nil {
				return err
			}
			if t.Status != api.StatusPending && t.Status != api.StatusOrphan {
				return withHint(fmt.Errorf("%w: it is not in the pool; it is %s", api.ErrNotFound, txStatus(t)), "'ingchain tx get %s%s' shows it", id, a.dataDirArg())
			}
			return a.print(t, func(w io.Writer) { printTx(w, t) })
		},
	}
}

func (a *app) mempoolStatusCmd() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Sum up the pool, with what a fee must be",
		Example: "  ingchain mempool status", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			m, err := c.Mempool(cmd.Context())
			if err != nil {
				return err
			}
			fees, err := c.Fees(cmd.Context(), nil)
			if err != nil {
				return err
			}
			both := struct {
				Mempool api.Mempool `json:"mempool"`
				Fees    api.Fees    `json:"fees"`
			}{m, fees}
			return a.print(both, func(w io.Writer) { printPool(w, m, fees) })
		},
	}
}

func printPool(w io.Writer, m api.Mempool, fees api.Fees) {
	rows := [][2]string{
		{"payments", fmt.Sprintf("%s, %s bytes, %s in fees", grouped(m.Count), grouped(m.Bytes), ing(m.Fees))},
		{"orphans", grouped(m.Orphans)},
		{"memory", fmt.Sprintf("%s of %s bytes", grouped(m.Memory), grouped(m.MaxMemory))},
		{"least fee", fmt.Sprintf("%d grains per 1,000 bytes", uint64(m.MinFeeRate))},
	}
	for _, e := range fees.Estimates {
		rows = append(rows, [2]string{"in " + counted(e.Blocks, "block", "blocks"), fmt.Sprintf("%d grains per 1,000 bytes", uint64(e.FeeRate))})
	}
	pairs(w, rows)
}
