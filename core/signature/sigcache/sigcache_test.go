package sigcache

import (
	"encoding/binary"
	"sync"
	"testing"

	"github.com/ingchain/ingchain/core/signature"
)

// item is the n-th of many; the cache does not ask whether it is good.
func item(n int) *signature.Item {
	it := &signature.Item{PublicKey: new([signature.PublicKeySize]byte), Signature: new([signature.SignatureSize]byte)}
	binary.LittleEndian.PutUint64(it.Message[:], uint64(n))
	return it
}

func known(c *Cache, from, to int) (n int) {
	for i := from; i < to; i++ {
		if c.Has(item(i)) {
			n++
		}
	}
	return n
}

func TestRemembersWhatWasAdded(t *testing.T) {
	c := New(1024)
	if c.Has(item(1)) {
		t.Error("an empty cache knows a signature")
	}
	for range 100 {
		c.Add(item(1)) // takes one place, however often
	}
	c.Add(item(2))
	if !c.Has(item(1)) || !c.Has(item(2)) || c.Has(item(3)) {
		t.Error("it knows what was not added, or not what was")
	}
}

// Each part of the triple counts, and their borders.
func TestTheWholeTripleCounts(t *testing.T) {
	c := New(1024)
	c.Add(item(0))
	for name, change := range map[string]func(it *signature.Item){
		"key":       func(it *signature.Item) { it.PublicKey[31] ^= 1 },
		"message":   func(it *signature.Item) { it.Message[31] ^= 1 },
		"R":         func(it *signature.Item) { it.Signature[0] ^= 1 },
		"S":         func(it *signature.Item) { it.Signature[63] ^= 1 },
		"the order": func(it *signature.Item) { it.PublicKey[0], it.Message[0] = 1, 0 },
	} {
		it := item(0)
		change(it)
		if c.Has(it) {
			t.Errorf("another %s is known", name)
		}
	}
}

// Far more than fit are added: what it holds stays bounded, and those of late
// are mostly there.
func TestForgetsWhenFull(t *testing.T) {
	const entries, many = 2048, 20_000
	c := New(entries)
	for i := range many {
		c.Add(item(i))
	}
	if n := known(c, 0, many); n > entries || n < entries/2 {
		t.Errorf("%d of %d are known, the size is %d", n, many, entries)
	}
	if n := known(c, many-entries/4, many); n < entries/4*7/10 {
		t.Errorf("%d of the last %d are known", n, entries/4)
	}
}

// Half full, it has lost little.
func TestKeepsWhatFits(t *testing.T) {
	c := New(4096)
	for i := range 2048 {
		c.Add(item(i))
	}
	if n := known(c, 0, 2048); n < 2000 {
		t.Errorf("%d of 2048 are known", n)
	}
}

// What falls into one set differs from process to process, or somebody could
// push out what he likes.
func TestSaltsDiffer(t *testing.T) {
	a, b := New(1<<16), New(1<<16)
	same := 0
	for i := range 100 {
		p, q := a.place(item(i)), b.place(item(i))
		if p.tag == q.tag || p.set == q.set {
			same++
		}
	}
	if same > 0 {
		t.Errorf("%d of 100 have one place in two caches", same)
	}
}

func TestSizes(t *testing.T) {
	for entries, want := range map[int]int{-1: 1, 0: 1, 1: 1, 128: 1, 129: 2, 1000: 8, DefaultEntries: 1024} {
		if got := len(New(entries).shards[0].sets); got != want {
			t.Errorf("%d entries: %d sets a shard, want %d", entries, got, want)
		}
	}
}

// Run with the race detector.
func TestManyAtOnce(t *testing.T) {
	c := New(DefaultEntries)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				c.Add(item(i + w*1000))
				if !c.Has(item(i + w*1000)) {
					t.Errorf("%d is forgotten at once", i)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkHas(b *testing.B) {
	c, it := New(DefaultEntries), item(1)
	c.Add(it)
	for b.Loop() {
		c.Has(it)
	}
}
