package protocol

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
	"github.com/ingchain/ingchain/protocol/wire"
)

// testCoins are coins of the chain that alice has, on every node's chain.
var testCoins = func() []core.Coin {
	coins := make([]core.Coin, 4096)
	for i := range coins {
		coins[i] = core.Coin{Outpoint: core.Outpoint{TxID: sha256.Sum256(fmt.Append(nil, "coin", i))}, Value: core.GrainsPerING, Height: 1, Address: coretest.Key("alice").Address}
	}
	return coins
}()

// withPool gives a node a pool of the default policy, unless it is changed.
func (sim *simulation) withPool(change ...func(*mempool.Policy)) func(*Config) {
	policy := mempool.DefaultPolicy()
	for _, f := range change {
		f(&policy)
	}
	return func(c *Config) { c.Pool = fakechain.NewPool(sim.rules, policy, testCoins) }
}

func noGossip(c *Config) { c.NoGossip = true }

// pay spends coin i of alice, with a fee in grains.
func (sim *simulation) pay(i int, fee core.Amount) *core.Transaction {
	tx := coretest.Pay(sim.rules.GenesisID(), testCoins[i:i+1], []string{"alice"}, coretest.To("alice", testCoins[i].Value-fee))
	return &tx
}

func (sim *simulation) payments(from, to int) (txs []*core.Transaction) {
	for i := from; i < to; i++ {
		txs = append(txs, sim.pay(i, 1000))
	}
	return txs
}

// spend spends the first output of a payment.
func (sim *simulation) spend(parent *core.Transaction) *core.Transaction {
	coin := core.Coin{Outpoint: core.Outpoint{TxID: parent.ID()}, Value: parent.Outputs[0].Value, Address: parent.Outputs[0].Address}
	tx := coretest.Pay(sim.rules.GenesisID(), []core.Coin{coin}, []string{"alice"}, coretest.To("alice", coin.Value-1000))
	return &tx
}

// lineage is a payment with so many descendants in a row.
func (sim *simulation) lineage(coin, n int) []*core.Transaction {
	txs := []*core.Transaction{sim.pay(coin, 1000)}
	for len(txs) < n {
		txs = append(txs, sim.spend(txs[len(txs)-1]))
	}
	return txs
}

// forged returns a payment whose signature does not verify.
func forged(tx *core.Transaction) *core.Transaction {
	bad := *tx
	bad.Witnesses = slices.Clone(tx.Witnesses)
	bad.Witnesses[0].Signature[0] ^= 1
	return &bad
}

func batchOf(txs ...*core.Transaction) []byte {
	var raws [][]byte
	for _, tx := range txs {
		raws = append(raws, tx.AppendTo(nil))
	}
	return wire.AppendTxBatch(nil, raws)
}

func (sim *simulation) have(txs []*core.Transaction, nodes ...*testNode) func() bool {
	return func() bool {
		return !slices.ContainsFunc(nodes, func(n *testNode) bool { return !n.pool.Has(txs...) })
	}
}

// network makes nodes with pools in a ring with chords, and waits until gossip
// has a mesh.
func (sim *simulation) network(n int) []*testNode {
	var nodes []*testNode
	for range n {
		nodes = append(nodes, sim.node(sim.withPool()))
	}
	for i := range nodes {
		sim.connect(nodes[i], nodes[(i+1)%n])
		if n > 3 {
			sim.connect(nodes[i], nodes[(i+3)%n])
		}
	}
	sim.until(10*time.Second, "joined", func() bool {
		for i := range nodes {
			if !sim.joined(nodes[i], nodes[(i+1)%n]) {
				return false
			}
		}
		return true
	})
	time.Sleep(3 * time.Second)
	return nodes
}

func TestPaymentsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		nodes := sim.network(8)
		genesis := sim.rules.GenesisID()
		if topics := nodes[0].service.Topics(); len(topics) != 2 ||
			topics[0].Name != BlockTopic(genesis) || topics[1].Name != TxTopic(genesis) || len(topics[1].Peers) != len(topics[0].Peers) {
			t.Errorf("topics: %v", topics)
		}
		one := sim.payments(0, 1)
		nodes[0].pool.Submit(one...)
		if took := sim.until(time.Second, "everywhere", sim.have(one, nodes...)); took > 100*time.Millisecond {
			t.Errorf("one payment took %v", took)
		}
		// Eight users at once, each of a row of payments that depend on each other.
		var all []*core.Transaction
		for i, n := range nodes {
			row := sim.lineage(1+i, 20)
			row = append(row, sim.payments(100+50*i, 150+50*i)...)
			all = append(all, row...)
			n.pool.Submit(row...)
		}
		took := sim.until(2*time.Second, "everywhere", sim.have(all, nodes...))
		var sum Stats
		for _, n := range nodes {
			st := n.service.Stats()
			sum.TxBatchesPublished += st.TxBatchesPublished
			sum.TxsPublished += st.TxsPublished
			sum.TxBatchesReceived += st.TxBatchesReceived
			sum.TxBytesReceived += st.TxBytesReceived
			sum.TxsFetched += st.TxsFetched
			if st.TxBatchesDropped > 0 {
				t.Errorf("%d batches dropped", st.TxBatchesDropped)
			}
		}
		t.Logf("%d payments in %v; %+v", len(all), took, sum)
		if sum.TxsPublished != len(all)+1 || sum.TxsFetched > 0 {
			t.Errorf("published %d of %d, fetched %d: each is to be published once", sum.TxsPublished, len(all)+1, sum.TxsFetched)
		}
		for _, n := range nodes {
			if st := n.service.Stats(); st.TxBatchesPublished > 3 {
				t.Errorf("%d batches of %d payments", st.TxBatchesPublished, st.TxsPublished)
			}
			for _, m := range nodes {
				if n.feedback.reason(m.ID()) != "" {
					t.Error("an honest peer was refused")
				}
			}
		}
	})
}

// A pool that fills faster than others may be told is told in time, by none but
// batches that everybody takes.
func TestPublishingKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		nodes := sim.network(4)
		all := sim.payments(0, 2500)
		began := time.Now()
		nodes[0].pool.Submit(all...)
		sim.until(5*time.Second, "everywhere", sim.have(all, nodes...))
		rate := float64(len(all)) / time.Since(began).Seconds()
		st := nodes[0].service.Stats()
		t.Logf("%.0f payments a second; %+v", rate, st)
		if rate < 2000 {
			t.Errorf("%.0f payments a second", rate)
		}
		if st.TxBatchesPublished > 20 {
			t.Errorf("%d batches", st.TxBatchesPublished)
		}
		for _, n := range nodes {
			if st := n.service.Stats(); st.TxBatchesDropped > 0 {
				t.Errorf("%d batches dropped", st.TxBatchesDropped)
			}
		}
	})
}

func (sim *simulation) validate(n *testNode, from peer.ID, data []byte) pubsub.ValidationResult {
	return n.service.txs.validate(sim.ctx, from, &pubsub.Message{Message: &pb.Message{Data: data}})
}
