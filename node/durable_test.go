package node

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
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
		var tip, syncs atomic.Uint32
		var broken atomic.Bool
		ended := make(chan error, 1)
		go func() {
			ended <- syncOnChange(ctx, func() core.Hash { return core.Hash{1, byte(tip.Load())} }, func() error {
				syncs.Add(1)
				if broken.Load() {
					return fmt.Errorf("%w: no space left", chain.ErrDisk)
				}
				return nil
			})
		}()
		for i, want := range []uint32{1, 1, 2, 2} {
			if i == 2 {
				tip.Add(1)
			}
			time.Sleep(syncEvery) // virtual
			synctest.Wait()
			if got := syncs.Load(); got != want {
				t.Errorf("after %v: %d syncs, want %d", time.Duration(i+1)*syncEvery, got, want)
			}
		}
		broken.Store(true)
		tip.Add(1)
		if err := <-ended; !errors.Is(err, ErrStore) || !errors.Is(err, chain.ErrDisk) {
			t.Errorf("a disk that fails: %v", err)
		}
	})
}
