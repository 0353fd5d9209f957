package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// walletVerbs are the verbs about keys and money. The node never sees a key: what
// it is given is signed here.
type walletVerbs struct {
	*app
	network string // flag
}

const walletLong = `Make and keep a wallet in the data directory, see what it has, and pay.

Keys lie encrypted in wallet.age, which the age tool opens with the same
passphrase; the words that 'wallet new' shows restore all of it. A passphrase is
asked for at the terminal, or read with --passphrase-file or --passphrase-fd.
Addresses, balance and history need none. The node never has a key: payments are
signed by this command.`

func (a *app) walletCmd() *cobra.Command {
	w := &walletVerbs{app: a}
	cmd := group("wallet", "Keep keys, see what they own, and pay", groupWallet,
		w.newCmd(), w.restoreCmd(), w.listCmd(), w.addrCmd(), w.balanceCmd(), w.sendCmd(), w.sweepCmd(), w.bumpCmd(), w.historyCmd(), w.resendCmd(), w.forgetCmd(),
		w.signCmd(), w.verifyCmd(), w.exportCmd(), w.importCmd(), w.watchCmd(), w.labelCmd(), w.contactsCmd(), w.passphraseCmd())
	cmd.Long = walletLong
	w.register(cmd)
	return cmd
}

// register adds the flag of the network to a group.
func (w *walletVerbs) register(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&w.network, "network", "", "lan, dev or a network file (default what the data directory remembers, else lan)")
}

// rules returns those of the network that the flag names or the data directory
// remembers.
func (w *walletVerbs) rules() (*core.Rules, error) {
	params, err := loadNetwork(w.network, w.dataDir)
	if err != nil {
		return nil, err
	}
	rules, err := core.NewRules(params)
	if err != nil {
		return nil, err
	}
	if have, err := node.NetworkOf(w.dataDir); err == nil && have.Genesis().ID() != rules.GenesisID() {
		return nil, fmt.Errorf("%w: %s holds %q (genesis %s), not %q (genesis %s)", node.ErrWrongNetwork,
			w.dataDir, have.Name, have.Genesis().ID().Short(), params.Name, rules.GenesisID().Short())
	}
	return rules, nil
}

// purse is the wallet of the data directory.
type purse struct {
	*walletVerbs
	rules *core.Rules
	store *keystore.Store
}

// open opens the wallet, or fails with [keystore.ErrNoWallet].
func (w *walletVerbs) open() (*purse, error) {
	rules, err := w.rules()
	if err != nil {
		return nil, err
	}
	store, err := keystore.Open(w.dataDir, rules, w.keys)
	if err != nil {
		return nil, err
	}
	return &purse{w, rules, store}, nil
}

func (p *purse) prefix() string { return p.rules.Params().AddressPrefix }

func (p *purse) text(a core.Address) string { return a.Encode(p.prefix()) }

func (p *purse) parse(address string) (core.Address, error) {
	return core.ParseAddress(address, p.prefix())
}

// connect dials the node, which must be of the wallet's network.
func (p *purse) connect(ctx context.Context) (*api.Client, error) {
	return dialNetwork(ctx, p.app, p.rules)
}

func dialNetwork(ctx context.Context, a *app, rules *core.Rules) (*api.Client, error) {
	c, err := a.dial(ctx)
	if err != nil {
		return nil, err
	}
	if id := c.Params().Genesis().ID(); id != rules.GenesisID() {
		c.Close()
		return nil, fmt.Errorf("%w: the node is of %q (genesis %s), the wallet of %q (genesis %s)", node.ErrWrongNetwork,
			c.Params().Name, id.Short(), rules.Params().Name, rules.GenesisID().Short())
	}
	return c, nil
}

// keyOf returns keys of an open wallet by address.
func keyOf(st *keystore.State, u *keystore.Unlocked) func(core.Address) (wallet.Key, bool) {
	return func(a core.Address) (wallet.Key, bool) {
		path, own := st.Path(a)
		if !own {
			return wallet.Key{}, false
		}
		return u.Key(path, a)
	}
}

// unixNow is the time as wallets and chains count it.
func unixNow() uint64 { return uint64(time.Now().UnixMilli()) }

// ing words an amount.
func ing(a core.Amount) string { return a.String() + " ING" }
