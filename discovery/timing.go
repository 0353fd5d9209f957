package discovery

import (
	"math/rand/v2"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	dialTimeout  = 5 * time.Second // one attempt, with handshake and identify
	checkTimeout = 2 * time.Second // a connection that does not answer so long is dead

	// When two peers find each other, the smaller id dials at once; the other
	// gives it this long before dialling itself, in case the first cannot.
	waitForDial    = 1500 * time.Millisecond
	waitForDialMax = 2500 * time.Millisecond

	// After a loss: this long, and one second more for the larger id.
	redialMin   = 200 * time.Millisecond
	redialMax   = time.Second
	redialLater = time.Second

	backoffFirst  = 500 * time.Millisecond // after the first failure; doubled by each further one
	backoffLAN    = 4 * time.Second        // at most, for addresses of a LAN
	backoffPublic = time.Minute            // at most, for others, and for LAN peers long gone
	backoffShort  = 30 * time.Second       // at most, for peers that hang up on us

	minDialGap   = 500 * time.Millisecond // between two attempts at one peer
	shortLived   = 10 * time.Second       // a connection lost earlier, and never joined, counts as a failure
	longGone     = 10 * time.Minute       // after so long without a sign, a peer gets backoffPublic
	forgetAfter  = time.Hour              // after so long without a sign, a peer that never joined is forgotten
	refusedFor   = time.Minute            // no dials after Refused
	claimHolds   = 5 * time.Minute        // a claim of our genesis outweighs later foreign ones so long
	freshConn    = 2 * time.Second        // a connection younger than this is not doubted
	sweepEvery   = 5 * time.Second        // repairs what events may have missed
	collectEvery = time.Minute            // a joined peer's addresses are looked up anew
	localEvery   = time.Second            // our own interfaces are looked at
	saveGap      = time.Second            // between two writes of the saved list
)

// between returns a random duration from lo to hi.
func between(lo, hi time.Duration) time.Duration {
	return lo + rand.N(hi-lo+1)
}

// backoff returns how long to wait after the n-th failure in a row: doubling
// from backoffFirst to limit, less up to a quarter at random, so that many
// nodes that lost one peer do not return in step.
func backoff(n int, limit time.Duration) time.Duration {
	d := limit
	if n < 1 {
		n = 1
	}
	if n < 16 { // 0.5 s << 15 is above every limit
		d = min(limit, backoffFirst<<(n-1))
	}
	return between(d*3/4, d)
}

// isLAN reports whether one of addrs is private, link-local or loopback.
func isLAN(addrs []ma.Multiaddr) bool {
	for _, a := range addrs {
		if manet.IsPrivateAddr(a) {
			return true
		}
	}
	return false
}
