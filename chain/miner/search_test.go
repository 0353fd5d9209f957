package miner

import (
	"context"
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

func TestSearchFindsWhatTheRulesAccept(t *testing.T) {
	for _, threads := range []int{1, 3} {
		var hashes atomic.Uint64
		got, ok, err := search(t.Context(), testHeader(0x1f00ffff), threads, &hashes) // about 2^16 hashes
		if err != nil || !ok {
			t.Fatalf("%d threads: found %v, %v", threads, ok, err)
		}
		target, _ := core.TargetFromBits(got.Bits)
		if !core.HashMeetsTarget(got.ID(), &target) {
			t.Fatalf("nonce %d does not meet the target", got.Nonce)
		}
		if hashes.Load() == 0 {
			t.Fatal("no attempt counted")
		}
		want := testHeader(0x1f00ffff)
		want.Nonce = got.Nonce
		if got != want {
			t.Fatal("the search changed more than the nonce")
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
	var hashes atomic.Uint64
	done := make(chan bool)
	go func() {
		_, ok, _ := search(ctx, testHeader(0x1000ffff), 2, &hashes) // never in our time
		done <- ok
	}()
	cancel()
	if <-done {
		t.Fatal("found")
	}
}

func TestSearchRefusesBadBits(t *testing.T) {
	if _, _, err := search(t.Context(), testHeader(0), 1, new(atomic.Uint64)); err == nil {
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
