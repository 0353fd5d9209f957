package pebbledb

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// FuzzValues reads keys and values that nobody wrote: each is refused as
// damaged, or is what would be written for it.
func FuzzValues(f *testing.F) {
	c := core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{1}, Index: 2}, Value: 3, Height: 4, Coinbase: true}
	v := &chain.Verdict{ID: core.Hash{5}, Height: 6, Code: core.ErrBits, Detail: "why", Revision: 7, Operator: true, Seq: 8}
	k := chain.Kin{Parent: core.Hash{1}, Child: core.Hash{2}}
	f.Add(coinKey(c.Outpoint), coinValue(&c))
	f.Add(verdictKey(v.ID), verdictValue(v))
	f.Add(verdictKey(v.ID), verdictValue(v)[:20])
	f.Add(waitingKey(k), []byte{})
	f.Add(blockKey(prefixBody, 9, core.Hash{3}), make([]byte, core.HashSize))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		refused := func(what string, err error) bool {
			if err != nil && !errors.Is(err, chain.ErrCorrupt) {
				t.Fatalf("%s: %v is not ErrCorrupt", what, err)
			}
			return err != nil
		}
		want := func(what string, k, v []byte) {
			if !bytes.Equal(k[1:], key[1:]) || v != nil && !bytes.Equal(v, value) {
				t.Fatalf("%s: %x, %x is written %x, %x", what, key, value, k, v)
			}
		}
		if c, err := parseCoin(key, value); !refused("coin", err) {
			want("coin", coinKey(c.Outpoint), coinValue(&c))
		}
		if v, err := parseVerdict(key, value); !refused("verdict", err) && value[16] <= 1 {
			want("verdict", verdictKey(v.ID), verdictValue(v))
		}
		if k, err := parseWaitingKey(key); !refused("waiting", err) {
			want("waiting", waitingKey(k), nil)
		}
		if k, err := parseBlockKey(key); !refused("block", err) {
			want("block", blockKey(prefixBody, k.Height, k.ID), nil)
		}
		if id, err := parseID(value); !refused("id", err) && !bytes.Equal(id[:], value) {
			t.Fatalf("id %x is %s", value, id)
		}
		if got, err := unseal(key, value); !refused("seal", err) && !bytes.Equal(got, value[:len(value)-crcSize]) {
			t.Fatalf("%x is unsealed as %x", value, got)
		}
	})
}

// stored is an entry of a store, and what reads it.
type stored struct {
	key  []byte
	read func(*DB) error
}

// fill writes one of everything into a store and lists it.
func fill(tb testing.TB, db *DB, rules *core.Rules) []stored {
	tb.Helper()
	g := rules.Genesis()
	id, other := g.ID(), core.Hash{9}
	coin := core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{1}}, Value: 5}
	st := rules.Params().GenesisState()
	err := errors.Join(db.Save(&chain.Changes{
		Records: []*chain.Record{{Header: g.Header, ID: id}}, Bodies: []*core.Block{g}, Tips: []core.Hash{id, other},
		Waiting: []chain.Kin{{Parent: id, Child: other}}, Judged: []*chain.Verdict{{ID: other, Code: core.ErrBits}},
	}), db.Commit(&chain.Commit{
		State: &st, Created: []core.Coin{coin}, Index: map[uint32]core.Hash{0: id, 1: other},
		Undo: []chain.UndoRecord{{BodyKey: chain.BodyKey{ID: id}, Undo: []byte{1, 2, 3}}},
	}))
	if err != nil {
		tb.Fatal(err)
	}
	first := func(err error, errs ...error) error { return errors.Join(append(errs, err)...) }
	return []stored{
		{headerKey(id), func(db *DB) error { _, err := db.Record(id); return err }},
		{blockKey(prefixBody, 0, id), func(db *DB) error {
			_, err := db.Body(0, id)
			var each error
			return first(db.EachBody(func(_ chain.BodyKey, _ []byte, err error) error { each = err; return nil }), err, each)
		}},
		{blockKey(prefixUndo, 0, id), func(db *DB) error { _, err := db.Undo(0, id); return err }},
		{keyTips, func(db *DB) error { _, err := db.Tips(); return err }},
		{keyFlushed, func(db *DB) error { _, err := db.Flushed(); return err }},
		{waitingKey(chain.Kin{Parent: id, Child: other}), func(db *DB) error { _, err := db.Waiting(); return err }},
		{verdictKey(other), func(db *DB) error { _, err := db.Verdicts(); return err }},
		{coinKey(coin.Outpoint), func(db *DB) error {
			err := db.Coins([]core.Outpoint{coin.Outpoint}, core.UTXOs{})
			var each error
			return first(db.EachCoin(func(_ core.Coin, err error) error { each = err; return nil }), err, each)
		}},
		{indexKey(1), func(db *DB) error {
			_, err := db.Index(1, 1)
			_, more := db.Index(0, 3)
			var each error
			return first(db.EachIndex(func(_ uint32, _ core.Hash, err error) error { each = errors.Join(each, err); return nil }), err, more, each)
		}},
	}
}

// FuzzDamagedStore damages one entry of a store. Up to four bytes in a row are
// always noticed, whatever they become; a value of wrong size under a good
// checksum, and a key that means nothing, are told as damage and nothing else.
func FuzzDamagedStore(f *testing.F) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		f.Fatal(err)
	}
	db, err := OpenMem(rules.GenesisID())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	entries := fill(f, db, rules)
	for i := range entries {
		f.Add(byte(i), uint16(0), []byte{1, 0, 0, 0x80}, []byte{}, []byte{})
		f.Add(byte(i), uint16(65535), []byte{}, []byte{1}, entries[i].key[1:])
		f.Add(byte(i), uint16(2), []byte{9}, make([]byte, core.HashSize), []byte{1})
	}
	get := func(t *testing.T, key []byte) []byte { // nil if there is none
		got, closer, err := db.pebble.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			return nil
		} else if err != nil {
			t.Fatal(err)
		}
		defer closer.Close()
		return slices.Clone(got)
	}
	set := func(t *testing.T, key, value []byte) {
		err := db.pebble.Set(key, value, pebble.NoSync)
		if value == nil {
			err = db.pebble.Delete(key, pebble.NoSync)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, at uint16, xor, instead, suffix []byte) {
		e := entries[int(which)%len(entries)]
		strange := append([]byte{e.key[0]}, suffix[:min(len(suffix), 80)]...)
		sealed, other := get(t, e.key), get(t, strange)
		if err := e.read(db); err != nil {
			t.Fatalf("undamaged: %v", err)
		}
		damaged := slices.Clone(sealed)
		for i, x := range xor[:min(len(xor), crcSize)] {
			if p := int(at)%len(damaged) + i; p < len(damaged) {
				damaged[p] ^= x
			}
		}
		set(t, e.key, damaged)
		if err := e.read(db); !bytes.Equal(damaged, sealed) != errors.Is(err, chain.ErrCorrupt) {
			t.Fatalf("entry %q, damaged %v: %v", e.key, !bytes.Equal(damaged, sealed), err)
		}
		// Something else under a good checksum, and an entry of another key.
		for _, key := range [][]byte{e.key, strange} {
			if err := db.write(pebble.NoSync, func(w *batch) { w.set(key, instead[:min(len(instead), 300)]) }); err != nil {
				t.Fatal(err)
			}
			if err := e.read(db); err != nil && !errors.Is(err, chain.ErrCorrupt) && !errors.Is(err, chain.ErrNotFound) {
				t.Fatalf("entry %q holds %x: %v", key, instead, err)
			}
		}
		set(t, strange, other)
		set(t, e.key, sealed)
	})
}
