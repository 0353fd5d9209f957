package chain_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// FuzzParseRecord: a stored header is read as it was written, under the id that
// its bytes have.
func FuzzParseRecord(f *testing.F) {
	h := core.LAN().Genesis().Header
	r := &chain.Record{Header: h, ParentTime: 7, Far: core.Hash{8}, Flags: chain.FlagBody}
	f.Add(r.AppendTo(nil))
	f.Add(r.AppendTo(nil)[1:])
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := chain.ParseRecord(b)
		if (err == nil) != (len(b) == chain.RecordSize) {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
		if err != nil {
			return
		}
		if again := r.AppendTo(nil); !bytes.Equal(again, b) || r.ID != r.Header.ID() {
			t.Fatalf("%x encodes to %x, id %s", b, again, r.ID)
		}
		st := r.State()
		if st.ID != r.ID || st.Height != r.Height || st.Work != r.Work || st.ParentTime != r.ParentTime {
			t.Fatalf("%+v has the state %+v", r, st)
		}
	})
}

// FuzzImport imports a stream that the bytes edit: blocks left out, doubled and
// swapped, lengths and bytes altered, the end cut off. Whatever comes, an error
// says whose fault it is, and what is then exported is a whole stream of valid
// blocks whose replay gives the chain's state.
func FuzzImport(f *testing.F) {
	b := newBuilder(f)
	var pieces [][]byte // of the stream: the head, then a block each, then the end
	genesis := b.genesis()
	pieces = append(pieces, append([]byte("ingchain-blocks\x01"), genesis[:]...))
	blocks := []*core.Block{b.child(genesis)}
	for n := 1; n < 6; n++ {
		parent := blocks[n-1]
		var pay []core.Transaction
		for _, c := range b.coins[parent.ID()] {
			if len(pay) == 0 && c.Coinbase {
				pay = append(pay, b.pay(c, 3))
			}
		}
		blocks = append(blocks, b.child(parent.ID(), pay...))
	}
	for _, blk := range blocks {
		pieces = append(pieces, append(binary.LittleEndian.AppendUint32(nil, uint32(blk.Size())), blk.Bytes()...))
	}
	last := blocks[len(blocks)-1].ID()
	pieces = append(pieces, append(make([]byte, 4), last[:]...))

	f.Add([]byte{})
	f.Add([]byte{0, 3})
	f.Add([]byte{1, 2})
	f.Add([]byte{2, 1, 4})
	f.Add([]byte{3, 5, 40, 0, 1})
	f.Add([]byte{4, 90, 1})
	f.Add([]byte{3, 0, 20, 0, 1})
	f.Add([]byte{5, 2, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, edits []byte) {
		s, stream := fuzzing.New(edits), slices.Clone(pieces)
		cut := -1
		for n := 0; !s.Empty() && n < 8 && len(stream) > 0; n++ {
			kind, at := s.Intn(6), s.Intn(len(stream))
			switch kind {
			case 0:
				stream = slices.Delete(stream, at, at+1)
			case 1:
				stream = slices.Insert(stream, at, stream[at])
			case 2:
				to := s.Intn(len(stream))
				stream[at], stream[to] = stream[to], stream[at]
			case 3:
				p := slices.Clone(stream[at])
				p[int(binary.LittleEndian.Uint16(s.Bytes(2)))%len(p)] ^= s.Byte()
				stream[at] = p
			case 4:
				cut = int(binary.LittleEndian.Uint16(s.Bytes(2)))
			case 5:
				p := slices.Clone(stream[at])
				copy(p, s.Bytes(4))
				stream[at] = p
			}
		}
		raw, whole := slices.Concat(stream...), slices.Concat(pieces...)
		if cut >= 0 {
			raw = raw[:min(cut, len(raw))]
		}
		m := newManager(t, chain.Options{})
		tip, err := m.Import(context.Background(), bytes.NewReader(raw), nil)
		kinds := []bool{err == nil, errors.Is(err, chain.ErrBadExport), errors.Is(err, chain.ErrWrongNetwork), core.CodeOf(err) != ""}
		if !slices.Contains(kinds, true) {
			t.Fatalf("%v says nothing of whose fault it is", err)
		}
		if bytes.HasPrefix(raw, whole) && (err != nil || tip.ID != last) || err == nil && len(raw) < len(pieces[0])+4+core.HashSize {
			t.Fatalf("%d of %d bytes, tip %s at height %d: %v", len(raw), len(whole), tip.ID, tip.Height, err)
		}
		if body, ours := bytes.CutPrefix(raw, pieces[0]); !ours && (err == nil || tip.Height > 0) || err == nil && !ends(body) {
			t.Fatalf("%d bytes that begin with %.60x pass for a whole stream of ours, to height %d", len(raw), raw, tip.Height)
		}
		var out bytes.Buffer
		if _, err := m.Export(context.Background(), &out); err != nil {
			t.Fatal(err)
		}
		if want := replayed(t, b.rules, out.Bytes()); *m.TipState() != *want || tip.ID != want.ID {
			t.Fatalf("tip %s at height %d, a replay gives %s at height %d", tip.ID, tip.Height, want.ID, want.Height)
		}
	})
}

// ends reports whether blocks are followed by a length of zero and an id.
func ends(b []byte) bool {
	for len(b) >= 4 {
		size := uint64(binary.LittleEndian.Uint32(b))
		if b = b[4:]; size == 0 {
			return len(b) >= core.HashSize
		}
		b = b[min(size, uint64(len(b))):]
	}
	return false
}

// replayed reads an export by hand and judges its blocks one after another.
func replayed(t *testing.T, rules *core.Rules, stream []byte) *core.State {
	t.Helper()
	genesis := rules.GenesisID()
	rest, ok := bytes.CutPrefix(stream, append([]byte("ingchain-blocks\x01"), genesis[:]...))
	if !ok {
		t.Fatalf("the export begins with %.60x", stream)
	}
	st, coins := rules.Params().GenesisState(), core.UTXOs{}
	for {
		size := binary.LittleEndian.Uint32(rest)
		if rest = rest[4:]; size == 0 {
			if !bytes.Equal(rest, st.ID[:]) {
				t.Fatalf("the export ends with %x", rest)
			}
			return &st
		}
		blk, err := core.ParseBlock(rest[:size:size])
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[size:]
		if err := rules.CheckBlock(blk); err != nil {
			t.Fatal(err)
		}
		next, diff, err := rules.ConnectBlock(&st, blk, coins)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range diff.Spent {
			delete(coins, c.Outpoint)
		}
		for _, c := range diff.Created {
			coins[c.Outpoint] = c
		}
		st = *next
	}
}
