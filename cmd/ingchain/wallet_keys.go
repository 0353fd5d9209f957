package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// walletList is what `wallet list` prints.
type walletList struct {
	Network   string          `json:"network"`
	Genesis   core.Hash       `json:"genesis"`
	WatchOnly bool            `json:"watch_only"`
	Accounts  []walletAccount `json:"accounts"`
	Watched   []string        `json:"watched"`
}

type walletAccount struct {
	Account   uint32        `json:"account"`
	Addresses []listAddress `json:"addresses"`
}

type listAddress struct {
	Address string `json:"address"`
	Path    string `json:"path"`
	Branch  string `json:"branch"` // "receive" or "change"
	Label   string `json:"label,omitempty"`
}

func (w *walletVerbs) listCmd() *cobra.Command {
	var passphrase secretFlags
	var labels bool
	cmd := &cobra.Command{
		Use: "list", Short: "List accounts and their addresses",
		Long: `List the addresses that were handed out or used, by account, and those that are
only watched. It needs no passphrase, but for --labels, which are encrypted.`,
		Example: "  ingchain wallet list", Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := w.open()
			if err != nil {
				return err
			}
			names := map[string]string{}
			if labels {
				u, err := w.unlock(cmd.Context(), p.store, &passphrase)
				if err != nil {
					return err
				}
				defer u.Close()
				names, _ = u.Labels()
			}
			st, err := p.store.State()
			if err != nil {
				return err
			}
			l := p.list(st, names)
			return w.print(l, func(out io.Writer) { printList(out, l, labels) })
		},
	}
	cmd.Flags().BoolVar(&labels, "labels", false, "show labels, for which it takes the passphrase")
	passphrase.register(cmd.Flags(), "passphrase", "the wallet's passphrase")
	return cmd
}

func (p *purse) list(st *keystore.State, labels map[string]string) walletList {
	l := walletList{Network: p.rules.Params().Name, Genesis: p.rules.GenesisID(), WatchOnly: st.WatchOnly(),
		Accounts: []walletAccount{}, Watched: []string{}}
	for _, n := range st.Accounts() {
		account := walletAccount{Account: n, Addresses: []listAddress{}}
		for b := wallet.Receive; b <= wallet.Change; b++ {
			for _, own := range st.Handed(n, b) {
				text := p.text(own.Address)
				account.Addresses = append(account.Addresses, listAddress{text, own.Path.String(), b.String(), labels[text]})
			}
		}
		l.Accounts = append(l.Accounts, account)
	}
	for _, a := range st.Watched() {
		l.Watched = append(l.Watched, p.text(a))
	}
	return l
}

func printList(w io.Writer, l walletList, labels bool) {
	head := []string{"ACCOUNT", "ADDRESS", "FOR", "PATH"}
	if labels {
		head = append(head, "LABEL")
	}
	var rows [][]string
	add := func(label string, row ...string) {
		if labels {
			row = append(row, label)
		}
		rows = append(rows, row)
	}
	for _, account := range l.Accounts {
		for _, a := range account.Addresses {
			add(a.Label, strconv.FormatUint(uint64(account.Account), 10), a.Address, a.Branch, a.Path)
		}
	}
	for _, a := range l.Watched {
		add("", "-", a, "watched", "-")
	}
	table(w, "no addresses yet: 'ingchain wallet addr' hands one out", head, rows)
}

// shownAddress is what `wallet addr` prints.
type shownAddress struct {
	Address string `json:"address"`
	Path    string `json:"path"`
}

func (w *walletVerbs) addrCmd() *cobra.Command {
	var passphrase secretFlags
	var another, newAccount bool
	var account uint32
	cmd := &cobra.Command{
		Use: "addr", Short: "Show an address to be paid at",
		Long: `Show the address that was handed out last, or with --new the next one. No more
than 20 are out that nobody has paid to, since a restore from the words looks no
further.`,
		Example: `  ingchain wallet addr
  ingchain wallet addr --new`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := w.open()
			if err != nil {
				return err
			}
			if newAccount {
				if account, err = p.addAccount(cmd.Context(), &passphrase); err != nil {
					return err
				}
			}
			own, err := p.address(cmd.Context(), account, another, &passphrase)
			if err != nil {
				return err
			}
			shown := shownAddress{p.text(own.Address), own.Path.String()}
			return w.print(shown, func(out io.Writer) { fmt.Fprintln(out, shown.Address) })
		},
	}
	cmd.Flags().BoolVar(&another, "new", false, "hand out the next address")
	cmd.Flags().Uint32Var(&account, "account", 0, "account that it belongs to")
	cmd.Flags().BoolVar(&newAccount, "new-account", false, "begin a new account, for which it takes the passphrase")
	passphrase.register(cmd.Flags(), "passphrase", "the wallet's passphrase, if addresses must be made")
	return cmd
}

func (p *purse) addAccount(ctx context.Context, passphrase *secretFlags) (uint32, error) {
	u, err := p.unlock(ctx, p.store, passphrase)
	if err != nil {
		return 0, err
	}
	defer u.Close()
	return u.AddAccount()
}

// address returns the last address handed out, or the next.
func (p *purse) address(ctx context.Context, account uint32, another bool, passphrase *secretFlags) (wallet.OwnAddress, error) {
	st, err := p.store.State()
	if err != nil {
		return wallet.OwnAddress{}, err
	}
	if st.WatchOnly() {
		return wallet.OwnAddress{}, withHint(keystore.ErrWatchOnly, "'ingchain wallet list%s' shows the addresses", p.dataDirArg())
	}
	if !slices.Contains(st.Accounts(), account) {
		return wallet.OwnAddress{}, fmt.Errorf("%w: the wallet has no account %d", api.ErrNotFound, account)
	}
	if !another && len(st.Handed(account, wallet.Receive)) > 0 {
		own, _ := st.Current(account)
		return own, nil
	}
	own, err := p.store.NewAddress(account)
	if errors.Is(err, keystore.ErrGap) {
		// The wallet may not know yet what has been paid: ask, if a node runs.
		if c, derr := p.connect(ctx); derr == nil {
			defer c.Close()
			if _, lerr := p.look(ctx, c, sinceNever); lerr == nil {
				own, err = p.store.NewAddress(account)
			}
		}
	}
	if errors.Is(err, keystore.ErrLocked) {
		u, uerr := p.unlock(ctx, p.store, passphrase)
		if uerr != nil {
			return own, fmt.Errorf("%w: %w", err, uerr)
		}
		u.Close()
		return p.store.NewAddress(account)
	}
	return own, err
}

func (w *walletVerbs) watchCmd() *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use: "watch ADDRESS...", Short: "Watch addresses whose keys are elsewhere",
		Long: `Watch addresses: their coins and history show up beside the wallet's own. Without
a wallet here, one is made that only watches and has no keys; it drafts payments
for others to sign ('wallet send --draft').`,
		Example: `  ingchain wallet watch ing1q…
  ingchain wallet watch --remove ing1q…`,
		Args: args(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, operands []string) error {
			return w.watchAddresses(operands, remove)
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "watch them no longer")
	return cmd
}

func (w *walletVerbs) watchAddresses(texts []string, remove bool) error {
	rules, err := w.rules()
	if err != nil {
		return err
	}
	var addresses []core.Address
	for _, text := range texts {
		a, err := core.ParseAddress(text, rules.Params().AddressPrefix)
		if err != nil {
			return err
		}
		addresses = append(addresses, a)
	}
	p, err := w.open()
	if errors.Is(err, keystore.ErrNoWallet) && !remove {
		p, err = w.watchOnly(rules)
	}
	if err != nil {
		return err
	}
	if remove {
		st, err := p.store.State()
		if err != nil {
			return err
		}
		for _, a := range addresses {
			if !slices.Contains(st.Watched(), a) {
				return fmt.Errorf("%w: %s is not watched", api.ErrNotFound, p.text(a))
			}
		}
		err = p.store.Unwatch(addresses...)
		if err != nil {
			return err
		}
	} else if err := p.store.Watch(addresses...); err != nil {
		return err
	}
	st, err := p.store.State()
	if err != nil {
		return err
	}
	l := p.list(st, nil)
	return w.print(l, func(out io.Writer) {
		fmt.Fprintf(out, "%s watched\n", counted(len(l.Watched), "address is", "addresses are"))
	})
}
