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

// searcher looks for the nonce of one header. Workers share it.
type searcher struct {
	header core.Header
	target uint256.Int
	next   atomic.Uint64 // first nonce that no worker has taken yet
	hashes *atomic.Uint64
	found  atomic.Bool

	mu     sync.Mutex
	result core.Header // guarded by mu; set once found is
}

// search looks for a nonce for h on as many workers as threads says, and
// returns the header with it. It returns false when ctx ends or no nonce of
// the 2^32 fits. hashes counts the attempts.
func search(ctx context.Context, h core.Header, threads int, hashes *atomic.Uint64) (core.Header, bool, error) {
	target, err := core.TargetFromBits(h.Bits)
	if err != nil {
		return h, false, fmt.Errorf("search nonce: bits %08x: %w", h.Bits, err)
	}
	s := &searcher{header: h, target: target, hashes: hashes}
	var wg sync.WaitGroup
	for range threads {
		wg.Go(func() { s.work(ctx) })
	}
	wg.Wait()
	if !s.found.Load() {
		return h, false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.result, true, nil
}

// work takes chunks of nonces until one fits, none is left or ctx ends.
func (s *searcher) work(ctx context.Context) {
	p := newPower(&s.header)
	for ctx.Err() == nil && !s.found.Load() {
		start := s.next.Add(chunk) - chunk
		if start >= 1<<32 {
			return
		}
		nonce, tried, ok := p.scan(uint32(start), chunk, &s.target)
		s.hashes.Add(uint64(tried))
		if ok && s.found.CompareAndSwap(false, true) {
			s.mu.Lock()
			s.result = s.header
			s.result.Nonce = nonce
			s.mu.Unlock()
			return
		}
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
