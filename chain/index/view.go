package index

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

const (
	// MaxPage bounds the entries of one answer.
	MaxPage = 1000
	// MaxOutputs bounds the outpoints of one call of View.Outputs.
	MaxOutputs = 4096
)

// Cursor is a place in a list that goes from the newest to the oldest. The zero
// Cursor stands before the newest. It names a place on the chain, so it holds
// while blocks are added; after a reorganisation, which the tip of an answer
// shows, a list is better read anew.
type Cursor struct{ Height, Position, Output uint32 }

// IsZero reports whether c stands before the newest entry.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// String writes c as height-position-output.
func (c Cursor) String() string {
	return fmt.Sprintf("%d-%d-%d", c.Height, c.Position, c.Output)
}

// ParseCursor reads what [Cursor.String] wrote; the empty string is the zero
// Cursor.
func ParseCursor(s string) (c Cursor, err error) {
	if s == "" {
		return c, nil
	}
	_, err = fmt.Sscanf(s, "%d-%d-%d", &c.Height, &c.Position, &c.Output)
	if err != nil || c.String() != s || c.Position > maxU24 || c.Output > maxU24 {
		return Cursor{}, fmt.Errorf("cursor %.40q: give back the one of the page before, or none", s)
	}
	return c, nil
}

// Tx is where a transaction stands.
type Tx struct {
	TxID    core.Hash
	BlockID core.Hash
	Height  uint32
	// Position is that in the block; 0 is the coinbase.
	Position uint32
}

// Cursor stands behind t, for the history of any address.
func (t *Tx) Cursor() Cursor { return Cursor{Height: t.Height, Position: t.Position} }

// Entry is a transaction in the history of an address.
type Entry struct {
	Tx
	// Received is what it pays to the address, Sent what it spends of it, in
	// grains. Both are set where change comes back.
	Received, Sent core.Amount
}

// Coinbase reports whether the transaction mints.
func (e *Entry) Coinbase() bool { return e.Position == 0 }

// History is a page of the history of an address, the newest first.
type History struct {
	Tip     Tip
	Entries []Entry
	// Next continues the list; zero at its end.
	Next Cursor
}

// Unspent is a page of the unspent outputs of an address, the newest first.
type Unspent struct {
	Tip   Tip
	Coins []core.Coin
	// Next continues the list; zero at its end.
	Next Cursor
}

// Balance sums up an address, in grains.
type Balance struct {
	Tip Tip
	// Confirmed may be spent in the next block; Immature are minted coins that
	// may not yet. Together they are all that the address has on the chain.
	Confirmed, Immature core.Amount
	// Received is all that was ever paid to the address, change included, modulo
	// 2^64.
	Received core.Amount
	// Txs is how many transactions touch the address, Outputs how many outputs
	// pay to it, Unspent how many of these are left.
	Txs, Outputs, Unspent uint64
}

// Output is an output of the best chain, spent or not.
type Output struct {
	core.Coin
	// Spender is the transaction that spends it, nil if none does; Input is the
	// place in the list of its inputs.
	Spender *Tx
	Input   uint32
}

// View reads the index as it stands after one block, whatever comes meanwhile.
// It keeps the store from closing, so it must be closed soon. It is for one
// goroutine.
type View struct {
	x    *Index
	s    *store
	snap *pebble.Snapshot
	tip  Tip
	// blocks remembers ids by height.
	blocks map[uint32]core.Hash
}

// View opens a view. It fails with [ErrDamaged] for the moment in which a
// damaged store is replaced, and with [chain.ErrClosed].
func (x *Index) View() (*View, error) {
	s, err := x.current()
	if err != nil {
		return nil, err
	}
	if err := s.enter(); err != nil {
		return nil, err
	}
	v := &View{x: x, s: s, blocks: make(map[uint32]core.Hash)}
	v.snap = s.db.NewSnapshot()
	if v.tip, err = tipOf(s, v.snap); err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// Close ends the view. Closing again does nothing.
func (v *View) Close() {
	if v.s == nil {
		return
	}
	if v.snap != nil {
		// A snapshot has nothing to lose.
		_ = v.snap.Close()
	}
	v.s.life.Leave()
	v.s = nil
}

// Tip returns the block that the view stands at; zero if the index has none.
func (v *View) Tip() Tip { return v.tip }

// read runs fn on the snapshot. Damage that it meets is Run's to mend.
func (v *View) read(fn func(s *store, r pebble.Reader) error) error {
	if v.s == nil {
		return fmt.Errorf("view of the address index: %w", chain.ErrClosed)
	}
	if err := v.s.fault.Err(); err != nil {
		return err
	}
	err := fn(v.s, v.snap)
	if errors.Is(err, ErrDamaged) {
		v.s.fault.Fail(err)
	}
	return err
}

// Block returns the id of the block at a height, or [chain.ErrNotFound].
func (v *View) Block(height uint32) (id core.Hash, err error) {
	if v.tip.ID.IsZero() || height > v.tip.Height {
		return id, fmt.Errorf("height %d on an index up to %d: %w", height, v.tip.Height, chain.ErrNotFound)
	}
	err = v.read(func(*store, pebble.Reader) error { id, err = v.block(height); return err })
	return id, err
}

func (v *View) block(height uint32) (core.Hash, error) {
	if id, ok := v.blocks[height]; ok {
		return id, nil
	}
	id, err := blockAt(v.s, v.snap, height)
	if err == nil {
		v.blocks[height] = id
	}
	return id, err
}

// tx tells which transaction stands at a place.
func (v *View) tx(p place) (t Tx, err error) {
	t = Tx{Height: p.height, Position: p.pos}
	if t.TxID, err = txAt(v.s, v.snap, p); err != nil {
		return t, err
	}
	t.BlockID, err = v.block(p.height)
	return t, err
}

// History lists the transactions that touch an address behind a cursor, up to
// limit, at most MaxPage.
func (v *View) History(a core.Address, after Cursor, limit int) (History, error) {
	h := History{Tip: v.tip}
	var last Cursor
	more, err := v.page(addressKey(nil, prefixHistory, &a), placeLen, after, limit, func(key, value []byte) error {
		var sums [2]uint64
		if err := uvarints(value, sums[:]); err != nil {
			return err
		}
		t, err := v.tx(readPlace(key))
		h.Entries = append(h.Entries, Entry{Tx: t, Received: core.Amount(sums[0]), Sent: core.Amount(sums[1])})
		last = t.Cursor()
		return err
	})
	if more {
		h.Next = last
	}
	return h, err
}

// Unspent lists the unspent outputs of an address behind a cursor, up to limit,
// at most MaxPage. Immature ones are among them.
func (v *View) Unspent(a core.Address, after Cursor, limit int) (Unspent, error) {
	u := Unspent{Tip: v.tip}
	var last Cursor
	more, err := v.page(addressKey(nil, prefixUnspent, &a), outLen, after, limit, func(key, value []byte) error {
		var sum [1]uint64
		if err := uvarints(value, sum[:]); err != nil {
			return err
		}
		p := readOutPlace(key)
		id, err := txAt(v.s, v.snap, p.place)
		u.Coins = append(u.Coins, core.Coin{
			Outpoint: core.Outpoint{TxID: id, Index: p.index}, Value: core.Amount(sum[0]),
			Height: p.height, Coinbase: p.pos == 0, Address: a,
		})
		last = Cursor{p.height, p.pos, p.index}
		return err
	})
	if more {
		u.Next = last
	}
	return u, err
}

// page calls fn for up to limit rows of an address, the newest first, with what
// stands behind the address in the key. It reports whether there are more.
func (v *View) page(prefix []byte, size int, after Cursor, limit int, fn func(key, value []byte) error) (more bool, err error) {
	upper := behind(prefix)
	if !after.IsZero() {
		at := appendOutPlace(nil, outPlace{place{after.Height, min(after.Position, maxU24)}, min(after.Output, maxU24)})
		upper = append(append([]byte(nil), prefix...), at[:size]...)
	}
	left := max(1, min(limit, MaxPage))
	err = v.read(func(_ *store, r pebble.Reader) (err error) {
		it, err := r.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: upper})
		if err != nil {
			return storeError("read rows", err)
		}
		defer func() { err = errors.Join(err, storeError("read rows", it.Close())) }()
		for ok := it.Last(); ok; ok = it.Prev() {
			if left == 0 {
				more = true
				return nil
			}
			left--
			value, err := it.ValueAndErr()
			if err != nil {
				return storeError("read a row", err)
			}
			if len(it.Key()) != len(prefix)+size {
				return damagedf("key of %d bytes", len(it.Key()))
			}
			if err := fn(it.Key()[len(prefix):], value); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}

// Balance sums up an address. One that the chain has never seen has nothing.
func (v *View) Balance(a core.Address) (Balance, error) {
	b := Balance{Tip: v.tip}
	err := v.read(func(s *store, r pebble.Reader) error {
		t, err := totalsOf(s, r, &a)
		if err != nil {
			return err
		}
		b.Txs, b.Outputs, b.Unspent = t.txs, t.outputs, t.unspent
		b.Received = core.Amount(t.received)
		if t.unspent > 0 {
			if b.Immature, err = v.immature(r, &a); err != nil {
				return err
			}
		}
		if uint64(b.Immature) > t.balance {
			return damagedf("an address has %d, %d of it immature", t.balance, b.Immature)
		}
		b.Confirmed = core.Amount(t.balance) - b.Immature
		return nil
	})
	return b, err
}

// immature sums up what recent coinbases paid to an address. None of it can be
// spent, so their entries in the history say all. There is one seek per entry
// and block, however many payments lie between.
func (v *View) immature(r pebble.Reader, a *core.Address) (sum core.Amount, err error) {
	maturity := uint64(v.x.src.Rules().Params().CoinbaseMaturity)
	// The coins of a height may be spent from height + maturity on, and the next
	// block is the one that counts.
	first := uint32(max(uint64(v.tip.Height)+2, maturity) - maturity)
	prefix := addressKey(nil, prefixHistory, a)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: behind(prefix)})
	if err != nil {
		return 0, storeError("read rows", err)
	}
	defer func() { err = errors.Join(err, storeError("read rows", it.Close())) }()
	key := historyKey(nil, a, place{height: first})
	for ok := it.SeekGE(key); ok; ok = it.SeekGE(key) {
		if len(it.Key()) != len(prefix)+placeLen {
			return 0, damagedf("key of %d bytes", len(it.Key()))
		}
		p := readPlace(it.Key()[len(prefix):])
		if p.pos == 0 {
			value, err := it.ValueAndErr()
			if err != nil {
				return 0, storeError("read a row", err)
			}
			var sums [2]uint64
			if err := uvarints(value, sums[:]); err != nil {
				return 0, err
			}
			sum += core.Amount(sums[0])
		}
		if p.height == v.tip.Height {
			break
		}
		key = historyKey(key[:0], a, place{height: p.height + 1})
	}
	return sum, storeError("read rows", it.Error())
}

// Tx returns where a transaction stands, or [chain.ErrNotFound].
func (v *View) Tx(id core.Hash) (t Tx, err error) {
	err = v.read(func(s *store, r pebble.Reader) error {
		p, err := txPlace(s, r, &id)
		if errors.Is(err, pebble.ErrNotFound) {
			return fmt.Errorf("transaction %s: %w", id, chain.ErrNotFound)
		} else if err != nil {
			return storeError("find a transaction", err)
		}
		t = Tx{TxID: id, Height: p.height, Position: p.pos}
		t.BlockID, err = v.block(p.height)
		return err
	})
	return t, err
}

// Output returns an output with its spender, or [chain.ErrNotFound].
func (v *View) Output(op core.Outpoint) (Output, error) {
	outs, err := v.Outputs([]core.Outpoint{op})
	if err != nil {
		return Output{}, err
	}
	if outs[0] == nil {
		return Output{}, fmt.Errorf("output %d of %s: %w", op.Index, op.TxID, chain.ErrNotFound)
	}
	return *outs[0], nil
}

// Outputs returns outputs with their spenders, at most MaxOutputs at a time; nil
// stands for what the best chain does not have.
func (v *View) Outputs(ops []core.Outpoint) ([]*Output, error) {
	if len(ops) > MaxOutputs {
		return nil, fmt.Errorf("%d outputs asked for, at most %d at a time", len(ops), MaxOutputs)
	}
	outs := make([]*Output, len(ops))
	err := v.read(func(*store, pebble.Reader) (err error) {
		for i := range ops {
			if outs[i], err = v.output(ops[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return outs, err
}

func (v *View) output(op core.Outpoint) (*Output, error) {
	if op.Index > maxU24 {
		return nil, nil
	}
	p, err := txPlace(v.s, v.snap, &op.TxID)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	} else if err != nil {
		return nil, storeError("find a transaction", err)
	}
	at := outPlace{p, op.Index}
	value, err := v.s.get(v.snap, outKey(nil, prefixOutput, at))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil // the transaction has fewer outputs
	} else if err != nil {
		return nil, storeError("read an output", err)
	}
	o, err := parseOutput(value)
	if err != nil {
		return nil, err
	}
	out := &Output{Coin: core.Coin{Outpoint: op, Value: o.value, Height: p.height, Coinbase: p.pos == 0, Address: o.address}}
	value, err = v.s.get(v.snap, outKey(nil, prefixSpender, at))
	if errors.Is(err, pebble.ErrNotFound) {
		return out, nil
	} else if err != nil {
		return nil, storeError("read a spender", err)
	}
	sp, err := parseSpending(value)
	if err != nil {
		return nil, err
	}
	t, err := v.tx(sp.place)
	out.Spender, out.Input = &t, sp.input
	return out, err
}
