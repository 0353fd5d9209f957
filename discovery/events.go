package discovery

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// found is the sink of every source.
func (d *Dialer) found(f Found) {
	if f.Peer == d.nw.ID() || f.Peer.Validate() != nil {
		return
	}
	now := time.Now()
	d.mu.Lock()
	e, isNew := d.table.get(f.Peer, now)
	if e != nil {
		if f.Genesis != "" && f.Genesis != d.genesis {
			d.foundStranger(e, f, now)
		} else {
			d.foundOurs(e, f, isNew, now)
		}
	}
	d.mu.Unlock()
	d.wake()
}

// foundStranger notes a peer of another network. The caller holds d.mu.
func (d *Dialer) foundStranger(e *entry, f Found, now time.Time) {
	// Anybody can claim anything of anybody over mDNS: what we know better
	// stays.
	if e.static || e.joined || now.Sub(e.ours) < claimHolds {
		return
	}
	e.mdns = e.mdns || f.Kind == KindMDNS
	e.genesis, e.instance, e.lastSeen, e.ours = f.Genesis, f.Instance, now, time.Time{}
	e.add(f.Addrs, false)
	if !e.wanted() {
		e.next = time.Time{}
	}
}

// foundOurs notes a peer of our network, and has it dialled at once if there
// is news of it. The caller holds d.mu.
func (d *Dialer) foundOurs(e *entry, f Found, isNew bool, now time.Time) {
	restarted := e.instance != "" && f.Instance != e.instance
	newAddrs := e.add(f.Addrs, restarted)
	first := e.ours.IsZero() && !e.joinedOnce // in this run
	switch f.Kind {
	case KindMDNS:
		e.mdns = true
	case KindStatic:
		e.static = true
	}
	e.genesis, e.instance, e.ours, e.lastSeen = d.genesis, f.Instance, now, now
	if restarted {
		e.refused, e.refusedUntil = "", time.Time{}
	}
	if !isNew && !first && !newAddrs && !restarted {
		if e.next.IsZero() {
			d.schedule(e, now, now.Add(d.tieBreak(e)))
		}
		return
	}
	e.fails, e.short = 0, false
	if e.connected && restarted && now.Sub(e.connectedAt) > freshConn {
		e.check = true // the connection may be with what the peer was before
	}
	d.schedule(e, now, now.Add(d.tieBreak(e)))
}

// changed compares what we believe of a peer's connection with what is.
func (d *Dialer) changed(p peer.ID) {
	connected := d.nw.Connected(p)
	if connected && d.gater.Blocked(p) {
		// Its handshake had passed the gater when it was blocked.
		d.keepOut(p)
		connected = d.nw.Connected(p)
	}
	now := time.Now()
	d.mu.Lock()
	if connected {
		d.connected(p, now)
	} else {
		d.disconnected(p, now)
	}
	d.mu.Unlock()
	d.wake()
}

// connected notes a connection. The caller holds d.mu.
func (d *Dialer) connected(p peer.ID, now time.Time) {
	e, _ := d.table.get(p, now)
	if e == nil || e.connected {
		return
	}
	e.connected, e.connectedAt, e.lastSeen, e.next = true, now, now, time.Time{}
	e.lastErr = ""
}

// disconnected notes the end of the last connection, and plans the next. The
// caller holds d.mu.
func (d *Dialer) disconnected(p peer.ID, now time.Time) {
	e := d.table[p]
	if e == nil || !e.connected {
		return
	}
	lived := e.joined || now.Sub(e.connectedAt) >= shortLived
	e.connected, e.joined, e.check, e.lastSeen = false, false, false, now
	switch {
	case !e.wanted():
		if !e.mdns {
			delete(d.table, p) // a stranger that came and went
		}
	case lived:
		e.fails, e.short = 0, false
		d.schedule(e, now, now.Add(d.redial(e)))
	default:
		e.short = true
		d.failed(e, now, "the connection ended before hello")
	}
}

// sweep repairs what missed events left wrong, forgets strangers long gone,
// and looks up the addresses of joined peers.
func (d *Dialer) sweep() {
	now := time.Now()
	type state struct {
		p                  peer.ID
		believed, actually bool
		collect            bool
	}
	var all []state
	d.mu.Lock()
	for p, e := range d.table {
		if !e.known() && !e.connected && e.dialing == nil && now.Sub(e.lastSeen) > forgetAfter {
			delete(d.table, p)
			continue
		}
		all = append(all, state{p: p, believed: e.connected, collect: e.joined && now.Sub(e.collected) > collectEvery})
	}
	d.mu.Unlock()
	for _, s := range all {
		if s.actually = d.nw.Connected(s.p); s.actually != s.believed {
			d.changed(s.p)
		}
		if s.collect {
			d.collect(s.p)
		}
	}
	d.mu.Lock()
	for _, e := range d.table {
		if e.wanted() && e.next.IsZero() {
			d.schedule(e, now, now.Add(backoff(e.fails, e.limit(now))))
		}
	}
	d.mu.Unlock()
}

// collect looks up where a joined peer can be dialled, and saves that.
func (d *Dialer) collect(p peer.ID) {
	addrs := d.nw.Addrs(p)
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.table[p]
	if e == nil || !e.joined {
		return
	}
	if len(addrs) > 0 {
		e.collected = now
		e.pin(addrs[:1])
	}
	e.add(addrs, false)
	d.save(e, now)
}

// save puts a joined peer into the saved list. The caller holds d.mu.
func (d *Dialer) save(e *entry, now time.Time) {
	if d.path == "" || len(e.addrs) == 0 {
		return
	}
	dropped := d.saved.put(savedPeer{ID: e.id, Genesis: d.genesis, LastSeen: now.UTC().Truncate(time.Second), Addrs: stringsOf(e.addrs)})
	e.listed = true
	for _, p := range dropped {
		if old := d.table[p]; old != nil {
			old.listed = false
		}
	}
	select {
	case d.pokeSave <- struct{}{}:
	default:
	}
}

func stringsOf(addrs []ma.Multiaddr) []string {
	out := make([]string, 0, len(addrs))
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}
