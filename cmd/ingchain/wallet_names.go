package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// minAddressLike is from how many characters on a word of letters and digits is
// taken for an address that is mistyped, not for a name. Addresses have 43 and more.
const minAddressLike = 30

// addressLike reports whether a text is meant as an address, be it a wrong one.
func addressLike(s string) bool {
	return len(s) >= minAddressLike && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
}

// payee returns the address that an operand is, or that the address book has
// under that name. For a name the wallet is opened, and stays open in o.
func (p *purse) payee(ctx context.Context, operand string, o *sendOptions) (core.Address, error) {
	to, err := p.parse(operand)
	if err == nil || addressLike(operand) || !errors.Is(err, core.ErrAddress) {
		return to, err
	}
	if st, stErr := p.store.State(); stErr == nil && st.WatchOnly() {
		return to, err // and has no address book
	}
	if checkErr := o.check(); checkErr != nil { // before anybody types
		return to, checkErr
	}
	if p.canGive(&o.passphrase) != nil {
		return to, withHint(err, "a name of the address book takes the passphrase: give --passphrase-file FILE or --passphrase-fd N")
	}
	u, unlockErr := p.unlock(ctx, p.store, &o.passphrase)
	if unlockErr != nil {
		return to, unlockErr
	}
	_, contacts := u.Labels()
	text, known := contacts[wallet.ContactName(operand)]
	if !known {
		u.Close()
		return to, withHint(fmt.Errorf("%w, and no name of the address book", err), "'ingchain wallet contacts%s' lists the names", p.dataDirArg())
	}
	if to, err = p.parse(text); err != nil {
		u.Close()
		return to, fmt.Errorf("address book: %w", err)
	}
	o.opened = u
	p.live.close()
	fmt.Fprintf(p.err, "%s is %s\n", clean(operand), text)
	return to, nil
}

// close forgets the keys of a wallet that was opened to look a name up.
func (o *sendOptions) close() {
	if o.opened != nil {
		o.opened.Close()
		o.opened = nil
	}
}

// names tells what a person calls addresses: by the address book, else by a label.
type names map[string]string

func namesOf(u *keystore.Unlocked) names {
	labels, contacts := u.Labels()
	n := names{}
	maps.Copy(n, labels)
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(contacts))) { // of several names, the first
		n[contacts[name]] = name
	}
	return n
}

// of returns the names among addresses, each once.
func (n names) of(addresses ...string) []string {
	found := []string{}
	for _, a := range addresses {
		if name, ok := n[a]; ok && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found
}
