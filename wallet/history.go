package wallet

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/ingchain/ingchain/core"
)

const (
	// SettledDepth is the number of confirmations from which a transaction is no
	// longer watched for a reorganisation that takes it out.
	SettledDepth = 144
	// MaxWatched bounds the transactions that are watched; the oldest go first.
	MaxWatched = 10_000
)

// Entry is a transaction that concerns the wallet, as the node tells it now.
type Entry struct {
	Tx *core.Transaction
	// Block, Height and Time (Unix ms) are of the block that has it. A pending
	// transaction has none; its Time is when the node got it.
	Block  core.Hash
	Height uint32
	Time   uint64
	// Position is the transaction's place in its block.
	Position uint32
	Pending  bool
}

// Seen is what the wallet remembers of a transaction that is not settled, so
// that it can tell when it is gone.
type Seen struct {
	TxID core.Hash
	// Raw are its bytes, kept to send them again.
	Raw []byte
	// Height is that of the block that had it when last seen, 0 if it was
	// pending.
	Height uint32
	// Time is the last known one, Unix ms.
	Time uint64
}

// Status is where a transaction stands.
type Status string

// Statuses.
const (
	Confirmed Status = "confirmed"
	Waiting   Status = "pending"
	// ReorganisedOut was in a block that is no longer on the best chain, and is
	// in no other block and not in the pool.
	ReorganisedOut Status = "reorganised-out"
	// Dropped was pending, and is neither in a block nor in the pool now.
	Dropped Status = "dropped"
	// Replaced is gone and can't come back while the transaction stands that
	// spends one of the same coins.
	Replaced Status = "replaced"
)

// Row is a transaction in the wallet's history. Amounts are in grains.
type Row struct {
	TxID   core.Hash `json:"txid"`
	Status Status    `json:"status"`
	// Confirmations counts the block that has it and those on it.
	Confirmations uint32    `json:"confirmations"`
	Height        uint32    `json:"height,omitempty"`
	Block         core.Hash `json:"block,omitzero"`
	Time          uint64    `json:"time"`
	Coinbase      bool      `json:"coinbase,omitempty"`
	// In is what came to addresses of ours, change not counted, Out what we paid
	// to others, Self what we moved among our own.
	In   core.Amount `json:"in"`
	Out  core.Amount `json:"out"`
	Self core.Amount `json:"self"`
	// Fee is the transaction's; FeeOurs tells that we paid it.
	Fee     core.Amount `json:"fee"`
	FeeOurs bool        `json:"fee_ours"`
	// Net is what the transaction did to our balance.
	Net int64 `json:"net"`
	// From and To are the other sides: who paid us, or whom we paid.
	From []core.Address `json:"-"`
	To   []core.Address `json:"-"`
	// Data is what the payer wrote to it, for anybody to read; a coinbase's is its
	// miner's and left out.
	Data []byte `json:"-"`
	// ReplacedBy is the transaction that spends the same coins, if Replaced.
	ReplacedBy core.Hash `json:"replaced_by,omitzero"`
	// Raw are the bytes to send again, for what was reorganised out or dropped.
	Raw []byte `json:"-"`
	// Partial tells that others' coins are among the inputs, or that ours could
	// not all be told, so that Out and Net are the least that is known.
	Partial bool `json:"partial,omitempty"`
	// Watched tells that it moves coins of watched addresses alone: theirs are the
	// amounts, and our balance is as it was.
	Watched bool `json:"watched,omitempty"`

	position uint32
}

// View is all that a history is made of.
type View struct {
	// Own tells addresses of ours, watched ones among them.
	Own func(core.Address) bool
	// Watched tells those of them that are only watched; nil if none, or all, are.
	// They count as others' in whatever moves coins of ours, as in a balance.
	Watched func(core.Address) bool
	// IsChange tells those of our addresses that only change goes to.
	IsChange func(core.Address) bool
	// Height is that of the tip.
	Height uint32
	// Entries are the node's, of all our addresses; the same one may come
	// several times. All that are pending, have fewer than [SettledDepth]
	// confirmations, or are in Seen and stand, however deep by now, must be there:
	// what was seen and is missing counts as gone. Others may be left out, and then
	// have no row.
	Entries []Entry
	// Seen is what the last call returned.
	Seen []Seen
	// Taken tells which transactions, on the chain or in the pool, spend coins of
	// those that are gone, as far as the node knows: others' coins are in no entry.
	// It may be nil, as in a first call, whose rows tell what to ask.
	Taken map[core.Outpoint]core.Hash
}

// History returns the rows, the newest first (pending ones, then by height), and
// what to remember for the next call. What was seen and is neither in a block nor
// in the pool now is told, with the bytes to send it again.
func History(v View) (rows []Row, seen []Seen) {
	b := builder{view: v, coins: map[core.Outpoint]core.Output{}, entries: map[core.Hash]*Entry{}, spenders: map[core.Outpoint]core.Hash{}}
	for i := range v.Entries {
		b.enter(&v.Entries[i])
	}
	gone := b.gone()
	for id, e := range b.entries {
		rows = append(rows, b.row(id, e))
		if s, watch := b.remember(id, e); watch {
			seen = append(seen, s)
		}
	}
	for _, g := range gone {
		rows = append(rows, b.goneRow(g))
		seen = append(seen, g.seen)
	}
	slices.SortFunc(rows, newestFirst)
	slices.SortFunc(seen, func(a, b Seen) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), bytes.Compare(a.TxID[:], b.TxID[:]))
	})
	return rows, seen[:min(len(seen), MaxWatched)]
}

// newestFirst puts what is in no block before what is.
func newestFirst(a, b Row) int {
	inBlock := func(r Row) int {
		if r.Status == Confirmed {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(inBlock(a), inBlock(b)), cmp.Compare(b.Height, a.Height), cmp.Compare(b.position, a.position),
		cmp.Compare(b.Time, a.Time), bytes.Compare(a.TxID[:], b.TxID[:]))
}

type builder struct {
	view     View
	coins    map[core.Outpoint]core.Output // outputs to us
	entries  map[core.Hash]*Entry
	spenders map[core.Outpoint]core.Hash // of what the node knows now
}

// enter takes what the node tells. The block's word goes before the pool's.
func (b *builder) enter(e *Entry) {
	id := e.Tx.ID()
	if known := b.entries[id]; known != nil && !known.Pending {
		return
	}
	b.entries[id] = e
	b.collect(id, e.Tx)
	for i := range e.Tx.Inputs {
		b.spenders[e.Tx.Inputs[i].Outpoint] = id
	}
}

// collect notes the outputs that are ours.
func (b *builder) collect(id core.Hash, t *core.Transaction) {
	for i, out := range t.Outputs {
		if b.view.Own(out.Address) {
			b.coins[core.Outpoint{TxID: id, Index: uint32(i)}] = out
		}
	}
}

type goneTx struct {
	seen Seen
	tx   *core.Transaction
}

// gone returns what was seen and is nowhere now.
func (b *builder) gone() []goneTx {
	var gone []goneTx
	for _, s := range b.view.Seen {
		if b.entries[s.TxID] != nil {
			continue
		}
		t, err := core.ParseTransaction(s.Raw)
		if err != nil || t.ID() != s.TxID {
			continue // nothing to tell or send
		}
		b.collect(s.TxID, t)
		gone = append(gone, goneTx{s, t})
	}
	return gone
}

func (b *builder) row(id core.Hash, e *Entry) Row {
	r := b.amounts(id, e.Tx)
	r.Time, r.Status = e.Time, Waiting
	if !e.Pending {
		r.Status, r.Height, r.Block, r.position = Confirmed, e.Height, e.Block, e.Position
		if b.view.Height >= e.Height {
			r.Confirmations = b.view.Height - e.Height + 1
		}
	}
	return r
}

func (b *builder) goneRow(g goneTx) Row {
	r := b.amounts(g.seen.TxID, g.tx)
	r.Time, r.Status = g.seen.Time, Dropped
	if g.seen.Height > 0 {
		r.Status = ReorganisedOut
	}
	for i := range g.tx.Inputs {
		coin := g.tx.Inputs[i].Outpoint
		other, spent := b.spenders[coin]
		if !spent {
			other, spent = b.view.Taken[coin]
		}
		if spent && other != g.seen.TxID { // else it came back meanwhile
			r.Status, r.ReplacedBy = Replaced, other
		}
	}
	// A coinbase lives and dies with its block.
	if r.Status != Replaced && !r.Coinbase {
		r.Raw = g.seen.Raw
	}
	return r
}

// remember returns what to keep of a transaction that is not settled.
func (b *builder) remember(id core.Hash, e *Entry) (Seen, bool) {
	s := Seen{TxID: id, Raw: e.Tx.AppendTo(nil), Time: e.Time}
	if e.Pending {
		return s, true
	}
	s.Height = e.Height
	return s, b.view.Height < e.Height || b.view.Height-e.Height+1 < SettledDepth
}

// amounts tells what a transaction moves. A coin's owner is told by the witness;
// what it is worth by the transaction that made it, which concerns us as well if
// the coin was ours.
func (b *builder) amounts(id core.Hash, t *core.Transaction) Row {
	r := Row{TxID: id, Coinbase: t.IsCoinbase(), Fee: t.Fee}
	if !r.Coinbase {
		r.Data = t.Data
	}
	mine := b.mine(t)
	if mine == nil {
		mine, r.Watched = b.view.Own, true
	}
	spent, ours, others, unknown := b.inputs(t, mine, &r)
	var received, change, paid core.Amount
	for _, out := range t.Outputs {
		switch {
		case !mine(out.Address):
			paid += out.Value
			if ours > 0 {
				r.To = appendNew(r.To, out.Address)
			}
		case b.view.IsChange(out.Address):
			change += out.Value
			received += out.Value
		default:
			received += out.Value
		}
	}
	if ours > 0 && others == 0 {
		spent = received + paid + t.Fee // exactly, by the rules
		unknown = 0
	}
	r.Net = int64(received) - int64(spent)
	r.FeeOurs = ours > 0 && others == 0
	r.Partial = ours > 0 && others > 0 || unknown > 0
	switch {
	case ours == 0:
		r.In = received
	case others == 0:
		r.Out, r.Self = paid, received-change
	case r.Net >= 0:
		r.In = core.Amount(r.Net)
	default:
		r.Out = core.Amount(-r.Net)
	}
	return r
}

// mine tells whose coins count as ours in a transaction; nil if it moves those of
// watched addresses alone.
func (b *builder) mine(t *core.Transaction) func(core.Address) bool {
	if b.view.Watched == nil {
		return b.view.Own
	}
	held := func(a core.Address) bool { return b.view.Own(a) && !b.view.Watched(a) }
	for i := range t.Outputs {
		if held(t.Outputs[i].Address) {
			return held
		}
	}
	for i := range t.Witnesses {
		if held(core.AddressOf(t.Witnesses[i].PublicKey)) {
			return held
		}
	}
	return nil
}

// inputs counts ours and others', and sums what ours were worth as far as known.
func (b *builder) inputs(t *core.Transaction, mine func(core.Address) bool, r *Row) (spent core.Amount, ours, others, unknown int) {
	for i := range t.Inputs {
		in := &t.Inputs[i]
		owner := core.AddressOf(t.Witnesses[in.Owner].PublicKey)
		if !mine(owner) {
			others++
			r.From = appendNew(r.From, owner)
			continue
		}
		ours++
		if coin, known := b.coins[in.Outpoint]; known {
			spent += coin.Value
		} else {
			unknown++
		}
	}
	return spent, ours, others, unknown
}

func appendNew(list []core.Address, a core.Address) []core.Address {
	if slices.Contains(list, a) {
		return list
	}
	return append(list, a)
}
