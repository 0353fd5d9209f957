package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/index"
	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

const (
	// indexPatience is how long a question waits for the index to reach the tip:
	// after a kill it has lost what it had not written yet, and few seconds bring
	// that back.
	indexPatience = 3 * time.Second
	// indexFar is from how many blocks behind the tip on a question looks whether
	// waiting makes sense.
	indexFar = 100
	// indexHopeless is the time that the index needs, as far as it can be told, from
	// which on nobody waits for it. Guesses of the first moments are too high.
	indexHopeless = 2 * indexPatience
	// indexLook is the time between looks at an index that is far behind.
	indexLook = 100 * time.Millisecond
	// indexRetry and indexRetryMost bound the time after which the node tells others
	// to ask again.
	indexRetry, indexRetryMost = time.Second, time.Minute
	// indexPoll is how often it is looked whether the index has gone back.
	indexPoll = 2 * time.Millisecond
	// maxMoments is how often a question is put again because the tip changed
	// under it.
	maxMoments = 50
)

// addressIndex is the index as the node keeps it: without one, or with one that
// failed, the node runs on and says so.
type addressIndex struct {
	*index.Index       // nil without one
	openErr      error // why there is none although one is wanted
}

// openIndex opens the index. It can be built again at any time, so that its
// failure is a warning.
func (n *Node) openIndex(context.Context) error {
	if n.cfg.NoIndex {
		return nil
	}
	x, err := index.Open(filepath.Join(n.cfg.DataDir, indexDir), n.chain, index.Options{Logger: n.log})
	if err != nil {
		n.index.openErr = err
		n.log.Warn("the node runs without its address index", "err", err)
		return nil
	}
	n.index.Index = x
	n.onClose(func() error {
		if err := x.Close(); err != nil {
			// Nothing is lost that is not built again.
			n.log.Warn("the address index did not close well", "err", err)
		}
		return nil
	})
	return nil
}

// followIndex runs the index until ctx ends.
func (n *Node) followIndex(ctx context.Context) error {
	if n.index.Index == nil {
		return nil
	}
	if err := n.index.Run(ctx); err != nil && ctx.Err() == nil {
		n.log.Error("the address index has stopped; questions about addresses are refused until the node is started again", "err", err)
	}
	return nil
}

// status describes the index.
func (x addressIndex) status() api.IndexStatus {
	switch {
	case x.openErr != nil:
		return api.IndexStatus{Enabled: true, Error: x.openErr.Error()}
	case x.Index == nil:
		return api.IndexStatus{}
	}
	s := x.Status()
	st := api.IndexStatus{Enabled: true, Building: s.Building, Height: s.Tip.Height}
	if s.Err != nil {
		st.Error = s.Err.Error()
	}
	return st
}

// indexWarnings are what an operator should know of the index.
func indexWarnings(st api.IndexStatus) []string {
	if st.Error == "" {
		return nil
	}
	return []string{"the address index has stopped, and questions about addresses are refused: " + st.Error +
		"; start the node again, or delete the folder " + indexDir + " in the data directory while it is stopped"}
}

// indexGone says why there is no index to ask, if so.
func (n *Node) indexGone() error {
	switch {
	case n.index.openErr != nil:
		return indexFailed(n.index.openErr)
	case n.index.Index == nil:
		return &api.IndexError{Code: api.CodeIndexOff, Detail: "this node keeps no address index; start it with --index"}
	}
	return nil
}

// awaitIndex waits while the index is far behind, unless it will take long.
func (n *Node) awaitIndex(ctx context.Context) error {
	if err := n.indexGone(); err != nil {
		return err
	}
	for uint64(n.index.Tip().Height)+indexFar < uint64(n.chain.Tip().Height) {
		s := n.index.Status()
		if s.Err != nil {
			return s.Err
		}
		if indexLeft(&s) > indexHopeless {
			return lateIndex(&s)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(indexLook):
		}
	}
	return nil
}

// indexLeft guesses how long the index will take to reach the tip; 0 if nothing
// is known.
func indexLeft(s *index.Status) time.Duration {
	if s.BlocksPerSecond <= 0 || s.Target.Height <= s.Tip.Height {
		return 0
	}
	seconds := float64(s.Target.Height-s.Tip.Height) / s.BlocksPerSecond
	return time.Duration(min(seconds, time.Hour.Seconds()) * float64(time.Second))
}

func indexFailed(err error) error {
	return &api.IndexError{Code: api.CodeIndexFailed, Detail: fmt.Sprintf("the address index does not work: %v; start the node again", err)}
}

// lateIndex says how far the index is, which is not where the chain is.
func lateIndex(s *index.Status) *api.IndexError {
	if !s.Building {
		return &api.IndexError{
			Code: api.CodeIndexBehind, RetryAfter: indexRetry,
			Detail: fmt.Sprintf("the address index has not caught up with the chain: at block %d of %d; try again", s.Tip.Height, s.Target.Height),
		}
	}
	left, about := indexLeft(s), ""
	if left > 0 {
		about = fmt.Sprintf(", about %v left", max(left, time.Second).Round(time.Second))
	}
	return &api.IndexError{
		Code: api.CodeIndexBuilding, RetryAfter: min(max(left, indexRetry), indexRetryMost),
		Detail: fmt.Sprintf("the address index is being built: at block %d of %d%s; try again later", s.Tip.Height, s.Target.Height, about),
	}
}

// indexError words a failure of the index for the API.
func (n *Node) indexError(ctx context.Context, err error) error {
	var already *api.IndexError
	switch {
	case err == nil, errors.As(err, &already):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, index.ErrDamaged):
		s := n.index.Status()
		return lateIndex(&s)
	case errors.Is(err, chain.ErrClosed):
		return fmt.Errorf("%w: %w", api.ErrShuttingDown, err)
	case errors.Is(err, index.ErrStopped), errors.Is(err, chain.ErrDisk):
		return indexFailed(err)
	}
	return err
}

// atOneTip answers a question of chain and pool as they stand at one tip: first
// fromIndex reads the index, then fromPool the pool, both at the tip that it
// returns. Both are called again if the tip has changed meanwhile, so they begin
// anew each time. The view stays open for whoever called, who closes it.
func (n *Node) atOneTip(ctx context.Context, fromIndex func(v *index.View) error, fromPool func(p *mempool.Pool)) (*index.View, core.HeaderState, error) {
	within, cancel := context.WithTimeout(ctx, n.indexPatience)
	defer cancel()
	if err := n.awaitIndex(within); err != nil {
		return nil, core.HeaderState{}, n.indexError(ctx, err)
	}
	for range maxMoments {
		v, tip, err := n.viewAtTip(within)
		if err != nil {
			return nil, tip, n.indexError(ctx, err)
		}
		if err := fromIndex(v); err != nil {
			v.Close()
			return nil, tip, n.indexError(ctx, err)
		}
		if n.readPoolAt(tip, fromPool) {
			return v, tip, nil
		}
		v.Close()
		if within.Err() != nil {
			break
		}
	}
	return nil, core.HeaderState{}, n.indexError(ctx, context.DeadlineExceeded)
}

// viewAtTip waits for a view of the index that stands at the chain's tip.
func (n *Node) viewAtTip(ctx context.Context) (*index.View, core.HeaderState, error) {
	for {
		tip := n.chain.Tip()
		if err := n.index.WaitFor(ctx, tip.ID); err != nil {
			return nil, tip, err
		}
		v, err := n.index.View()
		if err != nil {
			return nil, tip, err
		}
		if v.Tip().ID == tip.ID {
			return v, tip, nil
		}
		v.Close()
		// The chain has moved on, or went back, and the index still has the blocks
		// behind: WaitFor does not wait for it to leave those.
		select {
		case <-ctx.Done():
			return nil, tip, ctx.Err()
		case <-time.After(indexPoll):
		}
	}
}

// readPoolAt reads the pool if it stands at the given tip, and reports whether it
// did. Pool and tip move together, under a lock that readers of the pool hold off.
func (n *Node) readPoolAt(tip core.HeaderState, read func(p *mempool.Pool)) bool {
	there := false
	n.chain.ReadPool(func(p *mempool.Pool) {
		if there = p.Height() == tip.Height; there {
			read(p)
		}
	})
	return there && n.chain.Tip().ID == tip.ID
}
