package miner

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"
	"sync/atomic"

	"github.com/holiman/uint256"

	"github.com/ingchain/ingchain/core"
)

const (
	// midstateSize is how much of a header stays fixed while searching, in
	// bytes: one block of SHA-256.
	midstateSize = 64
	// chunk is how many nonces a worker takes at a time. At some millions of
	// hashes a second it is done in about 10 ms, which is how soon a worker
	// notices that it is to stop.
	chunk = 1 << 16
)

// job is one template to search.
type job struct {
	header core.Header
	txs    []core.Transaction
	target uint256.Int
	next   atomic.Uint64 // first nonce that no worker has taken yet
	over   chan struct{} // closed once another job has taken its place
}

// searcher looks for the nonce of a header, which may be replaced while the
// workers go on.
type searcher struct {
	job    atomic.Pointer[job]
	hashes *atomic.Uint64 // counts the attempts
	usedUp chan struct{}  // one slot: poked when no nonce of the job is left
	found  atomic.Pointer[find]
}

// find is a header that meets its target, with its transactions.
type find struct {
	header core.Header
	txs    []core.Transaction
}

func newSearcher(hashes *atomic.Uint64) *searcher {
	return &searcher{hashes: hashes, usedUp: make(chan struct{}, 1)}
}

// set gives the workers another job, which they take up within some
// milliseconds. It is not to be called by two at the same time.
func (s *searcher) set(h core.Header, txs []core.Transaction) error {
	target, err := core.TargetFromBits(h.Bits)
	if err != nil {
		return fmt.Errorf("search nonce: bits %08x: %w", h.Bits, err)
	}
	old := s.job.Swap(&job{header: h, txs: txs, target: target, over: make(chan struct{})})
	if old != nil {
		close(old.over)
	}
	return nil
}

// search looks on as many workers as threads says, and returns once one has
// found a nonce or ctx ends.
func (s *searcher) search(ctx context.Context, threads int) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	for range threads {
		wg.Go(func() {
			if s.work(ctx) {
				stop()
			}
		})
	}
	wg.Wait()
}

// result returns what was found, if anything was.
func (s *searcher) result() (core.Header, []core.Transaction, bool) {
	f := s.found.Load()
	if f == nil {
		return core.Header{}, nil, false
	}
	return f.header, f.txs, true
}

// work takes chunks of nonces until one fits or ctx ends, and reports whether
// this worker found one.
func (s *searcher) work(ctx context.Context) bool {
	var at *job
	var p *power
	for ctx.Err() == nil {
		if j := s.job.Load(); j != at {
			at, p = j, newPower(&j.header)
		}
		start := at.next.Add(chunk) - chunk
		if start >= 1<<32 {
			s.wait(ctx, at)
			continue
		}
		nonce, tried, ok := p.scan(uint32(start), chunk, &at.target)
		s.hashes.Add(uint64(tried))
		if ok {
			f := &find{at.header, at.txs}
			f.header.Nonce = nonce
			return s.found.CompareAndSwap(nil, f)
		}
	}
	return false
}

// wait asks for another job and waits for it.
func (s *searcher) wait(ctx context.Context, j *job) {
	select {
	case s.usedUp <- struct{}{}:
	default:
	}
	select {
	case <-ctx.Done():
	case <-j.over:
	}
}

// power computes SHA-256d of one header with varying nonces, the first block of
// SHA-256 done once.
type power struct {
	digest   hash.Hash
	restore  encoding.BinaryUnmarshaler
	midstate []byte
	tail     [core.HeaderSize - midstateSize]byte
	sum      [sha256.Size]byte
}

func newPower(h *core.Header) *power {
	enc := h.Encode()
	d := sha256.New()
	d.Write(enc[:midstateSize])
	mid, err := d.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(fmt.Sprintf("miner: state of sha256: %v", err)) // the standard library's always can
	}
	p := &power{digest: d, restore: d.(encoding.BinaryUnmarshaler), midstate: mid}
	copy(p.tail[:], enc[midstateSize:])
	return p
}

// scan tries n nonces from start on and returns the first that meets target,
// and how many it tried.
func (p *power) scan(start uint32, n int, target *uint256.Int) (nonce uint32, tried int, ok bool) {
	// Ids are little-endian integers: their last eight bytes are the highest.
	top := target[3]
	for i := range n {
		nonce = start + uint32(i)
		id := p.hash(nonce)
		if binary.LittleEndian.Uint64(id[24:]) <= top && core.HashMeetsTarget(id, target) {
			return nonce, i + 1, true
		}
	}
	return 0, n, false
}

func (p *power) hash(nonce uint32) [sha256.Size]byte {
	binary.LittleEndian.PutUint32(p.tail[core.HeaderNonceOffset-midstateSize:], nonce)
	if err := p.restore.UnmarshalBinary(p.midstate); err != nil {
		panic(fmt.Sprintf("miner: state of sha256: %v", err))
	}
	p.digest.Write(p.tail[:])
	return sha256.Sum256(p.digest.Sum(p.sum[:0]))
}
