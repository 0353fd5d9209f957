package host

import (
	"errors"
	"fmt"
	"net"

	p2phost "github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"
)

// maxFreePorts is how many free ports are tried before giving up: between
// finding one and binding it, somebody else may take it.
const maxFreePorts = 8

// ListenError says that an address could not be listened on.
type ListenError struct {
	Addr ma.Multiaddr
	Err  error
}

func (e *ListenError) Error() string { return fmt.Sprintf("cannot listen on %s: %v", e.Addr, e.Err) }

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// listenNetwork is what we need of libp2p's swarm: unlike Listen, which is content
// with one address of many, AddListenAddr tells of each.
type listenNetwork interface {
	AddListenAddr(ma.Multiaddr) error
	ListenClose(...ma.Multiaddr)
}

// listen binds what cfg asks for, and returns the ports of default listeners.
func listen(h p2phost.Host, cfg Config) (Ports, error) {
	nw, ok := h.Network().(listenNetwork)
	if !ok {
		return Ports{}, fmt.Errorf("libp2p network %T cannot add listeners", h.Network())
	}
	if len(cfg.Listen) > 0 {
		for _, a := range cfg.Listen {
			if err := nw.AddListenAddr(a); err != nil {
				return Ports{}, &ListenError{Addr: a, Err: err}
			}
		}
		return Ports{}, nil
	}
	return listenDefault(nw, cfg)
}

// listenDefault binds the remembered ports, else the default ones, else any.
func listenDefault(nw listenNetwork, cfg Config) (Ports, error) {
	var saved Ports
	if cfg.PortsFile != "" {
		var err error
		if saved, err = readPorts(cfg.PortsFile); err != nil {
			cfg.Log.Warn("the remembered ports are lost; peers may have to find this node again", "err", err)
		}
	}
	ips := listenIPs(cfg.LoopbackOnly)
	var got Ports
	var err error
	got.P2P, err = bindFirst(nw, saved.P2P, DefaultPort, func(port int) []ma.Multiaddr {
		return append(addrsOn(ips, "/tcp/%d", port), addrsOn(ips, "/udp/%d/quic-v1", port)...)
	})
	if err != nil {
		return Ports{}, err
	}
	got.WebSocket, err = bindFirst(nw, saved.WebSocket, DefaultWebSocketPort, func(port int) []ma.Multiaddr {
		return addrsOn(ips, "/tcp/%d/ws", port)
	})
	if err != nil {
		return Ports{}, err
	}
	if cfg.PortsFile != "" && got != saved {
		if err := writePorts(cfg.PortsFile, got); err != nil {
			return Ports{}, fmt.Errorf("remember ports: %w", err)
		}
	}
	return got, nil
}

// bindFirst binds every address of addrs(port) for the first port for which
// that is possible: saved (if not 0), def, then free ones.
func bindFirst(nw listenNetwork, saved, def int, addrs func(int) []ma.Multiaddr) (int, error) {
	var errs error
	for i := range maxFreePorts + 2 {
		var port int
		switch {
		case i == 0:
			port = saved
		case i == 1 && saved != def:
			port = def
		case i >= 2:
			var err error
			if port, err = freePort(); err != nil {
				return 0, err
			}
		}
		if port == 0 {
			continue
		}
		err := bindAll(nw, addrs(port))
		if err == nil {
			return port, nil
		}
		errs = errors.Join(errs, err)
	}
	return 0, errs
}

// bindAll binds all of addrs or none.
func bindAll(nw listenNetwork, addrs []ma.Multiaddr) error {
	for i, a := range addrs {
		if err := nw.AddListenAddr(a); err != nil {
			nw.ListenClose(addrs[:i]...)
			return &ListenError{Addr: a, Err: err}
		}
	}
	return nil
}

// listenIPs returns the addresses that default listeners bind. IPv6 is left
// out where the machine has none.
func listenIPs(loopbackOnly bool) []net.IP {
	ips := []net.IP{net.IPv4zero, net.IPv6unspecified}
	if loopbackOnly {
		ips = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	l, err := net.Listen("tcp6", net.JoinHostPort(ips[1].String(), "0"))
	if err != nil {
		return ips[:1]
	}
	l.Close()
	return ips
}

// addrsOn makes one multiaddr for each IP; format has the port's verb.
func addrsOn(ips []net.IP, format string, port int) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, ip := range ips {
		family := "/ip6/"
		if ip.To4() != nil {
			family = "/ip4/"
		}
		out = append(out, ma.StringCast(family+ip.String()+fmt.Sprintf(format, port)))
	}
	return out
}
