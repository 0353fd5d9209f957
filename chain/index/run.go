package index

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

const (
	// DefaultBatchBytes is how much is gathered before it is written, in bytes.
	DefaultBatchBytes = 8 << 20

	// stepBlocks bounds what is asked of the feed at a time, in blocks; the feed
	// bounds their bytes.
	stepBlocks = 500
	// farBehind is from how many blocks on the index says that it is building
	// rather than following.
	farBehind = 100
	// maxUnknown bounds how many blocks that the chain no longer has are taken
	// back one by one; if there are more, building anew is quicker.
	maxUnknown = 10_000
	// maxAnew bounds how often one Run builds the index anew before it gives up:
	// then it is not the store that is wrong.
	maxAnew = 3
	// progressEvery is the time between lines of the log while building.
	progressEvery = 10 * time.Second
	// stuckGrace is how long Run waits for a call into a store that failed.
	stuckGrace = time.Second
)

// Run brings the index to the chain's tip and follows it until ctx ends, for
// which it returns nil. It fails with what the chain or the disk failed with, or
// with [ErrDamaged] where the store can be made anew only at the next start.
// Only one Run may be under way.
func (x *Index) Run(ctx context.Context) error {
	done := make(chan error, 1)
	stuck := make(chan error, 1)
	go func() { done <- x.follow(ctx, stuck) }()
	var err error
	select {
	case err = <-done:
	case failed := <-stuck:
		// A store that stopped in one of Pebble's own goroutines may never give
		// back the call that follow is in.
		select {
		case err = <-done:
		case <-time.After(stuckGrace):
			err = failed
			x.mu.Lock()
			x.abandoned = true
			x.mu.Unlock()
		}
	}
	if ctx.Err() != nil && !errors.Is(err, chain.ErrDisk) {
		err = nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stopped == nil {
		x.stopped = ErrStopped
		if err != nil {
			x.stopped = fmt.Errorf("%w: %w", ErrStopped, err)
		}
	}
	x.wake()
	if err != nil {
		return fmt.Errorf("address index: %w", err)
	}
	return nil
}

// follow is Run on a goroutine that may be left behind; it tells stuck of a
// failure that may hang it.
func (x *Index) follow(ctx context.Context, stuck chan<- error) error {
	x.run.Lock()
	defer x.run.Unlock()
	wake, cancel := x.src.Subscribe()
	defer cancel()
	for times := 0; ; times++ {
		s, err := x.current()
		if err != nil {
			return err
		}
		watched := make(chan struct{})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			select {
			case <-watched:
			case <-s.fault.Stuck():
				if err := s.fault.Err(); errors.Is(err, ErrDamaged) {
					x.mark()
				}
				stuck <- s.fault.Err()
			}
		}()
		err = x.followStore(ctx, s, wake)
		close(watched)
		<-ended
		switch {
		case ctx.Err() != nil || err == nil:
			return err
		case !errors.Is(err, ErrDamaged):
			return err
		case s.fault.StuckErr() != nil:
			x.mark()
			return err
		case times == maxAnew:
			return fmt.Errorf("built anew %d times: %w", maxAnew, err)
		}
		if err := x.anew(err); err != nil {
			return err
		}
	}
}

// followStore brings a store to the tip, again and again.
func (x *Index) followStore(ctx context.Context, s *store, wake <-chan struct{}) error {
	for {
		if err := x.catchUp(ctx, s); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.fault.Failed():
			return s.fault.Err()
		case <-wake:
		}
	}
}

// catchUp takes all steps to the tip.
func (x *Index) catchUp(ctx context.Context, s *store) error {
	logged := time.Now()
	unknown := 0
	for ctx.Err() == nil {
		tip := x.Tip()
		x.watchProgress(tip, &logged)
		u, err := x.src.UpdatesSince(tip.ID, stepBlocks)
		if errors.Is(err, chain.ErrNotFound) && !errors.Is(err, chain.ErrCorrupt) && !tip.ID.IsZero() {
			// The chain has lost the block, or its body: its last seconds in a power
			// cut, or all of it. We can go back without.
			if unknown++; unknown > maxUnknown {
				return damagedf("the chain knows none of its last %d blocks", maxUnknown)
			}
			u = chain.Updates{More: true}
			err = x.stepBack(s)
		} else if err == nil {
			err = x.take(ctx, s, &u)
		}
		if err != nil {
			return err
		}
		if !u.More {
			x.watchProgress(x.Tip(), &logged)
			// Also without a step: the chain may have gone there and back.
			x.mu.Lock()
			x.wake()
			x.mu.Unlock()
			return nil
		}
	}
	return nil
}

// take writes the steps of one update: in one batch, but for those that would
// exceed its bytes.
func (x *Index) take(ctx context.Context, s *store, u *chain.Updates) error {
	return s.use(func() error {
		w := newBatch(s, x.Tip())
		// Every batch ends in commit or here.
		defer func() { w.drop() }()
		// do must not hold on to w, which step replaces.
		step := func(do func() error) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if w.bytes() > x.opts.BatchBytes {
				if err := x.commit(w); err != nil {
					return err
				}
				w = newBatch(s, w.tip)
			}
			return do()
		}
		for _, blk := range u.Reverted {
			if blk.ID() != w.tip.ID {
				return damagedf("it stands at %s where the chain takes back %s", w.tip.ID, blk.ID())
			}
			if err := step(func() error { return w.revert() }); err != nil {
				return err
			}
		}
		for _, blk := range u.Applied {
			if err := step(func() error { return w.apply(blk) }); err != nil {
				return err
			}
		}
		if w.blocks == 0 {
			return nil
		}
		return x.commit(w)
	})
}

// stepBack takes back the tip without the chain's help.
func (x *Index) stepBack(s *store) error {
	return s.use(func() error {
		w := newBatch(s, x.Tip())
		defer w.drop()
		if err := w.revert(); err != nil {
			return err
		}
		return x.commit(w)
	})
}

// commit writes a batch and shows it.
func (x *Index) commit(w *batch) error {
	if err := w.commit(); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tip = w.tip
	x.progress.steps += uint64(w.blocks)
	x.wake()
	return nil
}

// watchProgress notes whether the index is building, and logs it now and then.
func (x *Index) watchProgress(at Tip, logged *time.Time) {
	target := x.src.Tip()
	far := behindBy(at, &target) > farBehind
	x.mu.Lock()
	p := &x.progress
	began, ended := far && !p.building, p.building && !far && at.ID == target.ID
	switch {
	case began:
		*p = progress{building: true, since: time.Now(), from: at.Height, anew: p.anew}
	case ended:
		p.building = false
	}
	now := *p
	x.mu.Unlock()
	took := time.Since(now.since).Round(time.Millisecond)
	switch {
	case began:
		x.opts.Logger.Info("building the address index", "height", at.Height, "target", target.Height)
	case ended:
		x.opts.Logger.Info("the address index is built", "height", at.Height, "blocks", now.steps, "took", took)
	case now.building && time.Since(*logged) >= progressEvery:
		*logged = time.Now()
		x.opts.Logger.Info("building the address index", "height", at.Height, "target", target.Height, "blocks_per_second", int(now.rate()))
	}
}

// behindBy is how many blocks the chain is ahead.
func behindBy(at Tip, target *core.HeaderState) uint32 {
	have := uint64(at.Height) + 1
	if at.ID.IsZero() {
		have = 0
	}
	return uint32(max(uint64(target.Height)+1, have) - have)
}

// rate is in blocks per second.
func (p *progress) rate() float64 {
	if d := time.Since(p.since).Seconds(); d > 0 {
		return float64(p.steps) / d
	}
	return 0
}

// Tip returns the block that the index stands at.
func (x *Index) Tip() Tip {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.tip
}

// Status says how far the index is.
type Status struct {
	// Tip is the block that it stands at, Target the chain's tip.
	Tip, Target Tip
	// Building is set while the index is far from the tip, so that reads tell of
	// a past state, and who waits may wait long.
	Building bool
	// BlocksPerSecond is how fast it is building; 0 if it is not.
	BlocksPerSecond float64
	// Anew says why the store was deleted and begun anew since it was opened;
	// empty if it was not.
	Anew string
	// DiskBytes is roughly what the store takes on disk.
	DiskBytes uint64
	// Err says why the index follows the chain no longer; nil while it does.
	Err error
}

// Status returns how far the index is.
func (x *Index) Status() Status {
	target := x.src.Tip()
	st := Status{Target: Tip{target.Height, target.ID}}
	x.mu.Lock()
	p, s := x.progress, x.store
	st.Tip, st.Anew, st.Err = x.tip, p.anew, x.stopped
	x.mu.Unlock()
	st.Building = p.building || behindBy(st.Tip, &target) > farBehind
	if p.building {
		st.BlocksPerSecond = p.rate()
	}
	if s != nil {
		// A store that is closing or failed has no size to tell.
		_ = s.use(func() error { st.DiskBytes = s.db.Metrics().DiskSpaceUsage(); return nil })
	}
	return st
}

// WaitFor returns once reads are at least as new as a block that is, or was, the
// chain's tip: the block is on the index's chain, or the index has seen how it
// left the best chain. An unknown block is [chain.ErrNotFound]; an index that has
// stopped is [ErrStopped], a closed one [chain.ErrClosed]. It may take as long as
// building the index does, see [Status.Building].
func (x *Index) WaitFor(ctx context.Context, id core.Hash) error {
	h, ok := x.src.HeaderState(id)
	if !ok {
		return fmt.Errorf("wait for block %s: %w", id, chain.ErrNotFound)
	}
	for {
		// The order matters: what changes after the look is not missed.
		x.mu.Lock()
		changed, tip, stopped := x.changed, x.tip, x.stopped
		x.mu.Unlock()
		if tip.ID == id || !tip.ID.IsZero() && tip.ID == x.src.Tip().ID {
			return nil
		}
		if tip.Height >= h.Height && !tip.ID.IsZero() {
			v, err := x.View()
			if err == nil {
				var at core.Hash
				at, err = v.Block(h.Height)
				v.Close()
				if err == nil && at == id {
					return nil
				}
			}
			if err != nil && !errors.Is(err, chain.ErrNotFound) && !errors.Is(err, ErrDamaged) {
				return err
			}
		}
		if stopped != nil {
			return stopped
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for block %s: %w", id, ctx.Err())
		case <-changed:
		}
	}
}
