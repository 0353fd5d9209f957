package wallet_test

import (
	"bytes"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/wallet"
)

// story is a wallet of two receive addresses, m1 and m2, and a change address
// mc; everybody else is a stranger.
type story struct {
	t     *testing.T
	rules *core.Rules
	seen  []wallet.Seen
}

func (s *story) own(a core.Address) bool {
	return a == coretest.Key("m1").Address || a == coretest.Key("m2").Address || s.change(a)
}

func (s *story) change(a core.Address) bool { return a == coretest.Key("mc").Address }

// history asks with what the node knows, and remembers.
func (s *story) history(height uint32, entries ...wallet.Entry) map[core.Hash]wallet.Row {
	s.t.Helper()
	rows, seen := wallet.History(wallet.View{Own: s.own, IsChange: s.change, Height: height, Entries: entries, Seen: s.seen})
	s.seen = seen
	byID := map[core.Hash]wallet.Row{}
	for _, r := range rows {
		if _, twice := byID[r.TxID]; twice {
			s.t.Errorf("%s stands twice", r.TxID.Short())
		}
		byID[r.TxID] = r
	}
	return byID
}

// pay spends outputs, each of the named owner.
func (s *story) pay(from []core.Coin, owners []string, to ...core.Output) *core.Transaction {
	tx := coretest.Pay(s.rules.GenesisID(), from, owners, to...)
	return &tx
}

func to(name string, v core.Amount) core.Output {
	return core.Output{Value: v, Address: coretest.Key(name).Address}
}

func outOf(tx *core.Transaction, i int) core.Coin {
	return core.Coin{Outpoint: core.Outpoint{TxID: tx.ID(), Index: uint32(i)}, Value: tx.Outputs[i].Value, Address: tx.Outputs[i].Address}
}

func fromStranger(name string, v core.Amount) core.Coin {
	return core.Coin{Outpoint: core.Outpoint{TxID: filler(name)}, Value: v, Address: coretest.Key(name).Address}
}

func filler(name string) core.Hash { return core.Hash(coretest.Key("filler " + name).Public) }

func TestHistoryAmounts(t *testing.T) {
	s := &story{t: t, rules: testRules(t, nil)}
	received := s.pay([]core.Coin{fromStranger("alice", 10*ing)}, []string{"alice"}, to("m1", 7*ing), to("alice", 3*ing-1000))
	received.Fee = 1000
	sent := s.pay([]core.Coin{outOf(received, 0)}, []string{"m1"}, to("bob", 2*ing), to("mc", 5*ing-500))
	moved := s.pay([]core.Coin{outOf(sent, 1)}, []string{"mc"}, to("m2", 4*ing), to("mc", ing-1000))
	joint := s.pay([]core.Coin{outOf(moved, 0), fromStranger("alice", ing)}, []string{"m2", "alice"}, to("bob", 5*ing-2000))
	coinbase := core.NewCoinbase(9, 5*ing, coretest.Key("m1").Address, nil)

	rows := s.history(20,
		wallet.Entry{Tx: received, Height: 5, Time: 50}, wallet.Entry{Tx: sent, Height: 6, Time: 60},
		wallet.Entry{Tx: moved, Height: 20, Time: 200}, wallet.Entry{Tx: joint, Pending: true, Time: 210},
		wallet.Entry{Tx: &coinbase, Height: 9, Time: 90}, wallet.Entry{Tx: received, Height: 5, Time: 50})
	if len(rows) != 5 {
		t.Fatalf("%d rows", len(rows))
	}
	type want struct {
		in, out, self, fee core.Amount
		net                int64
		ours               bool
		confirmations      uint32
		status             wallet.Status
	}
	for name, c := range map[string]struct {
		tx   *core.Transaction
		want want
	}{
		"received": {received, want{in: 7 * ing, fee: received.Fee, net: int64(7 * ing), confirmations: 16, status: wallet.Confirmed}},
		"sent":     {sent, want{out: 2 * ing, fee: 500, net: -int64(2*ing + 500), ours: true, confirmations: 15, status: wallet.Confirmed}},
		"moved":    {moved, want{self: 4 * ing, fee: 500, net: -500, ours: true, confirmations: 1, status: wallet.Confirmed}},
		"joint":    {joint, want{out: 4 * ing, fee: 2000, net: -int64(4 * ing), status: wallet.Waiting}},
		"mined":    {&coinbase, want{in: 5 * ing, net: int64(5 * ing), confirmations: 12, status: wallet.Confirmed}},
	} {
		r := rows[c.tx.ID()]
		if got := (want{r.In, r.Out, r.Self, r.Fee, r.Net, r.FeeOurs, r.Confirmations, r.Status}); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if r := rows[received.ID()]; len(r.From) != 1 || r.From[0] != coretest.Key("alice").Address || len(r.To) != 0 {
		t.Errorf("received from %v", r.From)
	}
	if r := rows[sent.ID()]; len(r.To) != 1 || r.To[0] != coretest.Key("bob").Address || len(r.From) != 0 {
		t.Errorf("sent to %v", r.To)
	}
	if !rows[joint.ID()].Partial || rows[sent.ID()].Partial || !rows[coinbase.ID()].Coinbase {
		t.Error("marks")
	}
	var balance int64
	for _, r := range rows {
		balance += r.Net
	}
	if want := int64(5*ing) + int64(ing) - 1000; balance != want {
		t.Errorf("all rows come to %d, the coins are %d", balance, want)
	}
}

// What is only watched is no part of the wallet's balance, so a payment to it is
// paid, and what it does among others counts for itself.
func TestHistoryTellsOwnFromWatched(t *testing.T) {
	s := &story{t: t, rules: testRules(t, nil)}
	watched := func(a core.Address) bool { return a == coretest.Key("m2").Address }
	funds := s.pay([]core.Coin{fromStranger("alice", 10*ing)}, []string{"alice"}, to("m1", 9*ing))
	toWatched := s.pay([]core.Coin{outOf(funds, 0)}, []string{"m1"}, to("m2", ing), to("mc", 8*ing-1000))
	onward := s.pay([]core.Coin{outOf(toWatched, 0)}, []string{"m2"}, to("bob", ing-1000))
	entries := []wallet.Entry{{Tx: funds, Height: 1}, {Tx: toWatched, Height: 2}, {Tx: onward, Height: 3}}
	rows, seen := wallet.History(wallet.View{Own: s.own, Watched: watched, IsChange: s.change, Height: 3, Entries: entries})
	if len(rows) != 3 || len(seen) != 3 {
		t.Fatalf("%d rows, %d seen", len(rows), len(seen))
	}
	if r := rows[0]; !r.Watched || r.Out != ing-1000 || r.Net != -int64(ing) {
		t.Errorf("what the watched address paid: %+v", r)
	}
	if r := rows[1]; r.Watched || r.Out != ing || r.Self != 0 || r.Net != -int64(ing)-1000 || len(r.To) != 1 || r.To[0] != coretest.Key("m2").Address {
		t.Errorf("what we paid it: %+v", r)
	}
	var balance int64
	for _, r := range rows {
		if !r.Watched {
			balance += r.Net
		}
	}
	if want := 8*int64(ing) - 1000; balance != want {
		t.Errorf("our rows come to %d, our coins are %d", balance, want)
	}
	rows, _ = wallet.History(wallet.View{Own: s.own, IsChange: s.change, Height: 3, Entries: entries})
	if r := rows[1]; r.Watched || r.Self != ing {
		t.Errorf("with nothing watched, all is ours: %+v", r)
	}
}

func TestHistoryOrder(t *testing.T) {
	s := &story{t: t, rules: testRules(t, nil)}
	var entries []wallet.Entry
	for i, e := range []wallet.Entry{{Height: 3, Position: 1, Time: 30}, {Pending: true, Time: 99}, {Height: 7, Time: 70}, {Height: 3, Position: 2, Time: 30}, {Pending: true, Time: 100}} {
		e.Tx = s.pay([]core.Coin{fromStranger("alice", ing+core.Amount(i))}, []string{"alice"}, to("m1", ing/2+core.Amount(i)))
		e.Tx.Inputs[0].Index = uint32(i)
		entries = append(entries, e)
	}
	rows, _ := wallet.History(wallet.View{Own: s.own, IsChange: s.change, Height: 9, Entries: entries})
	var times []uint64
	for _, r := range rows {
		times = append(times, r.Time)
	}
	if want := []uint64{100, 99, 70, 30, 30}; len(times) != 5 || times[0] != want[0] || times[1] != want[1] || times[2] != want[2] || times[4] != want[4] {
		t.Errorf("times %v, want %v", times, want)
	}
	if rows[3].TxID != entries[3].Tx.ID() {
		t.Error("of one block the later transaction comes first")
	}
}

// TestHistoryOfAReorganisation follows a payment into a block, out of it, into
// the pool and into another block; and others that never come back.
func TestHistoryOfAReorganisation(t *testing.T) {
	s := &story{t: t, rules: testRules(t, nil)}
	funds := s.pay([]core.Coin{fromStranger("alice", 10*ing)}, []string{"alice"}, to("m1", 9*ing))
	base := wallet.Entry{Tx: funds, Height: 2, Time: 20}
	sent := s.pay([]core.Coin{outOf(funds, 0)}, []string{"m1"}, to("bob", ing), to("mc", 8*ing-1000))
	at := func(h uint32) wallet.Entry {
		return wallet.Entry{Tx: sent, Height: h, Time: uint64(h) * 10, Block: filler("block")}
	}
	is := func(rows map[core.Hash]wallet.Row, status wallet.Status, confirmations uint32) wallet.Row {
		t.Helper()
		r := rows[sent.ID()]
		if r.Status != status || r.Confirmations != confirmations || r.Out != ing {
			t.Fatalf("%s with %d confirmations, out %d; want %s, %d", r.Status, r.Confirmations, r.Out, status, confirmations)
		}
		return r
	}
	is(s.history(2, base, wallet.Entry{Tx: sent, Pending: true, Time: 25}), wallet.Waiting, 0)
	is(s.history(3, base, at(3)), wallet.Confirmed, 1)
	r := is(s.history(4, base), wallet.ReorganisedOut, 0)
	if !bytes.Equal(r.Raw, sent.AppendTo(nil)) || r.Time != 30 {
		t.Error("without the bytes to send it again")
	}
	is(s.history(4, base), wallet.ReorganisedOut, 0) // still known at the next look
	is(s.history(4, base, wallet.Entry{Tx: sent, Pending: true, Time: 45}), wallet.Waiting, 0)
	is(s.history(4, base), wallet.Dropped, 0)
	is(s.history(5, base, at(5)), wallet.Confirmed, 1)

	other := s.pay([]core.Coin{outOf(funds, 0)}, []string{"m1"}, to("m2", 9*ing-2000))
	r = is(s.history(6, base, wallet.Entry{Tx: other, Height: 6, Time: 60}), wallet.Replaced, 0)
	if r.ReplacedBy != other.ID() || r.Raw != nil {
		t.Errorf("replaced by %s", r.ReplacedBy.Short())
	}

	// A node that is just connecting the block may tell of it twice.
	is(s.history(7, base, wallet.Entry{Tx: sent, Pending: true, Time: 65}, at(7)), wallet.Confirmed, 1)
	is(s.history(7, base, at(7), wallet.Entry{Tx: sent, Pending: true, Time: 65}), wallet.Confirmed, 1)

	coinbase := core.NewCoinbase(7, 5*ing, coretest.Key("m1").Address, nil)
	s.history(7, base, wallet.Entry{Tx: &coinbase, Height: 7, Time: 70})
	if r := s.history(7, base)[coinbase.ID()]; r.Status != wallet.ReorganisedOut || r.Raw != nil {
		t.Errorf("a coinbase of a block that is out: %s, %d bytes to send", r.Status, len(r.Raw))
	}
}

// Who was paid with a coin that went to somebody else instead has neither the coin
// nor what took it in the entries.
func TestHistoryOfACoinThatWentElsewhere(t *testing.T) {
	s := &story{t: t, rules: testRules(t, nil)}
	alices := fromStranger("alice", 10*ing)
	paid := s.pay([]core.Coin{fromStranger("carol", ing), alices}, []string{"carol", "alice"}, to("m1", 9*ing))
	s.history(3, wallet.Entry{Tx: paid, Height: 3, Time: 30})
	for _, test := range []struct {
		taken map[core.Outpoint]core.Hash
		want  wallet.Status
		by    core.Hash
		again bool
	}{
		{nil, wallet.ReorganisedOut, core.Hash{}, true},
		{map[core.Outpoint]core.Hash{{TxID: filler("other")}: filler("x")}, wallet.ReorganisedOut, core.Hash{}, true},
		{map[core.Outpoint]core.Hash{alices.Outpoint: filler("x")}, wallet.Replaced, filler("x"), false},
		{map[core.Outpoint]core.Hash{alices.Outpoint: paid.ID()}, wallet.ReorganisedOut, core.Hash{}, true}, // it came back meanwhile
	} {
		rows, _ := wallet.History(wallet.View{Own: s.own, IsChange: s.change, Height: 4, Seen: s.seen, Taken: test.taken})
		if len(rows) != 1 {
			t.Fatalf("%d rows", len(rows))
		}
		if r := rows[0]; r.Status != test.want || r.ReplacedBy != test.by || r.Raw != nil != test.again {
			t.Errorf("with %v taken: %s by %s, %d bytes to send", test.taken, r.Status, r.ReplacedBy.Short(), len(r.Raw))
		}
	}
}

func TestHistoryForgetsWhatIsSettled(t *testing.T) {
	s := &story{t: t, rules: testRules(t, nil)}
	funds := s.pay([]core.Coin{fromStranger("alice", 10*ing)}, []string{"alice"}, to("m1", 9*ing))
	e := wallet.Entry{Tx: funds, Height: 10, Time: 20}
	s.history(10+wallet.SettledDepth-2, e)
	if len(s.seen) != 1 {
		t.Fatalf("%d watched", len(s.seen))
	}
	s.history(10+wallet.SettledDepth-1, e)
	if len(s.seen) != 0 {
		t.Fatalf("%d watched", len(s.seen))
	}
	s.seen = []wallet.Seen{{TxID: filler("x"), Raw: []byte("damaged")}, {TxID: filler("y"), Raw: funds.AppendTo(nil)}}
	if rows := s.history(5); len(rows) != 0 {
		t.Errorf("rows of damaged memory: %v", rows)
	}
}
