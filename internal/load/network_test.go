package load

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ingchain/ingchain/core"
)

// networkParams are those of the default network's blocks, mined on demand; its
// first blocks mint a hundred times as much, so that a few pay for all tests.
func networkParams(salt string) *core.Params {
	p := core.Dev()
	p.Name = "load"
	p.Subsidy *= 100
	p.HalvingInterval /= 100
	copy(p.Salt[:], salt)
	return p
}

// network is some nodes in processes of their own, and the rules they share.
type network struct {
	testing.TB
	rules *core.Rules
	nodes []*process
}

// newNetwork starts nodes of those names on a network of the test's own.
func newNetwork(tb testing.TB, cfg nodeConfig, names ...string) *network {
	tb.Helper()
	cfg.Salt = tb.Name()
	rules, err := core.NewRules(networkParams(cfg.Salt))
	if err != nil {
		tb.Fatal(err)
	}
	n := &network{TB: tb, rules: rules}
	for _, name := range names {
		n.nodes = append(n.nodes, startNode(tb, name, cfg))
	}
	return n
}

// connect makes a dial b.
func (n *network) connect(a, b *process) {
	n.Helper()
	p, err := a.api.Connect(n.Context(), b.first.Addrs[0])
	if err != nil || !p.Joined {
		n.Fatalf("connect %s to %s: %+v, %v", a.name, b.name, p, err)
	}
}

// mine finds blocks at one node and waits until all have them.
func (n *network) mine(at *process, count int, to core.Address) []core.Hash {
	n.Helper()
	mined, err := at.api.MineOnce(n.Context(), count, to.Encode(n.rules.Params().AddressPrefix))
	if err != nil {
		n.Fatal(err)
	}
	ids := make([]core.Hash, len(mined))
	for i, b := range mined {
		ids[i] = b.ID
	}
	n.await(20*time.Second, func() error {
		for _, p := range n.nodes {
			if s, err := p.api.Status(n.Context()); err != nil || s.Tip.ID != ids[count-1] {
				return fmt.Errorf("%s is at height %d, not at %d: %w", p.name, s.Tip.Height, mined[count-1].Height, err)
			}
		}
		return nil
	})
	return ids
}

// block reads a block of the best chain.
func (n *network) block(at *process, id core.Hash) *core.Block {
	n.Helper()
	b, err := fetchBlock(n.Context(), at, id)
	if err != nil {
		n.Fatal(err)
	}
	return b
}

// await polls until cond returns nil.
func (n *network) await(within time.Duration, cond func() error) {
	n.Helper()
	ctx, cancel := context.WithTimeout(n.Context(), within)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := cond()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			n.Fatalf("after %v: %v", within, err)
		case <-tick.C:
		}
	}
}
