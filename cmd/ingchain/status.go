package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
)

// version is set by release builds with -ldflags "-X main.version=v1.2.3".
var version = ""

func (a *app) statusCmd() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show what the running node does", GroupID: groupNode,
		Example: "  ingchain status --json", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			st, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(st, func(w io.Writer) { printStatus(w, st) })
		},
	}
}

func printStatus(w io.Writer, st api.Status) {
	mining := "no"
	if st.Mining {
		mining = hashRate(st.HashRate)
	}
	chain := fmt.Sprintf("height %s, %s", grouped(st.Tip.Height), st.Tip.ID)
	if st.Syncing {
		chain += fmt.Sprintf(" (syncing to %s)", grouped(st.Headers.Height))
	}
	rows := [][2]string{
		{"network", fmt.Sprintf("%s, genesis %s", st.Network, st.Genesis.Short())},
		{"tip", chain},
		{"tip time", timeOf(st.Tip.Time)},
		{"peers", fmt.Sprint(st.Peers)},
		{"mining", mining},
		{"mempool", fmt.Sprintf("%d transactions, %d bytes", st.Mempool.Count, st.Mempool.Bytes)},
		{"index", indexState(st)},
		{"peer id", st.PeerID},
	}
	for i, addr := range st.Addrs {
		rows = append(rows, [2]string{map[bool]string{true: "addresses"}[i == 0], addr})
	}
	rows = append(rows,
		[2]string{"data", st.DataDir},
		[2]string{"api", st.API},
		[2]string{"version", st.Version},
		[2]string{"up for", time.Duration(st.Uptime * float64(time.Second)).Round(time.Second).String()},
	)
	for _, warning := range st.Warnings {
		rows = append(rows, [2]string{"warning", warning})
	}
	pairs(w, rows)
}

// indexState words whether the node can answer about addresses.
func indexState(st api.Status) string {
	switch {
	case !st.Index.Enabled:
		return "off, so wallets can't ask this node"
	case st.Index.Error != "":
		return "failed: " + st.Index.Error
	case st.Index.Building:
		return fmt.Sprintf("building, at height %s of %s", grouped(st.Index.Height), grouped(st.Tip.Height))
	}
	return "of addresses, up to date"
}

// timeOf words a time in Unix milliseconds.
func timeOf(ms uint64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(int64(ms)).Format("2006-01-02 15:04:05")
}

func (a *app) idCmd() *cobra.Command {
	return &cobra.Command{
		Use: "id", Short: "Show the running node's peer id and addresses", GroupID: groupNode,
		Example: "  ingchain id", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			id, err := c.ID(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(id, func(w io.Writer) {
				rows := [][2]string{{"peer id", id.PeerID}, {"agent", id.Agent}}
				for _, addr := range id.Addrs {
					rows = append(rows, [2]string{"address", addr})
				}
				pairs(w, rows)
			})
		},
	}
}

// versionInfo is what `version --json` prints.
type versionInfo struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show the version of this program", GroupID: groupNode,
		Example: "  ingchain version", Args: args(cobra.NoArgs),
		Annotations: map[string]string{annotationNoSettings: "yes"},
		RunE: func(*cobra.Command, []string) error {
			v := thisVersion()
			return a.print(v, func(w io.Writer) {
				line := "ingchain " + v.Version
				if v.Commit != "" {
					line += " (" + v.Commit + ")"
				}
				fmt.Fprintf(w, "%s %s %s/%s\n", line, v.Go, v.OS, v.Arch)
			})
		},
	}
}

func thisVersion() versionInfo {
	v := versionInfo{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Commit = s.Value[:min(12, len(s.Value))]
		}
	}
	if v.Version == "" {
		v.Version = strings.Trim(info.Main.Version, "()")
	}
	if v.Version == "" {
		v.Version = "devel"
	}
	return v
}
