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

// historyCost is what past takes for two payments, one that was confirmed and one
// of the others: their records, their places in the map, and what a node notes of
// the confirmed one besides. In bytes, rounded up.
const historyCost = 512

// past remembers why payments left: those that were confirmed apart from the
// others, since they are many and the chain has them anyway.
type past struct {
	byID      map[core.Hash]place
	confirmed ring[confirmation]
	others    ring[departure]
}

// place is where the last record of a payment lies: its number in its ring,
// doubled, and one more if that is the ring of confirmed ones.
type place uint64

func (p place) confirmed() bool { return p&1 == 1 }

func (p place) serial() uint64 { return uint64(p >> 1) }

func placeOf(confirmed bool, serial uint64) place {
	if confirmed {
		return place(serial<<1 | 1)
	}
	return place(serial << 1)
}

// confirmation is the record of a payment that a block took.
type confirmation struct {
	id    core.Hash
	block *core.Hash // shared with the record before, if it can be
	at    uint64
}

// departure is the record of a payment that left for another reason.
type departure struct {
	confirmation // its block is nil if none decided
	by, ancestor core.Hash
	reason       Reason
	code         core.Code
}

// ring holds the last records, numbered from 0.
type ring[R any] struct {
	most    int
	records []R
	next    uint64 // number of the next one
}

func newRing[R any](most int) ring[R] { return ring[R]{most: most} }

func (r *ring[R]) at(serial uint64) *R { return &r.records[serial%uint64(r.most)] }

// last returns the newest record, if there is one.
func (r *ring[R]) last() (rec R) {
	if r.next > 0 {
		rec = *r.at(r.next - 1)
	}
	return rec
}

// oldest returns the record that the next one will replace, and its number, if
// the ring is full.
func (r *ring[R]) oldest() (rec *R, serial uint64) {
	if len(r.records) < r.most {
		return nil, 0
	}
	serial = r.next - uint64(r.most)
	return r.at(serial), serial
}

func (r *ring[R]) put(rec R) {
	switch {
	case len(r.records) == r.most:
		*r.at(r.next) = rec
	case len(r.records) < cap(r.records):
		r.records = append(r.records, rec)
	default: // to no more than it will ever need
		r.records = append(append(make([]R, 0, min(r.most, 2*len(r.records)+64)), r.records...), rec)
	}
	r.next++
}

func newPast(most int) past {
	return past{byID: make(map[core.Hash]place), confirmed: newRing[confirmation](most), others: newRing[departure](most)}
}

// put remembers a removal, in place of an earlier one of the same payment.
func (h *past) put(r Removed, now uint64) {
	c := confirmation{id: r.ID, at: now}
	if r.Reason == Confirmed {
		if old, serial := h.confirmed.oldest(); old != nil {
			h.leave(old.id, placeOf(true, serial))
		}
		c.block = sharedBlock(r.Block, h.confirmed.last().block)
		h.byID[r.ID] = placeOf(true, h.confirmed.next)
		h.confirmed.put(c)
		return
	}
	if old, serial := h.others.oldest(); old != nil {
		h.leave(old.id, placeOf(false, serial))
	}
	c.block = sharedBlock(r.Block, h.others.last().block)
	h.byID[r.ID] = placeOf(false, h.others.next)
	h.others.put(departure{c, r.By, r.Ancestor, r.Reason, r.Code})
}

// memory is what there is, in bytes, with what a node notes besides.
func (h *past) memory() int {
	return max(len(h.confirmed.records), len(h.others.records)) * historyCost
}

// sharedBlock returns where a block's id is kept: at the same place as the last
// one if that is the same, nil if it is none.
func sharedBlock(id core.Hash, last *core.Hash) *core.Hash {
	switch {
	case id.IsZero():
		return nil
	case last != nil && *last == id:
		return last
	}
	return &id
}

// leave drops a payment from the map if its last record is at that place.
func (h *past) leave(id core.Hash, at place) {
	if was, ok := h.byID[id]; ok && was == at {
		delete(h.byID, id)
	}
}

// forget drops what is remembered of a payment, since it is in the pool again.
func (h *past) forget(id core.Hash) { delete(h.byID, id) }

func (h *past) get(id core.Hash) (r Removed, ok bool) {
	at, ok := h.byID[id]
	if !ok {
		return Removed{}, false
	}
	d := departure{reason: Confirmed}
	if at.confirmed() {
		d.confirmation = *h.confirmed.at(at.serial())
	} else {
		d = *h.others.at(at.serial())
	}
	r = Removed{ID: id, Reason: d.reason, By: d.by, Ancestor: d.ancestor, Code: d.code, At: d.at}
	if d.block != nil {
		r.Block = *d.block
	}
	return r, true
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
