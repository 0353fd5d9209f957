package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/node"
)

const (
	// upPoll is how often up looks at what its node does.
	upPoll = 500 * time.Millisecond
	// Bounds of --mempool-size, in MiB.
	defaultPoolMiB = 64
	maxPoolMiB     = 1 << 20
)

// upOptions are the flags of up.
type upOptions struct {
	network    string
	listen     []string
	peers      []string
	mdns       bool
	api        string
	mine       bool
	mineTo     string
	threads    int
	reindex    bool
	index      bool
	poolMiB    int
	minFeeRate uint64
	phaseTrace string
}

func (a *app) upCmd() *cobra.Command {
	var o upOptions
	cmd := &cobra.Command{
		Use: "up", Short: "Run a node until it is interrupted", GroupID: groupNode,
		Long: `Run a node. It finds the others of its network on the LAN by itself, fetches the
chain with the most work and keeps it. Ctrl-C stops it.

The network "dev" keeps to this machine unless --listen or --mdns say otherwise,
so that the dev nodes of strangers do not become one chain.`,
		Example: `  ingchain up --mine
  ingchain up --data-dir /tmp/a --network dev
  ingchain up --peer /ip4/192.168.1.7/tcp/8555/p2p/12D3Koo…`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.nodeConfig(&o, cmd.Flags().Changed("mdns"))
			if err != nil {
				return err
			}
			return a.up(cmd.Context(), cfg)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.network, "network", "", "lan, dev or a network file (default what the data directory remembers, else lan)")
	f.StringArrayVar(&o.listen, "listen", nil, "multiaddr to listen on instead of the default ports; may be repeated")
	f.StringArrayVar(&o.peers, "peer", nil, "multiaddr of a peer to stay connected to; may be repeated")
	f.BoolVar(&o.mdns, "mdns", true, "find peers on the LAN")
	f.StringVar(&o.api, "api", "", `HOST:PORT of the API, or "none" (default `+node.DefaultAPIAddr+`, or a free port)`)
	f.BoolVar(&o.mine, "mine", false, "mine once caught up, or after 5 s without peers")
	f.StringVar(&o.mineTo, "mine-to", "", "address that mining pays (default what the file payout in the data directory names)")
	f.IntVar(&o.threads, "mine-threads", 0, "search workers (default one per core)")
	f.BoolVar(&o.reindex, "reindex", false, "rebuild coins and indexes from the stored blocks first")
	f.BoolVar(&o.index, "index", true, "keep an index of addresses and transactions, which wallets ask")
	f.IntVar(&o.poolMiB, "mempool-size", defaultPoolMiB, "memory for payments, in MiB: three quarters for those that wait for a block")
	f.Uint64Var(&o.minFeeRate, "min-fee-rate", 0, "least fee of payments that this node takes and passes on, in grains per 1,000 bytes (default 1000)")
	f.StringVar(&o.phaseTrace, "phase-trace", "", "append begin and end of phases to a file, for crash tests")
	_ = f.MarkHidden("phase-trace") // fails only for a flag that isn't there
	return cmd
}

// nodeConfig turns flags into a node's configuration.
func (a *app) nodeConfig(o *upOptions, mdnsGiven bool) (node.Config, error) {
	if o.threads < 0 {
		return node.Config{}, usagef("--mine-threads %d, want 0 for one per core, or more", o.threads)
	}
	if o.poolMiB < 1 || o.poolMiB > maxPoolMiB {
		return node.Config{}, usagef("--mempool-size %d, want 1 to %d MiB", o.poolMiB, maxPoolMiB)
	}
	for _, p := range o.peers {
		if err := checkPeerAddr(p); err != nil {
			return node.Config{}, err
		}
	}
	params, err := loadNetwork(o.network, a.dataDir)
	if err != nil {
		return node.Config{}, err
	}
	log, err := a.logger(slog.LevelInfo)
	if err != nil {
		return node.Config{}, err
	}
	cfg := node.Config{
		DataDir: a.dataDir, Params: params, Listen: o.listen, Peers: o.peers, MDNS: o.mdns, APIAddr: o.api,
		Mine: o.mine, MineTo: o.mineTo, MineThreads: o.threads,
		NoIndex: !o.index, PoolBytes: o.poolMiB << 20, MinFeeRate: o.minFeeRate,
		OwnProcess: true, Reindex: o.reindex, PhaseTrace: o.phaseTrace, Version: thisVersion().Version, Logger: log,
	}
	if isBuiltInDev(params) {
		cfg.LoopbackOnly = len(o.listen) == 0
		cfg.MDNS = o.mdns && mdnsGiven
	}
	return cfg, nil
}

// up runs a node until ctx is done. Being interrupted is how it is meant to end.
func (a *app) up(ctx context.Context, cfg node.Config) error {
	a.ownsSignals = true
	n, err := node.New(ctx, cfg)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	// The node stops when the context of Run does, whatever ends first.
	runCtx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- n.Run(runCtx) }()
	if err := a.announceUp(runCtx, n, cfg.Logger); err != nil && runCtx.Err() == nil {
		stop()
		return errors.Join(err, <-ended)
	}
	err = a.watch(n, cfg.Logger, ended)
	a.live.close()
	if err != nil {
		return err
	}
	cfg.Logger.Info("stopped")
	return nil
}

// announceUp says where the node is and what to do with it.
func (a *app) announceUp(ctx context.Context, n runner, log *slog.Logger) error {
	st, err := n.Status(ctx)
	if err != nil {
		return fmt.Errorf("ask the new node: %w", err)
	}
	log.Info("node is up", "network", st.Network, "genesis", st.Genesis.Short(), "peer_id", st.PeerID,
		"height", st.Tip.Height, "data_dir", st.DataDir)
	for _, addr := range st.Addrs {
		log.Info("reached at", "addr", addr)
	}
	if url, _ := n.API(); url != "" {
		log.Info("API", "url", url)
		dir := a.dataDirArg()
		log.Info("next", "status", "ingchain status"+dir, "peers", "ingchain net peers"+dir, "mine", "ingchain mine start"+dir)
	}
	if a.json {
		return a.printJSON(st)
	}
	return nil
}

// watch shows progress while the node syncs, until it has ended.
func (a *app) watch(n runner, log *slog.Logger, ended <-chan error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	bar := newProgress(a.live, func(line string) { log.Info(line) })
	tick := time.NewTicker(upPoll)
	defer tick.Stop()
	syncing := false
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
		}
		s, err := n.SyncStatus(ctx)
		switch {
		case err != nil:
			continue // the node is ending, and says why itself
		case s.Syncing:
			syncing = true
			bar.show(syncLine(s))
		case syncing:
			syncing = false
			bar.done()
			log.Info("synced", "height", s.Tip.Height, "id", s.Tip.ID.Short())
		}
	}
}
