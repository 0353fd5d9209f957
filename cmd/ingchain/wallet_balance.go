package main

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
)

// balance is a sum of money, in grains.
type balance struct {
	// Confirmed may be spent in the next block, by the chain alone; Immature was
	// mined too recently.
	Confirmed core.Amount `json:"confirmed"`
	Immature  core.Amount `json:"immature"`
	// PendingIn is what the pool pays us, change included, PendingOut what it
	// spends of ours.
	PendingIn  core.Amount `json:"pending_in"`
	PendingOut core.Amount `json:"pending_out"`
}

func (b *balance) add(a *api.WalletAddress) {
	b.Confirmed += a.Confirmed
	b.Immature += a.Immature
	b.PendingIn += a.PendingIn
	b.PendingOut += a.PendingOut
}

// walletBalance is what `wallet balance` prints. Addresses that are only watched
// count for themselves, unless the wallet has no others.
type walletBalance struct {
	balance
	Watched   *balance         `json:"watched,omitempty"`
	Tip       api.Ref          `json:"tip"`
	Addresses []addressBalance `json:"addresses,omitempty"` // with --by-address
}

type addressBalance struct {
	Address string `json:"address"`
	// Account is that of an address of the wallet's own.
	Account *uint32 `json:"account,omitempty"`
	Watched bool    `json:"watched,omitempty"`
	balance
}

func (w *walletVerbs) balanceCmd() *cobra.Command {
	var byAddress bool
	var account uint32
	cmd := &cobra.Command{
		Use: "balance", Short: "Show what the wallet has",
		Example: `  ingchain wallet balance
  ingchain wallet balance --account 1
  ingchain wallet balance --by-address --json`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := w.open()
			if err != nil {
				return err
			}
			c, err := p.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			v, err := p.look(cmd.Context(), c, sinceNever)
			if err != nil {
				return err
			}
			var only *uint32
			if cmd.Flags().Changed("account") {
				if err := hasAccount(v.st, account); err != nil {
					return err
				}
				only = &account
			}
			b, err := p.balanceOf(v, only, byAddress)
			if err != nil {
				return err
			}
			return w.print(b, func(out io.Writer) { printBalance(out, b, byAddress) })
		},
	}
	cmd.Flags().BoolVar(&byAddress, "by-address", false, "show each address that anybody has used")
	cmd.Flags().Uint32Var(&account, "account", 0, "count only the addresses of this account (default all)")
	return cmd
}

// balanceOf adds up what a view shows; account, if given, names the one that counts.
func (p *purse) balanceOf(v *walletView, account *uint32, byAddress bool) (walletBalance, error) {
	b := walletBalance{Tip: api.Ref{Height: v.tip.Height, ID: v.tip.ID}}
	watched := balance{}
	for i := range v.addresses {
		a, err := p.parse(v.addresses[i].Address)
		if err != nil {
			return b, err
		}
		path, own := v.st.Path(a)
		if account != nil && (!own || path.Account != *account) {
			continue
		}
		if own || v.st.WatchOnly() {
			b.add(&v.addresses[i])
		} else {
			watched.add(&v.addresses[i])
			b.Watched = &watched
		}
		if byAddress && v.addresses[i].Used {
			one := addressBalance{Address: v.addresses[i].Address, Watched: !own}
			one.add(&v.addresses[i])
			if own {
				one.Account = &path.Account
			}
			b.Addresses = append(b.Addresses, one)
		}
	}
	return b, nil
}

func printBalance(w io.Writer, b walletBalance, byAddress bool) {
	if byAddress {
		var rows [][]string
		for _, a := range b.Addresses {
			account := "watched"
			if a.Account != nil {
				account = strconv.FormatUint(uint64(*a.Account), 10)
			}
			rows = append(rows, append([]string{account, a.Address}, amounts(a.balance)...))
		}
		table(w, "no address is in use yet", []string{"ACCOUNT", "ADDRESS", "CONFIRMED", "IMMATURE", "PENDING IN", "PENDING OUT"}, rows)
		return
	}
	names := []string{"confirmed", "immature", "pending in", "pending out"}
	var rows [][2]string
	add := func(prefix string, b balance) {
		for i, amount := range amounts(b) {
			if i == 0 || amount != "0" {
				rows = append(rows, [2]string{prefix + names[i], amount + " ING"})
			}
		}
		// What a payment takes and brings back as change says little by itself.
		if b.PendingOut > 0 && b.PendingOut <= b.Confirmed+b.Immature+b.PendingIn {
			rows = append(rows, [2]string{prefix + "in all then", ing(b.Confirmed + b.Immature + b.PendingIn - b.PendingOut)})
		}
	}
	add("", b.balance)
	if b.Watched != nil {
		add("watched, ", *b.Watched)
	}
	pairs(w, rows)
}

func amounts(b balance) []string {
	return []string{b.Confirmed.String(), b.Immature.String(), b.PendingIn.String(), b.PendingOut.String()}
}
