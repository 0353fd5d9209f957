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

// slowChain takes blocks only once it may.
type slowChain struct {
	*chain.Manager
	offered chan struct{} // told of each block
	may     chan struct{}
}

func (s slowChain) AddBlocks(ctx context.Context, blocks []*core.Block) (int, error) {
	s.offered <- struct{}{}
	<-s.may
	return s.Manager.AddBlocks(ctx, blocks)
}

// Whoever stops the miner and then looks at the tip sees the last block.
func TestAStoppedMinerRestsOnceItsLastBlockIsIn(t *testing.T) {
	c := slowChain{openChain(t, nil), make(chan struct{}, 100), make(chan struct{})}
	m := New(c, Config{})
	<-m.Stop() // at rest from the beginning
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	if err := m.Start(core.Address{}, 1); err != nil {
		t.Fatal(err)
	}
	<-c.offered
	rests := m.Stop()
	select {
	case <-rests:
		t.Error("it rests while a block is on its way")
	default:
	}
	close(c.may)
	<-rests
	if tip := c.Tip().Height; tip != 1 {
		t.Errorf("it rests at height %d", tip)
	}
	<-m.Stop()
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// stuckChain hands out templates that nobody finds a nonce for, and tells of each.
type stuckChain struct {
	*chain.Manager
	made chan made
}

type made struct {
	height uint32
	txs    int
}

func newStuckChain(c *chain.Manager) stuckChain { return stuckChain{c, make(chan made, 1000)} }

func (s stuckChain) PoolTemplate(now time.Time, to core.Address, extra []byte) (chain.Template, error) {
	t, err := s.Manager.PoolTemplate(now, to, extra)
	t.Header.Bits = 0x0d00ffff
	s.made <- made{t.Header.Height, len(t.Txs)}
	return t, err
}

// runStuck runs a miner that finds nothing, until stop is called, which returns
// how many searches it began.
func runStuck(t *testing.T, c stuckChain, refresh time.Duration) (stop func() int) {
	t.Helper()
	searches := 0
	m := New(c, Config{Trace: func(_ string, begin bool) {
		if begin {
			searches++
		}
	}})
	m.refresh = refresh
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	if err := m.Start(core.Address{}, 1); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- m.Run(ctx) }()
	return func() int {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		return searches
	}
}

// A template is replaced when it is old, with what the pool has got since, while
// the search goes on.
func TestASearchGoesOnOverTemplates(t *testing.T) {
	c := newStuckChain(openChain(t, nil))
	miner := coretest.Key("miner")
	if _, err := New(c.Manager, Config{}).MineOnce(t.Context(), 2, miner.Address); err != nil {
		t.Fatal(err)
	}
	stop := runStuck(t, c, 50*time.Millisecond)
	if first := <-c.made; first.height != 3 || first.txs != 1 {
		t.Errorf("a template of height %d with %d transactions", first.height, first.txs)
	}
	b, err := c.BlockAt(1)
	if err != nil {
		t.Fatal(err)
	}
	coin := b.Created()[0]
	pay := coretest.Pay(c.Rules().GenesisID(), []core.Coin{coin}, []string{"miner"}, coretest.To("bob", coin.Value-10_000))
	if outs, err := c.AddTxs(t.Context(), "", []*core.Transaction{&pay}); err != nil || outs[0].Err != nil {
		t.Fatal(outs, err)
	}
	for next := range c.made {
		if next.height != 3 {
			t.Errorf("a template of height %d", next.height)
		}
		if next.txs == 2 {
			break
		}
	}
	if n := stop(); n != 1 {
		t.Errorf("%d searches, want 1", n)
	}
}

func TestANewTipBringsANewTemplateAtOnce(t *testing.T) {
	// The miner's own target is out of reach; a block from elsewhere comes in.
	c := newStuckChain(openChain(t, nil))
	stop := runStuck(t, c, time.Hour)
	first := <-c.made
	if _, err := New(c.Manager, Config{}).MineOnce(t.Context(), 1, core.Address{}); err != nil {
		t.Fatal(err)
	}
	if next := <-c.made; next.height != first.height+1 {
		t.Errorf("a template of height %d after one of %d", next.height, first.height)
	}
	if n := stop(); n != 1 {
		t.Errorf("%d searches, want 1", n)
	}
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
