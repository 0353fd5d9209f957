package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// startTimeout bounds the time until a started node answers. It is wide:
	// how fast a node starts is for the scenarios to judge.
	startTimeout = 30 * time.Second

	// stopTimeout is the promise for a clean end after SIGTERM.
	stopTimeout = 2 * time.Second
)

// NodeConfig says how to start an ingchain node.
type NodeConfig struct {
	Name    string   // of its data directory; the host's name if empty
	Binary  string   // from [BuildBinary]
	Network string   // file or built-in name
	Args    []string // further arguments of "up"
}

// Node is an ingchain node on a host: a data directory, and a process while
// it runs. Its methods are for one goroutine, those that run a verb for any.
type Node struct {
	Name string
	Host *Host
	cfg  NodeConfig
	dir  string
	proc *Proc // nil before the first start
}

// NewNode prepares a node without starting it.
func (h *Host) NewNode(cfg NodeConfig) *Node {
	if cfg.Name == "" {
		cfg.Name = h.Name
	}
	return &Node{Name: cfg.Name, Host: h, cfg: cfg, dir: filepath.Join(h.dir, cfg.Name)}
}

// Node starts a node and waits until it answers.
func (h *Host) Node(cfg NodeConfig) *Node {
	h.net.tb.Helper()
	n := h.NewNode(cfg)
	n.Start()
	n.Ready()
	return n
}

// DataDir is the node's data directory.
func (n *Node) DataDir() string { return n.dir }

// Proc is the node's process, the last one if it has ended.
func (n *Node) Proc() *Proc { return n.proc }

// Start starts the process and returns at once. Further arguments are for
// this start only.
func (n *Node) Start(args ...string) {
	n.Host.net.tb.Helper()
	if n.proc != nil {
		select {
		case <-n.proc.Done():
		default:
			n.Host.net.tb.Fatalf("lab: node %s runs already", n.Name)
		}
	}
	all := append([]string{"up", "--data-dir", n.dir, "--network", n.cfg.Network}, n.cfg.Args...)
	cmd := n.Host.Command(context.Background(), n.cfg.Binary, append(all, args...)...)
	proc, err := n.Host.Start(cmd)
	if err != nil {
		n.Host.net.tb.Fatal(err)
	}
	n.proc = proc
}

// Ready waits until the node answers and returns its status.
func (n *Node) Ready() Status {
	n.Host.net.tb.Helper()
	status, err := n.WaitReady(startTimeout)
	if err != nil {
		n.Host.net.tb.Fatal(err)
	}
	return status
}

// WaitReady is [Node.Ready] for a node that may fail to start: it returns an
// error once the process has ended.
func (n *Node) WaitReady(within time.Duration) (status Status, err error) {
	var ended error
	err = poll(within, func() error {
		select {
		case <-n.proc.Done():
			ended = fmt.Errorf("lab: node %s ended before it answered: %w", n.Name, n.proc.Err())
			return nil
		default:
			return n.JSON(&status, "status")
		}
	})
	if ended != nil {
		return Status{}, ended
	}
	if err != nil {
		return Status{}, fmt.Errorf("lab: node %s does not answer after %v: %w", n.Name, within, err)
	}
	return status, nil
}

// Kill9 ends the process as a power cut would, as far as it can tell.
func (n *Node) Kill9() { n.proc.Kill9() }

// Freeze stops the process without ending it: its connections stay open and
// nobody answers.
func (n *Node) Freeze() {
	n.Host.net.tb.Helper()
	if err := n.proc.Signal(syscall.SIGSTOP); err != nil {
		n.Host.net.tb.Fatalf("lab: freezing node %s: %v", n.Name, err)
	}
}

// Thaw lets a frozen process go on.
func (n *Node) Thaw() {
	n.Host.net.tb.Helper()
	if err := n.proc.Signal(syscall.SIGCONT); err != nil {
		n.Host.net.tb.Fatalf("lab: thawing node %s: %v", n.Name, err)
	}
}

// Stop ends the node with SIGTERM; it must exit with code 0 in two seconds.
func (n *Node) Stop() {
	n.Host.net.tb.Helper()
	select {
	case <-n.proc.Done():
		n.Host.net.tb.Fatalf("lab: node %s had ended before it was stopped: %v", n.Name, n.proc.Err())
	default:
	}
	if err := n.proc.Signal(syscall.SIGTERM); err != nil {
		n.Host.net.tb.Fatalf("lab: stopping node %s: %v", n.Name, err)
	}
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-n.proc.Done():
		if err := n.proc.Err(); err != nil {
			n.Host.net.tb.Errorf("lab: node %s after SIGTERM: %v, want exit code 0", n.Name, err)
		}
	case <-timer.C:
		// A dump of its goroutines in the log says what it waits for.
		_ = n.proc.Signal(syscall.SIGQUIT)
		n.Host.net.tb.Errorf("lab: node %s still runs %v after SIGTERM", n.Name, stopTimeout)
		select {
		case <-n.proc.Done():
		case <-time.After(stopTimeout):
			n.Kill9()
		}
	}
}

// Restart stops the node cleanly and starts it again.
func (n *Node) Restart() {
	n.Host.net.tb.Helper()
	n.Stop()
	n.Start()
	n.Ready()
}

// VerbError is a verb's failure.
type VerbError struct {
	Verb   string
	Code   int // exit code as in the command's documentation; -1 if killed
	Stderr string
}

func (e *VerbError) Error() string {
	return fmt.Sprintf("ingchain %s: exit code %d: %s", e.Verb, e.Code, e.Stderr)
}

// Verb makes a command that runs a verb against this node's data directory,
// inside the host.
func (n *Node) Verb(ctx context.Context, args ...string) *exec.Cmd {
	return n.Host.Command(ctx, n.cfg.Binary, append(args, "--data-dir", n.dir)...)
}

// Run runs a verb and returns its standard output. The error is a
// [*VerbError] when the verb itself failed.
func (n *Node) Run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := n.Verb(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return stdout.Bytes(), &VerbError{
			Verb: strings.Join(args, " "), Code: exit.ExitCode(), Stderr: strings.TrimSpace(stderr.String()),
		}
	}
	return stdout.Bytes(), err
}

// JSON runs a verb with --json and decodes its output into v; a nil v only
// runs it.
func (n *Node) JSON(v any, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), verbTimeout)
	defer cancel()
	return n.JSONContext(ctx, v, args...)
}

// JSONContext is [Node.JSON] for verbs that may take long.
func (n *Node) JSONContext(ctx context.Context, v any, args ...string) error {
	out, err := n.Run(ctx, append(args, "--json")...)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(out, v); err != nil {
		return fmt.Errorf("node %s: ingchain %s printed %q: %w", n.Name, strings.Join(args, " "), out, err)
	}
	return nil
}

// MustJSON is [Node.JSON] that ends the test on failure.
func (n *Node) MustJSON(v any, args ...string) {
	n.Host.net.tb.Helper()
	if err := n.JSON(v, args...); err != nil {
		n.Host.net.tb.Fatal(err)
	}
}

// Status asks the node for its status.
func (n *Node) Status() (Status, error) {
	var s Status
	err := n.JSON(&s, "status")
	return s, err
}

// withStderr adds what a failed command wrote.
func withStderr(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	return err
}
