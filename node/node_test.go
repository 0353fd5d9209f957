package node_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
)

// testParams are the development network's with a salt of the test's own.
func testParams(t *testing.T) *core.Params {
	p := core.Dev()
	copy(p.Salt[:], t.Name())
	return p
}

// testConfig is a node on loopback ports of the system's choice, without mDNS.
func testConfig(t *testing.T, p *core.Params) node.Config {
	return node.Config{
		DataDir: t.TempDir(), Params: p, APIAddr: "127.0.0.1:0", Version: "test",
		Listen: []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"},
	}
}

// start runs a node until the test ends, or stop is called.
func start(t *testing.T, cfg node.Config) (n *node.Node, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	n, err := node.New(ctx, cfg)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("node ended with %v", err)
		}
	}
	t.Cleanup(stop)
	return n, stop
}

// eventually waits until cond returns nil.
func eventually(t *testing.T, within time.Duration, cond func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := cond()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("after %v: %v", within, err)
		case <-tick.C:
		}
	}
}

// connect makes a dial b.
func connect(t *testing.T, a, b *node.Node) {
	t.Helper()
	addrs, err := b.ListenAddrs(t.Context())
	if err != nil || len(addrs) == 0 {
		t.Fatalf("addresses %v, %v", addrs, err)
	}
	if p, err := a.Connect(t.Context(), addrs[0]); err != nil || !p.Joined {
		t.Fatalf("connect: %+v, %v", p, err)
	}
}

// agree waits until all nodes have one tip and one state.
func agree(t *testing.T, nodes ...*node.Node) api.StateHash {
	t.Helper()
	var first api.StateHash
	eventually(t, 20*time.Second, func() (err error) {
		if first, err = nodes[0].StateHash(t.Context(), true); err != nil {
			return err
		}
		for i, n := range nodes[1:] {
			if s, err := n.StateHash(t.Context(), true); err != nil || s != first {
				return fmt.Errorf("node %d is at %+v, node 0 at %+v: %w", i+1, s, first, errors.Join(err))
			}
		}
		return nil
	})
	return first
}

func TestTwoNodesConvergeAndReorganise(t *testing.T) {
	p := testParams(t)
	a, _ := start(t, testConfig(t, p))
	b, stopB := start(t, testConfig(t, p))
	if _, err := a.MineOnce(t.Context(), 3, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := b.MineOnce(t.Context(), 5, ""); err != nil {
		t.Fatal(err)
	}
	events := collect(t, a)
	connect(t, a, b)
	s := agree(t, a, b)
	if s.Height != 5 || s.UTXOCount != 5 {
		t.Fatalf("agreed on %+v", s)
	}
	got := <-events
	if want := "revert 3, revert 2, revert 1, apply 1, apply 2, apply 3, apply 4, apply 5"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	forks, err := a.Forks(t.Context())
	if err != nil || len(forks) != 2 || forks[1].Length != 3 || forks[1].ForkHeight != 0 || forks[1].Status != "valid" {
		t.Errorf("forks %+v, %v", forks, err)
	}
	// Blocks that are found now come by gossip or hello.
	if _, err := a.MineOnce(t.Context(), 2, ""); err != nil {
		t.Fatal(err)
	}
	if s := agree(t, a, b); s.Height != 7 {
		t.Fatalf("agreed on %+v", s)
	}
	// A node that was away catches up.
	stopB()
	if _, err := a.MineOnce(t.Context(), 4, ""); err != nil {
		t.Fatal(err)
	}
}

// collect returns the next eight events of a node, as text.
func collect(t *testing.T, n *node.Node) <-chan string {
	events := n.Events(t.Context(), "")
	out := make(chan string, 1)
	go func() {
		var list []string
		for e, err := range events {
			if err != nil {
				out <- err.Error()
				return
			}
			if list = append(list, fmt.Sprintf("%s %d", e.Type, e.Block.Height)); len(list) == 8 {
				break
			}
		}
		out <- strings.Join(list, ", ")
	}()
	return out
}

func TestRestartKeepsChainAndIdentity(t *testing.T) {
	cfg := testConfig(t, testParams(t))
	cfg.DataDir = filepath.Join(cfg.DataDir, "not", "there", "yet")
	n, stop := start(t, cfg)
	if _, err := n.MineOnce(t.Context(), 10, ""); err != nil {
		t.Fatal(err)
	}
	before, err := n.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stop()

	s, err := node.OpenStopped(cfg.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Verify(t.Context(), nil)
	if err != nil || !r.OK || r.Height != 10 {
		t.Errorf("verify: %+v, %v", r, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}

	for _, reindex := range []bool{false, true} {
		cfg.Reindex = reindex
		n, stop := start(t, cfg)
		after, err := n.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if after.PeerID != before.PeerID || after.Tip.ID != before.Tip.ID {
			t.Errorf("reindex %v: peer %s tip %v, want %s %v", reindex, after.PeerID, after.Tip, before.PeerID, before.Tip)
		}
		stop()
	}
}

func TestDataDirRemembersItsNetwork(t *testing.T) {
	cfg := testConfig(t, testParams(t))
	_, stop := start(t, cfg)
	_, held := node.New(t.Context(), cfg)
	if held == nil || !strings.Contains(held.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("a second node on the directory: %v, want an error that names process %d", held, os.Getpid())
	}
	stop()
	old := cfg.Params
	cfg.Params = core.LAN()
	if _, err := node.New(t.Context(), cfg); !errors.Is(err, node.ErrWrongNetwork) {
		t.Errorf("%v, want ErrWrongNetwork", err)
	}
	// Also when the network file is lost, and then without a new one.
	if err := os.Remove(filepath.Join(cfg.DataDir, "network.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := node.New(t.Context(), cfg); !errors.Is(err, node.ErrWrongNetwork) {
		t.Errorf("without a network file: %v, want ErrWrongNetwork", err)
	}
	cfg.Params = old
	_, stop = start(t, cfg)
	stop()
}

func TestOtherNetworksAreSeenAndNotJoined(t *testing.T) {
	p := testParams(t)
	a, _ := start(t, testConfig(t, p))
	other := *p
	other.Salt[31] ^= 1
	b, _ := start(t, testConfig(t, &other))
	addrs, err := b.ListenAddrs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Connect(t.Context(), addrs[0])
	if !errors.Is(err, api.ErrNotAllowed) {
		t.Fatalf("connect: %v, want ErrNotAllowed", err)
	}
	for _, g := range []core.Hash{p.Genesis().ID(), other.Genesis().ID()} {
		if !strings.Contains(err.Error(), g.String()) {
			t.Errorf("%v does not name genesis %s", err, g)
		}
	}
	peers, err := a.Peers(t.Context())
	if err != nil || len(peers) != 1 || peers[0].Joined || peers[0].Reason == "" {
		t.Errorf("peers %+v, %v", peers, err)
	}
}

// Disconnect keeps a peer away, also when that dials, and says why; Connect lets
// it in again.
func TestDisconnectHoldsUntilConnect(t *testing.T) {
	p := testParams(t)
	a, _ := start(t, testConfig(t, p))
	b, _ := start(t, testConfig(t, p))
	connect(t, a, b)
	id, err := b.ID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Disconnect(t.Context(), id.PeerID); err != nil {
		t.Fatal(err)
	}
	away := func() error {
		peers, err := a.Peers(t.Context())
		if err != nil || len(peers) != 1 || peers[0].Joined || peers[0].Reason != "disconnected by the operator" || peers[0].Addr == "" {
			return fmt.Errorf("peers %+v, %w", peers, err)
		}
		return nil
	}
	eventually(t, 5*time.Second, away)
	addrs, err := a.ListenAddrs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if p, err := b.Connect(ctx, addrs[0]); err == nil {
		t.Errorf("it came in again: %+v", p)
	}
	if err := away(); err != nil {
		t.Error(err)
	}
	connect(t, a, b)
}

func TestBadConfigs(t *testing.T) {
	for name, change := range map[string]func(*node.Config){
		"no directory": func(c *node.Config) { c.DataDir = "" },
		"no network":   func(c *node.Config) { c.Params = nil },
		"listen":       func(c *node.Config) { c.Listen = []string{"127.0.0.1:8555"} },
		"peer":         func(c *node.Config) { c.Peers = []string{"/ip4/127.0.0.1/tcp/1"} },
		"api":          func(c *node.Config) { c.APIAddr = "nowhere" },
		"payout":       func(c *node.Config) { c.MineTo = "ing1xyz" },
		"file as dir":  func(c *node.Config) { c.DataDir = emptyFile(t, c.DataDir) },
	} {
		cfg := testConfig(t, testParams(t))
		change(&cfg)
		if n, err := node.New(t.Context(), cfg); err == nil {
			t.Errorf("%s: no error", name)
			n.Close()
		}
	}
}

func emptyFile(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNothingIsLeftBehind(t *testing.T) {
	run := func() {
		p := testParams(t)
		cfg := testConfig(t, p)
		cfg.MDNS = true
		a, stopA := start(t, cfg)
		b, stopB := start(t, testConfig(t, p))
		if _, err := a.MineOnce(t.Context(), 3, ""); err != nil {
			t.Fatal(err)
		}
		connect(t, b, a)
		agree(t, a, b)
		stopA()
		stopB()
		if _, err := os.Stat(filepath.Join(cfg.DataDir, api.EndpointFile)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the endpoint file is left: %v", err)
		}
	}
	run() // what libraries make once and keep
	before := goleak.IgnoreCurrent()
	files := openFiles(t)
	run()
	eventually(t, 10*time.Second, func() error { return goleak.Find(before) })
	eventually(t, 10*time.Second, func() error {
		if now := openFiles(t); now > files {
			return fmt.Errorf("%d files are open, %d were", now, files)
		}
		return nil
	})
}

// A node that is made and never run leaves nothing either, nor one that cannot be
// made in full.
func TestNothingIsLeftOfANodeThatNeverRan(t *testing.T) {
	p := testParams(t)
	try := func(change func(*node.Config)) {
		cfg := testConfig(t, p)
		change(&cfg)
		n, err := node.New(t.Context(), cfg)
		if err == nil {
			err = n.Close()
		}
		if err != nil && cfg.APIAddr != "nowhere" && cfg.MineTo == "" {
			t.Error(err)
		}
	}
	all := func() {
		try(func(*node.Config) {})
		try(func(c *node.Config) { c.APIAddr = "nowhere" })
		try(func(c *node.Config) { c.MineTo = "nobody" })
	}
	all() // what libraries make once and keep
	before, files := goleak.IgnoreCurrent(), openFiles(t)
	all()
	eventually(t, 10*time.Second, func() error { return goleak.Find(before) })
	eventually(t, 10*time.Second, func() error {
		if now := openFiles(t); now > files {
			return fmt.Errorf("%d files are open, %d were", now, files)
		}
		return nil
	})
}

// A stream over a long chain ends with its context, not with the chain.
func TestEventsEndWithTheirContext(t *testing.T) {
	n, _ := start(t, testConfig(t, testParams(t)))
	if _, err := n.MineOnce(t.Context(), 600, ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	for _, err := range n.Events(ctx, "genesis") {
		if err != nil {
			t.Fatal(err)
		}
		seen++
		cancel()
	}
	if seen >= 600 {
		t.Errorf("%d events after the end", seen)
	}
}

// openFiles counts the process' open files where the system tells.
func openFiles(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
