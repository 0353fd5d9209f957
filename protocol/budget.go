package protocol

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// What payments may cost us. An honest node passes on what it has taken, at most
// its own share of gossip, and what it publishes itself; so what a peer may send
// is the sum of both, and no honest peer ever sends more.
const (
	// Signatures of payments that gossip brings, of all peers: a second of them
	// takes about half of one core's, whatever they are worth.
	gossipSignatures      = 12_000 // a second
	gossipSignaturesBurst = 12_000
	gossipBytes           = 4 << 20 // a second
	gossipBytesBurst      = 8 << 20

	// What we publish ourselves.
	publishSignatures      = 4_000 // a second
	publishSignaturesBurst = 8_000
	publishBytes           = 1 << 20 // a second
	publishBytesBurst      = 2 << 20

	// What one peer may send.
	peerSignatures      = gossipSignatures + publishSignatures
	peerSignaturesBurst = gossipSignaturesBurst + publishSignaturesBurst
	peerBytes           = gossipBytes + publishBytes
	peerBytesBurst      = gossipBytesBurst + publishBytesBurst

	// junkFactor is how many signatures one counts for in a payment that came to
	// nothing: a peer that sends only such gets a thousand a second looked at.
	junkFactor = 16

	// searchFactor is how much more a batch with a bad signature costs than a good
	// one: culprits are looked for.
	searchFactor = 4

	// excessBatches is how many batches above its share a peer may send before it
	// is taken for a flood and disconnected, and excessRate how many of these are
	// forgotten a second.
	excessBatches = 5_000
	excessRate    = 50

	// Payments that we ask peers for, of all peers.
	fetchSignatures      = 4_000 // a second
	fetchSignaturesBurst = 8_000
	fetchBytes           = 4 << 20 // a second
	fetchBytesBurst      = 8 << 20
)

// bucket is a token bucket. What turns out dear may be charged afterwards, so
// that the level falls below zero, by the burst at most.
type bucket struct {
	rate, burst float64 // tokens a second, tokens at once
	level       float64
	at          time.Time // of the level
}

func newBucket(rate, burst float64) bucket { return bucket{rate: rate, burst: burst, level: burst} }

func (b *bucket) fill(now time.Time) {
	if !b.at.IsZero() {
		b.level = min(b.burst, b.level+b.rate*max(0, now.Sub(b.at).Seconds()))
	}
	b.at = now
}

// has reports whether n tokens, or as many as there can be, are there.
func (b *bucket) has(n int, now time.Time) bool {
	b.fill(now)
	return b.level >= min(float64(n), b.burst)
}

// charge takes n tokens, whether they are there or not.
func (b *bucket) charge(n int, now time.Time) {
	b.fill(now)
	b.level = max(b.level-float64(n), -b.burst)
}

// wait returns how long it takes until n tokens are there.
func (b *bucket) wait(n int, now time.Time) time.Duration {
	b.fill(now)
	lack := min(float64(n), b.burst) - b.level
	if lack <= 0 {
		return 0
	}
	return time.Duration(lack/b.rate*float64(time.Second)) + time.Millisecond
}

// account is a peer's share of what payments may cost.
type account struct {
	signatures, bytes bucket
	excess            bucket // batches above that share
	waiting           int    // batches that wait for their turn
}

func newAccount() account {
	return account{
		signatures: newBucket(peerSignatures, peerSignaturesBurst), bytes: newBucket(peerBytes, peerBytesBurst),
		excess: newBucket(excessRate, excessBatches),
	}
}

// admitBytes takes a message's bytes off the share of its sender and that of
// all, and reports whether both have them.
func (t *txRelay) admitBytes(p peer.ID, n int) bool {
	return t.admit(p, n, &t.bytes, func(a *account) *bucket { return &a.bytes })
}

// admitSignatures does the same with signatures.
func (t *txRelay) admitSignatures(p peer.ID, n int) bool {
	return t.admit(p, n, &t.signatures, func(a *account) *bucket { return &a.signatures })
}

func (t *txRelay) admit(p peer.ID, n int, all *bucket, of func(*account) *bucket) bool {
	now := time.Now()
	s := t.s
	s.mu.Lock()
	a := &s.entry(p).payments
	own := of(a)
	ok, flood := own.has(n, now), false
	if ok {
		own.charge(n, now)
	} else {
		flood = !a.excess.has(1, now)
		a.excess.charge(1, now)
	}
	s.mu.Unlock()
	if flood {
		s.disconnect(p, "more payments than its share, again and again")
	}
	if !ok {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !all.has(n, now) {
		return false
	}
	all.charge(n, now)
	return true
}

// chargeSearch takes what the search for bad signatures has cost off the share of
// all.
func (t *txRelay) chargeSearch(signatures int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.signatures.charge(signatures*(searchFactor-1), time.Now())
}

// chargeJunk makes a peer pay for payments that came to nothing, by their
// signatures.
func (t *txRelay) chargeJunk(p peer.ID, signatures int) {
	if signatures == 0 {
		return
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.s.entry(p).payments.signatures.charge(signatures*(junkFactor-1), time.Now())
}

// recent is a set that forgets: what was added stays for between one and two
// generations.
type recent[K comparable] struct {
	most     int // of a generation
	age      time.Duration
	new, old map[K]struct{}
	since    time.Time // when new began
}

func newRecent[K comparable](most int, age time.Duration) recent[K] {
	return recent[K]{most: most, age: age, new: make(map[K]struct{})}
}

// turn begins a generation if the newest is old.
func (r *recent[K]) turn(now time.Time) {
	switch age := now.Sub(r.since); {
	case age >= 2*r.age:
		r.begin(now)
		r.old = nil
	case age >= r.age:
		r.begin(now)
	}
}

func (r *recent[K]) begin(now time.Time) {
	r.old, r.new, r.since = r.new, make(map[K]struct{}), now
}

func (r *recent[K]) add(k K, now time.Time) {
	if r.turn(now); len(r.new) >= r.most {
		r.begin(now)
	}
	r.new[k] = struct{}{}
}

func (r *recent[K]) has(k K, now time.Time) bool {
	r.turn(now)
	_, young := r.new[k]
	_, old := r.old[k]
	return young || old
}

func (r *recent[K]) remove(k K) {
	delete(r.new, k)
	delete(r.old, k)
}
