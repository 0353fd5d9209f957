package protocol

import (
	"crypto/ed25519"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
)

func ed25519Key(seed [32]byte) []byte { return ed25519.NewKeyFromSeed(seed[:]) }

func TestNodesConverge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		nodes := []*testNode{sim.node(), sim.node(), sim.node(), sim.node(), sim.node()}
		nodes[0].mine(300, 1)
		nodes[1].mine(200, 2)
		sim.connectAll(nodes...)
		tip := nodes[0].chain.Tip().ID
		took := sim.until(10*time.Second, "one tip", sim.agree(tip, nodes...))
		t.Logf("5 nodes agree on 300 blocks after %v", took)
		time.Sleep(2 * time.Second) // let the gossip mesh form
		tip = nodes[3].mine(1, 3)
		if took := sim.until(time.Second, "one tip", sim.agree(tip, nodes...)); took > 100*time.Millisecond {
			t.Errorf("a block took %v", took)
		}
		for _, n := range nodes {
			if st := n.service.Status(); !st.Synced || st.Syncing || st.Peers != 4 || st.Target.ID != tip {
				t.Errorf("status %+v", st)
			}
			for _, other := range nodes {
				if st := n.state(other.ID()); n != other && (!st.Joined || st.Latency <= 0 || st.Latency > 50*time.Millisecond || st.Skew.Abs() > 50*time.Millisecond) {
					t.Errorf("peer %+v", st)
				}
			}
		}
	})
}

func TestNodesConvergeWithoutGossip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		quiet := func(c *Config) { c.NoGossip = true }
		nodes := []*testNode{sim.node(quiet), sim.node(quiet), sim.node(quiet)}
		sim.connect(nodes[0], nodes[1])
		sim.connect(nodes[1], nodes[2])
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(nodes[0], nodes[1]) && sim.joined(nodes[1], nodes[2]) })
		time.Sleep(time.Second)
		tip := nodes[0].mine(1, 1)
		if took := sim.until(10*time.Second, "one tip", sim.agree(tip, nodes...)); took > 500*time.Millisecond {
			t.Errorf("two hops of hello took %v", took)
		}
	})
}

// The blocks of a restarted miner reach a node that was cut off meanwhile, and
// the dead link is noticed in time for that.
func TestPartitionHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.node(), sim.node()
		sim.connect(a, b)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) })
		time.Sleep(4 * time.Second)
		sim.setCut(b, true)
		took := sim.until(30*time.Second, "noticed", func() bool {
			_, ab := a.service.peerJoined(b.ID())
			_, ba := b.service.peerJoined(a.ID())
			return !ab && !ba
		})
		if took > 13*time.Second {
			t.Errorf("a dead link was noticed after %v", took)
		}
		if len(a.Network().ConnsToPeer(b.ID())) != 0 {
			t.Error("the dead connection is still there")
		}
		a.mine(3, 1)
		tip := b.mine(5, 2)
		sim.setCut(b, false)
		sim.connect(a, b)
		sim.until(5*time.Second, "one tip", sim.agree(tip, a, b))
		if a.feedback.lost[b.ID()] != 1 || a.feedback.joined[b.ID()] != 2 {
			t.Errorf("dialer was told lost %v, joined %v", a.feedback.lost, a.feedback.joined)
		}
	})
}

func TestStalledPeerIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		blocks := fakechain.Make(sim.rules, genesisOf(sim.rules), 6000, 1)
		full := func(c *Config) { c.Chain.(*fakechain.Chain).Extend(blocks) }
		a, b, c := sim.node(full), sim.node(full), sim.node(full)
		var phases []bool
		fresh := sim.node(func(c *Config) {
			c.Chain.(*fakechain.Chain).SetDelay(200 * time.Microsecond)
			c.Trace = func(_ string, begin bool) { phases = append(phases, begin) }
		})
		sim.connectAll(fresh, a, b, c)
		sim.until(10*time.Second, "under way", func() bool { return fresh.chain.Tip().Height > 1000 })
		if st := fresh.service.Status(); !st.Syncing || st.Target.Height != 6000 {
			t.Errorf("half-way: %+v", st)
		}
		sim.setCut(b, true)
		took := sim.until(20*time.Second, "synced", sim.agree(blocks[5999].ID(), fresh))
		t.Logf("the rest took %v with one peer silent", took)
		if took > 8*time.Second {
			t.Errorf("the rest took %v", took)
		}
		synctest.Wait()
		if st := fresh.service.Status(); st.Rate == 0 {
			t.Error("no rate is known after a sync")
		}
		time.Sleep(100 * time.Millisecond)
		if len(phases) != 2 || !phases[0] || phases[1] {
			t.Errorf("phases: %v", phases)
		}
	})
}

func TestMissingTo(t *testing.T) {
	rules := devRules(t)
	c := fakechain.New(rules)
	g := genesisOf(rules)
	best, other := fakechain.Make(rules, g, 20, 1), fakechain.Make(rules, g, 10, 2)
	for _, branch := range [][]core.Header{fakechain.Headers(best), fakechain.Headers(other)} {
		if _, err := c.AddHeaders(branch); err != nil {
			t.Fatal(err)
		}
	}
	p := planChain{c, &Service{}}
	if got := p.MissingTo(other[9].ID(), 4); len(got) != 4 || got[0].ID != other[0].ID() {
		t.Errorf("of another branch: %v", got)
	}
	// Missing lists those, and walking back along a chain that is just being
	// fetched would take long.
	if got := p.MissingTo(best[9].ID(), 4); got != nil {
		t.Errorf("of the best branch: %v", got)
	}
}

func TestBadBlockBansItsSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		good := fakechain.Make(sim.rules, genesisOf(sim.rules), 20, 1)
		bad := fakechain.Make(sim.rules, genesisOf(sim.rules), 40, 2)
		honest := sim.node(func(c *Config) {
			c.Chain.(*fakechain.Chain).Extend(good)
			c.Chain.(*fakechain.Chain).Poison(bad[30].ID())
		})
		liar := sim.node(func(c *Config) { c.Chain.(*fakechain.Chain).Extend(bad) })
		fresh := sim.node(func(c *Config) { c.Chain.(*fakechain.Chain).Poison(bad[30].ID()) })
		sim.connect(fresh, liar)
		sim.until(10*time.Second, "banned", func() bool { return fresh.feedback.reason(liar.ID()) != "" })
		sim.until(time.Second, "disconnected", func() bool { return len(fresh.Network().ConnsToPeer(liar.ID())) == 0 })
		sim.connect(fresh, honest)
		// What came before the bad block is fine, and heavier than the honest chain.
		sim.until(10*time.Second, "on the good part", sim.agree(bad[29].ID(), fresh, honest))
		sim.connect(liar, fresh)
		sim.until(2*time.Second, "turned away again", func() bool { return len(fresh.Network().ConnsToPeer(liar.ID())) == 0 })
		if st := fresh.state(liar.ID()); st.Joined || st.Reason == "" {
			t.Errorf("liar is listed as %+v", st)
		}
		time.Sleep(10 * time.Minute)
		fresh.service.Forgive(liar.ID())
		sim.connect(liar, fresh)
		sim.until(5*time.Second, "joined again", func() bool { return sim.joined(liar, fresh) })
	})
}
