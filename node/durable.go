package node

import (
	"context"
	"fmt"
	"time"

	"github.com/ingchain/ingchain/core"
)

// syncEvery is the time between syncs of the store, and so how much of the chain
// a power cut may take. Payments that were acknowledged are synced one by one.
const syncEvery = 5 * time.Second

// keepSynced syncs the store's log whenever the tip has changed, until ctx ends
// or the disk fails.
func (n *Node) keepSynced(ctx context.Context) error {
	return syncOnChange(ctx, func() core.Hash { return n.chain.Tip().ID }, n.store.Sync)
}

func syncOnChange(ctx context.Context, tip func() core.Hash, sync func() error) error {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	var synced core.Hash
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := tip()
		if now == synced {
			continue
		}
		if err := sync(); err != nil {
			return storeError(fmt.Errorf("sync the chain: %w", err))
		}
		synced = now
	}
}
