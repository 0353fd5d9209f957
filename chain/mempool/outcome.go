package mempool

// Outcome is what became of one payment of several that were added together.
type Outcome struct {
	Result
	// Tx is the payment, as it would be kept. If it is known already, the pool's
	// may have other witnesses.
	Tx *Tx
	// Err is nil if the payment is in the pool or in a block. Else it is a
	// [core.RuleError] (false for ever: whoever sent it should have known), a
	// [PolicyError] (this node does not want it), or a [core.DeferError] (coins
	// are missing or immature, or its signatures were not looked at).
	Err error
	// Unverified says that the policy refused it before its signatures were looked
	// at.
	Unverified bool
}

// Screen is what can be said of a payment before its signatures are verified: that
// it is known already, or that the policy refuses it whatever it spends. Now is
// in Unix milliseconds.
func (p *Pool) Screen(tx *Tx, now uint64) (known bool, err error) {
	if p.knows(tx.id) {
		return true, nil
	}
	if err := p.checkAlone(tx, now); err != nil {
		return false, err
	}
	return false, p.checkRoom(tx)
}

// checkRoom refuses what planEviction would, as far as the payment's own rate
// tells: it finds nothing that pays less. What takes the place of others may pass.
func (p *Pool) checkRoom(tx *Tx) error {
	if p.memory+tx.poolMemory() <= p.policy.MaxBytes && p.total.count < p.policy.MaxTxs || p.lowest().less(tx.rate()) {
		return nil
	}
	for i := range tx.t.Inputs {
		if p.spenders[tx.t.Inputs[i].Outpoint] != nil {
			return nil
		}
	}
	return p.full()
}
