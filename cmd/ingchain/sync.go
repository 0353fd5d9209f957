package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
)

// syncPoll is how often sync wait asks the node.
const syncPoll = 200 * time.Millisecond

func (a *app) syncCmd() *cobra.Command {
	return group("sync", "See whether the node has caught up", groupChain, a.syncStatusCmd(), a.syncWaitCmd())
}

func (a *app) syncStatusCmd() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show how far the node is behind",
		Example: "  ingchain sync status", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			s, err := c.SyncStatus(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(s, func(w io.Writer) { printSync(w, s) })
		},
	}
}

func printSync(w io.Writer, s api.SyncStatus) {
	state := "waiting for peers"
	switch {
	case s.Synced:
		state = "synced"
	case s.Syncing:
		state = syncLine(s)
	}
	rows := [][2]string{
		{"state", state},
		{"tip", fmt.Sprintf("height %s, %s", grouped(s.Tip.Height), s.Tip.ID)},
		{"target", fmt.Sprintf("height %s, %s", grouped(s.Target.Height), s.Target.ID)},
		{"peers", fmt.Sprint(s.Peers)},
	}
	if s.Message != "" {
		rows = append(rows, [2]string{"note", s.Message})
	}
	pairs(w, rows)
}

// syncLine words progress.
func syncLine(s api.SyncStatus) string {
	line := fmt.Sprintf("syncing: height %s of %s, %.0f blocks/s", grouped(s.Tip.Height), grouped(s.Target.Height), s.Rate)
	if s.ETA > 0 {
		line += ", " + time.Duration(s.ETA*float64(time.Second)).Round(time.Second).String() + " left"
	}
	return line
}

func (a *app) syncWaitCmd() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use: "wait", Short: "Wait until the node has caught up with its peers",
		Example: "  ingchain sync wait --timeout 60s", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if timeout <= 0 {
				return usagef("timeout %v, want a positive duration such as 60s", timeout)
			}
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			s, err := a.waitSynced(ctx, c)
			if err != nil {
				if ctx.Err() != nil && cmd.Context().Err() == nil {
					return fmt.Errorf("%w: not synced after %v (height %d of %d, %d peers)",
						api.ErrTimeout, timeout, s.Tip.Height, s.Target.Height, s.Peers)
				}
				return err
			}
			return a.print(s, func(w io.Writer) { fmt.Fprintf(w, "synced at height %s\n", grouped(s.Tip.Height)) })
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "give up after this long, with exit status 5")
	return cmd
}

// waitSynced polls until the node has caught up, and returns the last it said.
func (a *app) waitSynced(ctx context.Context, c api.Backend) (last api.SyncStatus, err error) {
	progress := newProgress(a.live, func(line string) { fmt.Fprintf(a.live, "%s\n", line) })
	tick := time.NewTicker(syncPoll)
	defer tick.Stop()
	for {
		s, err := c.SyncStatus(ctx)
		if err != nil {
			return last, err
		}
		if last = s; s.Synced {
			return last, nil
		}
		progress.show(syncLine(s))
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-tick.C:
		}
	}
}
