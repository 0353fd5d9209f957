package main

import "github.com/spf13/cobra"

func (a *app) eventsCmd() *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use: "events", Short: "Follow blocks as they are applied and reverted, one JSON object per line", GroupID: groupChain,
		Long: `Follow what happens to the best chain: one JSON object per line, with the block
that was applied or reverted and a cursor. A reader that was away gives the last
cursor it has seen and misses nothing, reorganisations included.`,
		Example: "  ingchain events --since genesis", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			for e, err := range c.Events(cmd.Context(), since) {
				if err != nil {
					return err
				}
				if err := a.printJSON(e); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&since, "since", "", `begin behind this cursor, or at "genesis" (default from now on)`)
	return cmd
}
