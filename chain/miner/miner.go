// Package miner searches for blocks: a template of the chain's tip and the pool's
// payments, nonces on every core, a new template whenever the tip or the second
// changes. The search goes on while a template is made.
//
// It holds no keys and judges nothing: what it finds goes through the chain's
// one door like everybody's blocks. Start with [New], [Miner.Run] and
// [Miner.Start]; [Miner.MineOnce] needs no Run.
package miner

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

const (
	// MaxThreads bounds the search workers.
	MaxThreads = 1024
	// MaxOnce bounds the blocks that one MineOnce finds.
	MaxOnce = 100_000

	refresh      = time.Second      // how old a template may be: its time, and its payments
	rateWindow   = 10 * time.Second // over which the hash rate is averaged
	retryAfter   = 2 * time.Second  // pause after a failure
	submitGrace  = time.Second      // for a found block once the miner is to end
	clockWarning = 10 * time.Second // a clock this far behind the tip is worth a word
	clockEvery   = time.Minute      // between such words
)

// ErrThreads says that a number of workers is out of bounds.
var ErrThreads = errors.New("bad number of mining threads")

// Chain is what the miner needs of the chain. *chain.Manager is one.
type Chain interface {
	Rules() *core.Rules
	PoolTemplate(now time.Time, payTo core.Address, extra []byte) (chain.Template, error)
	OnBestChain(id core.Hash) bool
	AddBlocks(ctx context.Context, blocks []*core.Block) (int, error)
	Subscribe() (wake <-chan struct{}, cancel func())
}

// Config tunes a Miner. Zero fields have the stated defaults.
type Config struct {
	Now    func() time.Time               // default: time.Now
	Logger *slog.Logger                   // default: none
	Trace  func(phase string, begin bool) // told when mining begins and ends; may be nil
}

// Status says what a miner does.
type Status struct {
	Mining   bool
	Threads  int
	Address  core.Address
	HashRate float64 // hashes per second over the last ten seconds
	Found    uint64  // blocks found since the miner was made
}

// Miner searches for blocks. Its methods are safe for concurrent use.
type Miner struct {
	chain Chain
	cfg   Config
	tag   [8]byte // makes our coinbases differ from those of other miners
	wake  chan struct{}
	// refresh is how old a template may be; it is never changed once in use.
	refresh time.Duration

	hashes atomic.Uint64
	found  atomic.Uint64
	serial atomic.Uint64

	mu       sync.Mutex // guards what follows
	on       bool
	address  core.Address
	threads  int
	rest     chan struct{} // closed once no round is under way; begin makes it anew
	samples  []sample      // attempts by time, the oldest first
	warnedAt time.Time
}

type sample struct {
	at     time.Time
	hashes uint64
}

// New returns a miner at rest.
func New(c Chain, cfg Config) *Miner {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Trace == nil {
		cfg.Trace = func(string, bool) {}
	}
	m := &Miner{chain: c, cfg: cfg, wake: make(chan struct{}, 1), refresh: refresh, rest: make(chan struct{})}
	close(m.rest)
	rand.Read(m.tag[:])
	return m
}

// Start makes Run mine to address on the given number of workers; 0 means one
// per core. It may be called while mining, to change either.
func (m *Miner) Start(address core.Address, threads int) error {
	threads, err := countThreads(threads)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.on, m.address, m.threads = true, address, threads
	m.mu.Unlock()
	m.poke()
	return nil
}

func countThreads(threads int) (int, error) {
	if threads < 0 || threads > MaxThreads {
		return 0, fmt.Errorf("%w: %d, want 1 to %d, or 0 for one per core", ErrThreads, threads, MaxThreads)
	}
	if threads == 0 {
		return runtime.GOMAXPROCS(0), nil
	}
	return threads, nil
}

// Stop lets the miner rest. The channel that it returns is closed once it does: a
// block that was found just before is with the chain by then.
func (m *Miner) Stop() (rests <-chan struct{}) {
	m.mu.Lock()
	m.on = false
	rests = m.rest
	m.mu.Unlock()
	m.poke()
	return rests
}

func (m *Miner) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Status returns what the miner does now.
func (m *Miner) Status() Status {
	rate := m.rate()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Status{Mining: m.on, Threads: m.threads, Address: m.address, Found: m.found.Load()}
	if m.on {
		s.HashRate = rate
	}
	return s
}

// rate takes a sample and returns the average over the window.
func (m *Miner) rate() float64 {
	now, count := m.cfg.Now(), m.hashes.Load()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.samples = append(m.samples, sample{now, count})
	for len(m.samples) > 2 && now.Sub(m.samples[1].at) > rateWindow {
		m.samples = m.samples[1:]
	}
	first := m.samples[0]
	if d := now.Sub(first.at); d > 0 {
		return float64(count-first.hashes) / d.Seconds()
	}
	return 0
}

// begin returns what to mine. If the miner is on, it rests no longer, until done
// is called.
func (m *Miner) begin() (on bool, address core.Address, threads int, done func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.on {
		m.rest = make(chan struct{})
		rest := m.rest
		done = func() { close(rest) }
	}
	return m.on, m.address, m.threads, done
}

// Run mines whenever the miner is on, until ctx ends.
func (m *Miner) Run(ctx context.Context) error {
	tips, cancel := m.chain.Subscribe()
	defer cancel()
	for ctx.Err() == nil {
		select {
		case <-m.wake: // for the settings that are about to be read
		default:
		}
		on, address, threads, done := m.begin()
		if !on {
			select {
			case <-ctx.Done():
			case <-m.wake:
			}
			continue
		}
		m.rate()
		err := m.round(ctx, tips, address, threads)
		done()
		if err != nil && ctx.Err() == nil {
			m.cfg.Logger.Error("mining failed, trying again", "in", retryAfter, "err", err)
			m.pause(ctx)
		}
	}
	return nil
}

func (m *Miner) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(retryAfter):
	}
}

// round searches until a block is found or the settings change.
func (m *Miner) round(ctx context.Context, tips <-chan struct{}, address core.Address, threads int) error {
	round, stop := until(ctx, m.wake)
	defer stop()
	b, err := m.attempt(round, tips, address, threads)
	if err != nil || b == nil {
		return err
	}
	if _, err := m.submit(ctx, b); err != nil {
		return err
	}
	m.cfg.Logger.Info("found a block", "height", b.Header.Height, "id", b.ID().Short(), "payments", len(b.Txs)-1)
	return nil
}

// until returns a context that ends when wake is poked as well. stop waits for
// the watching to end.
func until(ctx context.Context, wake <-chan struct{}) (round context.Context, stop func()) {
	round, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-round.Done():
		case <-wake:
		}
		cancel()
	}()
	return round, func() { cancel(); <-done }
}

// attempt searches until a block is found or ctx ends; then it returns nil
// without a block. Templates are replaced as they grow old.
func (m *Miner) attempt(ctx context.Context, tips <-chan struct{}, address core.Address, threads int) (*core.Block, error) {
	m.cfg.Trace("mining", true)
	defer m.cfg.Trace("mining", false)
	select {
	case <-tips: // of the tip that the first template is of
	default:
	}
	s := newSearcher(&m.hashes)
	if err := m.renew(s, address); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	renewed := make(chan error, 1)
	go func() {
		err := m.keepFresh(ctx, s, tips, address)
		cancel()
		renewed <- err
	}()
	s.search(ctx, threads)
	cancel()
	err := <-renewed
	header, txs, ok := s.result()
	if !ok {
		return nil, err
	}
	b, err := core.NewBlock(header, txs)
	if err != nil {
		return nil, fmt.Errorf("make block %d: %w", header.Height, err)
	}
	return b, nil
}

// keepFresh replaces the template once it is a second old, at once when the tip
// changes, and when its nonces are used up, until ctx ends.
func (m *Miner) keepFresh(ctx context.Context, s *searcher, tips <-chan struct{}, address core.Address) error {
	old := time.NewTicker(m.refresh)
	defer old.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tips:
			old.Reset(m.refresh)
		case <-old.C:
		case <-s.usedUp:
		}
		if err := m.renew(s, address); err != nil {
			return err
		}
	}
}

// renew makes a template and gives it to the workers.
func (m *Miner) renew(s *searcher, address core.Address) error {
	t, err := m.template(address)
	if err != nil {
		return err
	}
	return s.set(t.Header, t.Txs)
}

// template makes the tip's next block, but for the nonce.
func (m *Miner) template(address core.Address) (chain.Template, error) {
	// Miners that pay one address must not search the same nonces.
	extra := binary.LittleEndian.AppendUint64(append([]byte(nil), m.tag[:]...), m.serial.Add(1))
	now := m.cfg.Now()
	t, err := m.chain.PoolTemplate(now, address, extra)
	if err != nil {
		return t, err
	}
	m.checkClock(now, t.Parent.Time)
	// What every node would hold back is not worth the search.
	if err := m.chain.Rules().CheckClock(&t.Header, uint64(max(now.UnixMilli(), 0))); err != nil {
		return t, fmt.Errorf("cannot mine until the clock catches up with the tip: %w", err)
	}
	return t, nil
}

// checkClock says now and then that the clock is behind the tip's time, in Unix
// milliseconds: blocks a millisecond apart look like a fast network to the
// difficulty rule.
func (m *Miner) checkClock(now time.Time, tip uint64) {
	behind := time.UnixMilli(int64(tip)).Sub(now)
	if behind < clockWarning {
		return
	}
	m.mu.Lock()
	quiet := now.Sub(m.warnedAt) < clockEvery
	if !quiet {
		m.warnedAt = now
	}
	m.mu.Unlock()
	if !quiet {
		m.cfg.Logger.Warn("the clock is behind the tip's time: blocks will be a millisecond apart and the difficulty will rise; set the clock", "behind", behind)
	}
}

// submit hands a found block to the chain and reports whether it is on the best
// chain afterwards. A block that was found just when ctx ended is not lost.
func (m *Miner) submit(ctx context.Context, b *core.Block) (bool, error) {
	ending := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ending, func() { time.AfterFunc(submitGrace, cancel) })()
	if _, err := m.chain.AddBlocks(ctx, []*core.Block{b}); err != nil {
		return false, fmt.Errorf("found block %d %s, which the chain refuses: %w", b.Header.Height, b.ID().Short(), err)
	}
	m.found.Add(1)
	return m.chain.OnBestChain(b.ID()), nil
}

// MineOnce finds n blocks that go to address, one after another, and returns
// them once they are on the best chain. It runs beside Run, on all cores.
func (m *Miner) MineOnce(ctx context.Context, n int, address core.Address) ([]*core.Block, error) {
	if n < 1 || n > MaxOnce {
		return nil, fmt.Errorf("cannot mine %d blocks at once: choose 1 to %d", n, MaxOnce)
	}
	tips, cancel := m.chain.Subscribe()
	defer cancel()
	threads, err := countThreads(0)
	if err != nil {
		return nil, err
	}
	var mined []*core.Block
	for len(mined) < n {
		b, err := m.once(ctx, tips, address, threads)
		if err != nil {
			return mined, err
		}
		if b != nil {
			mined = append(mined, b)
		}
	}
	return mined, nil
}

// once searches until a block is found; it returns nil if that was beaten to its
// height.
func (m *Miner) once(ctx context.Context, tips <-chan struct{}, address core.Address, threads int) (*core.Block, error) {
	b, err := m.attempt(ctx, tips, address, threads)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, ctx.Err()
	}
	best, err := m.submit(ctx, b)
	if err != nil || !best {
		return nil, err
	}
	return b, nil
}
