package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingchain/ingchain/core"
)

func hashes(n int) []core.Hash {
	ids := make([]core.Hash, n)
	for i := range ids {
		binary.LittleEndian.PutUint32(ids[i][:], uint32(i+1))
	}
	return ids
}

func headers(n int) []core.Header {
	hs := make([]core.Header, n)
	for i := range hs {
		hs[i] = core.Header{Version: 1, Height: uint32(i), Parent: core.Hash{byte(i)}, Time: uint64(i) << 32, Bits: 7, Nonce: 9}
	}
	return hs
}

// samples holds small messages of every type, and those at their bounds.
func samples() []Message {
	var work [core.WorkSize]byte
	for i := range work {
		work[i] = byte(i + 1)
	}
	return []Message{
		&Hello{Version: Version, Genesis: core.Hash{1}, Tip: core.Hash{2}, Height: 1<<32 - 1, Work: core.WorkFromBytes(work),
			Clock: 1 << 63, Capabilities: CapHeaders | CapRange, Stamp: 5, Echo: 6, Held: 7, Agent: strings.Repeat("a", MaxAgent)},
		&Hello{Version: Version},
		&HelloRefused{Code: RefusedGenesis, Genesis: core.Hash{3}, Text: strings.Repeat("t", MaxText)},
		&GetHeaders{Locator: hashes(core.MaxLocator), Stop: core.Hash{4}, Max: MaxHeaders},
		&GetHeaders{Locator: []core.Hash{}, Max: 1},
		&Headers{Headers: headers(3)},
		&Headers{Headers: headers(MaxHeaders)},
		&GetBlocks{IDs: hashes(MaxBlocks)},
		&GetRange{Tip: core.Hash{5}, From: 1<<32 - MaxBlocks, Count: MaxBlocks},
		&NotFound{ID: core.Hash{6}},
		&End{More: true},
		&End{},
		&Error{Code: CodeBusy, Text: strings.Repeat("e", MaxText)},
		&GetTxs{IDs: hashes(MaxTxs)},
		&Tx{Bytes: []byte("any bytes")},
		&GetPool{Epoch: 1 << 63, After: 7},
		&TxIDs{Epoch: 8, Next: 1 << 63, More: true, IDs: hashes(MaxPoolIDs)},
		&TxIDs{Epoch: 1, IDs: []core.Hash{}},
		&GetBlockTxs{Block: core.Hash{9}, Positions: positions(MaxBlockTxs)},
		&GetBlockTxs{Positions: []uint16{0, 1<<16 - 1}},
	}
}

func positions(n int) []uint16 {
	list := make([]uint16, n)
	for i := range list {
		list[i] = uint16(i)
	}
	return list
}

func TestRoundTrip(t *testing.T) {
	for _, m := range samples() {
		payload := m.AppendTo(nil)
		if len(payload) > m.MaxSize() || m.MaxSize() != m.Type().MaxSize() {
			t.Errorf("%v: %d bytes, MaxSize %d and %d", m.Type(), len(payload), m.MaxSize(), m.Type().MaxSize())
		}
		got, err := Parse(m.Type(), payload)
		if err != nil {
			t.Errorf("%v: %v", m.Type(), err)
			continue
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("%v: (-sent +got)\n%s", m.Type(), diff)
		}
		if again := got.AppendTo(nil); !bytes.Equal(again, payload) {
			t.Errorf("%v: encodes differently after parsing", m.Type())
		}
	}
}

// The largest value of each message fills MaxSize exactly, so the stated
// maximum is neither too small nor generous. (A Hello keeps room for later.)
func TestMaxSizeIsReached(t *testing.T) {
	largest := map[Type]int{TypeBlock: core.MaxBlockBytesLimit, TypeTx: core.MaxBlockBytesLimit}
	for _, m := range samples() {
		largest[m.Type()] = max(largest[m.Type()], len(m.AppendTo(nil)))
	}
	largest[TypeHello] += helloExtra
	for ty := TypeHello; ty <= TypeGetBlockTxs; ty++ {
		if largest[ty] != ty.MaxSize() {
			t.Errorf("%v: largest sample has %d bytes, MaxSize says %d", ty, largest[ty], ty.MaxSize())
		}
	}
}

func TestEveryTruncationFails(t *testing.T) {
	for _, m := range samples() {
		if m.Type() == TypeTx {
			continue // any bytes
		}
		payload := m.AppendTo(nil)
		step := 1 + len(payload)/2000 // the long ones in about 2,000 cuts
		for i := 0; i < len(payload); i += step {
			if _, err := Parse(m.Type(), payload[:i]); !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v cut to %d of %d bytes: %v", m.Type(), i, len(payload), err)
			}
		}
		if _, err := Parse(m.Type(), append(bytes.Clone(payload), 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%v with a byte behind: %v", m.Type(), err)
		}
	}
}

func TestHelloOfLaterVersion(t *testing.T) {
	later := (&Hello{Version: Version + 1, Agent: "later"}).AppendTo(nil)
	m, err := ParseHello(append(later, make([]byte, helloExtra)...))
	if err != nil || m.Agent != "later" {
		t.Errorf("fields of a later version: %v, %v", m, err)
	}
	if _, err := ParseHello(append(later, make([]byte, helloExtra+1)...)); err == nil {
		t.Error("more than the room for later fields is accepted")
	}
}

func TestRefusedValues(t *testing.T) {
	tests := []struct {
		name    string
		ty      Type
		payload []byte
	}{
		{"version 0", TypeHello, (&Hello{}).AppendTo(nil)},
		{"escape in agent", TypeHello, bytes.Replace((&Hello{Version: 1, Agent: "a?b"}).AppendTo(nil), []byte("?"), []byte{0x1b}, 1)},
		{"102 locator ids", TypeGetHeaders, (&GetHeaders{Locator: hashes(core.MaxLocator + 1), Max: 1}).AppendTo(nil)},
		{"0 headers", TypeGetHeaders, (&GetHeaders{}).AppendTo(nil)},
		{"2001 headers asked", TypeGetHeaders, (&GetHeaders{Max: MaxHeaders + 1}).AppendTo(nil)},
		{"2001 headers", TypeHeaders, (&Headers{Headers: headers(MaxHeaders + 1)}).AppendTo(nil)},
		{"a count that is only claimed", TypeHeaders, binary.AppendUvarint(nil, 1999)},
		{"padded count", TypeHeaders, []byte{0x80, 0x00}},
		{"0 blocks", TypeGetBlocks, (&GetBlocks{}).AppendTo(nil)},
		{"513 blocks", TypeGetBlocks, (&GetBlocks{IDs: hashes(MaxBlocks + 1)}).AppendTo(nil)},
		{"0 blocks of a range", TypeGetRange, (&GetRange{}).AppendTo(nil)},
		{"513 blocks of a range", TypeGetRange, (&GetRange{Count: MaxBlocks + 1}).AppendTo(nil)},
		{"range above all heights", TypeGetRange, (&GetRange{From: 1<<32 - 1, Count: 2}).AppendTo(nil)},
		{"flag 2", TypeEnd, []byte{2}},
		{"no transaction", TypeGetTxs, (&GetTxs{}).AppendTo(nil)},
		{"1,025 transactions", TypeGetTxs, (&GetTxs{IDs: hashes(MaxTxs + 1)}).AppendTo(nil)},
		{"2,049 txids", TypeTxIDs, (&TxIDs{IDs: hashes(MaxPoolIDs + 1)}).AppendTo(nil)},
		{"flag 2 of a page", TypeTxIDs, append(make([]byte, 16), 2, 0)},
		{"an empty page with more behind it", TypeTxIDs, (&TxIDs{More: true}).AppendTo(nil)},
		{"no position", TypeGetBlockTxs, (&GetBlockTxs{}).AppendTo(nil)},
		{"8,193 positions", TypeGetBlockTxs, (&GetBlockTxs{Positions: positions(MaxBlockTxs + 1)}).AppendTo(nil)},
		{"a position twice", TypeGetBlockTxs, (&GetBlockTxs{Positions: []uint16{3, 3}}).AppendTo(nil)},
		{"descending positions", TypeGetBlockTxs, (&GetBlockTxs{Positions: []uint16{3, 2}}).AppendTo(nil)},
		{"unknown type", 77, nil},
	}
	for _, tt := range tests {
		if _, err := Parse(tt.ty, tt.payload); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", tt.name, err)
		}
	}
}

func TestFrames(t *testing.T) {
	var b []byte
	for _, m := range samples() {
		b = AppendFrame(b, m)
	}
	r := bufio.NewReader(bytes.NewReader(b))
	for _, want := range samples() {
		ty, payload, err := ReadFrame(r, nil)
		if err != nil || ty != want.Type() || !bytes.Equal(payload, want.AppendTo(nil)) {
			t.Fatalf("%v: got %v, %d bytes, %v", want.Type(), ty, len(payload), err)
		}
	}
	if _, _, err := ReadFrame(r, nil); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
}

func TestFrameErrors(t *testing.T) {
	huge := func(n uint64) []byte { return binary.AppendUvarint([]byte{byte(TypeHeaders)}, n) }
	tests := []struct {
		name string
		in   []byte
		want error
	}{
		{"max+1", huge(uint64(TypeHeaders.MaxSize()) + 1), ErrMalformed},
		{"2^32", huge(1 << 32), ErrMalformed},
		{"2^63", huge(1 << 63), ErrMalformed},
		{"unknown type", []byte{200, 0}, ErrMalformed},
		{"type 0", []byte{0, 0}, ErrMalformed},
		{"unwanted type", AppendFrame(nil, &GetBlocks{IDs: hashes(1)}), ErrMalformed},
		{"padded length", []byte{byte(TypeEnd), 0x81, 0x00, 0}, ErrMalformed},
		{"no length", []byte{byte(TypeEnd)}, io.ErrUnexpectedEOF},
		{"half a length", []byte{byte(TypeHeaders), 0x80}, io.ErrUnexpectedEOF},
		{"no payload", huge(100), io.ErrUnexpectedEOF},
		{"payload cut", append(huge(100), 1, 2, 3), io.ErrUnexpectedEOF},
	}
	limit := func(ty Type) int {
		if ty == TypeGetBlocks {
			return 0
		}
		return ty.MaxSize()
	}
	for _, tt := range tests {
		_, _, err := ReadFrame(bufio.NewReader(bytes.NewReader(tt.in)), limit)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// A peer that claims 32 MiB and sends a little must not cost 32 MiB.
func TestClaimedLengthCostsNothing(t *testing.T) {
	in := AppendFrameHeader(nil, TypeBlock, core.MaxBlockBytesLimit)
	in = append(in, make([]byte, 1000)...)
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, _, err := ReadFrame(bufio.NewReaderSize(bytes.NewReader(in), 16), nil); err == nil {
				b.Fatal("a cut frame was read")
			}
		}
	})
	if per := got.AllocedBytesPerOp(); per > 2*readChunk {
		t.Errorf("%d bytes allocated for 1,000 that arrived", per)
	}
}

func TestPrintable(t *testing.T) {
	if got := Printable("ing\x1bchain/é", 9); got != "ing?chain" {
		t.Errorf("got %q", got)
	}
}

// testBlock makes a block of a coinbase and n payments that needn't be valid.
func testBlock(t testing.TB, n int) *core.Block {
	t.Helper()
	txs := []core.Transaction{core.NewCoinbase(5, 50, core.Address{}, []byte("x"))}
	for i := range n {
		txs = append(txs, core.Transaction{
			Version:   1,
			Inputs:    []core.Input{{Outpoint: core.Outpoint{TxID: core.Hash{1}, Index: uint32(i)}}},
			Outputs:   []core.Output{{Value: core.Amount(i + 1)}},
			Witnesses: make([]core.Witness, 1),
		})
	}
	leaves := make([]core.Hash, len(txs))
	for i := range txs {
		leaves[i] = core.MerkleLeaf(txs[i].ID(), txs[i].WitnessID())
	}
	b, err := core.NewBlock(core.Header{Version: 1, Height: 5, MerkleRoot: core.MerkleRoot(leaves)}, txs)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnnouncement(t *testing.T) {
	for _, payments := range []int{0, 1, 5} {
		b := testBlock(t, payments)
		a, err := ParseAnnouncement(Announce(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Check(); err != nil {
			t.Errorf("%d payments: %v", payments, err)
		}
		if a.ID != b.ID() || len(a.Leaves) != payments+1 {
			t.Errorf("%d payments: id %s, %d leaves", payments, a.ID, len(a.Leaves))
		}
		whole, ok := a.Block()
		if ok != (payments == 0) {
			t.Errorf("%d payments: whole block %v", payments, ok)
		}
		if ok && !bytes.Equal(whole.Bytes(), b.Bytes()) {
			t.Error("the rebuilt block differs")
		}
	}
}

func TestAnnouncementRebuild(t *testing.T) {
	b := testBlock(t, 3)
	a, err := ParseAnnouncement(Announce(b))
	if err != nil {
		t.Fatal(err)
	}
	pool := map[core.Hash]*core.Transaction{}
	for i := range b.Txs {
		pool[b.Leaves()[i]] = &b.Txs[i]
	}
	lookup := func(leaf core.Hash) *core.Transaction { return pool[leaf] }
	got, missing, err := a.Rebuild(lookup)
	if err != nil || len(missing) != 0 || !bytes.Equal(got.Bytes(), b.Bytes()) {
		t.Fatalf("warm pool: %v, missing %v", err, missing)
	}
	delete(pool, b.Leaves()[2])
	got, missing, err = a.Rebuild(lookup)
	if err != nil || got != nil || !cmp.Equal(missing, []int{2}) {
		t.Errorf("one unknown: block %v, missing %v, %v", got != nil, missing, err)
	}
}

func TestLargeBlockIsAnnouncedByHeader(t *testing.T) {
	b := testBlock(t, MaxAnnouncedLeaves)
	data := Announce(b)
	if len(data) != 1+core.HeaderSize {
		t.Fatalf("%d bytes for %d transactions", len(data), len(b.Txs))
	}
	a, err := ParseAnnouncement(data)
	if err != nil || a.Check() != nil || a.ID != b.ID() {
		t.Fatalf("header alone: %v", err)
	}
	if _, ok := a.Block(); ok {
		t.Error("a header became a block")
	}
	if n := len(Announce(testBlock(t, MaxAnnouncedLeaves-1))); n < MaxAnnouncedLeaves*core.HashSize || n > MaxAnnouncementSize {
		t.Errorf("largest list of leaves: %d bytes", n)
	}
}

func TestFalseAnnouncements(t *testing.T) {
	b := testBlock(t, 2)
	good := Announce(b)
	change := func(f func(a *Announcement)) error {
		a, err := ParseAnnouncement(good)
		if err != nil {
			t.Fatal(err)
		}
		f(a)
		return a.Check()
	}
	if err := change(func(a *Announcement) { a.Coinbase.Outputs[0].Value++ }); !errors.Is(err, ErrAnnouncement) {
		t.Errorf("other coinbase: %v", err)
	}
	if err := change(func(a *Announcement) { a.Leaves[1], a.Leaves[2] = a.Leaves[2], a.Leaves[1] }); !errors.Is(err, ErrAnnouncement) {
		t.Errorf("leaves swapped: %v", err)
	}
	for i := range good {
		if _, err := ParseAnnouncement(good[:i]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	payment := bytes.Clone(b.Header.AppendTo([]byte{kindLeaves}))
	raw := b.Txs[1].AppendTo(nil)
	payment = append(binary.AppendUvarint(payment, uint64(len(raw))), raw...)
	payment = appendHashes(payment, b.Leaves())
	if _, err := ParseAnnouncement(payment); !errors.Is(err, ErrMalformed) {
		t.Errorf("payment for a coinbase: %v", err)
	}
	if _, err := ParseAnnouncement(make([]byte, MaxAnnouncementSize+1)); !errors.Is(err, ErrMalformed) {
		t.Errorf("oversize: %v", err)
	}
}

func TestTxBatch(t *testing.T) {
	b := testBlock(t, 2)
	pay, coinbase := b.Txs[1].AppendTo(nil), b.Txs[0].AppendTo(nil)
	batch := AppendTxBatch(nil, [][]byte{pay, coinbase})
	m, err := ParseTxBatch(batch)
	if err != nil || len(m.Txs) != 2 || m.Size != len(batch) || m.Txs[0].ID() != b.Txs[1].ID() || m.Txs[1].ID() != b.Txs[0].ID() {
		t.Fatalf("%+v, %v", m, err)
	}
	for i := range batch {
		if _, err := ParseTxBatch(batch[:i]); !errors.Is(err, ErrMalformed) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	many := make([][]byte, MaxBatchTxs+1)
	for i := range many {
		many[i] = pay
	}
	if _, err := ParseTxBatch(AppendTxBatch(nil, many[1:])); err != nil {
		t.Errorf("as many as may be: %v", err)
	}
	for name, bad := range map[string][]byte{
		"a byte behind":     append(bytes.Clone(batch), 0),
		"kind 2":            append([]byte{2}, batch[1:]...),
		"nothing":           {kindTxBatch, 0},
		"1,025 payments":    AppendTxBatch(nil, many),
		"half a payment":    AppendTxBatch(nil, [][]byte{pay[:len(pay)-1]}),
		"a payment and 0":   AppendTxBatch(nil, [][]byte{append(bytes.Clone(pay), 0)}),
		"more than 512 KiB": append(bytes.Clone(batch), make([]byte, MaxBatchSize)...),
	} {
		if _, err := ParseTxBatch(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The largest payment of the default network fits.
	if size := TxBatchSize(1, int(core.LAN().MaxTxBytes)); size > MaxBatchSize {
		t.Errorf("%d bytes", size)
	}
}
