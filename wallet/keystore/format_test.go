package keystore_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

var update = flag.Bool("update", false, "write testdata/v1 anew, which is right only before a first release")

// TestTheFormatStays opens files that an earlier build has written: who made a
// wallet then must be able to open it now.
func TestTheFormatStays(t *testing.T) {
	const phrase = "실장 활동 큰절 흔적 형제 제대로 훈련 한글 실장 활동 큰절 흔히"
	dir := filepath.Join("testdata", "v1")
	formatPass := wallet.NewPassphrase("correct horse 말")
	if *update {
		must(t, os.RemoveAll(dir))
		s, err := keystore.Create(dir, rules(t), parse(t, phrase), wallet.NewPassphrase("extra"), formatPass, now, quick)
		must(t, err)
		u, err := s.Unlock(formatPass)
		must(t, err)
		must(t, u.SetContact("bob", &bob))
		must(t, u.SetLabel(bob, "월세"))
		must(t, u.Save())
		own, err := s.NewAddress(0)
		must(t, err)
		must(t, s.Watch(bob))
		p := &purse{t: t, s: s, u: u, coins: []wallet.Coin{{Coin: core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{1}}, Value: 10 * ing, Height: 1, Address: own.Address}}}}
		d := p.mustDraft(ing)
		_, err = p.s.Reserve("rent-11", d, now)
		must(t, err)
		_, err = p.s.Record("rent-11", p.sign(d), now)
		must(t, err)
		must(t, p.s.SetSeen([]wallet.Seen{{TxID: core.Hash{2}, Raw: []byte{1, 2}, Height: 3, Time: now}}))
		u.Close()
		must(t, os.Remove(filepath.Join(dir, keystore.LockFile)))
	}
	work := filepath.Join(t.TempDir(), "copy")
	must(t, os.CopyFS(work, os.DirFS(dir)))
	s, err := keystore.Open(work, rules(t), quick)
	must(t, err)
	u, err := s.Unlock(formatPass)
	must(t, err)
	defer u.Close()
	m, extra, err := u.Mnemonic()
	if err != nil || !extra || strings.Join(m.Reveal(), " ") != phrase {
		t.Errorf("words: %v", err)
	}
	seed, err := m.Seed(wallet.NewPassphrase("extra"))
	must(t, err)
	account, err := seed.Account(0)
	must(t, err)
	st := state(t, s)
	for i, own := range st.Handed(0, wallet.Receive) {
		if a, err := account.Address(wallet.Receive, uint32(i)); err != nil || a != own.Address {
			t.Errorf("address %d: %v", i, err)
		}
	}
	labels, contacts := u.Labels()
	send, ok := st.Send("rent-11")
	if len(st.Handed(0, wallet.Receive)) != 1 || !st.Owns(bob) || len(labels) != 1 || contacts["bob"] == "" || !ok || !send.Recorded() || len(st.Seen()) != 2 {
		t.Errorf("handed out %d, labels %v, contacts %v, payment %+v", len(st.Handed(0, wallet.Receive)), labels, contacts, send)
	}
	// What is written again is what was there.
	before, err := os.ReadFile(filepath.Join(work, keystore.PublicFile))
	must(t, err)
	must(t, s.Watch(core.Address{Hash: [20]byte{7}}))
	must(t, s.Unwatch(core.Address{Hash: [20]byte{7}}))
	after, err := os.ReadFile(filepath.Join(work, keystore.PublicFile))
	must(t, err)
	cut := func(b []byte) []byte { // sequence and checksum differ
		_, b, _ = bytes.Cut(b, []byte(`"network"`))
		b, _, _ = bytes.Cut(b, []byte(`"checksum"`))
		return b
	}
	if !bytes.Equal(cut(before), cut(after)) {
		t.Error("the file reads otherwise than it was written")
	}
}
