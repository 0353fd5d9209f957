package protocol

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	p2pnetwork "github.com/libp2p/go-libp2p/core/network"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/protocol/wire"
)

// Payments of an isolated node reach the others when the partition heals, without
// gossip.
func TestPoolsConvergeAfterAPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		var nodes []*testNode
		for range 6 {
			nodes = append(nodes, sim.node(sim.withPool(), noGossip))
		}
		left, right := nodes[:3], nodes[3:]
		sim.connectAll(left...)
		sim.connectAll(right...)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(nodes[0], nodes[2]) && sim.joined(nodes[3], nodes[5]) })
		a, b := sim.lineage(0, 10), sim.payments(100, 1500)
		nodes[0].pool.Submit(a...)
		nodes[4].pool.Submit(b...)
		sim.until(30*time.Second, "each side has its own", func() bool { return sim.have(a, left...)() && sim.have(b, right...)() })
		if nodes[1].pool.Has(b[0]) {
			t.Fatal("no partition")
		}
		sim.connect(nodes[2], nodes[3])
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(nodes[2], nodes[3]) })
		took := sim.until(40*time.Second, "converged", sim.have(append(a, b...), nodes...))
		t.Logf("%d payments in %v over 3 hops", len(a)+len(b), took)
		fetched := 0
		for _, n := range nodes {
			fetched += n.service.Stats().TxsFetched
		}
		// Each once by each, but for what two peers were asked for at the same time.
		if want := len(a)*5 + len(b)*5; fetched < want || fetched > want+len(nodes)*maxComparing*fetchChunk {
			t.Errorf("%d payments fetched, want %d", fetched, want)
		}
	})
}

// What a pool refuses for its relatives there comes in when they are gone and a
// block has come, though the peer's list is read only once.
func TestRefusedPaymentsAreAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		few := func(p *mempool.Policy) { p.MaxDescendants = 3 }
		a, b := sim.node(sim.withPool(), noGossip), sim.node(sim.withPool(few), noGossip)
		half := core.GrainsPerING / 2
		parent := coretest.Pay(sim.rules.GenesisID(), testCoins[:1], []string{"alice"}, coretest.To("alice", half), coretest.To("alice", half-1000))
		child := sim.spend(&parent)
		last := sim.spend(child)
		coin := core.Coin{Outpoint: core.Outpoint{TxID: parent.ID(), Index: 1}, Value: half - 1000, Address: parent.Outputs[1].Address}
		other := coretest.Pay(sim.rules.GenesisID(), []core.Coin{coin}, []string{"alice"}, coretest.To("alice", half-2000))
		a.pool.Submit(&parent, &other)
		b.pool.Submit(&parent, child, last)
		sim.connect(a, b)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) })
		sim.pause(3 * compareInterval)
		b.pool.Remove(last.ID())
		b.mine(1, 0)
		sim.until(compareInterval+2*time.Second, "there", sim.have([]*core.Transaction{&other}, b))
		if n := b.service.Stats().TxsFetched; n != 2 {
			t.Errorf("%d fetched, want the one, once before the block and once after it", n)
		}
	})
}

// On joining, pools are compared at once. What came so is not gossiped to those
// who have it, and a peer's pool is not read twice.
func TestPoolsAreComparedOnJoining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.node(sim.withPool()), sim.node(sim.withPool())
		txs := sim.payments(0, 3000)
		a.pool.Submit(txs...)
		time.Sleep(time.Second)
		sim.connect(a, b)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) })
		sim.until(3*time.Second, "there", sim.have(txs, b))
		time.Sleep(30 * time.Second)
		if st := b.service.Stats(); st.TxsFetched != len(txs) {
			t.Errorf("fetched %d of %d", st.TxsFetched, len(txs))
		}
		more := sim.payments(3000, 3010)
		a.service.txs.markCarried(idsOf(more)) // gossip has lost them
		a.pool.Submit(more...)
		sim.until(compareInterval+2*time.Second, "there", sim.have(more, b))
		// After a restart of the peer its numbers begin anew.
		a.service.txs.epoch += 2
		a.pool.Submit(sim.pay(3500, 1000))
		sim.until(compareInterval+2*time.Second, "there", sim.have(sim.payments(3500, 3501), b))
	})
}

// A node that joins looks into a peer's pool once it has the peer's chain: before,
// it could not judge what spends coins of that, and the list is read only once.
func TestPoolsAreComparedAtOneTip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.node(sim.withPool(), noGossip), sim.node(sim.withPool(), noGossip)
		tip := a.mine(3, 0)
		txs := sim.payments(0, 2000)
		a.pool.Submit(txs...)
		b.pool.HideCoins(func() bool { return b.chain.Tip().ID != tip })
		b.chain.SetDelay(3 * time.Second)
		sim.connect(a, b)
		sim.until(15*time.Second, "at one tip", sim.agree(tip, a, b))
		sim.until(3*time.Second, "there", sim.have(txs, b))
		if st := b.service.Stats(); st.TxsFetched != len(txs) {
			t.Errorf("fetched %d of %d", st.TxsFetched, len(txs))
		}
	})
}

// A peer that claims a chain which nobody has shown is not waited for without end.
func TestPoolOfAPeerThatIsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.node(sim.withPool(), noGossip), sim.node(sim.withPool(), noGossip)
		txs := sim.payments(0, 10)
		a.pool.Submit(txs...)
		a.mine(3, 0)
		b.chain.SetDelay(time.Hour)
		sim.connect(a, b)
		sim.until(chainPatience+5*time.Second, "there", sim.have(txs, b))
	})
}

// What is refused since a block has not come yet is asked for after it, until an
// answer has been judged.
func TestPaymentsBeforeTheirBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.node(sim.withPool(), noGossip), sim.node(sim.withPool(), noGossip)
		sim.connect(a, b)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) })
		before := b.chain.Tip().ID
		b.pool.HideCoins(func() bool { return b.chain.Tip().ID == before })
		txs := sim.payments(0, 400)
		a.pool.Submit(txs...)
		sim.pause(2 * compareInterval)
		if st := b.service.Stats(); st.TxsFetched != len(txs) || b.pool.Count() > 0 {
			t.Fatalf("fetched %d of %d, %d are in the pool", st.TxsFetched, len(txs), b.pool.Count())
		}
		b.pool.Fail(errors.New("disk full"))
		b.mine(1, 0)
		sim.pause(2 * compareInterval)
		b.pool.Fail(nil)
		// A chain would bring those in that the pool could keep.
		rest := txs[:len(txs)-mempool.DefaultMaxPeerOrphans]
		sim.until(compareInterval+2*time.Second, "there", sim.have(rest, b))
	})
}

// What our own failure kept out is asked for again: the page was not done with.
func TestPaymentsThatOurDiskKeptOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.node(sim.withPool(), noGossip), sim.node(sim.withPool(), noGossip)
		txs := sim.payments(0, 10)
		a.pool.Submit(txs...)
		b.pool.Fail(errors.New("disk full"))
		sim.connect(a, b)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) })
		sim.pause(2 * time.Second)
		b.pool.Fail(nil)
		sim.until(compareInterval+2*time.Second, "there", sim.have(txs, b))
	})
}

// An orphan that somebody forged keeps no listed payment of that txid away.
func TestForgedOrphanIsNoReasonNotToFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.node(sim.withPool(), noGossip), sim.node(sim.withPool(), noGossip)
		row := sim.lineage(0, 5)
		for _, tx := range row[1:] {
			twin := *tx
			coretest.Sign(sim.rules.GenesisID(), &twin, "mallory")
			sim.validate(b, "liar", batchOf(&twin))
		}
		a.pool.Submit(row...)
		sim.connect(a, b)
		sim.until(5*time.Second, "there", sim.have(row, b))
	})
}

// What a batch that was dropped had is looked for soon, also in a pool that is
// just being looked into.
func TestDroppedWhileComparing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.node(sim.withPool(), noGossip), sim.node(sim.withPool(), noGossip)
		sim.connect(a, b)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) })
		txs := sim.payments(0, 1)
		relay := b.service.txs
		sim.until(2*compareInterval, "looking", func() bool {
			relay.mu.Lock()
			defer relay.mu.Unlock()
			v := relay.views[a.ID()]
			return v != nil && v.busy
		})
		relay.compareSoon()
		sim.until(time.Second, "done", func() bool {
			relay.mu.Lock()
			defer relay.mu.Unlock()
			return !relay.views[a.ID()].busy
		})
		a.pool.Submit(txs...)
		sim.until(compareHurry+time.Second, "there", sim.have(txs, b))
	})
}

// What is fetched is bounded in bytes, too: the largest payments have few
// signatures.
func TestFetchingKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n := sim.node(sim.withPool())
		began := time.Now()
		for range 12 {
			if !n.service.txs.paceFetch(sim.ctx, 4, maxTxsAnswer) {
				t.Fatal("given up")
			}
		}
		if took := time.Since(began); took < time.Second || took > 2*time.Second {
			t.Errorf("12 MiB took %v", took)
		}
	})
}

// A peer whose list never ends, of payments that it does not have, holds up
// nobody else.
func TestEndlessPools(t *testing.T) {
	attack(t, func(sim *simulation, liar, _ *testNode) {
		victim, honest := sim.node(sim.withPool()), sim.node(sim.withPool(), noGossip)
		serial := 0
		liar.SetStreamHandler(ID, func(str p2pnetwork.Stream) {
			raw, _ := io.ReadAll(str)
			if len(raw) == 0 || wire.Type(raw[0]) != wire.TypeGetPool {
				_ = str.Reset()
				return
			}
			page := &wire.TxIDs{Epoch: 1, Next: 1, More: true}
			for range wire.MaxPoolIDs {
				serial++
				page.IDs = append(page.IDs, core.Hash{byte(serial), byte(serial >> 8), byte(serial >> 16), 1})
			}
			_, _ = str.Write(wire.AppendFrame(nil, page))
			_ = str.Close()
		})
		sim.connect(liar, victim)
		sim.joinWith(liar, victim, core.Work{}, chainCapabilities|wire.CapTxs)
		txs := sim.payments(0, 10)
		honest.pool.Submit(txs...)
		sim.connect(honest, victim)
		sim.until(5*time.Second, "there", sim.have(txs, victim))
		sim.pause(30 * time.Second)
		if serial > 20*wire.MaxPoolIDs {
			sim.t.Errorf("%d txids read of a list without end", serial)
		}
	})
}
