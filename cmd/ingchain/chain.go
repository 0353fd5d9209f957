package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
)

// maxList bounds the blocks of one `chain list`.
const maxList = 100_000

func (a *app) chainCmd() *cobra.Command {
	cmd := group("chain", "Read the chain, running or stopped, and judge branches", groupChain,
		a.chainHeadCmd(), a.chainGetCmd(), a.chainListCmd(), a.chainForksCmd(), a.chainVerifyCmd(), a.chainStateHashCmd(),
		a.chainExportCmd(), a.chainImportCmd(), a.chainJudgeCmd("invalidate"), a.chainJudgeCmd("reconsider"))
	return cmd
}

func (a *app) chainHeadCmd() *cobra.Command {
	return &cobra.Command{
		Use: "head", Short: "Show the best chain's newest block",
		Example: "  ingchain chain head", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.chain(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			b, err := c.Head(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(b, func(w io.Writer) { printBlock(w, b) })
		},
	}
}

func (a *app) chainGetCmd() *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use: "get HEIGHT|ID", Short: "Show a block",
		Example: "  ingchain chain get 7 --json", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			find, err := parseBlockRef(operands[0])
			if err != nil {
				return err
			}
			c, err := a.chain(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			b, err := find(cmd.Context(), c, raw)
			if err != nil {
				return err
			}
			return a.print(b, func(w io.Writer) {
				if raw {
					fmt.Fprintln(w, b.Raw)
					return
				}
				printBlock(w, b)
			})
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "print the block's bytes in hexadecimal")
	return cmd
}

// parseBlockRef reads a height or an id and returns how to find that block.
func parseBlockRef(s string) (func(context.Context, api.ChainReader, bool) (api.BlockDetail, error), error) {
	if len(s) == 2*core.HashSize {
		id, err := core.ParseHash(s)
		if err != nil {
			return nil, usagef("block id: %w", err)
		}
		return func(ctx context.Context, c api.ChainReader, raw bool) (api.BlockDetail, error) {
			return c.BlockByID(ctx, id, raw)
		}, nil
	}
	height, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return nil, usagef("%.80q is neither a height nor a block id of 64 hexadecimal digits", s)
	}
	return func(ctx context.Context, c api.ChainReader, raw bool) (api.BlockDetail, error) {
		return c.BlockByHeight(ctx, uint32(height), raw)
	}, nil
}

func printBlock(w io.Writer, b api.BlockDetail) {
	pairs(w, [][2]string{
		{"height", grouped(b.Height)},
		{"id", b.ID.String()},
		{"status", fmt.Sprintf("%s, %d confirmations", b.Status, b.Confirmations)},
		{"parent", b.Parent.String()},
		{"time", timeOf(b.Time)},
		{"merkle root", b.MerkleRoot.String()},
		{"state", b.State.String()},
		{"bits", b.Bits},
		{"nonce", fmt.Sprint(b.Nonce)},
		{"version", fmt.Sprint(b.Version)},
		{"size", grouped(b.Size) + " bytes"},
		{"transactions", grouped(b.Txs)},
	})
	for _, t := range b.Transactions {
		var out core.Amount
		for _, o := range t.Outputs {
			out += o.Value
		}
		fmt.Fprintf(w, "  %s  %d in, %d out, %s ING, fee %s ING\n", t.TxID, len(t.Inputs), len(t.Outputs), out, t.Fee)
	}
}

func (a *app) chainListCmd() *cobra.Command {
	var n int
	var from int64
	cmd := &cobra.Command{
		Use: "list", Short: "List blocks of the best chain, the newest first",
		Example: "  ingchain chain list -n 20", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if n < 1 || n > maxList {
				return usagef("-n %d, want 1 to %d blocks", n, maxList)
			}
			var start *uint32
			if cmd.Flags().Changed("from") {
				if from < 0 || from > 1<<32-1 {
					return usagef("--from %d, want a height", from)
				}
				height := uint32(from)
				start = &height
			}
			c, err := a.chain(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			blocks, err := api.ListBlocks(cmd.Context(), c, start, n)
			if err != nil {
				return err
			}
			return a.print(list(blocks), func(w io.Writer) { printBlocks(w, blocks) })
		},
	}
	cmd.Flags().IntVarP(&n, "limit", "n", 10, "how many blocks")
	cmd.Flags().Int64Var(&from, "from", 0, "height to begin at, going down (default the tip)")
	return cmd
}

func printBlocks(w io.Writer, blocks []api.Block) {
	var rows [][]string
	for _, b := range blocks {
		rows = append(rows, []string{grouped(b.Height), timeOf(b.Time), grouped(b.Txs), grouped(b.Size), b.ID.String()})
	}
	table(w, "no blocks", []string{"HEIGHT", "TIME", "TXS", "BYTES", "ID"}, rows)
}

func (a *app) chainForksCmd() *cobra.Command {
	return &cobra.Command{
		Use: "forks", Short: "List the branches that the node knows",
		Example: "  ingchain chain forks", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			forks, err := c.Forks(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(list(forks), func(w io.Writer) {
				var rows [][]string
				for _, f := range forks {
					rows = append(rows, []string{f.Status, grouped(f.Tip.Height), grouped(f.ForkHeight), grouped(f.Length), f.Tip.ID.String()})
				}
				table(w, "no branches", []string{"STATUS", "TIP", "FORKS AT", "LENGTH", "ID"}, rows)
			})
		},
	}
}

func (a *app) chainStateHashCmd() *cobra.Command {
	var full bool
	cmd := &cobra.Command{
		Use: "statehash", Short: "Show the state that the next header will commit to",
		Example: "  ingchain chain statehash --full", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.chain(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			s, err := c.StateHash(cmd.Context(), full)
			if err != nil {
				return err
			}
			return a.print(s, func(w io.Writer) {
				pairs(w, [][2]string{
					{"height", grouped(s.Height)}, {"id", s.ID.String()}, {"coins", grouped(s.UTXOCount)}, {"hash", s.Hash.String()},
				})
			})
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "recompute it from the stored coins, and fail if they disagree")
	return cmd
}

func (a *app) chainVerifyCmd() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Check everything that is stored",
		Example: "  ingchain chain verify", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.chain(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			bar := newProgress(a.live, func(line string) { fmt.Fprintf(a.live, "%s\n", line) })
			v, err := c.Verify(cmd.Context(), func(done, total uint32) {
				bar.show(fmt.Sprintf("verifying: %s of %s", grouped(done), grouped(total)))
			})
			bar.done()
			if err != nil {
				return err
			}
			if err := a.print(v, func(w io.Writer) { printVerify(w, v) }); err != nil {
				return err
			}
			if !v.OK {
				return withHint(fmt.Errorf("the store is damaged: %d problems", len(v.Problems)),
					"'ingchain up%s --reindex' rebuilds all but the blocks; blocks that are damaged are fetched again from peers", a.dataDirArg())
			}
			return nil
		},
	}
}

func printVerify(w io.Writer, v api.VerifyResult) {
	for _, p := range v.Problems {
		fmt.Fprintln(w, clean(p))
	}
	if v.OK {
		fmt.Fprintf(w, "ok: %s blocks and %s coins up to height %s, in %v\n", grouped(v.Blocks), grouped(v.Coins),
			grouped(v.Height), (time.Duration(v.ElapsedMS) * time.Millisecond))
	}
}

// chainJudgeCmd makes `chain invalidate` and `chain reconsider`.
func (a *app) chainJudgeCmd(verb string) *cobra.Command {
	short, judge := "Treat a block and its descendants as invalid", api.Backend.Invalidate
	if verb == "reconsider" {
		short, judge = "Judge a block anew that was remembered as invalid", api.Backend.Reconsider
	}
	return &cobra.Command{
		Use: verb + " ID", Short: short,
		Example: "  ingchain chain " + verb + " 00000000a1b2…", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			id, err := core.ParseHash(operands[0])
			if err != nil {
				return usagef("block id: %w", err)
			}
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			tip, err := judge(c, cmd.Context(), id)
			if err != nil {
				return err
			}
			return a.print(tip, func(w io.Writer) { fmt.Fprintf(w, "tip is now height %s, %s\n", grouped(tip.Height), tip.ID) })
		},
	}
}
