package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/multiformats/go-multiaddr"
	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
)

func (a *app) netCmd() *cobra.Command {
	return group("net", "See and change whom the node talks to", groupNetwork,
		a.netPeersCmd(), a.netConnectCmd(), a.netDisconnectCmd(), a.netListenCmd())
}

func (a *app) netPeersCmd() *cobra.Command {
	return &cobra.Command{
		Use: "peers", Short: "List peers, also those seen and not joined",
		Example: "  ingchain net peers", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			peers, err := c.Peers(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(list(peers), func(w io.Writer) { printPeers(w, peers) })
		},
	}
}

func printPeers(w io.Writer, peers []api.Peer) {
	var rows [][]string
	for _, p := range peers {
		// libp2p words a failed dial in several lines, one for each address.
		state, height, latency := strings.Join(strings.Fields(p.Reason), " "), "-", "-"
		if p.Joined {
			state, height = "joined", grouped(p.Tip.Height)
		}
		if p.LatencyMS > 0 {
			latency = fmt.Sprintf("%.1f ms", p.LatencyMS)
		}
		rows = append(rows, []string{p.PeerID, state, height, latency, p.Direction, p.Source, p.Agent, p.Addr})
	}
	table(w, "no peers", []string{"PEER", "STATE", "HEIGHT", "LATENCY", "DIRECTION", "SOURCE", "AGENT", "ADDRESS"}, rows)
}

func (a *app) netConnectCmd() *cobra.Command {
	return &cobra.Command{
		Use: "connect MULTIADDR", Short: "Connect to a peer and wait until it has joined",
		Example: "  ingchain net connect /ip4/192.168.1.7/tcp/8555/p2p/12D3Koo…", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			// Checked here too: what is malformed is so without a node.
			if err := checkPeerAddr(operands[0]); err != nil {
				return err
			}
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			p, err := c.Connect(cmd.Context(), operands[0])
			if err != nil {
				return err
			}
			return a.print(p, func(w io.Writer) {
				fmt.Fprintf(w, "joined %s at height %s\n", clean(p.PeerID), grouped(p.Tip.Height))
			})
		},
	}
}

// checkPeerAddr refuses what cannot be dialled as a peer.
func checkPeerAddr(s string) error {
	m, err := multiaddr.NewMultiaddr(s)
	if err == nil {
		if _, err = m.ValueForProtocol(multiaddr.P_P2P); err == nil {
			return nil
		}
		err = fmt.Errorf("it names no peer")
	}
	return withHint(usagef("address %q: %w", s, err),
		"a peer's address looks like /ip4/192.168.1.7/tcp/8555/p2p/12D3Koo…; 'ingchain id' prints those of a node")
}

func (a *app) netDisconnectCmd() *cobra.Command {
	return &cobra.Command{
		Use: "disconnect PEER", Short: "Drop a peer and keep it away until the next connect",
		Example: "  ingchain net disconnect 12D3Koo…", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			if err := c.Disconnect(cmd.Context(), operands[0]); err != nil {
				return err
			}
			return a.print(struct {
				PeerID string `json:"peer_id"`
			}{operands[0]}, func(w io.Writer) { fmt.Fprintf(w, "disconnected %s\n", clean(operands[0])) })
		},
	}
}

func (a *app) netListenCmd() *cobra.Command {
	return &cobra.Command{
		Use: "listen", Short: "List the addresses that the node listens on",
		Example: "  ingchain net listen", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			addrs, err := c.ListenAddrs(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(list(addrs), func(w io.Writer) {
				for _, addr := range addrs {
					fmt.Fprintln(w, clean(addr))
				}
			})
		},
	}
}
