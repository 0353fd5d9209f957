package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
)

// Host is a machine of the laboratory: a namespace with a loopback device
// and, once attached, a card called eth0.
type Host struct {
	Name   string
	net    *Net
	sw     *Switch  // of eth0
	ns     string   // empty for a Local host
	dir    string   // logs and data
	addrs  []string // of eth0, in prefix form
	nic    bool     // eth0 exists
	up     bool     // eth0 is up
	router bool
	log    *os.File // shared by all its processes; opened at first use
}

// AttachNIC plugs a card with these addresses into the host's switch and
// brings it up: the late network card of a machine that booted without one.
func (h *Host) AttachNIC(addrs ...string) {
	h.net.tb.Helper()
	if h.nic {
		h.net.tb.Fatalf("lab: host %s has a card already", h.Name)
	}
	h.attach(h.sw, "eth0", addrs...)
	h.nic, h.addrs = true, slices.Clone(addrs)
	h.route()
}

func (h *Host) attach(sw *Switch, dev string, addrs ...string) {
	h.net.tb.Helper()
	tap, err := openTAP(h.ns, dev)
	if err != nil {
		h.net.tb.Fatalf("lab: %v", err)
	}
	p := sw.fabric.attach(h.Name, tap)
	h.net.wg.Go(func() { sw.fabric.run(h.net.ctx, p) })
	for _, a := range addrs {
		h.ip("addr", "add", a, "dev", dev)
	}
	h.ip("link", "set", dev, "up")
}

// route sets the default route, if the switch has a router.
func (h *Host) route() {
	if h.sw.gateway != "" && h.nic && h.up && !h.router {
		h.ip("route", "replace", "default", "via", h.sw.gateway)
	}
}

// SetAddr replaces an address of eth0, both in prefix form, as a new DHCP
// lease would.
func (h *Host) SetAddr(old, new string) {
	h.net.tb.Helper()
	i := slices.Index(h.addrs, old)
	if i < 0 {
		h.net.tb.Fatalf("lab: host %s has no address %s, it has %s", h.Name, old, strings.Join(h.addrs, ", "))
	}
	// The old one first: with it would go any other of its subnet.
	h.ip("addr", "del", old, "dev", "eth0")
	h.ip("addr", "add", new, "dev", "eth0")
	h.addrs[i] = new
	h.route()
}

// Down takes eth0 down; its addresses stay.
func (h *Host) Down() {
	h.net.tb.Helper()
	h.ip("link", "set", "eth0", "down")
	h.up = false
}

// Up brings eth0 up again, with the routes that going down had removed.
func (h *Host) Up() {
	h.net.tb.Helper()
	h.ip("link", "set", "eth0", "up")
	h.up = true
	h.route()
}

// IP is the first address of eth0 without its prefix length, or empty.
func (h *Host) IP() string {
	if len(h.addrs) == 0 {
		return ""
	}
	addr, _, _ := strings.Cut(h.addrs[0], "/")
	return addr
}

// Namespace is the host's network namespace by name; empty for a Local host.
func (h *Host) Namespace() string { return h.ns }

// Dir is a directory for the host's files.
func (h *Host) Dir() string { return h.dir }

// DialContext connects from inside the host. addr must hold an IP address:
// names would be looked up outside.
func (h *Host) DialContext(ctx context.Context, network, addr string) (conn net.Conn, err error) {
	if h.ns == "" {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	err = inNS(h.ns, func() error {
		conn, err = (&net.Dialer{FallbackDelay: -1}).DialContext(ctx, network, addr)
		return err
	})
	return conn, err
}

// ip runs the ip program on the host's namespace.
func (h *Host) ip(args ...string) {
	h.net.tb.Helper()
	if err := ip(append([]string{"-n", h.ns}, args...)...); err != nil {
		h.net.tb.Fatalf("lab: host %s: %v", h.Name, err)
	}
}

func (h *Host) String() string { return fmt.Sprintf("%s (%s)", h.Name, strings.Join(h.addrs, ", ")) }

// Occupy takes a TCP and UDP port on all of the host's addresses until the
// end of the test, as another program would.
func (h *Host) Occupy(port int) {
	h.net.tb.Helper()
	addr := fmt.Sprintf(":%d", port)
	var tcp net.Listener
	var udp net.PacketConn
	err := inNS(h.ns, func() (err error) {
		if tcp, err = net.Listen("tcp", addr); err != nil {
			return err
		}
		if udp, err = net.ListenPacket("udp", addr); err != nil {
			tcp.Close()
		}
		return err
	})
	if err != nil {
		h.net.tb.Fatalf("lab: taking port %d on %s: %v", port, h.Name, err)
	}
	h.net.tb.Cleanup(func() {
		tcp.Close()
		udp.Close()
	})
}
