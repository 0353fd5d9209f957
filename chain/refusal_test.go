//go:build unix

package chain_test

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// maxRefusal is what refusing blocks that are bad only in their signatures may
// cost, as a multiple of passing good ones of their size.
const maxRefusal = 1.5

// cpuTime is what this process has used on all cores.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// payments makes n coins in the child of the named block, which spends that
// one's coinbase, and returns n payments of them.
func payments(c *coretest.Chain, parent string, n int) []core.Transaction {
	coin, genesis := c.Get(parent).Coinbase(), c.Rules.GenesisID()
	outs := slices.Repeat([]core.Output{coretest.To("alice", 1000)}, n)
	fan := c.Next(parent+"+", parent, coretest.WithTx(coretest.Pay(genesis, []core.Coin{coin}, []string{"miner"}, outs...)))
	txs := make([]core.Transaction, n)
	for i := range txs {
		txs[i] = coretest.Pay(genesis, []core.Coin{fan.Coin(1, i)}, []string{"alice"}, coretest.To("bob", 900))
	}
	return txs
}

// spoiled returns transactions of which those at the given places have bad
// signatures.
func spoiled(txs []core.Transaction, at ...int) []core.Transaction {
	bad := slices.Clone(txs)
	for _, i := range at {
		w := bad[i].Witnesses[0]
		w.Signature[40] ^= 1
		bad[i].Witnesses = []core.Witness{w}
	}
	return bad
}

func withTxs(txs []core.Transaction) coretest.Mutator {
	return func(d *coretest.Draft) { d.Txs = append(d.Txs, txs...) }
}

// AddBlocks refuses a block that is bad only in its signatures at no more than
// half as much again as one that it passes and puts aside, since another branch
// is heavier. The least CPU time of several counts.
//
//	genesis -> b1 -> b1+ -> b2 -> b3         (the tip)
//	                    \-> good1, bad1, good2, ...
func TestRefusingSignaturesCostsLittle(t *testing.T) {
	const n, runs = 1000, 4
	c := coretest.New(t, nil)
	c.Next("b1", coretest.Genesis)
	txs := payments(c, "b1", n)
	c.Next("b2", "b1+")
	c.Next("b3", "b2")
	m := newManager(t, chain.Options{})
	mustAdd(t, m, c.Get("b1").Block, c.Get("b1+").Block, c.Get("b2").Block, c.Get("b3").Block)

	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	kinds := []struct {
		name string
		bad  []int
	}{{"good", nil}, {"first", []int{0}}, {"middle", []int{n / 2}}, {"last", []int{n - 1}}, {"all", all}}
	least := make([]time.Duration, len(kinds))
	for run := range runs {
		for i, k := range kinds {
			b := c.Next(fmt.Sprint(k.name, run), "b1+", withTxs(spoiled(txs, k.bad...))).Block
			before := cpuTime(t)
			_, err := m.AddBlocks(context.Background(), []*core.Block{b})
			if d := cpuTime(t) - before; least[i] == 0 || d < least[i] {
				least[i] = d
			}
			if got := core.CodeOf(err); (got == core.ErrTxSignature) != (k.bad != nil) || (got == "") != (k.bad == nil) {
				t.Fatalf("%s: %v", k.name, err)
			}
		}
	}
	for i, k := range kinds {
		ratio := float64(least[i]) / float64(least[0])
		t.Logf("%s: %.2f", k.name, ratio)
		if ratio > maxRefusal {
			t.Errorf("%s: costs %.2f times a good block", k.name, ratio)
		}
	}
	if m.Tip().ID != c.Get("b3").Block.ID() {
		t.Error("the tip has moved")
	}
}

// Of blocks that come together and share batches, those before the bad one stay.
func TestTheCulpritAmongBlocksOfOneSender(t *testing.T) {
	const blocks, per = 8, 40 // several batches of 64 and more
	c := coretest.New(t, nil)
	c.Next("b1", coretest.Genesis)
	txs := payments(c, "b1", blocks*per)
	for _, tc := range []struct {
		name string
		bad  []int // places among all payments
		want int   // the first bad block
		code core.Code
	}{
		{"first of all", []int{0}, 0, core.ErrTxSignature},
		{"middle", []int{4*per - 1}, 3, core.ErrTxSignature},
		{"begin of one", []int{4 * per}, 4, core.ErrTxSignature},
		{"last of all", []int{blocks*per - 1}, blocks - 1, core.ErrTxSignature},
		{"two", []int{6*per + 1, 2*per + 5}, 2, core.ErrTxSignature},
		{"every block", []int{1, 45, 90, 130, 170, 210, 250, 290}, 0, core.ErrTxSignature},
	} {
		bad := spoiled(txs, tc.bad...)
		parent, sent := "b1+", []*core.Block{c.Get("b1").Block, c.Get("b1+").Block}
		for i := range blocks {
			// The state that a child of a bad block commits to is not looked at here.
			n := c.Next(fmt.Sprint(tc.name, i), parent, withTxs(bad[i*per:(i+1)*per]))
			parent, sent = n.Name, append(sent, n.Block)
		}
		m := newManager(t, chain.Options{})
		_, err := m.AddBlocks(context.Background(), sent)
		if core.CodeOf(err) != tc.code || core.CodeOf(m.Verdict(sent[2+tc.want].ID())) != tc.code {
			t.Errorf("%s: %v, of block %d %v", tc.name, err, tc.want, m.Verdict(sent[2+tc.want].ID()))
		}
		if tip := m.Tip(); tip.ID != sent[1+tc.want].ID() {
			t.Errorf("%s: the tip is at height %d, want %d", tc.name, tip.Height, 2+tc.want)
		}
	}
}

// One block's batches, judged on several cores, give one verdict: a bad key in
// the last comes before a bad signature in the first.
func TestKeysComeBeforeSignaturesOverAllCores(t *testing.T) {
	c := coretest.New(t, nil)
	c.Next("b1", coretest.Genesis)
	txs := spoiled(payments(c, "b1", 400), 0, 200)
	m := newManager(t, chain.Options{})
	mustAdd(t, m, c.Get("b1").Block, c.Get("b1+").Block)
	for i, at := range []int{399, 1} {
		bad := slices.Clone(txs)
		w := bad[at].Witnesses[0]
		w.PublicKey = coretest.NoPoint()
		bad[at].Witnesses = []core.Witness{w}
		b := c.Next(fmt.Sprint("bad", i), "b1+", withTxs(bad)).Block
		if _, err := m.AddBlocks(context.Background(), []*core.Block{b}); core.CodeOf(err) != core.ErrTxKey {
			t.Errorf("key %d: %v", at, err)
		}
	}
}
