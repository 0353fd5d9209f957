// Command ingchain runs an Ingchain node and talks to a running one.
//
// It is flags, signals and words: the node is package node, and every verb but
// up and demo is a call of the API client in package api. Start with root.go,
// which lists the verbs; exit.go is the contract with scripts.
package main

import (
	"context"
	"os"
)

func main() { os.Exit(run()) }

// run is main without the exit, so that tests can be the binary.
func run() int {
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	ctx, stop := withSignals(context.Background())
	defer stop()
	return a.main(ctx, os.Args[1:])
}
