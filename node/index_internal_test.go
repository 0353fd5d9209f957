package node

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain/index"
	"github.com/ingchain/ingchain/core"
)

// A disk that fails under the index alone leaves the node running: it warns, says
// so to who asks about addresses, finds single transactions as far as it can, and
// mines on.
func TestIndexFailsAtWork(t *testing.T) {
	p := core.Dev()
	copy(p.Salt[:], t.Name())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n, err := New(ctx, Config{DataDir: t.TempDir(), Params: p, APIAddr: "none", NoIndex: true, Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		t.Fatal(err)
	}
	var disk errorfs.Toggle
	disk.Injector = errorfs.ErrInjected.If(errorfs.Writes)
	n.index.Index, err = index.Open(filepath.Join(t.TempDir(), indexDir), n.chain, index.Options{FS: errorfs.Wrap(vfs.Default, &disk), MemTableBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	n.onClose(func() error { _ = n.index.Close(); return nil })
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	to := core.Address{Hash: [20]byte{1}}.Encode(p.AddressPrefix)
	if _, err := n.MineOnce(ctx, 5, to); err != nil {
		t.Fatal(err)
	}
	if b, err := n.Address(ctx, to); err != nil || b.Txs != 5 {
		t.Fatalf("before: %+v, %v", b, err)
	}
	disk.On()
	for begun := time.Now(); n.index.status().Error == "" && time.Since(begun) < 20*time.Second; {
		if _, err := n.MineOnce(ctx, 100, to); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // also once it is far behind
		var e *api.IndexError
		if _, err := n.Address(ctx, to); !errors.As(err, &e) || e.Code != api.CodeIndexFailed {
			t.Errorf("an address: %v", err)
		}
		if _, err := n.MineOnce(ctx, 2*indexFar, to); err != nil {
			t.Fatal(err)
		}
	}
	s, err := n.Status(ctx)
	if err != nil || s.Index.Error == "" || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "delete the folder index") {
		t.Errorf("status %+v, %v", s, err)
	}
	if _, err := n.Tx(ctx, core.Hash{1}, false); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("a transaction: %v", err)
	}
	if _, err := n.MineOnce(ctx, 1, to); err != nil {
		t.Errorf("mining: %v", err)
	}
	disk.Off()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the node ended with %v", err)
	}
}

// Who is told to wait is told how long, within bounds.
func TestLateIndexSaysWhen(t *testing.T) {
	at := func(height, target uint32, building bool, rate float64) *index.Status {
		return &index.Status{Tip: index.Tip{Height: height}, Target: index.Tip{Height: target}, Building: building, BlocksPerSecond: rate}
	}
	for name, c := range map[string]struct {
		s     *index.Status
		left  time.Duration
		code  string
		after time.Duration
		says  string
	}{
		"at work":   {at(1000, 9000, true, 100), 80 * time.Second, api.CodeIndexBuilding, time.Minute, "at block 1000 of 9000, about 1m20s left"},
		"nearly":    {at(8990, 9000, true, 100), 100 * time.Millisecond, api.CodeIndexBuilding, time.Second, "about 1s left"},
		"to begin":  {at(0, 9000, true, 0), 0, api.CodeIndexBuilding, time.Second, "at block 0 of 9000; try"},
		"crawling":  {at(0, 1<<31, true, 1e-9), time.Hour, api.CodeIndexBuilding, time.Minute, "about 1h0m0s left"},
		"following": {at(5, 7, false, 0), 0, api.CodeIndexBehind, time.Second, "at block 5 of 7"},
		"past":      {at(7, 5, false, 10), 0, api.CodeIndexBehind, time.Second, "at block 7 of 5"},
	} {
		e := lateIndex(c.s)
		if left := indexLeft(c.s); left != c.left || e.Code != c.code || e.RetryAfter != c.after || !strings.Contains(e.Detail, c.says) {
			t.Errorf("%s: %v left, %+v", name, left, e)
		}
	}
}
