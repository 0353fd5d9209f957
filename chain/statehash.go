package chain

import (
	"context"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// ctxEvery is after how many entries a long walk looks whether it may go on.
const ctxEvery = 4096

// StateHash is what the next header on a block commits to.
type StateHash struct {
	Height uint32
	ID     core.Hash
	// Count is the number of unspent coins.
	Count      uint64
	Commitment core.Hash
}

func stateHash(st *core.State) StateHash {
	return StateHash{Height: st.Height, ID: st.ID, Count: st.Coins.Count(), Commitment: st.Commitment()}
}

// StateHash returns the commitment to the state after the tip.
func (m *Manager) StateHash() StateHash { return stateHash(m.tipState()) }

// StateHashFull recomputes the commitment from the stored coins, without
// holding up the chain, and fails with ErrCorrupt if they are not those of the
// state.
func (m *Manager) StateHashFull(ctx context.Context) (StateHash, error) {
	snap, st, err := m.snapshot()
	if err != nil {
		return StateHash{}, err
	}
	set, err := sumCoins(ctx, snap, func(err error) error { return err })
	if closeErr := snap.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return StateHash{}, fmt.Errorf("recompute the state after block %s: %w", st.ID, err)
	}
	if set != st.Coins {
		return StateHash{}, corruptf("the %d coins stored are not the %d of the state after block %s at height %d",
			set.Count(), st.Coins.Count(), st.ID, st.Height)
	}
	return stateHash(st), nil
}

// snapshot flushes and freezes what the store holds at that moment.
func (m *Manager) snapshot() (Snapshot, *core.State, error) {
	m.change.Lock()
	defer m.change.Unlock()
	if !m.store.ReadOnly() {
		if err := m.flush(); err != nil {
			return nil, nil, err
		}
	}
	snap, err := m.store.Snapshot()
	return snap, m.flushed, err
}

// sumCoins adds up all stored coins. A damaged one is given to report, whose
// error ends the walk.
func sumCoins(ctx context.Context, store Reader, report func(error) error) (core.CoinSet, error) {
	var set core.CoinSet
	n := 0
	err := store.EachCoin(func(coin core.Coin, err error) error {
		if n++; n%ctxEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return report(err)
		}
		set.Add(&coin)
		return nil
	})
	return set, err
}
