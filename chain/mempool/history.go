package mempool

import "github.com/ingchain/ingchain/core"

// Reason is why an entry left the pool, or why a payment of a reverted block
// did not return to it. It is stable: it stands in JSON and docs/spec/pool.md.
type Reason string

// Reasons.
const (
	Confirmed  Reason = "confirmed"   // in Block
	Conflict   Reason = "conflict"    // By spends the same coin, in Block
	CoinGone   Reason = "coin-gone"   // a coin it spends was of a reverted block, and did not come again; or is spent
	Immature   Reason = "immature"    // after a reorganisation, a coinbase's output is too young again
	Replaced   Reason = "replaced"    // By spends the same coin and pays more
	Evicted    Reason = "evicted"     // the pool was full of payments that pay better
	Expired    Reason = "expired"     // waited too long
	Unwanted   Reason = "unwanted"    // of a reverted block or a journal; by the policy of Code
	ByOperator Reason = "by-operator" // [Pool.Remove]
)

// Removed is a payment that is no longer in the pool, and why.
type Removed struct {
	ID core.Hash
	// Tx is nil in what [Pool.Explain] returns.
	Tx     *Tx
	Reason Reason
	// By is the payment that took its place (Conflict, Replaced).
	By core.Hash
	// Block is the block that decided (Confirmed, Conflict).
	Block core.Hash
	// Ancestor is zero, or the parent that left for the reason and took this one
	// along.
	Ancestor core.Hash
	// Code is the policy's (Unwanted).
	Code core.Code
	// At is when, in Unix milliseconds.
	At uint64
}

// past remembers why payments left: those that were confirmed apart from the
// others, since they are many and the chain has them anyway.
type past struct {
	most      int
	byID      map[core.Hash]record
	confirmed ring
	others    ring
}

type record struct {
	Removed
	serial uint64 // of its place in its ring
}

// ring holds ids, the oldest of which is overwritten.
type ring struct {
	ids    []core.Hash
	serial uint64 // of the next
}

func newPast(most int) past { return past{most: most, byID: make(map[core.Hash]record)} }

// put remembers a removal, in place of an earlier one of the same payment.
func (h *past) put(r Removed, now uint64) {
	id := r.ID
	r.Tx, r.At = nil, now
	ring := h.ringOf(r.Reason)
	at := int(ring.serial % uint64(h.most))
	if len(ring.ids) < h.most {
		ring.ids = append(ring.ids, id)
	} else {
		old := ring.ids[at]
		if rec, ok := h.byID[old]; ok && h.ringOf(rec.Reason) == ring && rec.serial == ring.serial-uint64(h.most) {
			delete(h.byID, old)
		}
		ring.ids[at] = id
	}
	h.byID[id] = record{r, ring.serial}
	ring.serial++
}

func (h *past) ringOf(r Reason) *ring {
	if r == Confirmed {
		return &h.confirmed
	}
	return &h.others
}

// forget drops what is remembered of a payment, since it is in the pool again.
func (h *past) forget(id core.Hash) { delete(h.byID, id) }

func (h *past) get(id core.Hash) (Removed, bool) {
	rec, ok := h.byID[id]
	return rec.Removed, ok
}

// Explain says why a payment left the pool last, if it has not come back and is
// still remembered.
func (p *Pool) Explain(id core.Hash) (Removed, bool) { return p.gone.get(id) }

// Lose remembers why a payment that was kept elsewhere, over a restart say, did
// not come back: err is what [Pool.Add] said. Now is in Unix milliseconds.
func (p *Pool) Lose(id core.Hash, err error, now uint64) {
	if p.byID[id] != nil {
		return
	}
	r := reasonOf(err)
	r.ID = id
	p.gone.put(r, now)
}

// reasonOf says why a payment that was in the pool, or in a block, cannot be in
// the pool now.
func reasonOf(err error) Removed {
	switch code := core.CodeOf(err); code {
	case core.ErrMissingCoin:
		return Removed{Reason: CoinGone}
	case core.ErrImmature:
		return Removed{Reason: Immature}
	case ErrFull:
		return Removed{Reason: Evicted}
	default:
		return Removed{Reason: Unwanted, Code: code}
	}
}
