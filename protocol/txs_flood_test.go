package protocol

import (
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"

	"github.com/ingchain/ingchain/core"
)

// flooder is a bare host that publishes to the topic of payments what its like.
func (sim *simulation) flooder(victim *testNode) (*testNode, *pubsub.Topic) {
	sim.t.Helper()
	n := sim.host()
	sim.addPubSub(n)
	topic, err := n.ps.Join(TxTopic(sim.rules.GenesisID()))
	if err != nil {
		sim.t.Fatal(err)
	}
	sim.connect(n, victim)
	sim.until(5*time.Second, "subscribed", func() bool { return len(topic.ListPeers()) > 0 })
	return n, topic
}

// flood publishes batches at a rate until the test ends or the flooder is cut off.
func (sim *simulation) flood(topic *pubsub.Topic, every time.Duration, next func(i int) []byte) {
	sim.side.Go(func() {
		for i := 0; sim.pause(every); i++ {
			if topic.Publish(sim.ctx, next(i)) != nil {
				return
			}
		}
	})
}

// One peer offers 50,000 bad signatures a second; more of its kind come after it.
// Each is shown the door at its first batch, honest payments and blocks pass.
func TestFloodOfBadSignatures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		nodes := sim.network(4)
		var bad []*core.Transaction
		for i := range 250 {
			bad = append(bad, forged(sim.pay(3000+i, 1000)))
		}
		var liars []*testNode
		for range 10 {
			liar, topic := sim.flooder(nodes[0])
			liars = append(liars, liar)
			sim.flood(topic, 5*time.Millisecond, func(i int) []byte { // 200 batches of 250 a second
				at := i % len(bad)
				return batchOf(append(bad[at:len(bad):len(bad)], bad[:at]...)...)
			})
		}
		honest := sim.payments(0, 100)
		nodes[2].pool.Submit(honest...)
		sim.until(2*time.Second, "relayed", sim.have(honest, nodes...))
		tip := nodes[1].mine(1, 1)
		if took := sim.until(2*time.Second, "mined", sim.agree(tip, nodes...)); took > 500*time.Millisecond {
			t.Errorf("a block took %v", took)
		}
		sim.until(5*time.Second, "banned", func() bool {
			for _, l := range liars {
				if nodes[0].feedback.reason(l.ID()) == "" {
					return false
				}
			}
			return true
		})
		if judged := nodes[0].pool.Judged(); judged > 100+len(liars)*4*len(bad) {
			t.Errorf("%d signatures verified", judged)
		}
		for _, l := range liars {
			if st := nodes[0].state(l.ID()); st.Connected || st.Code != core.ErrTxSignature {
				t.Errorf("a liar: %+v", st)
			}
		}
		for i, n := range nodes {
			if i > 0 && n.pool.Judged() > len(honest) {
				t.Errorf("node %d verified %d signatures: bad ones were passed on", i, n.pool.Judged())
			}
			for _, m := range nodes {
				if n.feedback.reason(m.ID()) != "" {
					t.Errorf("an honest peer was refused: %s", n.feedback.reason(m.ID()))
				}
			}
		}
	})
}

// A peer that sends more than its share, all of it of no use and none of it
// false, is held to the share and at last cut off.
func TestFloodOfUselessPayments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		nodes := sim.network(3)
		liar, topic := sim.flooder(nodes[0])
		orphans := []*core.Transaction{sim.spend(sim.pay(4000, 1000)), sim.spend(sim.pay(4001, 1000))}
		began := time.Now()
		sim.flood(topic, time.Millisecond/2, func(i int) []byte { // 2,000 a second, each of 16 signatures
			var txs []*core.Transaction
			for bit := range 16 {
				txs = append(txs, orphans[i>>bit&1])
			}
			return batchOf(txs...)
		})
		honest := sim.payments(0, 500)
		nodes[1].pool.Submit(honest...)
		sim.until(2*time.Second, "relayed", sim.have(honest, nodes...))
		sim.until(30*time.Second, "cut off", func() bool { return !nodes[0].state(liar.ID()).Connected })
		judged := nodes[0].pool.Judged()
		t.Logf("%d signatures verified in %v, %+v", judged, time.Since(began), nodes[0].service.Stats())
		took := time.Since(began)
		if most := len(honest) + (peerSignaturesBurst+int(peerSignatures*took.Seconds()))/junkFactor + 16; judged > most {
			t.Errorf("%d signatures verified, want at most %d", judged, most)
		}
		if nodes[0].feedback.reason(liar.ID()) != "" {
			t.Error("too much is no broken rule")
		}
	})
}

// What all peers send together is bounded too; what is dropped for that comes by
// comparing pools.
func TestAllPeersTogetherAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n, other := sim.pair()
		txs := sim.payments(0, 100)
		n.service.txs.mu.Lock()
		n.service.txs.signatures.charge(2*gossipSignaturesBurst, time.Now()) // as many have sent
		n.service.txs.mu.Unlock()
		other.pool.Submit(txs...)
		took := sim.until(10*time.Second, "there", sim.have(txs, n))
		st := n.service.Stats()
		if st.TxBatchesDropped != 1 || st.TxsFetched != len(txs) {
			t.Errorf("%+v", st)
		}
		if took > compareHurry+time.Second {
			t.Errorf("what was dropped took %v", took)
		}
	})
}
