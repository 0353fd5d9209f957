package api_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/ingchain/ingchain/api"
)

// A client of a node whose address and token are known, on another machine for
// instance. [api.Dial] finds those of a node on a data directory of this machine.
func ExampleNewClient() {
	ctx := context.Background()
	node, err := api.NewClient(ctx, api.Endpoint{URL: "http://127.0.0.1:8557", Token: "from api.json"})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	status, err := node.Status(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.Network, "is at height", status.Tip.Height)
}

// A signed payment is handed in, and its fate told apart by the kind of failure.
// The bytes are those of a transaction (core.Transaction.AppendTo), which package
// wallet makes and signs.
func ExampleClient_SubmitTx() {
	ctx := context.Background()
	node, err := api.Dial(ctx, "/home/anna/.local/share/ingchain")
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	var signed []byte
	accepted, err := node.SubmitTx(ctx, signed)
	var refusal *api.Refusal
	switch {
	case errors.As(err, &refusal):
		fmt.Println("refused:", refusal.Code, "— may be taken later:", refusal.Later)
	case err != nil:
		fmt.Println("whether it arrived is not known; the same bytes may be sent again:", err)
	default:
		fmt.Println(accepted.Status, accepted.TxID, "fee", accepted.Fee, "ING")
	}
}

// What addresses have, and their transactions, page by page.
func ExampleClient_WalletView() {
	ctx := context.Background()
	node, err := api.Dial(ctx, "/home/anna/.local/share/ingchain")
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	for q := (api.WalletQuery{Addresses: []string{"ingd1…"}}); ; {
		view, err := node.WalletView(ctx, q)
		if err != nil {
			log.Fatal(err)
		}
		if q.Since == 0 { // every page has them; the first is enough
			for _, a := range view.Addresses {
				fmt.Println(a.Address, "has", a.Confirmed, "ING; on the way:", a.PendingIn)
			}
		}
		for _, tx := range view.Txs {
			if !tx.Pending || q.Since == 0 { // pending ones, too
				fmt.Println(tx.TxID, "with", tx.Confirmations, "confirmations")
			}
		}
		if !view.More {
			return
		}
		q.Since = view.Next
	}
}

// The best chain's blocks as they come. A reader that keeps the cursor of the last
// event it has dealt with misses none, whatever happened in between.
func ExampleClient_Events() {
	ctx := context.Background()
	node, err := api.Dial(ctx, "/home/anna/.local/share/ingchain")
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	cursor := "genesis"
	for e, err := range node.Events(ctx, cursor) {
		if err != nil {
			log.Print(err) // the node has gone, say: dial again, and go on at the cursor
			break
		}
		fmt.Println(e.Type, e.Block.Height, e.Block.ID)
		cursor = e.Cursor
	}
	fmt.Println("next time from", cursor)
}
