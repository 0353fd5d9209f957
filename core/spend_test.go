package core_test

import (
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// TestCheckSpend: a payment that came alone is judged against its coins as the
// block that holds it would be.
func TestCheckSpend(t *testing.T) {
	p := core.Dev()
	p.CoinbaseMaturity = 3
	c := coretest.New(t, p)
	c.Chain("b", coretest.Genesis, 6)
	one, two := c.Get("b1").Coinbase(), c.Get("b4").Coinbase() // mature at 4 and at 7
	pay := func(f func(tx *core.Transaction), coins ...core.Coin) core.Transaction {
		tx := coretest.Pay(c.Rules.GenesisID(), coins, []string{"miner"}, coretest.To("alice", 2*core.GrainsPerING))
		if f != nil {
			f(&tx)
			coretest.Sign(c.Rules.GenesisID(), &tx, "miner")
		}
		return tx
	}
	foreign := pay(nil, one)
	coretest.Sign(c.Rules.GenesisID(), &foreign, "mallory")
	rich := one
	rich.Value = core.MaxAmount
	cases := []struct {
		name   string
		tx     core.Transaction
		coins  []core.Coin
		height uint32
		want   core.Code
	}{
		{"one input", pay(nil, one), []core.Coin{one}, 7, ""},
		{"two inputs", pay(nil, one, two), []core.Coin{one, two}, 7, ""},
		{"first block at maturity", pay(nil, one), []core.Coin{one}, 4, ""},
		{"a block before maturity", pay(nil, one), []core.Coin{one}, 3, core.ErrImmature},
		{"second input immature", pay(nil, one, two), []core.Coin{one, two}, 6, core.ErrImmature},
		{"another's coin", foreign, []core.Coin{one}, 7, core.ErrOwner},
		{"a grain more fee", pay(func(tx *core.Transaction) { tx.Fee++ }, one), []core.Coin{one}, 7, core.ErrFeeMismatch},
		{"a grain less fee", pay(func(tx *core.Transaction) { tx.Fee-- }, one, two), []core.Coin{one, two}, 7, core.ErrFeeMismatch},
		{"inputs at the maximum", pay(func(tx *core.Transaction) { tx.Fee = core.MaxAmount - tx.Outputs[0].Value }, rich), []core.Coin{rich}, 7, ""},
		{"inputs above the maximum", pay(nil, one, two), []core.Coin{rich, two}, 7, core.ErrInputSum},
	}
	for _, tc := range cases {
		if got := core.CodeOf(c.Rules.CheckSpend(&tc.tx, tc.coins, tc.height)); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}

	// The same verdict as in a block, on the tip, for the coins that are on the chain.
	b6 := c.Get("b6")
	for i, tc := range cases[:8] {
		if tc.height != 7 {
			continue
		}
		n := c.Next(tc.name, b6.Name, coretest.WithTx(tc.tx))
		if got := core.CodeOf(n.Err); got != tc.want {
			t.Errorf("case %d, %s: %q in a block, want %q", i, tc.name, got, tc.want)
		}
	}
}
