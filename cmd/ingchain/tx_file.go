package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// readTx reads a transaction or a draft of one: an operand in hexadecimal, or a
// file (or "-") with hexadecimal, bytes, or a draft. One of the two is nil.
func readTx(a *app, operand string, rules *core.Rules) (*core.Transaction, *wallet.Draft, error) {
	data := []byte(operand)
	if !isHex(operand) {
		var err error
		if data, err = readInput(a, operand, wallet.MaxDraftSize); err != nil {
			return nil, nil, err
		}
	}
	text := bytes.TrimSpace(data)
	if bytes.HasPrefix(text, []byte("{")) {
		d, err := wallet.ParseDraft(data, rules)
		return nil, d, err
	}
	if isHex(string(text)) {
		data = make([]byte, hex.DecodedLen(len(text)))
		if _, err := hex.Decode(data, text); err != nil {
			return nil, nil, usagef("not hexadecimal: %w", err)
		}
	}
	t, err := core.ParseTransaction(data)
	if err != nil {
		return nil, nil, usagef("%.80q is neither a transaction nor a draft: %w", operand, err)
	}
	return t, nil, nil
}

func rateOf(fee core.Amount, size int) wallet.FeeRate { return wallet.RateOf(fee, size) }

func printDraft(w io.Writer, s wallet.Summary) {
	printSummary(w, s)
	switch len(s.Missing) {
	case 0:
		fmt.Fprintf(w, "signed by all; txid %s\n", s.TxID)
	default:
		fmt.Fprintf(w, "to be signed by %d more; txid %s\n", len(s.Missing), s.TxID)
	}
}

// asSeenBy returns a draft as a wallet sees it, whatever the drafter calls change:
// that is what comes back to an address of the wallet, and nothing if st is nil.
func asSeenBy(st *keystore.State, d *wallet.Draft) *wallet.Draft {
	seen := *d
	seen.Inputs, seen.Outputs = slices.Clone(d.Inputs), slices.Clone(d.Outputs)
	if st == nil {
		seen.Mark(func(core.Address) (p wallet.Path, own bool) { return p, false })
		return &seen
	}
	seen.Mark(st.Path)
	for i := range seen.Outputs { // addresses that are only watched have no path
		seen.Outputs[i].Change = seen.Outputs[i].Change || d.Outputs[i].Change && st.Owns(d.Outputs[i].Address)
	}
	return &seen
}

// printOurs shows a draft as this wallet sees it and what it takes from it.
func printOurs(w io.Writer, d *wallet.Draft, st *keystore.State) {
	seen := asSeenBy(st, d)
	printDraft(w, seen.Summary())
	var spends, back core.Amount
	for i := range seen.Inputs {
		if seen.Inputs[i].Path != nil {
			spends += seen.Inputs[i].Value
		}
	}
	for i := range seen.Outputs {
		if seen.Outputs[i].Path != nil {
			back += seen.Outputs[i].Value
		}
	}
	fmt.Fprintf(w, "this wallet spends %s, gets %s back\n", ing(spends), ing(back))
}

func (w *walletVerbs) txSignCmd() *cobra.Command {
	var (
		passphrase secretFlags
		output     string
		yes        bool
		absurdFee  bool
	)
	cmd := &cobra.Command{
		Use: "sign FILE...", Short: "Sign a draft with the keys of the wallet",
		Long: `Show a draft, ask, sign it with the keys of the wallet that are among its owners,
and write it back. Several files of one draft are united, with all signatures. It
needs no node: what the draft says of its coins is the drafter's word, but the fee
and where the money goes are what is signed.`,
		Example: `  ingchain tx sign payment.json
  ingchain tx sign anna.json bob.json -o both.json`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			p, err := w.open()
			if err != nil {
				return err
			}
			d, err := w.readDrafts(operands, p.rules)
			if err != nil {
				return err
			}
			st, err := p.store.State()
			if err != nil {
				return err
			}
			ours := 0
			for _, a := range d.Missing() {
				if _, own := st.Path(a); own {
					ours++
				}
			}
			w.live.close()
			printOurs(w.err, d, st)
			if ours == 0 && (len(operands) == 1 || len(d.Missing()) > 0) {
				return fmt.Errorf("nothing to sign: none of the %d missing signatures is of a key of this wallet", len(d.Missing()))
			}
			if ours > 0 {
				if err := asSeenBy(st, d).CheckFee(); err != nil && !absurdFee {
					return withHint(err, "--allow-absurd-fee signs it as it is")
				}
				if err := p.signDraft(cmd, d, &passphrase, yes); err != nil {
					return err
				}
			}
			if output == "" {
				output = operands[0]
			}
			return w.writeDraft(output, d, st)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write instead of the first one")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&absurdFee, "allow-absurd-fee", false, "sign also a fee that looks like a mistake")
	passphrase.register(cmd.Flags(), "passphrase", "the wallet's passphrase")
	return cmd
}

// readDrafts reads drafts of one payment and unites their signatures.
func (w *walletVerbs) readDrafts(files []string, rules *core.Rules) (*wallet.Draft, error) {
	var drafts []*wallet.Draft
	for _, file := range files {
		_, d, err := readTx(w.app, file, rules)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if d == nil {
			return nil, usagef("%s is a transaction, which is signed already; a draft is JSON text", file)
		}
		drafts = append(drafts, d)
	}
	return wallet.Combine(drafts[0], drafts[1:]...)
}

func (p *purse) signDraft(cmd *cobra.Command, d *wallet.Draft, passphrase *secretFlags, yes bool) error {
	ctx := cmd.Context()
	if !yes {
		if _, ok := p.terminal(); !ok {
			return withHint(usagef("without a terminal nobody can be asked whether to sign"), "--yes signs without asking")
		}
		agreed, err := p.confirm(ctx, "Sign?")
		if err != nil {
			return err
		}
		if !agreed {
			return errors.New("not signed")
		}
	}
	u, err := p.unlock(ctx, p.store, passphrase)
	if err != nil {
		return err
	}
	defer u.Close()
	st, err := p.store.State()
	if err != nil {
		return err
	}
	_, err = d.Sign(keyOf(st, u))
	return err
}

// writeDraft replaces a draft's file by one with more signatures.
func (w *walletVerbs) writeDraft(file string, d *wallet.Draft, st *keystore.State) error {
	data := append(d.Encode(), '\n')
	if file == stdFile {
		_, err := w.out.Write(data)
		return err
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", file)
	}
	if err := writeWhole(file, func(f io.Writer) error {
		_, err := f.Write(data)
		return err
	}); err != nil {
		return err
	}
	s := asSeenBy(st, d).Summary()
	return w.print(s, func(out io.Writer) {
		if len(s.Missing) == 0 {
			fmt.Fprintf(out, "%s is signed by all: 'ingchain tx send %s' sends it\n", file, file)
			return
		}
		fmt.Fprintf(out, "%s is signed; %d more must sign it\n", file, len(s.Missing))
	})
}
