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
