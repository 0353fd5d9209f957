package keystore

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

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
