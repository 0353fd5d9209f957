package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"github.com/ingchain/ingchain/internal/atomicfile"
)

// Ports that a node tries first.
const (
	DefaultPort          = 8555 // TCP and QUIC (UDP)
	DefaultWebSocketPort = 8556 // TCP
)

// Ports are the ports that the default listeners have. The ports file holds
// one as JSON.
type Ports struct {
	P2P       int `json:"p2p"`       // TCP and UDP
	WebSocket int `json:"websocket"` // TCP
}

// readPorts returns what the file at path remembers, or zeros if there is
// none.
func readPorts(path string) (Ports, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Ports{}, nil
	}
	if err != nil {
		return Ports{}, fmt.Errorf("read ports file: %w", err)
	}
	var p Ports
	if err := json.Unmarshal(raw, &p); err != nil {
		return Ports{}, fmt.Errorf("ports file %s: %w", path, err)
	}
	if !validPort(p.P2P) || !validPort(p.WebSocket) {
		return Ports{}, fmt.Errorf("ports file %s: a port is outside 0..65535", path)
	}
	return p, nil
}

func validPort(n int) bool { return 0 <= n && n <= 65535 }

func writePorts(path string, p Ports) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(raw, '\n'))
}

// freePort returns a TCP port that nobody listens on at this moment.
func freePort() (int, error) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
