package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// ErrSelf is returned by Connect for our own peer id.
var ErrSelf = errors.New("that is this node itself")

// PeerInfo is what the Dialer knows of a peer at one moment.
type PeerInfo struct {
	Peer      peer.ID
	Addrs     []ma.Multiaddr // without /p2p
	Kind      Kind
	Genesis   string // as the peer or a source claimed; "" if nobody has
	Connected bool
	Joined    bool   // past hello
	Blocked   bool   // by Block
	Refused   string // why hello failed, "" if it did not
	Fails     int    // failed attempts in a row
	LastError string
	LastSeen  time.Time
	NextDial  time.Time // zero if none is planned
}

// Joined tells that p is past hello and of our network: it will be redialled
// after a loss, and remembered for the next start.
func (d *Dialer) Joined(p peer.ID) {
	now := time.Now()
	d.mu.Lock()
	if e, _ := d.table.get(p, now); e != nil {
		e.joined, e.joinedOnce = true, true
		e.refused, e.refusedUntil = "", time.Time{}
		e.fails, e.short, e.lastErr = 0, false, ""
		e.genesis, e.ours, e.lastSeen = d.genesis, now, now
	}
	d.mu.Unlock()
	d.nw.Protect(p, true)
	d.collect(p)
}

// Lost tells that p no longer answers the protocol. If a connection is left,
// it is checked, and closed if dead; a peer without one is redialled.
func (d *Dialer) Lost(p peer.ID) {
	d.nw.Protect(p, false)
	d.mu.Lock()
	if e := d.table[p]; e != nil && e.connected {
		e.joined, e.check = false, true
	}
	d.mu.Unlock()
	d.changed(p)
}

// Doubt tells that some connection with p may be dead, for example because p has
// made another: those that do not answer are closed.
func (d *Dialer) Doubt(p peer.ID) {
	d.mu.Lock()
	if e := d.table[p]; e != nil && e.connected {
		e.check = true
	}
	d.mu.Unlock()
	d.wake()
}

// Refused tells that hello with p failed for a reason that will not pass
// soon, such as another genesis: no dial for a minute, unless p restarts and
// claims our genesis, or Connect is called. The connection is not closed.
func (d *Dialer) Refused(p peer.ID, reason string) {
	now := time.Now()
	d.nw.Protect(p, false)
	d.mu.Lock()
	defer d.mu.Unlock()
	e, _ := d.table.get(p, now)
	if e == nil {
		return
	}
	e.joined, e.joinedOnce = false, false
	e.refused, e.refusedUntil = reason, now.Add(refusedFor)
	if !e.next.IsZero() {
		e.next = e.refusedUntil
	}
}

// Block disconnects p and keeps it away, in both directions, until Unblock or
// Connect, or the end of the process.
func (d *Dialer) Block(p peer.ID) error {
	d.blocking.Lock()
	defer d.blocking.Unlock()
	d.gater.set(p, true)
	d.nw.Protect(p, false)
	d.mu.Lock()
	if e := d.table[p]; e != nil {
		e.next = time.Time{}
	}
	d.mu.Unlock()
	if err := d.nw.Disconnect(p); err != nil {
		return fmt.Errorf("disconnect %s: %w", p, err)
	}
	return nil
}

// Unblock lets a blocked peer in again, and dials it if it is one of ours.
func (d *Dialer) Unblock(p peer.ID) {
	d.letIn(p)
	now := time.Now()
	d.mu.Lock()
	if e := d.table[p]; e != nil && e.wanted() {
		d.schedule(e, now, now)
	}
	d.mu.Unlock()
	d.wake()
}

// letIn has the gater allow p.
func (d *Dialer) letIn(p peer.ID) {
	d.blocking.Lock()
	defer d.blocking.Unlock()
	d.gater.set(p, false)
}

// keepOut disconnects p if it is blocked.
func (d *Dialer) keepOut(p peer.ID) {
	d.blocking.Lock()
	defer d.blocking.Unlock()
	if !d.gater.Blocked(p) {
		return
	}
	if err := d.nw.Disconnect(p); err != nil {
		d.log.Debug("cannot disconnect a blocked peer", "peer", p, "err", err)
	}
}

// Blocked reports whether p is kept away.
func (d *Dialer) Blocked(p peer.ID) bool { return d.gater.Blocked(p) }

// Connect unblocks a peer, dials it now, and keeps it as a static peer until
// the process ends, also if this first attempt fails. It returns when there
// is a connection; hello comes after that.
func (d *Dialer) Connect(ctx context.Context, info peer.AddrInfo) error {
	if info.ID == d.nw.ID() {
		return ErrSelf
	}
	if err := info.ID.Validate(); err != nil {
		return fmt.Errorf("peer id: %w", err)
	}
	now := time.Now()
	d.letIn(info.ID)
	d.mu.Lock()
	e, _ := d.table.get(info.ID, now)
	if e == nil {
		d.mu.Unlock()
		return errors.New("too many peers are known and in use to add another")
	}
	e.static = true
	e.pin(info.Addrs)
	e.refused, e.refusedUntil, e.fails, e.short = "", time.Time{}, 0, false
	e.next, e.last = time.Time{}, now
	info.Addrs = slices.Clone(e.addrs)
	dialing := e.dialing
	d.mu.Unlock()

	err := d.connect(ctx, info)
	if errors.Is(err, errHungUp) && dialing != nil {
		// A dial that joins one under way is given that one's connection by
		// libp2p, even if it was closed since: Block may have done so.
		select {
		case <-dialing:
			err = d.connect(ctx, info)
		case <-ctx.Done():
		}
	}
	d.dialed(ctx, info.ID, err)
	d.wake()
	if err != nil {
		return fmt.Errorf("connect to %s: %w", info.ID, err)
	}
	return nil
}

// Peers returns what is known of every peer, in the order of their ids.
func (d *Dialer) Peers() []PeerInfo {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]PeerInfo, 0, len(d.table))
	for _, e := range d.table {
		out = append(out, PeerInfo{
			Peer: e.id, Addrs: slices.Clone(e.addrs), Kind: e.kind(), Genesis: e.genesis,
			Connected: e.connected, Joined: e.joined, Blocked: d.gater.Blocked(e.id), Refused: e.refused,
			Fails: e.fails, LastError: e.lastErr, LastSeen: e.lastSeen, NextDial: e.next,
		})
	}
	slices.SortFunc(out, func(a, b PeerInfo) int { return strings.Compare(string(a.Peer), string(b.Peer)) })
	return out
}
