//go:build unix

package core_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// maxRefusal is what refusing a block that is bad only in its signatures may
// cost, as a multiple of passing a good one of its size.
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

// signedBlock is a block of n payments as bytes, with witnesses as spoil leaves
// them, and what its signatures are refused for.
type signedBlock struct {
	name string
	want core.Code
	raw  []byte
}

// refusals are a good block of n signatures and the same with bad ones.
func refusals(rules *core.Rules, n int) (blocks []signedBlock) {
	txs := make([]core.Transaction, n)
	for i := range txs {
		txs[i] = core.Transaction{
			Version: core.TxVersion, Inputs: []core.Input{{Outpoint: core.Outpoint{Index: uint32(i)}}},
			Outputs: []core.Output{coretest.To("bob", ing)},
		}
		coretest.Sign(rules.GenesisID(), &txs[i], []string{"alice", "bob", "carol"}[i%3])
	}
	add := func(name string, want core.Code, spoil func(w *core.Witness), at ...int) {
		bad := slices.Clone(txs)
		for _, i := range at {
			w := bad[i].Witnesses[0]
			spoil(&w)
			bad[i].Witnesses = []core.Witness{w}
		}
		blocks = append(blocks, signedBlock{name, want, blockOf(rules, bad...).Bytes()})
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	otherR := func(w *core.Witness) { w.Signature[2] ^= 1 } // half of these are no point
	otherS := func(w *core.Witness) { w.Signature[40] ^= 1 }
	largeS := func(w *core.Witness) { w.Signature[63] |= 0x80 }
	noKey := func(w *core.Witness) { w.PublicKey = coretest.NoPoint() }
	smallKey := func(w *core.Witness) { w.PublicKey = coretest.SmallOrder[0] }
	add("good", "", nil)
	add("first", core.ErrTxSignature, otherS, 0)
	add("middle", core.ErrTxSignature, otherS, n/2)
	add("last", core.ErrTxSignature, otherS, n-1)
	add("all", core.ErrTxSignature, otherS, all...)
	add("all, R", core.ErrTxSignature, otherR, all...)
	add("S not below the order", core.ErrTxSignature, largeS, n-1)
	add("last key no point", core.ErrTxKey, noKey, n-1)
	add("last key of small order", core.ErrTxKey, smallKey, n-1)
	add("all keys of small order", core.ErrTxKey, smallKey, all...)
	return blocks
}

// check judges a block from its bytes on.
func (s *signedBlock) check(tb testing.TB, rules *core.Rules) {
	tb.Helper()
	b, err := core.ParseBlock(s.raw)
	if err != nil {
		tb.Fatal(err)
	}
	if got := core.CodeOf(rules.CheckBlock(b)); got != s.want {
		tb.Fatalf("%s: %q, want %q", s.name, got, s.want)
	}
}

// A block that is bad only in its signatures costs at most half as much again
// as a good one. The least CPU time of several runs counts, in which all blocks
// take turns, so that a busy machine falls upon each alike.
func TestRefusingSignaturesCostsLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("measures time, which says nothing about changed or instrumented code")
	}
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{30, 1000} {
		blocks := refusals(rules, n)
		least := make([]time.Duration, len(blocks))
		for range 5 {
			for i := range blocks {
				before := cpuTime(t)
				for range max(1, 300/n) {
					blocks[i].check(t, rules)
				}
				if d := cpuTime(t) - before; least[i] == 0 || d < least[i] {
					least[i] = d
				}
			}
		}
		for i := range blocks {
			ratio := float64(least[i]) / float64(least[0])
			t.Logf("%d signatures, %s: %.2f", n, blocks[i].name, ratio)
			if ratio > maxRefusal {
				t.Errorf("%d signatures, %s: costs %.2f times a good block", n, blocks[i].name, ratio)
			}
		}
	}
}

func BenchmarkRefuseSignatures(b *testing.B) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range refusals(rules, 4000) {
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				s.check(b, rules)
			}
		})
	}
}
