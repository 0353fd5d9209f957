package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

// signedMessage is what `wallet sign` and `wallet verify` print.
type signedMessage struct {
	Address   string `json:"address"`
	Message   string `json:"message"`
	Signature string `json:"signature"` // base64 of public key and signature
	Armor     string `json:"armor"`     // all of it as text
}

func asSigned(m *wallet.Message) signedMessage {
	return signedMessage{m.Address.Encode(m.Prefix), m.Text, m.Signature(), m.String()}
}

func (w *walletVerbs) signCmd() *cobra.Command {
	var passphrase secretFlags
	var address string
	cmd := &cobra.Command{
		Use: "sign MESSAGE", Short: "Sign a message as the owner of an address",
		Long: `Sign a message with the key of an address of the wallet, to show that one owns
it. A signed message is never a payment. The message - is read from standard input.`,
		Example: "  ingchain wallet sign 'I own this.'", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			p, err := w.open()
			if err != nil {
				return err
			}
			text, err := messageText(w.app, operands[0])
			if err != nil {
				return err
			}
			st, err := p.store.State()
			if err != nil {
				return err
			}
			own, _ := st.Current(0)
			if address != "" {
				if own.Address, err = p.parse(address); err != nil {
					return err
				}
			}
			path, ours := st.Path(own.Address)
			if !ours && !st.WatchOnly() {
				return fmt.Errorf("%w: the wallet has no key of %s", api.ErrNotFound, p.text(own.Address))
			}
			u, err := w.unlock(cmd.Context(), p.store, &passphrase)
			if err != nil {
				return err
			}
			defer u.Close()
			key, ok := u.Key(path, own.Address)
			if !ok {
				return fmt.Errorf("%w: the wallet has no key of %s", api.ErrNotFound, p.text(own.Address))
			}
			defer key.Wipe()
			m, err := wallet.SignMessage(key, p.prefix(), text)
			if err != nil {
				return err
			}
			return w.print(asSigned(m), func(out io.Writer) { fmt.Fprint(out, m.String()) })
		},
	}
	cmd.Flags().StringVar(&address, "address", "", "address whose owner signs (default the one that 'wallet addr' shows)")
	passphrase.register(cmd.Flags(), "passphrase", "the wallet's passphrase")
	return cmd
}

// messageText returns the operand, or standard input for "-".
func messageText(a *app, operand string) (string, error) {
	if operand != stdFile {
		return operand, nil
	}
	b, err := readInput(a, stdFile, wallet.MaxMessage+2)
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), err
}

func (w *walletVerbs) verifyCmd() *cobra.Command {
	return &cobra.Command{
		Use: "verify FILE | ADDRESS MESSAGE SIGNATURE", Short: "Check who signed a message",
		Long: `Check a message that 'wallet sign' signed: the whole text from a file or, as -,
from standard input; or its three parts. It needs neither a wallet nor a node.`,
		Example: `  ingchain wallet verify signed.txt
  ingchain wallet verify ing1q… 'I own this.' SIGNATURE`,
		Args: args(func(_ *cobra.Command, given []string) error {
			if len(given) != 1 && len(given) != 3 {
				return fmt.Errorf("want a file, or an address, a message and a signature; got %d operands", len(given))
			}
			return nil
		}),
		RunE: func(_ *cobra.Command, operands []string) error {
			rules, err := w.rules()
			if err != nil {
				return err
			}
			m, err := w.verify(operands, rules)
			if err != nil {
				return err
			}
			return w.print(asSigned(m), func(out io.Writer) {
				fmt.Fprintf(out, "good: the owner of %s signed this\n", m.Address.Encode(m.Prefix))
			})
		},
	}
}

func (w *walletVerbs) verify(operands []string, rules *core.Rules) (*wallet.Message, error) {
	prefix := rules.Params().AddressPrefix
	if len(operands) == 3 {
		return wallet.VerifySignature(operands[0], operands[1], operands[2], prefix)
	}
	armor, err := readInput(w.app, operands[0], 4*wallet.MaxMessage+2048)
	if err != nil {
		return nil, err
	}
	return wallet.VerifyMessage(string(armor), prefix)
}
