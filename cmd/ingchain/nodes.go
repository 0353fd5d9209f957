package main

import (
	"context"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/node"
)

// runner is a node in this process.
type runner interface {
	api.Backend
	// Run serves until ctx is done and returns when everything is closed.
	Run(ctx context.Context) error
	// API returns the URL and token of the node's API, or empty strings.
	API() (url, token string)
}

var _ runner = (*node.Node)(nil)

// chainStore is the chain of a running node, or of one that is stopped.
type chainStore interface {
	api.ChainReader
	Close() error
}

// chain opens the chain that lies in the data directory: through the node that
// runs on it, else directly, which needs no waiting for one.
func (a *app) chain(ctx context.Context) (chainStore, error) {
	c, dialErr := a.dialWithin(ctx, 0)
	if dialErr == nil {
		return c, nil
	}
	if exitCode(dialErr) != exitUnreachable {
		return nil, dialErr
	}
	if _, err := node.NetworkOf(a.dataDir); err != nil {
		return nil, dialErr // there is no chain here either
	}
	return node.OpenStopped(a.dataDir)
}
