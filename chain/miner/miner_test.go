package miner

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// openChain is a fresh chain on the development network, or one that changed
// makes of it.
func openChain(t *testing.T, change func(*core.Params)) *chain.Manager {
	t.Helper()
	p := core.Dev()
	if change != nil {
		change(p)
	}
	rules, err := core.NewRules(p)
	if err != nil {
		t.Fatal(err)
	}
	store, err := pebbledb.OpenMem(rules.GenesisID())
	if err != nil {
		t.Fatal(err)
	}
	m, err := chain.Open(store, rules, chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// hard makes blocks that nobody finds in a test.
func hard(p *core.Params) { p.GenesisBits = 0x1000ffff }

func TestMineOnce(t *testing.T) {
	c := openChain(t, nil)
	to := coretest.Key("alice").Address
	m := New(c, Config{})
	blocks, err := m.MineOnce(t.Context(), 5, to)
	if err != nil || len(blocks) != 5 {
		t.Fatalf("%d blocks, %v", len(blocks), err)
	}
	for i, b := range blocks {
		if b.Header.Height != uint32(i+1) || !c.OnBestChain(b.ID()) {
			t.Errorf("block %d has height %d, on the best chain: %v", i, b.Header.Height, c.OnBestChain(b.ID()))
		}
		if out := b.Txs[0].Outputs; len(out) != 1 || out[0].Address != to {
			t.Errorf("block %d pays %v", i, out)
		}
	}
	if m.Status().Found != 5 {
		t.Errorf("found %d", m.Status().Found)
	}
}

func TestMineOnceRefusesSillyCounts(t *testing.T) {
	m := New(openChain(t, nil), Config{})
	for _, n := range []int{-1, 0, MaxOnce + 1} {
		if _, err := m.MineOnce(t.Context(), n, core.Address{}); err == nil {
			t.Errorf("%d blocks: no error", n)
		}
	}
}

func TestAClockFarBehindTheTipStopsMining(t *testing.T) {
	c := openChain(t, nil)
	behind := time.UnixMilli(int64(c.Tip().Time)).Add(-time.Duration(c.Rules().Params().MaxFutureMillis()) * time.Millisecond)
	m := New(c, Config{Now: func() time.Time { return behind }})
	if _, err := m.MineOnce(t.Context(), 1, core.Address{}); !errors.Is(err, core.ErrFuture) {
		t.Fatalf("%v, want %v", err, core.ErrFuture)
	}
}

func TestMineOnceStopsWithItsContext(t *testing.T) {
	m := New(openChain(t, hard), Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.MineOnce(ctx, 1, core.Address{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v", err)
	}
}

func TestRunMinesWhileItIsOn(t *testing.T) {
	c := openChain(t, nil)
	m := New(c, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	wake, stop := c.Subscribe()
	defer stop()
	if err := m.Start(coretest.Key("alice").Address, 1); err != nil {
		t.Fatal(err)
	}
	for c.Tip().Height < 3 {
		<-wake
	}
	if s := m.Status(); !s.Mining || s.Threads != 1 {
		t.Errorf("status %+v", s)
	}
	m.Stop()
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if m.Status().Mining {
		t.Error("still mining")
	}
}

// Telling the miner what to do ends one search, not every one after it.
func TestASearchGoesOnUntilItsTemplateIsOld(t *testing.T) {
	c := openChain(t, nil)
	var began time.Time
	var took time.Duration
	ctx, cancel := context.WithCancel(t.Context())
	m := New(c, Config{Trace: func(_ string, begin bool) {
		if begin {
			began = time.Now()
		} else if took == 0 {
			took = time.Since(began)
			cancel()
		}
	}})
	m.chain = stuckChain{c}
	if err := m.Start(core.Address{}, 1); err != nil {
		t.Fatal(err)
	}
	if err := m.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if took < refresh/2 {
		t.Errorf("the search took %v, want about %v", took, refresh)
	}
}

func TestANewTipEndsTheSearch(t *testing.T) {
	// The miner's own target is out of reach; a block from elsewhere comes in.
	c := openChain(t, nil)
	rounds := make(chan bool, 100)
	m := New(c, Config{Trace: func(_ string, begin bool) {
		if begin {
			rounds <- true
		}
	}})
	stuck := stuckChain{c}
	m.chain = stuck
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	if err := m.Start(core.Address{}, 1); err != nil {
		t.Fatal(err)
	}
	<-rounds
	began := time.Now()
	if _, err := New(c, Config{}).MineOnce(ctx, 1, core.Address{}); err != nil {
		t.Fatal(err)
	}
	<-rounds
	if waited := time.Since(began); waited > refresh/2 {
		t.Errorf("the search went on for %v", waited)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// stuckChain hands out templates that nobody finds a nonce for.
type stuckChain struct{ *chain.Manager }

func (s stuckChain) Template(now time.Time, to core.Address, extra []byte, txs ...core.Transaction) (chain.Template, error) {
	t, err := s.Manager.Template(now, to, extra, txs...)
	t.Header.Bits = 0x0d00ffff
	return t, err
}

// The miner is told to end between finding a block and handing it over.
func TestAFoundBlockOutlivesTheMiner(t *testing.T) {
	c := openChain(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	m := New(c, Config{Trace: func(_ string, begin bool) {
		if !begin {
			cancel()
		}
	}})
	if err := m.Start(core.Address{}, 1); err != nil {
		t.Fatal(err)
	}
	if err := m.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if c.Tip().Height != 1 {
		t.Error("the block was lost")
	}
}

func TestStartRefusesSillyThreads(t *testing.T) {
	m := New(openChain(t, nil), Config{})
	for _, n := range []int{-1, MaxThreads + 1} {
		if err := m.Start(core.Address{}, n); !errors.Is(err, ErrThreads) {
			t.Errorf("%d threads: %v", n, err)
		}
	}
}

func TestHashRateIsOfTheLastSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &Miner{cfg: Config{Now: time.Now}}
		m.rate()
		for range 30 {
			time.Sleep(time.Second) // virtual
			m.hashes.Add(1000)
			m.rate()
		}
		if got := m.rate(); got < 999 || got > 1001 {
			t.Fatalf("%v hashes/s, want 1000", got)
		}
	})
}
