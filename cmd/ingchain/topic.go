package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
)

func (a *app) topicCmd() *cobra.Command {
	return group("topic", "Watch the gossip topics", groupNetwork, a.topicSubCmd(), a.topicLsCmd(), a.topicPeersCmd())
}

func (a *app) topicSubCmd() *cobra.Command {
	return &cobra.Command{
		Use: "sub blocks", Short: "Print announcements as they arrive, decoded and checked",
		Example: "  ingchain topic sub blocks --json", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			if operands[0] != "blocks" {
				return usagef("no topic %q to follow; there is: blocks", operands[0])
			}
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			for ann, err := range c.Announcements(cmd.Context()) {
				if err != nil {
					return err
				}
				if err := a.print(ann, func(w io.Writer) {
					fmt.Fprintf(w, "%s  height %d  %s  %d txs  from %s\n", time.UnixMilli(ann.Received).Format("15:04:05.000"),
						ann.Block.Height, ann.Block.ID, ann.Block.Txs, clean(shortPeer(ann.From)))
				}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// topics asks the node for its topics.
func (a *app) topics(cmd *cobra.Command) ([]api.Topic, error) {
	c, err := a.dial(cmd.Context())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	topics, err := c.Topics(cmd.Context())
	return list(topics), err
}

func (a *app) topicLsCmd() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List the topics that the node takes part in",
		Example: "  ingchain topic ls", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			topics, err := a.topics(cmd)
			if err != nil {
				return err
			}
			return a.print(topics, func(w io.Writer) {
				var rows [][]string
				for _, t := range topics {
					rows = append(rows, []string{t.Topic, fmt.Sprint(len(t.Peers))})
				}
				table(w, "no topics", []string{"TOPIC", "PEERS"}, rows)
			})
		},
	}
}

func (a *app) topicPeersCmd() *cobra.Command {
	return &cobra.Command{
		Use: "peers [TOPIC]", Short: "List the peers that subscribe to each topic",
		Example: "  ingchain topic peers", Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			topics, err := a.topics(cmd)
			if err != nil {
				return err
			}
			if len(operands) == 1 {
				found := []api.Topic{}
				for _, t := range topics {
					if t.Topic == operands[0] {
						found = append(found, t)
					}
				}
				if topics = found; len(topics) == 0 {
					return fmt.Errorf("%w: no topic %q; 'ingchain topic ls' lists them", api.ErrNotFound, operands[0])
				}
			}
			return a.print(topics, func(w io.Writer) {
				var rows [][]string
				for _, t := range topics {
					for _, p := range t.Peers {
						rows = append(rows, []string{t.Topic, p})
					}
				}
				table(w, "no peers subscribe", []string{"TOPIC", "PEER"}, rows)
			})
		},
	}
}
