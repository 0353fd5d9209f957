package simulation

import (
	"sync"
	"time"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// Kind is why a payment was made.
type Kind string

// Kinds that a node may well take: they count as payments.
const (
	Ordinary Kind = "ordinary"
	Swept    Kind = "sweep"
	Chained  Kind = "chained" // spends what its own wallet has just paid itself
	Bump     Kind = "bump"    // pays more than another of the same coins
	Double   Kind = "double"  // one of two of the same coins, handed to two nodes
	Child    Kind = "child"   // handed to a node before its parent
)

// Kinds that no node should take, when they are made.
const (
	Stale      Kind = "spent coin"       // of coins that were spent some time ago
	Cheap      Kind = "cheap"            // below the least fee rate
	Young      Kind = "young coin"       // of a coinbase that may not be spent yet
	Motherless Kind = "without a parent" // its parent is told to nobody
	Bad        Kind = "against the rules"
)

// counts reports whether payments of this kind are among those that were asked
// for.
func (k Kind) counts() bool {
	switch k {
	case Stale, Cheap, Young, Motherless, Bad:
		return false
	}
	return true
}

// answer is what a node said to a payment.
type answer struct {
	node   int
	at     time.Time
	status mempool.Status
	code   core.Code
}

// heard is what a node said of a payment that had left its pool, before the node
// was stopped.
type heard struct {
	node int
	mempool.Removed
}

// Payment is one that was handed to a node, and what was said to it.
type Payment struct {
	ID      core.Hash
	Tx      *core.Transaction
	Kind    Kind
	answers []answer
	heard   []heard
}

// taken reports whether a node has taken the payment into its pool, and so owes
// an explanation if it is never confirmed.
func (p *Payment) taken() bool {
	for _, a := range p.answers {
		if a.status == mempool.Accepted || a.status == mempool.Known {
			return true
		}
	}
	return false
}

// takenAfter reports whether a node has taken the payment after a time, in Unix
// milliseconds.
func (p *Payment) takenAfter(node int, ms uint64) bool {
	for _, a := range p.answers {
		if a.node == node && a.status == mempool.Accepted && uint64(a.at.UnixMilli()) > ms {
			return true
		}
	}
	return false
}

// Book remembers every payment that was handed to a node, in order.
type Book struct {
	mu       sync.Mutex // guards what follows
	payments []*Payment
	byID     map[core.Hash]*Payment
	// count is of those whose kind counts, repeats of those handed over again.
	count, repeats int
}

func newBook() *Book { return &Book{byID: map[core.Hash]*Payment{}} }

// note writes down what a node said to a payment.
func (b *Book) note(t *core.Transaction, kind Kind, a answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := t.ID()
	p := b.byID[id]
	if p == nil {
		p = &Payment{ID: id, Tx: t, Kind: kind}
		b.byID[id] = p
		b.payments = append(b.payments, p)
		if kind.counts() {
			b.count++
		}
	} else {
		b.repeats++
	}
	p.answers = append(p.answers, a)
}

// ask asks a node what became of all payments, as long as it remembers: what a
// pool has given up is forgotten when its node is stopped.
func (b *Book) ask(n *Node) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n.Chain.ReadPool(func(pool *mempool.Pool) {
		for _, p := range b.payments {
			if r, ok := pool.Explain(p.ID); ok && r.Reason != mempool.Confirmed {
				p.heard = append(p.heard, heard{n.index, r})
			}
		}
	})
}

// Count returns how many payments were made of kinds that a node may well take.
func (b *Book) Count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// Repeats returns how often a payment was handed over again.
func (b *Book) Repeats() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.repeats
}

// Payments returns all of them, in order. They must not be changed.
func (b *Book) Payments() []*Payment {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.payments[:len(b.payments):len(b.payments)]
}

// Get returns the payment of that txid, or nil.
func (b *Book) Get(id core.Hash) *Payment {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byID[id]
}
