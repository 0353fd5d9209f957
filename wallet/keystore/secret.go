package keystore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"filippo.io/age"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

const (
	// DefaultWorkFactor is scrypt's as a power of two: a second and 256 MiB.
	// It is that of the age tool.
	DefaultWorkFactor = 18
	// MaxWorkFactor is the greatest that is opened: four seconds and 1 GiB. A
	// file that asks for more is refused before any of it is spent.
	MaxWorkFactor = 20

	payloadVersion = 1
	maxPayload     = 4 << 20 // bytes, decrypted
	maxLabel       = 200     // bytes of a label or a name
	maxLabels      = 10_000  // labels, and entries of the address book
)

// secretPayload is what wallet.age holds, as JSON.
type secretPayload struct {
	Version int       `json:"ingchain_wallet"`
	ID      string    `json:"id"` // ties wallet.json to it
	Network string    `json:"network"`
	Genesis core.Hash `json:"genesis"`
	// Language and Words are the seed as words.
	Language string   `json:"language"`
	Words    []string `json:"words"`
	// Extra tells that a passphrase belongs to the words (BIP-39), which is not
	// here; Seed is made with it.
	Extra    bool              `json:"words_passphrase"`
	Seed     secretBytes       `json:"seed"`
	Created  uint64            `json:"created"` // Unix ms
	Accounts []uint32          `json:"accounts"`
	Labels   map[string]string `json:"labels"`   // by address
	Contacts map[string]string `json:"contacts"` // address by name
}

// secretBytes are written in hexadecimal.
type secretBytes []byte

func (b secretBytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, b), nil }

func (b *secretBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.AppendDecode(nil, text)
	return err
}

// wipe overwrites what can be overwritten.
func (p *secretPayload) wipe() {
	clear(p.Seed)
	clear(p.Words)
}

// check refuses a payload that is not of this network, or not in order.
func (p *secretPayload) check(rules *core.Rules) error {
	switch {
	case p.Version != payloadVersion:
		return fmt.Errorf("%w: version %d, this release reads version %d: is there a newer one?", ErrDamaged, p.Version, payloadVersion)
	case p.Genesis != rules.GenesisID():
		return fmt.Errorf("%w: it is of %.32q (genesis %s), not of %q (genesis %s)", ErrNetwork,
			p.Network, p.Genesis.Short(), rules.Params().Name, rules.GenesisID().Short())
	case len(p.Seed) != wallet.SeedSize || len(p.ID) != 2*idSize || len(p.Accounts) == 0 || len(p.Accounts) > maxAccounts:
		return fmt.Errorf("%w: seed, id or accounts are missing", ErrDamaged)
	case len(p.Labels) > maxLabels || len(p.Contacts) > maxLabels:
		return fmt.Errorf("%w: more than %d labels", ErrDamaged, maxLabels)
	}
	for _, account := range p.Accounts {
		if account > wallet.MaxIndex {
			return fmt.Errorf("%w: account %d", ErrDamaged, account)
		}
	}
	m, err := wallet.ParseMnemonic(strings.Join(p.Words, " "))
	if err != nil {
		return fmt.Errorf("%w: its words are no seed", ErrDamaged) // err would show them
	}
	defer m.Wipe()
	if p.Extra {
		return nil // words and seed can't be compared
	}
	seed, err := m.Seed(wallet.Passphrase{})
	if err != nil || !bytes.Equal(seed.Reveal(), p.Seed) {
		return fmt.Errorf("%w: words and seed differ", ErrDamaged)
	}
	seed.Wipe()
	return nil
}

// seal encrypts a payload, and opens what it made before anybody relies on it.
func (s *Store) seal(p *secretPayload, passphrase wallet.Passphrase) ([]byte, error) {
	if passphrase.IsEmpty() {
		return nil, ErrEmpty
	}
	if err := p.check(s.rules); err != nil {
		return nil, err
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, errors.New("encode the wallet's secrets") // err might show them
	}
	defer clear(plain)
	if len(plain) > maxPayload {
		return nil, fmt.Errorf("the wallet's labels and contacts take more than %d bytes", maxPayload)
	}
	recipient, err := age.NewScryptRecipient(passphrase.Reveal())
	if err != nil {
		return nil, fmt.Errorf("encrypt the wallet: %w", err)
	}
	recipient.SetWorkFactor(s.opts.WorkFactor)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encrypt the wallet: %w", err)
	}
	opened, err := decrypt(sealed.Bytes(), passphrase)
	defer clear(opened)
	if err != nil || !bytes.Equal(opened, plain) {
		return nil, errors.Join(errors.New("the encrypted wallet does not open again: is the machine's memory in order?"), err)
	}
	return sealed.Bytes(), nil
}

// unseal decrypts a file and checks what is in it.
func (s *Store) unseal(file []byte, passphrase wallet.Passphrase) (*secretPayload, error) {
	plain, err := decrypt(file, passphrase)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	var p secretPayload
	dec := json.NewDecoder(bytes.NewReader(plain))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("%w: not JSON at byte %d", ErrDamaged, syntax.Offset)
		}
		return nil, fmt.Errorf("%w: not a wallet of version %d", ErrDamaged, payloadVersion) // err might show a value
	}
	if err := p.check(s.rules); err != nil {
		p.wipe()
		return nil, err
	}
	return &p, nil
}

// decrypt opens an age file. A wrong passphrase and damage of the file's first
// lines can't be told apart, by age's design; damage further on can.
func decrypt(file []byte, passphrase wallet.Passphrase) ([]byte, error) {
	if passphrase.IsEmpty() {
		return nil, ErrEmpty
	}
	identity, err := age.NewScryptIdentity(passphrase.Reveal())
	if err != nil {
		return nil, fmt.Errorf("open the wallet: %w", err)
	}
	identity.SetMaxWorkFactor(MaxWorkFactor)
	r, err := age.Decrypt(bytes.NewReader(file), identity)
	if err != nil {
		if errors.Is(err, age.ErrIncorrectIdentity) && isScrypt(file) {
			return nil, ErrPassphrase
		}
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxPayload+1))
	if err != nil || len(plain) > maxPayload {
		clear(plain)
		return nil, errors.Join(ErrDamaged, err)
	}
	return plain, nil
}

// isScrypt reports whether a file is for a passphrase, not for a key.
func isScrypt(file []byte) bool {
	return bytes.HasPrefix(file, []byte("age-encryption.org/v1\n-> scrypt "))
}

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

// SetContact enters a name into the address book, or takes it out if the address
// is nil. [Unlocked.Save] writes it.
func (u *Unlocked) SetContact(name string, a *core.Address) error {
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
