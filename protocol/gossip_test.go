package protocol

import (
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
	"github.com/ingchain/ingchain/protocol/wire"
)

func TestValidator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n := sim.node()
		n.mine(20, 1)
		rules, tip := sim.rules, n.chain.Tip()
		next := fakechain.Make(rules, tip, 2, 2)
		old := fakechain.Make(rules, genesisOf(rules), 1, 3)[0]
		bad := fakechain.Make(rules, tip, 2, 4)
		n.chain.Poison(bad[0].ID())
		if _, err := n.chain.AddBlocks(t.Context(), bad[:1]); err == nil {
			t.Fatal("the poisoned block was taken")
		}
		header := func(change func(h *core.Header)) []byte {
			h := next[0].Header
			change(&h)
			return wire.Announce(fakechain.Mine(rules, h, next[0].Txs))
		}
		noWork := next[0].Header
		for rules.CheckWork(&noWork) == nil {
			noWork.Nonce++
		}
		noWorkBlock, err := core.NewBlock(noWork, next[0].Txs)
		if err != nil {
			t.Fatal(err)
		}
		forged := wire.Announce(next[0])
		forged[len(forged)-1] ^= 1
		now := uint64(simNow().UnixMilli())
		tests := []struct {
			name string
			data []byte
			want pubsub.ValidationResult
		}{
			{"a new block", wire.Announce(next[0]), pubsub.ValidationAccept},
			{"its header alone", next[0].Header.AppendTo([]byte{2}), pubsub.ValidationAccept},
			{"a sibling of the tip", wire.Announce(fakechain.Make(rules, parentOf(n, tip), 1, 5)[0]), pubsub.ValidationAccept},
			{"nothing", nil, pubsub.ValidationReject},
			{"too long", make([]byte, wire.MaxAnnouncementSize+1), pubsub.ValidationReject},
			{"rubbish", []byte("rubbish"), pubsub.ValidationReject},
			{"no work", wire.Announce(noWorkBlock), pubsub.ValidationReject},
			{"other leaves", forged, pubsub.ValidationReject},
			{"wrong height", header(func(h *core.Header) { h.Height += 5 }), pubsub.ValidationReject},
			{"time of the parent", header(func(h *core.Header) { h.Time = tip.Time }), pubsub.ValidationReject},
			{"bad by its body", wire.Announce(bad[0]), pubsub.ValidationIgnore},
			{"after a bad block", wire.Announce(bad[1]), pubsub.ValidationIgnore},
			{"unknown parent", wire.Announce(next[1]), pubsub.ValidationIgnore},
			{"future", header(func(h *core.Header) { h.Time = now + rules.Params().MaxFutureMillis() + 1000 }), pubsub.ValidationIgnore},
			{"another genesis", header(func(h *core.Header) { h.Height, h.Parent = 0, core.Hash{1} }), pubsub.ValidationReject},
			{"future and wrong height", header(func(h *core.Header) {
				h.Height, h.Time = h.Height+5, now+rules.Params().MaxFutureMillis()+1000
			}), pubsub.ValidationReject},
			{"newer rules", header(func(h *core.Header) { h.Version = 9 }), pubsub.ValidationIgnore},
			{"long past", wire.Announce(old), pubsub.ValidationIgnore},
		}
		for _, tt := range tests {
			msg := &pubsub.Message{Message: &pb.Message{Data: tt.data}}
			if got := n.service.gossip.validate(t.Context(), peer.ID("stranger"), msg); got != tt.want {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		}
	})
}

func parentOf(n *testNode, st core.HeaderState) core.HeaderState {
	h, err := n.chain.Header(st.ID)
	if err != nil {
		panic(err)
	}
	parent, _ := n.chain.HeaderState(h.Parent)
	return parent
}

// subscribe does what a program with go-libp2p and go-libp2p-pubsub alone does.
func (sim *simulation) subscribe(n *testNode) *pubsub.Subscription {
	sim.t.Helper()
	sim.addPubSub(n)
	topic, err := n.ps.Join(BlockTopic(sim.rules.GenesisID()))
	if err != nil {
		sim.t.Fatal(err)
	}
	sub, err := topic.Subscribe()
	if err != nil {
		sim.t.Fatal(err)
	}
	return sub
}

func TestPlainSubscriberHearsBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n, plain := sim.node(), sim.host()
		sub := sim.subscribe(plain)
		sim.connect(plain, n)
		time.Sleep(30 * time.Second) // it may stay without hello
		tip := n.mine(1, 1)
		msg, err := sub.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		a, err := wire.ParseAnnouncement(msg.Data)
		if err != nil || a.ID != tip || a.Check() != nil {
			t.Errorf("announced: %+v, %v", a, err)
		}
	})
}

func TestAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.node(), sim.node()
		sim.connect(a, b)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) })
		time.Sleep(3 * time.Second)
		ours, cancel, err := a.service.Announcements()
		if err != nil {
			t.Fatal(err)
		}
		theirs, cancelB, err := b.service.Announcements()
		if err != nil {
			t.Fatal(err)
		}
		defer cancelB()
		tip := a.mine(1, 1)
		if x := <-ours; x.ID != tip || x.From != a.ID() || x.Missed != 0 {
			t.Errorf("our own: %+v", x)
		}
		if x := <-theirs; x.ID != tip || x.From != a.ID() {
			t.Errorf("at the peer: %+v", x)
		}
		cancel()

		// A reader that doesn't read loses some, is told how many, and holds up
		// nobody.
		for range readerBuffer + 10 {
			tip = a.mine(1, 1)
			sim.until(2*time.Second, "passed on", sim.agree(tip, b))
			time.Sleep(50 * time.Millisecond)
		}
		for range readerBuffer {
			<-theirs
		}
		a.mine(1, 1)
		if x := <-theirs; x.Missed != 10 {
			t.Errorf("missed %d, want 10", x.Missed)
		}
		if topics := a.service.Topics(); len(topics) != 1 || len(topics[0].Peers) != 1 {
			t.Errorf("topics: %v", topics)
		}
	})
}

// A block with payments isn't carried whole by gossip: it is fetched.
func TestBlockWithPaymentsIsFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		nodes := []*testNode{sim.node(), sim.node(), sim.node()}
		sim.connect(nodes[0], nodes[1])
		sim.connect(nodes[1], nodes[2])
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(nodes[0], nodes[1]) && sim.joined(nodes[1], nodes[2]) })
		time.Sleep(3 * time.Second)
		plain := fakechain.Make(sim.rules, nodes[0].chain.Tip(), 1, 1)[0]
		txs := append([]core.Transaction{}, plain.Txs[0], core.Transaction{
			Version: 1, Inputs: []core.Input{{}}, Outputs: []core.Output{{Value: 1}}, Witnesses: make([]core.Witness, 1),
		})
		h := plain.Header
		h.MerkleRoot = core.MerkleRoot([]core.Hash{core.MerkleLeaf(txs[0].ID(), txs[0].WitnessID()), core.MerkleLeaf(txs[1].ID(), txs[1].WitnessID())})
		b := fakechain.Mine(sim.rules, h, txs)
		nodes[0].chain.Extend([]*core.Block{b})
		if took := sim.until(5*time.Second, "everywhere", sim.agree(b.ID(), nodes...)); took > 200*time.Millisecond {
			t.Errorf("two hops took %v", took)
		}
	})
}
