package discovery

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/zeroconf/v2"
	ma "github.com/multiformats/go-multiaddr"
)

// Service is the mDNS service of every Ingchain node, whatever its network.
const Service = "_ingchain._udp"

const (
	mdnsDomain = "local"
	mdnsPort   = 5353
	recordTTL  = 120 // seconds

	pollEvery   = time.Second     // interfaces and addresses are compared
	announceGap = 2 * time.Second // between two announcements of our own
	retryEvery  = 5 * time.Second // after mDNS could not be started
	byeTimeout  = time.Second     // for the goodbye at the end

	// A browse delivers each node once, so it is begun anew time and again.
	// Each round makes every node answer: on a LAN of n nodes a round lasts
	// about n seconds, which bounds the answers to n a second.
	firstRounds = 4 * time.Second // the first round; the second is twice as long
	roundMin    = 15 * time.Second
	roundMax    = 2 * time.Minute

	maxRoundEntries = 4096            // entries in one round; more is an attack
	floodPause      = 5 * time.Second // after such a round
)

// MDNS finds nodes on the LAN, and lets them find this one.
//
// It speaks on every multicast interface and on loopback, follows interfaces
// and addresses that come, change and go, and goes on with IPv4 or IPv6 alone
// where the other fails. Where nothing works, for example because another
// program holds UDP port 5353 for itself, it warns and tries again.
type MDNS struct {
	// Self is our peer id. Required.
	Self peer.ID

	// Genesis is our network, as in Config. Required.
	Genesis string

	// Addrs returns the addresses to announce now, each ending in
	// /p2p/<Self>, best first. Required.
	Addrs func() []ma.Multiaddr

	// Agent, for example "ingchain/1.2.3", is announced if not empty.
	Agent string

	// Log gets warnings. Default: slog.Default().
	Log *slog.Logger

	// interfaces is replaced in tests.
	interfaces func() ([]iface, error)
}

var _ Source = (*MDNS)(nil)

// view is what an announcement is made of. It is made anew when that changes.
type view struct {
	ifs []iface
	txt []string
}

func (v view) equal(w view) bool {
	return describe(v.ifs) == describe(w.ifs) && slices.Equal(v.txt, w.txt)
}

func (v view) netInterfaces() []net.Interface {
	out := make([]net.Interface, 0, len(v.ifs))
	for _, i := range v.ifs {
		out = append(out, i.Interface)
	}
	return out
}

func (v view) ips() map[netip.Addr]bool {
	own := make(map[netip.Addr]bool)
	for _, i := range v.ifs {
		for _, ip := range i.ips {
			own[ip] = true
		}
	}
	return own
}

// Run announces and browses until ctx is done.
func (m *MDNS) Run(ctx context.Context, sink func(Found)) error {
	r := mdnsRun{MDNS: m, sink: sink, log: m.Log, name: randomName(), again: make(chan struct{}, 1)}
	if r.log == nil {
		r.log = slog.Default()
	}
	if m.Self == "" || m.Genesis == "" || m.Addrs == nil {
		return errors.New("mdns: Self, Genesis and Addrs are required")
	}
	for n := 0; ctx.Err() == nil; n++ {
		r.period(ctx, fmt.Sprintf("%s-%d", r.name, n))
	}
	return ctx.Err()
}

// mdnsRun is one run of an MDNS.
type mdnsRun struct {
	*MDNS
	sink  func(Found)
	log   *slog.Logger
	name  string        // our instances' names begin so
	again chan struct{} // asks for a new announcement; one slot

	degraded bool // a warning was given and still holds; used by browse only
	unheard  bool // the same for the announcement; used by period only
	twin     bool // a warning about our own peer id was given; used by browse only
}

func randomName() string {
	var b [6]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// view looks at the machine.
func (r *mdnsRun) view() view {
	list := r.interfaces
	if list == nil {
		list = interfaces
	}
	ifs, err := list()
	if err != nil {
		r.log.Debug("cannot list network interfaces", "err", err)
	}
	return view{ifs: ifs, txt: encodeTXT(r.Genesis, r.Agent, r.Addrs())}
}

// period announces one view of the machine under one instance name, and
// browses on its interfaces, until the view changes.
func (r *mdnsRun) period(ctx context.Context, instance string) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()

	v := r.view()
	srv, err := register(instance, v)
	if err != nil && !r.unheard {
		r.log.Warn("cannot announce this node by mDNS; trying again", "err", err, "every", retryEvery)
	}
	r.unheard = err != nil
	if srv != nil {
		defer r.goodbye(srv)
	}
	wg.Go(func() { r.browse(ctx, v) })

	began := time.Now()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.again:
			return
		case <-tick.C:
		}
		age := time.Since(began)
		if srv == nil && age >= retryEvery {
			return
		}
		if age >= announceGap && !r.view().equal(v) {
			return
		}
	}
}

// register begins to announce v.
func register(instance string, v view) (*zeroconf.Server, error) {
	if len(v.ifs) == 0 {
		return nil, errors.New("no network interface is up")
	}
	if err := canListen(); err != nil {
		return nil, err // asked before, since zeroconf prints its own view of it
	}
	return zeroconf.RegisterProxy(instance, Service, mdnsDomain, mdnsPort, instance,
		recordIPs(v.ifs), v.txt, v.netInterfaces(), zeroconf.TTL(recordTTL))
}

// canListen reports why no mDNS socket can be opened, over IPv4 nor IPv6.
func canListen() error {
	c4, err4 := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(224, 0, 0, 0), Port: mdnsPort})
	if err4 == nil {
		return c4.Close()
	}
	c6, err6 := net.ListenUDP("udp6", &net.UDPAddr{IP: net.ParseIP("ff02::"), Port: mdnsPort})
	if err6 == nil {
		return c6.Close()
	}
	return errors.Join(err4, err6)
}

// goodbye ends an announcement. Should zeroconf hang, it is left behind:
// nobody must wait for it at exit.
func (r *mdnsRun) goodbye(srv *zeroconf.Server) {
	done := make(chan struct{})
	go func() {
		srv.Shutdown()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(byeTimeout):
		r.log.Warn("the mDNS responder does not stop; leaving it behind")
	}
}

// browse asks for other nodes in rounds until ctx is done.
func (r *mdnsRun) browse(ctx context.Context, v view) {
	own := v.ips()
	seen := 0
	var before zeroconf.IPType // of the round before
	for n := 0; ctx.Err() == nil; n++ {
		length := min(max(roundMin, time.Duration(seen)*time.Second), roundMax)
		if n < 2 {
			length = firstRounds << n
		}
		mode, count, err := r.round(ctx, v, own, length)
		if ctx.Err() != nil {
			return
		}
		if seen = count; count >= maxRoundEntries {
			seen = 0 // the flood must not slow us down, too
			sleep(ctx, floodPause)
		}
		r.judge(mode, err)
		if mode == 0 {
			sleep(ctx, retryEvery)
		}
		if n > 0 && mode > before {
			// A protocol works that did not when we announced ourselves.
			select {
			case r.again <- struct{}{}:
			default:
			}
		}
		before = mode
	}
}

// judge warns, once, while IPv4 does not work. That IPv6 does not is common
// and needs no words.
func (r *mdnsRun) judge(mode zeroconf.IPType, err error) {
	switch {
	case mode&zeroconf.IPv4 != 0:
		r.degraded = false
	case !r.degraded:
		r.degraded = true
		r.log.Warn("mDNS does not work over IPv4: nodes may not find each other; give --peer, or see whether a program holds UDP port 5353",
			"err", err, "ipv6", mode == zeroconf.IPv6)
	}
}

// round browses once for the given time, over both IP versions or, where one
// fails, over the other. It returns over which (0: neither), how many nodes
// were heard, and why IPv4 failed if it did.
func (r *mdnsRun) round(ctx context.Context, v view, own map[netip.Addr]bool, length time.Duration) (zeroconf.IPType, int, error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var err4 error // IPv4's failure, the one worth telling
	for _, mode := range []zeroconf.IPType{zeroconf.IPv4AndIPv6, zeroconf.IPv4, zeroconf.IPv6} {
		count, err := r.listen(ctx, v, mode, own)
		if err == nil {
			return mode, count, err4
		}
		if mode == zeroconf.IPv4 {
			err4 = err
		}
	}
	return 0, 0, err4
}

// listen browses over one mode until ctx is done, or until the sockets fail.
func (r *mdnsRun) listen(ctx context.Context, v view, mode zeroconf.IPType, own map[netip.Addr]bool) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	entries := make(chan *zeroconf.ServiceEntry, 64)
	ended := make(chan error, 1)
	go func() {
		ended <- zeroconf.Browse(ctx, Service, mdnsDomain, entries,
			zeroconf.SelectIPTraffic(mode), zeroconf.SelectIfaces(v.netInterfaces()))
	}()
	count := 0
	for {
		select {
		case e, open := <-entries:
			if !open { // Browse got as far as to own the channel, and ends
				return count, <-ended
			}
			if count++; count == maxRoundEntries {
				r.log.Warn("mDNS is being flooded; pausing", "entries", count, "for", floodPause)
				cancel()
			}
			if count < maxRoundEntries {
				r.heard(e, own)
			}
		case err := <-ended:
			return count, err // the channel stays open if the sockets failed
		}
	}
}

// heard passes on a node that another host, or another process, announces.
func (r *mdnsRun) heard(e *zeroconf.ServiceEntry, own map[netip.Addr]bool) {
	if strings.HasPrefix(e.Instance, r.name) {
		return
	}
	f, err := parseTXT(e.Text, sameHost(slices.Concat(e.AddrIPv4, e.AddrIPv6), own))
	if err != nil {
		r.log.Debug("an mDNS record is not one of ours", "instance", e.Instance, "err", err)
		return
	}
	if f.Peer == r.Self {
		if !r.twin {
			r.twin = true
			r.log.Warn("another node on this LAN has our peer id: was the data directory copied? Remove the identity file of one of them", "addrs", f.Addrs)
		}
		return
	}
	f.Instance = e.Instance
	r.sink(f)
}

// sleep waits, or returns early when ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
