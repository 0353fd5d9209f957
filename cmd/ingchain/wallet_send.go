package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// sendOptions are the flags of send and sweep.
type sendOptions struct {
	passphrase   secretFlags
	id           string
	feeRate      uint64 // 0: what the node estimates
	feeTarget    int    // in how many blocks it should be mined, for that estimate
	data         string
	draftFile    string
	account      uint32
	yes          bool
	allowAbsurd  bool
	spendPending bool
	wait         bool
	timeout      time.Duration
	given        func(flag string) bool
	// opened is the wallet, if it was opened to look a name up: a descriptor gives
	// a passphrase once.
	opened *keystore.Unlocked
}

func (o *sendOptions) register(cmd *cobra.Command) {
	o.registerCommon(cmd, feeTarget)
	f := cmd.Flags()
	f.StringVar(&o.data, "data", "", fmt.Sprintf("text that anybody can read on the chain, at most %d bytes", core.MaxTxData))
	f.StringVar(&o.draftFile, "draft", "", "write the payment unsigned to a file instead, and keep no coins for it")
	f.Uint32Var(&o.account, "account", 0, "account that pays: its coins alone, and the change goes back to it (default coins of all, change to account 0)")
	f.BoolVar(&o.spendPending, "spend-pending", false, "spend also what others have paid and no block has yet")
}

// registerCommon adds the flags of whatever is signed and sent at once.
func (o *sendOptions) registerCommon(cmd *cobra.Command, target int) {
	f := cmd.Flags()
	o.given = f.Changed
	o.passphrase.register(f, "passphrase", "the wallet's passphrase")
	f.StringVar(&o.id, "id", "", "name of the payment: repeating it with the same name never pays twice (default a random one)")
	f.Uint64Var(&o.feeRate, "fee-rate", 0, "fee in grains per 1,000 bytes (default what the node thinks it takes)")
	f.IntVar(&o.feeTarget, "fee-target", target, "pay the fee that the node thinks takes so many blocks")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&o.allowAbsurd, "allow-absurd-fee", false, "let a fee pass that looks like a mistake")
	f.BoolVar(&o.wait, "wait", false, "wait until a block has it")
	f.DurationVar(&o.timeout, "timeout", 0, "with --wait, give up after this long, with exit status 5")
}

// check refuses flags that make no sense, and says what is missing before
// anything is asked or reserved.
func (o *sendOptions) check() error {
	switch {
	case o.given("id") && o.id == "":
		// A script whose variable is empty must not pay anew each time.
		return usagef("--id is empty: %w", keystore.ErrSendID)
	case o.given("fee-rate") && o.feeRate == 0:
		return usagef("--fee-rate 0: leave it out to pay what the node thinks it takes")
	case o.given("fee-rate") && o.given("fee-target"):
		return usagef("--fee-rate and --fee-target are both given")
	case o.feeTarget < 1 || o.feeTarget > api.MaxFeeTarget:
		return usagef("--fee-target %d, want 1 to %d blocks", o.feeTarget, api.MaxFeeTarget)
	case len(o.data) > core.MaxTxData:
		return usagef("--data has %d bytes, at most %d", len(o.data), core.MaxTxData)
	case o.timeout < 0, o.timeout > 0 && !o.wait:
		return usagef("--timeout %v, want a positive duration such as 60s, and --wait", o.timeout)
	case o.draftFile != "" && (o.wait || o.id != ""):
		return usagef("--draft sends nothing: it goes with neither --wait nor --id")
	}
	return nil
}

// canSend says what is missing for a payment to be agreed to and signed here.
func (o *sendOptions) canSend(a *app) error {
	if _, ok := a.terminal(); !ok && !o.yes {
		return withHint(usagef("without a terminal nobody can be asked whether to send"), "--yes sends without asking")
	}
	return a.canGive(&o.passphrase)
}

// plan is what a payment is to be, whichever coins it takes.
type plan struct {
	*sendOptions
	// draft chooses among coins.
	draft func(t wallet.Terms, coins []wallet.Coin, change wallet.OwnAddress) (*wallet.Draft, error)
	// is reports whether a payment that was begun under the same id is this one.
	is func(*keystore.Send) bool
}

func (w *walletVerbs) sendCmd() *cobra.Command {
	var o sendOptions
	cmd := &cobra.Command{
		Use: "send ADDRESS AMOUNT", Short: "Pay an address an amount of ING",
		Long: `Choose coins, show the payment, ask, sign it here and hand it to the node.

A payment has an id. Repeating the command with the same --id sends the same
bytes again, whatever ended the first attempt, and never pays twice.

ADDRESS may be a name of the address book ('ingchain wallet contacts'), for which
the passphrase is asked first.`,
		Example: `  ingchain wallet send ing1q… 1.5
  ingchain wallet send ing1q… 0.25 --id rent-11 --yes --passphrase-file secret.txt
  ingchain wallet send ing1q… 20 --draft payment.json
  ingchain wallet send bob 1.5 --fee-target 1`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			p, err := w.open()
			if err != nil {
				return err
			}
			amount, err := core.ParseAmount(operands[1])
			if err != nil {
				return err
			}
			if amount == 0 {
				return fmt.Errorf("%w: a payment of nothing", core.ErrAmount)
			}
			to, err := p.payee(cmd.Context(), operands[0], &o)
			if err != nil {
				return err
			}
			defer o.close()
			out := core.Output{Value: amount, Address: to}
			pl := &plan{sendOptions: &o,
				draft: func(t wallet.Terms, coins []wallet.Coin, change wallet.OwnAddress) (*wallet.Draft, error) {
					return wallet.Pay(t, coins, wallet.Payment{Outputs: []core.Output{out}, Data: []byte(o.data), Change: change.Address, ChangePath: &change.Path})
				},
				is: func(s *keystore.Send) bool {
					return slices.Equal(s.Payments, []core.Output{out}) && string(s.Data) == o.data
				},
			}
			return p.pay(cmd.Context(), pl)
		},
	}
	o.register(cmd)
	return cmd
}

func (w *walletVerbs) sweepCmd() *cobra.Command {
	var o sendOptions
	cmd := &cobra.Command{
		Use: "sweep ADDRESS", Short: "Pay everything to one address",
		Long: `Pay all coins that can be spent to one address. Coins that cost more than they
bring stay. If they are more than fit in one transaction, it says so; do it again
for the rest. ADDRESS may be a name of the address book, as in 'wallet send'.`,
		Example: "  ingchain wallet sweep ing1q…", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			p, err := w.open()
			if err != nil {
				return err
			}
			to, err := p.payee(cmd.Context(), operands[0], &o)
			if err != nil {
				return err
			}
			defer o.close()
			pl := &plan{sendOptions: &o,
				draft: func(t wallet.Terms, coins []wallet.Coin, _ wallet.OwnAddress) (*wallet.Draft, error) {
					d, left, err := wallet.Sweep(t, coins, to, []byte(o.data))
					if left > 0 {
						fmt.Fprintf(w.err, "note: %s coins do not fit and stay for another sweep\n", grouped(left))
					}
					return d, err
				},
				is: func(s *keystore.Send) bool {
					return len(s.Payments) == 1 && s.Payments[0].Address == to && string(s.Data) == o.data
				},
			}
			return p.pay(cmd.Context(), pl)
		},
	}
	o.register(cmd)
	return cmd
}

// newSendID draws the id of a payment that nobody named.
func newSendID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// printSummary shows a payment before it is signed.
func printSummary(w io.Writer, s wallet.Summary) {
	const most = 20 // inputs or outputs that are shown one by one
	var rows [][]string
	for i, in := range s.Inputs {
		if i == most && len(s.Inputs) > most+1 {
			rows = append(rows, []string{"", "", fmt.Sprintf("and %d more", len(s.Inputs)-most)})
			break
		}
		rows = append(rows, []string{first(i, "spends"), ing(in.Value), in.Address, fmt.Sprintf("%s:%d", in.TxID.Short(), in.Index)})
	}
	for i, out := range s.Outputs {
		if i == most && len(s.Outputs) > most+1 {
			rows = append(rows, []string{"", "", fmt.Sprintf("and %d more", len(s.Outputs)-most)})
			break
		}
		rows = append(rows, []string{first(i, "pays"), ing(out.Value), out.Address, map[bool]string{true: "change, back to this wallet"}[out.Change]})
	}
	rows = append(rows,
		[]string{"fee", ing(s.Fee), fmt.Sprintf("%d grains per 1,000 bytes, %s bytes", uint64(s.FeeRate), grouped(s.Size))},
		[]string{"total", ing(s.Paid + s.Fee), "with the fee, without change"})
	grid(w, rows)
	if s.Data != "" { // as long as may be, so it stands in no column
		pairs(w, [][2]string{{"data  ", dataText(s.Data)}})
	}
}

// dataText words a payment's data: as text if it is some, else in hexadecimal.
func dataText(digits string) string {
	b, err := hex.DecodeString(digits)
	if err != nil || !utf8.Valid(b) || clean(string(b)) != string(b) {
		return digits
	}
	return strconv.Quote(string(b))
}

// first is word for the first of several rows.
func first(i int, word string) string {
	if i > 0 {
		return ""
	}
	return word
}

// explain adds what to do to errors of choosing among coins.
func explain(err error, coins []wallet.Coin) error {
	var absurd *wallet.AbsurdFeeError
	var short *wallet.InsufficientError
	switch {
	case errors.As(err, &absurd):
		return withHint(err, "--allow-absurd-fee sends it as it is")
	case errors.As(err, &short) && short.Pending > 0:
		return withHint(err, "wait for the next block, or give --spend-pending")
	case errors.As(err, &short) && short.Reserved > 0:
		return withHint(err, "they belong to %s; 'ingchain wallet forget ID' gives back the coins of one that is gone or was never sent", holders(coins))
	}
	return err
}

// holders names payments under way that hold coins.
func holders(coins []wallet.Coin) string {
	const most = 5
	var ids []string
	for i := range coins {
		if id := coins[i].ReservedBy; id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
		if len(ids) > most {
			return strings.Join(ids[:most], ", ") + " and more"
		}
	}
	return strings.Join(ids, ", ")
}
