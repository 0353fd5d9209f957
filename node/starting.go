package node

import (
	"context"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain/pebbledb"
)

const (
	// apiPatience is how long a node that holds its directory may take until it
	// says where its API is: opening a store takes most of it.
	apiPatience = 3 * time.Second
	// apiPoll is how often that is looked for.
	apiPoll = 20 * time.Millisecond
)

// AwaitAPI waits while a node starts on a data directory: until a process holds
// the directory, no longer than grace, and then while that process has not
// written where its API is, no longer than 3 s. It reports whether
// [api.ReadEndpoint] names a node that runs.
func AwaitAPI(ctx context.Context, dataDir string, grace time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, apiPatience)
	defer cancel()
	tick := time.NewTicker(apiPoll)
	defer tick.Stop()
	began := time.Now()
	for {
		holder, held := pebbledb.HolderOf(dataDir)
		if !held && time.Since(began) >= grace {
			return false
		}
		// A file of another process is that of a node which died here.
		if e, err := api.ReadEndpoint(dataDir); held && err == nil && e.PID == holder.PID {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}
