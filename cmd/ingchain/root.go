package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/node"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// app is one run of the command: its streams, and what the global flags said.
type app struct {
	in       io.Reader
	out, err io.Writer

	json      bool
	dataDir   string
	logLevel  string
	logFormat string

	keys keystore.Options // zero but in tests

	verb string // path of the command that runs, for hints
	// ownsSignals is set by a verb that a signal is meant to end.
	ownsSignals bool
	live        *live // where stderr is redrawn, and logs go through
}

// Groups of verbs in the help.
const (
	groupNode    = "node"
	groupNetwork = "network"
	groupChain   = "chain"
	groupWallet  = "wallet"
)

const rootLong = `Ingchain is a proof-of-work blockchain node. Nodes on one LAN find each other
and agree on the chain with the most work; no address needs typing.

Results go to standard output, logs and progress to standard error. Every verb
takes --json. Settings come from flags, else from INGCHAIN_* variables (such as
INGCHAIN_DATA_DIR), else from ingchain.toml in the data directory.

` + exitHelp

const rootExample = `  ingchain demo                     three nodes in this process, mining
  ingchain up                       run a node
  ingchain status                   what the running node does
  ingchain mine start               let it mine
  ingchain wallet new               make a wallet, which mining then pays
  ingchain wallet send ADDRESS 1.5  pay somebody`

// annotationNoSettings marks a command that belongs to no data directory.
const annotationNoSettings = "no-settings"

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "ingchain", Short: "Proof-of-work blockchain node on libp2p", Long: rootLong, Example: rootExample,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownVerb(cmd, args[0])
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.prepare(cmd) },
		Annotations:       map[string]string{annotationNoSettings: "yes"},
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		a.verb = cmd.CommandPath()
		return usageError{err}
	})
	f := root.PersistentFlags()
	f.BoolVar(&a.json, "json", false, "print JSON")
	f.StringVar(&a.dataDir, "data-dir", filepath.Join(xdg.DataHome, "ingchain"), "directory of the node's data")
	f.StringVar(&a.logLevel, "log-level", "", "least level of log lines: debug, info, warn or error (default info for up, else warn)")
	f.StringVar(&a.logFormat, "log-format", "text", "form of log lines: text or json")
	root.AddGroup(
		&cobra.Group{ID: groupNode, Title: "Node:"},
		&cobra.Group{ID: groupNetwork, Title: "Network:"},
		&cobra.Group{ID: groupChain, Title: "Chain:"},
		&cobra.Group{ID: groupWallet, Title: "Wallet and payments:"},
	)
	root.AddCommand(
		a.demoCmd(), a.upCmd(), a.statusCmd(), a.idCmd(), a.versionCmd(), a.doctorCmd(),
		a.netCmd(), a.topicCmd(), a.networkCmd(),
		a.chainCmd(), a.syncCmd(), a.eventsCmd(), a.mineCmd(),
		a.walletCmd(), a.txCmd(), a.mempoolCmd(), a.faucetCmd(),
	)
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// group makes a command that only holds others.
func group(use, short, id string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, GroupID: id, Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownVerb(cmd, args[0])
			}
			var names []string
			for _, v := range cmd.Commands() {
				names = append(names, v.Name())
			}
			return usagef("%s needs a verb: %s", cmd.Name(), strings.Join(names, ", "))
		},
	}
	cmd.AddCommand(verbs...)
	var examples []string
	for _, v := range verbs {
		if line, _, _ := strings.Cut(v.Example, "\n"); line != "" {
			examples = append(examples, line)
		}
	}
	cmd.Example = strings.Join(examples, "\n")
	return cmd
}

func unknownVerb(cmd *cobra.Command, name string) error {
	err := usagef("unknown verb %q for %q", name, cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	near := cmd.SuggestionsFor(name)
	if len(near) == 0 {
		return err
	}
	for i := range near { // several may be as near: 'sned' is to 'send' and to 'new'
		near[i] = fmt.Sprintf("'%s %s'", cmd.CommandPath(), near[i])
	}
	return withHint(err, "did you mean %s?", strings.Join(near, " or "))
}

// args wraps an argument check so that its failure is a usage error that shows
// how the verb is used.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := check(cmd, given); err != nil {
			return withHint(usageError{err}, "usage: %s", cmd.UseLine())
		}
		return nil
	}
}

// prepare runs before every verb: it completes the settings.
func (a *app) prepare(cmd *cobra.Command) error {
	a.verb = cmd.CommandPath()
	if err := applyDataDir(cmd); err != nil {
		return err
	}
	dir, err := filepath.Abs(a.dataDir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	a.dataDir = dir
	if cmd.Annotations[annotationNoSettings] != "" {
		return applySettings(cmd, "")
	}
	return applySettings(cmd, filepath.Join(a.dataDir, settingsFile))
}

// main runs the command line and returns the exit code.
func (a *app) main(ctx context.Context, argv []string) int {
	a.verb = "ingchain"
	a.live = newLive(a.err)
	root := a.root()
	root.SetArgs(argv)
	err := root.ExecuteContext(ctx)
	a.live.close()
	// A signal ends whatever a verb was doing; what that then said matters less.
	if cause := context.Cause(ctx); errors.Is(cause, errInterrupted) && !a.ownsSignals {
		err = cause
	}
	if err != nil {
		a.complain(err)
	}
	return exitCode(err)
}

// complain tells the user what went wrong and what to do.
func (a *app) complain(err error) {
	if errors.Is(err, errInterrupted) {
		return
	}
	// Errors that were joined are one line each.
	fmt.Fprintf(a.err, "ingchain: %s\n", clean(strings.ReplaceAll(err.Error(), "\n", "; ")))
	if hint := a.hintFor(err); hint != "" {
		fmt.Fprintf(a.err, "hint: %s\n", clean(hint))
	}
}

// startGrace is how long a verb that only a node can answer waits for one that
// was started together with it, as in `ingchain up & ingchain mine once`, to
// take its directory.
const startGrace = 300 * time.Millisecond

// dial connects to the running node. One that is just starting it waits for.
func (a *app) dial(ctx context.Context) (*api.Client, error) { return a.dialWithin(ctx, startGrace) }

func (a *app) dialWithin(ctx context.Context, grace time.Duration) (*api.Client, error) {
	c, err := api.Dial(ctx, a.dataDir)
	if errors.Is(err, api.ErrUnreachable) && node.AwaitAPI(ctx, a.dataDir, grace) {
		return api.Dial(ctx, a.dataDir)
	}
	return c, err
}

// dataDirArg is the flag to repeat in hints, if the directory is not the default.
func (a *app) dataDirArg() string {
	if a.dataDir == filepath.Join(xdg.DataHome, "ingchain") {
		return ""
	}
	return " --data-dir " + a.dataDir
}

// logger makes the logger that the flags ask for.
func (a *app) logger(defaultLevel slog.Level) (*slog.Logger, error) {
	level := defaultLevel
	if a.logLevel != "" {
		if err := level.UnmarshalText([]byte(a.logLevel)); err != nil {
			return nil, usagef("log level %q, want debug, info, warn or error", a.logLevel)
		}
	}
	return newLogger(a.live, level, a.logFormat, a.live.color())
}
