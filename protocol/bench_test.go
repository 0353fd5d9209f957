//go:build unix

package protocol

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/protocol/internal/fakechain"
)

// BenchmarkJudgeBatch is what a batch costs whoever gets it, with the simple pool
// of these tests: parsing, hashing, signatures, the pool. The metric is of a core,
// per payment. Bad is one bad signature in each batch, of another peer each.
func BenchmarkJudgeBatch(b *testing.B) {
	for _, size := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("%d/good", size), func(b *testing.B) { benchmarkJudge(b, size, false) })
		b.Run(fmt.Sprintf("%d/bad", size), func(b *testing.B) { benchmarkJudge(b, size, true) })
	}
}

func benchmarkJudge(b *testing.B, size int, bad bool) {
	sim := &simulation{rules: devRules(b)}
	var batches []*pubsub.Message
	for i := 0; i+size <= 1024; i += size {
		txs := sim.payments(i, i+size)
		if bad {
			txs[size-1] = forged(txs[size-1])
		}
		batches = append(batches, &pubsub.Message{Message: &pb.Message{Data: batchOf(txs...)}})
	}
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics())
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	want := pubsub.ValidationAccept
	if bad {
		want = pubsub.ValidationReject
	}
	var cpu time.Duration
	for range b.N {
		cfg := Config{Host: h, Chain: fakechain.New(sim.rules), NoGossip: true}
		sim.withPool()(&cfg)
		s, err := New(cfg)
		if err != nil {
			b.Fatal(err)
		}
		began := cpuTime(b)
		for i, msg := range batches {
			if got := s.txs.validate(b.Context(), peer.ID(fmt.Sprint(i)), msg); got != want && !bad {
				b.Fatalf("batch %d: %v, want %v", i, got, want)
			}
		}
		cpu += cpuTime(b) - began
	}
	b.ReportMetric(float64(cpu.Nanoseconds())/1e3/float64(b.N*len(batches)*size), "cpu-µs/payment")
}

// cpuTime is what the process has used of all cores.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
