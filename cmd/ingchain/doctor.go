package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/node"
)

// What a check can find.
const (
	checkOK   = "ok"
	checkWarn = "warn"
	checkFail = "fail"
)

// mdnsPort is the UDP port of multicast DNS (RFC 6762).
const mdnsPort = 5353

// defaultPorts are those that a node takes if they are free.
var defaultPorts = []struct {
	network, use string
	port         int
}{{"tcp", "P2P over TCP", 8555}, {"udp", "P2P over QUIC", 8555}, {"tcp", "P2P over WebSocket", 8556}, {"tcp", "API", 8557}}

// check is one finding of the doctor.
type check struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok, warn or fail
	Detail string `json:"detail"`
	// Advice says what to do, where something is to be done.
	Advice string `json:"advice"`
}

func (a *app) doctorCmd() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Check this machine and the node for what commonly goes wrong", GroupID: groupNode,
		Example: "  ingchain doctor", Args: args(cobra.NoArgs),
		// A settings file that stops every other verb is a finding here.
		Annotations: map[string]string{annotationNoSettings: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			checks, failed := a.examine(cmd.Context()), 0
			for _, c := range checks {
				if c.Status == checkFail {
					failed++
				}
			}
			if err := a.print(checks, func(w io.Writer) { printChecks(w, checks) }); err != nil {
				return err
			}
			if failed > 0 {
				return fmt.Errorf("%d of %d checks failed", failed, len(checks))
			}
			return nil
		},
	}
}

func printChecks(w io.Writer, checks []check) {
	for _, c := range checks {
		pairs(w, [][2]string{{fmt.Sprintf("%-4s", c.Status), c.Name + ": " + c.Detail}})
		if c.Advice != "" {
			pairs(w, [][2]string{{"    ", "→ " + c.Advice}})
		}
	}
}

// examine runs all checks.
func (a *app) examine(ctx context.Context) []check {
	checks := []check{checkDataDir(a.dataDir)}
	if checks[0].Status == checkOK {
		checks = append(checks, a.checkSettings(), a.checkNetwork())
	}
	node, st := a.checkNode(ctx)
	checks = append(checks, node)
	if st != nil {
		checks = append(checks, checkPeers(st), checkWarnings(st))
	} else {
		checks = append(checks, checkPorts()...)
	}
	return append(checks, checkInterfaces(), checkMDNS())
}

func checkDataDir(dir string) check {
	c := check{Name: "data directory", Status: checkOK, Detail: dir}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Detail += " does not exist yet; 'ingchain up' makes it"
		return c
	case err != nil:
		return check{c.Name, checkFail, err.Error(), "choose another with --data-dir"}
	case !info.IsDir():
		return check{c.Name, checkFail, dir + " is not a directory", "choose another with --data-dir"}
	}
	f, err := os.CreateTemp(dir, "doctor-*")
	if err != nil {
		return check{c.Name, checkFail, err.Error(), "make it writable for this user, or choose another with --data-dir"}
	}
	f.Close()
	os.Remove(f.Name())
	c.Detail += " is writable"
	return c
}

func (a *app) checkSettings() check {
	values, err := readSettings(filepath.Join(a.dataDir, settingsFile))
	if err != nil {
		return check{"settings", checkFail, err.Error(), "correct the file or remove it; " + a.hintFor(err)}
	}
	return check{Name: "settings", Status: checkOK, Detail: fmt.Sprintf("%d from %s", len(values), settingsFile)}
}

func (a *app) checkNetwork() check {
	c := check{Name: "network", Status: checkOK}
	p, err := node.NetworkOf(a.dataDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Detail = "none chosen yet; 'ingchain up' takes lan unless --network says otherwise"
	case err != nil:
		return check{c.Name, checkFail, err.Error(), "put the network file back, or begin anew with another --data-dir"}
	default:
		c.Detail = fmt.Sprintf("%s, genesis %s", p.Name, p.Genesis().ID().Short())
	}
	return c
}

// checkNode asks the node, and tells apart one that is not running from one that
// does not answer.
func (a *app) checkNode(ctx context.Context) (check, *api.Status) {
	c := check{Name: "node", Status: checkOK}
	e, err := api.ReadEndpoint(a.dataDir)
	if err != nil {
		c.Detail = "not running on this directory"
		if !errors.Is(err, api.ErrUnreachable) {
			return check{c.Name, checkFail, err.Error(), "make " + api.EndpointFile + " readable for this user"}, nil
		}
		return c, nil
	}
	client, err := api.NewClient(ctx, e)
	if err != nil {
		return check{c.Name, checkWarn, fmt.Sprintf("process %d left its address %s, but: %v", e.PID, e.URL, err),
			"if that process is gone, 'ingchain up" + a.dataDirArg() + "' starts a new node; nothing needs cleaning"}, nil
	}
	defer client.Close()
	st, err := client.Status(ctx)
	if err != nil {
		return check{c.Name, checkFail, err.Error(), "look at the node's log"}, nil
	}
	c.Detail = fmt.Sprintf("process %d holds the directory and answers at %s, height %d", e.PID, e.URL, st.Tip.Height)
	return c, &st
}

func checkPeers(st *api.Status) check {
	if st.Peers > 0 {
		return check{Name: "peers", Status: checkOK, Detail: fmt.Sprintf("%d joined", st.Peers)}
	}
	return check{"peers", checkWarn, "none",
		"start another node on this LAN; where multicast is blocked, 'ingchain net connect MULTIADDR' joins one by its address"}
}

func checkWarnings(st *api.Status) check {
	if len(st.Warnings) == 0 {
		return check{Name: "warnings", Status: checkOK, Detail: "the node has none, its clock agrees with its peers'"}
	}
	return check{"warnings", checkWarn, strings.Join(st.Warnings, "; "), "set the clocks by NTP if it is about time"}
}

// checkPorts looks whether a node could have its default ports.
func checkPorts() []check {
	var taken []string
	for _, p := range defaultPorts {
		if err := tryPort(p.network, p.port); err != nil {
			taken = append(taken, fmt.Sprintf("%s/%d (%s)", p.network, p.port, p.use))
		}
	}
	if len(taken) == 0 {
		return []check{{Name: "ports", Status: checkOK, Detail: "the default ports are free"}}
	}
	return []check{{"ports", checkWarn, "taken: " + strings.Join(taken, ", "),
		"a node takes free ports instead; name them with --listen or --api if a firewall must know them"}}
}

func tryPort(network string, port int) error {
	addr := fmt.Sprintf(":%d", port)
	if network == "udp" {
		c, err := net.ListenPacket("udp", addr)
		if err == nil {
			c.Close()
		}
		return err
	}
	ln, err := net.Listen("tcp", addr)
	if err == nil {
		ln.Close()
	}
	return err
}

// lanInterfaces lists interfaces that are up and can multicast, loopback apart.
func lanInterfaces() (lan []net.Interface, loopback bool, err error) {
	all, err := net.Interfaces()
	for _, i := range all {
		switch {
		case i.Flags&net.FlagUp == 0:
		case i.Flags&net.FlagLoopback != 0:
			loopback = true
		case i.Flags&net.FlagMulticast != 0:
			lan = append(lan, i)
		}
	}
	return lan, loopback, err
}

func checkInterfaces() check {
	lan, loopback, err := lanInterfaces()
	var names []string
	for _, i := range lan {
		names = append(names, i.Name)
	}
	switch {
	case err != nil:
		return check{"interfaces", checkFail, err.Error(), "look at the network configuration"}
	case len(lan) > 0:
		return check{Name: "interfaces", Status: checkOK, Detail: "up, with multicast: " + strings.Join(names, ", ")}
	case loopback:
		return check{"interfaces", checkWarn, "only loopback is up", "nodes on this machine find each other; connect to a LAN to reach others"}
	}
	return check{"interfaces", checkFail, "no interface is up", "bring the network up"}
}

// checkMDNS tries to join the multicast group that discovery uses, beside other
// programs that have joined it.
func checkMDNS() check {
	group := &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: mdnsPort}
	lan, _, _ := lanInterfaces()
	joined := 0
	var failure error
	for _, i := range lan {
		c, err := net.ListenMulticastUDP("udp4", &i, group)
		if err != nil {
			failure = err
			continue
		}
		c.Close()
		joined++
	}
	if len(lan) == 0 { // discovery still works over loopback
		c, err := net.ListenMulticastUDP("udp4", nil, group)
		if err == nil {
			c.Close()
			joined++
		}
		failure = err
	}
	if joined > 0 {
		return check{Name: "mDNS", Status: checkOK,
			Detail: fmt.Sprintf("port %d is usable; a firewall must let UDP %d and the P2P ports in for others to find this node", mdnsPort, mdnsPort)}
	}
	return check{"mDNS", checkWarn, fmt.Sprintf("cannot join multicast on port %d: %v", mdnsPort, failure),
		"join peers by address: 'ingchain up --peer MULTIADDR' or 'ingchain net connect MULTIADDR'"}
}
