package cases

import (
	"math"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// value sets the first output's value.
func value(v core.Amount) coretest.Mutator {
	return payment(func(tx *core.Transaction) { tx.Outputs[0].Value = v })
}

var txValues = []Case{
	{ID: "T10", Name: "value of 2^63", Rule: "tx 5", Tell: refused(core.ErrTxValue, value(1<<63))},
	{ID: "T62", Name: "value of 2^64 - 1", Rule: "tx 5", Tell: refused(core.ErrTxValue, value(math.MaxUint64))},
	{ID: "T11", Name: "value of 2^53", Rule: "tx 5", Tell: refused(core.ErrTxValue, value(core.MaxAmount+1))},
	{ID: "T15", Name: "value of 0", Rule: "tx 5", Tell: refused(core.ErrTxValue, payment(func(tx *core.Transaction) {
		tx.Outputs[1].Value, tx.Fee = 0, 3*ing
	}))},
	{ID: "T63", Name: "value of 1", Rule: "tx 5", Tell: accepted(payment(func(tx *core.Transaction) {
		tx.Outputs[0].Value, tx.Fee = 1, 3*ing-1
	}))},
	{ID: "T12", Name: "outputs above 2^53 - 1 together", Rule: "tx 5", Tell: refused(core.ErrTxSum, payment(func(tx *core.Transaction) {
		tx.Outputs[0].Value, tx.Outputs[1].Value, tx.Fee = core.MaxAmount, 1, 0
	}))},
	{ID: "T64", Name: "outputs whose sum in 64 bits is that of the inputs", Rule: "tx 5", Tell: refused(core.ErrTxSum, payment(func(tx *core.Transaction) {
		// 2,048 times 2^53 - 1 is 2^64 - 2,048.
		tx.Outputs = append(outputs(2048, core.MaxAmount), coretest.To("bob", 5*ing+2048))
		tx.Fee = 0
	}))},
	{ID: "T65", Name: "outputs of 2^53 - 1 together, of no such coins", Rule: "tx 5, state 7", Tell: refused(core.ErrFeeMismatch, payment(func(tx *core.Transaction) {
		tx.Outputs[0].Value, tx.Outputs[1].Value, tx.Fee = core.MaxAmount-1, 1, 0
	}))},
	{ID: "T14", Name: "outputs above the inputs by a grain", Rule: "state 7", Tell: refused(core.ErrFeeMismatch, payment(func(tx *core.Transaction) {
		tx.Outputs[0].Value, tx.Fee = 3*ing+1, 0
	}))},
	{ID: "T66", Name: "all the money there can be, in one payment", Rule: "tx 5, state 6", Params: network(func(p *core.Params) {
		p.Subsidy, p.HalvingInterval = 1<<52, 1
	}), Tell: allTheMoney(func(c *coretest.Chain, coins []core.Coin) core.Transaction {
		return spend(c, coins, []string{"miner"}, coretest.To("bob", core.MaxAmount))
	})},
	{ID: "T67", Name: "all the money there can be but a grain, as the fee", Rule: "tx 6, coinbase 6", Params: network(func(p *core.Params) {
		p.Subsidy, p.HalvingInterval = 1<<52, 1
	}), Tell: allTheMoney(func(c *coretest.Chain, coins []core.Coin) core.Transaction {
		return spend(c, coins, []string{"miner"}, coretest.To("bob", 1))
	})},
}

// allTheMoney tells of a chain that goes on until its subsidy, which began with
// 2^52 grains and halved with each block, is nothing. Then one payment spends
// all there is:
//
//	genesis -> b1 -> ... -> b53 -> last -> next
func allTheMoney(tx func(c *coretest.Chain, coins []core.Coin) core.Transaction) func(*coretest.Story) {
	return func(s *coretest.Story) {
		const blocks = 53
		trunk(s, blocks)
		s.Next("last", numbered("b", blocks), func(d *coretest.Draft) {
			var coins []core.Coin
			for i := range blocks {
				coins = append(coins, s.Get(numbered("b", i+1)).Coinbase())
			}
			t := tx(d.Chain, coins)
			d.Txs = append(d.Txs, t)
			if t.Fee > 0 {
				d.Txs[0].Outputs = []core.Output{coretest.To("miner", t.Fee)}
			}
		})
		s.Next("next", "last")
		s.Accepted("last", "next")
	}
}

var txFees = []Case{
	{ID: "T16", Name: "fee of 2^64 - 1", Rule: "tx 6", Tell: refused(core.ErrTxSum, payment(func(tx *core.Transaction) { tx.Fee = math.MaxUint64 }))},
	{ID: "T68", Name: "fee of 2^53", Rule: "tx 6", Tell: refused(core.ErrTxSum, payment(func(tx *core.Transaction) { tx.Fee = core.MaxAmount + 1 }))},
	{ID: "T69", Name: "a fee that makes up for outputs above the inputs in 64 bits", Rule: "tx 6", Tell: refused(core.ErrTxSum, payment(func(tx *core.Transaction) {
		tx.Outputs[0].Value = 4 * ing
		tx.Fee = math.MaxUint64 - ing + 1
	}))},
	{ID: "T70", Name: "outputs and fee above 2^53 - 1 by a grain", Rule: "tx 6", Tell: refused(core.ErrTxSum, payment(func(tx *core.Transaction) {
		tx.Outputs[0].Value, tx.Outputs[1].Value, tx.Fee = core.MaxAmount-2*ing, ing, ing+1
	}))},
	{ID: "T71", Name: "outputs and fee of 2^53 - 1, of no such coins", Rule: "tx 6, state 7", Tell: refused(core.ErrFeeMismatch, payment(func(tx *core.Transaction) {
		tx.Outputs[0].Value, tx.Outputs[1].Value, tx.Fee = core.MaxAmount-2*ing, ing, ing
	}))},
	{ID: "T72", Name: "fee declared a grain too low", Rule: "state 7", Tell: refused(core.ErrFeeMismatch, payment(func(tx *core.Transaction) { tx.Fee-- }))},
	{ID: "T73", Name: "fee declared a grain too high", Rule: "state 7", Tell: refused(core.ErrFeeMismatch, payment(func(tx *core.Transaction) { tx.Fee++ }))},
	{ID: "T74", Name: "no fee", Rule: "state 7", Tell: accepted(payment(func(tx *core.Transaction) { tx.Outputs[0].Value, tx.Fee = 3*ing, 0 }))},
	{ID: "T75", Name: "fees of two payments wrong by a grain, right together", Rule: "state 7", Tell: refused(core.ErrFeeMismatch,
		payment(func(tx *core.Transaction) { tx.Fee-- }), paymentFrom("b2", func(tx *core.Transaction) { tx.Fee++ }))},
	{ID: "T76", Name: "fees of two payments above 2^53 - 1 together", Rule: "block 9", Tell: refused(core.ErrTxSum,
		payment(func(tx *core.Transaction) { tx.Fee = core.MaxAmount - 4*ing }), paymentFrom("b2", func(tx *core.Transaction) { tx.Fee = 4*ing + 1 }))},
	{ID: "T77", Name: "fees whose sum in 64 bits is small", Rule: "block 9", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad     (2,049 payments, each of nearly all the money)
		//          \-> good
		trunk(s, 4)
		s.Next("bad", "b4", func(d *coretest.Draft) {
			tx := pay(d.Chain, func(tx *core.Transaction) { tx.Outputs, tx.Fee = outputs(1, 1), core.MaxAmount-1 })
			for i := range 2049 {
				tx.Inputs = []core.Input{{Outpoint: core.Outpoint{TxID: core.Hash{1}, Index: uint32(i)}}}
				d.Txs = append(d.Txs, tx)
			}
		})
		s.Next("good", "b4")
		s.Rejected("bad", core.ErrTxSum)
		s.Accepted("good")
	}},
	{ID: "T78", Name: "fees and subsidy of 2^53 - 1 together, of no such coins", Rule: "block 9, block 10, state 7", Tell: refused(core.ErrFeeMismatch,
		payment(func(tx *core.Transaction) { tx.Fee = core.MaxAmount - 9*ing }))},
	{ID: "T79", Name: "fees and subsidy above 2^53 - 1 together", Rule: "block 9, coinbase 5", Tell: refused(core.ErrTxValue,
		payment(func(tx *core.Transaction) { tx.Fee = core.MaxAmount - 4*ing }))},
}
