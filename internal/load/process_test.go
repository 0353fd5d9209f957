package load

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
)

const (
	// nodeEnv holds a nodeConfig; a test binary that finds it is a node.
	nodeEnv = "INGCHAIN_LOAD_NODE"
	// sampleEvery is how often a node looks at its memory.
	sampleEvery = 20 * time.Millisecond
	// stopWait is how long a node has to end once it was told to.
	stopWait = 20 * time.Second
)

// nodeConfig is what a node's process is told.
type nodeConfig struct {
	DataDir   string `json:"data_dir"`
	Salt      string `json:"salt"`
	PoolBytes int    `json:"pool_bytes"` // 0: the default
	// Log is the file that the log goes to.
	Log string `json:"log"`
}

// order is a line to a node's process, each answered by a line.
type order struct {
	Do   string `json:"do"` // "report", "profile", "unprofile", "heap" or "collect"
	Path string `json:"path,omitempty"`
}

// report is an answer: the first one, unasked, says that the node runs.
type report struct {
	URL    string   `json:"url"`
	Token  string   `json:"token"`
	PeerID string   `json:"peer_id"`
	Addrs  []string `json:"addrs"`

	CPU time.Duration `json:"cpu"`
	// Memory is what the process holds of the system's now, Peak the most since
	// the last report, Live what the last collection left; all in bytes.
	Memory uint64 `json:"memory"`
	Peak   uint64 `json:"peak"`
	Live   uint64 `json:"live"`
	// Tips are the blocks connected so far, as the node itself saw them.
	Tips []tipSeen `json:"tips"`
	Err  string    `json:"err,omitempty"`
}

// tipSeen is a block and when a node had connected it. Clocks are the machine's.
type tipSeen struct {
	Height uint32    `json:"height"`
	ID     core.Hash `json:"id"`
	At     time.Time `json:"at"`
}

// beNode runs a node until standard input ends, and returns the exit code.
func beNode(raw string) int {
	var cfg nodeConfig
	err := json.Unmarshal([]byte(raw), &cfg)
	if err == nil {
		err = runNode(cfg)
	}
	if err != nil {
		_ = json.NewEncoder(os.Stdout).Encode(report{Err: err.Error()})
		return 1
	}
	return 0
}

func runNode(cfg nodeConfig) error {
	log, err := os.OpenFile(cfg.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	n, err := node.New(ctx, cfg.node(log))
	if err != nil {
		return err
	}
	var parts sync.WaitGroup
	defer parts.Wait()
	w := &watch{}
	events := n.Events(ctx, "")
	parts.Go(func() { w.follow(events) })
	parts.Go(func() { w.sample(ctx) })
	parts.Go(func() { w.obey(n); stop() })
	return n.Run(ctx)
}

func (c nodeConfig) node(log *os.File) node.Config {
	return node.Config{
		DataDir: c.DataDir, Params: networkParams(c.Salt), APIAddr: "127.0.0.1:0", Version: "load",
		Listen: []string{"/ip4/127.0.0.1/tcp/0"}, PoolBytes: c.PoolBytes, OwnProcess: true,
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
}

// watch is what a node's process notes of itself.
type watch struct {
	mu   sync.Mutex // guards all below
	tips []tipSeen
	peak uint64
}

func (w *watch) follow(events func(func(api.Event, error) bool)) {
	for e, err := range events {
		if err != nil {
			return
		}
		if e.Type == "apply" {
			w.mu.Lock()
			w.tips = append(w.tips, tipSeen{e.Block.Height, e.Block.ID, time.Now()})
			w.mu.Unlock()
		}
	}
}

func (w *watch) sample(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		held, _ := memory()
		w.mu.Lock()
		w.peak = max(w.peak, held)
		w.mu.Unlock()
	}
}

// memory returns what the process holds of the system's, and what the last
// collection left of that alive.
func memory() (held, live uint64) {
	s := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64(), s[2].Value.Uint64()
}

// obey answers orders until there are no more.
func (w *watch) obey(n *node.Node) {
	out := json.NewEncoder(os.Stdout)
	st, err := n.Status(context.Background())
	first := w.report()
	first.URL, first.Token = n.API()
	first.PeerID, first.Addrs = st.PeerID, st.Addrs
	if err != nil {
		first.Err = err.Error()
	}
	_ = out.Encode(first)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var o order
		err := json.Unmarshal(lines.Bytes(), &o)
		if err == nil {
			err = carryOut(o)
		}
		r := w.report()
		if err != nil {
			r.Err = err.Error()
		}
		_ = out.Encode(r)
	}
	pprof.StopCPUProfile()
}

func carryOut(o order) error {
	switch o.Do {
	case "profile":
		f, err := os.Create(o.Path)
		if err != nil {
			return err
		}
		return pprof.StartCPUProfile(f) // the file closes with the process
	case "collect":
		debug.FreeOSMemory() // collects garbage, too
	case "heap":
		runtime.GC()
		f, err := os.Create(o.Path)
		if err != nil {
			return err
		}
		defer f.Close()
		return pprof.WriteHeapProfile(f)
	case "unprofile":
		pprof.StopCPUProfile()
	}
	return nil
}

func (w *watch) report() report {
	held, live := memory()
	w.mu.Lock()
	defer w.mu.Unlock()
	r := report{CPU: cpuTime(), Memory: held, Peak: max(w.peak, held), Live: live, Tips: slices.Clone(w.tips)}
	w.peak = 0
	return r
}

// process is a node's process, as the test sees it. Its methods but api's are
// for one goroutine.
type process struct {
	tb    testing.TB
	name  string
	first report
	api   *api.Client
	in    *json.Encoder
	out   *bufio.Scanner
}

// startNode starts a node; it ends with the test.
func startNode(tb testing.TB, name string, cfg nodeConfig) *process {
	tb.Helper()
	dir := tb.TempDir()
	cfg.DataDir, cfg.Log = filepath.Join(dir, "data"), filepath.Join(dir, "log")
	raw, err := json.Marshal(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), nodeEnv+"="+string(raw))
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		tb.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		in.Close() // tells it to end
		kill := time.AfterFunc(stopWait, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		if err := cmd.Wait(); err != nil {
			tb.Errorf("node %s ended with %v", name, err)
		}
		if tb.Failed() {
			tb.Logf("log of %s:\n%s", name, tail(cfg.Log))
		}
	})
	p := &process{tb: tb, name: name, in: json.NewEncoder(in), out: bufio.NewScanner(out)}
	p.out.Buffer(nil, 64<<20)
	p.first = p.answer()
	p.api, err = api.NewClient(tb.Context(), api.Endpoint{URL: p.first.URL, Token: p.first.Token})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.api.Close() })
	return p
}

// tail returns the end of a log.
func tail(path string) []byte {
	const shown = 4 << 10 // bytes
	b, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return b[max(0, len(b)-shown):]
}

func (p *process) answer() (r report) {
	p.tb.Helper()
	if !p.out.Scan() {
		p.tb.Fatalf("node %s has ended: %v", p.name, p.out.Err())
	}
	if err := json.Unmarshal(p.out.Bytes(), &r); err != nil {
		p.tb.Fatalf("node %s: %v", p.name, err)
	}
	if r.Err != "" {
		p.tb.Fatalf("node %s: %s", p.name, r.Err)
	}
	return r
}

// report asks what the node has cost so far.
func (p *process) report() report { return p.order(order{Do: "report"}) }

func (p *process) order(o order) report {
	p.tb.Helper()
	if err := p.in.Encode(o); err != nil {
		p.tb.Fatalf("node %s: %v", p.name, err)
	}
	return p.answer()
}

// profiled profiles the node until the returned function is called, if -profiles
// asks for it.
func (p *process) profiled(what string) (stop func()) {
	if *profiles == "" {
		return func() {}
	}
	p.order(order{Do: "profile", Path: filepath.Join(*profiles, fmt.Sprintf("%s-%s.cpu", what, p.name))})
	return func() {
		p.order(order{Do: "unprofile"})
		p.order(order{Do: "heap", Path: filepath.Join(*profiles, fmt.Sprintf("%s-%s.heap", what, p.name))})
	}
}
