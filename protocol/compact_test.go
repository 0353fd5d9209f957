package protocol

import (
	"bufio"
	"testing"
	"testing/synctest"
	"time"

	p2pnetwork "github.com/libp2p/go-libp2p/core/network"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
	"github.com/ingchain/ingchain/protocol/wire"
)

// blockOf mines a block of payments on a node's tip, without adding it.
func (sim *simulation) blockOf(n *testNode, payments []*core.Transaction) *core.Block {
	plain := fakechain.Make(sim.rules, n.chain.Tip(), 1, 1)[0]
	txs := []core.Transaction{plain.Txs[0]}
	leaves := []core.Hash{core.MerkleLeaf(txs[0].ID(), txs[0].WitnessID())}
	for _, tx := range payments {
		txs = append(txs, *tx)
		leaves = append(leaves, core.MerkleLeaf(tx.ID(), tx.WitnessID()))
	}
	h := plain.Header
	h.MerkleRoot = core.MerkleRoot(leaves)
	return fakechain.Mine(sim.rules, h, txs)
}

// pair makes two connected nodes with pools whose gossip has a mesh.
func (sim *simulation) pair() (a, b *testNode) {
	a, b = sim.node(sim.withPool()), sim.node(sim.withPool())
	sim.connect(a, b)
	sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) })
	time.Sleep(3 * time.Second)
	return a, b
}

func TestBlocksAreRebuilt(t *testing.T) {
	const n = 400
	for _, tt := range []struct {
		name                    string
		known                   int
		rebuilt, completed, all int // blocks
	}{
		{"warm pool", n, 1, 0, 0},
		{"a few missing", n - 5, 0, 1, 0},
		{"half missing", n / 2, 0, 1, 0},
		{"cold pool", 0, 0, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := newSimulation(t)
				a, b := sim.pair()
				txs := sim.payments(0, n)
				b.pool.Submit(txs[:tt.known]...)
				if tt.known > 0 {
					sim.until(time.Second, "relayed", sim.have(txs[:tt.known], a))
				}
				block := sim.blockOf(a, txs)
				a.chain.Extend([]*core.Block{block})
				took := sim.until(2*time.Second, "agreed", sim.agree(block.ID(), a, b))
				time.Sleep(6 * time.Second) // whatever else may be fetched
				st := b.service.Stats()
				t.Logf("%v; %d of %d bytes fetched beside the announcement of %d", took, st.BlockTxBytes+st.BlockBytes, block.Size(), len(wire.Announce(block)))
				if st.BlocksRebuilt != tt.rebuilt || st.BlocksCompleted != tt.completed || st.BlocksFetched != tt.all {
					t.Errorf("%+v", st)
				}
				if want := n - tt.known; tt.all == 0 && st.BlockTxsFetched != want {
					t.Errorf("%d payments fetched, want %d", st.BlockTxsFetched, want)
				}
				if took > 100*time.Millisecond {
					t.Errorf("took %v", took)
				}
				if err := b.chain.Verdict(block.ID()); err != nil || !b.chain.HasBlock(block.ID()) {
					t.Errorf("verdict %v", err)
				}
			})
		})
	}
}

// A rebuilt block is judged like any other, and who announced it is not to blame.
func TestRebuiltBlocksAreJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b := sim.pair()
		txs := sim.payments(0, 10)
		b.pool.Submit(txs...)
		sim.until(time.Second, "relayed", sim.have(txs, a))
		block := sim.blockOf(a, txs)
		b.chain.Poison(block.ID())
		a.chain.Extend([]*core.Block{block})
		sim.until(2*time.Second, "judged", func() bool { return b.chain.Verdict(block.ID()) != nil })
		if b.chain.Tip().ID == block.ID() || b.service.Stats().BlocksRebuilt != 0 {
			t.Error("a bad block was taken")
		}
	})
}

// Whatever the announcer answers, the block comes; only what no honest peer sends
// is punished.
func TestAnnouncersThatDoNotDeliver(t *testing.T) {
	rules := devRules(t)
	frames := func(ms ...wire.Message) func(p2pnetwork.Stream) {
		return func(str p2pnetwork.Stream) {
			var b []byte
			for _, m := range ms {
				b = wire.AppendFrame(b, m)
			}
			_, _ = str.Write(b)
			_ = str.Close()
		}
	}
	// Other requests are answered as by a peer that has nothing.
	only := func(answer func(p2pnetwork.Stream)) func(p2pnetwork.Stream) {
		return func(str p2pnetwork.Stream) {
			switch ty, _, err := wire.ReadFrame(bufio.NewReader(str), nil); {
			case err == nil && ty == wire.TypeGetBlockTxs:
				answer(str)
			case ty == wire.TypeGetHeaders:
				frames(&wire.Headers{})(str)
			default:
				_ = str.Reset()
			}
		}
	}
	other := core.NewCoinbase(7, 1, core.Address{}, nil)
	tests := []struct {
		name   string
		answer func(block *core.Block) func(p2pnetwork.Stream)
		banned bool
	}{
		{"another transaction", func(*core.Block) func(p2pnetwork.Stream) {
			return frames(&wire.Tx{Bytes: other.AppendTo(nil)}, &wire.End{})
		}, true},
		{"no transaction", func(*core.Block) func(p2pnetwork.Stream) { return frames(&wire.Tx{Bytes: []byte("x")}) }, true},
		{"too few", func(*core.Block) func(p2pnetwork.Stream) { return frames(&wire.End{}) }, true},
		{"not found", func(b *core.Block) func(p2pnetwork.Stream) { return frames(&wire.NotFound{ID: b.ID()}, &wire.End{}) }, false},
		{"an error", func(*core.Block) func(p2pnetwork.Stream) { return frames(&wire.Error{Code: wire.CodeBusy}) }, false},
		{"nothing", func(*core.Block) func(p2pnetwork.Stream) { return func(str p2pnetwork.Stream) { _ = str.Reset() } }, false},
		{"silence", func(*core.Block) func(p2pnetwork.Stream) { return func(p2pnetwork.Stream) {} }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := newSimulation(t)
				sim.rules = rules
				victim, honest := sim.node(sim.withPool()), sim.node(sim.withPool(), noGossip)
				txs := sim.payments(0, 10)
				victim.pool.Submit(txs[:9]...)
				block := sim.blockOf(honest, txs)
				liar := sim.host()
				liar.SetStreamHandler(ID, only(tt.answer(block)))
				sim.addPubSub(liar)
				topic, err := liar.ps.Join(BlockTopic(rules.GenesisID()))
				if err != nil {
					t.Fatal(err)
				}
				sim.connect(liar, victim)
				sim.join(liar, victim, core.Work{})
				sim.connect(victim, honest)
				sim.until(5*time.Second, "joined", func() bool { return sim.joined(victim, honest) })
				time.Sleep(3 * time.Second)
				if err := topic.Publish(t.Context(), wire.Announce(block)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Millisecond) // the liar is first
				honest.chain.Extend([]*core.Block{block})
				if took := sim.until(5*time.Second, "there", sim.agree(block.ID(), victim)); took > 2*time.Second {
					t.Errorf("a liar held the block up for %v", took)
				}
				time.Sleep(time.Second)
				if st := victim.service.Stats(); st.BlocksFetched != 1 {
					t.Errorf("%+v", st)
				}
				if got := victim.feedback.reason(liar.ID()) != ""; got != tt.banned {
					t.Errorf("banned: %v, want %v: %s", got, tt.banned, victim.state(liar.ID()).Reason)
				}
				if victim.feedback.reason(honest.ID()) != "" || !sim.joined(victim, honest) {
					t.Error("the honest peer suffered")
				}
			})
		})
	}
}

// A peer that announces first and then does not deliver holds up one block, not
// every one.
func TestAnnouncersThatNeverDeliver(t *testing.T) {
	attack(t, func(sim *simulation, liar, _ *testNode) {
		victim, honest := sim.node(sim.withPool()), sim.node(sim.withPool(), noGossip)
		asked := 0
		liar.SetStreamHandler(ID, func(str p2pnetwork.Stream) {
			if ty, _, err := wire.ReadFrame(bufio.NewReader(str), nil); err == nil && ty == wire.TypeGetBlockTxs {
				asked++
				return // and is silent
			}
			_ = str.Reset()
		})
		sim.addPubSub(liar)
		topic, err := liar.ps.Join(BlockTopic(sim.rules.GenesisID()))
		if err != nil {
			sim.t.Fatal(err)
		}
		txs := sim.payments(0, 10)
		victim.pool.Submit(txs[:9]...)
		sim.connect(liar, victim)
		sim.join(liar, victim, core.Work{})
		sim.connect(victim, honest)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(victim, honest) })
		sim.pause(3 * time.Second)
		for i := range 5 {
			block := sim.blockOf(honest, txs)
			if err := topic.Publish(sim.ctx, wire.Announce(block)); err != nil {
				sim.t.Fatal(err)
			}
			sim.pause(20 * time.Millisecond) // the liar is first
			honest.chain.Extend([]*core.Block{block})
			took := sim.until(5*time.Second, "there", sim.agree(block.ID(), victim))
			if i > 0 && took > rebuildStall/2 {
				sim.t.Errorf("block %d is held up for %v", i, took)
			}
			sim.pause(time.Second)
		}
		if asked != 1 {
			sim.t.Errorf("asked %d times", asked)
		}
	})
}

// A relayer may be asked before it has connected the block itself.
func TestRelayersAreAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b, c := sim.node(sim.withPool()), sim.node(sim.withPool()), sim.node(sim.withPool())
		sim.connect(a, b)
		sim.connect(b, c)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) && sim.joined(b, c) })
		time.Sleep(3 * time.Second)
		b.chain.SetDelay(150 * time.Millisecond)
		txs := sim.payments(0, 100)
		for _, n := range []*testNode{a, b} {
			n.service.txs.markCarried(idsOf(txs)) // so that c does not hear of them
		}
		a.pool.Submit(txs...)
		b.pool.Submit(txs...)
		c.pool.Submit(txs[:90]...)
		block := sim.blockOf(a, txs)
		a.chain.Extend([]*core.Block{block})
		sim.until(2*time.Second, "agreed", sim.agree(block.ID(), a, b, c))
		time.Sleep(3 * time.Second)
		if st := c.service.Stats(); st.BlocksCompleted != 1 || st.BlockTxsFetched != 10 || st.BlocksFetched != 0 {
			t.Errorf("%+v", st)
		}
		if st := b.service.Stats(); st.BlocksRebuilt != 1 {
			t.Errorf("the relayer: %+v", st)
		}
	})
}

func idsOf(txs []*core.Transaction) (ids []core.Hash) {
	for _, tx := range txs {
		ids = append(ids, tx.ID())
	}
	return ids
}
