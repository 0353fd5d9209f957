package protocol

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
	"github.com/ingchain/ingchain/protocol/wire"
)

func TestValidatorOfPayments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n := sim.node(sim.withPool())
		row := sim.lineage(0, 3)
		known, low := sim.pay(10, 1000), sim.pay(11, 1)
		n.pool.Submit(known)
		otherWitness := *known
		coretest.Sign(core.Hash{1}, &otherWitness, "alice") // of the same txid
		wrongOwner := sim.pay(12, 1000)
		coretest.Sign(sim.rules.GenesisID(), wrongOwner, "mallory")
		wrongFee := sim.pay(13, 1000)
		wrongFee.Fee++
		coretest.Sign(sim.rules.GenesisID(), wrongFee, "alice")
		coinbase := core.NewCoinbase(1, 1, core.Address{}, nil)
		tests := []struct {
			name string
			data []byte
			want pubsub.ValidationResult
			code core.Code // of who is punished, or ""
		}{
			{"a payment", batchOf(sim.pay(20, 1000)), pubsub.ValidationAccept, ""},
			{"a new one and a known one", batchOf(known, sim.pay(21, 1000)), pubsub.ValidationAccept, ""},
			{"a payment and its child", batchOf(sim.lineage(22, 2)...), pubsub.ValidationAccept, ""},
			{"known", batchOf(known), pubsub.ValidationIgnore, ""},
			{"too low a fee", batchOf(low), pubsub.ValidationIgnore, ""},
			{"an orphan", batchOf(row[2]), pubsub.ValidationIgnore, ""},
			{"a good one and an orphan", batchOf(sim.pay(23, 1000), row[1]), pubsub.ValidationIgnore, ""},
			{"a good one and one of too low a fee", batchOf(sim.pay(24, 1000), low), pubsub.ValidationIgnore, ""},
			{"a good one and a known one with another witness", batchOf(sim.pay(25, 1000), &otherWitness), pubsub.ValidationIgnore, ""},
			{"a bad signature", batchOf(forged(sim.pay(26, 1000))), pubsub.ValidationReject, core.ErrTxSignature},
			{"a bad signature among good ones", batchOf(sim.pay(27, 1000), forged(sim.pay(28, 1000))), pubsub.ValidationReject, core.ErrTxSignature},
			{"somebody else's coin", batchOf(wrongOwner), pubsub.ValidationReject, core.ErrOwner},
			{"a false fee", batchOf(wrongFee), pubsub.ValidationReject, core.ErrFeeMismatch},
			{"a coinbase", batchOf(&coinbase), pubsub.ValidationReject, core.ErrTxNoInputs},
			{"half a payment", batchOf(known)[:100], pubsub.ValidationReject, ""},
			{"bytes that are no payment", wire.AppendTxBatch(nil, [][]byte{make([]byte, 20)}), pubsub.ValidationReject, core.ErrTxMalformed},
			{"nothing", nil, pubsub.ValidationReject, ""},
			{"too long", make([]byte, wire.MaxBatchSize+1), pubsub.ValidationReject, ""},
		}
		for _, tt := range tests {
			from := peer.ID(tt.name)
			if got := sim.validate(n, from, tt.data); got != tt.want {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
			if st := n.state(from); st.Code != tt.code || (n.feedback.reason(from) != "") != (tt.want == pubsub.ValidationReject) {
				t.Errorf("%s: %q, code %q; want %q", tt.name, st.Reason, st.Code, tt.code)
			}
		}
		if !n.pool.Has(sim.pay(23, 1000), sim.pay(24, 1000), sim.pay(25, 1000), sim.pay(27, 1000)) {
			t.Error("a good payment was not taken since a batch was not passed on")
		}
	})
}

// An orphan is judged when its parent comes; if it turns out false, whoever sent
// it is to blame, not whoever sent the parent.
func TestFalseOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n := sim.node(sim.withPool())
		parent := sim.pay(0, 1000)
		child := sim.spend(parent)
		child.Fee++
		coretest.Sign(sim.rules.GenesisID(), child, "alice")
		if got := sim.validate(n, "liar", batchOf(child)); got != pubsub.ValidationIgnore {
			t.Fatalf("an orphan: %v", got)
		}
		if got := sim.validate(n, "honest", batchOf(parent)); got != pubsub.ValidationAccept {
			t.Errorf("its parent: %v", got)
		}
		if n.state("liar").Code != core.ErrFeeMismatch || n.feedback.reason("honest") != "" {
			t.Errorf("liar %+v, honest %q", n.state("liar"), n.feedback.reason("honest"))
		}
	})
}

// An orphan with the witnesses of somebody who does not own its coin takes the
// place of no true one, and whoever sent the true one is not to blame for it.
func TestForgedTwinOfAnOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n := sim.node(sim.withPool())
		row := sim.lineage(0, 2)
		twin := *row[1]
		coretest.Sign(sim.rules.GenesisID(), &twin, "mallory")
		sim.validate(n, "liar", batchOf(&twin))
		sim.validate(n, "honest", batchOf(row[1]))
		sim.validate(n, "other", batchOf(row[0]))
		if n.state("liar").Code != core.ErrOwner {
			t.Errorf("liar: %+v", n.state("liar"))
		}
		if reason := n.feedback.reason("honest"); reason != "" {
			t.Errorf("honest: %s", reason)
		}
		if !n.pool.Has(row...) {
			t.Error("the true payment is gone")
		}
	})
}

// So it is if a block brings what it spends.
func TestOrphanFoundFalseByABlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n := sim.node(sim.withPool())
		n.pool.Fault(mempool.Fault{From: []string{"liar"}, Err: &core.RuleError{Code: core.ErrOwner}})
		sim.until(5*time.Second, "punished", func() bool { return n.state("liar").Code == core.ErrOwner })
	})
}

// Forged witnesses do not keep a true payment away.
func TestForgedWitnessesDoNotSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n, honest := sim.node(sim.withPool()), sim.node(sim.withPool())
		sim.connect(n, honest)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(n, honest) })
		tx := sim.pay(0, 1000)
		if got := sim.validate(n, "liar", batchOf(forged(tx))); got != pubsub.ValidationReject {
			t.Errorf("forged: %v", got)
		}
		n.service.txs.noteFetched([]*core.Transaction{forged(tx)}, []mempool.Outcome{{Err: &core.RuleError{Code: core.ErrTxSignature}}})
		honest.service.txs.markCarried(idsOf([]*core.Transaction{tx})) // by asking alone
		honest.pool.Submit(tx)
		sim.until(compareInterval+time.Second, "there", sim.have([]*core.Transaction{tx}, n))
	})
}

// Of a batch that is not passed on, what is good goes on all the same, and what
// is bad never does.
func TestGoodPaymentsOfABadBatchGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		nodes := sim.network(4)
		bad, good := forged(sim.pay(0, 1000)), sim.payments(1, 4)
		sim.validate(nodes[0], "liar", batchOf(good[0], bad, good[1]))
		low := sim.pay(10, 1)
		sim.validate(nodes[0], "other", batchOf(low, good[2]))
		sim.until(time.Second, "everywhere", sim.have(good, nodes...))
		time.Sleep(15 * time.Second) // pools are compared as well
		for i, n := range nodes {
			if n.pool.Has(bad) || n.pool.Has(low) || n.pool.Count() != len(good) {
				t.Errorf("node %d has what is bad", i)
			}
			for _, m := range nodes {
				if n.feedback.reason(m.ID()) != "" {
					t.Errorf("an honest peer was refused: %s", n.feedback.reason(m.ID()))
				}
			}
		}
	})
}

// A node that is catching up does not know which coins there are.
func TestNoPaymentsWhileSyncing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n := sim.node(sim.withPool())
		blocks := fakechain.Make(sim.rules, n.chain.Tip(), 20, 1)
		if _, err := n.chain.AddHeaders(fakechain.Headers(blocks)); err != nil {
			t.Fatal(err)
		}
		data := batchOf(sim.pay(0, 1000))
		if got := sim.validate(n, "peer", data); got != pubsub.ValidationIgnore || n.pool.Judged() != 0 {
			t.Errorf("behind: %v, %d judged", got, n.pool.Judged())
		}
		n.chain.Extend(blocks)
		if got := sim.validate(n, "peer", data); got != pubsub.ValidationAccept {
			t.Errorf("caught up: %v", got)
		}
	})
}

// Nor is a node catching up for ever that only knows headers of a heavier chain:
// whoever mined that may keep the blocks, and payments go on without.
func TestPaymentsWhileBlocksAreWithheld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n := sim.node(sim.withPool())
		blocks := fakechain.Make(sim.rules, n.chain.Tip(), 20, 1)
		if _, err := n.chain.AddHeaders(fakechain.Headers(blocks)); err != nil {
			t.Fatal(err)
		}
		tx := sim.payments(0, 1)
		if got := sim.validate(n, "peer", batchOf(tx...)); got != pubsub.ValidationIgnore {
			t.Errorf("behind: %v", got)
		}
		sim.pause(withheldPatience)
		if got := sim.validate(n, "peer", batchOf(tx...)); got != pubsub.ValidationAccept {
			t.Errorf("after a while: %v", got)
		}
		// One of the blocks: the others may follow.
		if _, err := n.chain.AddBlocks(sim.ctx, blocks[:1]); err != nil {
			t.Fatal(err)
		}
		sim.pause(withheldStep)
		if got := sim.validate(n, "peer", batchOf(sim.payments(1, 2)...)); got != pubsub.ValidationIgnore {
			t.Errorf("catching up: %v", got)
		}
	})
}

// A chain of dependents whose parents gossip lost: each is asked of whoever sent
// the child, at once.
func TestParentsAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n, quiet := sim.node(sim.withPool()), sim.node(sim.withPool(), noGossip)
		sim.connect(n, quiet)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(n, quiet) })
		time.Sleep(time.Second) // pools have been compared
		row := sim.lineage(0, 8)
		quiet.pool.Submit(row...)
		if got := sim.validate(n, quiet.ID(), batchOf(row[7], row[5], row[3])); got != pubsub.ValidationIgnore {
			t.Errorf("orphans: %v", got)
		}
		if took := sim.until(5*time.Second, "complete", sim.have(row, n)); took > time.Second {
			t.Errorf("asking for parents took %v", took)
		}
		if st := n.service.Stats(); st.TxsFetched > 5 {
			t.Errorf("%d fetched for 5 parents", st.TxsFetched)
		}
	})
}

// Orphans of a peer that has nothing to show for them cost little: each parent is
// asked for once, a few at a time.
func TestParentsAreAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n, quiet := sim.node(sim.withPool()), sim.node(sim.withPool(), noGossip)
		sim.connect(n, quiet)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(n, quiet) })
		txs := n.service.txs
		var ids []core.Hash
		for i := range 1000 {
			ids = append(ids, core.Hash{byte(i), byte(i >> 8), 7})
		}
		for range 3 {
			txs.want(quiet.ID(), slices.Clone(ids))
		}
		txs.mu.Lock()
		if asked := len(txs.asked.new); asked > maxPeerWants*maxParents || txs.asking[quiet.ID()] > maxPeerWants {
			t.Errorf("%d asked, in %d requests", asked, txs.asking[quiet.ID()])
		}
		txs.mu.Unlock()
		sim.until(5*time.Second, "done", func() bool {
			txs.mu.Lock()
			defer txs.mu.Unlock()
			return len(txs.asking) == 0
		})
		before := len(txs.asked.new)
		txs.want(quiet.ID(), slices.Clone(ids[:1]))
		if len(txs.asked.new) != before || len(txs.asking) != 0 {
			t.Error("a parent is asked for twice")
		}
		if !sim.joined(n, quiet) {
			t.Error("not to have a payment is no fault")
		}
	})
}

func TestLostPeersAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n, other := sim.node(sim.withPool()), sim.node(sim.withPool())
		sim.connect(n, other)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(n, other) })
		if err := n.Network().ClosePeer(other.ID()); err != nil {
			t.Fatal(err)
		}
		sim.until(5*time.Second, "forgotten", func() bool { return slices.Contains(n.pool.Forgotten(), string(other.ID())) })
	})
}

// Payments of peers cost a bounded number of signatures, whatever comes; and a
// peer whose payments come to nothing gets less of it.
func TestBudgets(t *testing.T) {
	now := time.Unix(0, 0)
	b := newBucket(10, 100)
	if !b.has(100, now) || !b.has(1000, now) {
		t.Error("a full bucket has not what it can have")
	}
	b.charge(150, now)
	if b.has(1, now.Add(5*time.Second)) || !b.has(9, now.Add(6*time.Second)) {
		t.Error("debts are not paid at the rate")
	}
	if wait := b.wait(110, now.Add(6*time.Second)); wait < 9*time.Second || wait > 9*time.Second+2*time.Millisecond {
		t.Errorf("wait %v", wait)
	}
	b.charge(1e6, now.Add(6*time.Second))
	if !b.has(1, now.Add(17*time.Second)) {
		t.Error("a debt without bound")
	}

	r := newRecent[int](2, time.Minute)
	at := now.Add(time.Hour)
	for i := range 4 {
		r.add(i, at)
	}
	if !r.has(3, at) || !r.has(1, at) || len(r.new)+len(r.old) > 4 {
		t.Errorf("recent: %v %v", r.new, r.old)
	}
	if r.has(3, at.Add(3*time.Minute)) {
		t.Error("what is long past is not forgotten")
	}

	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n := sim.node(sim.withPool())
		orphan := sim.spend(sim.pay(0, 1000))
		for i := range 4000 { // each its own orphan, as its txid says
			orphan.Fee = core.Amount(1000 + i)
			coretest.Sign(sim.rules.GenesisID(), orphan, "alice")
			sim.validate(n, "junk", batchOf(orphan))
		}
		judged := n.pool.Judged()
		if most := peerSignaturesBurst / junkFactor * 3; judged > most {
			t.Errorf("%d signatures of junk judged at once, want at most %d", judged, most)
		}
		if got := sim.validate(n, "honest", batchOf(sim.pay(1, 1000))); got != pubsub.ValidationAccept {
			t.Errorf("an honest payment beside: %v", got)
		}
		time.Sleep(time.Minute)
		if got := sim.validate(n, "junk", batchOf(sim.pay(2, 1000))); got != pubsub.ValidationAccept {
			t.Errorf("after a while: %v", got)
		}
	})
}

// A peer with more room passes on what a full pool does not want. That is no
// fault of its, costs no signature, and takes nothing from what pays better.
func TestAFullPoolIsNoFaultOfPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		small := func(p *mempool.Policy) { p.MaxTxs = 10 }
		n := sim.node(sim.withPool(small))
		n.pool.Submit(sim.payments(0, 10)...)
		for i := 10; i < 2010; i += 50 {
			sim.validate(n, "honest", batchOf(sim.payments(i, i+50)...))
		}
		if got := n.pool.Judged(); got > 0 {
			t.Errorf("%d signatures verified for a full pool", got)
		}
		if got := sim.validate(n, "honest", batchOf(sim.pay(3000, 5000))); got != pubsub.ValidationAccept {
			t.Errorf("a payment that pays more: %v", got)
		}
	})
}

// Fees below ours are other nodes' business.
func TestPoliciesMayDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		strict := func(p *mempool.Policy) { p.MinFeeRate = 50_000 }
		a, b, c := sim.node(sim.withPool()), sim.node(sim.withPool(strict)), sim.node(sim.withPool())
		sim.connectAll(a, b, c)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) && sim.joined(b, c) && sim.joined(a, c) })
		time.Sleep(3 * time.Second)
		txs := sim.payments(0, 50)
		a.pool.Submit(txs...)
		sim.until(time.Second, "at those who want them", sim.have(txs, a, c))
		time.Sleep(30 * time.Second)
		if b.pool.Count() != 0 || !sim.joined(a, b) || !sim.joined(b, c) {
			t.Errorf("%d payments; a and b joined: %v", b.pool.Count(), sim.joined(a, b))
		}
		if st := b.service.Stats(); st.TxsFetched > 2*len(txs) {
			t.Errorf("refused payments are fetched again and again: %d", st.TxsFetched)
		}
	})
}
