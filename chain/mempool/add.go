package mempool

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ingchain/ingchain/core"
)

// Status is what became of a payment that was added.
type Status uint8

// Statuses. With all but the first, the payment is or was in our keeping.
const (
	Refused  Status = iota // not kept: the error says why
	Accepted               // in the pool now
	Known                  // in the pool already, or in a block; other witnesses change nothing
	Orphan                 // kept apart until what it spends comes
)

// String returns the status in a word.
func (s Status) String() string {
	switch s {
	case Accepted:
		return "accepted"
	case Known:
		return "known"
	case Orphan:
		return "orphan"
	}
	return "refused"
}

// Result is what adding a payment did.
type Result struct {
	Status Status
	// Missing are the transactions, in order, that make the coins which neither
	// the chain nor the pool has. They are unknown, or their coins are spent.
	Missing []core.Hash
	// Removed are entries that had to go: replaced, or evicted from a full pool,
	// with their descendants.
	Removed []Removed
	// Promoted are orphans that this payment brought into the pool, in order.
	Promoted []*Tx
	// Faults are orphans that turned out to break a rule.
	Faults []Fault
}

// Fault is a payment that breaks a rule, found after it was added.
type Fault struct {
	Tx *Tx
	// From names who sent it, as given to [Pool.Add].
	From []string
	Err  error // a [core.RuleError]
}

// Needs lists the coins of the chain that adding t takes: those of its inputs
// that no payment in the pool makes.
func (p *Pool) Needs(t *core.Transaction) []core.Outpoint {
	ops := make([]core.Outpoint, 0, len(t.Inputs))
	for i := range t.Inputs {
		if op := t.Inputs[i].Outpoint; p.byID[op.TxID] == nil {
			ops = append(ops, op)
		}
	}
	return ops
}

// Add takes a payment that has passed [core.Rules.CheckTx] into the pool. Coins
// are those of the chain that [Pool.Needs] listed, as far as they exist at the
// tip; now is in Unix milliseconds; from names the peer that sent it, and is
// empty for our own.
//
// It fails with a [core.RuleError] if the payment is false for ever, which
// whoever sent it could have known; with a [PolicyError] if this node does not
// want it; with a [core.DeferError] if a coin is missing or immature. A payment
// with missing coins may be kept as an orphan: then the status says so, beside
// the error. After an error of another kind than missing coins the pool is as
// it was.
func (p *Pool) Add(tx *Tx, coins core.UTXOs, now uint64, from string) (Result, error) {
	if p.knows(tx.id) {
		return Result{Status: Known}, nil
	}
	pl, err := p.plan(tx, coins, now)
	if len(pl.missing) > 0 {
		r := Result{Missing: pl.missing}
		if p.orphans.keep(&p.policy, tx, coins, pl.missing, now, from) {
			r.Status = Orphan
		}
		return r, err
	}
	if err != nil {
		if o := p.orphans.byLeaf[tx.leaf]; o != nil {
			p.orphans.dropOne(o)
		}
		return Result{}, err
	}
	r := Result{Status: Accepted}
	r.Removed = p.commit(pl, now)
	p.promote([]core.Hash{tx.id}, nil, now, &r.Removed, &r.Promoted, &r.Faults)
	return r, nil
}

// Judge says what [Pool.Add] would, orphans apart, and changes nothing.
func (p *Pool) Judge(tx *Tx, coins core.UTXOs, now uint64) (Result, error) {
	if p.knows(tx.id) {
		return Result{Status: Known}, nil
	}
	pl, err := p.plan(tx, coins, now)
	if err != nil {
		return Result{Missing: pl.missing}, err
	}
	return Result{Status: Accepted, Removed: pl.removals()}, nil
}

// knows reports whether a payment is in the pool or, as far as remembered, in a
// block of the chain.
func (p *Pool) knows(id core.Hash) bool {
	if p.byID[id] != nil {
		return true
	}
	r, ok := p.gone.get(id)
	return ok && r.Reason == Confirmed
}

// plan is what accepting a payment takes, worked out beforehand.
type plan struct {
	tx        *Tx
	missing   []core.Hash
	coins     []core.Coin // of each input
	parents   []*entry
	ancestors []*entry
	// replaced spend the same coins, with their descendants; evicted make room,
	// and are none of the replaced.
	replaced []*entry
	evicted  []*entry
	// outbid is the highest score of what is evicted.
	outbid rate
	// relief is what the replaced take off the descendants of their ancestors.
	relief map[*entry]sums
}

// plan judges a payment that is not in the pool. The plan is never nil.
func (p *Pool) plan(tx *Tx, coins core.UTXOs, now uint64) (*plan, error) {
	pl := &plan{tx: tx}
	if err := p.checkAlone(tx, now); err != nil {
		return pl, err
	}
	if err := p.resolve(pl, coins); err != nil {
		return pl, err
	}
	if err := p.rules.CheckSpend(&tx.t, pl.coins, p.height+1); err != nil {
		return pl, notYet(err)
	}
	var ok bool
	if pl.ancestors, ok = ancestors(pl.parents, p.policy.MaxAncestors-1); !ok {
		return pl, policyErr(ErrTooManyAncestors, "more than %d payments that wait for a block, itself included", p.policy.MaxAncestors)
	}
	if err := p.planReplacement(pl); err != nil {
		return pl, err
	}
	if err := p.checkRelatives(pl); err != nil {
		return pl, err
	}
	return pl, p.planEviction(pl)
}

// notYet takes the finality off a verdict on maturity: another block, or another
// branch, may make the payment good.
func notYet(err error) error {
	var rule *core.RuleError
	if errors.As(err, &rule) && rule.Code == core.ErrImmature {
		return &core.DeferError{Code: rule.Code, Detail: rule.Detail}
	}
	return err
}

// checkAlone applies the policy that takes no coins.
func (p *Pool) checkAlone(tx *Tx, now uint64) error {
	// The coinbase takes one.
	if most := int(p.rules.Params().MaxBlockCoins) - 1; tx.coins() > most {
		return policyErr(ErrTooManyCoins, "%d inputs and outputs, a block has room for %d", tx.coins(), most)
	}
	least := p.MinFeeRate(now)
	if fee := feeFor(tx.size, least); tx.t.Fee < fee {
		return policyErr(ErrFeeLow, "a fee of %d grains, at least %d for %d bytes at %d grains per %d bytes", tx.t.Fee, fee, tx.size, least, RateBytes)
	}
	return nil
}

// resolve finds the coins of every input.
func (p *Pool) resolve(pl *plan, coins core.UTXOs) error {
	t := &pl.tx.t
	pl.coins = make([]core.Coin, len(t.Inputs))
	var missing core.Outpoint
	for i := range t.Inputs {
		op := t.Inputs[i].Outpoint
		if parent := p.byID[op.TxID]; parent != nil {
			// The txid says what the outputs are: nobody can add one.
			if uint64(op.Index) >= uint64(len(parent.tx.t.Outputs)) {
				return &core.RuleError{Code: core.ErrMissingCoin, Detail: fmt.Sprintf("input %d: %s has no output %d", i, op.TxID.Short(), op.Index)}
			}
			pl.coins[i] = parent.tx.output(op.Index)
			if !slices.Contains(pl.parents, parent) {
				if len(pl.parents) >= p.policy.MaxAncestors {
					return policyErr(ErrTooManyAncestors, "more than %d payments that wait for a block, itself included", p.policy.MaxAncestors)
				}
				pl.parents = append(pl.parents, parent)
			}
			continue
		}
		coin, ok := coins[op]
		if !ok {
			if len(pl.missing) == 0 {
				missing = op
			}
			pl.missing = append(pl.missing, op.TxID)
			continue
		}
		pl.coins[i] = coin
	}
	if len(pl.missing) > 0 {
		slices.SortFunc(pl.missing, compareHash)
		pl.missing = slices.Compact(pl.missing)
		return &core.DeferError{Code: core.ErrMissingCoin, Detail: fmt.Sprintf("%s:%d is spent, or not known yet", missing.TxID.Short(), missing.Index)}
	}
	return nil
}

func compareHash(a, b core.Hash) int { return slices.Compare(a[:], b[:]) }

// checkRelatives bounds ancestors and descendants, as they would be after the
// replaced have left. A payment without relatives passes whatever its size.
func (p *Pool) checkRelatives(pl *plan) error {
	if len(pl.ancestors) == 0 {
		return nil
	}
	size := pl.tx.size
	for _, a := range pl.ancestors {
		size += a.tx.size
		desc := a.desc.minus(pl.relief[a])
		desc.add(pl.tx)
		if desc.count > p.policy.MaxDescendants || desc.bytes > p.policy.MaxDescendantBytes {
			return policyErr(ErrTooManyDescendants, "ancestor %s would have %d descendants of %d bytes, itself included, at most %d of %d", a.tx.id.Short(), desc.count, desc.bytes, p.policy.MaxDescendants, p.policy.MaxDescendantBytes)
		}
	}
	if size > p.policy.MaxAncestorBytes {
		return policyErr(ErrTooManyAncestors, "%d bytes with its ancestors in the pool, at most %d", size, p.policy.MaxAncestorBytes)
	}
	return nil
}

// commit does what a plan says and returns what left.
func (p *Pool) commit(pl *plan, now uint64) []Removed {
	removed := pl.removals()
	p.take(pl.replaced)
	if len(pl.evicted) > 0 {
		p.floor.raise(pl.outbid.perKilobyte()+p.policy.ReplaceBump, now, p.policy.FloorHalfLife)
		p.take(pl.evicted)
	}
	for i := range removed {
		p.gone.put(removed[i], now)
	}
	p.insert(pl, now)
	p.gone.forget(pl.tx.id)
	p.orphans.drop(pl.tx.id)
	return removed
}

// removals says of whatever a plan removes, why; parents come before children.
func (pl *plan) removals() []Removed {
	if len(pl.replaced)+len(pl.evicted) == 0 {
		return nil
	}
	out := make([]Removed, 0, len(pl.replaced)+len(pl.evicted))
	for _, e := range pl.replaced {
		out = append(out, Removed{ID: e.tx.id, Tx: e.tx, Reason: Replaced, By: pl.tx.id, Ancestor: takenAlong(e, pl.replaced)})
	}
	for _, e := range pl.evicted {
		out = append(out, Removed{ID: e.tx.id, Tx: e.tx, Reason: Evicted, Ancestor: takenAlong(e, pl.evicted)})
	}
	return out
}

// takenAlong returns the id of a parent of e in a set that leaves, if there is
// one: then it is the parent that had to leave.
func takenAlong(e *entry, set []*entry) core.Hash {
	for _, q := range e.parents {
		if slices.Contains(set, q) {
			return q.tx.id
		}
	}
	return core.Hash{}
}
