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
}

// Screen is what can be said of a payment before its signatures are verified: that
// it is known already, or that the policy refuses it whatever it spends. Now is
// in Unix milliseconds.
func (p *Pool) Screen(tx *Tx, now uint64) (known bool, err error) {
	if p.knows(tx.id) {
		return true, nil
	}
	return false, p.checkAlone(tx, now)
}
