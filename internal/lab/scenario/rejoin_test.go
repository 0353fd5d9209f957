//go:build linux && multihost

package scenario

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingchain/ingchain/internal/lab"
)

const (
	// rejoinLimit is how soon a changed host must be back in the mesh.
	rejoinLimit = 10 * time.Second

	// rejoinNodes is the size of the mesh; the last node is the changed one.
	rejoinNodes = 4

	// defaultPort is where a node listens when nobody says otherwise.
	defaultPort = 8555
)

// A host whose network or process changes is back in the mesh soon.
func TestRejoin(t *testing.T) {
	for name, scenario := range map[string]func(*testing.T){
		"address": changedAddress,
		"nic":     lateNIC,
		"kill":    killedNode,
		"port":    changedPort,
	} {
		t.Run(name, func(t *testing.T) {
			lab.Require(t)
			repeat(t, scenario)
		})
	}
}

// rejoinMesh starts a mesh and waits for it.
func rejoinMesh(t *testing.T, prepare func(last *lab.Host)) (rest []*lab.Node, last *lab.Node) {
	t.Helper()
	net := lab.New(t)
	binary := lab.BuildBinary(t)
	cfg := lab.NodeConfig{Binary: binary, Network: quietNetwork(t, binary, "rejoin")}
	all := hosts(net, rejoinNodes)
	if prepare != nil {
		prepare(all[rejoinNodes-1])
	}
	for _, h := range all[:rejoinNodes-1] {
		rest = append(rest, h.Node(cfg))
	}
	last = all[rejoinNodes-1].Node(cfg)
	lab.Until(t, 30*time.Second, "full mesh", func() error { return lab.Mesh(append(rest, last)) })
	onTip(t, 5*time.Second, mine(t, rest[0], 3), append(rest, last)...)
	return rest, last
}

// back waits until all the rest have last as a joined peer as want says, and
// a block that it mines reaches all, and checks the time since.
func back(t *testing.T, since time.Time, rest []*lab.Node, last *lab.Node, want func(lab.Peer) error) {
	t.Helper()
	status := last.Ready()
	lab.Until(t, time.Minute, "back in the mesh", func() error {
		for _, n := range rest {
			var peers []lab.Peer
			if err := n.JSON(&peers, "net", "peers"); err != nil {
				return err
			}
			if err := joined(peers, status.PeerID, want); err != nil {
				return fmt.Errorf("%s: %w", n.Name, err)
			}
		}
		return lab.Mesh(append(rest, last))
	})
	took := time.Since(since)
	onTip(t, 5*time.Second, mine(t, last, 1), append(rest, last)...)
	onTip(t, 5*time.Second, mine(t, rest[0], 1), append(rest, last)...)
	t.Logf("back in the mesh after %v", round(took))
	if took > rejoinLimit {
		t.Errorf("back in the mesh after %v, want at most %v", took, rejoinLimit)
	}
}

// joined returns nil if a peer is joined and as wanted.
func joined(peers []lab.Peer, id string, want func(lab.Peer) error) error {
	err := errors.New("not listed")
	for _, p := range peers {
		if p.PeerID != id {
			continue
		}
		switch {
		case !p.Joined:
			err = fmt.Errorf("not joined: %s", p.Reason)
		case want == nil:
			return nil
		default:
			if err = want(p); err == nil {
				return nil
			}
		}
	}
	return fmt.Errorf("peer %s: %w", id, err)
}

func changedAddress(t *testing.T) {
	rest, last := rejoinMesh(t, nil)
	const renewed = "10.77.0.200"
	since := time.Now()
	last.Host.SetAddr(fmt.Sprintf("10.77.0.%d/24", rejoinNodes), renewed+"/24")
	// Whoever knows this block as the peer's tip has spoken with it since. (What
	// address it shows does not matter: QUIC connections can outlive a change.)
	block := mine(t, last, 1)
	back(t, since, rest, last, func(p lab.Peer) error {
		if p.Tip.ID != block.ID {
			return fmt.Errorf("its tip is %v, not %v", p.Tip, block)
		}
		return nil
	})
}

func lateNIC(t *testing.T) {
	net := lab.New(t)
	binary := lab.BuildBinary(t)
	cfg := lab.NodeConfig{Binary: binary, Network: quietNetwork(t, binary, "late")}
	var rest []*lab.Node
	for _, h := range hosts(net, rejoinNodes-1) {
		rest = append(rest, h.Node(cfg))
	}
	last := net.Host("late").Node(cfg)
	lab.Until(t, 30*time.Second, "mesh of the others", func() error { return lab.Mesh(rest) })
	if status := last.Ready(); status.Peers != 0 {
		t.Fatalf("a host without a card has %d peers", status.Peers)
	}
	since := time.Now()
	last.Host.AttachNIC("10.77.0.77/24")
	back(t, since, rest, last, nil)
}

func killedNode(t *testing.T) {
	rest, last := rejoinMesh(t, nil)
	last.Kill9()
	since := time.Now()
	last.Start()
	back(t, since, rest, last, nil)
}

// changedPort restarts a node whose default port is taken after the port
// that it fell back to is taken too.
func changedPort(t *testing.T) {
	rest, last := rejoinMesh(t, func(h *lab.Host) { h.Occupy(defaultPort) })
	first := tcpPort(t, last.Ready())
	if first == defaultPort {
		t.Fatalf("the node says that it listens on %d, which is taken", first)
	}
	last.Stop()
	last.Host.Occupy(first)
	since := time.Now()
	last.Start()
	back(t, since, rest, last, nil)
	if second := tcpPort(t, last.Ready()); second == first || second == defaultPort {
		t.Errorf("the node says that it listens on %d, which is taken", second)
	}
}

var tcpForm = regexp.MustCompile(`/ip4/[0-9.]+/tcp/([0-9]+)/p2p/`)

// tcpPort is the port of a node's plain TCP address.
func tcpPort(t *testing.T, s lab.Status) int {
	t.Helper()
	for _, addr := range s.Addrs {
		if m := tcpForm.FindStringSubmatch(addr); m != nil {
			port, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			return port
		}
	}
	t.Fatalf("no plain TCP address in %q", s.Addrs)
	return 0
}

// Two subnets that multicast does not cross: one typed address joins them,
// and after that the saved list does.
func TestTwoSubnets(t *testing.T) {
	lab.Require(t)
	repeat(t, func(t *testing.T) {
		net := lab.New(t)
		far := net.Switch("far")
		net.Router("router", net.LAN, "10.77.1.254/24", far, "10.77.2.254/24")
		binary := lab.BuildBinary(t)
		cfg := lab.NodeConfig{
			Binary: binary, Network: quietNetwork(t, binary, "subnets"), Args: []string{"--mdns=false"},
		}
		a := net.Host("a", "10.77.1.1/24").Node(cfg)
		b := far.Host("b", "10.77.2.1/24").Node(cfg)
		a.MustJSON(nil, "net", "connect", addrOn(t, b.Ready(), "10.77.2.1"))
		both := []*lab.Node{a, b}
		lab.Until(t, 5*time.Second, "joined by net connect", func() error { return lab.Mesh(both) })
		onTip(t, 5*time.Second, mine(t, a, 2), both...)

		a.Stop()
		b.Stop()
		a.Start()
		b.Start()
		took := lab.Until(t, time.Minute, "joined by the saved list", func() error { return lab.Mesh(both) })
		t.Logf("joined %v after restarting both", round(took))
		if took > rejoinLimit {
			t.Errorf("joined %v after restarting both, want at most %v", took, rejoinLimit)
		}
		onTip(t, 5*time.Second, mine(t, b, 2), both...)
	})
}

// addrOn is a node's TCP multiaddr on an IP address.
func addrOn(t *testing.T, s lab.Status, ip string) string {
	t.Helper()
	for _, addr := range s.Addrs {
		if strings.HasPrefix(addr, "/ip4/"+ip+"/") && tcpForm.MatchString(addr) {
			return addr
		}
	}
	t.Fatalf("no TCP address on %s in %q", ip, s.Addrs)
	return ""
}

// Two networks on one LAN stay apart, and say so.
func TestTwoNetworks(t *testing.T) {
	lab.Require(t)
	repeat(t, func(t *testing.T) {
		net := lab.New(t)
		binary := lab.BuildBinary(t)
		networks := []string{quietNetwork(t, binary, "red"), quietNetwork(t, binary, "blue")}
		var sides [2][]*lab.Node
		for i, h := range hosts(net, 4) {
			side := i % 2
			sides[side] = append(sides[side], h.Node(lab.NodeConfig{Binary: binary, Network: networks[side]}))
		}
		for i, side := range sides {
			lab.Until(t, 10*time.Second, "mesh of one network", func() error { return lab.Mesh(side) })
			onTip(t, 5*time.Second, mine(t, side[0], 2+i), side...)
		}
		for i, side := range sides {
			for _, stranger := range sides[1-i] {
				id := stranger.Ready().PeerID
				lab.Until(t, 10*time.Second, "stranger listed", func() error {
					var peers []lab.Peer
					if err := side[0].JSON(&peers, "net", "peers"); err != nil {
						return err
					}
					return seen(peers, id)
				})
			}
		}
		for _, side := range sides { // still apart
			if err := lab.Mesh(side); err != nil {
				t.Error(err)
			}
		}
	})
}

// seen returns nil if a peer is listed as a stranger with a reason.
func seen(peers []lab.Peer, id string) error {
	for _, p := range peers {
		if p.PeerID == id {
			if p.Joined || p.Reason == "" {
				return fmt.Errorf("stranger %s: joined %v, reason %q", id, p.Joined, p.Reason)
			}
			return nil
		}
	}
	return fmt.Errorf("stranger %s is not listed", id)
}
