package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ingchain/ingchain/internal/killtest"
)

const (
	tinyDisk = 96 << 20 // bytes
	// tinySpace is what is left on it when the node starts again, in bytes: for
	// some payments, and for blocks of some seconds.
	tinySpace = 3 << 20
)

// The disk runs full under a node that mines and a wallet that pays: the node
// ends, and says why. Once there is space again it starts, without a repair, and
// has what it acknowledged.
func TestNodeOnAFullDisk(t *testing.T) {
	disk := killtest.TinyDisk(t, tinyDisk)
	p := newPayer(t, filepath.Join(disk, "d"))
	p.node.signal(syscall.SIGTERM, exitOK, 5*time.Second)
	free := killtest.Fill(t, disk, tinySpace)
	p.node, p.client = upNode(t, p.dir)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var height uint32
	for n := 1; ; n++ {
		blocks, err := p.client.MineOnce(ctx, 20, "")
		if err != nil {
			t.Logf("at height %d: %v", height, err)
			break
		}
		height = blocks[len(blocks)-1].Height
		if n <= 20 {
			p.attempt(fmt.Sprintf("while-%d", n), n, false, false)
		}
	}
	ended := make(chan struct{})
	go func() { defer close(ended); p.node.ends(exitFailed) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatalf("the node does not end on a full disk; it said %s", p.node.said())
	}
	wantSaysFull(t, p.node)

	// Still full: it says so again, or gets on for a while.
	again := start(t, "up", "--data-dir", p.dir, "--mdns=false", "--listen", "/ip4/127.0.0.1/tcp/0", "--api", "127.0.0.1:0")
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for range again.lines {
		}
	}()
	select {
	case <-gone:
		again.ends(exitFailed)
		wantSaysFull(t, again)
	case <-time.After(5 * time.Second):
		again.signal(syscall.SIGTERM, exitOK, 5*time.Second)
	}
	free()
	p.restartNode()
	head, err := p.client.Head(t.Context())
	if err != nil || head.Height < height {
		t.Errorf("height %d (%v), %d was acknowledged", head.Height, err, height)
	}
	if v, err := p.client.Verify(t.Context(), nil); err != nil || len(v.Problems) > 0 {
		t.Errorf("%+v, %v", v, err)
	}
	p.checkWallet("while-1")
	p.attempt("after", 1000, false, false)
	t.Logf("%d payments acknowledged", len(p.acknowledged))
}

// wantSaysFull looks at what a node said that ended on a full disk.
func wantSaysFull(t *testing.T, node *process) {
	t.Helper()
	said := node.said()
	for _, want := range []string{"no space left on device", "free space"} {
		if !strings.Contains(said, want) {
			t.Errorf("the node does not say %q: %s", want, said)
		}
	}
	for _, bad := range []string{"panic", "fatal error", "goroutine "} {
		if strings.Contains(said, bad) {
			t.Fatalf("the node crashed: %s", said)
		}
	}
}
