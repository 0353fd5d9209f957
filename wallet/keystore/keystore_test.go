package keystore_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/atomicfile"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

const (
	ing   = core.GrainsPerING
	now   = 1_795_132_800_000
	words = "legal winner thank year wave sausage worth useful legal winner thank yellow"
)

// quick spends little on scrypt, and does not wait for the disk.
var quick = keystore.Options{WorkFactor: 2, FS: noSync{atomicfile.OS}}

type noSync struct{ atomicfile.FS }

func (noSync) SyncDir(string) error { return nil }

func (d noSync) CreateTemp(dir, pattern string) (atomicfile.File, error) {
	f, err := d.FS.CreateTemp(dir, pattern)
	return noSyncFile{f}, err
}

type noSyncFile struct{ atomicfile.File }

func (noSyncFile) Sync() error { return nil }

var pass = wallet.NewPassphrase("correct horse")

func rules(t testing.TB) *core.Rules {
	t.Helper()
	r, err := core.NewRules(core.LAN())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func parse(t testing.TB, text string) wallet.Mnemonic {
	t.Helper()
	m, err := wallet.ParseMnemonic(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func create(t testing.TB, dir string) *keystore.Store {
	t.Helper()
	s, err := keystore.Create(dir, rules(t), parse(t, words), wallet.Passphrase{}, pass, now, quick)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func unlock(t testing.TB, s *keystore.Store) *keystore.Unlocked {
	t.Helper()
	u, err := s.Unlock(pass)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

func state(t testing.TB, s *keystore.Store) *keystore.State {
	t.Helper()
	st, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCreateAndUnlock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := keystore.Open(dir, rules(t), quick); !errors.Is(err, keystore.ErrNoWallet) {
		t.Errorf("opens nothing: %v", err)
	}
	create(t, dir)
	if _, err := keystore.Create(dir, rules(t), parse(t, words), wallet.Passphrase{}, pass, now, quick); !errors.Is(err, keystore.ErrExists) {
		t.Errorf("a second wallet: %v", err)
	}
	if _, err := keystore.CreateWatchOnly(dir, rules(t), quick); !errors.Is(err, keystore.ErrExists) {
		t.Errorf("a second wallet, to watch: %v", err)
	}
	s, err := keystore.Open(dir, rules(t), quick)
	must(t, err)
	u := unlock(t, s)
	m, extra, err := u.Mnemonic()
	if err != nil || extra || strings.Join(m.Reveal(), " ") != words {
		t.Errorf("words %v, %v, %v", m.Reveal(), extra, err)
	}
	st := state(t, s)
	own, err := s.NewAddress(0)
	must(t, err)
	if key, ok := u.Key(own.Path, own.Address); !ok || key.Address() != own.Address {
		t.Error("the wallet has no key to its first address")
	}
	if _, ok := u.Key(wallet.Path{Index: 1}, own.Address); ok {
		t.Error("a key at another path")
	}
	if st.WatchOnly() || st.NeedsUnlock() || len(st.Ask()) != 2*wallet.GapLimit {
		t.Errorf("asks about %d addresses", len(st.Ask()))
	}
	if _, err := s.Unlock(wallet.NewPassphrase("wrong")); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	if _, err := s.Unlock(wallet.Passphrase{}); !errors.Is(err, keystore.ErrEmpty) {
		t.Errorf("an empty passphrase: %v", err)
	}
	other := core.LAN()
	other.Salt[0] = 1
	otherRules, err := core.NewRules(other)
	must(t, err)
	wrong, err := keystore.Open(dir, otherRules, quick)
	must(t, err)
	if _, err := wrong.State(); !errors.Is(err, keystore.ErrNetwork) {
		t.Errorf("another network's addresses: %v", err)
	}
	if _, err := wrong.Unlock(pass); !errors.Is(err, keystore.ErrNetwork) {
		t.Errorf("another network's keys: %v", err)
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes on Windows")
	}
	setUmask(t, 0)
	dir := filepath.Join(t.TempDir(), "data")
	s := create(t, dir)
	_, err := s.NewAddress(0)
	must(t, err)
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", e.Name(), mode)
		}
	}
	info, err := os.Stat(dir)
	must(t, err)
	if mode := info.Mode().Perm(); mode != 0o700 || len(entries) != 4 {
		t.Errorf("directory of mode %o with %d files", mode, len(entries))
	}
}

// TestPublicFileHasNoSecrets looks for the seed, the words and keys in all that
// is not encrypted.
func TestPublicFileHasNoSecrets(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	u := unlock(t, s)
	must(t, u.SetLabel(state(t, s).Ask()[0], "my secret label"))
	must(t, u.Save())
	seed, err := parse(t, words).Seed(wallet.Passphrase{})
	must(t, err)
	for _, name := range []string{keystore.PublicFile, keystore.SequenceFile, keystore.SecretFile, keystore.LockFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		for _, tell := range []string{"winner", "yellow", "secret label", "horse", fmt.Sprintf("%x", seed.Reveal()[:8])} {
			if bytes.Contains(b, []byte(tell)) {
				t.Errorf("%s has %q", name, tell)
			}
		}
	}
}

// TestTheFileIsPlainAge opens it with the age library, as its tool does, without
// our code.
func TestTheFileIsPlainAge(t *testing.T) {
	s := create(t, t.TempDir())
	file, err := s.SecretBytes()
	must(t, err)
	id, err := age.NewScryptIdentity(pass.Reveal())
	must(t, err)
	r, err := age.Decrypt(bytes.NewReader(file), id)
	must(t, err)
	plain, err := io.ReadAll(r)
	must(t, err)
	if !bytes.Contains(plain, []byte(`"words":["legal","winner",`)) {
		t.Errorf("%s", plain)
	}
	if !bytes.HasPrefix(file, []byte("age-encryption.org/v1\n-> scrypt ")) {
		t.Errorf("%.60s", file)
	}
}

// TestDefaultWorkFactor reads it from the file, since deriving takes a second.
func TestDefaultWorkFactor(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two seconds of scrypt")
	}
	s, err := keystore.Create(t.TempDir(), rules(t), parse(t, words), wallet.Passphrase{}, pass, now, keystore.Options{})
	must(t, err)
	file, err := s.SecretBytes()
	must(t, err)
	line := strings.Split(string(file), "\n")[1]
	if !strings.HasSuffix(line, " 18") {
		t.Errorf("%s", line)
	}
}

func TestHostileFiles(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	good, err := s.SecretBytes()
	must(t, err)
	path := filepath.Join(dir, keystore.SecretFile)
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"empty":                    {nil, keystore.ErrDamaged},
		"text":                     {[]byte("hello"), keystore.ErrDamaged},
		"cut in the middle":        {good[:len(good)/2], keystore.ErrDamaged},
		"cut at the end":           {good[:len(good)-1], keystore.ErrDamaged},
		"a bit flipped at the end": {flip(good, len(good)-1), keystore.ErrDamaged},
		"bytes behind":             {append(slices.Clone(good), 0), keystore.ErrDamaged},
		"a work factor of hours":   {bytes.Replace(good, []byte(" 2\n"), []byte(" 30\n"), 1), keystore.ErrDamaged},
		"one above the bound":      {bytes.Replace(good, []byte(" 2\n"), []byte(" 21\n"), 1), keystore.ErrDamaged},
		"another work factor":      {bytes.Replace(good, []byte(" 2\n"), []byte(" 3\n"), 1), keystore.ErrPassphrase},
		"for a key":                {forKey(t), keystore.ErrDamaged},
		"something else inside":    {sealed(t, "hello"), keystore.ErrDamaged},
		"an empty object":          {sealed(t, "{}"), keystore.ErrDamaged},
		"a later version":          {sealed(t, `{"ingchain_wallet":2}`), keystore.ErrDamaged},
		"too much inside":          {sealed(t, strings.Repeat(" ", 5<<20)), keystore.ErrDamaged},
	} {
		must(t, os.WriteFile(path, c.file, 0o600))
		if _, err := s.Unlock(pass); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	must(t, os.WriteFile(path, good, 0o600))
	unlock(t, s)
	must(t, os.Remove(path))
	if _, err := s.Unlock(pass); !errors.Is(err, keystore.ErrDamaged) {
		t.Errorf("no file: %v", err)
	}
}

func flip(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 1
	return b
}

func sealed(t testing.TB, plain string) []byte {
	t.Helper()
	r, err := age.NewScryptRecipient(pass.Reveal())
	must(t, err)
	r.SetWorkFactor(2)
	return encrypt(t, r, plain)
}

func forKey(t testing.TB) []byte {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	must(t, err)
	return encrypt(t, id.Recipient(), "{}")
}

func encrypt(t testing.TB, r age.Recipient, plain string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, r)
	must(t, err)
	_, err = io.WriteString(w, plain)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func TestRestoreGivesTheSameAddresses(t *testing.T) {
	korean := "실장 활동 큰절 흔적 형제 제대로 훈련 한글 실장 활동 큰절 흔히"
	for _, phrase := range []string{words, korean} {
		first, err := keystore.Create(t.TempDir(), rules(t), parse(t, phrase), wallet.NewPassphrase("추가"), pass, now, quick)
		must(t, err)
		var paid []core.Address
		for range 7 {
			own, err := first.NewAddress(0)
			must(t, err)
			paid = append(paid, own.Address)
		}
		paid = paid[4:5]

		second, err := keystore.Create(t.TempDir(), rules(t), parse(t, strings.ToUpper(phrase)), wallet.NewPassphrase("추가"), wallet.NewPassphrase("other"), now, quick)
		must(t, err)
		u, err := second.Unlock(wallet.NewPassphrase("other"))
		must(t, err)
		defer u.Close()
		account, err := u.Account(0)
		must(t, err)
		found, err := wallet.Scan(account, func(batch []core.Address) ([]bool, error) {
			used := make([]bool, len(batch))
			for i, a := range batch {
				used[i] = slices.Contains(paid, a)
			}
			return used, nil
		})
		must(t, err)
		must(t, second.Rebuild(u, map[uint32]*wallet.Found{0: found}))
		if !slices.Equal(state(t, first).Ask()[:20], state(t, second).Ask()[:20]) {
			t.Error("other addresses")
		}
		own, err := second.NewAddress(0)
		if err != nil || own.Path.Index != 5 {
			t.Errorf("next after the used one: %v, %v", own.Path, err)
		}
		if _, extra, err := u.Mnemonic(); err != nil || !extra {
			t.Errorf("does not tell that a passphrase belongs to the words: %v", err)
		}
	}
}

func TestAddressesAndGap(t *testing.T) {
	s := create(t, t.TempDir())
	seen := map[core.Address]bool{}
	var last wallet.OwnAddress
	for i := range wallet.GapLimit {
		own, err := s.NewAddress(0)
		must(t, err)
		if own.Path.Index != uint32(i) || seen[own.Address] {
			t.Fatalf("address %d is %v", i, own)
		}
		seen[own.Address], last = true, own
	}
	if _, err := s.NewAddress(0); !errors.Is(err, keystore.ErrGap) {
		t.Errorf("beyond the gap limit: %v", err)
	}
	if own, unused := state(t, s).Current(0); own != last || !unused {
		t.Errorf("current is %v", own)
	}
	must(t, s.MarkUsed([]core.Address{last.Address, {}}))
	if _, unused := state(t, s).Current(0); unused {
		t.Error("the last is still called unused")
	}
	before, err := os.ReadFile(filepath.Join(s.Dir(), keystore.PublicFile))
	must(t, err)
	must(t, s.MarkUsed([]core.Address{last.Address}))
	after, err := os.ReadFile(filepath.Join(s.Dir(), keystore.PublicFile))
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("writes though nothing is new")
	}
	// Use up what was made in advance: it takes the passphrase to go on.
	for n := wallet.GapLimit; n < keystore.Ahead; n++ {
		own, err := s.NewAddress(0)
		must(t, err)
		must(t, s.MarkUsed([]core.Address{own.Address}))
	}
	if _, err := s.NewAddress(0); !errors.Is(err, keystore.ErrLocked) || !state(t, s).NeedsUnlock() {
		t.Errorf("address 100 of a locked wallet: %v", err)
	}
	unlock(t, s)
	if own, err := s.NewAddress(0); err != nil || own.Path.Index != keystore.Ahead || state(t, s).NeedsUnlock() {
		t.Errorf("after unlocking: %v, %v", own.Path, err)
	}
	if got := len(state(t, s).Handed(0, wallet.Receive)); got != keystore.Ahead+1 {
		t.Errorf("%d handed out", got)
	}
	if _, err := s.NewAddress(7); err == nil {
		t.Error("an address of an account that is not there")
	}
}

func TestAccountsAndLabels(t *testing.T) {
	s := create(t, t.TempDir())
	u := unlock(t, s)
	a := state(t, s).Ask()[0]
	must(t, u.SetLabel(a, "rent 월세"))
	must(t, u.SetContact("bob", &core.Address{}))
	n, err := u.AddAccount()
	if err != nil || n != 1 {
		t.Fatal(n, err)
	}
	own, err := s.NewAddress(1)
	must(t, err)
	if _, ok := u.Key(own.Path, own.Address); !ok || own.Path.Account != 1 {
		t.Errorf("no key of account 1: %v", own.Path)
	}
	again := unlock(t, s)
	labels, contacts := again.Labels()
	if labels[a.Encode("ing")] != "rent 월세" || contacts["bob"] != (core.Address{}).Encode("ing") || len(again.Accounts()) != 2 {
		t.Errorf("%v, %v", labels, contacts)
	}
	must(t, again.SetLabel(a, ""))
	must(t, again.SetContact("bob", nil))
	must(t, again.SetPassphrase(wallet.NewPassphrase("새 암호")))
	must(t, again.Save())
	if _, err := s.Unlock(pass); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("the old passphrase: %v", err)
	}
	fresh, err := s.Unlock(wallet.NewPassphrase("새 암호"))
	must(t, err)
	defer fresh.Close()
	if labels, contacts := fresh.Labels(); len(labels)+len(contacts) != 0 {
		t.Errorf("%v, %v", labels, contacts)
	}
	if err := u.Save(); !errors.Is(err, keystore.ErrChanged) {
		t.Errorf("saves over another's change: %v", err)
	}
	for _, bad := range []string{strings.Repeat("x", 201), "\x1b[2J", "a\nb", "\xff", "\u202ex"} {
		if err := fresh.SetLabel(a, bad); err == nil {
			t.Errorf("label %q", bad)
		}
		if err := fresh.SetContact(bad, &a); err == nil {
			t.Errorf("contact %q", bad)
		}
	}
	if err := fresh.SetContact("", &a); err == nil {
		t.Error("a contact without name")
	}
	must(t, fresh.SetContact("\u1107\u1161\u11b8", &a)) // letters, which look like the syllable
	if _, contacts := fresh.Labels(); contacts["\ubc25"] != a.Encode("ing") {
		t.Errorf("a name typed as letters: %q", contacts)
	}
	must(t, fresh.SetContact("\u1107\u1161\u11b8", nil))
	if _, contacts := fresh.Labels(); len(contacts) != 0 {
		t.Errorf("%q", contacts)
	}
	if err := fresh.SetPassphrase(wallet.Passphrase{}); !errors.Is(err, keystore.ErrEmpty) {
		t.Errorf("%v", err)
	}
}

func TestWatchOnly(t *testing.T) {
	dir := t.TempDir()
	s, err := keystore.CreateWatchOnly(dir, rules(t), quick)
	must(t, err)
	a, b := core.Address{Hash: [20]byte{1}}, core.Address{Hash: [20]byte{2}}
	must(t, s.Watch(a, b, a))
	must(t, s.Unwatch(b))
	st := state(t, s)
	if !st.WatchOnly() || !st.Owns(a) || st.Owns(b) || len(st.Ask()) != 1 || len(st.Watched()) != 1 {
		t.Errorf("watches %v", st.Watched())
	}
	if _, err := s.NewAddress(0); !errors.Is(err, keystore.ErrWatchOnly) {
		t.Errorf("hands out an address: %v", err)
	}
	if _, err := s.Unlock(pass); !errors.Is(err, keystore.ErrWatchOnly) {
		t.Errorf("unlocks: %v", err)
	}
	create(t, dir)
	if st := state(t, s); st.WatchOnly() || !st.Owns(a) {
		t.Error("a wallet made here does not go on watching")
	}
}

func TestExportAndImport(t *testing.T) {
	s := create(t, t.TempDir())
	file, err := s.SecretBytes()
	must(t, err)
	dir := t.TempDir()
	if _, err := keystore.Import(dir, rules(t), file, wallet.NewPassphrase("wrong"), quick); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("%v", err)
	}
	other, err := keystore.Import(dir, rules(t), file, pass, quick)
	must(t, err)
	if !slices.Equal(state(t, s).Ask(), state(t, other).Ask()) {
		t.Error("other addresses")
	}
	if _, err := keystore.Import(dir, rules(t), file, pass, quick); !errors.Is(err, keystore.ErrExists) {
		t.Errorf("twice: %v", err)
	}
}

// TestTheDamagedPublicFileIsNoticed flips, cuts and puts back; a rebuild mends
// all of it.
func TestTheDamagedPublicFileIsNoticed(t *testing.T) {
	dir := t.TempDir()
	s := create(t, dir)
	path := filepath.Join(dir, keystore.PublicFile)
	old, err := os.ReadFile(path)
	must(t, err)
	own, err := s.NewAddress(0)
	must(t, err)
	must(t, s.Watch(core.Address{Hash: [20]byte{9}}))
	good, err := os.ReadFile(path)
	must(t, err)
	refuse := func(how string, b []byte, want error) {
		t.Helper()
		must(t, os.WriteFile(path, b, 0o600))
		if _, err := s.State(); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", how, err, want)
		}
		if _, err := s.NewAddress(0); !errors.Is(err, want) {
			t.Errorf("%s: hands out an address: %v", how, err)
		}
	}
	refuse("older", old, keystore.ErrOld)
	refuse("cut", good[:len(good)/2], keystore.ErrPublic)
	refuse("empty", nil, keystore.ErrPublic)
	refuse("more behind it", append(slices.Clone(good), '{'), keystore.ErrPublic)
	must(t, os.WriteFile(path, append(slices.Clone(good), " \n"...), 0o600))
	if _, err := s.State(); err != nil {
		t.Errorf("white space behind it: %v", err)
	}
	for at := 0; at < len(good)-1; at += 97 {
		b := slices.Clone(good)
		b[at] ^= 1
		must(t, os.WriteFile(path, b, 0o600))
		if _, err := s.State(); err == nil {
			t.Fatalf("a bit flipped at %d of %d is not noticed: %s", at, len(good), good[max(0, at-20):at+20])
		}
	}
	must(t, os.Remove(path))
	if _, err := s.State(); !errors.Is(err, keystore.ErrPublic) {
		t.Errorf("missing: %v", err)
	}
	u := unlock(t, s)
	must(t, s.Rebuild(u, map[uint32]*wallet.Found{0: {Next: [2]uint32{3, 1}}}))
	st := state(t, s)
	if p, ok := st.Path(own.Address); !ok || p != own.Path {
		t.Error("the rebuilt file does not know the address")
	}
	if got := len(st.Handed(0, wallet.Receive)); got != 3 {
		t.Errorf("%d handed out", got)
	}
	// A whole file keeps what it knows.
	must(t, s.Watch(core.Address{Hash: [20]byte{9}}))
	must(t, s.Rebuild(u, nil))
	if st := state(t, s); len(st.Watched()) != 1 || len(st.Handed(0, wallet.Receive)) != 3 {
		t.Error("a rebuild forgets")
	}
}

func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	create(t, dir)
	var wg sync.WaitGroup
	got := make(chan core.Address, 16)
	for range 4 {
		wg.Go(func() {
			s, err := keystore.Open(dir, rules(t), quick)
			if err != nil {
				t.Error(err)
				return
			}
			for range 4 {
				own, err := s.NewAddress(0)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := s.State(); err != nil {
					t.Error(err)
				}
				got <- own.Address
			}
		})
	}
	wg.Wait()
	close(got)
	seen := map[core.Address]bool{}
	for a := range got {
		if seen[a] {
			t.Error("one address handed out twice")
		}
		seen[a] = true
	}
	if len(seen) != 16 {
		t.Errorf("%d addresses", len(seen))
	}
}

func TestNewMnemonic(t *testing.T) {
	for _, c := range []struct {
		long bool
		l    wallet.Language
		want int
	}{{false, wallet.English, 12}, {true, wallet.Korean, 24}} {
		a, err := keystore.NewMnemonic(keystore.Options{}, c.long, c.l)
		must(t, err)
		b, err := keystore.NewMnemonic(keystore.Options{}, c.long, c.l)
		must(t, err)
		if len(a.Reveal()) != c.want || slices.Equal(a.Reveal(), b.Reveal()) || a.Language() != c.l {
			t.Errorf("%d words", len(a.Reveal()))
		}
	}
	if _, err := keystore.NewMnemonic(keystore.Options{Random: strings.NewReader("short")}, false, wallet.English); err == nil {
		t.Error("makes words of too little randomness")
	}
}

func FuzzUnlock(f *testing.F) {
	dir := f.TempDir()
	s := create(f, dir)
	good, err := s.SecretBytes()
	must(f, err)
	f.Add(good)
	f.Add(sealed(f, "{}"))
	f.Add(forKey(f))
	path := filepath.Join(dir, keystore.SecretFile)
	f.Fuzz(func(t *testing.T, file []byte) {
		if i := bytes.Index(file, []byte("-> scrypt ")); i >= 0 && !bytes.Contains(file[i:], []byte(" 2\n")) {
			return // more work than a fuzzer should spend
		}
		must(t, os.WriteFile(path, file, 0o600))
		u, err := s.Unlock(pass)
		if err != nil {
			if !errors.Is(err, keystore.ErrDamaged) && !errors.Is(err, keystore.ErrPassphrase) && !errors.Is(err, keystore.ErrNetwork) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		u.Close()
	})
}

func FuzzPublic(f *testing.F) {
	dir := f.TempDir()
	s := create(f, dir)
	path := filepath.Join(dir, keystore.PublicFile)
	good, err := os.ReadFile(path)
	must(f, err)
	f.Add(good)
	f.Add([]byte(`{"ingchain_wallet":1,"accounts":[{"number":0,"branches":[{"next":4294967295},{}]}]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		must(t, os.WriteFile(path, file, 0o600))
		st, err := s.State()
		if err != nil {
			if !errors.Is(err, keystore.ErrPublic) && !errors.Is(err, keystore.ErrNetwork) && !errors.Is(err, keystore.ErrOld) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		st.Ask()
		st.Reserved(now)
		st.Seen()
	})
}
