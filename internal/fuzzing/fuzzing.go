// Package fuzzing is what fuzz targets of several packages share: a [Source]
// turns the fuzzer's bytes into choices, and [Proportional] holds a decoder to
// memory in proportion to its input. It is for tests only.
package fuzzing

import (
	"encoding/binary"
	"runtime"
	"runtime/metrics"
	"testing"
)

const (
	// slack is what a decoder may allocate whatever its input, in bytes: errors,
	// maps, a first slab.
	slack = 16 << 10
	// tries is how often a suspicious measurement is repeated: what the runtime
	// allocates beside counts too.
	tries = 3
)

// Source draws choices from bytes, in order; when they have run out, every
// choice is the first. So each input has a meaning, a longer one extends it, and
// the fuzzer can vary one choice without disturbing the others.
type Source struct{ rest []byte }

// New returns a source of b.
func New(b []byte) *Source { return &Source{b} }

// Empty reports whether all bytes are used.
func (s *Source) Empty() bool { return len(s.rest) == 0 }

// Byte draws a byte.
func (s *Source) Byte() byte {
	if s.Empty() {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

// Intn draws a number from 0 to n-1, of at most 256.
func (s *Source) Intn(n int) int { return int(s.Byte()) % n }

// Rarely reports true in one of n cases, and never once the bytes have run out.
func (s *Source) Rarely(n int) bool { return s.Intn(n) == n-1 }

// Uint64 draws eight bytes.
func (s *Source) Uint64() uint64 { return binary.LittleEndian.Uint64(s.Bytes(8)) }

// Bytes draws n bytes; zeros stand for missing ones.
func (s *Source) Bytes(n int) []byte {
	b := make([]byte, n)
	s.rest = s.rest[copy(b, s.rest):]
	return b
}

// Rest draws all bytes that are left.
func (s *Source) Rest() []byte {
	b := s.rest
	s.rest = nil
	return b
}

// Of draws one of the choices.
func Of[T any](s *Source, choices ...T) T { return choices[s.Intn(len(choices))] }

// Proportional runs f and fails if it allocates more than factor bytes per byte
// of an input of size bytes, and some slack. f must do the same if it is run
// again.
func Proportional(t testing.TB, size, factor int, f func()) {
	t.Helper()
	limit := uint64(slack + factor*size)
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	f()
	metrics.Read(sample)
	// This is cheap and coarse: it counts whole spans of small objects when they
	// are full. A suspicion is measured exactly.
	if sample[0].Value.Uint64()-before <= limit {
		return
	}
	least := allocated(f)
	for n := 1; n < tries && least > limit; n++ {
		least = min(least, allocated(f))
	}
	if least > limit {
		t.Fatalf("%d bytes of input take %d bytes of memory, at most %d are allowed", size, least, limit)
	}
}

// allocated measures what f allocates, exactly but slowly.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
