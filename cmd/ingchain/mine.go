package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
)

// maxMineOnce bounds the blocks of one `mine once`.
const maxMineOnce = 1_000_000

func (a *app) mineCmd() *cobra.Command {
	return group("mine", "Mine blocks on the running node", groupChain, a.mineOnceCmd(), a.mineStartCmd(), a.mineStopCmd())
}

func (a *app) mineOnceCmd() *cobra.Command {
	var n int
	var to string
	cmd := &cobra.Command{
		Use: "once", Short: "Mine blocks and return when they are on the best chain",
		Example: "  ingchain mine once -n 3", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if n < 1 || n > maxMineOnce {
				return usagef("-n %d, want 1 to %d blocks", n, maxMineOnce)
			}
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			a.warnUnpaid(to)
			blocks, err := c.MineOnce(cmd.Context(), n, to)
			if err != nil {
				return err
			}
			return a.print(list(blocks), func(w io.Writer) {
				for _, b := range blocks {
					fmt.Fprintf(w, "height %d  %s\n", b.Height, b.ID)
				}
			})
		},
	}
	cmd.Flags().IntVarP(&n, "blocks", "n", 1, "how many blocks")
	cmd.Flags().StringVar(&to, "to", "", "address to pay (default what the file payout in the data directory names)")
	return cmd
}

func (a *app) mineStartCmd() *cobra.Command {
	var to string
	var threads int
	cmd := &cobra.Command{
		Use: "start", Short: "Let the node mine",
		Example: "  ingchain mine start --threads 1", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if threads < 0 {
				return usagef("--threads %d, want 0 for one per core, or more", threads)
			}
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			a.warnUnpaid(to)
			m, err := c.StartMining(cmd.Context(), to, threads)
			if err != nil {
				return err
			}
			return a.print(m, func(w io.Writer) { printMining(w, m) })
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "address to pay (default what the file payout in the data directory names)")
	cmd.Flags().IntVar(&threads, "threads", 0, "search workers (default one per core)")
	return cmd
}

func (a *app) mineStopCmd() *cobra.Command {
	return &cobra.Command{
		Use: "stop", Short: "Stop mining",
		Example: "  ingchain mine stop", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			m, err := c.StopMining(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(m, func(w io.Writer) { printMining(w, m) })
		},
	}
}

func printMining(w io.Writer, m api.MiningStatus) {
	if !m.Mining {
		fmt.Fprintf(w, "not mining; %d blocks found since the node's start\n", m.Found)
		return
	}
	fmt.Fprintf(w, "mining with %d threads to %s; %d blocks found\n", m.Threads, clean(m.Address), m.Found)
}

// payoutFile in the data directory names the address that mining pays if none is
// given.
const payoutFile = "payout"

// warnUnpaid says so when blocks will be mined for nobody.
func (a *app) warnUnpaid(to string) {
	if to != "" {
		return
	}
	if _, err := os.Stat(filepath.Join(a.dataDir, payoutFile)); err != nil {
		fmt.Fprintln(a.err, "warning: no address to pay: what is mined goes to the zero account, from which nobody can spend")
	}
}
