package chain

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/ingchain/ingchain/core"
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
	if verifyBatches(sigs[:len(good)]) {
		return good, culprit, err
	}
	for i := range good {
		if err := core.VerifySignatures(sigs[i]); err != nil {
			return good[:i], good[i], err
		}
	}
	return good, culprit, err
}

// verifyBatches reports whether all signatures verify.
func verifyBatches(sigs [][]core.BlockSignature) bool {
	n := 0
	for i := range sigs {
		n += len(sigs[i])
	}
	if n == 0 {
		return true
	}
	all := make([]core.BlockSignature, 0, n)
	for i := range sigs {
		all = append(all, sigs[i]...)
	}
	parts := max(1, min(runtime.GOMAXPROCS(0), n/minBatch))
	var failed atomic.Bool
	parallel(parts, func(i int) {
		if core.VerifySignatures(all[n*i/parts:n*(i+1)/parts]) != nil {
			failed.Store(true)
		}
	})
	return !failed.Load()
}
