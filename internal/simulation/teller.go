package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

const (
	// least is the smallest amount that wallets pay, in grains.
	least core.Amount = 20_000
	// remembered is how many payments are at hand for bumping, repeating and
	// spending again.
	remembered = 400
	// searches bounds the wallets looked at for one with money.
	searches = 30
)

// made is a payment with the coins that it spends.
type made struct {
	by    *Wallet
	tx    *core.Transaction
	coins []wallet.Coin
	rate  wallet.FeeRate
}

// handing is a payment on its way to a node.
type handing struct {
	tx   *core.Transaction
	kind Kind
}

// Teller makes the payments of all wallets, one act after the other: it draws
// who pays whom, through which node, and what goes wrong with it. It is for one
// goroutine, the only one that may stop and start nodes.
type Teller struct {
	w       *World
	rng     *rand.Rand
	wallets []*Wallet
	recent  []made
	// Book has every payment that was handed to a node.
	Book *Book
	// Moves counts wallets that went over to another node.
	Moves int
}

// Step does one act. What an act needs may be missing, as money is at first:
// then it does nothing.
func (t *Teller) Step(ctx context.Context) error {
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	n := t.rng.IntN(total)
	for _, a := range acts {
		if n -= a.weight; n < 0 {
			if err := a.do(t, ctx); !poor(err) {
				return err
			}
			return nil
		}
	}
	return nil
}

// poor reports whether a payment failed for want of money.
func poor(err error) bool {
	short := (*wallet.InsufficientError)(nil)
	return errors.As(err, &short) || errors.Is(err, wallet.ErrTooLarge)
}

// hand gives payments to a node in one call and writes down what it says.
func (t *Teller) hand(ctx context.Context, n *Node, hs ...handing) error {
	txs := make([]*core.Transaction, len(hs))
	for i, h := range hs {
		txs[i] = h.tx
	}
	out, err := n.Chain.SubmitTxs(ctx, txs)
	if err != nil {
		return fmt.Errorf("node %d takes no payments: %w", n.index, err)
	}
	if len(out) != len(txs) {
		return fmt.Errorf("node %d was given %d payments and answers for %d", n.index, len(txs), len(out))
	}
	for i, o := range out {
		t.Book.note(hs[i].tx, hs[i].kind, answer{n.index, time.Now(), o.Status, core.CodeOf(o.Err)})
	}
	return nil
}

// keep remembers a payment for later acts.
func (t *Teller) keep(m made) {
	if len(t.recent) < remembered {
		t.recent = append(t.recent, m)
	} else {
		t.recent[t.rng.IntN(remembered)] = m
	}
}

// payer draws a wallet that has something to spend. A wallet whose node is down
// goes to another.
func (t *Teller) payer() (w *Wallet, p purse, usable []wallet.Coin, sum core.Amount, err error) {
	for range searches {
		w = t.wallets[t.rng.IntN(len(t.wallets))]
		if !w.node.up {
			w.node = t.node()
		}
		if p, err = w.look(); err != nil {
			return nil, p, nil, 0, err
		}
		usable, sum = spendable(p.some(t.rng), p.height, t.w.rules.Params().CoinbaseMaturity)
		if sum >= 4*least {
			return w, p, usable, sum, nil
		}
	}
	return nil, p, nil, 0, &wallet.InsufficientError{Need: 4 * least}
}

// Stop stops or kills a node. People ask it before what became of their payments.
func (t *Teller) Stop(ctx context.Context, node int) error {
	t.Book.ask(t.w.Nodes[node])
	switch t.rng.IntN(4) {
	case 0:
		return t.w.Kill(ctx, node, 100, t.rng)
	case 1:
		return t.w.Kill(ctx, node, 0, t.rng)
	case 2:
		return t.w.Kill(ctx, node, 50, t.rng)
	}
	return t.w.Stop(ctx, node)
}

// node draws one that is up.
func (t *Teller) node() *Node {
	for {
		if n := t.w.Nodes[t.rng.IntN(len(t.w.Nodes))]; n.up {
			return n
		}
	}
}

// anybody draws an address to be paid to.
func (t *Teller) anybody() core.Address {
	return t.wallets[t.rng.IntN(len(t.wallets))].address(t.rng)
}

// rate draws a fee rate: mostly near the least, sometimes a hundred times that.
func (t *Teller) rate() wallet.FeeRate {
	r := float64(mempool.DefaultMinFeeRate) * (1 + 4*t.rng.ExpFloat64())
	if t.rng.IntN(4) == 0 {
		return wallet.FeeRate(mempool.DefaultMinFeeRate)
	}
	return wallet.FeeRate(min(r, 100*float64(mempool.DefaultMinFeeRate)))
}

// some draws recipients for a part of what a wallet has.
func (t *Teller) some(sum core.Amount) (outputs []core.Output) {
	n := 1 + min(t.rng.IntN(8), t.rng.IntN(8))/2
	part := core.Amount(float64(sum) * (0.02 + 0.5*t.rng.Float64()) / float64(n))
	for range n {
		outputs = append(outputs, core.Output{Value: max(part, least), Address: t.anybody()})
	}
	return outputs
}

// pay makes a payment to somebody.
func (t *Teller) pay() (made, error) {
	w, p, usable, sum, err := t.payer()
	if err != nil {
		return made{}, err
	}
	return t.make(w, p.height, usable, t.rate(), t.some(sum)...)
}

// make makes a payment and remembers it.
func (t *Teller) make(w *Wallet, height uint32, coins []wallet.Coin, rate wallet.FeeRate, outputs ...core.Output) (made, error) {
	tx, err := w.pay(w.terms(height, rate), coins, outputs...)
	if err != nil {
		return made{}, err
	}
	m := made{by: w, tx: tx, coins: spentBy(tx, coins), rate: rate}
	t.keep(m)
	return m, nil
}

// spentBy returns those of the coins that a payment spends.
func spentBy(t *core.Transaction, coins []wallet.Coin) (spent []wallet.Coin) {
	ins := map[core.Outpoint]bool{}
	for _, in := range t.Inputs {
		ins[in.Outpoint] = true
	}
	for _, c := range coins {
		if ins[c.Outpoint] {
			spent = append(spent, c)
		}
	}
	return spent
}
