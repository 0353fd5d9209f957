package simulation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

// longestRun is how many payments a wallet makes of its own change in a row: more
// than a pool takes.
const longestRun = 30

// act is one thing that wallets do.
type act struct {
	weight int
	do     func(*Teller, context.Context) error
}

var acts = []act{
	{50, (*Teller).ordinary},
	{5, (*Teller).together},
	{5, (*Teller).chained},
	{9, (*Teller).bump},
	{7, (*Teller).double},
	{5, (*Teller).child},
	{4, (*Teller).sweep},
	{5, (*Teller).repeat},
	{4, (*Teller).move},
	{2, (*Teller).stale},
	{1, (*Teller).cheap},
	{1, (*Teller).young},
	{1, (*Teller).motherless},
	{3, (*Teller).bad},
}

func (t *Teller) ordinary(ctx context.Context) error {
	m, err := t.pay()
	if err != nil {
		return err
	}
	return t.hand(ctx, m.by.node, handing{m.tx, Ordinary})
}

// together lets several wallets pay in the same moment, with one call for each
// node.
func (t *Teller) together(ctx context.Context) error {
	batches := make([][]handing, len(t.w.Nodes))
	for range 2 + t.rng.IntN(12) {
		m, err := t.pay()
		if poor(err) {
			break
		}
		if err != nil {
			return err
		}
		batches[m.by.node.index] = append(batches[m.by.node.index], handing{m.tx, Ordinary})
	}
	return t.atOnce(ctx, batches)
}

// atOnce hands payments to several nodes at the same time.
func (t *Teller) atOnce(ctx context.Context, batches [][]handing) error {
	errs := make([]error, len(batches))
	var wg sync.WaitGroup
	for i, b := range batches {
		if len(b) > 0 {
			wg.Go(func() { errs[i] = t.hand(ctx, t.w.Nodes[i], b...) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// chained makes a wallet pay with its own change, again and again.
func (t *Teller) chained(ctx context.Context) error {
	w, p, usable, sum, err := t.payer()
	if err != nil {
		return err
	}
	n := 2 + t.rng.IntN(7)
	if t.rng.IntN(12) == 0 {
		n = longestRun
	}
	for range n {
		to := t.anybody()
		m, err := t.make(w, p.height, usable, t.rate(), core.Output{Value: max(sum/100, least), Address: to})
		if err != nil {
			return err
		}
		if err := t.hand(ctx, w.node, handing{m.tx, Chained}); err != nil || !t.Book.Get(m.tx.ID()).taken() {
			return err
		}
		change := w.outputs(m.tx)
		if len(change) == 0 {
			return nil
		}
		most := slices.MaxFunc(change, func(a, b wallet.Coin) int { return cmp.Compare(a.Value, b.Value) })
		usable, sum = []wallet.Coin{most}, most.Value
	}
	return nil
}

// bump replaces a payment that waits by one with a higher fee, or tries to.
func (t *Teller) bump(ctx context.Context) error {
	w, p, _, _, err := t.payer()
	if err != nil || len(p.waiting) == 0 {
		return err
	}
	old := p.waiting[t.rng.IntN(len(p.waiting))]
	var coins []wallet.Coin
	var sum core.Amount
	for _, c := range old.Coins {
		if key, ours := w.keys[c.Address]; ours {
			path := key.Path()
			coins = append(coins, wallet.Coin{Coin: c, Path: &path, Pending: c.Height == 0})
			sum += c.Value
		}
	}
	rate := wallet.FeeRate(float64(old.FeeRate()) * (1.1 + 3*t.rng.Float64()))
	// No more than half, so that the fee finds room.
	m, err := t.make(w, p.height, coins, rate, core.Output{Value: max(sum/3, least), Address: t.anybody()})
	if err != nil {
		return err
	}
	return t.hand(ctx, w.node, handing{m.tx, Bump})
}

// double spends the same coins twice, through two nodes at once: on both sides
// of a partition if there is one.
func (t *Teller) double(ctx context.Context) error {
	w, p, usable, sum, err := t.payer()
	if err != nil {
		return err
	}
	first, err := t.make(w, p.height, usable, t.rate(), t.some(sum)...)
	if err != nil {
		return err
	}
	_, sum = spendable(first.coins, p.height, t.w.rules.Params().CoinbaseMaturity)
	second, err := t.make(w, p.height, first.coins, t.rate(), core.Output{Value: max(sum/2, least), Address: t.anybody()})
	if err != nil {
		return err
	}
	batches := make([][]handing, len(t.w.Nodes))
	batches[w.node.index] = []handing{{first.tx, Double}}
	other := t.node()
	batches[other.index] = append(batches[other.index], handing{second.tx, Double})
	return t.atOnce(ctx, batches)
}

// child hands a payment to one node, and what it spends a moment later to
// another.
func (t *Teller) child(ctx context.Context) error {
	parent, child, err := t.family()
	if err != nil || child == nil {
		return err
	}
	if err := t.hand(ctx, t.node(), handing{child, Child}); err != nil {
		return err
	}
	return t.hand(ctx, parent.by.node, handing{parent.tx, Ordinary})
}

// motherless hands over the child alone.
func (t *Teller) motherless(ctx context.Context) error {
	parent, child, err := t.family()
	if err != nil || child == nil {
		return err
	}
	t.forget(parent)
	return t.hand(ctx, t.node(), handing{child, Motherless})
}

// forget takes care that nobody hands over a payment later.
func (t *Teller) forget(m made) {
	for i := range t.recent {
		if t.recent[i].tx == m.tx {
			t.recent[i] = t.recent[len(t.recent)-1]
			t.recent = t.recent[:len(t.recent)-1]
			return
		}
	}
}

// family makes a payment, and another that spends its change. Nobody remembers
// the child.
func (t *Teller) family() (parent made, child *core.Transaction, err error) {
	if parent, err = t.pay(); err != nil {
		return parent, nil, err
	}
	change := parent.by.outputs(parent.tx)
	if len(change) == 0 || change[0].Value < 4*least {
		return parent, nil, nil // it stays a payment that nobody has heard of
	}
	to := t.anybody()
	child, err = parent.by.pay(parent.by.terms(0, t.rate()), change[:1], core.Output{Value: change[0].Value / 3, Address: to})
	return parent, child, err
}

// sweep gathers many coins in one.
func (t *Teller) sweep(ctx context.Context) error {
	w, p, usable, _, err := t.payer()
	if err != nil || len(usable) < 5 {
		return err
	}
	rate := t.rate()
	tx, err := w.sweep(w.terms(p.height, rate), usable, w.address(t.rng))
	if err != nil {
		return err
	}
	t.keep(made{w, tx, spentBy(tx, usable), rate})
	return t.hand(ctx, w.node, handing{tx, Swept})
}

// repeat hands over a payment of before, to any node.
func (t *Teller) repeat(ctx context.Context) error {
	if len(t.recent) == 0 {
		return nil
	}
	m := t.recent[t.rng.IntN(len(t.recent))]
	return t.hand(ctx, t.node(), handing{m.tx, Ordinary})
}

// move takes a wallet to another node.
func (t *Teller) move(context.Context) error {
	t.wallets[t.rng.IntN(len(t.wallets))].node = t.node()
	t.Moves++
	return nil
}

// stale spends again what was spent some time ago.
func (t *Teller) stale(ctx context.Context) error {
	if len(t.recent) == 0 {
		return nil
	}
	old := t.recent[t.rng.IntN(len(t.recent))]
	_, sum := spendable(old.coins, 0, 0)
	to := t.anybody()
	tx, err := old.by.pay(old.by.terms(1<<30, old.rate), old.coins, core.Output{Value: max(sum/5, least), Address: to})
	if err != nil {
		return err
	}
	return t.hand(ctx, t.node(), handing{tx, Stale})
}

// cheap pays less than any node takes.
func (t *Teller) cheap(ctx context.Context) error {
	w, p, usable, sum, err := t.payer()
	if err != nil {
		return err
	}
	tx, err := w.pay(w.terms(p.height, wallet.FeeRate(mempool.DefaultMinFeeRate)/2), usable, t.some(sum)[0])
	if err != nil {
		return err
	}
	if wallet.RateOf(tx.Fee, mempool.NewTx(tx).Size()) >= wallet.FeeRate(mempool.DefaultMinFeeRate) {
		return nil // what was left over went to the fee
	}
	return t.hand(ctx, w.node, handing{tx, Cheap})
}

// young spends a coinbase too early.
func (t *Teller) young(ctx context.Context) error {
	_, p, _, _, err := t.payer()
	if err != nil {
		return err
	}
	maturity := t.w.rules.Params().CoinbaseMaturity
	for _, i := range t.rng.Perm(len(t.wallets)) {
		w := t.wallets[i]
		if !w.node.up {
			continue
		}
		if p, err = w.look(); err != nil {
			return err
		}
		for _, c := range p.coins {
			if !c.Coinbase || c.Height+maturity <= p.height+1 {
				continue
			}
			c.Coinbase = false // the wallet takes a drafter's word for it
			tx, err := w.pay(w.terms(p.height, t.rate()), []wallet.Coin{c}, core.Output{Value: c.Value / 2, Address: w.own[0].Address})
			if err != nil {
				return err
			}
			return t.hand(ctx, w.node, handing{tx, Young})
		}
	}
	return nil
}

// bad hands over a payment that is false for ever.
func (t *Teller) bad(ctx context.Context) error {
	w, p, usable, sum, err := t.payer()
	if err != nil {
		return err
	}
	out := core.Output{Value: sum / 4, Address: t.anybody()}
	coins, to := usable, w.node
	kind := t.rng.IntN(4)
	switch kind {
	case 0: // more than the coin is worth
		coins = slices.Clone(usable)
		for i := range coins {
			coins[i].Value += least
		}
	case 1: // somebody else's coin
		other, _, theirs, _, err := t.payer()
		if err != nil || other == w {
			return err
		}
		coins, to = theirs[:1], other.node
		coins[0].Address, coins[0].Pending = w.own[0].Address, false
		out.Value = max(coins[0].Value/4, 1)
	}
	tx, err := w.pay(w.terms(p.height, t.rate()), coins, out)
	if err != nil {
		return err
	}
	switch kind {
	case 2:
		tx.Witnesses[0].Signature[t.rng.IntN(32)] ^= 1
	case 3:
		tx.Outputs[0].Value--
		tx.Fee++
	}
	return t.hand(ctx, to, handing{tx, Bad})
}
