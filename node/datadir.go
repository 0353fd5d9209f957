package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/atomicfile"
)

// What lies in a data directory.
const (
	networkFile  = "network.json" // the network's parameters, written once
	identityFile = "identity.key" // the libp2p identity
	portsFile    = "ports.json"   // ports that default listeners got
	peersFile    = "peers.json"   // peers joined in earlier runs
	chainDir     = "chain"        // the chain's store
	payoutFile   = "payout"       // the address that mining pays, as text
	indexDir     = "index"        // of addresses and transactions; built anew if missing
	journalFile  = "mempool.dat"  // payments that were acknowledged
)

// NetworkOf returns the network that a data directory belongs to, or an error
// that wraps fs.ErrNotExist if it belongs to none yet.
func NetworkOf(dataDir string) (*core.Params, error) {
	path := filepath.Join(dataDir, networkFile)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the network of %s: %w", dataDir, err)
	}
	if info.Size() > core.MaxParamsFile {
		return nil, fmt.Errorf("%s has %d bytes, a network file has at most %d", path, info.Size(), core.MaxParamsFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the network of %s: %w", dataDir, err)
	}
	p, err := core.ParseParams(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// checkNetwork refuses a directory that is bound to another network, and reports
// whether it is bound to this one.
func checkNetwork(dataDir string, rules *core.Rules) (bound bool, err error) {
	p, err := NetworkOf(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if have := p.Genesis().ID(); have != rules.GenesisID() {
		return false, fmt.Errorf("%w: %s holds %q (genesis %s), not %q (genesis %s); choose another --data-dir or --network",
			ErrWrongNetwork, dataDir, p.Name, have.Short(), rules.Params().Name, rules.GenesisID().Short())
	}
	return true, nil
}

// bindNetwork binds a directory to the network.
func bindNetwork(dataDir string, rules *core.Rules) error {
	data, err := json.MarshalIndent(rules.Params(), "", "  ")
	if err != nil {
		return fmt.Errorf("write network file: %w", err)
	}
	return atomicfile.Write(filepath.Join(dataDir, networkFile), append(data, '\n'))
}

// payout returns the address in the payout file, or the zero account and false
// if there is no such file.
func payout(dataDir string, p *core.Params) (core.Address, bool, error) {
	data, err := os.ReadFile(filepath.Join(dataDir, payoutFile))
	if errors.Is(err, fs.ErrNotExist) {
		return core.Address{}, false, nil
	}
	if err != nil {
		return core.Address{}, false, fmt.Errorf("read payout address: %w", err)
	}
	a, err := core.ParseAddress(strings.TrimSpace(string(data)), p.AddressPrefix)
	if err != nil {
		return core.Address{}, false, fmt.Errorf("payout file of %s: %w", dataDir, err)
	}
	return a, true, nil
}

// mineTo resolves the address that mining pays: the one given, else the payout
// file's, else the zero account, which nobody can spend from.
func (n *Node) mineTo(address string) (core.Address, error) {
	p := n.rules.Params()
	if address != "" {
		a, err := core.ParseAddress(address, p.AddressPrefix)
		if err != nil {
			return a, fmt.Errorf("%w: %w", api.ErrBadRequest, err)
		}
		return a, nil
	}
	a, ok, err := payout(n.cfg.DataDir, p)
	if err != nil {
		return a, err
	}
	if !ok && !n.warnedPayout.Swap(true) {
		n.log.Warn("no payout address: rewards go to the zero account and nobody can spend them; give an address to pay")
	}
	return a, nil
}
