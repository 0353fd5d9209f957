package index

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ingchain/ingchain/core"
)

// totalsCost is roughly what changed totals take in a batch, in bytes.
const totalsCost = 64

// batch gathers what steps along the chain change, to be written at once. Rows
// that were written are read from the store; what the batch itself added and
// needs again is in recent. Steps back come before steps forward, so that what
// they read is in the store. There is one batch at a time.
type batch struct {
	s *store
	b *pebble.Batch
	// tip is the block that the index stands at after the batch.
	tip Tip
	// dirty are the addresses whose totals change.
	dirty  []core.Address
	blocks int

	// touched is scratch: what one transaction does to each address.
	touched map[core.Address]*touch
	key     []byte // scratch
	err     error  // the first failure of a write
}

// touch is what a transaction does to an address.
type touch struct {
	received, sent core.Amount
	paid, spent    uint64 // outputs
}

// txEffect is what a transaction does to the tables.
type txEffect struct {
	id    core.Hash
	at    place
	outs  []output
	spent []placedOutput
}

func newBatch(s *store, tip Tip) *batch {
	return &batch{s: s, b: s.db.NewBatch(), tip: tip, touched: make(map[core.Address]*touch)}
}

// bytes is roughly the memory that the batch takes.
func (w *batch) bytes() int { return w.b.Len() + len(w.dirty)*totalsCost }

func (w *batch) set(key, value []byte) {
	if w.err == nil {
		w.err = w.b.Set(key, value, nil)
	}
	w.key = key[:0]
}

func (w *batch) delete(key []byte) {
	if w.err == nil {
		w.err = w.b.Delete(key, nil)
	}
	w.key = key[:0]
}

// commit writes the batch, with the tip.
func (w *batch) commit() error {
	for i := range w.dirty {
		a := &w.dirty[i]
		t := w.s.recent.totals[*a]
		t.dirty = false
		if t.txs == 0 {
			w.delete(addressKey(w.key, prefixTotals, a))
		} else {
			w.set(addressKey(w.key, prefixTotals, a), appendTotals(nil, &t.totals))
		}
	}
	if w.tip.ID.IsZero() {
		w.delete(keyTip)
	} else {
		w.set(keyTip, tipValue(w.tip))
	}
	if w.err == nil {
		b := w.b // the call may outlive w
		w.err = w.s.fault.Call(func() error { return b.Commit(pebble.NoSync) })
	}
	if w.err != nil {
		return storeError("write", w.err)
	}
	w.s.recent.trim()
	w.s.release(w.b)
	w.b = nil
	return nil
}

// apply adds the block that follows the tip.
func (w *batch) apply(blk *core.Block) error {
	h := &blk.Header
	if first := w.tip.ID.IsZero() && h.Height == 0; !first && h.Parent != w.tip.ID {
		return damagedf("block %s does not follow %s", blk.ID(), w.tip.ID)
	}
	var undo []byte
	spends := false
	buf := make([]byte, 0, 64)
	for i := range blk.Txs {
		tx := &blk.Txs[i]
		e := txEffect{id: blk.TxID(i), at: place{h.Height, uint32(i)}}
		if i > maxU24 || len(tx.Outputs) > maxU24 || len(tx.Inputs) > maxU24 {
			return damagedf("transaction %s is too long to index", e.id)
		}
		undo = binary.AppendUvarint(undo, uint64(len(tx.Inputs)))
		e.spent = make([]placedOutput, len(tx.Inputs))
		for j := range tx.Inputs {
			var err error
			if e.spent[j], err = w.resolve(tx.Inputs[j].Outpoint); err != nil {
				return err
			}
			spends = true
			undo = appendUndo(undo, h.Height, e.spent[j].at)
		}
		e.outs = make([]output, len(tx.Outputs))
		for j := range tx.Outputs {
			e.outs[j] = output{tx.Outputs[j].Value, tx.Outputs[j].Address}
			w.s.recent.outs[core.Outpoint{TxID: e.id, Index: uint32(j)}] = placedOutput{outPlace{e.at, uint32(j)}, e.outs[j]}
		}
		w.set(txKey(w.key, &e.id), appendPlace(buf, e.at))
		w.set(txAtKey(w.key, e.at), e.id[:])
		for j, s := range e.spent {
			w.set(outKey(w.key, prefixSpender, s.at), appendSpending(buf, spending{e.at, uint32(j)}))
			w.delete(unspentKey(w.key, &s.address, s.at))
		}
		for j := range e.outs {
			o, at := &e.outs[j], outPlace{e.at, uint32(j)}
			w.set(outKey(w.key, prefixOutput, at), appendOutput(buf, o))
			w.set(unspentKey(w.key, &o.address, at), binary.AppendUvarint(buf, uint64(o.value)))
		}
		if err := w.count(&e, true); err != nil {
			return err
		}
	}
	id := blk.ID()
	w.set(heightKey(w.key, prefixBlock, h.Height), id[:])
	if spends {
		w.set(heightKey(w.key, prefixUndo, h.Height), undo)
	}
	w.tip = Tip{Height: h.Height, ID: id}
	w.blocks++
	return w.err
}

// revert takes back the tip.
func (w *batch) revert() error {
	height := w.tip.Height
	effects, err := w.effects(height)
	if err != nil {
		return err
	}
	for i := len(effects) - 1; i >= 0; i-- {
		e := &effects[i]
		w.delete(txKey(w.key, &e.id))
		w.delete(txAtKey(w.key, e.at))
		// What the block made and spent itself comes back here and goes with the
		// transaction that made it, which stands before.
		for _, s := range e.spent {
			w.delete(outKey(w.key, prefixSpender, s.at))
			w.set(unspentKey(w.key, &s.address, s.at), binary.AppendUvarint(nil, uint64(s.value)))
		}
		for j := range e.outs {
			at := outPlace{e.at, uint32(j)}
			delete(w.s.recent.outs, core.Outpoint{TxID: e.id, Index: uint32(j)})
			w.delete(outKey(w.key, prefixOutput, at))
			w.delete(unspentKey(w.key, &e.outs[j].address, at))
		}
		if err := w.count(e, false); err != nil {
			return err
		}
	}
	w.delete(heightKey(w.key, prefixBlock, height))
	w.delete(heightKey(w.key, prefixUndo, height))
	w.tip = Tip{}
	if height > 0 {
		parent, err := blockAt(w.s, w.s.db, height-1)
		if err != nil {
			return err
		}
		w.tip = Tip{Height: height - 1, ID: parent}
	}
	w.blocks++
	return w.err
}

// effects reads what the block at a height did.
func (w *batch) effects(height uint32) ([]txEffect, error) {
	var effects []txEffect
	err := each(w.s.db, heightKey(nil, prefixTxAt, height), func(key, value []byte) error {
		id, err := parseHash(value)
		if err != nil || len(key) != 1+placeLen || u24(key[5:]) != uint32(len(effects)) {
			return damagedf("transactions at height %d", height)
		}
		effects = append(effects, txEffect{id: id, at: readPlace(key[1:])})
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = each(w.s.db, heightKey(nil, prefixOutput, height), func(key, value []byte) error {
		o, err := parseOutput(value)
		if err != nil || len(key) != 1+outLen {
			return damagedf("outputs at height %d", height)
		}
		at := readOutPlace(key[1:])
		if int(at.pos) >= len(effects) || int(at.index) != len(effects[at.pos].outs) {
			return damagedf("outputs at height %d", height)
		}
		effects[at.pos].outs = append(effects[at.pos].outs, o)
		return nil
	})
	if err != nil {
		return nil, err
	}
	undo, err := w.s.get(w.s.db, heightKey(nil, prefixUndo, height))
	if errors.Is(err, pebble.ErrNotFound) {
		return effects, nil // a block that spends nothing
	} else if err != nil {
		return nil, storeError("read what a block spent", err)
	}
	return effects, w.spends(height, effects, undo)
}

// spends fills in what the transactions of a block spent.
func (w *batch) spends(height uint32, effects []txEffect, undo []byte) error {
	for i := range effects {
		n, size := binary.Uvarint(undo)
		if size <= 0 || n > uint64(len(undo)) {
			return damagedf("what the block at height %d spent", height)
		}
		undo = undo[size:]
		effects[i].spent = make([]placedOutput, n)
		for j := range effects[i].spent {
			s := &effects[i].spent[j]
			var ok bool
			if s.at, undo, ok = readUndo(undo, height); !ok {
				return damagedf("what the block at height %d spent", height)
			}
			var err error
			if s.output, err = outputAt(w.s, w.s.db, s.at); err != nil {
				return err
			}
		}
	}
	if len(undo) > 0 {
		return damagedf("what the block at height %d spent", height)
	}
	return nil
}

func appendUndo(b []byte, height uint32, p outPlace) []byte {
	b = binary.AppendUvarint(b, uint64(height-p.height))
	b = binary.AppendUvarint(b, uint64(p.pos))
	return binary.AppendUvarint(b, uint64(p.index))
}

func readUndo(b []byte, height uint32) (p outPlace, rest []byte, ok bool) {
	var v [3]uint64
	for i := range v {
		n := 0
		if v[i], n = binary.Uvarint(b); n <= 0 {
			return p, b, false
		}
		b = b[n:]
	}
	if v[0] > uint64(height) || v[1] > maxU24 || v[2] > maxU24 {
		return p, b, false
	}
	return outPlace{place{height - uint32(v[0]), uint32(v[1])}, uint32(v[2])}, b, true
}

// resolve finds the output that an input spends. The chain has judged the block,
// so one that is missing is damage.
func (w *batch) resolve(op core.Outpoint) (placedOutput, error) {
	if o, ok := w.s.recent.outs[op]; ok {
		delete(w.s.recent.outs, op) // a coin is spent once
		return o, nil
	}
	p, err := txPlace(w.s, w.s.db, &op.TxID)
	if err != nil {
		return placedOutput{}, storeError("find the transaction that a payment spends", err)
	}
	if op.Index > maxU24 {
		return placedOutput{}, damagedf("output %d of %s, which a payment spends, is not there", op.Index, op.TxID)
	}
	at := outPlace{p, op.Index}
	o, err := outputAt(w.s, w.s.db, at)
	return placedOutput{at, o}, err
}

// count adds a transaction to the history and the totals of the addresses that
// it touches, or takes it away.
func (w *batch) count(e *txEffect, add bool) error {
	clear(w.touched)
	at := func(a core.Address) *touch {
		t := w.touched[a]
		if t == nil {
			t = new(touch)
			w.touched[a] = t
		}
		return t
	}
	for i := range e.outs {
		t := at(e.outs[i].address)
		t.received += e.outs[i].value
		t.paid++
	}
	for i := range e.spent {
		t := at(e.spent[i].address)
		t.sent += e.spent[i].value
		t.spent++
	}
	for a, t := range w.touched {
		sum, err := w.total(a)
		if err != nil {
			return err
		}
		if add {
			w.set(historyKey(w.key, &a, e.at), appendHistory(nil, t))
			err = sum.add(t)
		} else {
			w.delete(historyKey(w.key, &a, e.at))
			err = sum.subtract(t)
		}
		if err != nil {
			return err
		}
	}
	return w.err
}

// total returns the totals of an address, to be changed.
func (w *batch) total(a core.Address) (*totals, error) {
	t := w.s.recent.totals[a]
	if t == nil {
		stored, err := totalsOf(w.s, w.s.db, &a)
		if err != nil {
			return nil, err
		}
		t = &recentTotals{totals: stored}
		w.s.recent.totals[a] = t
	}
	if !t.dirty {
		t.dirty = true
		w.dirty = append(w.dirty, a)
	}
	return &t.totals, nil
}

func (s *totals) add(t *touch) error {
	if s.balance+uint64(t.received) < uint64(t.sent) || s.unspent+t.paid < t.spent {
		return damagedf("an address spends more than it has")
	}
	s.balance += uint64(t.received) - uint64(t.sent)
	s.received += uint64(t.received)
	s.txs++
	s.outputs += t.paid
	s.unspent += t.paid - t.spent
	return nil
}

func (s *totals) subtract(t *touch) error {
	if s.balance+uint64(t.sent) < uint64(t.received) || s.unspent+t.spent < t.paid || s.outputs < t.paid || s.txs == 0 {
		return damagedf("an address had less than is taken back")
	}
	s.balance += uint64(t.sent) - uint64(t.received)
	s.received -= uint64(t.received)
	s.txs--
	s.outputs -= t.paid
	s.unspent += t.spent - t.paid
	return nil
}

func appendHistory(b []byte, t *touch) []byte {
	b = binary.AppendUvarint(b, uint64(t.received))
	return binary.AppendUvarint(b, uint64(t.sent))
}

// drop ends a batch that is not to be written; after commit it does nothing.
func (w *batch) drop() {
	if w.b != nil {
		w.s.recent = newRecent()
		w.s.release(w.b)
		w.b = nil
	}
}
