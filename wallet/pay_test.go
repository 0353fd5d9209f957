package wallet_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

const ing = core.GrainsPerING

func testRules(t testing.TB, change func(*core.Params)) *core.Rules {
	t.Helper()
	p := core.LAN()
	if change != nil {
		change(p)
	}
	r, err := core.NewRules(p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func addressOf(name string) core.Address {
	return core.AddressOf(sha256.Sum256([]byte(name)))
}

// coin is one of ours, in a block long ago.
func coin(n int, value core.Amount, owner string) wallet.Coin {
	var id [8]byte
	binary.LittleEndian.PutUint64(id[:], uint64(n))
	return wallet.Coin{Coin: core.Coin{Outpoint: core.Outpoint{TxID: sha256.Sum256(id[:]), Index: uint32(n % 3)}, Value: value, Height: 1, Address: addressOf(owner)}}
}

func terms(t testing.TB) wallet.Terms {
	return wallet.Terms{Rules: testRules(t, nil), Height: 100, FeeRate: 1000}
}

func payment(values ...core.Amount) wallet.Payment {
	p := wallet.Payment{Change: addressOf("change"), ChangePath: &wallet.Path{Branch: wallet.Change}}
	for _, v := range values {
		p.Outputs = append(p.Outputs, core.Output{Value: v, Address: addressOf("payee")})
	}
	return p
}

func values(d *wallet.Draft) (in []core.Amount, change core.Amount) {
	for _, i := range d.Inputs {
		in = append(in, i.Value)
	}
	return in, d.Summary().Change
}

// A payment of one coin to one address is 13 bytes and 34 + 96 + 29 more; change
// takes 29.
const oneToOne = 13 + 34 + 96 + 29

func TestPayChooses(t *testing.T) {
	for name, c := range map[string]struct {
		coins  []wallet.Coin
		pay    core.Amount
		in     []core.Amount
		change core.Amount
		fee    core.Amount
	}{
		"an exact coin before a larger one": {
			[]wallet.Coin{coin(1, 10*ing, "a"), coin(3, 2*ing+oneToOne, "b")}, 2 * ing, []core.Amount{2*ing + oneToOne}, 0, oneToOne},
		"an exact pair": {
			[]wallet.Coin{coin(3, 10*ing, "a"), coin(6, 2*ing, "a"), coin(9, ing+oneToOne+34, "a"), coin(12, ing/2, "a")}, 3 * ing,
			[]core.Amount{2 * ing, ing + oneToOne + 34}, 0, oneToOne + 34},
		"the smallest that suffices": {
			[]wallet.Coin{coin(3, 10*ing, "a"), coin(6, 5*ing, "b"), coin(9, ing, "c")}, 2 * ing, []core.Amount{5 * ing}, 3*ing - oneToOne - 29, oneToOne + 29},
		"few inputs": {
			[]wallet.Coin{coin(3, ing, "a"), coin(6, ing, "a"), coin(9, 3*ing, "a"), coin(12, 2*ing, "a")}, 4 * ing,
			[]core.Amount{3 * ing, 2 * ing}, ing - oneToOne - 34 - 29, oneToOne + 34 + 29},
		"change that would be dust goes to the fee": {
			[]wallet.Coin{coin(3, ing+oneToOne+29+130, "a")}, ing, []core.Amount{ing + oneToOne + 29 + 130}, 0, oneToOne + 29 + 130},
		"change a grain above dust": {
			[]wallet.Coin{coin(3, ing+oneToOne+29+131, "a")}, ing, []core.Amount{ing + oneToOne + 29 + 131}, 131, oneToOne + 29},
		"coins that cost more than they bring stay": {
			[]wallet.Coin{coin(3, 2*ing, "a"), coin(6, 120, "b"), coin(9, 34, "a")}, ing, []core.Amount{2 * ing}, ing - oneToOne - 29, oneToOne + 29},
		"the cheaper of two pairs that need no change": {
			[]wallet.Coin{coin(3, ing*60/100, "a"), coin(6, ing*55/100, "a"), coin(9, ing*45/100+oneToOne+34+100, "a"), coin(12, ing*40/100+oneToOne+34+50, "a"), coin(15, ing*95/100, "a")}, ing,
			[]core.Amount{ing * 60 / 100, ing*40/100 + oneToOne + 34 + 50}, 0, oneToOne + 34 + 50},
		"change, if six coins without it cost more": {
			append([]wallet.Coin{coin(3, 10*ing, "a"), coin(6, ing/2+oneToOne+5*34, "a")}, coin(9, ing/10, "a"), coin(12, ing/10, "a"), coin(15, ing/10, "a"), coin(18, ing/10, "a"), coin(21, ing/10, "a")), ing,
			[]core.Amount{10 * ing}, 9*ing - oneToOne - 29, oneToOne + 29},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := wallet.Pay(terms(t), c.coins, payment(c.pay))
			if err != nil {
				t.Fatal(err)
			}
			in, change := values(d)
			if len(in) != len(c.in) || change != c.change || d.Fee != c.fee {
				t.Fatalf("inputs %v, change %d, fee %d; want %v, %d, %d", in, change, d.Fee, c.in, c.change, c.fee)
			}
			for i := range in {
				if in[i] != c.in[i] {
					t.Errorf("inputs %v, want %v", in, c.in)
				}
			}
		})
	}
}

func TestPayLeavesOutWhatCannotBeSpent(t *testing.T) {
	immature := coin(3, 5*ing, "a")
	immature.Coinbase, immature.Height = true, 92 // matures for the block after 101
	reserved := coin(6, 3*ing, "b")
	reserved.ReservedBy = "rent"
	pending := coin(9, 2*ing, "c")
	pending.Pending = true
	coins := []wallet.Coin{immature, reserved, pending, coin(12, ing, "d"), coin(12, ing, "d"), coin(15, 100, "e")}

	tm := terms(t)
	_, err := wallet.Pay(tm, coins, payment(4*ing))
	var short *wallet.InsufficientError
	if !errors.As(err, &short) {
		t.Fatal(err)
	}
	want := wallet.InsufficientError{Need: 4*ing + oneToOne, Have: ing, Immature: 5 * ing, Reserved: 3 * ing, Pending: 2 * ing, Dust: 100, MatureAt: 101}
	if *short != want {
		t.Errorf("%+v, want %+v", *short, want)
	}
	if got := short.Missing(); got != 3*ing+oneToOne {
		t.Errorf("missing %d", got)
	}
	for _, say := range []string{"3.00000172 ING are missing", "height 101", "payments under way", "not in a block"} {
		if !strings.Contains(err.Error(), say) {
			t.Errorf("%q does not say %q", err, say)
		}
	}

	tm.Height = 101
	if d, err := wallet.Pay(tm, coins, payment(4*ing)); err != nil || len(d.Inputs) != 1 {
		t.Errorf("at height 101: %v", err)
	}
	tm.Height, tm.SpendPending = 100, true
	d, err := wallet.Pay(tm, coins, payment(ing/2))
	if err != nil || d.Inputs[0].Value != ing {
		t.Errorf("takes the pending coin before the other: %v", err)
	}
	if d, err = wallet.Pay(tm, coins, payment(2*ing)); err != nil || len(d.Inputs) != 2 {
		t.Errorf("with the pending coin: %v", err)
	}
}

func TestPayGuardsTheFee(t *testing.T) {
	coins := []wallet.Coin{coin(3, 100*ing, "a")}
	for name, c := range map[string]struct {
		rate   wallet.FeeRate
		pay    core.Amount
		absurd bool
	}{
		"a fee of 0.1 ING":            {wallet.FeeRate(uint64(wallet.AbsurdFee) * 1000 / (oneToOne + 29)), 50 * ing, false},
		"more":                        {wallet.FeeRate(uint64(wallet.AbsurdFee)*1000/(oneToOne+29) + 100), 50 * ing, true},
		"a tenth":                     {10_000_000, ing / 1000 * 202, false},
		"more than a tenth":           {10_000_000, ing / 1000 * 200, true},
		"a small fee for a small sum": {100_000, 100, false},
	} {
		t.Run(name, func(t *testing.T) {
			tm := terms(t)
			tm.FeeRate = c.rate
			_, err := wallet.Pay(tm, coins, payment(c.pay))
			var absurd *wallet.AbsurdFeeError
			if errors.As(err, &absurd) != c.absurd || !c.absurd && err != nil {
				t.Fatal(err)
			}
			tm.AllowAbsurdFee = true
			if _, err := wallet.Pay(tm, coins, payment(c.pay)); err != nil {
				t.Errorf("meant: %v", err)
			}
		})
	}
	tm := terms(t)
	tm.FeeRate = 1 << 63
	var short *wallet.InsufficientError
	if _, err := wallet.Pay(tm, coins, payment(ing)); !errors.As(err, &short) {
		t.Errorf("a rate without measure: %v", err)
	}
	tm.FeeRate, tm.MinFee = 0, 5000
	if d, err := wallet.Pay(tm, coins, payment(ing)); err != nil || d.Fee != 5000 {
		t.Errorf("the least fee: %v", err)
	}
}

func TestPayKeepsToTheRules(t *testing.T) {
	small := wallet.Terms{Rules: testRules(t, func(p *core.Params) { p.MaxTxBytes = 1024 }), Height: 100, FeeRate: 1000}
	var coins []wallet.Coin
	for i := range 50 {
		coins = append(coins, coin(i, ing, string(rune('a'+i))))
	}
	if _, err := wallet.Pay(small, coins, payment(10*ing)); !errors.Is(err, wallet.ErrTooLarge) {
		t.Errorf("ten owners in 1,024 bytes: %v", err)
	}
	d, left, err := wallet.Sweep(small, coins, addressOf("payee"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.Size() > 1024 || d.Size() < 1024-131 || left != 50-len(d.Inputs) || left == 0 {
		t.Errorf("sweeps %d coins in %d bytes, %d left", len(d.Inputs), d.Size(), left)
	}
	few := wallet.Terms{Rules: testRules(t, func(p *core.Params) { p.MaxBlockCoins = 8 }), Height: 100, FeeRate: 1000}
	if d, err := wallet.Pay(few, coins, payment(ing*9/2)); err != nil || len(d.Inputs)+len(d.Outputs) != 7 {
		t.Errorf("a block of eight coins, the coinbase's among them: %v", err)
	}
	if _, err := wallet.Pay(few, coins, payment(ing*11/2)); !errors.Is(err, wallet.ErrTooLarge) {
		t.Errorf("more coins than a block has room for: %v", err)
	}
	for name, p := range map[string]wallet.Payment{
		"no outputs":    payment(),
		"an empty one":  payment(0),
		"too much":      payment(core.MaxAmount, 1),
		"too much data": {Outputs: payment(ing).Outputs, Data: make([]byte, core.MaxTxData+1)},
	} {
		if _, err := wallet.Pay(terms(t), coins, p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, _, err := wallet.Sweep(terms(t), nil, addressOf("payee"), nil); err == nil {
		t.Error("sweeps nothing")
	}
	if _, _, err := wallet.Sweep(terms(t), []wallet.Coin{coin(3, 100, "a")}, addressOf("payee"), nil); err == nil {
		t.Error("sweeps dust")
	}
}

func TestSweepTakesAll(t *testing.T) {
	reserved := coin(30, ing, "b")
	reserved.ReservedBy = "x"
	coins := []wallet.Coin{coin(3, ing, "a"), coin(6, 2*ing, "a"), coin(9, 35, "a"), coin(12, 34, "a"), coin(15, 3*ing, "b"), reserved}
	d, left, err := wallet.Sweep(terms(t), coins, addressOf("payee"), []byte("bye"))
	if err != nil || left != 0 {
		t.Fatal(err, left)
	}
	wantFee := core.Amount(13 + 3 + 4*34 + 2*96 + 29)
	if len(d.Inputs) != 4 || d.Fee != wantFee || d.Outputs[0].Value != 6*ing+35-wantFee || string(d.Data) != "bye" {
		t.Errorf("%d inputs, fee %d of %d, pays %d", len(d.Inputs), d.Fee, wantFee, d.Outputs[0].Value)
	}
}

// TestPayOnAnyCoins: whatever the coins, a payment adds up, its fee is the rate
// times the exact size but for what is too little for change, and it fails only
// if the money does not suffice.
func TestPayOnAnyCoins(t *testing.T) {
	rules := testRules(t, func(p *core.Params) { p.MaxTxBytes = 64 << 10 })
	r := rand.New(rand.NewPCG(1, 2))
	paid := 0
	for round := range 400 {
		tm := wallet.Terms{Rules: rules, Height: 100, FeeRate: wallet.FeeRate(r.IntN(20_000)), MinFee: core.Amount(r.IntN(2) * 500), AllowAbsurdFee: true}
		var coins []wallet.Coin
		var total core.Amount
		for i := range 1 + r.IntN(60) {
			c := coin(1000*round+i, core.Amount(1+r.IntN(1<<r.IntN(24))), string(rune('a'+r.IntN(8))))
			total += c.Value
			coins = append(coins, c)
		}
		p := payment(core.Amount(1 + r.IntN(int(total))))
		if r.IntN(3) == 0 {
			p.Data = make([]byte, r.IntN(core.MaxTxData))
		}
		d, err := wallet.Pay(tm, coins, p)
		if err != nil {
			var short *wallet.InsufficientError
			if !errors.As(err, &short) || short.Need <= short.Have || short.Have+short.Dust != total {
				t.Fatalf("round %d: %v", round, err)
			}
			continue
		}
		paid++
		s := d.Summary()
		least := max(tm.FeeRate.Fee(s.Size), tm.MinFee)
		if s.Fee < least || s.Change > 0 && (s.Fee != least || s.Change <= wallet.DustLimit(tm.FeeRate)) {
			t.Fatalf("round %d: fee %d for %d bytes at %s, change %d", round, s.Fee, s.Size, tm.FeeRate, s.Change)
		}
		if most := max(tm.FeeRate.Fee(s.Size+30), tm.MinFee) + wallet.DustLimit(tm.FeeRate); s.Fee > most {
			t.Fatalf("round %d: fee %d, at most %d", round, s.Fee, most)
		}
		if s.Paid != p.Outputs[0].Value {
			t.Fatalf("round %d: pays %d", round, s.Paid)
		}
		if again, err := wallet.Pay(tm, coins, p); err != nil || again.TxID() != d.TxID() {
			t.Fatalf("round %d: another draft the second time", round)
		}
	}
	if paid < 100 {
		t.Fatalf("only %d payments of 400", paid)
	}
}

// TestPayIsQuick: the search is bounded, however many coins there are.
func TestPayIsQuick(t *testing.T) {
	var coins []wallet.Coin
	for i := range 10_000 {
		coins = append(coins, coin(i, core.Amount(1000+i*7919%100_003), "abcdefghijklmnopqrst"[i%20:i%20+1]))
	}
	start := time.Now()
	if _, err := wallet.Pay(terms(t), coins, payment(123_456_789)); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	} else {
		t.Log(d)
	}
}

func TestFeeRate(t *testing.T) {
	for _, c := range []struct {
		rate wallet.FeeRate
		size int
		want core.Amount
	}{{0, 1000, 0}, {1, 1, 1}, {1, 1000, 1}, {1, 1001, 2}, {1000, 172, 172}, {2500, 3, 8}, {1 << 63, 1 << 20, core.MaxAmount}, {1 << 52, 1 << 13, core.MaxAmount}, {uint64max, 1, core.MaxAmount}} {
		if got := c.rate.Fee(c.size); got != c.want {
			t.Errorf("%d · %d = %d, want %d", c.rate, c.size, got, c.want)
		}
	}
	if wallet.RateOf(172, 172) != 1000 || wallet.RateOf(5, 0) != 0 {
		t.Error("RateOf")
	}
}

const uint64max = 1<<64 - 1
