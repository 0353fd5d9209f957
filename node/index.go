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
	// indexPatience is how long a question waits for the index to reach the tip.
	indexPatience = 2 * time.Second
	// indexFar is from how many blocks behind the tip on nobody waits for it.
	indexFar = 100
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

// usable says why the index cannot answer now, if so.
func (n *Node) usableIndex() error {
	switch {
	case n.index.openErr != nil:
		return indexFailed(n.index.openErr)
	case n.index.Index == nil:
		return &api.IndexError{Code: api.CodeIndexOff, Detail: "this node keeps no address index; start it with --index"}
	}
	at, tip := n.index.Tip(), n.chain.Tip()
	if uint64(at.Height)+indexFar < uint64(tip.Height) {
		if err := n.index.Status().Err; err != nil {
			return indexFailed(err)
		}
		return &api.IndexError{Code: api.CodeIndexBuilding, Detail: fmt.Sprintf("the address index is being built: at block %d of %d; try again later", at.Height, tip.Height)}
	}
	return nil
}

func indexFailed(err error) error {
	return &api.IndexError{Code: api.CodeIndexFailed, Detail: fmt.Sprintf("the address index does not work: %v; start the node again", err)}
}

var errIndexBehind = &api.IndexError{Code: api.CodeIndexBehind, Detail: "the address index did not catch up with the chain in time; try again"}

// indexError words a failure of the index for the API.
func indexError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, index.ErrDamaged):
		return errIndexBehind
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
	if err := n.usableIndex(); err != nil {
		return nil, core.HeaderState{}, err
	}
	within, cancel := context.WithTimeout(ctx, indexPatience)
	defer cancel()
	for range maxMoments {
		v, tip, err := n.viewAtTip(within)
		if err != nil {
			return nil, tip, indexError(ctx, err)
		}
		if err := fromIndex(v); err != nil {
			v.Close()
			return nil, tip, indexError(ctx, err)
		}
		if n.readPoolAt(tip, fromPool) {
			return v, tip, nil
		}
		v.Close()
	}
	return nil, core.HeaderState{}, errIndexBehind
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
