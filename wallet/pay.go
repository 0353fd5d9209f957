package wallet

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ingchain/ingchain/core"
)

// Coin is an unspent output that a wallet may spend.
type Coin struct {
	core.Coin
	// Path is where the key of the coin's address lies, if it is ours.
	Path *Path
	// Pending tells a coin of a transaction that no block has yet.
	Pending bool
	// ReservedBy is the id of a payment under way that spends it, or "".
	ReservedBy string
}

// Terms are what a payment has to go by.
type Terms struct {
	// Rules are those of the network.
	Rules *core.Rules
	// Height is that of the tip: coins mature by the next block.
	Height uint32
	// FeeRate is the price of room.
	FeeRate FeeRate
	// MinFee is the least fee of a transaction, whatever its size.
	MinFee core.Amount
	// SpendPending allows coins that no block has yet, if the others are too
	// few.
	SpendPending bool
	// AllowAbsurdFee lets a fee pass that looks like a mistake.
	AllowAbsurdFee bool
}

// Payment is what is to be paid.
type Payment struct {
	Outputs []core.Output
	Data    []byte
	// Change gets what is left over, if that is worth an output.
	Change     core.Address
	ChangePath *Path
}

// ErrTooLarge means a payment that takes more coins than a transaction holds.
var ErrTooLarge = errors.New("takes more coins than fit in one transaction")

// InsufficientError means too little money, and says what keeps the rest.
type InsufficientError struct {
	// Need is what the payment takes with its fee, Have what can be spent.
	Need, Have core.Amount
	// Immature, Pending, Reserved and Dust are what can't be spent: minted
	// coins that must wait, coins that no block has yet (if they aren't to be
	// spent), those of payments under way, and those that cost more than they
	// bring.
	Immature, Pending, Reserved, Dust core.Amount
	// MatureAt is the tip's height at which the next immature coin can be
	// spent, if there is one.
	MatureAt uint32
}

// Missing returns what would have to come in.
func (e *InsufficientError) Missing() core.Amount { return e.Need - e.Have }

// Error implements error.
func (e *InsufficientError) Error() string {
	var held []string
	if e.Immature > 0 {
		held = append(held, fmt.Sprintf("%s ING were mined too recently (the first can be spent from height %d on)", e.Immature, e.MatureAt))
	}
	if e.Pending > 0 {
		held = append(held, fmt.Sprintf("%s ING are not in a block yet", e.Pending))
	}
	if e.Reserved > 0 {
		held = append(held, fmt.Sprintf("%s ING are taken by payments under way", e.Reserved))
	}
	if e.Dust > 0 {
		held = append(held, fmt.Sprintf("%s ING are in coins that cost more to spend than they are worth", e.Dust))
	}
	s := fmt.Sprintf("too little money: %s ING with the fee, %s ING can be spent, %s ING are missing", e.Need, e.Have, e.Missing())
	if len(held) > 0 {
		s += "; " + strings.Join(held, ", ")
	}
	return s
}

// Pay chooses coins for a payment and returns it unsigned. It looks for coins
// that need no change, else takes few. The fee is the rate times the exact size
// of the signed transaction, and what is left over if that is not worth an
// output. The same arguments give the same draft.
func Pay(t Terms, coins []Coin, p Payment) (*Draft, error) {
	target, err := sumOutputs(p.Outputs)
	if err != nil {
		return nil, err
	}
	if len(p.Data) > core.MaxTxData {
		return nil, fmt.Errorf("%d bytes of data, at most %d", len(p.Data), core.MaxTxData)
	}
	c := chooser{terms: t, target: target, outputs: len(p.Outputs), data: len(p.Data)}
	picked, err := c.choose(coins)
	if err != nil {
		return nil, err
	}
	change := c.change(picked)
	outputs := make([]DraftOutput, 0, len(p.Outputs)+1)
	for _, out := range p.Outputs {
		outputs = append(outputs, DraftOutput{Output: out})
	}
	if change > 0 {
		out := core.Output{Value: change, Address: p.Change}
		outputs = append(outputs, DraftOutput{Output: out, Change: true, Path: p.ChangePath})
	}
	return t.draft(picked, outputs, picked.sum-target-change, target, p.Data)
}

// Sweep pays all coins that can be spent, and are worth it, to one address. If
// they are more than fit in one transaction, it takes the most valuable ones and
// says how many are left for another.
func Sweep(t Terms, coins []Coin, to core.Address, data []byte) (d *Draft, left int, err error) {
	if len(data) > core.MaxTxData {
		return nil, 0, fmt.Errorf("%d bytes of data, at most %d", len(data), core.MaxTxData)
	}
	c := chooser{terms: t, outputs: 1, data: len(data)}
	usable, short := c.usable(coins)
	picked := newPicked()
	for i, coin := range usable {
		cost := t.FeeRate.Fee(picked.cost(&coin))
		if cost >= coin.Value {
			short.Dust += coin.Value
			continue
		}
		picked.push(coin)
		if !c.fits(picked, 0) {
			picked.pop()
			left = len(usable) - i
			break
		}
	}
	fee := c.fee(picked, 0)
	if picked.sum <= fee {
		short.Need, short.Have = fee+1, picked.sum
		return nil, 0, short
	}
	value := picked.sum - fee
	d, err = t.draft(picked, []DraftOutput{{Output: core.Output{Value: value, Address: to}}}, fee, value, data)
	return d, left, err
}

// sumOutputs refuses outputs that no rule allows, and returns their sum.
func sumOutputs(outputs []core.Output) (sum core.Amount, err error) {
	if len(outputs) == 0 {
		return 0, errors.New("a payment pays at least one address")
	}
	for i := range outputs {
		v := outputs[i].Value
		if v == 0 || v > core.MaxAmount || sum+v > core.MaxAmount {
			return 0, fmt.Errorf("%w: output %d of %d grains, want 1 grain or more, and %d at most in all", core.ErrAmount, i+1, v, core.MaxAmount)
		}
		sum += v
	}
	return sum, nil
}

// draft puts a payment together. Outputs are in the order of their values, so
// that their places don't tell which is change.
func (t *Terms) draft(picked *picked, outputs []DraftOutput, fee, paid core.Amount, data []byte) (*Draft, error) {
	slices.SortStableFunc(outputs, func(a, b DraftOutput) int {
		return cmp.Or(cmp.Compare(a.Value, b.Value), bytes.Compare(a.Address.Hash[:], b.Address.Hash[:]))
	})
	params := t.Rules.Params()
	d := &Draft{Network: params.Name, Genesis: t.Rules.GenesisID(), Prefix: params.AddressPrefix,
		Outputs: outputs, Fee: fee, Data: data}
	for i := range picked.coins {
		c := &picked.coins[i]
		d.Inputs = append(d.Inputs, DraftInput{Outpoint: c.Outpoint, Value: c.Value, Address: c.Address, Path: c.Path})
	}
	if !t.AllowAbsurdFee {
		if err := checkFee(fee, paid, d.Size()); err != nil {
			return nil, err
		}
	}
	if err := d.Check(t.Rules); err != nil {
		return nil, err
	}
	return d, nil
}
