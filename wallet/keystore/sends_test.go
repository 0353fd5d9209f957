package keystore_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/atomicfile"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// purse is an unlocked wallet with coins of 10 ING at its first addresses.
type purse struct {
	t     testing.TB
	s     *keystore.Store
	u     *keystore.Unlocked
	coins []wallet.Coin
}

func newPurse(t testing.TB, coins int) *purse { return purseOf(t, create(t, t.TempDir()), coins) }

func purseOf(t testing.TB, s *keystore.Store, coins int) *purse {
	p := &purse{t: t, s: s, u: unlock(t, s)}
	for i := range coins {
		own := state(t, s).Ask()[i]
		path, _ := state(t, s).Path(own)
		p.coins = append(p.coins, wallet.Coin{Path: &path, Coin: core.Coin{
			Outpoint: core.Outpoint{TxID: sha256.Sum256([]byte{byte(i)})}, Value: 10 * ing, Height: 1, Address: own}})
	}
	return p
}

var bob = core.Address{Hash: [20]byte{0xb0, 0xb}}

// draft pays bob, with coins that nobody has reserved.
func (p *purse) draft(value core.Amount, at uint64) (*wallet.Draft, error) {
	p.t.Helper()
	st, err := p.s.State()
	if err != nil {
		return nil, err
	}
	change, err := st.ChangeAddress(0, at)
	if err != nil {
		return nil, err
	}
	reserved := st.Reserved(at)
	coins := slices.Clone(p.coins)
	for i := range coins {
		coins[i].ReservedBy = reserved[coins[i].Outpoint]
	}
	return wallet.Pay(wallet.Terms{Rules: rules(p.t), Height: 100, FeeRate: 1000}, coins, wallet.Payment{
		Outputs: []core.Output{{Value: value, Address: bob}}, Change: change.Address, ChangePath: &change.Path})
}

func (p *purse) mustDraft(value core.Amount) *wallet.Draft {
	p.t.Helper()
	d, err := p.draft(value, now)
	must(p.t, err)
	return d
}

// mustDraftWithout pays with coins that another draft does not take, whoever has
// reserved them.
func (p *purse) mustDraftWithout(other *wallet.Draft, value core.Amount) *wallet.Draft {
	p.t.Helper()
	coins := slices.DeleteFunc(slices.Clone(p.coins), func(c wallet.Coin) bool { return c.Outpoint == other.Inputs[0].Outpoint })
	d, err := wallet.Pay(wallet.Terms{Rules: rules(p.t), Height: 100, FeeRate: 1000}, coins, wallet.Payment{
		Outputs: []core.Output{{Value: value, Address: bob}}, Change: changeOf(other)})
	must(p.t, err)
	return d
}

func (p *purse) sign(d *wallet.Draft) *core.Transaction {
	p.t.Helper()
	st := state(p.t, p.s)
	_, err := d.Sign(func(a core.Address) (wallet.Key, bool) {
		path, ok := st.Path(a)
		if !ok {
			return wallet.Key{}, false
		}
		return p.u.Key(path, a)
	})
	must(p.t, err)
	tx, err := d.Transaction(rules(p.t))
	must(p.t, err)
	return tx
}

func TestARetrySendsTheSameBytes(t *testing.T) {
	p := newPurse(t, 2)
	d := p.mustDraft(ing)
	send, err := p.s.Reserve("rent-11", d, now)
	if err != nil || send.Recorded() || send.TxID != d.TxID() {
		t.Fatalf("%+v, %v", send, err)
	}
	// The process ends here and starts again: nothing was signed, so it may choose anew.
	d = p.mustDraft(ing)
	send, err = p.s.Reserve("rent-11", d, now+1)
	must(t, err)
	tx := p.sign(d)
	_, err = p.s.Record("rent-11", tx, now+2)
	must(t, err)
	// And again: whatever the draft, the recorded bytes come back.
	for _, at := range []uint64{now + 3, now + keystore.ReserveFor + 10, now + keystore.SendExpiry + 10} {
		other, err := p.draft(ing, at)
		must(t, err)
		send, err = p.s.Reserve("rent-11", other, at)
		must(t, err)
		if !send.Recorded() || !bytes.Equal(send.Raw, tx.AppendTo(nil)) || send.TxID != tx.ID() {
			t.Fatalf("%+v", send)
		}
	}
	if again, err := p.s.Record("rent-11", tx, now+4); err != nil || !bytes.Equal(again.Raw, send.Raw) {
		t.Errorf("recorded twice: %v", err)
	}
	if _, err := p.s.Reserve("rent-11", p.mustDraft(2*ing), now+5); !errors.Is(err, keystore.ErrIDUsed) {
		t.Errorf("the id for another amount: %v", err)
	}
	other := p.mustDraft(ing)
	other.Data = []byte("December")
	if _, err := p.s.Reserve("rent-11", other, now+5); !errors.Is(err, keystore.ErrIDUsed) {
		t.Errorf("the id for other data: %v", err)
	}
	if err := p.s.Release("rent-11"); !errors.Is(err, keystore.ErrRecorded) {
		t.Errorf("releases what is on its way: %v", err)
	}
	if got, ok := state(t, p.s).Send("rent-11"); !ok || !got.Recorded() || len(got.Payments) != 1 || got.Payments[0].Address != bob {
		t.Errorf("%+v", got)
	}
	must(t, p.s.Forget("rent-11"))
	if _, ok := state(t, p.s).Send("rent-11"); ok || len(state(t, p.s).Reserved(now)) != 0 {
		t.Error("not forgotten")
	}
	if seen := state(t, p.s).Seen(); len(seen) != 1 || seen[0].TxID != send.TxID || !bytes.Equal(seen[0].Raw, send.Raw) {
		t.Errorf("forgotten, the history is told %+v", seen)
	}
	must(t, p.s.Forget("rent-11")) // twice is no harm
	for _, id := range []string{"", "a b", "../x", "한글", string(make([]byte, 65))} {
		if _, err := p.s.Reserve(id, d, now); !errors.Is(err, keystore.ErrSendID) {
			t.Errorf("id %q: %v", id, err)
		}
	}
}

func TestCoinsOfPaymentsUnderWay(t *testing.T) {
	p := newPurse(t, 2)
	first := p.mustDraft(ing)
	clash := p.mustDraft(2 * ing)
	if first.Inputs[0].Outpoint != clash.Inputs[0].Outpoint {
		t.Fatal("the drafts take different coins")
	}
	_, err := p.s.Reserve("a", first, now)
	must(t, err)
	if _, err := p.s.Reserve("b", clash, now); !errors.Is(err, keystore.ErrReserved) {
		t.Errorf("one coin for two: %v", err)
	}
	second := p.mustDraft(2 * ing)
	_, err = p.s.Reserve("b", second, now)
	must(t, err)
	var short *wallet.InsufficientError
	if _, err := p.draft(ing, now); !errors.As(err, &short) || short.Reserved != 20*ing {
		t.Errorf("a third: %v", err)
	}
	if changeOf(first) == changeOf(second) {
		t.Error("two payments under way have one change address")
	}
	// Another process with the same id, and other coins, takes the payment over.
	_, err = p.s.Reserve("b", first, now)
	if !errors.Is(err, keystore.ErrReserved) {
		t.Errorf("takes b over with a coin of a: %v", err)
	}
	_, err = p.s.Reserve("a", p.mustDraftWithout(second, 3*ing), now)
	must(t, err)
	if _, err := p.s.Record("a", p.sign(first), now); !errors.Is(err, keystore.ErrNotReserved) {
		t.Errorf("two processes record two payments of one id: %v", err)
	}
	must(t, p.s.Release("a"))
	must(t, p.s.Release("a"))
	if _, err := p.s.Record("a", p.sign(first), now); !errors.Is(err, keystore.ErrNotReserved) {
		t.Errorf("records what was released: %v", err)
	}
	// A reservation ends by itself; somebody else may have its coin then.
	later := uint64(now + keystore.ReserveFor)
	if len(state(t, p.s).Reserved(later-1)) != 1 || len(state(t, p.s).Reserved(later)) != 0 {
		t.Error("the reservation of b does not end when it should")
	}
	_, err = p.s.Reserve("c", second, later)
	must(t, err)
	if _, err := p.s.Record("b", p.sign(second), later); !errors.Is(err, keystore.ErrNotReserved) {
		t.Errorf("records with a coin that c has: %v", err)
	}
	// What is recorded holds its coins much longer, until it is deep in the chain.
	_, err = p.s.Record("c", p.sign(second), later)
	must(t, err)
	if len(state(t, p.s).Reserved(later+keystore.SendExpiry-1)) != 1 || len(state(t, p.s).Reserved(later+keystore.SendExpiry)) != 0 {
		t.Error("a recorded payment does not expire when it should")
	}
	must(t, p.s.Settle([]core.Hash{second.TxID()}))
	if send, ok := state(t, p.s).Send("c"); !ok || !send.Settled || len(state(t, p.s).Reserved(later)) != 0 {
		t.Errorf("%+v", send)
	}
	_, err = p.s.Reserve("d", first, later+keystore.KeepRaw+1)
	must(t, err)
	if send, _ := state(t, p.s).Send("c"); send.Raw != nil || !send.Recorded() || send.TxID != second.TxID() {
		t.Errorf("long settled: %+v", send)
	}
	if all := state(t, p.s).Sends(); len(all) != 2 || all[0].ID != "d" {
		t.Errorf("%d payments", len(all))
	}
}

func changeOf(d *wallet.Draft) core.Address {
	for _, out := range d.Outputs {
		if out.Change {
			return out.Address
		}
	}
	return core.Address{}
}

// TestSendsAtOnce: whatever is sent at the same time, no coin is taken twice, and
// one id pays once.
func TestSendsAtOnce(t *testing.T) {
	p := newPurse(t, 8)
	var mu sync.Mutex
	raws := map[string][][]byte{}
	var wg sync.WaitGroup
	for i := range 16 {
		id := fmt.Sprintf("send-%d", i/2) // each id twice
		wg.Go(func() {
			for range 100 {
				d, err := p.draft(ing, now)
				if err != nil {
					st, serr := p.s.State()
					if serr == nil {
						if done, ok := st.Send(id); ok && done.Recorded() {
							mu.Lock()
							raws[id] = append(raws[id], done.Raw)
							mu.Unlock()
							return
						}
					}
					continue // all coins are taken for the moment
				}
				send, err := p.s.Reserve(id, d, now)
				if errors.Is(err, keystore.ErrReserved) {
					continue
				}
				if err == nil && !send.Recorded() {
					send, err = p.s.Record(id, p.sign(d), now)
					if errors.Is(err, keystore.ErrNotReserved) {
						continue // the other one with this id took over
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				raws[id] = append(raws[id], send.Raw)
				mu.Unlock()
				return
			}
		})
	}
	wg.Wait()
	spent := map[core.Outpoint]string{}
	for id, sent := range raws {
		for _, raw := range sent {
			if !bytes.Equal(raw, sent[0]) {
				t.Errorf("%s is two payments", id)
			}
		}
		tx, err := core.ParseTransaction(sent[0])
		must(t, err)
		for _, in := range tx.Inputs {
			if other := spent[in.Outpoint]; other != "" {
				t.Errorf("%s and %s spend one coin", id, other)
			}
			spent[in.Outpoint] = id
		}
	}
	if len(raws) != 8 {
		t.Errorf("%d of 8 payments", len(raws))
	}
}

func TestChangeAddressesStayWithinTheGap(t *testing.T) {
	p := newPurse(t, wallet.GapLimit+2)
	used := map[core.Address]int{}
	for i := range wallet.GapLimit + 2 {
		d := p.mustDraft(ing)
		id := fmt.Sprint(i)
		_, err := p.s.Reserve(id, d, now)
		must(t, err)
		_, err = p.s.Record(id, p.sign(d), now)
		must(t, err)
		used[changeOf(d)]++
		if path, _ := state(t, p.s).Path(changeOf(d)); path.Index >= wallet.GapLimit || path.Branch != wallet.Change {
			t.Fatalf("change to %s", path)
		}
	}
	if len(used) != wallet.GapLimit {
		t.Errorf("%d change addresses", len(used))
	}
}

func TestSeenIsKept(t *testing.T) {
	p := newPurse(t, 1)
	d := p.mustDraft(ing)
	_, err := p.s.Reserve("a", d, now)
	must(t, err)
	tx := p.sign(d)
	_, err = p.s.Record("a", tx, now)
	must(t, err)
	// It never reached the node: the history offers to send it again.
	view := wallet.View{Own: state(t, p.s).Owns, IsChange: state(t, p.s).IsChange, Height: 100, Seen: state(t, p.s).Seen()}
	rows, seen := wallet.History(view)
	if len(rows) != 1 || rows[0].Status != wallet.Dropped || !bytes.Equal(rows[0].Raw, tx.AppendTo(nil)) {
		t.Fatalf("%+v", rows)
	}
	must(t, p.s.SetSeen(seen))
	must(t, p.s.SetSeen(seen))
	if got := state(t, p.s).Seen(); len(got) != 1 || got[0].TxID != tx.ID() {
		t.Errorf("%+v", got)
	}
	huge := []wallet.Seen{{TxID: core.Hash{1}, Raw: make([]byte, 6<<20)}, {TxID: core.Hash{2}, Raw: make([]byte, 6<<20)}}
	must(t, p.s.SetSeen(huge))
	if got := state(t, p.s).Seen(); len(got) != 2 { // the first of these, and the recorded payment
		t.Errorf("%d kept", len(got))
	}
}

// story is what a wallet does that changes files; each step names what must hold
// once it has succeeded.
func story(p *purse) []func() error {
	var d *wallet.Draft
	var tx *core.Transaction
	return []func() error{
		func() error { _, err := p.s.NewAddress(0); return err },
		func() (err error) {
			if d, err = p.draft(ing, now); err == nil {
				_, err = p.s.Reserve("x", d, now)
			}
			return err
		},
		func() error { tx = p.sign(d); _, err := p.s.Record("x", tx, now); return err },
		func() error { return p.u.SetContact("bob", &bob) },
		func() error { return p.u.Save() },
		func() error { _, err := p.u.AddAccount(); return err },
	}
}

// TestNoStepLosesAKey ends the process, or fills the disk, at every operation of
// a wallet's life. Afterwards the files open; what was acknowledged is there.
func TestNoStepLosesAKey(t *testing.T) {
	template := create(t, t.TempDir()).Dir()
	for _, crash := range []bool{false, true} {
		for at, done := 1, false; !done; at++ {
			if testing.Short() && at%4 != 0 && at < 40 {
				continue
			}
			dir := filepath.Join(t.TempDir(), "copy")
			must(t, os.CopyFS(dir, os.DirFS(template)))
			copied, err := keystore.Open(dir, rules(t), quick)
			must(t, err)
			p := purseOf(t, copied, 1)
			disk := &atomicfile.Faulty{Disk: quick.FS, FailAt: at, Crash: crash}
			bad, err := keystore.Open(p.s.Dir(), rules(t), keystore.Options{WorkFactor: 2, FS: disk})
			must(t, err)
			good := p.s
			p.s, p.u = bad, unlock(t, bad)
			acknowledged := 0
			for _, step := range story(p) {
				if err := step(); err != nil {
					break
				}
				acknowledged++
			}
			done = disk.Ops < at
			p.s = good

			u := unlock(t, good)
			st, err := good.State()
			if err != nil {
				t.Fatalf("crash %v at %d: after %d steps: %v", crash, at, acknowledged, err)
			}
			send, ok := st.Send("x")
			switch {
			case acknowledged >= 1 && len(st.Handed(0, wallet.Receive)) != 1:
				t.Errorf("crash %v at %d: the address handed out is forgotten", crash, at)
			case acknowledged >= 3 && (!ok || !send.Recorded()):
				t.Errorf("crash %v at %d: the recorded payment is forgotten", crash, at)
			case acknowledged >= 2 && !ok:
				t.Errorf("crash %v at %d: the reservation is forgotten", crash, at)
			case ok && send.Recorded() && len(st.Reserved(now)) != 1:
				t.Errorf("crash %v at %d: the recorded payment's coin is free", crash, at)
			case acknowledged == 6 != done:
				t.Errorf("crash %v at %d: %d steps succeed, but %d operations", crash, at, acknowledged, disk.Ops)
			}
			_, contacts := u.Labels()
			if acknowledged >= 5 && contacts["bob"] == "" {
				t.Errorf("crash %v at %d: the saved contact is forgotten", crash, at)
			}
			// All goes on from here, and nothing is left behind.
			if _, err := good.NewAddress(0); err != nil {
				t.Errorf("crash %v at %d: %v", crash, at, err)
			}
			if left, _ := filepath.Glob(filepath.Join(good.Dir(), "*.tmp-*")); len(left) > 0 {
				t.Errorf("crash %v at %d: leaves %v", crash, at, left)
			}
		}
	}
}

// TestCreateFailsAtEveryStep: a wallet is there, or can be made again, or is
// rebuilt from its secret file.
func TestCreateFailsAtEveryStep(t *testing.T) {
	for _, crash := range []bool{false, true} {
		for at, done := 1, false; !done; at++ {
			dir := filepath.Join(t.TempDir(), "new")
			disk := &atomicfile.Faulty{Disk: quick.FS, FailAt: at, Crash: crash}
			_, err := keystore.Create(dir, rules(t), parse(t, words), wallet.Passphrase{}, pass, now, keystore.Options{WorkFactor: 2, FS: disk})
			done = disk.Ops < at
			if done != (err == nil) {
				t.Fatalf("at %d of %d: %v", at, disk.Ops, err)
			}
			s, err := keystore.Open(dir, rules(t), quick)
			if errors.Is(err, keystore.ErrNoWallet) {
				create(t, dir)
				continue
			}
			must(t, err)
			u := unlock(t, s)
			if _, err := s.State(); err != nil {
				must(t, s.Rebuild(u, nil))
			}
			if _, err := s.NewAddress(0); err != nil {
				t.Errorf("at %d: %v", at, err)
			}
		}
	}
}

// A refused payment is withdrawn only by whoever alone had its bytes.
func TestWithdraw(t *testing.T) {
	p := newPurse(t, 2)
	begin := func(id string) *core.Transaction {
		t.Helper()
		d := p.mustDraft(ing)
		_, err := p.s.Reserve(id, d, now)
		must(t, err)
		tx := p.sign(d)
		_, err = p.s.Record(id, tx, now)
		must(t, err)
		return tx
	}
	tx := begin("refused")
	must(t, p.s.SetSeen([]wallet.Seen{{TxID: tx.ID(), Raw: tx.AppendTo(nil), Time: now}}))
	must(t, p.s.Withdraw("refused"))
	st := state(t, p.s)
	if _, have := st.Send("refused"); have || len(st.Reserved(now)) != 0 || len(st.Seen()) != 0 {
		t.Error("it is still there")
	}
	if _, err := p.s.Offer("refused"); !errors.Is(err, keystore.ErrNotReserved) {
		t.Errorf("its bytes are given out: %v", err)
	}
	must(t, p.s.Withdraw("refused")) // twice is no harm

	tx = begin("retried")
	send, err := p.s.Offer("retried")
	must(t, err)
	if !bytes.Equal(send.Raw, tx.AppendTo(nil)) {
		t.Error("other bytes")
	}
	if err := p.s.Withdraw("retried"); !errors.Is(err, keystore.ErrRecorded) {
		t.Errorf("a payment that a second one may have sent: %v", err)
	}
	if len(state(t, p.s).Reserved(now)) == 0 {
		t.Error("its coins are free")
	}

	// Two who retry an id at once may sign the same bytes.
	p.coins = newPurse(t, 3).coins[2:]
	tx = begin("twice")
	_, err = p.s.Record("twice", tx, now)
	must(t, err)
	if err := p.s.Withdraw("twice"); !errors.Is(err, keystore.ErrRecorded) {
		t.Errorf("a payment that was recorded twice: %v", err)
	}
}
