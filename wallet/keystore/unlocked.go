package keystore

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

// Unlocked is an open wallet. Close it.
type Unlocked struct {
	store      *Store
	payload    *secretPayload
	passphrase wallet.Passphrase
	file       [sha256.Size]byte // of wallet.age as it was opened
	accounts   map[uint32]wallet.Account
}

// Unlock opens the secret file and makes addresses in advance. It fails with
// [ErrPassphrase], [ErrDamaged], [ErrWatchOnly] or [ErrNetwork]. It succeeds
// where wallet.json is damaged, which [Store.Rebuild] then needs, and where the
// disk is full or may not be written to: then there are no more addresses in
// advance.
func (s *Store) Unlock(passphrase wallet.Passphrase) (*Unlocked, error) {
	file, err := s.SecretBytes()
	if err != nil {
		return nil, err
	}
	p, err := s.unseal(file, passphrase)
	if err != nil {
		return nil, err
	}
	u := &Unlocked{store: s, payload: p, passphrase: passphrase, file: sha256.Sum256(file)}
	if err := u.derive(); err != nil {
		u.Close()
		return nil, err
	}
	var disk syscall.Errno
	if err := u.refill(); err != nil && !errors.Is(err, ErrPublic) && !errors.Is(err, ErrOld) && !errors.As(err, &disk) {
		u.Close()
		return nil, err
	}
	return u, nil
}

// derive makes the accounts' keys.
func (u *Unlocked) derive() error {
	seed, err := wallet.NewSeed(u.payload.Seed)
	if err != nil {
		return err
	}
	defer seed.Wipe()
	if u.accounts == nil {
		u.accounts = make(map[uint32]wallet.Account)
	}
	for _, n := range u.payload.Accounts {
		if _, have := u.accounts[n]; have {
			continue
		}
		if u.accounts[n], err = seed.Account(n); err != nil {
			return err
		}
	}
	return nil
}

// refill makes addresses so that there are [Ahead] of them, if any are missing.
func (u *Unlocked) refill() error {
	state, err := u.store.State()
	if err != nil {
		return err
	}
	if state.file.WalletID != u.payload.ID {
		return fmt.Errorf("%w: it belongs to another wallet.age", ErrPublic)
	}
	if !state.file.wantsMore(u.payload.Accounts) {
		return nil
	}
	return u.store.update(func(p *publicFile) error { return p.extend(u.accounts, u.store.rules.Params().AddressPrefix) })
}

// Close overwrites keys and words in memory.
func (u *Unlocked) Close() {
	for _, a := range u.accounts {
		a.Wipe()
	}
	u.payload.wipe()
}

// Mnemonic returns the seed as words. withPassphrase tells that a passphrase
// belongs to them that is stored nowhere.
func (u *Unlocked) Mnemonic() (m wallet.Mnemonic, withPassphrase bool, err error) {
	m, err = wallet.ParseMnemonic(strings.Join(u.payload.Words, " "))
	return m, u.payload.Extra, err
}

// Accounts returns the numbers of the accounts.
func (u *Unlocked) Accounts() []uint32 { return slices.Clone(u.payload.Accounts) }

// Account returns the keys of an account.
func (u *Unlocked) Account(n uint32) (wallet.Account, error) {
	a, ok := u.accounts[n]
	if !ok {
		return wallet.Account{}, fmt.Errorf("the wallet has no account %d", n)
	}
	return a, nil
}

// Peek returns the keys of an account that the wallet may not have yet, to look
// whether anybody has used it. The caller wipes them.
func (u *Unlocked) Peek(n uint32) (wallet.Account, error) {
	seed, err := wallet.NewSeed(u.payload.Seed)
	if err != nil {
		return wallet.Account{}, err
	}
	defer seed.Wipe()
	return seed.Account(n)
}

// Key returns the key at a path, and whether it is that of the address.
func (u *Unlocked) Key(p wallet.Path, a core.Address) (wallet.Key, bool) {
	account, ok := u.accounts[p.Account]
	if !ok {
		return wallet.Key{}, false
	}
	k, err := account.Key(p.Branch, p.Index)
	if err != nil || k.Address() != a {
		return wallet.Key{}, false
	}
	return k, true
}

// Labels returns the labels by address as text, and the address book.
func (u *Unlocked) Labels() (labels, contacts map[string]string) {
	return u.payload.Labels, u.payload.Contacts
}

// SetLabel labels an address, or takes the label away if it is "". [Unlocked.Save]
// writes it.
func (u *Unlocked) SetLabel(a core.Address, label string) error {
	return u.set(&u.payload.Labels, a.Encode(u.store.rules.Params().AddressPrefix), label, label)
}

// SetContact enters a name into the address book, as [wallet.ContactName] has it,
// or takes it out if the address is nil. [Unlocked.Save] writes it.
func (u *Unlocked) SetContact(name string, a *core.Address) error {
	name = wallet.ContactName(name)
	if name == "" {
		return errors.New("a contact needs a name")
	}
	value := ""
	if a != nil {
		value = a.Encode(u.store.rules.Params().AddressPrefix)
	}
	return u.set(&u.payload.Contacts, name, value, name)
}

func (u *Unlocked) set(m *map[string]string, key, value, text string) error {
	if len(text) > maxLabel || len(*m) >= maxLabels && value != "" {
		return fmt.Errorf("a label or name has at most %d bytes, and there are at most %d", maxLabel, maxLabels)
	}
	for _, r := range text {
		if !wallet.Printable(r) || r == utf8.RuneError {
			return fmt.Errorf("label or name: character %U, want text that a screen shows", r)
		}
	}
	if *m == nil {
		*m = map[string]string{}
	}
	if value == "" {
		delete(*m, key)
	} else {
		(*m)[key] = value
	}
	return nil
}

// AddAccount adds the next account, saves it and makes its addresses.
func (u *Unlocked) AddAccount() (uint32, error) {
	n := slices.Max(u.payload.Accounts) + 1
	if len(u.payload.Accounts) >= maxAccounts || n > wallet.MaxIndex {
		return 0, fmt.Errorf("a wallet has at most %d accounts", maxAccounts)
	}
	u.payload.Accounts = append(u.payload.Accounts, n)
	if err := u.Save(); err != nil {
		u.payload.Accounts = u.payload.Accounts[:len(u.payload.Accounts)-1]
		return 0, err
	}
	if err := u.derive(); err != nil {
		return 0, err
	}
	return n, u.refill()
}

// SetPassphrase changes the keystore's passphrase. [Unlocked.Save] writes it.
// Copies of the old file still open with the old one.
func (u *Unlocked) SetPassphrase(p wallet.Passphrase) error {
	if p.IsEmpty() {
		return ErrEmpty
	}
	u.passphrase = p
	return nil
}

// Save encrypts and replaces the secret file. It fails with [ErrChanged] if
// somebody else has replaced it since it was opened.
func (u *Unlocked) Save() error {
	sealed, err := u.store.seal(u.payload, u.passphrase)
	if err != nil {
		return err
	}
	return u.store.locked(func() error {
		file, err := u.store.SecretBytes()
		if err != nil {
			return err
		}
		if sha256.Sum256(file) != u.file {
			return ErrChanged
		}
		if err := u.store.write(SecretFile, sealed); err != nil {
			return fmt.Errorf("save the wallet: %w", err)
		}
		u.file = sha256.Sum256(sealed)
		return nil
	})
}
