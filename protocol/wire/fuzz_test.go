package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// memoryFactor is how many bytes of memory a message may take per byte received.
// The dearest is an announcement's coinbase of many outputs.
const memoryFactor = 8

// FuzzParse parses payloads of every type: what parses is within its bounds and
// encodes to the same bytes.
func FuzzParse(f *testing.F) {
	for _, m := range samples() {
		if b := m.AppendTo(nil); len(b) < 4096 {
			f.Add(byte(m.Type()), b)
		}
	}
	f.Add(byte(TypeHello), append((&Hello{Version: Version + 1, Agent: "later"}).AppendTo(nil), "more fields"...))
	f.Add(byte(TypeHeaders), []byte{0xd0, 0x0f}) // 2,000 headers that aren't there
	f.Add(byte(TypeGetBlocks), []byte{0x80, 0x04})
	f.Fuzz(func(t *testing.T, ty byte, payload []byte) {
		var m Message
		var err error
		fuzzing.Proportional(t, len(payload), memoryFactor, func() { m, err = Parse(Type(ty), payload) })
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v is not ErrMalformed", err)
			}
			return
		}
		if m.Type() != Type(ty) || len(payload) > m.MaxSize() && m.Type() != TypeBlock && m.Type() != TypeTx {
			t.Fatalf("%v of %d bytes is a %v of at most %d", Type(ty), len(payload), m.Type(), m.MaxSize())
		}
		again := m.AppendTo(nil)
		if h, ok := m.(*Hello); ok && h.Version > Version {
			payload = payload[:len(again)] // later fields are not kept
		}
		if !bytes.Equal(again, payload) {
			t.Fatalf("%v: %x parses and encodes to %x", Type(ty), payload, again)
		}
		wantBounds(t, m)
	})
}

// wantBounds holds a parsed message to what its type promises.
func wantBounds(t *testing.T, m Message) {
	t.Helper()
	plain := func(s string, limit int) bool {
		return len(s) <= limit && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
	}
	ok := true
	switch m := m.(type) {
	case *Hello:
		ok = m.Version > 0 && plain(m.Agent, MaxAgent)
	case *HelloRefused:
		ok = plain(m.Text, MaxText)
	case *GetHeaders:
		ok = len(m.Locator) <= core.MaxLocator && m.Max > 0 && m.Max <= MaxHeaders
	case *Headers:
		ok = len(m.Headers) <= MaxHeaders
	case *GetBlocks:
		ok = len(m.IDs) > 0 && len(m.IDs) <= MaxBlocks
	case *GetRange:
		ok = m.Count > 0 && m.Count <= MaxBlocks && uint64(m.From)+uint64(m.Count) <= 1<<32
	case *Error:
		ok = plain(m.Text, MaxText)
	case *GetTxs:
		ok = len(m.IDs) > 0 && len(m.IDs) <= MaxTxs
	case *TxIDs:
		ok = len(m.IDs) <= MaxPoolIDs && (len(m.IDs) > 0 || !m.More)
	case *GetBlockTxs:
		ok = len(m.Positions) > 0 && len(m.Positions) <= MaxBlockTxs && slices.IsSorted(m.Positions) && len(slices.Compact(slices.Clone(m.Positions))) == len(m.Positions)
	}
	if !ok {
		t.Fatalf("%v out of its bounds: %+v", m.Type(), m)
	}
}

// slowly reads as many bytes at a time as its choices say, as a network does.
type slowly struct {
	r    io.Reader
	cuts *fuzzing.Source
}

func (s *slowly) Read(b []byte) (int, error) {
	return s.r.Read(b[:min(len(b), 1+int(s.cuts.Byte()))])
}

// FuzzReadFrame reads a stream of frames. What is read is what was sent, however
// the bytes arrive; a length is refused before memory is taken for it; whatever
// ends the stream is told apart: nothing, the middle of a frame, a broken rule.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{byte(TypeEnd), 1, 0}, []byte{}, byte(0))
	f.Add([]byte{byte(TypeHeaders), 0xff, 0xff, 0x7f}, []byte{}, byte(0))
	f.Add(AppendFrame(AppendFrame(nil, &Error{Text: "no"}), &GetRange{Count: 3}), []byte{1, 2, 3}, byte(0))
	f.Add(append(AppendFrameHeader(nil, TypeBlock, core.MaxBlockBytesLimit), "a little"...), []byte{}, byte(0))
	f.Add(AppendFrame(nil, &GetRange{Count: 3}), []byte{0, 0}, byte(TypeGetRange))
	f.Add([]byte{byte(TypeEnd), 0x81, 0x80, 0x80, 0x80, 0x80, 0x00}, []byte{}, byte(0))
	f.Fuzz(func(t *testing.T, in, cuts []byte, unwanted byte) {
		limit := func(ty Type) int {
			if ty == Type(unwanted) {
				return 0
			}
			return ty.MaxSize()
		}
		whole, slow := bufio.NewReaderSize(bytes.NewReader(in), 16), bufio.NewReaderSize(&slowly{bytes.NewReader(in), fuzzing.New(cuts)}, 16)
		var read []byte
		for {
			var ty Type
			var payload []byte
			var err error
			rest := len(in) - len(read)
			first := true
			// What is allocated ahead is one chunk, then twice what has arrived.
			fuzzing.Proportional(t, rest+readChunk, 4, func() {
				if r := whole; first {
					ty, payload, err = ReadFrame(r, limit)
				} else {
					_, _, _ = ReadFrame(bufio.NewReaderSize(bytes.NewReader(in[len(read):]), 16), limit)
				}
				first = false
			})
			ty2, payload2, err2 := ReadFrame(slow, limit)
			if ty != ty2 || !bytes.Equal(payload, payload2) || err == nil != (err2 == nil) || err != nil && err.Error() != err2.Error() {
				t.Fatalf("%x was read as %v %x, %v; in pieces as %v %x, %v", in, ty, payload, err, ty2, payload2, err2)
			}
			if err != nil {
				kinds := []bool{errors.Is(err, ErrMalformed), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF)}
				if slices.Index(kinds, true) < 0 || errors.Is(err, io.EOF) != (rest == 0) {
					t.Fatalf("after %d of %d bytes: %v", len(read), len(in), err)
				}
				return
			}
			if len(payload) > limit(ty) {
				t.Fatalf("%v of %d bytes, at most %d", ty, len(payload), limit(ty))
			}
			if read = append(AppendFrameHeader(read, ty, len(payload)), payload...); !bytes.HasPrefix(in, read) {
				t.Fatalf("%x was read as %x", in, read)
			}
		}
	})
}

func FuzzParseAnnouncement(f *testing.F) {
	f.Add(Announce(testBlock(f, 0)))
	f.Add(Announce(testBlock(f, 2)))
	f.Add(Announce(testBlock(f, 2))[:1+core.HeaderSize])
	f.Add(append([]byte{kindHeader}, make([]byte, core.HeaderSize)...))
	payment := testBlock(f, 1)
	f.Add(appendHashes(append(append(payment.Header.AppendTo([]byte{kindLeaves}), 167, 1), payment.Txs[1].AppendTo(nil)...), payment.Leaves()))
	f.Fuzz(func(t *testing.T, in []byte) {
		var a *Announcement
		var err error
		fuzzing.Proportional(t, len(in), memoryFactor, func() { a, err = ParseAnnouncement(in) })
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v is not ErrMalformed", err)
			}
			return
		}
		if a.Size != len(in) || a.ID != a.Header.ID() || (a.Coinbase == nil) != (len(a.Leaves) == 0) || a.Coinbase != nil && !a.Coinbase.IsCoinbase() || len(a.Leaves) > MaxAnnouncedLeaves {
			t.Fatalf("%x is %+v", in, a)
		}
		if err := a.Check(); err != nil {
			if !errors.Is(err, ErrAnnouncement) {
				t.Fatalf("%v is not ErrAnnouncement", err)
			}
			return
		}
		b, whole := a.Block()
		if whole != (len(a.Leaves) == 1) {
			t.Fatalf("%d leaves make a whole block: %v", len(a.Leaves), whole)
		}
		if whole && (!bytes.Equal(Announce(b), in) || b.ID() != a.ID || b.MerkleRoot() != b.Header.MerkleRoot) {
			t.Fatalf("%x announces a block that is announced otherwise", in)
		}
	})
}

// FuzzParseTxBatch parses messages of the topic of payments: what parses is within
// its bounds, encodes to the same bytes, and takes memory in proportion.
func FuzzParseTxBatch(f *testing.F) {
	b := testBlock(f, 3)
	raws := [][]byte{b.Txs[1].AppendTo(nil), b.Txs[2].AppendTo(nil), b.Txs[0].AppendTo(nil)}
	f.Add(AppendTxBatch(nil, raws[:1]))
	f.Add(AppendTxBatch(nil, raws))
	f.Add(AppendTxBatch(nil, raws)[:100])
	f.Add([]byte{kindTxBatch, 0xff, 0x07})
	f.Fuzz(func(t *testing.T, in []byte) {
		var m *TxBatch
		var err error
		// A transaction of nothing takes 13 bytes, and 200 here.
		fuzzing.Proportional(t, len(in), 2*memoryFactor, func() { m, err = ParseTxBatch(in) })
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v is not ErrMalformed", err)
			}
			return
		}
		var txs [][]byte
		size := 0
		for _, tx := range m.Txs {
			txs = append(txs, tx.AppendTo(nil))
			size += len(txs[len(txs)-1])
		}
		if len(txs) == 0 || len(txs) > MaxBatchTxs || m.Size != len(in) || len(in) > MaxBatchSize || !bytes.Equal(AppendTxBatch(nil, txs), in) {
			t.Fatalf("%x is a batch of %d, encoded otherwise", in, len(txs))
		}
		if most := TxBatchSize(len(txs), size); len(in) > most {
			t.Fatalf("%d bytes, TxBatchSize says %d", len(in), most)
		}
	})
}

// FuzzRebuild rebuilds a block from a pool that has some of its transactions,
// and false ones in place of others. It names what is missing, and what it builds
// of the right ones is the block; of false ones it is one whose root does not fit.
func FuzzRebuild(f *testing.F) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(byte(0), []byte{})
	f.Add(byte(5), []byte{})
	f.Add(byte(5), []byte{0, 1, 0, 2})
	f.Fuzz(func(t *testing.T, payments byte, pool []byte) {
		b := testBlock(t, int(payments%40))
		data := Announce(b)
		a, err := ParseAnnouncement(data)
		if err != nil || a.Check() != nil || len(a.Leaves) != len(b.Txs) {
			t.Fatalf("%x: %v", data, err)
		}
		s := fuzzing.New(pool)
		have, falsely := map[core.Hash]*core.Transaction{}, false
		var missing []int
		for i := 1; i < len(b.Txs); i++ {
			switch leaf := b.Leaves()[i]; s.Intn(8) {
			case 1:
				missing = append(missing, i)
			case 2:
				other := s.Intn(len(b.Txs))
				have[leaf] = &b.Txs[other]
				falsely = falsely || other != i
			default:
				have[leaf] = &b.Txs[i]
			}
		}
		got, lacks, err := a.Rebuild(func(leaf core.Hash) *core.Transaction { return have[leaf] })
		switch {
		case err != nil || !slices.Equal(lacks, missing) || (got == nil) != (len(missing) > 0):
			t.Fatalf("missing %v, want %v; block %v, %v", lacks, missing, got != nil, err)
		case got == nil:
		case falsely:
			if _, err := rules.CheckBlockForm(got); core.CodeOf(err) != core.ErrMerkleRoot || core.IsForever(err) {
				t.Fatalf("a false transaction: %v", err)
			}
		case !bytes.Equal(got.Bytes(), b.Bytes()):
			t.Fatal("the rebuilt block differs")
		}
	})
}

// FuzzPrintable: any text fits a text field and passes through it as it is.
func FuzzPrintable(f *testing.F) {
	f.Add("ingchain/1.0", byte(64))
	f.Add("\x1b[2J\u202eé\x7f", byte(9))
	f.Fuzz(func(t *testing.T, s string, limit byte) {
		got := Printable(s, int(limit))
		if Printable(got, int(limit)) != got || len(got) != min(len(s), int(limit)) {
			t.Fatalf("%q becomes %q", s, got)
		}
		for i := range len(got) {
			if got[i] != s[i] && (got[i] != '?' || s[i] >= ' ' && s[i] <= '~') {
				t.Fatalf("%q becomes %q", s, got)
			}
		}
		m := &Hello{Version: Version, Agent: s}
		back, err := ParseHello(m.AppendTo(nil))
		if err != nil || back.Agent != Printable(s, MaxAgent) {
			t.Fatalf("%q arrives as %+v: %v", s, back, err)
		}
	})
}
