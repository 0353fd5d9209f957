package keystore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/atomicfile"
	"github.com/ingchain/ingchain/wallet"
)

// The files' names in the data directory.
const (
	SecretFile   = "wallet.age"
	PublicFile   = "wallet.json"
	SequenceFile = "wallet.seq"
	LockFile     = "wallet.lock"
)

const (
	// Ahead is how many addresses of a branch are made beyond the last one
	// handed out, each time the wallet is unlocked.
	Ahead = 100

	maxSecretFile = 8 << 20  // bytes
	maxPublicFile = 64 << 20 // bytes
	lockWait      = 10 * time.Second
	lockRetry     = 5 * time.Millisecond
	idSize        = 16 // random bytes that name a wallet
)

// Errors, for errors.Is. Each says what to do.
var (
	ErrNoWallet   = errors.New("no wallet here: make one (wallet new), restore one from its words (wallet restore), or watch addresses (wallet watch)")
	ErrExists     = errors.New("there is a wallet here already: choose another data directory, or move its files away")
	ErrWatchOnly  = errors.New("this wallet only watches addresses: it has no keys")
	ErrNetwork    = errors.New("wallet of another network: choose its network or another data directory")
	ErrPassphrase = errors.New("wrong passphrase (or the file's beginning is damaged, which looks the same)")
	ErrEmpty      = errors.New("the passphrase is empty")
	ErrDamaged    = errors.New("the wallet's secret file is damaged: put a copy of it back, or restore the wallet from its words")
	ErrPublic     = errors.New("wallet.json is missing or damaged: rebuild it (wallet restore --rescan), which takes the passphrase")
	ErrOld        = errors.New("wallet.json is older than the last one written: put the newer one back, or rebuild it (wallet restore --rescan)")
	ErrBusy       = errors.New("another process is changing the wallet: try again")
	ErrChanged    = errors.New("another process changed the wallet's secret file meanwhile: unlock it again")
	ErrLocked     = errors.New("the addresses made in advance are used up: unlock the wallet once to make more")
	ErrGap        = errors.New("too many addresses are handed out that nobody has paid to yet: a restore from the words would not find a further one")
)

// Options are for tests; the zero value is what users get.
type Options struct {
	// WorkFactor is scrypt's, as a power of two; 0 means DefaultWorkFactor.
	WorkFactor int
	// FS is the disk that is written to; nil means the real one.
	FS atomicfile.FS
	// Random gives random bytes; nil means crypto/rand.
	Random io.Reader
}

// Store is a wallet's files. It holds nothing of them: each call reads what is
// there, and those that change something lock the directory meanwhile. It may be
// used by several goroutines.
type Store struct {
	dir   string
	rules *core.Rules
	opts  Options
}

func newStore(dir string, rules *core.Rules, o Options) *Store {
	if o.WorkFactor == 0 {
		o.WorkFactor = DefaultWorkFactor
	}
	if o.FS == nil {
		o.FS = atomicfile.OS
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	return &Store{dir: dir, rules: rules, opts: o}
}

// Open returns the store of a data directory, or [ErrNoWallet]. It reads no
// file yet.
func Open(dir string, rules *core.Rules, o Options) (*Store, error) {
	s := newStore(dir, rules, o)
	for _, name := range []string{SecretFile, PublicFile} {
		if ok, err := s.exists(name); err != nil || ok {
			return s, err
		}
	}
	return nil, fmt.Errorf("%w (%s)", ErrNoWallet, dir)
}

// NewMnemonic draws random words: 12, or 24 if long.
func NewMnemonic(o Options, long bool, l wallet.Language) (wallet.Mnemonic, error) {
	entropy := make([]byte, 16, 32)
	if long {
		entropy = entropy[:32]
	}
	defer clear(entropy)
	if _, err := io.ReadFull(newStore("", nil, o).opts.Random, entropy); err != nil {
		return wallet.Mnemonic{}, fmt.Errorf("draw random words: %w", err)
	}
	return wallet.NewMnemonic(entropy, l)
}

// Create makes a wallet of words, and of the passphrase that belongs to them if
// there is one (BIP-39), encrypted with the keystore's passphrase. now is Unix
// ms. It fails with [ErrExists] if there is a wallet; one that only watches
// becomes this one, and goes on watching.
//
// To restore a wallet, follow it by [wallet.Scan] and [Store.Rebuild].
func Create(dir string, rules *core.Rules, m wallet.Mnemonic, extra, passphrase wallet.Passphrase, now uint64, o Options) (*Store, error) {
	s := newStore(dir, rules, o)
	seed, err := m.Seed(extra)
	if err != nil {
		return nil, err
	}
	defer seed.Wipe()
	id, err := s.randomID()
	if err != nil {
		return nil, err
	}
	p := &secretPayload{Version: payloadVersion, ID: id, Network: rules.Params().Name, Genesis: rules.GenesisID(),
		Language: m.Language().String(), Words: m.Reveal(), Seed: seed.Reveal(), Extra: !extra.IsEmpty(),
		Created: now, Accounts: []uint32{0}, Labels: map[string]string{}, Contacts: map[string]string{}}
	defer p.wipe()
	sealed, err := s.seal(p, passphrase)
	if err != nil {
		return nil, err
	}
	return s, s.install(p, sealed)
}

// Import makes a wallet of a keystore file from elsewhere, which stays as it is.
// It fails as [Create] and [Store.Unlock] do.
func Import(dir string, rules *core.Rules, file []byte, passphrase wallet.Passphrase, o Options) (*Store, error) {
	s := newStore(dir, rules, o)
	p, err := s.unseal(file, passphrase)
	if err != nil {
		return nil, err
	}
	defer p.wipe()
	return s, s.install(p, file)
}

// install writes the files of a new wallet, the secret one first: if the process
// ends in between, the public one can be rebuilt.
func (s *Store) install(p *secretPayload, sealed []byte) error {
	public, err := s.newPublic(p)
	if err != nil {
		return err
	}
	return s.locked(func() error {
		if ok, err := s.exists(SecretFile); err != nil || ok {
			return errors.Join(err, fmt.Errorf("%w (%s)", ErrExists, s.path(SecretFile)))
		}
		if ok, err := s.exists(PublicFile); err != nil || ok {
			old, _, err := s.load()
			if err != nil || old.WalletID != "" {
				return errors.Join(err, fmt.Errorf("%w (%s)", ErrExists, s.path(PublicFile)))
			}
			public.Watched, public.Seen, public.Sequence = old.Watched, old.Seen, old.Sequence
		}
		if err := s.write(SecretFile, sealed); err != nil {
			return err
		}
		return s.savePublic(public)
	})
}

// CreateWatchOnly makes a wallet without keys.
func CreateWatchOnly(dir string, rules *core.Rules, o Options) (*Store, error) {
	s := newStore(dir, rules, o)
	return s, s.locked(func() error {
		for _, name := range []string{SecretFile, PublicFile} {
			if ok, err := s.exists(name); err != nil || ok {
				return errors.Join(err, fmt.Errorf("%w (%s)", ErrExists, s.path(name)))
			}
		}
		return s.savePublic(&publicFile{Version: publicVersion, Network: rules.Params().Name, Genesis: rules.GenesisID()})
	})
}

// Dir returns the data directory.
func (s *Store) Dir() string { return s.dir }

// SecretBytes returns the encrypted file as it is, for a copy.
func (s *Store) SecretBytes() ([]byte, error) {
	b, err := s.read(SecretFile, maxSecretFile)
	if errors.Is(err, fs.ErrNotExist) {
		if st, serr := s.State(); serr == nil && st.WatchOnly() {
			return nil, ErrWatchOnly
		}
		return nil, fmt.Errorf("%w (%s is missing)", ErrDamaged, s.path(SecretFile))
	}
	return b, err
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

func (s *Store) exists(name string) (bool, error) {
	_, err := os.Lstat(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// read returns a whole file of at most limit bytes.
func (s *Store) read(name string, limit int64) ([]byte, error) {
	f, err := os.Open(s.path(name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", f.Name(), limit)
	}
	return b, err
}

func (s *Store) write(name string, data []byte) error {
	return atomicfile.WriteTo(s.opts.FS, s.path(name), data)
}

// locked runs f while no other process, and no other goroutine of this one,
// changes the files. What a crash left half-written goes first.
func (s *Store) locked(f func() error) error {
	if err := atomicfile.MakeDir(s.opts.FS, s.dir); err != nil {
		return err
	}
	lock := flock.New(s.path(LockFile), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	ok, err := lock.TryLockContext(ctx, lockRetry)
	if errors.Is(err, context.DeadlineExceeded) || err == nil && !ok {
		return fmt.Errorf("%w (%s)", ErrBusy, s.path(LockFile))
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", s.path(LockFile), err)
	}
	defer func() { _ = lock.Unlock() }()
	for _, name := range []string{SecretFile, PublicFile, SequenceFile} {
		atomicfile.Sweep(s.opts.FS, s.path(name))
	}
	return f()
}

func (s *Store) randomID() (string, error) {
	b := make([]byte, idSize)
	if _, err := io.ReadFull(s.opts.Random, b); err != nil {
		return "", fmt.Errorf("draw a random id: %w", err)
	}
	return hex.EncodeToString(b), nil
}
