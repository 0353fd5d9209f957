package mempool

import (
	"errors"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

const (
	// RateBytes is what fee rates are counted per: grains per 1,000 bytes of the
	// encoding, witnesses included.
	RateBytes = 1000

	// maxRate bounds the rates of a policy and the floor, in grains per 1,000
	// bytes: 1,000 ING. No fee that is worked out with it overflows.
	maxRate = 1000 * core.GrainsPerING
	// maxRelatives bounds a policy's ancestors, descendants and replaced
	// payments: walks over them are linear searches.
	maxRelatives = 1000
	// maxHistory bounds a policy's history.
	maxHistory = 1 << 24
	// maxHolders is how many peers are remembered as having sent one orphan.
	maxHolders = 8
)

// Defaults of [DefaultPolicy].
const (
	// DefaultMinFeeRate is in grains per 1,000 bytes: Bitcoin Core's
	// minrelaytxfee up to its release 29, in its smallest unit.
	DefaultMinFeeRate core.Amount = 1000
	// DefaultReplaceBump is in grains per 1,000 bytes: Bitcoin Core's
	// incrementalrelayfee up to its release 29.
	DefaultReplaceBump core.Amount = 1000
	// DefaultMemory is what a pool may take in all, 64 MiB of memory, some 40,000
	// small payments: two full blocks of them on the default network.
	DefaultMemory = 64 << 20
	// DefaultMaxBytes is three quarters of DefaultMemory.
	DefaultMaxBytes = DefaultMemory / 4 * 3
	// DefaultMaxTxs is more than DefaultMaxBytes ever holds.
	DefaultMaxTxs = 500_000
	// DefaultMaxAncestors and DefaultMaxDescendants are Bitcoin Core's
	// limitancestorcount and limitdescendantcount.
	DefaultMaxAncestors   = 25
	DefaultMaxDescendants = 25
	// DefaultMaxRelativeBytes is two of the largest transactions of the default
	// network. Bitcoin Core's limits are 101,000 bytes, a little more than its
	// largest.
	DefaultMaxRelativeBytes = 512 << 10
	// DefaultMaxReplaced is Bitcoin Core's (BIP 125, rule 5).
	DefaultMaxReplaced = 100
	// DefaultExpiry is Bitcoin Core's mempoolexpiry, 336 hours, in milliseconds.
	DefaultExpiry = 336 * 60 * 60 * 1000
	// DefaultFloorHalfLife is 72 blocks of the default network, in milliseconds;
	// Bitcoin Core's 12 hours are 72 of its blocks.
	DefaultFloorHalfLife = 12 * 60 * 1000
	// DefaultMaxOrphans is Bitcoin Core's, in all.
	DefaultMaxOrphans = 3000
	// DefaultMaxOrphanBytes is an eighth of DefaultMemory, for all of them.
	DefaultMaxOrphanBytes = DefaultMemory / 8
	// DefaultMaxPeerOrphans is btcd's limit of orphans, but for each peer.
	DefaultMaxPeerOrphans = 100
	// DefaultMaxPeerOrphanBytes is 1 MiB of memory for each peer.
	DefaultMaxPeerOrphanBytes = 1 << 20
	// DefaultOrphanExpiry is 30 blocks of the default network, in milliseconds;
	// parents travel with their children, so what is missing comes soon or never.
	DefaultOrphanExpiry = 5 * 60 * 1000
	// DefaultMaxHistory is what goes into an eighth of DefaultMemory.
	DefaultMaxHistory = DefaultMemory / 8 / historyCost
)

// Policy is what one node asks of payments beyond the rules. No two nodes need
// the same.
type Policy struct {
	// MinFeeRate is the least fee, in grains per 1,000 bytes, rounded up.
	MinFeeRate core.Amount
	// ReplaceBump is what a replacement pays for its own relay on top of all fees
	// that it removes, in grains per 1,000 bytes of its own; and by how much the
	// floor of a full pool is above the rate of what left it.
	ReplaceBump core.Amount
	// MaxBytes bounds the memory that entries take, in bytes, indexes included
	// ([Stats].Memory). Orphans and the history of removals come on top:
	// [Policy.Fit] divides what there is for all.
	MaxBytes int
	// MaxTxs bounds the number of entries.
	MaxTxs int
	// MaxAncestors and MaxDescendants bound an entry and all its ancestors, or
	// descendants, in number; MaxAncestorBytes and MaxDescendantBytes in encoded
	// bytes, of two entries or more.
	MaxAncestors       int
	MaxAncestorBytes   int
	MaxDescendants     int
	MaxDescendantBytes int
	// MaxReplaced bounds how many entries one replacement may remove.
	MaxReplaced int
	// Expiry is how long an entry may wait for a block, in milliseconds.
	Expiry uint64
	// FloorHalfLife is how long the floor of a full pool takes to fall by half, in
	// milliseconds.
	FloorHalfLife uint64
	// MaxOrphans and MaxOrphanBytes bound the payments whose parents are missing,
	// in number and in bytes of memory.
	MaxOrphans     int
	MaxOrphanBytes int
	// MaxPeerOrphans and MaxPeerOrphanBytes bound those of one peer.
	MaxPeerOrphans     int
	MaxPeerOrphanBytes int
	// OrphanExpiry is how long an orphan waits for its parents, in milliseconds.
	OrphanExpiry uint64
	// MaxHistory is of how many entries it is remembered why they left: so many
	// that a block took, and as many others.
	MaxHistory int
}

// DefaultPolicy returns the policy of a node that was told nothing else.
func DefaultPolicy() Policy {
	return Policy{
		MinFeeRate: DefaultMinFeeRate, ReplaceBump: DefaultReplaceBump,
		MaxBytes: DefaultMaxBytes, MaxTxs: DefaultMaxTxs,
		MaxAncestors: DefaultMaxAncestors, MaxAncestorBytes: DefaultMaxRelativeBytes,
		MaxDescendants: DefaultMaxDescendants, MaxDescendantBytes: DefaultMaxRelativeBytes,
		MaxReplaced: DefaultMaxReplaced,
		Expiry:      DefaultExpiry, FloorHalfLife: DefaultFloorHalfLife,
		MaxOrphans: DefaultMaxOrphans, MaxOrphanBytes: DefaultMaxOrphanBytes,
		MaxPeerOrphans: DefaultMaxPeerOrphans, MaxPeerOrphanBytes: DefaultMaxPeerOrphanBytes,
		OrphanExpiry: DefaultOrphanExpiry,
		MaxHistory:   DefaultMaxHistory,
	}
}

// Fit sets the bounds of memory so that the pool takes no more than so many bytes
// in all: three quarters are for entries, an eighth each for orphans and for the
// history. Too few leave bounds that [Policy.Validate] refuses.
func (p *Policy) Fit(memory int) {
	p.MaxBytes = memory / 4 * 3
	p.MaxOrphanBytes = memory / 8
	p.MaxPeerOrphanBytes = min(DefaultMaxPeerOrphanBytes, p.MaxOrphanBytes/2)
	p.MaxHistory = min(memory/8/historyCost, maxHistory)
}

// ErrPolicy is wrapped by every failure of [Policy.Validate].
var ErrPolicy = errors.New("bad pool policy")

// Validate says which value makes no sense, if any.
func (p *Policy) Validate() error {
	for _, rate := range []struct {
		name  string
		value core.Amount
	}{{"MinFeeRate", p.MinFeeRate}, {"ReplaceBump", p.ReplaceBump}} {
		if rate.value > maxRate {
			return fmt.Errorf("%w: %s %d, want at most %d grains per %d bytes", ErrPolicy, rate.name, rate.value, maxRate, RateBytes)
		}
	}
	for _, n := range []struct {
		name               string
		value, least, most int
	}{
		{"MaxBytes", p.MaxBytes, 1, 1 << 40},
		{"MaxTxs", p.MaxTxs, 1, 1 << 30},
		{"MaxAncestors", p.MaxAncestors, 1, maxRelatives},
		{"MaxAncestorBytes", p.MaxAncestorBytes, 1, 1 << 40},
		{"MaxDescendants", p.MaxDescendants, 1, maxRelatives},
		{"MaxDescendantBytes", p.MaxDescendantBytes, 1, 1 << 40},
		{"MaxReplaced", p.MaxReplaced, 0, maxRelatives},
		{"MaxOrphans", p.MaxOrphans, 0, 1 << 20},
		{"MaxOrphanBytes", p.MaxOrphanBytes, 0, 1 << 40},
		{"MaxPeerOrphans", p.MaxPeerOrphans, 0, 1 << 20},
		{"MaxPeerOrphanBytes", p.MaxPeerOrphanBytes, 0, 1 << 40},
		{"MaxHistory", p.MaxHistory, 1, maxHistory},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("%w: %s %d, want %d to %d", ErrPolicy, n.name, n.value, n.least, n.most)
		}
	}
	if p.Expiry == 0 || p.OrphanExpiry == 0 || p.FloorHalfLife == 0 {
		return fmt.Errorf("%w: Expiry, OrphanExpiry and FloorHalfLife want a millisecond or more", ErrPolicy)
	}
	return nil
}
