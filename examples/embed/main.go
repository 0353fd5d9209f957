// Command embed is a program with a node inside: it runs one on the development
// network, lets it mine three blocks and prints them as they join the chain.
//
//	go run ./examples/embed
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
)

// blocks is how many blocks the program waits for.
const blocks = 3

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "embed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	n, err := node.New(ctx, node.Config{
		DataDir: dir, Params: core.Dev(), LoopbackOnly: true, APIAddr: "none",
		Listen: []string{"/ip4/127.0.0.1/tcp/0"},
	})
	if err != nil {
		return err
	}
	// The node runs until its context ends, and has closed everything when Run
	// returns.
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	err = follow(ctx, n)
	stop()
	if runErr := <-ended; err == nil {
		err = runErr
	}
	return err
}

// follow mines blocks and reads them back from the node's events.
func follow(ctx context.Context, n *node.Node) error {
	events := n.Events(ctx, "") // from now on, so ask before mining
	if _, err := n.MineOnce(ctx, blocks, ""); err != nil {
		return err
	}
	seen := 0
	for e, err := range events {
		if err != nil {
			return err
		}
		fmt.Printf("%s height %d %s, cursor %s\n", e.Type, e.Block.Height, e.Block.ID, e.Cursor)
		if seen++; seen == blocks {
			break
		}
	}
	return nil
}
