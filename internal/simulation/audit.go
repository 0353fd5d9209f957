package simulation

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
)

// Audit is what became of all payments, once the world is of one mind.
type Audit struct {
	// Fates counts payments by kind and by what became of them.
	Fates map[Kind]map[string]int
	// Unexplained are payments that a node has taken, that are not confirmed, and
	// of which nobody can tell why.
	Unexplained []string
	// Wrong are answers that contradict the chain.
	Wrong []string

	world     *World
	book      *Book
	confirmed map[core.Hash]uint32        // txid -> height
	spenders  map[core.Outpoint]core.Hash // of the chain
	fates     map[core.Hash]string        // found so far
}

// Fates that a payment can have beside those that begin with "refused: ", and
// that a node names.
const (
	fateConfirmed = "confirmed"
	fateOrphan    = "never came in: a coin is missing"
	fateForgotten = "never came in: its coins came too late"
	fateSpent     = "the chain: another payment took its coin"
	fateNoParent  = "the chain: its parent is not in it"
	fateNone      = "unexplained"
)

// fateByNode is the fate of a payment that a node explains.
func (a *Audit) fateByNode(p *Payment, r *mempool.Removed) string {
	s := "the node: " + string(r.Reason)
	if r.Code != "" {
		s += ", " + string(r.Code)
	}
	if r.Reason == mempool.CoinGone || r.Reason == mempool.Immature {
		switch {
		case a.spendable(p):
			s += ", though its coins are there again"
		case a.rival(p):
			s += ", and the chain has who took it"
		default:
			s += ", and the chain has not what made it"
		}
	}
	return s
}

// rival reports whether another payment of the chain spends a coin of this one.
func (a *Audit) rival(p *Payment) bool {
	for _, in := range p.Tx.Inputs {
		if by, ok := a.spenders[in.Outpoint]; ok && by != p.ID {
			return true
		}
	}
	return false
}

// spendable reports whether a payment could still be mined: all of its coins are
// unspent ones of the chain.
func (a *Audit) spendable(p *Payment) bool {
	for _, in := range p.Tx.Inputs {
		_, made := a.confirmed[in.TxID]
		_, spent := a.spenders[in.Outpoint]
		if !made || spent {
			return false
		}
	}
	return true
}

// Audit follows every payment of the book to its end: it is on the chain, or
// nobody took it and it has been told why, or a node explains why not.
func (w *World) Audit(book *Book) (*Audit, error) {
	a := &Audit{
		Fates: map[Kind]map[string]int{}, world: w, book: book,
		confirmed: map[core.Hash]uint32{}, spenders: map[core.Outpoint]core.Hash{},
		fates: map[core.Hash]string{},
	}
	if err := a.read(); err != nil {
		return nil, err
	}
	for _, p := range book.Payments() {
		fate := a.fate(p, map[core.Hash]bool{})
		if a.Fates[p.Kind] == nil {
			a.Fates[p.Kind] = map[string]int{}
		}
		a.Fates[p.Kind][fate]++
		if fate != fateConfirmed {
			a.owed(p)
		}
		if fate == fateNone {
			a.Unexplained = append(a.Unexplained, a.story(p))
		}
		if p.Kind == Bad && (fate == fateConfirmed || p.taken()) {
			a.Wrong = append(a.Wrong, "against the rules, and taken: "+a.story(p))
		}
	}
	return a, nil
}

// read goes through the chain.
func (a *Audit) read() error {
	c := a.world.Nodes[0].Chain
	for h := uint32(1); h <= c.Tip().Height; h++ {
		b, err := c.BlockAt(h)
		if err != nil {
			return err
		}
		for i := range b.Txs {
			a.confirmed[b.TxID(i)] = h
			for _, in := range b.Txs[i].Inputs {
				a.spenders[in.Outpoint] = b.TxID(i)
			}
		}
	}
	return nil
}

// fate says what became of a payment. Asked holds those that the question has
// come from.
func (a *Audit) fate(p *Payment, asked map[core.Hash]bool) string {
	if _, ok := a.confirmed[p.ID]; ok {
		return fateConfirmed
	}
	if f, ok := a.fates[p.ID]; ok {
		return f
	}
	if asked[p.ID] {
		return fateNone
	}
	asked[p.ID] = true
	defer delete(asked, p.ID)
	f := a.search(p, asked)
	if f != fateNone {
		a.fates[p.ID] = f
	}
	return f
}

// search asks the nodes, then those who asked them before, then the chain.
func (a *Audit) search(p *Payment, asked map[core.Hash]bool) string {
	for _, n := range a.nodes(p) {
		if r, ok := n.explain(p.ID); ok && a.holds(p, &r, asked) {
			return a.fateByNode(p, &r)
		}
	}
	for _, h := range slices.Backward(p.heard) {
		if !p.takenAfter(h.node, h.At) && a.holds(p, &h.Removed, asked) {
			return a.fateByNode(p, &h.Removed)
		}
	}
	if !p.taken() {
		return a.refusal(p)
	}
	return a.byChain(p, asked)
}

// owed notes nodes that have taken a payment, were not stopped since, and don't
// know what became of it, or have it in a block that is not on the chain.
func (a *Audit) owed(p *Payment) {
	for _, n := range a.world.Nodes {
		r, ok := n.explain(p.ID)
		switch {
		case ok && r.Reason == mempool.Confirmed:
			a.Wrong = append(a.Wrong, fmt.Sprintf("node %d takes it for confirmed: %s", n.index, a.story(p)))
		case !ok && p.takenAfter(n.index, uint64(n.started.UnixMilli())):
			a.Wrong = append(a.Wrong, fmt.Sprintf("node %d has taken it and forgotten why it left: %s", n.index, a.story(p)))
		}
	}
}

// nodes lists them, those first that have taken the payment.
func (a *Audit) nodes(p *Payment) (nodes []*Node) {
	first := map[int]bool{}
	for _, an := range p.answers {
		if an.status != mempool.Refused && !first[an.node] {
			first[an.node] = true
			nodes = append(nodes, a.world.Nodes[an.node])
		}
	}
	for _, n := range a.world.Nodes {
		if !first[n.index] {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// explain asks a node why a payment left its pool.
func (n *Node) explain(id core.Hash) (r mempool.Removed, ok bool) {
	n.Chain.ReadPool(func(p *mempool.Pool) { r, ok = p.Explain(id) })
	return r, ok
}

// holds reports whether an explanation leads to something that can be seen: what
// took its place is confirmed, or explained itself.
func (a *Audit) holds(p *Payment, r *mempool.Removed, asked map[core.Hash]bool) bool {
	switch r.Reason {
	case mempool.Conflict, mempool.Replaced:
		if !a.rivals(p, r.By) {
			a.Wrong = append(a.Wrong, fmt.Sprintf("%s by %s, which spends none of its coins: %s", r.Reason, r.By.Short(), a.story(p)))
			return false
		}
		if _, ok := a.confirmed[r.By]; ok {
			return true
		}
		by := a.book.Get(r.By)
		return by != nil && a.fate(by, asked) != fateNone
	case mempool.CoinGone, mempool.Immature:
		return a.spendable(p) || a.byChain(p, asked) != fateNone
	case mempool.Confirmed:
		return false // it is not
	}
	return true
}

// rivals reports whether a payment, or one that it depends on, spends a coin that
// another payment spends.
func (a *Audit) rivals(p *Payment, by core.Hash) bool {
	rival := a.book.Get(by)
	if rival == nil {
		return false
	}
	coins := map[core.Outpoint]bool{}
	for _, in := range rival.Tx.Inputs {
		coins[in.Outpoint] = true
	}
	seen := map[core.Hash]bool{}
	for line := []*Payment{p}; len(line) > 0; {
		p, line = line[0], line[1:]
		if seen[p.ID] {
			continue
		}
		seen[p.ID] = true
		for _, in := range p.Tx.Inputs {
			if coins[in.Outpoint] {
				return true
			}
			if parent := a.book.Get(in.TxID); parent != nil {
				line = append(line, parent)
			}
		}
	}
	return false
}

// refusal is the fate of a payment that no node has taken: what it was told, at
// once. Nobody promises to keep one that waits for its coins.
func (a *Audit) refusal(p *Payment) string {
	for _, an := range p.answers {
		if an.status == mempool.Refused && an.code != core.ErrMissingCoin {
			return "refused: " + string(an.code)
		}
	}
	if !a.spendable(p) {
		return fateOrphan
	}
	return fateForgotten
}

// byChain looks for the reason in the chain, as a wallet's history does: a coin
// went elsewhere, or never came to be.
func (a *Audit) byChain(p *Payment, asked map[core.Hash]bool) string {
	if a.rival(p) {
		return fateSpent
	}
	for _, in := range p.Tx.Inputs {
		if _, ok := a.confirmed[in.TxID]; ok {
			continue
		}
		if parent := a.book.Get(in.TxID); parent == nil || a.fate(parent, asked) != fateNone {
			return fateNoParent
		}
	}
	return fateNone
}

// story tells all that is known of a payment.
func (a *Audit) story(p *Payment) string {
	s := fmt.Sprintf("%s payment %s, fee %d:", p.Kind, p.ID.Short(), p.Tx.Fee)
	for _, in := range p.Tx.Inputs {
		_, made := a.confirmed[in.TxID]
		by, spent := a.spenders[in.Outpoint]
		s += fmt.Sprintf(" input %s:%d (confirmed %t, spent %t by %s);", in.TxID.Short(), in.Index, made, spent, by.Short())
	}
	for _, h := range p.heard {
		s += fmt.Sprintf(" node %d explained: %s by %s, at %d;", h.node, h.Reason, h.By.Short(), h.At)
	}
	for _, an := range p.answers {
		s += fmt.Sprintf(" node %d said %s %s at %d;", an.node, an.status, an.code, an.at.UnixMilli())
	}
	for _, n := range a.world.Nodes {
		if r, ok := n.explain(p.ID); ok {
			s += fmt.Sprintf(" node %d explains: %s by %s, block %s, ancestor %s, code %q, at %d;",
				n.index, r.Reason, r.By.Short(), r.Block.Short(), r.Ancestor.Short(), r.Code, r.At)
		}
	}
	return s
}

// Table returns the fates of all payments for people, a line for each fate.
func (a *Audit) Table() (lines []string) {
	kinds := slices.Sorted(maps.Keys(a.Fates))
	fates := map[string]int{}
	for _, by := range a.Fates {
		for f, n := range by {
			fates[f] += n
		}
	}
	head := fmt.Sprintf("%-58s %8s", "", "all")
	for _, k := range kinds {
		head += fmt.Sprintf(" %*s", max(8, len(k)), k)
	}
	lines = append(lines, head)
	names := slices.Sorted(maps.Keys(fates))
	slices.SortStableFunc(names, func(x, y string) int { return fates[y] - fates[x] })
	for _, f := range names {
		line := fmt.Sprintf("%-58s %8d", f, fates[f])
		for _, k := range kinds {
			line += fmt.Sprintf(" %*d", max(8, len(k)), a.Fates[k][f])
		}
		lines = append(lines, line)
	}
	return lines
}
