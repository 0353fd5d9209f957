package load

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	// chainLength is how many payments of spam spend one after another.
	chainLength = 2
	// spamFactor is how often the pool's bound a node's process may grow by.
	spamFactor = 2
	// spamPeers are how many send it.
	spamPeers = 8
	// quietSpam is how much the short version sends, in 10^6 bytes, to a pool of
	// quietPool bytes.
	quietSpam = 9
	quietPool = 2 << 20
)

// TestSpam sends a node far more payments than its pool holds, all of them good,
// and looks at its memory. They come by gossip from several peers, in full
// batches or one a message, from peers that do not read what is passed on to them,
// or through the API, whose payments are journalled, too.
func TestSpam(t *testing.T) {
	spam, pool := *spamMB, *poolBytes
	if !*fullLoad {
		spam, pool = quietSpam, quietPool
	}
	for _, way := range []string{"gossip", "deaf", "singly", "orphans", "api"} {
		t.Run(way, func(t *testing.T) {
			if way != "api" {
				needsLoad(t)
			}
			s := newSpam(t, way, spam, pool)
			switch way {
			case "api":
				s.submit()
			case "singly":
				s.gossip(1, false)
			default:
				s.gossip(wire.MaxBatchTxs, way == "deaf")
			}
			s.judge()
		})
	}
}

// spam is payments for one node, more than it keeps.
type spam struct {
	*network
	victim *process
	pool   int // bound of the pool, in bytes
	txs    [][]byte
	bytes  int
	before report
	stop   func() // of profiling
}

func newSpam(t *testing.T, way string, megabytes, pool int) *spam {
	t.Helper()
	s := &spam{network: newNetwork(t, nodeConfig{PoolBytes: pool}, "victim"), pool: pool}
	s.victim = s.nodes[0]
	const size = 300 // bytes of a payment of spam, about
	count := megabytes * 1e6 / size
	purse := s.fund(s.victim, 1000, count/chainLength+1, 1_000_000)
	if way == "orphans" {
		s.txs = purse.orphans(count, core.MaxTxData)
	} else {
		s.txs = purse.chains(count)
	}
	for _, tx := range s.txs {
		s.bytes += len(tx)
	}
	s.before = s.victim.order(order{Do: "collect"})
	s.stop = s.victim.profiled("spam-" + way)
	t.Logf("%d payments, %d MB; before: %d MB held, %d MB live", len(s.txs), s.bytes/1e6, s.before.Memory>>20, s.before.Live>>20)
	return s
}

// chains makes payments that spend one another, chainLength of each coin after
// another; later ones pay more, so that they drive out earlier ones.
func (p *purse) chains(count int) (txs [][]byte) {
	txs = make([][]byte, count)
	parallel(count/chainLength, func(i int) {
		c := p.coins[i]
		for j := range chainLength {
			at := i*chainLength + j
			tx, next := p.pay(c, core.Amount(1000+at/10), make([]byte, core.MaxTxData))
			txs[at], c = tx.AppendTo(nil), next
		}
	})
	return txs[:count/chainLength*chainLength]
}

// orphans makes payments of which nobody has the parents, signed as they should,
// with so many bytes of data.
func (p *purse) orphans(count, data int) (txs [][]byte) {
	txs = make([][]byte, count)
	parallel(count, func(i int) {
		c := p.coins[i%len(p.coins)]
		binary.LittleEndian.PutUint64(c.TxID[:], uint64(i))
		tx, _ := p.pay(c, 2000, make([]byte, data))
		txs[i] = tx.AppendTo(nil)
	})
	return txs
}

// parallel calls f for 0 to count-1, on a few goroutines.
func parallel(count int, f func(i int)) {
	var wg sync.WaitGroup
	const workers = 4
	for w := range workers {
		wg.Go(func() {
			for i := w; i < count; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}

// submit hands the spam in.
func (s *spam) submit() {
	s.Helper()
	refused := make(map[core.Code]int)
	accepted := 0
	began := time.Now()
	for rest := s.txs; len(rest) > 0; {
		n := min(api.MaxSubmit, len(rest))
		outcomes, err := s.victim.api.SubmitTxs(s.Context(), rest[:n])
		if err != nil {
			s.Fatal(err)
		}
		a, r := refusals(outcomes)
		accepted += a
		for code, n := range r {
			refused[code] += n
		}
		rest = rest[n:]
	}
	s.Logf("handed in within %v: %d accepted, refused %v", time.Since(began).Round(time.Millisecond), accepted, refused)
	if accepted == 0 {
		s.Error("nothing was accepted")
	}
}

// gossip sends the spam as several peers, as fast as the node reads it.
func (s *spam) gossip(perMessage int, deaf bool) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	var next atomic.Int64
	a := s.newAttackers(attack{name: "spam", peers: spamPeers, perMessage: perMessage, fresh: true, deaf: deaf}, s.victim, *floodRate,
		func(b []byte) []byte {
			i := next.Add(1) - 1
			if i >= int64(len(s.txs)) {
				cancel()
				i %= int64(len(s.txs))
			}
			return append(b, s.txs[i]...)
		})
	began := time.Now()
	a.run(ctx)
	s.Logf("sent %d within %v; %d times let in, %d times thrown out", a.sent.Load(), time.Since(began).Round(time.Millisecond), a.joined.Load(), a.thrown.Load())
}

// judge holds what the process takes of the system's memory to a multiple of what
// was meant for payments: whatever else spam needs must find room in that.
func (s *spam) judge() {
	s.Helper()
	s.stop()
	after := s.victim.report()
	live := s.victim.order(order{Do: "collect"}).Live
	m, err := s.victim.api.Mempool(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	grown, alive := int64(after.Peak)-int64(s.before.Memory), int64(live)-int64(s.before.Live)
	s.Logf("pool: %d payments, %d orphans, %.1f of %.1f MiB, least rate %d; process: grew by %.1f MiB at most (%.2f times the bound), to %.1f MiB; what is alive by %.1f MiB (%.2f times); %.1f s of CPU",
		m.Count, m.Orphans, mib(m.Memory), mib(s.pool), m.MinFeeRate, mib(grown), float64(grown)/float64(s.pool), mib(int64(after.Peak)), mib(alive), float64(alive)/float64(s.pool), (after.CPU - s.before.CPU).Seconds())
	if m.Memory > m.MaxMemory || m.MaxMemory > s.pool {
		s.Errorf("waiting payments take %d bytes of at most %d, %d were meant for all", m.Memory, m.MaxMemory, s.pool)
	}
	if *fullLoad && grown > int64(spamFactor*s.pool) {
		s.Errorf("the process grew by %.1f MiB, want at most %d times the pool's bound of %.1f", mib(grown), spamFactor, mib(s.pool))
	}
}

func mib[T int | int64](n T) float64 { return float64(n) / (1 << 20) }
