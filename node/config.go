package node

import (
	"errors"
	"log/slog"

	"github.com/ingchain/ingchain/core"
)

// Defaults that a zero Config field stands for.
const (
	// DefaultAPIAddr is where the HTTP API listens; its port gives way if taken.
	DefaultAPIAddr = "127.0.0.1:8557"
)

// ErrWrongNetwork says that a data directory belongs to another network.
var ErrWrongNetwork = errors.New("data directory belongs to another network")

// Config says how to run a node. DataDir and Params are needed; the zero value
// of every other field is a sensible default, but for MDNS, which is off.
type Config struct {
	// DataDir holds everything the node keeps; it is made if missing.
	DataDir string
	// Params are the network's.
	Params *core.Params

	// Listen are multiaddrs to listen on instead of the default ports. One that
	// cannot be had is an error.
	Listen []string
	// LoopbackOnly keeps peers and default listeners on this machine.
	LoopbackOnly bool
	// Peers are multiaddrs, ending in /p2p/ID, to stay connected to.
	Peers []string
	// MDNS finds peers on the LAN.
	MDNS bool

	// APIAddr is the host:port of the HTTP API; "" means DefaultAPIAddr, whose
	// port gives way if taken, and "none" no API.
	APIAddr string

	// Mine starts the miner once caught up, or after 5 s without peers.
	Mine bool
	// MineTo is the address that mining pays; "" means the payout file's.
	MineTo string
	// MineThreads is the number of search workers; 0 means one per core.
	MineThreads int

	// NoIndex runs without the index of addresses and transactions: questions
	// about addresses are refused.
	NoIndex bool
	// PoolBytes bounds the memory of the pool of payments, in bytes: those that wait
	// for a block, those whose parents are missing, and why others left. 0 means
	// mempool.DefaultMemory.
	PoolBytes int
	// MinFeeRate is the least fee of payments that the node keeps and passes on,
	// in grains per 1,000 bytes; 0 means mempool.DefaultMinFeeRate.
	MinFeeRate uint64

	// Reindex rebuilds coins and indexes from the stored bodies at start.
	Reindex bool
	// PhaseTrace appends the begin and end of phases to a file, for tests that
	// kill the node in the midst of one; "" means none.
	PhaseTrace string

	// OwnProcess says that the process is there for this node alone, which may then
	// set how much garbage Go's collector waits for: less, the more payments wait.
	// GOGC or GOMEMLIMIT in the environment prevent it.
	OwnProcess bool

	// Version is what the node calls itself to peers and people.
	Version string
	// Logger receives log lines; nil means none.
	Logger *slog.Logger
}
