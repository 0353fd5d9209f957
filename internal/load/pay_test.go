package load

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/lab"
)

const (
	// payBlockEvery is the time between blocks while four nodes confirm.
	payBlockEvery = 2 * time.Second
	// payBeat is how often payments are handed in, each time to the next node.
	payBeat = 50 * time.Millisecond
	// payLate is how far behind its rate the test may hand in, in beats; more
	// is not made up for.
	payLate = 40
	// payGoal is how many payments a second are to be confirmed.
	payGoal = 1000
	// payOwners is how many keys sign.
	payOwners = 200
)

// TestFourNodesConfirm hands payments to four nodes in turn, which mine in turn,
// and counts those in blocks. Each payment spends what an earlier one paid, once
// that is in a block.
func TestFourNodesConfirm(t *testing.T) {
	rate, coins, lasts := *payRate, 30_000, *payFor
	if !*fullLoad {
		rate, coins, lasts = 300, 2000, 3*time.Second
	}
	n := newNetwork(t, nodeConfig{}, "a", "b", "c", "d")
	for i, a := range n.nodes {
		for _, b := range n.nodes[:i] {
			n.connect(a, b)
		}
	}
	purse := n.fund(n.nodes[0], payOwners, coins, 1_000_000)
	l := newLoader(n, purse, rate)

	before := n.cpu()
	own := cpuTime()
	var stops []func()
	for _, p := range n.nodes {
		stops = append(stops, p.profiled("pay"))
	}
	l.run(lasts)
	for _, stop := range stops {
		stop()
	}
	confirmed, blocks := l.rateOf()
	l.drain()
	after := n.cpu()
	own = cpuTime() - own

	total := l.count()
	t.Logf("%.0f payments confirmed a second, over %d blocks in %v; %d handed in, %d confirmed in the end, refused %v, %d not made for want of coins",
		confirmed, blocks, lasts, l.accepted, total, l.refused, l.starved)
	t.Logf("from handing in to a block on the first node: %v median, %v of 99 %%, %v at most",
		lab.Quantile(l.waited, 0.5).Round(time.Millisecond), lab.Quantile(l.waited, 0.99).Round(time.Millisecond), lab.Quantile(l.waited, 1).Round(time.Millisecond))
	var sum time.Duration
	for i, p := range n.nodes {
		cpu := after[i].CPU - before[i].CPU
		sum += cpu
		t.Logf("node %s: %.1f s of CPU, %d µs a payment, %d MB at most", p.name, cpu.Seconds(), cpu.Microseconds()/int64(max(total, 1)), after[i].Peak>>20)
	}
	t.Logf("all nodes: %.1f s of CPU, %d µs a payment; handing in, signatures included: %.1f s", sum.Seconds(), sum.Microseconds()/int64(max(total, 1)), own.Seconds())

	if total != l.accepted {
		t.Errorf("%d of %d payments that were accepted are in blocks", total, l.accepted)
	}
	if len(l.refused) > 0 {
		t.Errorf("refused: %v", l.refused)
	}
	if *fullLoad && confirmed < payGoal {
		t.Errorf("%.0f payments a second were confirmed, want %d", confirmed, payGoal)
	}
	n.unharmed(n.nodes...)
}

func (n *network) cpu() (all []report) {
	for _, p := range n.nodes {
		all = append(all, p.report())
	}
	return all
}

// loader hands in payments and follows the first node's blocks.
type loader struct {
	n     *network
	purse *purse
	rate  int

	mu        sync.Mutex // guards all below
	ready     []coin     // the longest unused first
	pending   map[core.Hash]pendingCoin
	accepted  int
	confirmed int
	starved   int // payments not made for want of coins
	refused   map[core.Code]int
	waited    []time.Duration
	height    uint32 // of the last block looked at
	blocks    []counted
}

// counted is a block of payments: when it was connected, and how many were
// confirmed with it.
type counted struct {
	at    time.Time
	total int
}

// pendingCoin is the coin that a payment makes, once a block has it.
type pendingCoin struct {
	coin
	at time.Time
}

func newLoader(n *network, purse *purse, rate int) *loader {
	return &loader{n: n, purse: purse, rate: rate, ready: slices.Clone(purse.coins),
		pending: make(map[core.Hash]pendingCoin), refused: make(map[core.Code]int),
		height: n.nodes[0].report().lastHeight()}
}

func (l *loader) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.confirmed
}

// rateOf returns the payments confirmed a second, from the first block to the
// last, and the number of blocks.
func (l *loader) rateOf() (perSecond float64, blocks int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.blocks)
	if n < 2 {
		return 0, n
	}
	first, last := l.blocks[0], l.blocks[n-1]
	return float64(last.total-first.total) / last.at.Sub(first.at).Seconds(), n
}

// run pays and mines for a while.
func (l *loader) run(lasts time.Duration) {
	ctx, cancel := context.WithTimeout(l.n.Context(), lasts)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	turn := 0
	wg.Go(func() {
		every(ctx, payBlockEvery, func() {
			l.mineAt(l.n.nodes[turn%len(l.n.nodes)])
			turn++
			l.follow()
		})
	})
	// A queue for each node, so that a slow answer of one holds up no other.
	queues := make([]chan [][]byte, len(l.n.nodes))
	for i, p := range l.n.nodes {
		queues[i] = make(chan [][]byte, payLate)
		wg.Go(func() {
			for raws := range queues[i] {
				l.submit(p, raws)
			}
		})
	}
	next, began, made := 0, time.Now(), 0
	every(ctx, payBeat, func() {
		due := int(time.Since(began).Seconds() * float64(l.rate))
		made = max(made, due-payLate*l.rate*int(payBeat/time.Millisecond)/1000)
		for made < due {
			count := min(due-made, api.MaxSubmit)
			queues[next%len(queues)] <- l.payments(count)
			next++
			made += count
		}
	})
	for _, q := range queues {
		close(q)
	}
}

// payments spends the coins that were ready first.
func (l *loader) payments(count int) (raws [][]byte) {
	l.mu.Lock()
	from := l.ready[:min(count, len(l.ready))]
	l.ready = l.ready[len(from):]
	l.starved += count - len(from)
	l.mu.Unlock()
	made := make(map[core.Hash]pendingCoin, len(from))
	for _, c := range from {
		tx, next := l.purse.pay(c, 2000, nil)
		raws = append(raws, tx.AppendTo(nil))
		made[next.TxID] = pendingCoin{next, time.Now()}
	}
	l.mu.Lock()
	maps.Copy(l.pending, made)
	l.mu.Unlock()
	return raws
}

func (l *loader) submit(p *process, raws [][]byte) {
	if len(raws) == 0 {
		return
	}
	outcomes, err := p.api.SubmitTxs(l.n.Context(), raws)
	if err != nil {
		l.n.Errorf("hand in at %s: %v", p.name, err)
		return
	}
	accepted, refused := refusals(outcomes)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted += accepted
	for code, count := range refused {
		l.refused[code] += count
	}
}

func (l *loader) mineAt(p *process) {
	if _, err := p.api.MineOnce(l.n.Context(), 1, ""); err != nil {
		l.n.Errorf("mine at %s: %v", p.name, err)
	}
}

// follow reads the blocks that the first node has connected since.
func (l *loader) follow() {
	first := l.n.nodes[0]
	for _, tip := range first.report().Tips {
		if tip.Height <= l.height {
			continue
		}
		b, err := fetchBlock(l.n.Context(), first, tip.ID)
		if err != nil {
			l.n.Errorf("block %d: %v", tip.Height, err)
			return
		}
		l.mu.Lock()
		l.height = tip.Height
		for i := range b.Txs {
			if c, ok := l.pending[b.TxID(i)]; ok {
				delete(l.pending, b.TxID(i))
				l.confirmed++
				l.waited = append(l.waited, tip.At.Sub(c.at))
				l.ready = append(l.ready, c.coin)
			}
		}
		l.blocks = append(l.blocks, counted{tip.At, l.confirmed})
		l.mu.Unlock()
	}
}

// drain mines what is left.
func (l *loader) drain() {
	for range 5 {
		l.n.await(20*time.Second, func() error {
			var first int
			for i, p := range l.n.nodes {
				m, err := p.api.Mempool(l.n.Context())
				if err != nil {
					return err
				}
				if i == 0 {
					first = m.Count
				}
				if m.Count != first {
					return fmt.Errorf("%s has %d payments in its pool, %s %d", p.name, m.Count, l.n.nodes[0].name, first)
				}
			}
			return nil
		})
		l.n.mine(l.n.nodes[0], 1, core.Address{})
		l.follow()
		l.mu.Lock()
		left := l.accepted - l.confirmed
		l.mu.Unlock()
		if left == 0 {
			return
		}
	}
}
