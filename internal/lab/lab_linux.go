package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// keepVariable names an environment variable: a directory that keeps every
// host's logs and data after the test.
const keepVariable = "INGCHAIN_LAB_KEEP"

// Net is one test's laboratory: hosts and the switches between them.
//
// Its methods end the test when the machine refuses something, and are for
// the test's own goroutine.
type Net struct {
	LAN *Switch // the first switch

	tb     testing.TB
	dir    string // logs and data, gone after the test
	prefix string // of this Net's namespaces; empty for a Local host
	cancel context.CancelFunc
	ctx    context.Context // ends at cleanup; here because cleanup has no caller to pass it
	wg     sync.WaitGroup  // ports

	mu    sync.Mutex
	hosts []*Host // guarded by mu
	procs []*Proc // guarded by mu
	once  sync.Once
	err   error // of the close, written in once
}

// live holds the Nets to close when the process is interrupted.
var live struct {
	sync.Mutex
	nets map[*Net]struct{}
	made int // guarded by Mutex; numbers this process's Nets
}

// New makes a laboratory with one switch and no hosts. Everything in it goes
// when the test ends. It skips the test where [Require] does.
func New(tb testing.TB) *Net {
	tb.Helper()
	Require(tb)
	if err := Sweep(); err != nil {
		tb.Logf("lab: removing what dead runs left: %v", err)
	}
	prefix, err := runPrefix()
	if err != nil {
		tb.Fatalf("lab: %v", err)
	}
	n := newNet(tb)
	live.Lock()
	live.made++
	n.prefix = fmt.Sprintf("%s%04x%d-", prefix, rand.N(1<<16), live.made)
	live.Unlock()
	n.LAN = n.Switch("lan")
	return n
}

// Local returns a host that is this machine itself: no namespace, no switch,
// no root. Its nodes must be told to listen on loopback and on port 0.
func Local(tb testing.TB) *Host {
	tb.Helper()
	n := newNet(tb)
	return n.add(&Host{net: n, Name: "local", up: true})
}

func newNet(tb testing.TB) *Net {
	ctx, cancel := context.WithCancel(context.Background())
	n := &Net{tb: tb, dir: tb.TempDir(), cancel: cancel, ctx: ctx}
	if keep := os.Getenv(keepVariable); keep != "" {
		n.dir = filepath.Join(keep, strings.ReplaceAll(tb.Name(), "/", "-"))
		if err := os.MkdirAll(n.dir, 0o755); err != nil {
			tb.Fatalf("lab: %s: %v", keepVariable, err)
		}
	}
	live.Lock()
	if live.nets == nil {
		live.nets = make(map[*Net]struct{})
	}
	live.nets[n] = struct{}{}
	live.Unlock()
	tb.Cleanup(func() {
		if err := n.close(); err != nil {
			tb.Errorf("lab: cleaning up: %v", err)
		}
		if tb.Failed() {
			n.showLogs()
		}
	})
	return n
}

// close ends every process, unplugs every card and deletes every namespace.
func (n *Net) close() error {
	n.once.Do(func() {
		live.Lock()
		delete(live.nets, n)
		live.Unlock()
		n.mu.Lock()
		procs, hosts := n.procs, n.hosts
		n.mu.Unlock()
		for _, p := range procs {
			p.Kill9()
		}
		n.cancel()
		n.wg.Wait()
		var errs []error
		for _, h := range hosts {
			if h.ns != "" {
				errs = append(errs, removeNS(h.ns))
			}
		}
		n.err = errors.Join(errs...)
	})
	return n.err
}

// closeAll is for a process that ends before its tests do.
func closeAll() {
	live.Lock()
	nets := make([]*Net, 0, len(live.nets))
	for n := range live.nets {
		nets = append(nets, n)
	}
	live.Unlock()
	for _, n := range nets {
		_ = n.close() // what stays, the next run sweeps
	}
}

func (n *Net) add(h *Host) *Host {
	h.dir = filepath.Join(n.dir, h.Name)
	if err := os.MkdirAll(h.dir, 0o755); err != nil {
		n.tb.Fatalf("lab: %v", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts = append(n.hosts, h)
	return h
}

// Dir is a directory of this laboratory for the test's own files.
func (n *Net) Dir() string { return n.dir }

// Hosts returns all hosts, in the order of their making, routers included.
func (n *Net) Hosts() []*Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]*Host(nil), n.hosts...)
}

// Host adds a host to the LAN. Addresses are in prefix form ("10.77.0.1/24");
// without any the host has no card yet, see [Host.AttachNIC].
func (n *Net) Host(name string, addrs ...string) *Host {
	n.tb.Helper()
	return n.LAN.Host(name, addrs...)
}

// Switch adds a switch. Its losses and jitter are drawn from a seed that is
// the same in every run.
func (n *Net) Switch(name string) *Switch {
	seed := uint64(14695981039346656037) // FNV-1a over the name
	for _, c := range []byte(name) {
		seed = (seed ^ uint64(c)) * 1099511628211
	}
	return &Switch{Name: name, net: n, fabric: newFabric(seed)}
}

// Router adds a host that forwards between two switches, unicast only: mDNS
// stays on its own side. addrA and addrB are its addresses in prefix form;
// hosts of either switch, present and later ones, get it as default route.
func (n *Net) Router(name string, a *Switch, addrA string, b *Switch, addrB string) *Host {
	n.tb.Helper()
	h := a.Host(name, addrA)
	h.attach(b, "eth1", addrB)
	err := inNS(h.ns, func() error {
		return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0)
	})
	if err != nil {
		n.tb.Fatalf("lab: turning on forwarding in %s: %v", name, err)
	}
	h.router = true
	for _, side := range []struct {
		sw   *Switch
		addr string
	}{{a, addrA}, {b, addrB}} {
		side.sw.gateway, _, _ = strings.Cut(side.addr, "/")
		for _, other := range n.Hosts() {
			if other.sw == side.sw {
				other.route()
			}
		}
	}
	return h
}

// Switch joins the cards of some hosts. It is perfect until told otherwise.
type Switch struct {
	Name    string
	net     *Net
	fabric  *fabric
	gateway string // default route of its hosts, or empty
}

// Host adds a host to this switch; see [Net.Host].
func (s *Switch) Host(name string, addrs ...string) *Host {
	s.net.tb.Helper()
	h := &Host{net: s.net, sw: s, Name: name, ns: s.net.prefix + name, up: true}
	if err := ip("netns", "add", h.ns); err != nil {
		s.net.tb.Fatalf("lab: %v", err)
	}
	s.net.add(h)
	h.ip("link", "set", "lo", "up")
	if len(addrs) > 0 {
		h.AttachNIC(addrs...)
	}
	return h
}

// SetLink sets what frames meet from now on.
func (s *Switch) SetLink(l Link) {
	s.net.tb.Helper()
	if err := s.fabric.setLink(l); err != nil {
		s.net.tb.Fatal(err)
	}
}

// Partition splits the switch: frames pass only within a group. Hosts that
// are in no group form one of their own.
func (s *Switch) Partition(groups ...[]*Host) {
	part := make(map[string]int)
	for i, group := range groups {
		for _, h := range group {
			part[h.Name] = i + 1
		}
	}
	s.fabric.setParts(part)
}

// Heal joins the parts again.
func (s *Switch) Heal() { s.fabric.setParts(nil) }

// Stats returns what the switch has counted.
func (s *Switch) Stats() Stats {
	s.fabric.mu.Lock()
	defer s.fabric.mu.Unlock()
	return s.fabric.stats
}
