package node

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
)

// Stopped reads the chain of a node that does not run.
type Stopped struct {
	chainView
}

var _ api.ChainReader = (*Stopped)(nil)

// OpenStopped opens the chain in a data directory for reading. It fails with an
// error that wraps [api.ErrNotFound] if there is none, and with one that says
// who holds it if a node runs on it. The caller closes it.
func OpenStopped(dataDir string) (*Stopped, error) {
	p, err := NetworkOf(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s holds no chain; `ingchain up --data-dir %s` begins one", api.ErrNotFound, dataDir, dataDir)
	}
	if err != nil {
		return nil, err
	}
	rules, err := core.NewRules(p)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler)
	store, err := pebbledb.OpenReadOnly(dataDir, rules.GenesisID(), pebbledb.Options{Logger: log})
	if err != nil {
		return nil, fmt.Errorf("open the chain of %s: %w", dataDir, notFound(err))
	}
	manager, err := chain.Open(store, rules, chain.Options{Logger: log})
	if err != nil {
		return nil, fmt.Errorf("open the chain of %s: %w", dataDir, errors.Join(notFound(err), store.Close()))
	}
	return &Stopped{chainView{manager}}, nil
}

// Close closes the chain.
func (s *Stopped) Close() error { return s.chain.Close() }
