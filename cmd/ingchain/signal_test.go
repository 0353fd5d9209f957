package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
)

// process is a run of the binary.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string // of stdout; closed at its end

	mu     sync.Mutex // guards stderr
	stderr bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(b)
}

// start runs ingchain with arguments until the test ends.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("interrupts another process, which Windows cannot")
	}
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...), lines: make(chan string, 1024)}
	p.cmd.Env = append(os.Environ(), asBinary+"=yes", "XDG_DATA_HOME="+t.TempDir())
	p.cmd.Stderr = p
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			p.lines <- sc.Text()
		}
	}()
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	return p
}

// line returns the next line of stdout.
func (p *process) line() string {
	p.t.Helper()
	select {
	case l, ok := <-p.lines:
		if !ok {
			p.t.Fatalf("%v ended; it said %s", p.cmd.Args[1:], p.said())
		}
		return l
	case <-time.After(20 * time.Second):
		p.t.Fatalf("%v printed nothing in 20 s; it said %s", p.cmd.Args[1:], p.said())
	}
	return ""
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// signal sends s and checks how and how soon the process ends.
func (p *process) signal(s os.Signal, code int, within time.Duration) {
	p.t.Helper()
	begin := time.Now()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	p.ends(code)
	if took := time.Since(begin); took > within {
		p.t.Errorf("%v took %v to end after %v", p.cmd.Args[1:], took, s)
	}
}

func (p *process) ends(code int) {
	p.t.Helper()
	for range p.lines {
	}
	err := p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("%v ended with %d (%v), want %d; it said %s", p.cmd.Args[1:], got, err, code, p.said())
	}
}

// networkOf returns the file of the dev network that a data directory's node is
// of; it makes it at first.
func networkOf(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(filepath.Dir(dir), "net.json")
	if _, err := os.Stat(file); err != nil {
		p, err := newNetwork(core.NetworkDev, "test", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		data, _ := json.Marshal(p)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// upNode starts a node of a dev network of its own and waits until it is up.
func upNode(t *testing.T, dir string) (*process, *api.Client) {
	t.Helper()
	p := start(t, "up", "--json", "--data-dir", dir, "--network", networkOf(t, dir), "--mdns=false",
		"--listen", "/ip4/127.0.0.1/tcp/0", "--api", "127.0.0.1:0")
	p.line()
	var c *api.Client
	deadline := time.Now().Add(10 * time.Second)
	for {
		var err error
		if c, err = api.Dial(t.Context(), dir); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the node does not answer: %v", err)
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Cleanup(func() { c.Close() })
	return p, c
}

// Streams print as things happen; an interrupt ends them with 130, and the end of
// their node with 6. The node ends with 0, within 2 s, on either signal.
func TestStreamsAndSignals(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	node, c := upNode(t, dir)

	sub := start(t, "topic", "sub", "blocks", "--json", "--data-dir", dir)
	follow := start(t, "events", "--since", "genesis", "--data-dir", dir)
	mine := func(n int) {
		if _, err := c.MineOnce(t.Context(), n, ""); err != nil {
			t.Fatal(err)
		}
	}
	mine(2)
	var seen []api.Event
	for range 2 {
		var e api.Event
		if err := json.Unmarshal([]byte(follow.line()), &e); err != nil || e.Type != "apply" {
			t.Fatalf("got %+v, %v", e, err)
		}
		seen = append(seen, e)
	}
	if seen[1].Block.Height != 2 || seen[1].Block.Parent != seen[0].Block.ID {
		t.Errorf("events out of order: %+v", seen)
	}
	// The subscription may have begun after those blocks; this one it must see,
	// once the node is known to have it.
	waitFor(t, func() bool {
		mine(1)
		select {
		case l := <-sub.lines:
			var a api.Announcement
			return json.Unmarshal([]byte(l), &a) == nil && a.Block.Height > 0
		case <-time.After(200 * time.Millisecond):
			return false
		}
	})
	sub.signal(os.Interrupt, 130, 2*time.Second)
	follow.signal(syscall.SIGTERM, 130, 2*time.Second)

	// A reader that was away misses nothing.
	head, err := c.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again := start(t, "events", "--since", seen[0].Cursor, "--data-dir", dir)
	for want := uint32(2); want <= head.Height; want++ {
		var e api.Event
		if err := json.Unmarshal([]byte(again.line()), &e); err != nil || e.Block.Height != want {
			t.Fatalf("got %+v, %v, want height %d", e, err, want)
		}
	}
	start(t, "events", "--since", strings.Repeat("0a", 32), "--data-dir", dir).ends(exitNotFound)
	start(t, "events", "--since", "no-cursor", "--data-dir", dir).ends(exitUsage)

	node.signal(syscall.SIGTERM, 0, 2*time.Second)
	again.ends(exitUnreachable)
	node, _ = upNode(t, dir)
	node.signal(os.Interrupt, 0, 2*time.Second)
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("condition not met within 20 s")
		}
	}
}

// The demo agrees on one chain, prints just its document and leaves nothing behind.
func TestDemo(t *testing.T) {
	p := start(t, "demo", "-n", "3", "--for", "6s", "--json")
	var r demoResult
	if err := json.Unmarshal([]byte(p.line()), &r); err != nil {
		t.Fatal(err)
	}
	p.ends(0)
	if !r.Agreed || len(r.Nodes) != 3 {
		t.Errorf("got %+v", r)
	}
	for _, n := range r.Nodes {
		if n.Tip != r.Nodes[0].Tip || n.State != r.Nodes[0].State || n.Peers != 2 || n.PeerID == "" {
			t.Errorf("got %+v", n)
		}
	}
}

// An interrupt ends the demo with 0, within 2 s and with its result.
func TestDemoInterrupted(t *testing.T) {
	p := start(t, "demo", "-n", "2", "--json")
	waitFor(t, func() bool {
		<-time.After(50 * time.Millisecond)
		return strings.Contains(p.said(), "nodes on this machine")
	})
	p.signal(os.Interrupt, 0, 3*time.Second)
	if !strings.Contains(p.said(), "nodes on this machine") {
		t.Errorf("it said %s", p.said())
	}
}
