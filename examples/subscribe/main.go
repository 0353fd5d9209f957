// Command subscribe prints the blocks that an Ingchain network announces. It
// needs nothing of ours, only go-libp2p and its pubsub:
//
//	go run ./examples/subscribe MULTIADDR GENESIS
//
// `ingchain id` prints a node's multiaddrs, `ingchain status` its genesis id.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log"
	"os"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
)

const headerSize = 118 // behind the kind byte: version u16, height u32, parent, … little-endian

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: subscribe MULTIADDR GENESIS")
	}
	ctx := context.Background()
	h := must(libp2p.New(libp2p.NoListenAddrs))
	// Messages are unsigned, since the work in them proves what they say, and
	// their id is the hash of their bytes.
	gossip := must(pubsub.NewGossipSub(ctx, h, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(func(m *pb.Message) string { id := sha256.Sum256(m.Data); return string(id[:]) })))
	blocks := must(must(gossip.Join("/ingchain/blocks/1.0.0/" + os.Args[2])).Subscribe())
	if err := h.Connect(ctx, *must(peer.AddrInfoFromString(os.Args[1]))); err != nil {
		log.Fatal(err)
	}
	for {
		data := must(blocks.Next(ctx)).Data
		if len(data) < 1+headerSize {
			continue
		}
		header := data[1 : 1+headerSize]
		id := sha256.Sum256(header)
		fmt.Printf("height %d  %x\n", binary.LittleEndian.Uint32(header[2:]), sha256.Sum256(id[:]))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
