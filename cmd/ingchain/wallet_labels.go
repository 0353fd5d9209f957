package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// watchOnly makes a wallet without keys.
func (w *walletVerbs) watchOnly(rules *core.Rules) (*purse, error) {
	if err := node.BindNetwork(w.dataDir, rules); err != nil {
		return nil, err
	}
	store, err := keystore.CreateWatchOnly(w.dataDir, rules, w.keys)
	if err != nil {
		return nil, err
	}
	return &purse{w, rules, store}, nil
}

// named is a label or an entry of the address book.
type named struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

func printNamed(w io.Writer, entries []named, empty string) {
	var rows [][]string
	for _, e := range entries {
		rows = append(rows, []string{e.Name, e.Address})
	}
	table(w, empty, []string{"NAME", "ADDRESS"}, rows)
}

func (w *walletVerbs) labelCmd() *cobra.Command {
	var passphrase secretFlags
	cmd := &cobra.Command{
		Use: "label [ADDRESS TEXT]", Short: "Label an address, or list the labels",
		Long: `Write a label to an address, which only whoever has the passphrase can read. An
empty text takes the label away. Without operands, list them.`,
		Example: "  ingchain wallet label ing1q… rent", Args: args(func(cmd *cobra.Command, given []string) error {
			if len(given) == 1 {
				return fmt.Errorf("want an address and a text, or nothing")
			}
			return cobra.MaximumNArgs(2)(cmd, given)
		}),
		RunE: func(cmd *cobra.Command, operands []string) error {
			p, err := w.open()
			if err != nil {
				return err
			}
			var address core.Address
			if len(operands) > 0 {
				if address, err = p.parse(operands[0]); err != nil {
					return err
				}
			}
			u, err := w.unlock(cmd.Context(), p.store, &passphrase)
			if err != nil {
				return err
			}
			defer u.Close()
			if len(operands) > 0 {
				if err := u.SetLabel(address, operands[1]); err != nil {
					return usageError{err}
				}
				if err := u.Save(); err != nil {
					return err
				}
			}
			labels, _ := u.Labels()
			entries := []named{}
			for _, a := range slices.Sorted(maps.Keys(labels)) {
				entries = append(entries, named{labels[a], a})
			}
			return w.print(entries, func(out io.Writer) { printNamed(out, entries, "no labels") })
		},
	}
	passphrase.register(cmd.Flags(), "passphrase", "the wallet's passphrase")
	return cmd
}

func (w *walletVerbs) contactsCmd() *cobra.Command {
	var passphrase secretFlags
	var remove bool
	cmd := &cobra.Command{
		Use: "contacts [NAME ADDRESS]", Short: "List the address book, or write into it",
		Long: `List the address book, or write into it. It is encrypted with the keys. 'wallet
send' takes its names for addresses, 'wallet history --labels' shows them.`,
		Example: `  ingchain wallet contacts
  ingchain wallet contacts bob ing1q…
  ingchain wallet contacts --remove bob`,
		Args: args(func(cmd *cobra.Command, given []string) error {
			if want := map[bool]int{false: 2, true: 1}[remove]; len(given) != want && (remove || len(given) != 0) {
				return fmt.Errorf("want a name and an address, a name with --remove, or nothing")
			}
			return nil
		}),
		RunE: func(cmd *cobra.Command, operands []string) error {
			p, err := w.open()
			if err != nil {
				return err
			}
			if len(operands) > 0 {
				operands[0] = wallet.ContactName(operands[0])
			}
			var address *core.Address
			if len(operands) == 2 {
				a, err := p.parse(operands[1])
				if err != nil {
					return err
				}
				address = &a
				if addressLike(operands[0]) {
					return usagef("the name %q looks like an address, and a name is to be told from one", operands[0])
				}
			}
			u, err := w.unlock(cmd.Context(), p.store, &passphrase)
			if err != nil {
				return err
			}
			defer u.Close()
			if _, contacts := u.Labels(); remove && contacts[operands[0]] == "" {
				return fmt.Errorf("%w: the address book has no %q", api.ErrNotFound, operands[0])
			}
			if address != nil {
				if err := w.tellApart(u, operands[0]); err != nil {
					return err
				}
			}
			if len(operands) > 0 {
				if err := u.SetContact(operands[0], address); err != nil {
					return usageError{err}
				}
				if err := u.Save(); err != nil {
					return err
				}
			}
			_, contacts := u.Labels()
			entries := []named{}
			for _, name := range slices.Sorted(maps.Keys(contacts)) {
				entries = append(entries, named{name, contacts[name]})
			}
			return w.print(entries, func(out io.Writer) { printNamed(out, entries, "the address book is empty") })
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "take the name out")
	passphrase.register(cmd.Flags(), "passphrase", "the wallet's passphrase")
	return cmd
}

// tellApart refuses a name that looks like another one of the address book, since
// money would go to whichever is typed, and says what a name stood for so far.
func (w *walletVerbs) tellApart(u *keystore.Unlocked, name string) error {
	_, contacts := u.Labels()
	if was := contacts[name]; was != "" {
		fmt.Fprintf(w.err, "%s was %s\n", clean(name), was)
		return nil
	}
	for _, other := range slices.Sorted(maps.Keys(contacts)) {
		if wallet.SameLook(other, name) {
			return withHint(fmt.Errorf("%w: the address book has %q, which looks like %q", api.ErrNotAllowed, other, name),
				"choose another name, or take that one out with --remove")
		}
	}
	return nil
}

func (w *walletVerbs) passphraseCmd() *cobra.Command {
	var old, fresh secretFlags
	cmd := &cobra.Command{
		Use: "passphrase", Short: "Change the wallet's passphrase",
		Long:    `Change the passphrase. Copies of the old file still open with the old one.`,
		Example: "  ingchain wallet passphrase", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := w.open()
			if err != nil {
				return err
			}
			u, err := w.unlock(cmd.Context(), p.store, &old)
			if err != nil {
				return err
			}
			defer u.Close()
			secret, err := w.newPassphrase(cmd.Context(), &fresh, "passphrase of the wallet")
			if err != nil {
				return err
			}
			if err := u.SetPassphrase(secret); err != nil {
				return err
			}
			if err := u.Save(); err != nil {
				return err
			}
			return w.print(struct {
				Changed bool `json:"changed"`
			}{true}, func(out io.Writer) { fmt.Fprintln(out, "the passphrase is changed") })
		},
	}
	old.register(cmd.Flags(), "passphrase", "the wallet's passphrase so far")
	fresh.register(cmd.Flags(), "new-passphrase", "the new passphrase")
	return cmd
}
