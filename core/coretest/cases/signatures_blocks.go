package cases

import (
	"math/big"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// crowd tells
//
//	... -> b4 -> bad1, bad2, ...
//	         \-> good
//
// where good has n payments, each of the one before, and each bad one the same
// with witnesses as one of fs leaves them.
func crowd(code core.Code, n int, fs ...func(ws []*core.Witness)) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		txs := relay(s.Chain, n)
		for i, f := range fs {
			name := numbered("bad", i+1)
			s.Next(name, "b4", add(func(*coretest.Chain) []core.Transaction {
				var ws []*core.Witness
				bad := make([]core.Transaction, n)
				for j := range txs {
					bad[j] = txs[j]
					w := txs[j].Witnesses[0]
					bad[j].Witnesses = []core.Witness{w}
					ws = append(ws, &bad[j].Witnesses[0])
				}
				f(ws)
				return bad
			}))
			s.Rejected(name, code)
		}
		s.Next("good", "b4", add(func(*coretest.Chain) []core.Transaction { return txs }))
		s.Accepted("good")
	}
}

// spoil alters the signatures at these positions.
func spoil(at ...int) func(ws []*core.Witness) {
	return func(ws []*core.Witness) {
		for _, i := range at {
			ws[i].Signature[40] ^= 1
		}
	}
}

var sigBlocks = []Case{
	{ID: "S59", Name: "one bad signature among two hundred: first, middle, last", Rule: "block 12", Tell: crowd(core.ErrTxSignature, 200, spoil(0), spoil(100), spoil(199))},
	{ID: "S60", Name: "all signatures bad", Rule: "block 12", Tell: crowd(core.ErrTxSignature, 100, func(ws []*core.Witness) {
		for i := range ws {
			spoil(i)(ws)
		}
	})},
	{ID: "S61", Name: "two faults that cancel out in a sum of equations", Rule: "block 12", Tell: crowd(core.ErrTxSignature, 10, func(ws []*core.Witness) {
		// A batch that adds its equations up without random factors passes this.
		scalar(func(s *big.Int) *big.Int { return s.Add(s, big.NewInt(1)) })(ws[3])
		scalar(func(s *big.Int) *big.Int { return s.Sub(s, big.NewInt(1)) })(ws[4])
	}, func(ws []*core.Witness) {
		ws[3].Signature, ws[4].Signature = ws[4].Signature, ws[3].Signature
	})},
	{ID: "S62", Name: "a bad key behind bad signatures names the verdict", Rule: "block 11, block 12", Tell: crowd(core.ErrTxKey, 20, func(ws []*core.Witness) {
		spoil(0, 7)(ws)
		ws[19].PublicKey = coretest.SmallOrder[2]
	}, func(ws []*core.Witness) {
		ws[0].PublicKey = coretest.NoPoint()
		spoil(1)(ws)
	})},
	{ID: "S63", Name: "a bad key behind a bad signature, and no third", Rule: "block 11, block 12", Tell: crowd(core.ErrTxKey, 2, func(ws []*core.Witness) {
		spoil(0)(ws)
		ws[1].PublicKey = coretest.SmallOrder[0]
	})},
	{ID: "S64", Name: "the coinbase comes before a bad key", Rule: "block 10, block 11", Tell: refused(core.ErrCoinbaseValue,
		witness(func(_ *coretest.Chain, _ *core.Transaction, w *core.Witness) { w.PublicKey = coretest.NoPoint() }),
		coinbase(func(tx *core.Transaction) { tx.Outputs[0].Value++ }))},
	{ID: "S65", Name: "a bad signature comes before a missing coin", Rule: "judge 8, judge 9", Tell: refused(core.ErrTxSignature,
		payment(func(tx *core.Transaction) { tx.Inputs[0].Index = 9 }),
		add(func(c *coretest.Chain) []core.Transaction {
			tx := payFrom(c, "b2", nil)
			tx.Witnesses[0].Signature[0] ^= 1
			return []core.Transaction{tx}
		}))},
	{ID: "S66", Name: "a bad signature comes before a false state", Rule: "judge 8, judge 9", Tell: refused(core.ErrTxSignature,
		witness(func(_ *coretest.Chain, _ *core.Transaction, w *core.Witness) { w.Signature[0] ^= 1 }),
		header(func(h *core.Header) { h.State[0] ^= 1 }))},
	{ID: "S67", Name: "a bad signature on a branch that is not the best", Rule: "judge 8", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5 -> b6
		//          \-> bad
		trunk(s, 4)
		s.Next("bad", "b4", witness(func(_ *coretest.Chain, _ *core.Transaction, w *core.Witness) { w.Signature[0] ^= 1 }))
		s.Next("b5", "b4")
		s.Next("b6", "b5")
		s.Accepted("b5", "b6")
		s.Rejected("bad", core.ErrTxSignature)
		s.ExpectTip("b6")
	}},
}
