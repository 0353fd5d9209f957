package keystore_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/killtest"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// killsPerWallet is how many kills one wallet takes before there is a new one.
const killsPerWallet = 10

// onDisk spends little on scrypt, and waits for the disk.
var onDisk = keystore.Options{WorkFactor: 2}

// TestKill9 kills processes while they make a wallet, hand out addresses, pay,
// change the passphrase and rebuild. Afterwards the wallet opens; the keys of all
// addresses are there, and all that was acknowledged; no file is torn, none left
// behind.
func TestKill9(t *testing.T) {
	if dir := killtest.Dir(); dir != "" {
		liveUntilKilled(t, dir)
		return
	}
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	counts := map[string]int{}
	var left *remains
	for n := range *killtest.Kills {
		if n%killsPerWallet == 0 {
			left = &remains{dir: filepath.Join(t.TempDir(), "wallet"), passphrases: []string{"first"},
				recorded: map[string]string{}, contacts: map[string]bool{}}
		}
		after := 1
		if n%killsPerWallet > 0 { // the first is killed while it makes the wallet
			after += rng.IntN(30)
		}
		said := killtest.Kill(t, left.dir, strings.Join(left.passphrases, " "), after)
		for _, line := range said {
			left.learn(line)
			counts[strings.Fields(line)[0]]++
		}
		left.check(t)
		if t.Failed() {
			t.Fatalf("kill %d, after %q", n, said)
		}
	}
	t.Logf("%d kills; acknowledged before: %v", *killtest.Kills, counts)
}

// liveUntilKilled is the life of a wallet.
func liveUntilKilled(t *testing.T, dir string) {
	killtest.Say("begins")
	phrases := strings.Fields(killtest.Arg())
	s, err := keystore.Open(dir, rules(t), onDisk)
	if errors.Is(err, keystore.ErrNoWallet) {
		s, err = keystore.Create(dir, rules(t), parse(t, words), wallet.Passphrase{}, wallet.NewPassphrase(phrases[0]), now, onDisk)
		killtest.Say("created")
	}
	must(t, err)
	u, _, err := open(s, phrases)
	must(t, err)
	p := &purse{t: t, s: s, u: u}
	for i, a := range state(t, s).Ask()[:3] {
		path, _ := state(t, s).Path(a)
		p.coins = append(p.coins, wallet.Coin{Path: &path, Coin: core.Coin{
			Outpoint: core.Outpoint{TxID: core.Hash{byte(i)}}, Value: 10 * ing, Height: 1, Address: a}})
	}
	at := uint64(now)
	for _, send := range state(t, s).Sends() {
		at = max(at, send.Created)
	}
	for {
		at += keystore.SendExpiry + 1 // all coins are free again
		mark := fmt.Sprintf("%x", rand.Uint64())
		switch rand.IntN(12) {
		case 0, 1, 2:
			own, err := s.NewAddress(0)
			must(t, err)
			killtest.Say("address %s", own.Address.Encode(rules(t).Params().AddressPrefix))
			must(t, s.MarkUsed([]core.Address{own.Address}))
		case 3, 4, 5, 6:
			d, err := p.draft(ing, at)
			must(t, err)
			_, err = s.Reserve(mark, d, at)
			must(t, err)
			killtest.Say("reserved %s", mark)
			tx := p.sign(d)
			_, err = s.Record(mark, tx, at)
			must(t, err)
			killtest.Say("recorded %s %x", mark, tx.AppendTo(nil))
		case 7, 8:
			killtest.Say("changing %s", mark)
			must(t, u.SetPassphrase(wallet.NewPassphrase(mark)))
			must(t, u.Save())
			killtest.Say("changed %s", mark)
		case 9:
			must(t, u.SetContact(mark, &bob))
			must(t, u.Save())
			killtest.Say("contact %s", mark)
		case 10, 11:
			must(t, s.Rebuild(u, nil))
			killtest.Say("rebuilt")
		}
	}
}

// open unlocks a wallet by the one of the passphrases that it takes.
func open(s *keystore.Store, phrases []string) (*keystore.Unlocked, string, error) {
	var errs []error
	for _, phrase := range phrases {
		u, err := s.Unlock(wallet.NewPassphrase(phrase))
		if err == nil {
			return u, phrase, nil
		}
		errs = append(errs, err)
	}
	return nil, "", errors.Join(errs...)
}

// remains are what a killed process has left, and what must be in there.
type remains struct {
	dir         string
	created     bool
	passphrases []string // those of which one opens it
	addresses   []string
	reserved    string // the last, unless it is recorded
	recorded    map[string]string
	contacts    map[string]bool
}

func (r *remains) learn(line string) {
	f := strings.Fields(line)
	switch f[0] {
	case "created":
		r.created = true
	case "address":
		r.addresses = append(r.addresses, f[1])
	case "reserved":
		r.reserved = f[1]
	case "recorded":
		r.recorded[f[1]], r.reserved = f[2], ""
	case "changing":
		r.passphrases = append(r.passphrases, f[1])
	case "changed":
		r.passphrases = []string{f[1]}
	case "contact":
		r.contacts[f[1]] = true
	}
}

func (r *remains) check(t *testing.T) {
	t.Helper()
	s, err := keystore.Open(r.dir, rules(t), onDisk)
	if errors.Is(err, keystore.ErrNoWallet) && !r.created {
		return
	}
	must(t, err)
	u, phrase, err := open(s, r.passphrases)
	must(t, err)
	defer u.Close()
	r.passphrases = []string{phrase}
	if m, _, err := u.Mnemonic(); err != nil || strings.Join(m.Reveal(), " ") != words {
		t.Errorf("words: %v", err)
	}
	st, err := s.State()
	if errors.Is(err, keystore.ErrPublic) && !r.created {
		must(t, s.Rebuild(u, nil))
		st, err = s.State()
	}
	must(t, err)
	r.created = true
	prefix := rules(t).Params().AddressPrefix
	handed := st.Handed(0, wallet.Receive)
	for _, text := range r.addresses {
		a, err := core.ParseAddress(text, prefix)
		must(t, err)
		path, ok := st.Path(a)
		if _, key := u.Key(path, a); !ok || !key {
			t.Errorf("no key of %s", text)
		}
		if !slices.ContainsFunc(handed, func(own wallet.OwnAddress) bool { return own.Address == a }) {
			t.Errorf("%s will be handed out again", text)
		}
	}
	for id, raw := range r.recorded {
		send, ok := st.Send(id)
		if !ok || hex.EncodeToString(send.Raw) != raw {
			t.Errorf("recorded payment %s: %+v", id, send)
		}
	}
	if r.reserved != "" {
		if _, ok := st.Send(r.reserved); !ok {
			t.Errorf("reservation %s is forgotten", r.reserved)
		}
		r.reserved = "" // the next process lets it expire
	}
	_, contacts := u.Labels()
	for name := range r.contacts {
		if contacts[name] == "" {
			t.Errorf("contact %s is forgotten", name)
		}
	}
	// All goes on from here, and nothing is left behind.
	own, err := s.NewAddress(0)
	must(t, err)
	must(t, s.MarkUsed([]core.Address{own.Address}))
	if text := own.Address.Encode(prefix); slices.Contains(r.addresses, text) {
		t.Errorf("%s is handed out twice", text)
	} else {
		r.addresses = append(r.addresses, text)
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "*.tmp-*")); len(left) > 0 {
		t.Errorf("leaves %v", left)
	}
}
