package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// echoVariable makes the test binary an echo server on this UDP address; a
// multicast address makes it join the group.
const echoVariable = "INGCHAIN_LAB_ECHO"

func TestMain(m *testing.M) {
	if addr := os.Getenv(echoVariable); addr != "" {
		if err := echo(addr); err != nil {
			fmt.Fprintln(os.Stderr, "echo:", err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv(fakeVariable) != "" {
		os.Exit(fake(os.Args[1:]))
	}
	Main(m)
}

func echo(addr string) error {
	udp, err := net.ResolveUDPAddr("udp4", addr)
	if err != nil {
		return err
	}
	var conn *net.UDPConn
	if udp.IP.IsMulticast() {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		conn, err = net.ListenMulticastUDP("udp4", eth0, udp)
		if err != nil {
			return err
		}
	} else if conn, err = net.ListenUDP("udp4", udp); err != nil {
		return err
	}
	fmt.Println("ready") // to a file, so the test can wait for it
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFromUDP(buf)
		if err != nil {
			return err
		}
		if _, err := conn.WriteToUDP(buf[:n], from); err != nil {
			return err
		}
	}
}

// startEcho runs this binary as an echo server on the host.
func startEcho(t *testing.T, h *Host, addr string) *Proc {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := h.Command(context.Background(), self)
	cmd.Env = append(os.Environ(), echoVariable+"="+addr)
	p, err := h.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	Until(t, 5*time.Second, "echo server", func() error {
		text, err := os.ReadFile(h.logPath())
		if err == nil && !strings.Contains(string(text), "ready") {
			err = fmt.Errorf("log says %q", text)
		}
		return err
	})
	return p
}

// pinger exchanges datagrams with an echo server.
type pinger struct {
	conn *net.UDPConn
	to   *net.UDPAddr
	seq  int
}

func newPinger(t *testing.T, h *Host, to string) *pinger {
	t.Helper()
	udp, err := net.ResolveUDPAddr("udp4", to)
	if err != nil {
		t.Fatal(err)
	}
	p := &pinger{to: udp}
	err = inNS(h.Namespace(), func() error {
		p.conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(h.IP())})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.conn.Close() })
	return p
}

// ping returns the round trip's time, or false if none came within wait.
func (p *pinger) ping(wait time.Duration) (time.Duration, bool) {
	p.seq++
	want := strconv.Itoa(p.seq)
	start := time.Now()
	if _, err := p.conn.WriteToUDP([]byte(want), p.to); err != nil {
		return 0, false
	}
	if err := p.conn.SetReadDeadline(start.Add(wait)); err != nil {
		return 0, false
	}
	buf := make([]byte, 64)
	for {
		n, _, err := p.conn.ReadFromUDP(buf)
		if err != nil {
			return 0, false
		}
		if string(buf[:n]) == want {
			return time.Since(start), true
		}
	}
}

// rtts pings count times and returns the times of the answered ones.
func (p *pinger) rtts(count int, wait time.Duration) []time.Duration {
	var all []time.Duration
	for range count {
		if d, ok := p.ping(wait); ok {
			all = append(all, d)
		}
	}
	return all
}

func TestLatencyPartitionAndLoss(t *testing.T) {
	t.Parallel()
	n := New(t)
	a, b := n.Host("a", "10.77.0.1/24"), n.Host("b", "10.77.0.2/24")
	startEcho(t, b, "10.77.0.2:7000")
	p := newPinger(t, a, "10.77.0.2:7000")

	Until(t, 5*time.Second, "first answer", func() error { return answered(p) })
	base := Quantile(p.rtts(20, time.Second), 0.5)
	n.LAN.SetLink(Link{Latency: 20 * time.Millisecond})
	rtts := p.rtts(15, time.Second)
	if median := Quantile(rtts, 0.5); len(rtts) != 15 || median < 40*time.Millisecond || median > 45*time.Millisecond {
		t.Errorf("20 ms each way: %d of 15 answers, median %v, want 40 to 45 ms (without latency %v)", len(rtts), median, base)
	}

	n.LAN.SetLink(Link{})
	n.LAN.Partition([]*Host{a}, []*Host{b})
	if got := p.rtts(5, 50*time.Millisecond); len(got) != 0 {
		t.Errorf("%d answers through a partition", len(got))
	}
	if n.LAN.Stats().Partitioned == 0 {
		t.Error("the switch counted no frame of the partition")
	}
	n.LAN.Heal()
	Until(t, 5*time.Second, "answer after healing", func() error { return answered(p) })

	n.LAN.SetLink(Link{Loss: 0.3})
	const pings = 200 // answered if both ways pass: 0.49 of them, standard deviation 7
	got := len(p.rtts(pings, 10*time.Millisecond))
	if got < 65 || got > 131 {
		t.Errorf("30 %% loss each way: %d of %d answered, want about 98", got, pings)
	}
	t.Logf("median RTT %v at 0 ms, %v at 20 ms; %d of %d answered at 30 %% loss; %+v",
		base, Quantile(rtts, 0.5), got, pings, n.LAN.Stats())
}

func answered(p *pinger) error {
	if _, ok := p.ping(100 * time.Millisecond); !ok {
		return fmt.Errorf("no answer from %v", p.to)
	}
	return nil
}

func TestMulticastLateCardAndNewAddress(t *testing.T) {
	t.Parallel()
	n := New(t)
	a, late := n.Host("a", "10.77.0.1/24"), n.Host("late")
	late.AttachNIC("10.77.0.2/24")
	startEcho(t, late, "224.0.0.251:7001")
	p := newPinger(t, a, "224.0.0.251:7001")
	Until(t, 5*time.Second, "answer to multicast", func() error { return answered(p) })

	startEcho(t, a, "0.0.0.0:7000")
	late.SetAddr("10.77.0.2/24", "10.77.0.9/24")
	if late.IP() != "10.77.0.9" {
		t.Fatalf("IP() = %s", late.IP())
	}
	q := newPinger(t, late, "10.77.0.1:7000")
	Until(t, 5*time.Second, "answer to the new address", func() error { return answered(q) })

	late.Down()
	if got := q.rtts(3, 50*time.Millisecond); len(got) != 0 {
		t.Errorf("%d answers with the card down", len(got))
	}
	late.Up()
	Until(t, 5*time.Second, "answer with the card up again", func() error { return answered(q) })
}

func TestRouterForwardsUnicastOnly(t *testing.T) {
	t.Parallel()
	n := New(t)
	far := n.Switch("far")
	a := n.Host("a", "10.77.1.1/24")
	n.Router("router", n.LAN, "10.77.1.254/24", far, "10.77.2.254/24")
	b := far.Host("b", "10.77.2.1/24") // made after the router, a before it
	startEcho(t, b, "0.0.0.0:7000")
	p := newPinger(t, a, "10.77.2.1:7000")
	Until(t, 5*time.Second, "answer through the router", func() error { return answered(p) })

	startEcho(t, n.Host("near", "10.77.1.2/24"), "224.0.0.251:7001")
	m := newPinger(t, b, "224.0.0.251:7001")
	if got := m.rtts(3, 100*time.Millisecond); len(got) != 0 {
		t.Errorf("%d multicast answers through the router", len(got))
	}
	m = newPinger(t, a, "224.0.0.251:7001")
	Until(t, 5*time.Second, "multicast on the server's own side", func() error { return answered(m) })
}

// The pid that a test kills must be the program's, not a wrapper's.
func TestPidIsThePrograms(t *testing.T) {
	t.Parallel()
	n := New(t)
	h := n.Host("a", "10.77.0.1/24")
	p := startEcho(t, h, "10.77.0.1:7000")
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	if self, err := os.Executable(); err != nil || exe != self {
		t.Errorf("pid %d runs %s, want %s (%v)", p.Pid(), exe, self, err)
	}
	p.Kill9()
	if pids := nsPids(h.Namespace()); len(pids) != 0 {
		t.Errorf("still in the namespace after kill -9: %v", pids)
	}
}

func TestNothingStays(t *testing.T) {
	t.Parallel()
	var spaces []string
	var proc *Proc
	t.Run("lab", func(t *testing.T) {
		n := New(t)
		h := n.Host("a", "10.77.0.1/24")
		n.Host("b", "10.77.0.2/24")
		proc = startEcho(t, h, "10.77.0.1:7000") // left running
		for _, h := range n.Hosts() {
			spaces = append(spaces, h.Namespace())
		}
	})
	if len(spaces) == 0 {
		t.Skip("the laboratory cannot run here")
	}
	select {
	case <-proc.Done():
	default:
		t.Error("a process outlived its laboratory")
	}
	for _, ns := range spaces {
		if _, err := os.Stat(filepath.Join(netnsDir, ns)); !os.IsNotExist(err) {
			t.Errorf("namespace %s is still there (%v)", ns, err)
		}
	}
}

func TestSweepTakesTheDeadOnly(t *testing.T) {
	t.Parallel()
	n := New(t)
	living := n.Host("a", "10.77.0.1/24").Namespace()
	// Our own pid with another start time: a process that has ended.
	dead := fmt.Sprintf("%s%d-1-%d-x", nsPrefix, os.Getpid(), time.Now().UnixNano())
	if err := ip("netns", "add", dead); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(netnsDir, dead)); !os.IsNotExist(err) {
		t.Errorf("the dead run's namespace is still there (%v)", err)
	}
	if _, err := os.Stat(filepath.Join(netnsDir, living)); err != nil {
		t.Errorf("the living run's namespace: %v", err)
	}
}
