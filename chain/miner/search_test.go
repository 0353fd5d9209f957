package miner

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/ingchain/ingchain/core"
)

func testHeader(bits uint32) core.Header {
	return core.Header{
		Version: 1, Height: 7, Parent: core.Hash{1, 2}, MerkleRoot: core.Hash{3: 4, 31: 5}, State: core.Hash{6},
		Time: 1_795_132_800_123, Bits: bits,
	}
}

// started returns a searcher with a header.
func started(t *testing.T, h core.Header) *searcher {
	t.Helper()
	s := newSearcher(new(atomic.Uint64))
	if err := s.set(h, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSearchFindsWhatTheRulesAccept(t *testing.T) {
	for _, threads := range []int{1, 3} {
		s := started(t, testHeader(0x1f00ffff)) // about 2^16 hashes
		s.search(t.Context(), threads)
		got, _, ok := s.result()
		if !ok {
			t.Fatalf("%d threads found nothing", threads)
		}
		target, _ := core.TargetFromBits(got.Bits)
		if !core.HashMeetsTarget(got.ID(), &target) {
			t.Fatalf("nonce %d does not meet the target", got.Nonce)
		}
		if s.hashes.Load() == 0 {
			t.Fatal("no attempt counted")
		}
		want := testHeader(0x1f00ffff)
		want.Nonce = got.Nonce
		if got != want {
			t.Fatal("the search changed more than the nonce")
		}
	}
}

// A job that replaces another is taken up by workers that go on all the time, and
// what they find has the transactions of its own header.
func TestSearchTakesUpAnotherJob(t *testing.T) {
	for _, usedUp := range []bool{false, true} {
		s := started(t, testHeader(0x0d00ffff)) // never in our time
		if usedUp {
			s.job.Load().next.Store(1 << 32)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.search(t.Context(), 2)
		}()
		if usedUp {
			<-s.usedUp
		} else {
			for s.hashes.Load() == 0 {
				runtime.Gosched()
			}
		}
		h := testHeader(0x1f00ffff)
		h.Height = 8
		if err := s.set(h, []core.Transaction{{Version: 8}}); err != nil {
			t.Fatal(err)
		}
		<-ended
		if got, txs, ok := s.result(); !ok || got.Height != 8 || len(txs) != 1 || txs[0].Version != 8 {
			t.Fatalf("height %d, %d transactions, %v", got.Height, len(txs), ok)
		}
	}
}

func TestMidstateHashIsTheID(t *testing.T) {
	h := testHeader(0x1e010000)
	p := newPower(&h)
	for _, nonce := range []uint32{0, 1, 1 << 31, 1<<32 - 1} {
		h.Nonce = nonce
		if got := core.Hash(p.hash(nonce)); got != h.ID() {
			t.Fatalf("nonce %d: %s, want %s", nonce, got, h.ID())
		}
	}
}

func TestSearchStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := started(t, testHeader(0x0d00ffff)) // never in our time
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.search(ctx, 2)
	}()
	cancel()
	<-done
	if _, _, ok := s.result(); ok {
		t.Fatal("found")
	}
}

func TestSearchRefusesBadBits(t *testing.T) {
	if err := newSearcher(new(atomic.Uint64)).set(testHeader(0), nil); err == nil {
		t.Fatal("no error")
	}
}

func BenchmarkHash(b *testing.B) {
	h := testHeader(0x1000ffff)
	p := newPower(&h)
	target, _ := core.TargetFromBits(h.Bits)
	b.ReportAllocs()
	for b.Loop() {
		p.scan(0, 1000, &target)
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds()/1e6, "Mhash/s")
}
