package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

const (
	maxBlockList = 1000 // blocks in one listing
	eventBatch   = 256  // blocks read from the chain at a time for a stream
)

// chainView answers questions about a chain. It serves a running node and a
// stopped node's store alike.
type chainView struct {
	chain *chain.Manager
}

// Params implements [api.ChainReader].
func (v chainView) Params() *core.Params { return v.chain.Rules().Params() }

// Head implements [api.ChainReader].
func (v chainView) Head(ctx context.Context) (api.BlockDetail, error) {
	return v.BlockByID(ctx, v.chain.Tip().ID, false)
}

// BlockByID implements [api.ChainReader].
func (v chainView) BlockByID(_ context.Context, id core.Hash, raw bool) (api.BlockDetail, error) {
	b, err := v.chain.Block(id)
	if err != nil {
		return api.BlockDetail{}, fmt.Errorf("block %s: %w", id, notFound(err))
	}
	d := api.BlockDetail{Block: api.BlockOf(b), Status: v.status(id), Transactions: v.transactions(b)}
	if d.Status == "active" {
		d.Confirmations = v.chain.Tip().Height - b.Header.Height + 1
	}
	if raw {
		d.Raw = hex.EncodeToString(b.Bytes())
	}
	return d, nil
}

func (v chainView) status(id core.Hash) string {
	switch {
	case v.chain.OnBestChain(id):
		return "active"
	case v.chain.Verdict(id) != nil:
		return "invalid"
	default:
		return "fork"
	}
}

func (v chainView) transactions(b *core.Block) []api.Tx {
	prefix := v.Params().AddressPrefix
	txs := make([]api.Tx, len(b.Txs))
	for i := range b.Txs {
		t := &b.Txs[i]
		d := api.Tx{TxID: b.TxID(i), Fee: t.Fee, Data: hex.EncodeToString(t.Data), Inputs: []api.TxInput{}, Outputs: []api.TxOutput{}}
		for _, in := range t.Inputs {
			d.Inputs = append(d.Inputs, api.TxInput{TxID: in.TxID, Index: in.Index})
		}
		for _, out := range t.Outputs {
			d.Outputs = append(d.Outputs, api.TxOutput{Value: out.Value, Address: out.Address.Encode(prefix)})
		}
		txs[i] = d
	}
	return txs
}

// BlockByHeight implements [api.ChainReader].
func (v chainView) BlockByHeight(ctx context.Context, height uint32, raw bool) (api.BlockDetail, error) {
	_, id, err := v.chain.HeaderByHeight(height)
	if err != nil {
		return api.BlockDetail{}, fmt.Errorf("block at height %d (the tip is at %d): %w", height, v.chain.Tip().Height, notFound(err))
	}
	return v.BlockByID(ctx, id, raw)
}

// Blocks implements [api.ChainReader].
func (v chainView) Blocks(_ context.Context, from *uint32, limit int) ([]api.Block, error) {
	if limit < 1 || limit > maxBlockList {
		return nil, fmt.Errorf("%w: %d blocks, choose 1 to %d", api.ErrBadRequest, limit, maxBlockList)
	}
	height := v.chain.Tip().Height
	if from != nil {
		height = min(height, *from)
	}
	list := []api.Block{}
	for range limit {
		b, err := v.chain.BlockAt(height)
		if err != nil {
			return nil, fmt.Errorf("list blocks: height %d: %w", height, notFound(err))
		}
		list = append(list, api.BlockOf(b))
		if height == 0 {
			break
		}
		height--
	}
	return list, nil
}

// Forks implements [api.ChainReader].
func (v chainView) Forks(context.Context) ([]api.Fork, error) {
	branches, err := v.chain.Forks()
	if err != nil {
		return nil, fmt.Errorf("list forks: %w", err)
	}
	forks := []api.Fork{}
	for _, f := range branches {
		forks = append(forks, api.Fork{
			Tip:        tipInfo(f.Tip),
			ForkHeight: f.ForkHeight, Length: f.Length, Status: f.Status,
		})
	}
	return forks, nil
}

func tipInfo(s core.HeaderState) api.TipInfo {
	return api.TipInfo{Height: s.Height, ID: s.ID, Work: s.Work, Time: s.Time}
}

func ref(s core.HeaderState) api.Ref { return api.Ref{Height: s.Height, ID: s.ID} }

// StateHash implements [api.ChainReader].
func (v chainView) StateHash(ctx context.Context, full bool) (api.StateHash, error) {
	if !full {
		return stateHash(v.chain.StateHash()), nil
	}
	s, err := v.chain.StateHashFull(ctx)
	if errors.Is(err, chain.ErrCorrupt) {
		err = fmt.Errorf("%w: %w", api.ErrFailed, err)
	}
	return stateHash(s), err
}

func stateHash(s chain.StateHash) api.StateHash {
	return api.StateHash{Height: s.Height, ID: s.ID, UTXOCount: s.Count, Hash: s.Commitment}
}

// Verify implements [api.ChainReader].
func (v chainView) Verify(ctx context.Context, progress func(done, total uint32)) (api.VerifyResult, error) {
	start := time.Now()
	r, err := v.chain.Verify(ctx, progress)
	if err != nil {
		return api.VerifyResult{}, fmt.Errorf("verify: %w", err)
	}
	return api.VerifyResult{
		OK: len(r.Problems) == 0, Height: r.Height, ID: r.ID, Blocks: r.Blocks, Coins: r.Coins,
		Problems: append([]string{}, r.Problems...), ElapsedMS: time.Since(start).Milliseconds(),
	}, nil
}

// Export implements [api.ChainReader].
func (v chainView) Export(ctx context.Context, w io.Writer) (api.Ref, error) {
	tip, err := v.chain.Export(ctx, w)
	return ref(tip), err
}

// events yields the steps of the best chain from a cursor on and follows it
// until ctx ends.
//
// The cursor is taken at the call, so that nothing between it and the first
// item is missed.
func (v chainView) events(ctx context.Context, since string) iter.Seq2[api.Event, error] {
	cursor, err := v.cursor(since)
	return func(yield func(api.Event, error) bool) {
		if err != nil {
			yield(api.Event{}, err)
			return
		}
		wake, cancel := v.chain.Subscribe()
		defer cancel()
		cursor := cursor
		for {
			u, err := v.chain.UpdatesSince(cursor, eventBatch)
			if err != nil {
				yield(api.Event{}, fmt.Errorf("events since %s: %w", cursor, notFound(err)))
				return
			}
			for _, b := range u.Reverted {
				if !yield(api.Event{Type: "revert", Block: api.BlockOf(b), Cursor: b.Header.Parent.String()}, nil) {
					return
				}
			}
			for _, b := range u.Applied {
				if !yield(api.Event{Type: "apply", Block: api.BlockOf(b), Cursor: b.ID().String()}, nil) {
					return
				}
			}
			cursor = u.Cursor
			if ctx.Err() != nil {
				return
			}
			if u.More {
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-wake:
			}
		}
	}
}

// cursor reads where a reader stands: a block id, "genesis", or "" for the tip.
func (v chainView) cursor(since string) (core.Hash, error) {
	switch since {
	case "":
		return v.chain.Tip().ID, nil
	case "genesis":
		return v.chain.Rules().GenesisID(), nil
	}
	id, err := core.ParseHash(since)
	if err != nil {
		return id, fmt.Errorf("%w: cursor: %w", api.ErrBadRequest, err)
	}
	if _, err := v.chain.Block(id); err != nil {
		return id, fmt.Errorf("cursor %s names no stored block: %w", id, notFound(err))
	}
	return id, nil
}

// notFound marks what the chain does not have for the API. What it should have is
// damage.
func notFound(err error) error {
	if errors.Is(err, chain.ErrNotFound) && !errors.Is(err, chain.ErrCorrupt) {
		return fmt.Errorf("%w: %w", api.ErrNotFound, err)
	}
	return err
}
