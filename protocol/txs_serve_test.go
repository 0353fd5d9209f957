package protocol

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	p2pnetwork "github.com/libp2p/go-libp2p/core/network"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/wire"
)

// mute is a stream that takes whatever is written.
type mute struct{ p2pnetwork.Stream }

func (mute) SetWriteDeadline(time.Time) error { return nil }
func (mute) Write(b []byte) (int, error)      { return len(b), nil }

// A whole block is read for one payment of it, and has its price.
func TestReadingABlockHasItsPrice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		n := sim.node(sim.withPool())
		size := 0
		var ids []core.Hash
		for i := range 2 {
			b := sim.blockOf(n, sim.payments(i*1500, (i+1)*1500))
			n.chain.Extend([]*core.Block{b})
			size, ids = b.Size(), append(ids, b.ID())
		}
		answer := func(id core.Hash) int {
			w := &answerWriter{str: mute{}, until: time.Now().Add(time.Minute)}
			if err := n.service.sendBlockTxs(sim.ctx, w, &wire.GetBlockTxs{Block: id, Positions: []uint16{1}}); err != nil {
				t.Fatal(err)
			}
			return w.bytes
		}
		for _, id := range append(ids, ids...) {
			if got := answer(id); got < size {
				t.Errorf("%d bytes counted for a block of %d", got, size)
			}
		}
		if got := answer(ids[1]); got > 1000 {
			t.Errorf("%d bytes counted for a payment of a block at hand", got)
		}
	})
}

// What is asked for by number is served in bounded pages, and not at all without
// a pool.
func TestServingPayments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newSimulation(t)
		a, b, plain := sim.node(sim.withPool(), noGossip), sim.node(sim.withPool(), noGossip), sim.node(noGossip)
		sim.connectAll(a, b, plain)
		sim.until(5*time.Second, "joined", func() bool { return sim.joined(a, b) && sim.joined(a, plain) })
		txs := sim.payments(0, 2100)
		b.pool.Submit(txs...)
		page, err := a.service.fetchPool(sim.ctx, b.ID(), &wire.GetPool{Epoch: 9, After: 1 << 60})
		if err != nil || len(page.IDs) != wire.MaxPoolIDs || !page.More || page.IDs[0] != txs[0].ID() {
			t.Fatalf("a foreign epoch: %v", err)
		}
		page, err = a.service.fetchPool(sim.ctx, b.ID(), &wire.GetPool{Epoch: page.Epoch, After: page.Next})
		if err != nil || len(page.IDs) != 2100-wire.MaxPoolIDs || page.More {
			t.Fatalf("the second page: %v", err)
		}
		got, _, done, err := a.service.fetchTxs(sim.ctx, b.ID(), []core.Hash{txs[5].ID(), {1}, txs[4].ID()})
		if err != nil || done != 3 || len(got) != 2 || got[1].ID() != txs[4].ID() {
			t.Errorf("by txid: %d of %d, %v", len(got), done, err)
		}
		if _, _, _, err := a.service.fetchTxs(sim.ctx, plain.ID(), []core.Hash{{1}}); err == nil {
			t.Error("a node without a pool is asked for payments")
		}
		str := sim.open(a, plain)
		_, _ = str.Write(wire.AppendFrame(nil, &wire.GetTxs{IDs: []core.Hash{{1}}}))
		sim.until(5*time.Second, "disconnected", func() bool { return len(plain.Network().ConnsToPeer(a.ID())) == 0 })

		block := sim.blockOf(b, txs[:10])
		b.chain.Extend([]*core.Block{block})
		a2 := &wire.Announcement{ID: block.ID(), Leaves: block.Leaves()}
		out := make([]*core.Transaction, 11)
		if err := a.service.fetchBlockTxs(sim.ctx, b.ID(), a2, out, []uint16{3, 10}); err != nil || out[10].ID() != txs[9].ID() || out[3].ID() != txs[2].ID() {
			t.Errorf("by position: %v", err)
		}
		var remote *RemoteError
		if err := a.service.fetchBlockTxs(sim.ctx, b.ID(), a2, out, []uint16{11}); !errors.As(err, &remote) || remote.Code != wire.CodeBadRequest {
			t.Errorf("beyond the last: %v", err)
		}
		a2.ID = core.Hash{1}
		if err := a.service.fetchBlockTxs(sim.ctx, b.ID(), a2, out, []uint16{1}); !errors.Is(err, errNotFound) {
			t.Errorf("another block: %v", err)
		}
	})
}
