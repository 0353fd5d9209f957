package discovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

var lanAddr = ma.StringCast("/ip4/192.168.1.7/tcp/8555")

// fakeNet is a Network in which dials end as answer says. Everything is
// recorded with the virtual time since its start.
type fakeNet struct {
	self  peer.ID
	start time.Time

	mu        sync.Mutex
	answer    func(ctx context.Context, info peer.AddrInfo) error // nil: the dial succeeds
	dead      map[peer.ID]bool                                    // connected in our belief only: Check closes
	connected map[peer.ID]bool
	dials     map[peer.ID][]time.Duration
	given     map[peer.ID][]ma.Multiaddr // addresses of the last dial
	stale     int                        // so many dials return a connection that is closed
	cutting   func()                     // called by Disconnect before it acts
	pending   int
	maxPend   int
	checks    int
	changed   func(peer.ID)
}

func newFakeNet(self peer.ID) *fakeNet {
	return &fakeNet{
		self: self, start: time.Now(), dead: map[peer.ID]bool{}, connected: map[peer.ID]bool{},
		dials: map[peer.ID][]time.Duration{}, given: map[peer.ID][]ma.Multiaddr{},
	}
}

func (n *fakeNet) ID() peer.ID { return n.self }

func (n *fakeNet) Connect(ctx context.Context, info peer.AddrInfo) error {
	n.mu.Lock()
	n.dials[info.ID] = append(n.dials[info.ID], time.Since(n.start))
	n.given[info.ID] = info.Addrs
	n.pending++
	n.maxPend = max(n.maxPend, n.pending)
	answer := n.answer
	n.mu.Unlock()
	var err error
	if answer != nil {
		err = answer(ctx, info)
	}
	n.mu.Lock()
	n.pending--
	stale := n.stale > 0
	n.stale = max(0, n.stale-1)
	n.mu.Unlock()
	if err == nil && !stale {
		n.set(info.ID, true)
	}
	return err
}

// set makes or ends a connection, as if the other side had.
func (n *fakeNet) set(p peer.ID, connected bool) {
	n.mu.Lock()
	n.connected[p] = connected
	changed := n.changed
	n.mu.Unlock()
	if changed != nil {
		changed(p)
	}
}

func (n *fakeNet) Connected(p peer.ID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.connected[p]
}

func (n *fakeNet) Disconnect(p peer.ID) error {
	n.mu.Lock()
	cutting := n.cutting
	n.mu.Unlock()
	if cutting != nil {
		cutting()
	}
	n.set(p, false)
	return nil
}

func (n *fakeNet) Check(_ context.Context, p peer.ID) {
	n.mu.Lock()
	n.checks++
	dead := n.dead[p]
	n.mu.Unlock()
	if dead {
		n.set(p, false)
	}
}

func (n *fakeNet) Addrs(p peer.ID) []ma.Multiaddr {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.given[p]
}

func (n *fakeNet) Protect(peer.ID, bool) {}

func (n *fakeNet) Watch(ctx context.Context, changed func(peer.ID)) error {
	n.mu.Lock()
	n.changed = changed
	n.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

func (n *fakeNet) dialsOf(p peer.ID) []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.dials[p])
}

func (n *fakeNet) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		n.answer = nil
		return
	}
	n.answer = func(context.Context, peer.AddrInfo) error { return err }
}

var errRefused = errors.New("connection refused")

const testGenesis = "aa"

// ids returns two peer ids, the smaller first.
func ids(t *testing.T) (small, large peer.ID) {
	a, b := newPeer(t), newPeer(t)
	return min(a, b), max(a, b)
}

// run starts a Dialer in a synctest bubble; it ends with the test.
func run(t *testing.T, n *fakeNet, cfg Config) *Dialer {
	t.Helper()
	cfg.Network, cfg.Genesis, cfg.Log = n, testGenesis, quiet
	if cfg.Local == nil {
		cfg.Local = func() string { return "" }
	}
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	synctest.Wait()
	return d
}

// after lets virtual time pass.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func ours(p peer.ID, instance string) Found {
	return Found{Peer: p, Addrs: []ma.Multiaddr{lanAddr}, Kind: KindMDNS, Genesis: testGenesis, Instance: instance}
}

func info(d *Dialer, p peer.ID) PeerInfo {
	for _, i := range d.Peers() {
		if i.Peer == p {
			return i
		}
	}
	return PeerInfo{}
}

func inRange(t *testing.T, what string, got, lo, hi time.Duration) {
	t.Helper()
	if got < lo || got > hi {
		t.Errorf("%s after %v, want %v to %v", what, got, lo, hi)
	}
}

func TestTieBreak(t *testing.T) {
	small, large := ids(t)
	for _, tt := range []struct {
		name   string
		self   peer.ID
		other  peer.ID
		lo, hi time.Duration
	}{
		{"the smaller id dials at once", small, large, 0, 0},
		{"the larger id waits", large, small, waitForDial, waitForDialMax},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFakeNet(tt.self)
				d := run(t, n, Config{})
				d.found(ours(tt.other, "1"))
				after(10 * time.Second)
				dials := n.dialsOf(tt.other)
				if len(dials) != 1 {
					t.Fatalf("%d dials, want 1", len(dials))
				}
				inRange(t, "dial", dials[0], tt.lo, tt.hi)
				if i := info(d, tt.other); !i.Connected || i.Kind != KindMDNS {
					t.Errorf("%+v", i)
				}
			})
		})
	}
	t.Run("nor dials at all if the smaller did", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := newFakeNet(large)
			d := run(t, n, Config{})
			d.found(ours(small, "1"))
			after(100 * time.Millisecond)
			n.set(small, true)
			after(10 * time.Second)
			if dials := n.dialsOf(small); len(dials) != 0 {
				t.Errorf("dialled at %v", dials)
			}
		})
	})
}

func TestBackoff(t *testing.T) {
	public := ma.StringCast("/ip4/8.8.8.8/tcp/8555")
	for _, tt := range []struct {
		name  string
		addr  ma.Multiaddr
		limit time.Duration
	}{{"LAN", lanAddr, backoffLAN}, {"public", public, backoffPublic}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				self, p := ids(t)
				n := newFakeNet(self)
				n.fail(errRefused)
				d := run(t, n, Config{Static: []peer.AddrInfo{{ID: p, Addrs: []ma.Multiaddr{tt.addr}}}})
				after(10 * time.Minute)
				dials := n.dialsOf(p)
				want := backoffFirst
				for i := 1; i < len(dials); i++ {
					inRange(t, fmt.Sprintf("attempt %d", i), dials[i]-dials[i-1], want*3/4, want+sweepEvery/1000)
					want = min(2*want, tt.limit)
				}
				last := dials[len(dials)-1] - dials[len(dials)-2]
				if last < tt.limit*3/4 {
					t.Errorf("waits %v in the end, want about %v", last, tt.limit)
				}
				if i := info(d, p); i.Fails != len(dials) || i.LastError != errRefused.Error() || i.Kind != KindStatic || i.NextDial.IsZero() {
					t.Errorf("%+v", i)
				}
			})
		})
	}
}

func TestNewsResetsBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, p := ids(t)
		n := newFakeNet(self)
		n.fail(errRefused)
		d := run(t, n, Config{})
		d.found(ours(p, "1"))
		after(time.Minute)
		before := len(n.dialsOf(p))
		d.found(ours(p, "1")) // no news
		after(time.Millisecond)
		if got := len(n.dialsOf(p)); got != before {
			t.Errorf("%d dials for a repeated sighting", got-before)
		}
		after(backoffLAN) // so that the last attempt is not too young
		before = len(n.dialsOf(p))
		n.fail(nil)
		moved := ours(p, "2")
		moved.Addrs = []ma.Multiaddr{ma.StringCast("/ip4/192.168.1.8/tcp/8555")}
		d.found(moved)
		after(minDialGap)
		if got := n.dialsOf(p); len(got) != before+1 || !n.Connected(p) {
			t.Errorf("%d dials after news, connected %v", len(got)-before, n.Connected(p))
		}
		if given := n.given[p]; len(given) != 1 || !given[0].Equal(moved.Addrs[0]) {
			t.Errorf("dialled %v, want the new address only", given)
		}
	})
}

func TestRedialAfterLoss(t *testing.T) {
	for _, smaller := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			self, p := ids(t)
			lo, hi := redialMin, redialMax
			if !smaller {
				self, p = p, self
				lo, hi = lo+redialLater, hi+redialLater
			}
			n := newFakeNet(self)
			d := run(t, n, Config{})
			d.found(ours(p, "1"))
			after(5 * time.Second)
			d.Joined(p)
			after(time.Hour)
			lost := time.Since(n.start)
			n.set(p, false)
			after(5 * time.Second)
			dials := n.dialsOf(p)
			if len(dials) != 2 || !n.Connected(p) {
				t.Fatalf("%d dials, want 2", len(dials))
			}
			inRange(t, "redial", dials[1]-lost, lo, hi)
		})
	}
}

func TestPeerThatHangsUpIsNotDialledAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, p := ids(t)
		n := newFakeNet(self)
		d := run(t, n, Config{})
		n.mu.Lock()
		n.answer = func(context.Context, peer.AddrInfo) error {
			go func() { n.set(p, false) }()
			return nil
		}
		n.mu.Unlock()
		d.found(ours(p, "1"))
		after(10 * time.Minute)
		if got := len(n.dialsOf(p)); got > 10*60/20 || got < 10 {
			t.Errorf("%d dials in 10 minutes", got)
		}
	})
}

func TestRestartedPeerIsDoubted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, p := ids(t)
		n := newFakeNet(self)
		d := run(t, n, Config{})
		d.found(ours(p, "1"))
		after(time.Minute)
		d.found(ours(p, "1"))
		after(time.Second)
		if n.checks != 0 {
			t.Error("checked a connection without a reason")
		}
		n.mu.Lock()
		n.dead[p] = true // it was killed, and QUIC did not notice
		n.mu.Unlock()
		d.found(ours(p, "2"))
		after(checkTimeout + redialMax)
		if got := n.dialsOf(p); len(got) != 2 || !n.Connected(p) {
			t.Errorf("%d dials, want 2", len(got))
		}
	})
}

func TestChangeOfOwnAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, p := ids(t)
		var mu sync.Mutex
		addrs := "eth0 192.168.1.2"
		n := newFakeNet(self)
		d := run(t, n, Config{Local: func() string { mu.Lock(); defer mu.Unlock(); return addrs }})
		d.found(ours(p, "1"))
		after(time.Minute)
		d.Joined(p)
		n.mu.Lock()
		n.dead[p] = true
		n.mu.Unlock()
		mu.Lock()
		addrs = "eth0 192.168.1.3"
		mu.Unlock()
		after(localEvery + checkTimeout + redialMax)
		if got := n.dialsOf(p); len(got) != 2 || !n.Connected(p) {
			t.Errorf("%d dials, want 2", len(got))
		}
	})
}

func TestForeignNetworkIsListedAndNotDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, p := ids(t)
		n := newFakeNet(self)
		d := run(t, n, Config{})
		f := ours(p, "1")
		f.Genesis = "bb"
		d.found(f)
		after(time.Minute)
		if got := n.dialsOf(p); len(got) != 0 {
			t.Errorf("dialled at %v", got)
		}
		if i := info(d, p); i.Genesis != "bb" || i.Kind != KindMDNS {
			t.Errorf("%+v", i)
		}
		// It restarts with our network.
		d.found(ours(p, "2"))
		after(time.Second)
		if !n.Connected(p) {
			t.Error("not dialled after it joined our network")
		}
		// Somebody claims that it left again: not while we know better.
		d.Joined(p)
		d.found(f)
		if i := info(d, p); i.Genesis != testGenesis {
			t.Errorf("a claim over mDNS outweighs hello: %+v", i)
		}
	})
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, p := ids(t)
		n := newFakeNet(self)
		d := run(t, n, Config{})
		d.found(ours(p, "1"))
		after(time.Second)
		d.Refused(p, "another genesis")
		n.set(p, false)
		after(refusedFor - 2*time.Second)
		d.found(ours(p, "1"))
		after(time.Second)
		if got := n.dialsOf(p); len(got) != 1 {
			t.Fatalf("%d dials of a peer that refused us", len(got))
		}
		if i := info(d, p); i.Refused != "another genesis" || i.Joined {
			t.Errorf("%+v", i)
		}
		d.found(ours(p, "2")) // restarted, and claims our genesis
		after(time.Second)
		if got := n.dialsOf(p); len(got) != 2 {
			t.Errorf("%d dials after the restart, want 2", len(got))
		}
	})
}

func TestInboundStrangerIsNotRedialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, p := ids(t)
		n := newFakeNet(self)
		d := run(t, n, Config{})
		n.given[p] = []ma.Multiaddr{lanAddr}
		n.set(p, true)
		after(time.Second)
		if i := info(d, p); i.Kind != KindInbound || !i.Connected {
			t.Errorf("%+v", i)
		}
		n.set(p, false)
		after(time.Minute)
		if len(d.Peers()) != 0 || len(n.dialsOf(p)) != 0 {
			t.Errorf("a stranger that left is kept: %+v", d.Peers())
		}
		n.set(p, true) // now it says hello
		after(time.Second)
		d.Joined(p)
		n.set(p, false)
		after(5 * time.Second)
		if len(n.dialsOf(p)) != 1 {
			t.Error("a joined peer that had dialled us is not redialled")
		}
	})
}

func TestBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, p := ids(t)
		g := NewGater()
		n := newFakeNet(self)
		d := run(t, n, Config{Gater: g})
		d.found(ours(p, "1"))
		after(time.Second)
		d.Joined(p)
		if err := d.Block(p); err != nil {
			t.Fatal(err)
		}
		after(time.Minute)
		d.found(ours(p, "2"))
		after(time.Minute)
		if n.Connected(p) || len(n.dialsOf(p)) != 1 || !d.Blocked(p) || g.InterceptSecured(0, p, nil) || g.InterceptPeerDial(p) {
			t.Errorf("a blocked peer was dialled: %v", n.dialsOf(p))
		}
		n.set(p, true) // a connection that was past the gater when p was blocked
		after(time.Second)
		if n.Connected(p) {
			t.Error("a blocked peer slipped in")
		}
		if err := d.Connect(t.Context(), peer.AddrInfo{ID: p}); err != nil {
			t.Fatal(err)
		}
		if !n.Connected(p) || d.Blocked(p) || !g.InterceptSecured(0, p, nil) {
			t.Error("Connect does not unblock")
		}
		if err := d.Block(p); err != nil {
			t.Fatal(err)
		}
		d.Unblock(p)
		after(time.Second)
		if !n.Connected(p) {
			t.Error("not dialled after Unblock")
		}
	})
}

// TestLateDisconnect unblocks a peer while it is being disconnected: the
// disconnect must not end the connection that follows.
func TestLateDisconnect(t *testing.T) {
	self, p := ids(t)
	n := newFakeNet(self)
	d, err := New(Config{Network: n, Genesis: testGenesis, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Block(p); err != nil {
		t.Fatal(err)
	}
	connected := make(chan error, 1)
	n.cutting = func() {
		n.cutting = nil
		go func() { connected <- d.Connect(t.Context(), peer.AddrInfo{ID: p, Addrs: []ma.Multiaddr{lanAddr}}) }()
		select {
		case err := <-connected: // without the lock, always
			connected <- err
		case <-time.After(50 * time.Millisecond):
		}
	}
	n.connected[p] = true // past the gater when p was blocked
	d.changed(p)
	if err := <-connected; err != nil {
		t.Fatal(err)
	}
	if !n.Connected(p) {
		t.Error("a peer let in again was disconnected")
	}
}

// TestConnectDuringDial is told by the network of a connection that was closed
// meanwhile, as libp2p does for a dial that joins another.
func TestConnectDuringDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, p := ids(t)
		n := newFakeNet(self)
		first, dials := make(chan struct{}), 0
		n.answer = func(context.Context, peer.AddrInfo) error {
			if dials++; dials == 1 {
				<-first
			}
			return nil
		}
		d := run(t, n, Config{})
		d.found(ours(p, "1"))
		after(time.Second)
		n.stale = 2
		done := make(chan error, 1)
		go func() { done <- d.Connect(t.Context(), peer.AddrInfo{ID: p}) }()
		synctest.Wait()
		close(first)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if !n.Connected(p) {
			t.Error("not connected")
		}
	})
}

func TestConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, p := ids(t)
		n := newFakeNet(self)
		n.fail(errRefused)
		d := run(t, n, Config{})
		if err := d.Connect(t.Context(), peer.AddrInfo{ID: self}); !errors.Is(err, ErrSelf) {
			t.Errorf("connect to ourselves: %v", err)
		}
		if err := d.Connect(t.Context(), peer.AddrInfo{ID: p, Addrs: []ma.Multiaddr{lanAddr}}); !errors.Is(err, errRefused) {
			t.Errorf("error %v", err)
		}
		n.fail(nil)
		after(backoffFirst)
		if !n.Connected(p) || info(d, p).Kind != KindStatic {
			t.Errorf("not tried again: %+v", info(d, p))
		}
	})
}

func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, known := ids(t)
		n := newFakeNet(self)
		n.answer = func(ctx context.Context, info peer.AddrInfo) error {
			if info.ID == known {
				return errRefused
			}
			<-ctx.Done() // a black hole
			return ctx.Err()
		}
		d := run(t, n, Config{Static: []peer.AddrInfo{{ID: known, Addrs: []ma.Multiaddr{lanAddr}}}})
		for i := range 10_000 {
			d.found(ours(peer.ID(fmt.Sprintf("\x00\x24fake peer number %019d", i)), "1"))
			if i%1000 == 0 {
				after(100 * time.Millisecond)
				if got := len(d.Peers()); got > maxKnown {
					t.Fatalf("%d peers in the table", got)
				}
			}
		}
		before := len(n.dialsOf(known))
		after(time.Minute)
		n.mu.Lock()
		if n.maxPend > maxDials || n.maxPend < maxStrangerDials {
			t.Errorf("%d dials at once, limit %d", n.maxPend, maxDials)
		}
		n.mu.Unlock()
		if got := len(n.dialsOf(known)) - before; got < 12 {
			t.Errorf("%d dials of a static peer in a minute of flood", got)
		}
	})
}

func TestManyAddressesOfOnePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		self, p := ids(t)
		n := newFakeNet(self)
		d := run(t, n, Config{Static: []peer.AddrInfo{{ID: p, Addrs: []ma.Multiaddr{lanAddr}}}})
		for i := range 100 {
			f := ours(p, "1")
			f.Addrs = []ma.Multiaddr{ma.StringCast(fmt.Sprintf("/ip4/10.0.0.1/tcp/%d", i+1))}
			d.found(f)
		}
		if got := info(d, p).Addrs; len(got) != maxAddrs || !got[0].Equal(lanAddr) {
			t.Errorf("%d addresses, the first %v", len(got), got[0])
		}
	})
}

func TestSavedPeersAreDialledAfterRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.json")
	self, p := ids(t)
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(self)
		d := run(t, n, Config{SavedFile: path})
		d.found(ours(p, "1"))
		after(time.Second)
		d.Joined(p)
		after(2 * saveGap)
	})
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet(self)
		d := run(t, n, Config{SavedFile: path})
		after(time.Second)
		if i := info(d, p); !n.Connected(p) || i.Kind != KindSaved || len(i.Addrs) != 1 || !i.Addrs[0].Equal(lanAddr) {
			t.Errorf("%+v", i)
		}
	})
	if list, err := loadSaved(path, quiet); err != nil || len(list) != 1 || list[0].Genesis != testGenesis || list[0].LastSeen.IsZero() {
		t.Errorf("file holds %+v (%v)", list, err)
	}
	synctest.Test(t, func(t *testing.T) { // the directory now serves another network
		n := newFakeNet(self)
		d, err := New(Config{Network: n, Genesis: "bb", SavedFile: path, Log: quiet})
		if err != nil || len(d.Peers()) != 0 {
			t.Errorf("%+v (%v)", d, err)
		}
	})
}

func TestSavedListIsBounded(t *testing.T) {
	var list savedList
	first := newPeer(t)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	list.put(savedPeer{ID: first, LastSeen: at})
	for i := range maxSaved {
		dropped := list.put(savedPeer{ID: newPeer(t), LastSeen: at.Add(time.Duration(i+1) * time.Second)})
		if last := i == maxSaved-1; last != slices.Contains(dropped, first) {
			t.Errorf("put %d dropped %v", i, dropped)
		}
	}
	if len(list) != maxSaved {
		t.Errorf("%d peers", len(list))
	}
}

func TestDamagedSavedListIsSetAside(t *testing.T) {
	for _, data := range []string{"", "{", `{"peers":[{"id":"nonsense"}]}`, strings.Repeat(" ", maxSavedFile+1)} {
		path := filepath.Join(t.TempDir(), "peers.json")
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := New(Config{Network: newFakeNet(newPeer(t)), Genesis: testGenesis, SavedFile: path, Log: quiet})
		if err != nil || len(d.Peers()) != 0 {
			t.Fatalf("error %v", err)
		}
		if kept, err := os.ReadFile(path + ".damaged"); err != nil || string(kept) != data {
			t.Errorf("the damaged file is not kept: %v", err)
		}
	}
}

func TestParsePeers(t *testing.T) {
	id := newPeer(t).String()
	infos, err := ParsePeers([]string{"/ip4/10.0.0.1/tcp/1/p2p/" + id, "/dns4/node.example/tcp/1/p2p/" + id})
	if err != nil || len(infos) != 1 || len(infos[0].Addrs) != 2 {
		t.Errorf("%v (%v)", infos, err)
	}
	for addr, want := range map[string]string{
		"10.0.0.1:8555":         "an example",
		"/ip4/10.0.0.1/tcp/1":   "append /p2p/<peer id>",
		"/p2p/" + id:            "does not say where",
		"/ip4/10.0.0.1/tcp/1/p": "an example",
	} {
		if _, err := ParsePeers([]string{addr}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", addr, err, want)
		}
	}
}
