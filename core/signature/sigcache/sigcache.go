// Package sigcache remembers signatures that have verified, so that a payment
// that waited in the pool costs no second verification when its block comes. It
// forgets at random, and never says that it knows what it was not given.
//
// It verifies nothing itself: core.VerifyUnknown does, and adds what passed.
// Start with [New].
package sigcache

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"sync"

	"github.com/ingchain/ingchain/core/signature"
)

const (
	// DefaultEntries is how many signatures a node remembers: those of three of
	// the largest blocks. They take 2 MiB.
	DefaultEntries = 1 << 17

	tagSize  = 16 // bytes of a salted hash that stand for a signature
	saltSize = 16 // bytes
	ways     = 8  // places where one signature may stand
	shards   = 16 // locks, so that cores seldom wait for each other
)

// Cache is a bounded set of good signatures: triples of key, message and
// signature. It is safe for concurrent use.
type Cache struct {
	// salt is secret and of this process alone: nobody can choose signatures
	// that stand for each other, or that push a certain one out.
	salt   [saltSize]byte
	shards [shards]shard
}

type shard struct {
	mu   sync.Mutex
	sets []set // guarded by mu; their number is a power of two
}

// set holds tags at their places; a tag of zeros is an empty place.
type set [ways][tagSize]byte

// New returns an empty cache for about that many signatures, all of whose
// memory it takes at once: 16 bytes each, rounded up to a power of two.
func New(entries int) *Cache {
	c := &Cache{}
	_, _ = rand.Read(c.salt[:]) // never fails
	perShard := (max(entries, 1) + shards*ways - 1) / (shards * ways)
	sets := 1 << bits.Len(uint(perShard-1))
	for i := range c.shards {
		c.shards[i].sets = make([]set, sets)
	}
	return c
}

// Has reports whether a signature was added and is not forgotten.
func (c *Cache) Has(it *signature.Item) bool {
	p := c.place(it)
	s := &c.shards[p.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.find(&p)
	return known
}

// Add remembers a signature, which must have verified, and may forget another.
func (c *Cache) Add(it *signature.Item) {
	p := c.place(it)
	s := &c.shards[p.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	at, known := s.find(&p)
	if !known {
		s.sets[p.set%uint64(len(s.sets))][at] = p.tag
	}
}

// place is where a signature belongs.
type place struct {
	tag    [tagSize]byte
	shard  int
	set    uint64
	victim int // the place in the set that it takes if none is free
}

// place spends the salted hash: half on the tag, the rest on the place, which
// thus is as good as random.
func (c *Cache) place(it *signature.Item) (p place) {
	var b [saltSize + signature.PublicKeySize + 32 + signature.SignatureSize]byte
	at := copy(b[:], c.salt[:])
	at += copy(b[at:], it.PublicKey[:])
	at += copy(b[at:], it.Message[:])
	copy(b[at:], it.Signature[:])
	sum := sha256.Sum256(b[:])
	copy(p.tag[:], sum[:tagSize])
	p.set = binary.LittleEndian.Uint64(sum[tagSize:])
	p.shard = int(sum[24] % shards)
	p.victim = int(sum[25] % ways)
	return p
}

// find returns the place of a tag that is known, or else one that it may take.
// The shard's lock is held.
func (s *shard) find(p *place) (at int, known bool) {
	set := &s.sets[p.set%uint64(len(s.sets))]
	at = p.victim
	for i := range set {
		if set[i] == p.tag {
			return i, true
		}
		if set[i] == ([tagSize]byte{}) {
			at = i
		}
	}
	return at, false
}
