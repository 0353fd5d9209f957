// Command pay is a program with a wallet inside: it waits for a payment to an
// address of its own, and pays half of it to another. The keys stay in the
// program; a running node tells it what is on the chain and takes signed bytes.
//
//	ingchain up --network dev &
//	ingchain wallet new --network dev        # prints its address and the data directory
//	go run ./examples/pay DATA-DIR ADDRESS   # prints another address
//	ingchain faucet THAT-ADDRESS             # in another terminal
//	ingchain mine once                       # a block for the payment, unless faucet made it
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

const (
	// confirmations is how deep a payment must be to count as made. One block can
	// be reorganised away: who delivers goods for it waits for more.
	confirmations = 1
	// feeTarget is within how many blocks our payment should be mined.
	feeTarget = 3
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: pay DATA-DIR ADDRESS")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2], os.Stdout); err != nil {
		stop()
		log.Fatal(err)
	}
}

func run(ctx context.Context, dataDir, payee string, out io.Writer) error {
	node, err := api.Dial(ctx, dataDir)
	if err != nil {
		return err
	}
	defer node.Close()
	params := node.Params()
	// The words below live as long as the program does, and with them the other
	// half of the money. Package wallet/keystore keeps them in an encrypted file.
	if !params.Retarget.Fixed {
		return fmt.Errorf("network %q is no dev network: its coins would be lost", params.Name)
	}
	to, err := core.ParseAddress(payee, params.AddressPrefix)
	if err != nil {
		return err
	}
	account, err := newAccount()
	if err != nil {
		return err
	}
	defer account.Wipe()
	key, err := account.Key(wallet.Receive, 0)
	if err != nil {
		return err
	}
	defer key.Wipe()
	// One address for each payer: so one knows who has paid, and nobody else can
	// tell that they paid the same person.
	address := key.Address().Encode(params.AddressPrefix)
	fmt.Fprintln(out, "address  ", address)
	view, received, err := awaitMoney(ctx, node, address)
	if err != nil {
		return fmt.Errorf("wait for a payment: %w", err)
	}
	fmt.Fprintln(out, "received ", received, "ING at height", view.Tip.Height)

	change, err := account.Address(wallet.Change, 0)
	if err != nil {
		return err
	}
	tx, err := sign(ctx, node, view, key, wallet.Payment{
		Outputs: []core.Output{{Value: received / 2, Address: to}}, Change: change,
	})
	if err != nil {
		return fmt.Errorf("make the payment: %w", err)
	}
	// If the answer is lost on its way, the same bytes may be submitted again: the
	// node knows them then, and nobody is paid twice. So a program that keeps its
	// words keeps the bytes too, before it submits them. A [api.Refusal] in the
	// error says which rule was broken.
	accepted, err := node.SubmitTx(ctx, tx.AppendTo(nil))
	if err != nil {
		return fmt.Errorf("submit the payment: %w", err)
	}
	fmt.Fprintln(out, "submitted", accepted.TxID, "fee", accepted.Fee, "ING")
	block, err := awaitBlock(ctx, node, accepted.TxID)
	if err != nil {
		return fmt.Errorf("wait for a block with %s: %w", accepted.TxID, err)
	}
	fmt.Fprintln(out, "confirmed at height", block.Height)
	return nil
}

// newAccount makes words and returns their first account.
func newAccount() (account wallet.Account, err error) {
	entropy := make([]byte, 16) // 12 words; 32 bytes make 24
	rand.Read(entropy)          // never fails
	words, err := wallet.NewMnemonic(entropy, wallet.English)
	if err != nil {
		return account, err
	}
	defer words.Wipe()
	seed, err := words.Seed(wallet.Passphrase{})
	if err != nil {
		return account, err
	}
	defer seed.Wipe()
	return seed.Account(0)
}

// follow looks until there is nothing more to wait for: now, and whenever the
// best chain has changed.
func follow(ctx context.Context, node *api.Client, look func() (done bool, err error)) error {
	following, stop := context.WithCancel(ctx) // ends the stream when we are done
	defer stop()
	// Subscribed before the first look, so that nothing falls between the two. A
	// look asks for the state as a whole, so no event need be remembered; who goes
	// through the blocks themselves keeps Event.Cursor and begins there next time.
	events := node.Events(following, "")
	if done, err := look(); done || err != nil {
		return err
	}
	for _, err := range events {
		if err != nil {
			return err
		}
		if done, err := look(); done || err != nil {
			return err
		}
	}
	return ctx.Err() // the events end without an error when ctx is cancelled
}

// awaitMoney waits until blocks have paid to the address what can be spent.
func awaitMoney(ctx context.Context, node *api.Client, address string) (view api.WalletView, sum core.Amount, err error) {
	err = follow(ctx, node, func() (bool, error) {
		view, err = node.WalletView(ctx, api.WalletQuery{Addresses: []string{address}})
		if err != nil {
			return false, err
		}
		for _, a := range view.Addresses {
			sum += a.Confirmed // the payer may yet replace what is pending
		}
		return sum > 0, nil
	})
	return view, sum, err
}

// sign chooses among the coins of a view and signs the payment.
func sign(ctx context.Context, node *api.Client, view api.WalletView, key wallet.Key, p wallet.Payment) (*core.Transaction, error) {
	rules, err := core.NewRules(node.Params())
	if err != nil {
		return nil, err
	}
	fees, err := node.Fees(ctx, []int{feeTarget})
	if err != nil {
		return nil, err
	}
	rate := fees.MinFeeRate
	for _, e := range fees.Estimates {
		rate = max(rate, e.FeeRate)
	}
	var coins []wallet.Coin
	for _, c := range view.Coins {
		if !c.SpentBy.IsZero() {
			continue
		}
		coin, err := c.Coin(node.Params().AddressPrefix)
		if err != nil {
			return nil, fmt.Errorf("the node's answer: %w", err)
		}
		coins = append(coins, wallet.Coin{Coin: coin, Pending: c.Pending})
	}
	terms := wallet.Terms{Rules: rules, Height: view.Tip.Height, FeeRate: wallet.FeeRate(rate)}
	draft, err := wallet.Pay(terms, coins, p)
	if err != nil {
		return nil, err
	}
	if _, err := draft.Sign(func(a core.Address) (wallet.Key, bool) { return key, a == key.Address() }); err != nil {
		return nil, err
	}
	return draft.Transaction(rules)
}

// awaitBlock waits until a block has the payment, deep enough.
func awaitBlock(ctx context.Context, node *api.Client, id core.Hash) (block *api.TxBlock, err error) {
	err = follow(ctx, node, func() (bool, error) {
		tx, err := node.Tx(ctx, id, false)
		switch {
		case err != nil:
			return false, err
		case tx.Gone != nil: // a conflicting payment was mined, say
			return false, errors.New("it left the pool: " + tx.Gone.Reason)
		}
		block = tx.Block
		return block != nil && tx.Confirmations >= confirmations, nil
	})
	return block, err
}
