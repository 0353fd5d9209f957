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
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

var quiet = slog.New(slog.DiscardHandler)

func newPeer(t testing.TB) peer.ID {
	t.Helper()
	_, pub, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newGenesis() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// loopbackOnly are the interfaces of a machine without a network.
func loopbackOnly() ([]iface, error) {
	all, err := interfaces()
	var out []iface
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			out = append(out, i)
		}
	}
	return out, err
}

// announcer is one node on loopback.
type announcer struct {
	id    peer.ID
	addr  ma.Multiaddr // without /p2p
	found chan Found
	stop  func() // waits for the goodbye
}

func announce(t *testing.T, genesis string, port int) *announcer {
	t.Helper()
	a := &announcer{id: newPeer(t), found: make(chan Found, 256)}
	a.addr = ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port))
	full := ma.StringCast(a.addr.String() + "/p2p/" + a.id.String())
	src := &MDNS{
		Self: a.id, Genesis: genesis, Agent: "ingchain/test", Log: quiet,
		Addrs:      func() []ma.Multiaddr { return []ma.Multiaddr{full} },
		interfaces: loopbackOnly,
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- src.Run(ctx, func(f Found) {
			select {
			case a.found <- f:
			default:
			}
		})
	}()
	stopped := false
	a.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Run does not end")
		}
	}
	t.Cleanup(a.stop)
	return a
}

func (a *announcer) waitFor(t *testing.T, p peer.ID) Found {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case f := <-a.found:
			if f.Peer == p {
				return f
			}
		case <-limit:
			t.Fatalf("%s was not found", p)
		}
	}
}

// needMulticast skips where nobody can hear multicast on loopback.
func needMulticast(t *testing.T) {
	t.Helper()
	if err := canListen(); err != nil {
		t.Skipf("no mDNS socket can be opened here: %v", err)
	}
	ifs, err := loopbackOnly()
	if err != nil || len(ifs) == 0 {
		t.Skipf("no loopback interface is up (%v)", err)
	}
	group := &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}
	c, err := net.ListenMulticastUDP("udp4", &ifs[0].Interface, group)
	if err != nil {
		t.Skipf("this environment forbids multicast on loopback: %v", err)
	}
	c.Close()
}

func TestTwoNodesFindEachOther(t *testing.T) {
	needMulticast(t)
	ours, other := newGenesis(), newGenesis()
	a := announce(t, ours, 40001)
	b := announce(t, ours, 40002)
	c := announce(t, other, 40003)

	for _, pair := range []struct {
		who, whom *announcer
		genesis   string
	}{{a, b, ours}, {b, c, other}, {c, a, ours}} {
		f := pair.who.waitFor(t, pair.whom.id)
		if f.Genesis != pair.genesis || f.Kind != KindMDNS || len(f.Addrs) != 1 || !f.Addrs[0].Equal(pair.whom.addr) {
			t.Errorf("found %+v", f)
		}
	}
}

func TestChangedAddressIsAnnouncedAgain(t *testing.T) {
	needMulticast(t)
	genesis := newGenesis()
	a := announce(t, genesis, 40011)

	id := newPeer(t)
	port := make(chan int, 1)
	current := 40012
	src := &MDNS{Self: id, Genesis: genesis, Log: quiet, interfaces: loopbackOnly, Addrs: func() []ma.Multiaddr {
		select {
		case current = <-port:
		default:
		}
		return []ma.Multiaddr{ma.StringCast(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", current, id))}
	}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- src.Run(ctx, func(Found) {}) }()
	defer func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()

	first := a.waitFor(t, id)
	port <- 40013
	for {
		f := a.waitFor(t, id)
		if strings.HasSuffix(f.Addrs[0].String(), "/40013") {
			if f.Instance == first.Instance {
				t.Error("the instance is the old one")
			}
			return
		}
	}
}

func TestTXTRoundTrip(t *testing.T) {
	id, genesis := newPeer(t), newGenesis()
	addrs := []string{"/ip4/192.168.1.7/tcp/8555", "/ip4/192.168.1.7/udp/8555/quic-v1", "/ip6/fd00::7/tcp/8555", "/ip4/127.0.0.1/tcp/8555"}
	var full []ma.Multiaddr
	for _, a := range append(addrs, "/ip4/192.168.1.7/tcp/8556/ws", "/ip6/fe80::1/tcp/8555", "/ip4/0.0.0.0/tcp/1") {
		full = append(full, ma.StringCast(a+"/p2p/"+id.String()))
	}
	txt := encodeTXT(genesis, "ingchain/1.0 \"\x00ö", full)
	for _, tt := range []struct {
		sameHost bool
		want     int
	}{{true, 4}, {false, 3}} {
		f, err := parseTXT(txt, tt.sameHost)
		if err != nil {
			t.Fatal(err)
		}
		if f.Peer != id || f.Genesis != genesis || len(f.Addrs) != tt.want {
			t.Errorf("same host %v: %+v, want %d addresses", tt.sameHost, f, tt.want)
		}
	}
	if txt[1] != "agent=ingchain/1.0 " {
		t.Errorf("agent %q", txt[1])
	}
}

func TestTXTFitsAPacket(t *testing.T) {
	id := newPeer(t)
	var many []ma.Multiaddr
	for i := range 1000 {
		many = append(many, ma.StringCast(fmt.Sprintf("/ip4/10.0.%d.%d/udp/65535/quic-v1/p2p/%s", i/256, i%256, id)))
	}
	txt := encodeTXT(newGenesis(), strings.Repeat("x", 1000), many)
	size := 0
	for _, s := range txt {
		size += len(s) + 1
		if len(s) > maxTXTString {
			t.Errorf("a string of %d bytes", len(s))
		}
	}
	if f, err := parseTXT(txt, false); size > maxTXTBytes || err != nil || len(f.Addrs) < 5 || !f.Addrs[0].Equal(ma.StringCast("/ip4/10.0.0.0/udp/65535/quic-v1")) {
		t.Errorf("%d bytes, %+v (%v)", size, f, err)
	}
}

func TestHostileTXT(t *testing.T) {
	id, other := newPeer(t).String(), newPeer(t).String()
	genesis := txtGenesis + newGenesis()
	good := txtAddr + "/ip4/10.0.0.1/tcp/8555/p2p/" + id
	many := []string{genesis, good}
	for i := range 1000 {
		many = append(many, fmt.Sprintf("%s/ip4/10.0.0.2/tcp/%d/p2p/%s", txtAddr, i+1, id))
	}
	tests := []struct {
		name  string
		txt   []string
		addrs int // 0: refused
	}{
		{"good", []string{genesis, good}, 1},
		{"repeats", []string{genesis, good, good, good}, 1},
		{"empty", nil, 0},
		{"no genesis", []string{good}, 0},
		{"short genesis", []string{"genesis=abcd", good}, 0},
		{"upper-case genesis", []string{strings.ToUpper(genesis), good}, 0},
		{"genesis is not hex", []string{"genesis=" + strings.Repeat("zz", 32), good}, 0},
		{"no address", []string{genesis}, 0},
		{"two peers", []string{genesis, good, txtAddr + "/ip4/10.0.0.1/tcp/8555/p2p/" + other}, 0},
		{"no peer id", []string{genesis, txtAddr + "/ip4/10.0.0.1/tcp/8555"}, 0},
		{"bad multiaddr", []string{genesis, txtAddr + "/ip4/300.0.0.1/tcp/8555/p2p/" + id, txtAddr, txtAddr + "///"}, 0},
		{"bad one beside a good one", []string{genesis, txtAddr + "/nonsense", good}, 1},
		{"only a peer id", []string{genesis, txtAddr + "/p2p/" + id}, 0},
		{"name", []string{genesis, txtAddr + "/dns4/victim.example/tcp/80/p2p/" + id}, 0},
		{"relay", []string{genesis, txtAddr + "/ip4/10.0.0.1/tcp/1/p2p/" + other + "/p2p-circuit/p2p/" + id}, 0},
		{"loopback of another host", []string{genesis, txtAddr + "/ip4/127.0.0.1/tcp/8555/p2p/" + id}, 0},
		{"unspecified", []string{genesis, txtAddr + "/ip4/0.0.0.0/tcp/8555/p2p/" + id}, 0},
		{"oversize", []string{genesis, good + strings.Repeat("/p2p/"+id, 10)}, 0},
		{"1,000 addresses", many, maxAddrs},
		{"address after 1,000 others", append(make([]string, 1000), genesis, good), 0},
		{"binary", []string{"\x00\xff", genesis, good, "dnsaddr=\xff\xfe"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := parseTXT(tt.txt, false)
			if (err != nil) != (tt.addrs == 0) || len(f.Addrs) != tt.addrs {
				t.Errorf("%d addresses, error %v; want %d addresses", len(f.Addrs), err, tt.addrs)
			}
		})
	}
}

func TestSameHost(t *testing.T) {
	v := view{ifs: []iface{{ips: []netip.Addr{netip.MustParseAddr("192.168.1.7"), netip.MustParseAddr("172.17.0.1"), netip.MustParseAddr("127.0.0.1")}}}}
	tests := []struct {
		name   string
		theirs []string
		want   bool
	}{
		{"all ours", []string{"192.168.1.7", "172.17.0.1"}, true},
		{"only loopback", []string{"127.0.0.1"}, true},
		{"another host with the same container bridge", []string{"192.168.1.8", "172.17.0.1"}, false},
		{"none", nil, false},
	}
	for _, tt := range tests {
		var ips []net.IP
		for _, s := range tt.theirs {
			ips = append(ips, net.ParseIP(s))
		}
		if got := sameHost(ips, v.ips()); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
