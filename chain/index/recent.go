package index

import "github.com/ingchain/ingchain/core"

const (
	// maxRecentOutputs and maxRecentTotals bound what is remembered from batch to
	// batch, in entries of about 150 bytes each.
	maxRecentOutputs = 1 << 16
	maxRecentTotals  = 1 << 16
)

// recent remembers what blocks are likely to need again: outputs that were not
// spent yet, which mostly go soon, and the totals of addresses in use. Without
// it, building spends most of its time on reading these rows from files. It is
// as the rows will be after the batch in the making, which alone writes.
type recent struct {
	outs   map[core.Outpoint]placedOutput
	totals map[core.Address]*recentTotals
}

// recentTotals are totals, and whether the batch in the making changes them.
type recentTotals struct {
	totals
	dirty bool
}

// placedOutput is an output and where it stands.
type placedOutput struct {
	at outPlace
	output
}

func newRecent() *recent {
	return &recent{outs: make(map[core.Outpoint]placedOutput), totals: make(map[core.Address]*recentTotals)}
}

// trim keeps the bounds. It is called between batches.
func (r *recent) trim() {
	// All go at once: what is in use is soon back.
	if len(r.outs) > maxRecentOutputs {
		r.outs = make(map[core.Outpoint]placedOutput)
	}
	if len(r.totals) > maxRecentTotals {
		r.totals = make(map[core.Address]*recentTotals)
	}
}
