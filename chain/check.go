package chain

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/signature"
)

// minBatch is how many signatures a core should get at least: below that,
// batches lose more than a second core gains.
const minBatch = 64

// parallel calls do(0) to do(n-1) over the cores and returns when all are done.
func parallel(n int, do func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	wg.Wait()
}

// checkBodies judges what needs no state: form of each block, and the
// signatures of all in batches, which one sender's blocks may share. It returns
// the blocks before the first that fails, and that one with its verdict.
func (m *Manager) checkBodies(blocks []newBlock) (good []newBlock, culprit newBlock, err error) {
	sigs := make([][]core.BlockSignature, len(blocks))
	errs := make([]error, len(blocks))
	parallel(len(blocks), func(i int) {
		sigs[i], errs[i] = m.rules.CheckBlockForm(blocks[i].block)
	})
	good = blocks
	for i := range blocks {
		if errs[i] != nil {
			good, culprit, err = blocks[:i], blocks[i], errs[i]
			break
		}
	}
	if bad, why := verifySignatures(sigs[:len(good)], m.knownSignatures()); why != nil {
		return good[:bad], good[bad], why
	}
	return good, culprit, err
}

// verifySignatures verifies those of several blocks in batches of about equal
// size over the cores, and returns the first block that has a bad one with its
// verdict, or nil. To refuse costs little more than to pass: only blocks in a
// batch that failed are verified again, up to the culprit, and one that came
// alone is not. What the cache knows is not verified again.
func verifySignatures(sigs [][]core.BlockSignature, cache core.SignatureCache) (bad int, verdict error) {
	all := slices.Concat(sigs...)
	n := len(all)
	parts := max(1, min(runtime.GOMAXPROCS(0), n/minBatch), (n+signature.MaxBatch-1)/signature.MaxBatch)
	errs := make([]error, parts)
	parallel(parts, func(i int) {
		errs[i] = core.VerifyUnknown(all[n*i/parts:n*(i+1)/parts], cache)
	})
	if len(sigs) == 1 {
		return 0, firstBroken(errs)
	}
	at := 0 // of the block's first signature in all
	for i := range sigs {
		end := at + len(sigs[i])
		for p, err := range errs {
			if err == nil || end <= n*p/parts || n*(p+1)/parts <= at {
				continue
			}
			if err := core.VerifyUnknown(sigs[i], cache); err != nil {
				return i, err
			}
			break
		}
		at = end
	}
	return 0, nil
}

// firstBroken is the verdict on a whole of which errs are those on its parts: a
// bad key comes before a bad signature.
func firstBroken(errs []error) (verdict error) {
	for _, err := range errs {
		if core.CodeOf(err) == core.ErrTxKey {
			return err
		}
		if verdict == nil {
			verdict = err
		}
	}
	return verdict
}

// knownSignatures is what verifying blocks takes of the pool's cache: those of
// payments that it has verified. Blocks add nothing to it. Their signatures are
// verified once, and would push out those of payments that still wait.
func (m *Manager) knownSignatures() core.SignatureCache {
	if m.pool == nil { // the chain is being opened
		return knownOnly{}
	}
	return knownOnly{m.pool.sigs}
}

// knownOnly is a cache that learns nothing; without one, it knows nothing.
type knownOnly struct{ cache core.SignatureCache }

// Has implements [core.SignatureCache].
func (k knownOnly) Has(it *signature.Item) bool { return k.cache != nil && k.cache.Has(it) }

// Add implements [core.SignatureCache].
func (k knownOnly) Add(*signature.Item) {}
