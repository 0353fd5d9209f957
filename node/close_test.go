package node_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/node"
)

// Close ends a node whenever it is called: before Run, as it begins, while it
// runs, from several goroutines at once, and after it.
func TestCloseAtAnyTime(t *testing.T) {
	cfg := testConfig(t, testParams(t))
	open := func() *node.Node {
		n, err := node.New(t.Context(), cfg)
		if err != nil {
			t.Fatal("the directory is not free:", err)
		}
		return n
	}
	gone := func() {
		t.Helper()
		if _, err := os.Stat(filepath.Join(cfg.DataDir, api.EndpointFile)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the endpoint file: %v", err)
		}
	}

	n := open()
	if err := errors.Join(n.Close(), n.Close()); err != nil {
		t.Fatal(err)
	}
	if err := n.Run(t.Context()); !errors.Is(err, node.ErrClosed) {
		t.Errorf("run after close: %v", err)
	}

	for _, running := range []bool{false, true} {
		n := open()
		ended := make(chan error, 1)
		go func() { ended <- n.Run(context.Background()) }()
		if running { // else Close meets Run wherever it is
			eventuallyAnswers(t, cfg.DataDir)
		}
		var closers sync.WaitGroup
		for range 3 {
			closers.Go(func() {
				if err := n.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		closers.Wait()
		gone()
		if err := <-ended; err != nil && (running || !errors.Is(err, node.ErrClosed)) {
			t.Errorf("running %v: %v", running, err)
		}
	}

	n = open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(n.Run(ctx), n.Close()); err != nil {
		t.Error(err)
	}
	gone()
	if err := n.Run(t.Context()); err == nil {
		t.Error("a node runs twice")
	}
}

// eventuallyAnswers waits for the API of the node on a directory.
func eventuallyAnswers(t *testing.T, dataDir string) {
	t.Helper()
	if !node.AwaitAPI(t.Context(), dataDir, 0) {
		t.Fatal("no endpoint")
	}
	c, err := api.Dial(t.Context(), dataDir)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
