package mempool

import (
	"slices"

	"github.com/ingchain/ingchain/core"
)

// planReplacement decides whether a payment may take the place of entries that
// spend its coins. The rules are those of BIP 125, 2 to 5 and what Bitcoin Core
// asks beside, without signalling, so that any payment can be replaced:
//
//   - it spends nothing of what it replaces;
//   - it has no parent in the pool that none of the replaced had (else its rate
//     would say little about when it is mined);
//   - its rate is above that of each entry that it conflicts with;
//   - its fee is at least all fees that leave, descendants included, and its own
//     size at Policy.ReplaceBump on top: replacing is never free, and the sum of
//     fees in the pool never falls;
//   - at most Policy.MaxReplaced entries leave.
func (p *Pool) planReplacement(pl *plan) error {
	var direct []*entry
	for i := range pl.tx.t.Inputs {
		e := p.spenders[pl.tx.t.Inputs[i].Outpoint]
		if e == nil || slices.Contains(direct, e) {
			continue
		}
		if direct = append(direct, e); len(direct) > p.policy.MaxReplaced {
			return policyErr(ErrReplaceMany, "spends coins of more than %d payments in the pool", p.policy.MaxReplaced)
		}
	}
	if len(direct) == 0 {
		return nil
	}
	for _, e := range direct {
		if pl.replaced = withDescendants(pl.replaced, e); len(pl.replaced) > p.policy.MaxReplaced {
			return policyErr(ErrReplaceMany, "would remove more than %d payments", p.policy.MaxReplaced)
		}
	}
	slices.SortFunc(pl.replaced, bySeq)
	for _, a := range pl.ancestors {
		if slices.Contains(pl.replaced, a) {
			return policyErr(ErrReplaceOwnParent, "spends an output of %s, which it would replace or remove", a.tx.id.Short())
		}
	}
	for _, q := range pl.parents {
		if !slices.ContainsFunc(direct, func(e *entry) bool { return slices.Contains(e.parents, q) }) {
			return policyErr(ErrReplaceNewParent, "spends an output of %s, which waits for a block and which none of the replaced spends", q.tx.id.Short())
		}
	}
	if err := p.checkReplacementFee(pl, direct); err != nil {
		return err
	}
	pl.relief = make(map[*entry]sums)
	for _, e := range pl.replaced {
		for _, a := range e.lineage() {
			s := pl.relief[a]
			s.add(e.tx)
			pl.relief[a] = s
		}
	}
	return nil
}

func (p *Pool) checkReplacementFee(pl *plan, direct []*entry) error {
	tx := pl.tx
	for _, e := range direct {
		if !e.tx.rate().less(tx.rate()) {
			return policyErr(ErrReplaceFee, "%d grains per %d bytes, must be above %d, that of %s, which spends the same coin", tx.FeeRate(), RateBytes, e.tx.FeeRate(), e.tx.id.Short())
		}
	}
	var fees core.Amount
	for _, e := range pl.replaced {
		fees += e.tx.t.Fee
	}
	if least := fees + feeFor(tx.size, p.policy.ReplaceBump); tx.t.Fee < least {
		return policyErr(ErrReplaceFee, "a fee of %d grains, at least %d to replace %d payments", tx.t.Fee, least, len(pl.replaced))
	}
	return nil
}
