package chain

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/signature"
)

const (
	// searchFactor bounds the search for bad signatures among a stranger's: so
	// many times what verifying all of them together costs. The first culprit is
	// always found: halving comes to twice.
	searchFactor = 4
	// callCost is what verifying a few signatures costs beside them, in signatures
	// of a large batch.
	callCost = 4
	// chunkTxs is how many payments a core should get at least to hash and parse.
	chunkTxs = 32
)

// parallelChunks is parallel for small tasks.
func parallelChunks(n int, do func(i int)) {
	chunks := min(4*runtime.GOMAXPROCS(0), (n+chunkTxs-1)/chunkTxs)
	parallel(chunks, func(c int) {
		for i := n * c / chunks; i < n*(c+1)/chunks; i++ {
			do(i)
		}
	})
}

// verifyTxs verifies the signatures of payments that come from one sender, in
// batches over the cores, and returns the payments whose are good. The others get
// their verdict. Bounded says that the sender is a stranger, who pays for bad
// signatures: once the culprits have cost too much, the payments that are not
// judged yet are deferred.
func (m *Manager) verifyTxs(list []offered, bounded bool) []offered {
	n := 0
	for i := range list {
		n += len(list[i].sigs)
	}
	v := culpritSearch{cache: m.pool.sigs, bounded: bounded}
	v.left.Store(int64(searchFactor * (n + callCost)))
	parts := max(1, min(runtime.GOMAXPROCS(0), n/minBatch), (n+signature.MaxBatch-1)/signature.MaxBatch)
	parts = min(parts, len(list))
	parallel(parts, func(i int) {
		v.judge(list[len(list)*i/parts:len(list)*(i+1)/parts], false)
	})
	good := list[:0]
	for _, o := range list {
		if o.out.Err == nil {
			good = append(good, o)
		}
	}
	return good
}

// culpritSearch verifies payments together and halves what fails.
type culpritSearch struct {
	cache   core.SignatureCache
	bounded bool
	left    atomic.Int64 // what may yet be spent, if bounded
}

// judge finds the bad ones of a list. Known bad means that there is one: what is
// left of a bad list when its first half is good. It reports whether all are good.
func (v *culpritSearch) judge(list []offered, knownBad bool) (good bool) {
	if len(list) == 0 {
		return true
	}
	if !knownBad || len(list) == 1 {
		err := v.verify(list)
		if err == nil {
			return true
		}
		if len(list) == 1 {
			list[0].out.Err = err
			return false
		}
		if core.IsDeferred(err) {
			for i := range list {
				list[i].out.Err = err
			}
			return false
		}
	}
	half := len(list) / 2
	v.judge(list[half:], v.judge(list[:half], false))
	return false
}

// verify verifies the signatures of a list together.
func (v *culpritSearch) verify(list []offered) error {
	sigs := list[0].sigs
	if len(list) > 1 {
		sigs = nil
		for i := range list {
			sigs = append(sigs, list[i].sigs...)
		}
	}
	if v.left.Add(-int64(len(sigs)+callCost)) < 0 && v.bounded {
		return &core.DeferError{Code: core.ErrTxSignature, Detail: fmt.Sprintf("not verified: it came with %d others, of which too many have bad signatures", len(list)-1)}
	}
	return core.VerifyUnknown(sigs, v.cache)
}
