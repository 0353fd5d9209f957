// Command ingchain runs an Ingchain node and talks to a running one.
//
// It is flags, signals and words: the node is package node, and every verb but
// up and demo is a call of the API client in package api. Start with root.go,
// which lists the verbs; exit.go is the contract with scripts.
package main

import (
	"context"
	"os"

	"github.com/ingchain/ingchain/wallet/keystore"
)

func main() { os.Exit(run(keystore.Options{})) }

// run is main without the exit, so that tests can be the binary. They alone give
// other options of keys: nothing that a user sets makes a wallet weaker.
func run(keys keystore.Options) int {
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, keys: keys}
	ctx, stop := withSignals(context.Background())
	defer stop()
	return a.main(ctx, os.Args[1:])
}
