package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
)

// The program takes what is mined to its address, and pays half of it on.
func TestPay(t *testing.T) {
	n, dir := start(t, core.Dev())
	payee := core.Address{Hash: [core.AddressHashSize]byte{1}}.Encode(n.Params().AddressPrefix)
	miner := core.Address{Hash: [core.AddressHashSize]byte{2}}.Encode(n.Params().AddressPrefix)
	say, ended := begin(t.Context(), dir, payee)

	own := say(t, "address")[1]
	mine(t, n, own)
	subsidy := n.Params().SubsidyAt(1)
	if got := say(t, "received")[1]; got != subsidy.String() {
		t.Errorf("received %s, want %s", got, subsidy)
	}
	id, err := core.ParseHash(say(t, "submitted")[1])
	if err != nil {
		t.Fatal(err)
	}
	mine(t, n, miner)
	if got := say(t, "confirmed")[3]; got != "2" {
		t.Errorf("confirmed at height %s, want 2", got)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	tx, err := n.Tx(t.Context(), id, false)
	if err != nil || tx.Status != api.StatusConfirmed || tx.Fee == 0 || len(tx.Inputs) != 1 || tx.Inputs[0].Address != own {
		t.Errorf("payment %+v, %v", tx, err)
	}
	if got, err := n.Address(t.Context(), payee); err != nil || got.Confirmed != subsidy/2 {
		t.Errorf("the payee has %+v, %v; want %s", got, err, subsidy/2)
	}
}

// Waiting ends with the context.
func TestInterrupt(t *testing.T) {
	n, dir := start(t, core.Dev())
	ctx, cancel := context.WithCancel(t.Context())
	say, ended := begin(ctx, dir, core.Address{}.Encode(n.Params().AddressPrefix))
	say(t, "address")
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// What cannot work is said before an address is handed out.
func TestRefused(t *testing.T) {
	dev, devDir := start(t, core.Dev())
	lan, lanDir := start(t, core.LAN())
	payee := core.Address{}.Encode(dev.Params().AddressPrefix)
	for name, c := range map[string]struct{ dir, payee, want string }{
		"no node":         {t.TempDir(), payee, api.ErrUnreachable.Error()},
		"another network": {devDir, core.Address{}.Encode(lan.Params().AddressPrefix), "address"},
		"real money":      {lanDir, payee, "no dev network"},
	} {
		var out strings.Builder
		if err := run(t.Context(), c.dir, c.payee, &out); err == nil || !strings.Contains(err.Error(), c.want) || out.Len() > 0 {
			t.Errorf("%s: %v, said %q", name, err, &out)
		}
	}
}

// start runs a node of a network of the test's own until the test ends, and
// returns once it can be dialled.
func start(t *testing.T, p *core.Params) (*node.Node, string) {
	t.Helper()
	copy(p.Salt[:], t.Name())
	dir := t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	n, err := node.New(ctx, node.Config{
		DataDir: dir, Params: p, LoopbackOnly: true, APIAddr: "127.0.0.1:0",
		Listen: []string{"/ip4/127.0.0.1/tcp/0"},
	})
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the node ended with %v", err)
		}
	})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for {
		c, err := api.Dial(t.Context(), dir)
		if err == nil {
			_ = c.Close()
			return n, dir
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("the node does not answer: %v", err)
		}
	}
}

// begin runs the program. say returns the words of its next line, which must
// start with the one given; ended tells what the program ended with.
func begin(ctx context.Context, dir, payee string) (say func(t *testing.T, first string) []string, ended <-chan error) {
	r, w := io.Pipe()
	result := make(chan error, 1)
	go func() {
		err := run(ctx, dir, payee, w)
		w.CloseWithError(err)
		result <- err
	}()
	lines := bufio.NewScanner(r)
	return func(t *testing.T, first string) []string {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("no line with %q: %v", first, lines.Err())
		}
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != first {
			t.Fatalf("said %q, want %q", lines.Text(), first)
		}
		return words
	}, result
}

func mine(t *testing.T, n *node.Node, to string) {
	t.Helper()
	if _, err := n.MineOnce(t.Context(), 1, to); err != nil {
		t.Fatal(err)
	}
}
