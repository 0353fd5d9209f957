package discovery

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	maxKnown    = 1024 // peers in the table
	maxPinned   = 6    // addresses of one peer
	evictSample = 32   // peers looked at to find one to give up
)

// entry is what the Dialer knows of one peer. Guarded by Dialer.mu.
type entry struct {
	id    peer.ID
	addrs []ma.Multiaddr // at most maxAddrs, without /p2p

	// pinned are addresses that no claim over mDNS can displace: those the
	// user gave and, first, the one over which the peer was last joined.
	// Invariant: at most maxPinned; addrs begins with them.
	pinned []ma.Multiaddr

	// Where we know it from; several may hold. If none does, it dialled us.
	static, saved, mdns bool
	listed              bool // in the saved list now

	genesis  string    // as claimed; "" unknown
	ours     time.Time // last claim of our genesis, by a source or by Joined
	instance string    // see Found.Instance
	lastSeen time.Time // last sign of life: seen, connected or lost

	connected   bool
	connectedAt time.Time
	joined      bool      // past hello, on the connection that is
	joinedOnce  bool      // past hello, at any time in this run
	collected   time.Time // when addresses were last looked up after joining

	refused      string    // reason, "" if not refused
	refusedUntil time.Time // no dials before

	// Invariant: next is zero while connected or dialling. Zero means that no
	// dial is planned.
	next    time.Time
	last    time.Time     // last attempt
	dialing chan struct{} // closed at the end of the attempt under way; nil if there is none
	short   bool          // the last failure was a connection that did not live
	fails   int           // in a row
	lastErr string

	check    bool // connections are to be doubted
	checking bool
}

// pin puts addrs first and keeps them there.
func (e *entry) pin(addrs []ma.Multiaddr) {
	e.pinned, _ = mergeAddrs(addrs, e.pinned)
	e.pinned = e.pinned[:min(len(e.pinned), maxPinned)]
	e.add(nil, false)
}

// add puts addrs behind the pinned ones, and drops the others if they are
// outdated. It reports whether there was one among addrs that is new.
func (e *entry) add(addrs []ma.Multiaddr, outdated bool) bool {
	old := e.addrs
	if outdated {
		old = nil
	}
	_, isNew := mergeAddrs(addrs, e.addrs)
	merged, _ := mergeAddrs(addrs, old)
	e.addrs, _ = mergeAddrs(e.pinned, merged)
	return isNew
}

// known reports whether the peer is more than a stranger. Such peers are never
// evicted, and strangers cannot take all dial slots.
func (e *entry) known() bool { return e.static || e.listed }

func (e *entry) kind() Kind {
	switch {
	case e.static:
		return KindStatic
	case e.mdns:
		return KindMDNS
	case e.saved:
		return KindSaved
	}
	return KindInbound
}

// wanted reports whether the peer should be dialled while not connected.
func (e *entry) wanted() bool { return e.known() || e.joinedOnce || !e.ours.IsZero() }

// limit returns the longest wait between two dials.
func (e *entry) limit(now time.Time) time.Duration {
	switch {
	case e.short:
		return backoffShort
	case !e.mdns && !isLAN(e.addrs):
		return backoffPublic
	case !e.static && now.Sub(e.lastSeen) > longGone:
		return backoffPublic
	}
	return backoffLAN
}

// table holds the entries. It is a value without a lock.
type table map[peer.ID]*entry

// get returns the entry of p, made if need be and if there is room: else nil.
func (t table) get(p peer.ID, now time.Time) (e *entry, isNew bool) {
	if e = t[p]; e != nil {
		return e, false
	}
	if len(t) >= maxKnown && !t.evict() {
		return nil, false
	}
	e = &entry{id: p, lastSeen: now}
	t[p] = e
	return e, true
}

// evict removes one of a random sample of strangers: of another network
// first, then the one that failed most often, then the one seen longest ago.
// (The choice is random so that a flood of new names cannot push out an
// honest one for certain.) It reports whether it found one.
func (t table) evict() bool {
	var victim *entry
	seen := 0
	for _, e := range t {
		if e.known() || e.connected || e.dialing != nil {
			continue
		}
		if victim == nil || worse(e, victim) {
			victim = e
		}
		if seen++; seen == evictSample {
			break
		}
	}
	if victim == nil {
		return false
	}
	delete(t, victim.id)
	return true
}

func worse(a, b *entry) bool {
	if a.wanted() != b.wanted() {
		return !a.wanted()
	}
	if a.fails != b.fails {
		return a.fails > b.fails
	}
	return a.lastSeen.Before(b.lastSeen)
}
