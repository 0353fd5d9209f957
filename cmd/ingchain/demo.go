package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
)

const (
	maxDemoNodes = 16
	// demoPoll is how often the table is redrawn.
	demoPoll = 250 * time.Millisecond
	// demoMeet is how long miners wait for the nodes to find each other. They
	// would converge anyway; waiting saves them a fork at the start.
	demoMeet = 600 * time.Millisecond
	// demoAgree bounds the wait for one tip after mining has stopped, and
	// demoHurry that after Ctrl-C.
	demoAgree = 10 * time.Second
	demoHurry = time.Second
)

// demoResult is what `demo --json` prints.
type demoResult struct {
	Agreed bool       `json:"agreed"`
	Nodes  []demoNode `json:"nodes"`
}

type demoNode struct {
	PeerID string    `json:"peer_id"`
	Tip    api.Ref   `json:"tip"`
	State  core.Hash `json:"state"`
	Peers  int       `json:"peers"`

	hashRate float64
	pool     int // payments that wait
}

func (a *app) demoCmd() *cobra.Command {
	var n int
	var length time.Duration
	cmd := &cobra.Command{
		Use: "demo", Short: "Run several nodes in this process, finding each other and mining", GroupID: groupNode,
		Long: `Run several nodes in this process, on a network of their own: they find each
other by mDNS, mine a block about every two seconds and agree on one chain. Their
data lies in a temporary directory and is removed at the end. Before the end the
miners stop, and the nodes settle on one tip.`,
		Example: "  ingchain demo -n 5 --for 30s", Args: args(cobra.NoArgs),
		Annotations: map[string]string{annotationNoSettings: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if n < 1 || n > maxDemoNodes {
				return usagef("-n %d, want 1 to %d nodes", n, maxDemoNodes)
			}
			if length < 0 {
				return usagef("--for %v, want a duration such as 30s", length)
			}
			return a.demo(cmd.Context(), n, length)
		},
	}
	cmd.Flags().IntVarP(&n, "nodes", "n", 3, "how many nodes")
	cmd.Flags().DurationVar(&length, "for", 0, "stop after this long (default when interrupted)")
	return cmd
}

// demo runs n nodes until ctx is done or length is over, and reports whether
// they agreed.
func (a *app) demo(ctx context.Context, n int, length time.Duration) error {
	a.ownsSignals = true
	log, err := a.logger(slog.LevelWarn)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ingchain-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	threads := min(n, runtime.NumCPU())
	params, err := demoNetwork(demoHashRate(threads), time.Now())
	if err != nil {
		return err
	}

	// Nodes outlive the signal by the time that it takes to agree. The first
	// that fails stops all.
	runCtx, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	nodes, err := startDemoNodes(runCtx, n, func(i int) node.Config { return demoConfig(dir, i, params, log) })
	for _, n := range nodes {
		running.Go(func() {
			if err := n.Run(runCtx); err != nil {
				stop(err)
			}
		})
	}
	var result demoResult
	if err == nil {
		result, err = a.runDemo(ctx, runCtx, nodes, dir, threads, length)
	}
	stop(err)
	running.Wait()
	if err := context.Cause(runCtx); !errors.Is(err, context.Canceled) {
		return err
	}
	a.live.keep()
	return a.reportDemo(result)
}

// startDemoNodes opens n nodes at once. It returns those that opened, which the
// caller must run, and why others did not.
func startDemoNodes(ctx context.Context, n int, config func(i int) node.Config) ([]runner, error) {
	opened, errs := make([]runner, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if one, err := node.New(ctx, config(i)); err != nil {
				errs[i] = err
			} else {
				opened[i] = one
			}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(opened, func(r runner) bool { return r == nil }), errors.Join(errs...)
}

// demoDir is the data directory of a demo's node, from 0.
func demoDir(dir string, i int) string { return filepath.Join(dir, fmt.Sprintf("node%d", i+1)) }

func demoConfig(dir string, i int, params *core.Params, log *slog.Logger) node.Config {
	return node.Config{
		DataDir: demoDir(dir, i), Params: params,
		// Free ports, so that a demo leaves the default ones to a node.
		Listen:       []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"},
		LoopbackOnly: true, MDNS: true,
		APIAddr: "127.0.0.1:0",
		Version: thisVersion().Version, Logger: log.With("node", i+1),
	}
}

// runDemo mines and shows until the end, then lets the nodes agree.
func (a *app) runDemo(ctx, runCtx context.Context, nodes []runner, dir string, threads int, length time.Duration) (demoResult, error) {
	view := newDemoView(a, nodes)
	view.started(demoDir(dir, 0))
	end := ctx
	if length > 0 {
		var cancel context.CancelFunc
		end, cancel = context.WithTimeout(ctx, length)
		defer cancel()
	}
	mining := time.After(demoMeet)
	tick := time.NewTicker(demoPoll)
	defer tick.Stop()
	for end.Err() == nil {
		r, err := askDemo(runCtx, nodes)
		if err != nil {
			return r, err
		}
		view.show(r)
		if mining != nil && allMeet(r) {
			mining = time.After(0)
		}
		select {
		case <-mining:
			mining = nil
			// Paid to nobody, and said so: a demo's coins end with it.
			nobody := core.Address{}.Encode(nodes[0].Params().AddressPrefix)
			for _, n := range nodes[:threads] {
				if _, err := n.StartMining(runCtx, nobody, 1); err != nil {
					return r, fmt.Errorf("start mining: %w", err)
				}
			}
		case <-tick.C:
		case <-end.Done():
		case <-runCtx.Done():
			return r, nil // a node failed; its error is what counts
		}
	}
	patience := demoAgree
	if ctx.Err() != nil {
		patience = demoHurry
	}
	return settleDemo(runCtx, nodes, patience, view)
}

// allMeet reports whether every node sees every other.
func allMeet(r demoResult) bool {
	for _, n := range r.Nodes {
		if n.Peers < len(r.Nodes)-1 {
			return false
		}
	}
	return true
}

// settleDemo stops the miners and waits until the nodes agree.
func settleDemo(ctx context.Context, nodes []runner, patience time.Duration, view *demoView) (demoResult, error) {
	for _, n := range nodes {
		if _, err := n.StopMining(ctx); err != nil {
			return demoResult{}, fmt.Errorf("stop mining: %w", err)
		}
	}
	deadline := time.After(patience)
	tick := time.NewTicker(demoPoll / 5)
	defer tick.Stop()
	for {
		r, err := askDemo(ctx, nodes)
		if err != nil || r.Agreed {
			view.show(r)
			return r, err
		}
		view.show(r)
		select {
		case <-deadline:
			return r, nil
		case <-ctx.Done():
			return r, nil
		case <-tick.C:
		}
	}
}

// askDemo asks every node where it stands.
func askDemo(ctx context.Context, nodes []runner) (demoResult, error) {
	r := demoResult{Agreed: true, Nodes: []demoNode{}}
	for _, n := range nodes {
		st, err := n.Status(ctx)
		if err != nil {
			return r, err
		}
		s, err := n.StateHash(ctx, false)
		if err != nil {
			return r, err
		}
		r.Nodes = append(r.Nodes, demoNode{
			PeerID: st.PeerID, Tip: api.Ref{Height: s.Height, ID: s.ID}, State: s.Hash, Peers: st.Peers, hashRate: st.HashRate, pool: st.Mempool.Count,
		})
		first := r.Nodes[0]
		r.Agreed = r.Agreed && s.ID == first.Tip.ID && s.Hash == first.State
	}
	return r, nil
}

// reportDemo prints the result.
func (a *app) reportDemo(r demoResult) error {
	if err := a.print(r, func(w io.Writer) {
		if r.Agreed {
			fmt.Fprintf(w, "%d nodes agree on height %d, %s\n", len(r.Nodes), r.Nodes[0].Tip.Height, r.Nodes[0].Tip.ID)
			return
		}
		table(w, "", demoHead, demoRows(r))
	}); err != nil {
		return err
	}
	if !r.Agreed {
		return errors.New("the nodes do not agree on one tip")
	}
	return nil
}
