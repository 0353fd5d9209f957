package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// maxProblems bounds how many problems Verify lists.
const maxProblems = 100

// VerifyReport says what a whole check of the store found.
type VerifyReport struct {
	Height uint32
	ID     core.Hash
	// Blocks and Coins are how many were checked.
	Blocks uint32
	Coins  uint64
	// Problems is empty if all is well; it names at most a hundred.
	Problems []string
}

type verifier struct {
	rules  *core.Rules
	store  Reader
	report VerifyReport
}

func (v *verifier) problem(format string, args ...any) {
	if len(v.report.Problems) < maxProblems {
		v.report.Problems = append(v.report.Problems, fmt.Sprintf(format, args...))
	}
}

// Verify replays the stored chain from genesis and compares everything that is
// stored with what comes out: index, headers, bodies, undo records, coins and
// the state. It reads a snapshot and holds up nobody. What it finds is in the
// report; an error means that it could not look. progress may be nil.
func (m *Manager) Verify(ctx context.Context, progress func(done, total uint32)) (VerifyReport, error) {
	snap, st, err := m.snapshot()
	if err != nil {
		return VerifyReport{}, fmt.Errorf("verify: %w", err)
	}
	v := &verifier{rules: m.rules, store: snap, report: VerifyReport{Height: st.Height, ID: st.ID}}
	err = v.run(ctx, st, progress)
	return v.report, errors.Join(err, snap.Close())
}

func (v *verifier) run(ctx context.Context, st *core.State, progress func(done, total uint32)) error {
	stored, err := v.store.Flushed()
	if err != nil {
		v.problem("flushed state: %v", err)
	} else if *stored != *st {
		v.problem("flushed state: it is that of block %s, want %s", stored.ID, st.ID)
	}
	if err := v.checkIndex(ctx, st.Height); err != nil {
		return err
	}
	replayed, err := v.replay(ctx, st, progress)
	if err != nil {
		return err
	}
	if replayed != nil && *replayed != *st {
		v.problem("state after block %s: replaying all blocks gives another one", st.ID)
	}
	set, err := sumCoins(ctx, v.store, func(err error) error {
		v.problem("%v", err)
		return nil
	})
	if err != nil {
		return fmt.Errorf("verify coins: %w", err)
	}
	v.report.Coins = set.Count()
	if set != st.Coins {
		v.problem("coins: the %d stored are not the %d of the state after block %s", set.Count(), st.Coins.Count(), st.ID)
	}
	return nil
}

// checkIndex checks that there is exactly one index entry for every height.
func (v *verifier) checkIndex(ctx context.Context, tip uint32) error {
	next := uint64(0)
	err := v.store.EachIndex(func(height uint32, _ core.Hash, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			v.problem("%v", err)
		}
		switch h := uint64(height); {
		case height > tip:
			v.problem("index: there is an entry at height %d above the tip at %d", height, tip)
		case h != next:
			v.problem("index: heights %d to %d are missing", next, h-1)
		}
		next = max(next, uint64(height)+1)
		return nil
	})
	if next <= uint64(tip) {
		v.problem("index: heights %d to %d are missing", next, tip)
	}
	return err
}

// replay connects every block of the index again. It returns nil if it could
// not get to the end.
func (v *verifier) replay(ctx context.Context, st *core.State, progress func(done, total uint32)) (*core.State, error) {
	at := v.rules.Params().GenesisState()
	now := &at
	if !v.checkGenesis() {
		return nil, nil
	}
	for h := uint64(1); h <= uint64(st.Height); h++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next, err := v.checkBlock(now, uint32(h))
		if err != nil {
			if errors.Is(err, ErrClosed) || errors.Is(err, ErrDisk) {
				return nil, err
			}
			v.problem("block at height %d: %v", h, err)
			return nil, nil // whatever follows rests on this one
		}
		now = next
		v.report.Blocks = uint32(h)
		if progress != nil {
			progress(uint32(h), st.Height)
		}
	}
	return now, nil
}

func (v *verifier) checkGenesis() bool {
	g := v.rules.Genesis()
	ids, err := v.store.Index(0, 1)
	if err != nil || len(ids) == 0 || ids[0] != g.ID() {
		v.problem("index: height 0 is not the genesis block %s", g.ID())
		return false
	}
	want := &Record{Header: g.Header, ID: g.ID(), Flags: FlagBody | FlagComplete}
	if r, err := v.store.Record(g.ID()); err != nil || *r != *want {
		v.problem("header of the genesis block: it is not this network's")
	}
	if raw, err := v.store.Body(0, g.ID()); err != nil || !bytes.Equal(raw, g.Bytes()) {
		v.problem("body of the genesis block: it is not this network's")
	}
	return true
}

// checkBlock judges everything stored of one block against the state before it,
// and returns the state after it.
func (v *verifier) checkBlock(st *core.State, height uint32) (*core.State, error) {
	ids, err := v.store.Index(height, 1)
	if err != nil || len(ids) == 0 {
		return nil, corrupt(errors.Join(err, ErrNotFound), "index entry")
	}
	id := ids[0]
	r, err := v.store.Record(id)
	if err != nil {
		return nil, fmt.Errorf("header of %s, which the index names: %w", id, err)
	}
	b, err := readBlock(v.store, r)
	if err != nil {
		return nil, err
	}
	if b.Header != r.Header {
		return nil, corruptf("the header of %s is not that of its body", id)
	}
	if err := v.rules.CheckBlock(b); err != nil {
		return nil, fmt.Errorf("body of %s: %w", id, err)
	}
	raw, err := v.store.Undo(height, id)
	if err != nil {
		return nil, fmt.Errorf("undo record of %s: %w", id, err)
	}
	undo, err := core.ParseUndo(raw, b)
	if err != nil {
		return nil, fmt.Errorf("undo record of %s: %w", id, err)
	}
	spent := make(core.UTXOs, len(undo.Spent))
	for _, c := range undo.Spent {
		spent[c.Outpoint] = c
	}
	next, diff, err := v.rules.ConnectBlock(st, b, spent)
	if err != nil {
		return nil, fmt.Errorf("connect %s: %w", id, err)
	}
	if !bytes.Equal(diff.AppendUndo(nil), raw) {
		return nil, corruptf("the undo record of %s is not what connecting gives", id)
	}
	return next, v.checkRecord(r, next)
}

// checkRecord compares what is stored beside a header with the replay.
func (v *verifier) checkRecord(r *Record, after *core.State) error {
	if r.State() != after.HeaderState {
		return corruptf("work or parent's time of %s are not those of the headers", r.ID)
	}
	if !r.has(FlagBody | FlagComplete) {
		return corruptf("%s is connected but not marked as complete", r.ID)
	}
	far, err := v.store.Index(farHeight(r.Height), 1)
	if err != nil || len(far) == 0 || far[0] != r.Far {
		return corruptf("the far ancestor of %s is not on its chain", r.ID)
	}
	return nil
}
