package mempool

import (
	"math"
	"slices"

	"github.com/ingchain/ingchain/core"
)

// planEviction chooses what leaves a full pool for a payment: the entries of
// lowest score with all their descendants, as many as needed, as long as each
// scores below the payment and below each of its ancestors as they would score
// with it. Otherwise the payment itself is the worst, and is refused.
func (p *Pool) planEviction(pl *plan) error {
	memory := p.memory + pl.tx.poolMemory() - p.policy.MaxBytes
	count := p.total.count + 1 - p.policy.MaxTxs
	for _, e := range pl.replaced {
		memory -= e.tx.poolMemory()
		count--
	}
	if memory <= 0 && count <= 0 {
		return nil
	}
	score := pl.tx.rate()
	for _, a := range pl.ancestors {
		desc := a.desc.minus(pl.relief[a])
		desc.add(pl.tx)
		with := desc.rate()
		if own := a.tx.rate(); with.less(own) {
			with = own
		}
		if with.less(score) {
			score = with
		}
	}
	leaving := make(map[*entry]bool, len(pl.replaced)+len(pl.ancestors))
	for _, e := range pl.replaced {
		leaving[e] = true
	}
	p.worst.walk(func(e *entry) bool {
		if leaving[e] || slices.Contains(pl.ancestors, e) {
			return true
		}
		if !e.score.less(score) {
			return false
		}
		pl.outbid = e.score
		for _, d := range withDescendants(nil, e) {
			if !leaving[d] {
				leaving[d] = true
				pl.evicted = append(pl.evicted, d)
				memory -= d.tx.poolMemory()
				count--
			}
		}
		return memory > 0 || count > 0
	})
	if memory > 0 || count > 0 {
		pl.evicted = nil
		return p.full()
	}
	slices.SortFunc(pl.evicted, bySeq)
	return nil
}

func (p *Pool) full() error {
	return policyErr(ErrFull, "the pool is full of payments that pay at least %d grains per %d bytes", p.lowest().perKilobyte(), RateBytes)
}

// lowest is the score of what leaves first, if anything is in the pool.
func (p *Pool) lowest() rate {
	if len(p.worst) == 0 {
		return rate{bytes: 1}
	}
	return p.worst[0].score
}

// floor is the least fee rate of a pool that was full: what the last entry that
// had to leave would have had to pay, falling by half in a fixed time, so that
// what was refused a while ago is tried again.
type floor struct {
	rate float64 // grains per 1,000 bytes, at that time
	at   uint64  // Unix milliseconds
}

// value returns the floor at a time.
func (f *floor) value(now, halfLife uint64) core.Amount {
	if f.rate == 0 {
		return 0
	}
	rate := f.rate
	if now > f.at {
		rate *= math.Exp2(-float64(now-f.at) / float64(halfLife))
	}
	return core.Amount(min(rate, float64(maxRate)))
}

// raise sets the floor to a rate if it is below.
func (f *floor) raise(to core.Amount, now, halfLife uint64) {
	if to > f.value(now, halfLife) {
		f.rate, f.at = float64(min(to, maxRate)), now
	}
}

// MinFeeRate is the least fee rate at a time, in grains per 1,000 bytes, at which
// a payment may come in: the policy's, or more after the pool was full. Once the
// floor is below half of Policy.ReplaceBump it is none.
func (p *Pool) MinFeeRate(now uint64) core.Amount {
	least := p.floor.value(now, p.policy.FloorHalfLife)
	if 2*least < p.policy.ReplaceBump {
		least = 0
	}
	return max(least, p.policy.MinFeeRate)
}

// Expire removes entries that have waited longer than the policy allows, with
// their descendants, and orphans whose parents did not come. Rebase does it
// too; while no block comes, somebody has to.
func (p *Pool) Expire(now uint64) []Removed {
	p.orphans.expire(now)
	if now < p.policy.Expiry {
		return nil
	}
	var old []*entry
	for _, s := range p.order {
		if s.e == nil {
			continue
		}
		// Entries are numbered as they came, so the oldest are in front. A clock
		// that was set back delays some until it has caught up.
		if s.e.time >= now-p.policy.Expiry {
			break
		}
		old = append(old, s.e)
	}
	return p.removeAll(old, now, func(*entry) Removed { return Removed{Reason: Expired} })
}

// Remove removes an entry with its descendants, as its operator wants.
func (p *Pool) Remove(id core.Hash, now uint64) []Removed {
	e := p.byID[id]
	if e == nil {
		return nil
	}
	return p.removeAll([]*entry{e}, now, func(*entry) Removed { return Removed{Reason: ByOperator} })
}

// removeAll removes entries with their descendants and says why, for roots and
// for what they take along alike.
func (p *Pool) removeAll(roots []*entry, now uint64, why func(root *entry) Removed) (removed []Removed) {
	for _, root := range roots {
		if p.byID[root.tx.id] != root {
			continue // taken along by an earlier one
		}
		set := withDescendants(nil, root)
		slices.SortFunc(set, bySeq)
		first := len(removed)
		for _, e := range set {
			r := why(root)
			r.ID, r.Tx = e.tx.id, e.tx
			r.Ancestor = takenAlong(e, set)
			removed = append(removed, r)
		}
		p.take(set)
		for _, r := range removed[first:] {
			p.gone.put(r, now)
		}
	}
	return removed
}
