package load

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/lab"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	honestRate = 20 // honest payments per second
	// blockEvery is the time between blocks while a node is flooded, shortBlockEvery
	// in the short version.
	blockEvery      = 1500 * time.Millisecond
	shortBlockEvery = 500 * time.Millisecond
	// arriveWithin is how soon a block must be everywhere.
	arriveWithin = 2 * time.Second
	// minedWithin is in how many blocks honest payments must be, of which share.
	minedWithin = 3
	minedShare  = 0.99
	// shortShare is that share in the short version, which has 40 payments and
	// blocks three times as fast, perhaps beside other tests.
	shortShare = 0.8
	// floodCores is what a node under flood may compute.
	floodCores = 1.0
)

// TestFlood puts a node between a payer and a miner and floods it: 50,000
// payments a second that are good but for their signatures. All that the payer
// and the miner tell each other goes through the node.
func TestFlood(t *testing.T) {
	attacks := []struct {
		attack
		payments func(p *purse, n int) func([]byte) []byte
		short    bool
	}{
		{attack{name: "one payment a message", peers: 1, perMessage: 1}, badSignatures, true},
		{attack{name: "full batches", peers: 1, perMessage: wire.MaxBatchTxs}, badSignatures, false},
		{attack{name: "16 that come back as others", peers: 16, perMessage: 1, fresh: true}, badSignatures, false},
		{attack{name: "16 that come back with full batches", peers: 16, perMessage: wire.MaxBatchTxs, fresh: true}, badSignatures, false},
		{attack{name: "good signatures over coins of nobody", peers: 16, perMessage: 64, fresh: true}, unknownCoins, false},
		{attack{name: "the same one a message", peers: 16, perMessage: 1, fresh: true}, unknownCoins, false},
		{attack{name: "the same from mute peers", peers: 16, perMessage: 64, fresh: true, mute: true}, unknownCoins, false},
	}
	for _, a := range attacks {
		t.Run(strings.ReplaceAll(a.name, " ", "-"), func(t *testing.T) {
			lasts, pace := *floodFor, blockEvery
			if !*fullLoad {
				if lasts, pace = 2*time.Second, shortBlockEvery; !a.short {
					t.Skip("takes long: go test ./internal/load -v -timeout 0 -load -run TestFlood")
				}
			}
			flood(t, a.attack, a.payments, lasts, pace)
		})
	}
}

// flood runs one attack with payments that are made of a purse, as many
// different ones as asked for.
func flood(t *testing.T, a attack, payments func(p *purse, n int) func([]byte) []byte, lasts, pace time.Duration) {
	n := newNetwork(t, nodeConfig{}, "victim", "miner", "payer")
	victim, miner, payer := n.nodes[0], n.nodes[1], n.nodes[2]
	n.connect(miner, victim)
	n.connect(payer, victim)
	money := n.fund(miner, 64, 2*fanOut, 50_000)
	bait := &purse{genesis: money.genesis, coins: money.coins[fanOut:]}
	money.coins = money.coins[:fanOut]
	next := payments(bait, *floodRate*int(lasts/time.Second))

	calm := n.daily(victim, miner, payer, money, lasts/2, pace)
	t.Logf("before the flood: %v", calm)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	enemy := n.newAttackers(a, victim, *floodRate, next)
	var wg sync.WaitGroup
	wg.Go(func() { enemy.run(ctx) })
	stop := victim.profiled(t.Name()[len("TestFlood/"):])
	under := n.daily(victim, miner, payer, money, lasts, pace)
	stop()
	cancel()
	wg.Wait()
	sent, joined := enemy.sent.Load(), enemy.joined.Load()
	t.Logf("%s: offered %d/s for %v, the victim took %d of them; %d times let in, %d times thrown out or turned away",
		a.name, *floodRate, lasts, sent, joined, enemy.thrown.Load())
	t.Logf("under flood: %v", under)

	if sent == 0 {
		t.Error("the attack never began")
	}
	if under.cores > floodCores {
		t.Errorf("the victim computed on %.2f cores, want at most %.1f", under.cores, floodCores)
	}
	under.check(t)
	n.unharmed(victim, miner, payer)
}

// day is how honest work went for a while.
type day struct {
	lasted  time.Duration
	cores   float64 // the victim's CPU time by the clock
	memory  uint64  // the victim's most, in bytes
	blocks  int
	arrival []time.Duration // of each block, from miner to victim and payer
	paid    int
	refused map[core.Code]int
	inTime  int // payments mined within minedWithin blocks
	mined   int
}

func (d day) String() string {
	return fmt.Sprintf("%.2f cores, %d MB; %d blocks, arrived in %v median, %v at most; %d of %d payments mined within %d blocks, %d in all, refused %v",
		d.cores, d.memory>>20, d.blocks, lab.Quantile(d.arrival, 0.5).Round(time.Millisecond), lab.Quantile(d.arrival, 1).Round(time.Millisecond),
		d.inTime, d.paid, minedWithin, d.mined, d.refused)
}

// check holds a day to what must be the same under flood.
func (d day) check(t *testing.T) {
	t.Helper()
	if worst := lab.Quantile(d.arrival, 1); worst > arriveWithin {
		t.Errorf("a block took %v from the miner to another node, want at most %v", worst, arriveWithin)
	}
	share := minedShare
	if !*fullLoad {
		share = shortShare
	}
	if float64(d.inTime) < share*float64(d.paid) {
		t.Errorf("%d of %d honest payments were mined within %d blocks, want %.0f %%", d.inTime, d.paid, minedWithin, 100*share)
	}
}

// daily lets the payer pay for a while and the miner mine at a pace, minedWithin
// blocks longer, and looks at the victim.
func (n *network) daily(victim, miner, payer *process, purse *purse, lasts, pace time.Duration) day {
	n.Helper()
	before := victim.report()
	began := time.Now()
	work := &workday{n: n, miner: miner, payer: payer, purse: purse, height: before.lastHeight()}
	first := work.height
	work.run(lasts, pace)
	after := victim.report()
	d := day{lasted: time.Since(began), memory: after.Peak, paid: len(work.sent), refused: work.refused}
	d.cores = (after.CPU - before.CPU).Seconds() / d.lasted.Seconds()
	byTx := n.heights(miner, first+1)
	for id, at := range work.sent {
		if h, ok := byTx[id]; ok {
			d.mined++
			if h <= at+minedWithin {
				d.inTime++
			}
		}
	}
	seen := miner.report().byID()
	n.unharmed(victim, miner, payer) // the last block has arrived, too
	for _, p := range []*process{victim, payer} {
		for _, tip := range p.report().Tips {
			if tip.Height > first && tip.Height <= work.height {
				d.arrival = append(d.arrival, tip.At.Sub(seen[tip.ID].At))
			}
		}
	}
	d.blocks = int(work.height - first)
	return d
}

func (r report) lastHeight() uint32 {
	if len(r.Tips) == 0 {
		return 0
	}
	return r.Tips[len(r.Tips)-1].Height
}

func (r report) byID() map[core.Hash]tipSeen {
	m := make(map[core.Hash]tipSeen, len(r.Tips))
	for _, tip := range r.Tips {
		m[tip.ID] = tip
	}
	return m
}

// heights says in which block each payment is, from a height on.
func (n *network) heights(at *process, from uint32) map[core.Hash]uint32 {
	n.Helper()
	m := make(map[core.Hash]uint32)
	for _, tip := range at.report().Tips {
		if tip.Height < from {
			continue
		}
		b := n.block(at, tip.ID)
		for i := range b.Txs {
			m[b.TxID(i)] = tip.Height
		}
	}
	return m
}

// workday is honest work.
type workday struct {
	n            *network
	miner, payer *process
	purse        *purse

	mu      sync.Mutex // guards all below
	height  uint32     // of the last block mined
	sent    map[core.Hash]uint32
	refused map[core.Code]int
}

func (w *workday) run(lasts, pace time.Duration) {
	w.sent, w.refused = make(map[core.Hash]uint32), make(map[core.Code]int)
	paying, cancel := context.WithTimeout(w.n.Context(), lasts)
	defer cancel()
	mining, cancel := context.WithCancel(w.n.Context())
	defer cancel()
	var miner sync.WaitGroup
	miner.Go(func() { every(mining, pace, w.mine) })
	every(paying, time.Second/honestRate, w.pay)
	w.mu.Lock()
	last := w.height + minedWithin
	w.mu.Unlock()
	w.n.await(10*minedWithin*pace, func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.height < last {
			return fmt.Errorf("the miner is at height %d, not at %d", w.height, last)
		}
		return nil
	})
	cancel()
	miner.Wait()
}

// every calls f at intervals until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f()
		}
	}
}

func (w *workday) mine() {
	b, err := w.miner.api.MineOnce(w.n.Context(), 1, "")
	if err != nil || len(b) != 1 {
		w.n.Errorf("mine: %v", err)
		return
	}
	w.mu.Lock()
	w.height = b[0].Height
	w.mu.Unlock()
}

func (w *workday) pay() {
	tx, _ := w.purse.pay(w.purse.take(), 5000, nil)
	w.mu.Lock()
	height := w.height
	w.mu.Unlock()
	outcomes, err := w.payer.api.SubmitTxs(w.n.Context(), [][]byte{tx.AppendTo(nil)})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[tx.ID()] = height
	if err != nil {
		w.n.Errorf("pay: %v", err)
		return
	}
	for _, o := range outcomes {
		if o.Status != api.StatusAccepted {
			w.refused[o.Code]++
		}
	}
}

// unharmed asserts that honest nodes think well of each other and agree.
func (n *network) unharmed(nodes ...*process) {
	n.Helper()
	n.await(20*time.Second, func() error {
		var first api.StateHash
		for i, p := range nodes {
			s, err := p.api.StateHash(n.Context(), false)
			if err != nil {
				return err
			}
			if i == 0 {
				first = s
			}
			if s != first {
				return fmt.Errorf("%s is at %+v, %s at %+v", p.name, s, nodes[0].name, first)
			}
			st, err := p.api.Status(n.Context())
			if err != nil || st.Peers == 0 {
				return fmt.Errorf("%s has lost its honest peers: %w", p.name, err)
			}
		}
		return nil
	})
}
