package node

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// A power cut takes at most the last seconds of the chain; a quiet chain costs
// no syncs, and a disk that fails ends the node.
func TestStoreIsSyncedAfterChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		tip, syncs := core.Hash{1}, 0
		var broken error
		ended := make(chan error, 1)
		go func() {
			ended <- syncOnChange(ctx, func() core.Hash { return tip }, func() error { syncs++; return broken })
		}()
		for i, want := range []int{1, 1, 2, 2} {
			if i == 2 {
				tip[0]++
			}
			time.Sleep(syncEvery) // virtual
			synctest.Wait()
			if syncs != want {
				t.Errorf("after %v: %d syncs, want %d", time.Duration(i+1)*syncEvery, syncs, want)
			}
		}
		tip[0], broken = 9, fmt.Errorf("%w: no space left", chain.ErrDisk)
		if err := <-ended; !errors.Is(err, ErrStore) || !errors.Is(err, chain.ErrDisk) {
			t.Errorf("a disk that fails: %v", err)
		}
	})
}
