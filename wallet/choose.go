package wallet

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/ingchain/ingchain/core"
)

// maxTries bounds the search for coins that need no change, in steps.
const maxTries = 100_000

// chooser picks coins for one payment.
type chooser struct {
	terms   Terms
	target  core.Amount // sum of the outputs
	outputs int         // without change
	data    int         // bytes
}

// picked are coins in the order in which they become inputs, and what they take.
// Owners are numbered in order of first use, so pushing and popping at the end
// keeps the size exact.
type picked struct {
	coins  []Coin
	owners map[core.Address]owner
	sum    core.Amount
	bytes  int // of inputs and witnesses
}

type owner struct{ number, coins int }

func newPicked() *picked { return &picked{owners: map[core.Address]owner{}} }

// cost is how many bytes a coin adds as the next input.
func (p *picked) cost(c *Coin) int {
	o, known := p.owners[c.Address]
	size := core.HashSize + uvarintSize(uint64(c.Index))
	if !known {
		o.number = len(p.owners)
		size += ownerSize
	}
	return size + uvarintSize(uint64(o.number))
}

func (p *picked) push(c Coin) {
	p.bytes += p.cost(&c)
	o, known := p.owners[c.Address]
	if !known {
		o.number = len(p.owners)
	}
	o.coins++
	p.owners[c.Address] = o
	p.coins = append(p.coins, c)
	p.sum += c.Value
}

func (p *picked) pop() {
	last := len(p.coins) - 1
	c := p.coins[last]
	p.coins = p.coins[:last]
	p.sum -= c.Value
	o := p.owners[c.Address]
	if o.coins--; o.coins == 0 {
		delete(p.owners, c.Address)
	} else {
		p.owners[c.Address] = o
	}
	p.bytes -= p.cost(&c)
}

// size is that of the signed transaction with so many outputs more, in bytes.
func (c *chooser) size(p *picked, more int) int {
	outputs := c.outputs + more
	return fixedSize + uvarintSize(uint64(len(p.coins))) + p.bytes +
		uvarintSize(uint64(outputs)) + outputs*outputSize + uvarintSize(uint64(c.data)) + c.data
}

func (c *chooser) fee(p *picked, more int) core.Amount {
	return max(c.terms.FeeRate.Fee(c.size(p, more)), c.terms.MinFee)
}

// fits reports whether a block can hold the transaction, a coinbase with one
// output beside it.
func (c *chooser) fits(p *picked, more int) bool {
	params := c.terms.Rules.Params()
	return c.size(p, more) <= int(params.MaxTxBytes) && len(p.coins)+c.outputs+more+1 <= int(params.MaxBlockCoins)
}

// need is what the payment takes without change.
func (c *chooser) need(p *picked) core.Amount { return c.target + c.fee(p, 0) }

// usable sorts out the coins that can't be spent, and sorts the others: the most
// valuable first, ties by outpoint.
func (c *chooser) usable(coins []Coin) ([]Coin, *InsufficientError) {
	short := &InsufficientError{}
	var usable []Coin
	seen := map[core.Outpoint]bool{}
	maturity := c.terms.Rules.Params().CoinbaseMaturity
	var total core.Amount
	for _, coin := range coins {
		matureAt := uint64(coin.Height) + uint64(maturity) - 1 // the next block may spend it
		if seen[coin.Outpoint] || coin.Value > core.MaxAmount-total {
			continue // there is no such money
		}
		seen[coin.Outpoint] = true
		total += coin.Value
		switch {
		case coin.ReservedBy != "":
			short.Reserved += coin.Value
		case coin.Coinbase && matureAt > uint64(c.terms.Height):
			if short.Immature == 0 || uint32(matureAt) < short.MatureAt {
				short.MatureAt = uint32(matureAt)
			}
			short.Immature += coin.Value
		case coin.Pending && !c.terms.SpendPending:
			short.Pending += coin.Value
		default:
			usable = append(usable, coin)
		}
	}
	slices.SortFunc(usable, func(a, b Coin) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), bytes.Compare(a.TxID[:], b.TxID[:]), cmp.Compare(a.Index, b.Index))
	})
	return usable, short
}

// choose takes coins in blocks if they suffice, else pending ones too.
func (c *chooser) choose(coins []Coin) (*picked, error) {
	usable, short := c.usable(coins)
	if i := slices.IndexFunc(usable, func(coin Coin) bool { return coin.Pending }); i >= 0 {
		settled := slices.DeleteFunc(slices.Clone(usable), func(coin Coin) bool { return coin.Pending })
		if p, err := c.chooseAmong(settled, &InsufficientError{}); err == nil {
			return p, nil
		}
	}
	return c.chooseAmong(usable, short)
}

// chooseAmong takes coins that need no change if there are such, unless change
// is cheaper; else few.
func (c *chooser) chooseAmong(usable []Coin, short *InsufficientError) (*picked, error) {
	few, err := c.few(usable, short)
	if exact := c.exact(usable); exact != nil && (err != nil || c.cost(exact) <= c.cost(few)) {
		return exact, nil
	}
	return few, err
}

// change is what is left for it, or 0 if that is not worth an output.
func (c *chooser) change(p *picked) core.Amount {
	taken := c.target + c.fee(p, 1)
	if p.sum <= taken || p.sum-taken <= DustLimit(c.terms.FeeRate) {
		return 0
	}
	return p.sum - taken
}

// cost is what a payment with these coins takes from its owner beyond what it
// pays: the fee, and what spending the change will cost.
func (c *chooser) cost(p *picked) core.Amount {
	change := c.change(p)
	cost := p.sum - c.target - change
	if change > 0 {
		cost += DustLimit(c.terms.FeeRate)
	}
	return cost
}

// few takes the most valuable coins until they suffice, then the least valuable
// one that does instead of the last.
func (c *chooser) few(usable []Coin, short *InsufficientError) (*picked, error) {
	p := newPicked()
	for i, coin := range usable {
		if c.terms.FeeRate.Fee(p.cost(&coin)) >= coin.Value {
			short.Dust += coin.Value
			continue
		}
		p.push(coin)
		if !c.fits(p, 1) {
			return nil, fmt.Errorf("the payment %w: the %d most valuable come to %s ING; pay less at once, or join coins by a sweep to an address of your own",
				ErrTooLarge, len(p.coins)-1, p.sum-coin.Value)
		}
		if p.sum >= c.need(p) {
			c.shrinkLast(p, usable[i+1:])
			return p, nil
		}
	}
	short.Need, short.Have = c.need(p), p.sum
	return nil, short
}

// shrinkLast replaces the last coin by the least valuable of the others with
// which the sum still suffices.
func (c *chooser) shrinkLast(p *picked, others []Coin) {
	last := p.coins[len(p.coins)-1]
	p.pop()
	for _, coin := range slices.Backward(others) {
		p.push(coin)
		if p.sum >= c.need(p) && c.fits(p, 1) {
			return
		}
		p.pop()
	}
	p.push(last)
}

// exact looks for coins whose sum is what the payment takes, or above it by no
// more than change would cost now and later. The search is depth-first from the
// most valuable coin, bounded in steps; nil means that none were found.
func (c *chooser) exact(usable []Coin) *picked {
	s := &exactSearch{chooser: c, tries: maxTries, picked: newPicked(),
		tolerance: c.terms.FeeRate.Fee(outputSize) + DustLimit(c.terms.FeeRate)}
	s.cost = core.MaxAmount
	for _, coin := range usable {
		if c.terms.FeeRate.Fee(spendSize+uvarintSize(uint64(coin.Index))) < coin.Value {
			s.coins = append(s.coins, coin)
		}
	}
	s.rest = make([]core.Amount, len(s.coins)+1)
	for i := len(s.coins) - 1; i >= 0; i-- {
		s.rest[i] = s.rest[i+1] + s.coins[i].Value
	}
	s.walk(0)
	if s.best == nil {
		return nil
	}
	p := newPicked()
	for _, coin := range s.best {
		p.push(coin)
	}
	return p
}

type exactSearch struct {
	*chooser
	coins     []Coin
	rest      []core.Amount // sums of the coins from each on
	picked    *picked
	tolerance core.Amount
	tries     int
	best      []Coin
	cost      core.Amount // of best, or more than any
}

// walk tries the coins from i on, with and without each, and reports whether the
// search is over.
func (s *exactSearch) walk(i int) bool {
	for ; ; i++ {
		if s.tries--; s.tries < 0 {
			return true
		}
		need := s.need(s.picked)
		if s.picked.sum >= need {
			if cost := s.picked.sum - s.target; s.picked.sum-need <= s.tolerance && cost < s.cost && s.fits(s.picked, 0) {
				s.best, s.cost = slices.Clone(s.picked.coins), cost
			}
			return false
		}
		if s.picked.sum+s.rest[i] < need || need-s.target >= s.cost {
			return false
		}
		coin := s.coins[i]
		s.picked.push(coin)
		if s.fits(s.picked, 0) && s.walk(i+1) {
			return true
		}
		s.picked.pop()
		// Without this coin: one of the same value and owner would do the same.
		for i+1 < len(s.coins) && s.coins[i+1].Value == coin.Value && s.coins[i+1].Address == coin.Address {
			i++
		}
	}
}
