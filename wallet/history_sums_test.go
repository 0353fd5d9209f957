package wallet_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/wallet"
)

// Whoever pays whom, alone or jointly, our own rows come to our coins: those of
// watched addresses and of strangers are others'. Each row adds up in itself.
func TestHistoryComesToTheBalance(t *testing.T) {
	rules := testRules(t, nil)
	people := []string{"m1", "m2", "mc", "watched", "alice"}
	held := map[string]bool{"m1": true, "m2": true, "mc": true}
	is := func(names ...string) func(core.Address) bool {
		return func(a core.Address) bool {
			for _, n := range names {
				if a == coretest.Key(n).Address {
					return true
				}
			}
			return false
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := &story{t: t, rules: rules}
		type coin struct {
			core.Coin
			owner string
		}
		var coins []coin
		var entries []wallet.Entry
		for i := range rapid.IntRange(1, 12).Draw(rt, "payments") {
			var from []core.Coin
			var owners []string
			var sum core.Amount
			for range rapid.IntRange(0, 3).Draw(rt, "inputs") {
				if len(coins) == 0 {
					break
				}
				k := rapid.IntRange(0, len(coins)-1).Draw(rt, "coin")
				from, owners, sum = append(from, coins[k].Coin), append(owners, coins[k].owner), sum+coins[k].Value
				coins = append(coins[:k], coins[k+1:]...)
			}
			if len(from) == 0 {
				c := fromStranger("alice", ing)
				c.Index = uint32(i)
				from, owners, sum = []core.Coin{c}, []string{"alice"}, ing
			}
			fee := min(sum, core.Amount(rapid.IntRange(0, 1000).Draw(rt, "fee")))
			var outs []core.Output
			var paid []string
			left := sum - fee
			for left > 0 {
				v := core.Amount(rapid.Uint64Range(1, uint64(left)).Draw(rt, "value"))
				if len(outs) == 3 {
					v = left
				}
				paid = append(paid, rapid.SampledFrom(people).Draw(rt, "payee"))
				outs, left = append(outs, to(paid[len(paid)-1], v)), left-v
			}
			tx := s.pay(from, owners, outs...)
			for k := range outs {
				coins = append(coins, coin{outOf(tx, k), paid[k]})
			}
			entries = append(entries, wallet.Entry{Tx: tx, Height: uint32(i + 1)})
		}
		rows, _ := wallet.History(wallet.View{Own: is("m1", "m2", "mc", "watched"), Watched: is("watched"), IsChange: is("mc"),
			Height: 20, Entries: entries})
		var have, balance int64
		for _, c := range coins {
			if held[c.owner] {
				have += int64(c.Value)
			}
		}
		for _, r := range rows {
			fee := int64(0)
			if r.FeeOurs {
				fee = int64(r.Fee)
			}
			if got := int64(r.In) - int64(r.Out) - fee; got != r.Net {
				rt.Errorf("a row of net %d is %d in parts: %+v", r.Net, got, r)
			}
			if !r.Watched {
				balance += r.Net
			}
		}
		if balance != have {
			rt.Errorf("our rows come to %d, our coins are %d", balance, have)
		}
	})
}
