package wire_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
	"github.com/ingchain/ingchain/protocol/wire"
)

// The vectors of the protocols, in docs/spec/vectors like those of core.
var update = flag.Bool("update", false, "rewrite sync.json, gossip.json and batch.json in docs/spec/vectors from the code")

// maxBlock and maxTx are max_block_bytes and max_tx_bytes of the network that the
// vectors are of.
const (
	maxBlock = 4096
	maxTx    = 2048
)

type about struct {
	Comment string `json:"comment"`
	Page    string `json:"page"`
}

type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

type malformedVector struct {
	Name   string   `json:"name"`
	Bytes  hexBytes `json:"bytes"`
	Reason string   `json:"reason"`
}

func vectors[T any](t *testing.T, name string, generate func(*testing.T) T) (v T) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "spec", "vectors", name)
	if *update {
		raw, err := json.MarshalIndent(generate(t), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./protocol/wire -run Vectors -update makes it)", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-vector +code):\n%s", what, diff)
	}
}

type syncVectors struct {
	about
	MaxBlockBytes int               `json:"max_block_bytes"`
	MaxTxBytes    int               `json:"max_tx_bytes"`
	Valid         []frameVector     `json:"valid"`
	Malformed     []malformedVector `json:"malformed"`
}

type frameVector struct {
	Name    string         `json:"name"`
	Type    byte           `json:"type"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields"`
	Bytes   hexBytes       `json:"bytes"`
}

var messageNames = map[wire.Type]string{
	wire.TypeHello: "Hello", wire.TypeHelloRefused: "HelloRefused", wire.TypeGetHeaders: "GetHeaders", wire.TypeHeaders: "Headers",
	wire.TypeGetBlocks: "GetBlocks", wire.TypeGetRange: "GetRange", wire.TypeBlock: "Block", wire.TypeNotFound: "NotFound",
	wire.TypeEnd: "End", wire.TypeError: "Error", wire.TypeGetTxs: "GetTxs", wire.TypeTx: "Tx", wire.TypeGetPool: "GetPool",
	wire.TypeTxIDs: "TxIDs", wire.TypeGetBlockTxs: "GetBlockTxs",
}

// fieldsOf writes a message down as the vectors do: integers as decimal digits,
// bytes as hexadecimal ones. more are bytes behind a Hello.
func fieldsOf(t *testing.T, m wire.Message, more []byte) map[string]any {
	t.Helper()
	number := func(v uint64) string { return strconv.FormatUint(v, 10) }
	hashes := func(ids []core.Hash) []any {
		list := []any{}
		for _, id := range ids {
			list = append(list, id.String())
		}
		return list
	}
	flag := func(v bool) string {
		if v {
			return "1"
		}
		return "0"
	}
	switch m := m.(type) {
	case *wire.Hello:
		work := m.Work.Bytes()
		return map[string]any{"version": number(uint64(m.Version)), "genesis": m.Genesis.String(), "tip": m.Tip.String(), "height": number(uint64(m.Height)),
			"work": hex.EncodeToString(work[:]), "clock": number(m.Clock), "capabilities": number(uint64(m.Capabilities)),
			"stamp": number(m.Stamp), "echo": number(m.Echo), "held": number(uint64(m.Held)), "agent": m.Agent, "more": hex.EncodeToString(more)}
	case *wire.HelloRefused:
		return map[string]any{"code": number(uint64(m.Code)), "genesis": m.Genesis.String(), "text": m.Text}
	case *wire.GetHeaders:
		return map[string]any{"locator": hashes(m.Locator), "stop": m.Stop.String(), "max": number(uint64(m.Max))}
	case *wire.Headers:
		list := []any{}
		for i := range m.Headers {
			list = append(list, hex.EncodeToString(m.Headers[i].AppendTo(nil)))
		}
		return map[string]any{"headers": list}
	case *wire.GetBlocks:
		return map[string]any{"ids": hashes(m.IDs)}
	case *wire.GetRange:
		return map[string]any{"tip": m.Tip.String(), "first": number(uint64(m.From)), "count": number(uint64(m.Count))}
	case *wire.Block:
		return map[string]any{"block": hex.EncodeToString(m.Bytes)}
	case *wire.NotFound:
		return map[string]any{"id": m.ID.String()}
	case *wire.End:
		return map[string]any{"cut": flag(m.More)}
	case *wire.Error:
		return map[string]any{"code": number(uint64(m.Code)), "text": m.Text}
	case *wire.GetTxs:
		return map[string]any{"ids": hashes(m.IDs)}
	case *wire.Tx:
		return map[string]any{"tx": hex.EncodeToString(m.Bytes)}
	case *wire.GetPool:
		return map[string]any{"epoch": number(m.Epoch), "after": number(m.After)}
	case *wire.TxIDs:
		return map[string]any{"epoch": number(m.Epoch), "next": number(m.Next), "cut": flag(m.More), "ids": hashes(m.IDs)}
	case *wire.GetBlockTxs:
		list := []any{}
		for _, at := range m.Positions {
			list = append(list, number(uint64(at)))
		}
		return map[string]any{"block": m.Block.String(), "positions": list}
	}
	t.Fatalf("a message of type %v", m.Type())
	return nil
}

// readOne reads bytes that must be exactly one frame.
func readOne(raw []byte) (wire.Message, error) {
	r := bufio.NewReader(bytes.NewReader(raw))
	ty, payload, err := wire.ReadFrame(r, func(ty wire.Type) int {
		switch ty {
		case wire.TypeBlock:
			return maxBlock
		case wire.TypeTx:
			return maxTx
		}
		return ty.MaxSize()
	})
	if err != nil {
		return nil, err
	}
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, errors.New("bytes behind the frame")
	}
	return wire.Parse(ty, payload)
}

func makeSync(t *testing.T) syncVectors {
	v := syncVectors{about: about{"Frames of /ingchain/sync/1.0.0 with the fields of their messages, and frames that are malformed. Integers are decimal strings, texts are themselves, all else is hexadecimal.", "sync.md"}, MaxBlockBytes: maxBlock, MaxTxBytes: maxTx}
	c := coretest.New(t, nil)
	c.Chain("b", coretest.Genesis, 2)
	b1, b2 := c.Get("b1"), c.Get("b2")
	genesis, tip := c.Rules.GenesisID(), b2.Block.ID()
	add := func(name string, m wire.Message, more ...byte) []byte {
		payload := append(m.AppendTo(nil), more...)
		raw := append(wire.AppendFrameHeader(nil, m.Type(), len(payload)), payload...)
		v.Valid = append(v.Valid, frameVector{name, byte(m.Type()), messageNames[m.Type()], fieldsOf(t, m, more), raw})
		return payload
	}
	hello := wire.Hello{Version: wire.Version, Genesis: genesis, Tip: tip, Height: 2, Work: b2.State.Work, Clock: 1_795_132_812_345,
		Capabilities: wire.CapHeaders | wire.CapBlocks | wire.CapRange, Stamp: 1<<64 - 1, Echo: 5_000_000, Held: 250, Agent: "ingchain/0.1.0"}
	helloBytes := add("hello", &hello)
	later := hello
	later.Version, later.Agent = 2, strings.Repeat("~", wire.MaxAgent)
	laterBytes := add("hello of a later version, with fields that are skipped", &later, []byte("more")...)
	add("hello that knows nothing", &wire.Hello{Version: 1})
	add("another genesis", &wire.HelloRefused{Code: wire.RefusedGenesis, Genesis: genesis, Text: "another network"})
	add("a code of later versions", &wire.HelloRefused{Code: 9, Genesis: genesis})
	getHeaders := add("headers from behind two blocks", &wire.GetHeaders{Locator: []core.Hash{b1.Block.ID(), genesis}, Max: wire.MaxHeaders})
	add("one header up to a stop", &wire.GetHeaders{Locator: []core.Hash{}, Stop: tip, Max: 1})
	add("no headers", &wire.Headers{Headers: []core.Header{}})
	headers := add("two headers", &wire.Headers{Headers: []core.Header{b1.Block.Header, b2.Block.Header}})
	getBlocks := add("two blocks", &wire.GetBlocks{IDs: []core.Hash{tip, b1.Block.ID()}})
	getRange := add("blocks by height", &wire.GetRange{Tip: tip, From: 1, Count: 2})
	add("the last block that there can be", &wire.GetRange{Tip: tip, From: 1<<32 - 1, Count: 1})
	add("a block", &wire.Block{Bytes: b1.Block.Bytes()})
	add("no bytes of a block, which the frame does not judge", &wire.Block{Bytes: []byte{}})
	add("not found", &wire.NotFound{ID: tip})
	add("the end", &wire.End{})
	add("cut short", &wire.End{More: true})
	add("busy", &wire.Error{Code: wire.CodeBusy, Text: strings.Repeat("e", wire.MaxText)})
	add("an error of later versions", &wire.Error{Code: 255, Text: ""})
	pay := coretest.Pay(genesis, []core.Coin{b1.Coinbase()}, []string{"miner"}, coretest.To("alice", core.GrainsPerING))
	getTxs := add("two payments", &wire.GetTxs{IDs: []core.Hash{pay.ID(), tip}})
	add("a payment", &wire.Tx{Bytes: pay.AppendTo(nil)})
	add("no bytes of a payment, which the frame does not judge", &wire.Tx{Bytes: []byte{}})
	add("a pool from its beginning", &wire.GetPool{})
	getPool := add("what a pool has got since", &wire.GetPool{Epoch: 1<<64 - 1, After: 7})
	add("an empty pool", &wire.TxIDs{Epoch: 3, IDs: []core.Hash{}})
	txids := add("two payments of a pool, and more to come", &wire.TxIDs{Epoch: 1<<64 - 1, Next: 9, More: true, IDs: []core.Hash{pay.ID(), tip}})
	getBlockTxs := add("three transactions of a block", &wire.GetBlockTxs{Block: tip, Positions: []uint16{0, 1, 1<<16 - 1}})

	bad := func(name, reason string, ty wire.Type, payload []byte) {
		raw := append(wire.AppendFrameHeader(nil, ty, len(payload)), payload...)
		v.Malformed = append(v.Malformed, malformedVector{name, raw, reason})
	}
	raw := func(name, reason string, raw ...byte) {
		v.Malformed = append(v.Malformed, malformedVector{name, raw, reason})
	}
	splice := func(b []byte, at, n int, with ...byte) []byte {
		return append(append(b[:at:at], with...), b[at+n:]...)
	}
	raw("type 0", "unknown type", 0, 0)
	raw("type 16", "unknown type", 16, 0)
	raw("no length", "truncated", 9)
	raw("a length in two bytes", "uvarint not minimal", 9, 0x81, 0x00, 0)
	raw("a length in six bytes", "uvarint too long", 9, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 0)
	raw("a payload cut off", "truncated", 8, 32, 1, 2, 3)
	raw("an end of two bytes", "size", 9, 2, 0, 0)
	raw("a block of 4,097 bytes, where 4,096 are allowed", "size", append([]byte{7, 0x81, 0x20}, make([]byte, maxBlock+1)...)...)
	raw("headers of 236,003 bytes", "size", 4, 0xe3, 0xb3, 0x0e)
	bad("an end of no bytes", "truncated", wire.TypeEnd, nil)
	bad("an end of flag 2", "bound", wire.TypeEnd, []byte{2})
	bad("31 bytes not found", "truncated", wire.TypeNotFound, make([]byte, 31))
	bad("hello of version 0", "bound", wire.TypeHello, splice(helloBytes, 0, 2, 0, 0))
	bad("a byte behind a hello of version 1", "left over", wire.TypeHello, append(helloBytes[:len(helloBytes):len(helloBytes)], 0))
	bad("257 bytes behind a hello of version 2", "size", wire.TypeHello, append(laterBytes[:len(laterBytes):len(laterBytes)], make([]byte, 253)...))
	bad("an agent of 65 bytes", "bound", wire.TypeHello, append(helloBytes[:138:138], append([]byte{65}, strings.Repeat("a", 65)...)...))
	bad("an agent that is not printable", "text", wire.TypeHello, splice(helloBytes, 140, 1, 0x1b))
	bad("an agent that is not ASCII", "text", wire.TypeHello, splice(helloBytes, 140, 1, 0xc3))
	bad("a hello cut off", "truncated", wire.TypeHello, helloBytes[:len(helloBytes)-1])
	bad("a refusal whose text is longer than it says", "left over", wire.TypeHelloRefused, append(make([]byte, 33), 1, 'a', 'b'))
	bad("a refusal of 129 letters", "bound", wire.TypeHelloRefused, append(append(make([]byte, 33), 0x81, 0x01), strings.Repeat("a", 129)...))
	bad("headers, at most 0", "bound", wire.TypeGetHeaders, splice(getHeaders, len(getHeaders)-2, 2, 0, 0))
	bad("headers, at most 2,001", "bound", wire.TypeGetHeaders, splice(getHeaders, len(getHeaders)-2, 2, 0xd1, 0x07))
	bad("a locator of three with two ids", "truncated", wire.TypeGetHeaders, splice(getHeaders, 0, 1, 3))
	bad("a locator of 102 with two ids", "count", wire.TypeGetHeaders, splice(getHeaders, 0, 1, 102))
	bad("three headers announced, two sent", "count", wire.TypeHeaders, splice(headers, 0, 1, 3))
	bad("one header announced, two sent", "left over", wire.TypeHeaders, splice(headers, 0, 1, 1))
	bad("a number of headers in two bytes", "uvarint not minimal", wire.TypeHeaders, splice(headers, 0, 1, 0x82, 0x00))
	bad("no block asked for", "bound", wire.TypeGetBlocks, []byte{0})
	bad("three blocks announced, two asked for", "count", wire.TypeGetBlocks, splice(getBlocks, 0, 1, 3))
	bad("a range of none", "bound", wire.TypeGetRange, splice(getRange, 36, 2, 0, 0))
	bad("a range of 513", "bound", wire.TypeGetRange, splice(getRange, 36, 2, 0x01, 0x02))
	bad("a range beyond the last height", "bound", wire.TypeGetRange, splice(getRange, 32, 6, 0xff, 0xff, 0xff, 0xff, 2, 0))
	bad("an error without text", "truncated", wire.TypeError, []byte{1})
	raw("a payment of 2,049 bytes, where 2,048 are allowed", "size", append([]byte{12, 0x81, 0x10}, make([]byte, maxTx+1)...)...)
	bad("no payment asked for", "bound", wire.TypeGetTxs, []byte{0})
	bad("three payments announced, two asked for", "count", wire.TypeGetTxs, splice(getTxs, 0, 1, 3))
	bad("a pool asked for in 15 bytes", "truncated", wire.TypeGetPool, getPool[:15])
	bad("a pool asked for in 17 bytes", "size", wire.TypeGetPool, append(getPool[:16:16], 0))
	bad("a page of epoch 0", "bound", wire.TypeTxIDs, splice(txids, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0))
	bad("a page of flag 2", "bound", wire.TypeTxIDs, splice(txids, 16, 1, 2))
	bad("an empty page with more to come", "bound", wire.TypeTxIDs, append(txids[:17:17], 0))
	bad("one payment of a pool announced, two named", "left over", wire.TypeTxIDs, splice(txids, 17, 1, 1))
	bad("no position", "bound", wire.TypeGetBlockTxs, append(getBlockTxs[:32:32], 0))
	bad("a position twice", "bound", wire.TypeGetBlockTxs, splice(getBlockTxs, 35, 2, 0, 0))
	bad("positions that descend", "bound", wire.TypeGetBlockTxs, splice(getBlockTxs, 33, 2, 2, 0))
	bad("two positions announced, three named", "left over", wire.TypeGetBlockTxs, splice(getBlockTxs, 32, 1, 2))
	bad("an error of two lines", "text", wire.TypeError, []byte{1, 3, 'a', '\n', 'b'})
	return v
}

func TestSyncVectors(t *testing.T) {
	vs := vectors(t, "sync.json", makeSync)
	equal(t, "max_block_bytes", maxBlock, vs.MaxBlockBytes)
	equal(t, "max_tx_bytes", maxTx, vs.MaxTxBytes)
	for _, v := range vs.Valid {
		m, err := readOne(v.Bytes)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		more, err := hex.DecodeString(asText(v.Fields["more"]))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, v.Name, frameVector{v.Name, byte(m.Type()), messageNames[m.Type()], fieldsOf(t, m, more), v.Bytes}, v)
		if len(more) == 0 {
			equal(t, v.Name+", encoded again", hexBytes(wire.AppendFrame(nil, m)), v.Bytes)
		}
	}
	for _, v := range vs.Malformed {
		if _, err := readOne(v.Bytes); err == nil {
			t.Errorf("%s: parses", v.Name)
		}
	}
}

func asText(v any) string {
	s, _ := v.(string)
	return s
}

type gossipVectors struct {
	about
	Params    json.RawMessage      `json:"params"`
	Encoding  hexBytes             `json:"params_encoding"`
	Cases     []announcementVector `json:"cases"`
	Malformed []malformedVector    `json:"malformed"`
}

type announcementVector struct {
	Name     string      `json:"name"`
	Kind     byte        `json:"kind"`
	Block    core.Hash   `json:"block"`
	Coinbase hexBytes    `json:"coinbase,omitempty"`
	Leaves   []core.Hash `json:"leaves"`
	Bytes    hexBytes    `json:"bytes"`
	// MessageID is gossip's.
	MessageID core.Hash `json:"message_id"`
	// Verdict is what the bytes alone say: a code, or "" for a pass.
	Verdict string `json:"verdict"`
}

func (v *announcementVector) fill(rules *core.Rules, a *wire.Announcement) {
	v.Kind, v.Block, v.MessageID, v.Leaves = v.Bytes[0], a.ID, sha256.Sum256(v.Bytes), append([]core.Hash{}, a.Leaves...)
	if a.Coinbase != nil {
		v.Coinbase = a.Coinbase.AppendTo(nil)
	}
	if err := rules.CheckWork(&a.Header); err != nil {
		v.Verdict = string(core.CodeOf(err))
	} else if a.Check() != nil {
		v.Verdict = string(core.ErrMerkleRoot)
	}
}

func makeGossip(t *testing.T) gossipVectors {
	c := coretest.New(t, nil)
	p := c.Rules.Params()
	file, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	v := gossipVectors{about: about{"Messages of the topic of blocks: kind, block, coinbase, leaves, message id, and what the bytes alone say of work and merkle root; then messages that do not parse.", "gossip.md"},
		Params: file, Encoding: p.Encode()}
	add := func(name string, raw []byte) []byte {
		a, err := wire.ParseAnnouncement(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out := announcementVector{Name: name, Bytes: raw}
		out.fill(c.Rules, a)
		v.Cases = append(v.Cases, out)
		return raw
	}
	b1 := c.Next("b1", coretest.Genesis)
	pay := coretest.Pay(c.Rules.GenesisID(), []core.Coin{b1.Coinbase()}, []string{"miner"}, coretest.To("alice", core.GrainsPerING))
	b2 := c.Next("b2", "b1", coretest.WithTx(pay))
	plain := add("an empty block", wire.Announce(b1.Block))
	full := add("a block with a payment", wire.Announce(b2.Block))
	header := add("a header alone", b2.Block.Header.AppendTo([]byte{2}))
	other := c.Next("other", coretest.Genesis, func(d *coretest.Draft) { d.Txs[0].Data = append(d.Txs[0].Data, 'x') })
	otherCoinbase := other.Block.Txs[0].AppendTo(nil)
	at := 1 + core.HeaderSize + 1
	size := int(plain[at-1])
	add("another block's leaf", append(plain[:len(plain)-core.HashSize:len(plain)-core.HashSize], other.Block.Leaves()[0][:]...))
	add("another block's coinbase and leaf", append(append(append(plain[:at-1:at-1], byte(len(otherCoinbase))), otherCoinbase...), wire.Announce(other.Block)[at+len(otherCoinbase):]...))
	add("a leaf too few", append(append(full[:at+int(full[at-1]):at+int(full[at-1])], 1), b2.Block.Leaves()[0][:]...))
	noWork := b1.Block.Header
	target, err := core.TargetFromBits(noWork.Bits)
	if err != nil {
		t.Fatal(err)
	}
	for core.HashMeetsTarget(noWork.ID(), &target) {
		noWork.Nonce++
	}
	add("a header without work", noWork.AppendTo([]byte{2}))
	easy, odd := b1.Block.Header, b1.Block.Header
	easy.Bits, odd.Bits = 0x2100ffff, 0x1d80ffff
	add("a header easier than the limit", easy.AppendTo([]byte{2}))
	add("a header whose bits are no target", odd.AppendTo([]byte{2}))

	coinbase := plain[at : at+size]
	list := append([]byte{1}, b1.Block.Leaves()[0][:]...)
	body := func(parts ...[]byte) []byte {
		return bytes.Join(append([][]byte{plain[:1+core.HeaderSize]}, parts...), nil)
	}
	paid := pay.AppendTo(nil)
	v.Malformed = []malformedVector{
		{"no bytes", nil, "truncated"},
		{"kind 0", append([]byte{0}, header[1:]...), "unknown kind"},
		{"kind 3", append([]byte{3}, header[1:]...), "unknown kind"},
		{"a header cut off", header[:len(header)-1], "truncated"},
		{"kind 1 without more", append([]byte{1}, header[1:]...), "truncated"},
		{"a byte behind a header", append(header[:len(header):len(header)], 0), "left over"},
		{"last byte missing", plain[:len(plain)-1], "truncated"},
		{"a byte too many", append(plain[:len(plain):len(plain)], 0), "left over"},
		{"no leaves", body([]byte{byte(size)}, coinbase, []byte{0}), "bound"},
		{"two leaves announced, one sent", body([]byte{byte(size)}, coinbase, []byte{2}, list[1:]), "count"},
		{"a coinbase longer than its bytes", body([]byte{byte(size + 1)}, coinbase, []byte{0}, list), "coinbase"},
		{"no coinbase", body([]byte{0}, list), "coinbase"},
		{"a payment in the coinbase's place", body([]byte{byte(len(paid)) | 0x80, byte(len(paid) >> 7)}, paid, list), "coinbase"},
		{"a size of the coinbase in two bytes", body([]byte{byte(size) | 0x80, 0}, coinbase, list), "uvarint not minimal"},
		{"a coinbase of 262,145 bytes", body([]byte{0x81, 0x80, 0x10}, coinbase, list), "bound"},
	}
	return v
}

func TestGossipVectors(t *testing.T) {
	vs := vectors(t, "gossip.json", makeGossip)
	p, err := core.ParseParams(vs.Params)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := core.NewRules(p)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "parameters", hexBytes(p.Encode()), vs.Encoding)
	for _, v := range vs.Cases {
		a, err := wire.ParseAnnouncement(v.Bytes)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		got := announcementVector{Name: v.Name, Bytes: v.Bytes}
		got.fill(rules, a)
		equal(t, v.Name, got, v)
	}
	for _, v := range vs.Malformed {
		if _, err := wire.ParseAnnouncement(v.Bytes); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v, want it malformed", v.Name, err)
		}
	}
}

type batchVectors struct {
	about
	Cases     []batchVector     `json:"cases"`
	Malformed []malformedVector `json:"malformed"`
}

type batchVector struct {
	Name  string      `json:"name"`
	TxIDs []core.Hash `json:"txids"`
	Txs   []hexBytes  `json:"txs"`
	Bytes hexBytes    `json:"bytes"`
	// MessageID is gossip's.
	MessageID core.Hash `json:"message_id"`
}

func (v *batchVector) fill(m *wire.TxBatch) {
	v.MessageID = sha256.Sum256(v.Bytes)
	for _, tx := range m.Txs {
		v.TxIDs, v.Txs = append(v.TxIDs, tx.ID()), append(v.Txs, tx.AppendTo(nil))
	}
}

func makeBatches(t *testing.T) batchVectors {
	c := coretest.New(t, nil)
	genesis := c.Rules.GenesisID()
	c.Chain("b", coretest.Genesis, 2)
	one := coretest.Pay(genesis, []core.Coin{c.Get("b1").Coinbase()}, []string{"miner"}, coretest.To("alice", core.GrainsPerING))
	two := coretest.Pay(genesis, []core.Coin{c.Get("b2").Coinbase()}, []string{"miner"}, coretest.To("bob", 1), coretest.To("alice", 2))
	two.Data = bytes.Repeat([]byte{7}, core.MaxTxData)
	coretest.Sign(genesis, &two, "miner")
	forged := one
	forged.Witnesses = []core.Witness{{}}
	raws := func(txs ...*core.Transaction) (list [][]byte) {
		for _, tx := range txs {
			list = append(list, tx.AppendTo(nil))
		}
		return list
	}
	v := batchVectors{about: about{"Messages of the topic of transactions: the payments in them and the message id; then messages that do not parse.", "gossip.md"}}
	add := func(name string, raw []byte) []byte {
		m, err := wire.ParseTxBatch(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out := batchVector{Name: name, Bytes: raw}
		out.fill(m)
		v.Cases = append(v.Cases, out)
		return raw
	}
	single := add("a payment", wire.AppendTxBatch(nil, raws(&one)))
	both := add("two payments", wire.AppendTxBatch(nil, raws(&one, &two)))
	add("two payments the other way around, another message", wire.AppendTxBatch(nil, raws(&two, &one)))
	add("a payment twice, which the bytes allow", wire.AppendTxBatch(nil, raws(&one, &one)))
	add("a signature of zeros, which the bytes allow", wire.AppendTxBatch(nil, raws(&forged)))
	add("a coinbase, which the bytes allow", wire.AppendTxBatch(nil, raws(&c.Get("b1").Block.Txs[0])))
	raw := one.AppendTo(nil)
	size := binary.AppendUvarint(nil, uint64(len(raw)))
	body := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	v.Malformed = []malformedVector{
		{"no bytes", nil, "truncated"},
		{"kind 0", append([]byte{0}, single[1:]...), "unknown kind"},
		{"kind 2", append([]byte{2}, single[1:]...), "unknown kind"},
		{"no payments", []byte{1, 0}, "bound"},
		{"a byte behind", append(single[:len(single):len(single)], 0), "left over"},
		{"last byte missing", both[:len(both)-1], "truncated"},
		{"two payments announced, one sent", append([]byte{1, 2}, single[2:]...), "truncated"},
		{"1,025 payments announced", append([]byte{1, 0x81, 0x08}, make([]byte, 1025*14)...), "bound"},
		{"a number of payments in two bytes", append([]byte{1, 0x81, 0x00}, single[2:]...), "uvarint not minimal"},
		{"a payment of one byte less", body([]byte{1, 1}, binary.AppendUvarint(nil, uint64(len(raw)-1)), raw[:len(raw)-1]), "transaction"},
		{"a payment and a byte", body([]byte{1, 1}, binary.AppendUvarint(nil, uint64(len(raw)+1)), raw, []byte{0}), "transaction"},
		{"a payment of no bytes", append([]byte{1, 1, 0}, make([]byte, 13)...), "transaction"},
		{"a size in three bytes", body([]byte{1, 1, size[0], size[1] | 0x80, 0}, raw), "uvarint not minimal"},
	}
	return v
}

func TestBatchVectors(t *testing.T) {
	vs := vectors(t, "batch.json", makeBatches)
	for _, v := range vs.Cases {
		m, err := wire.ParseTxBatch(v.Bytes)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		got := batchVector{Name: v.Name, Bytes: v.Bytes}
		got.fill(m)
		equal(t, v.Name, got, v)
		raws := make([][]byte, len(v.Txs))
		for i := range raws {
			raws[i] = v.Txs[i]
		}
		equal(t, v.Name+", encoded again", hexBytes(wire.AppendTxBatch(nil, raws)), v.Bytes)
	}
	for _, v := range vs.Malformed {
		if _, err := wire.ParseTxBatch(v.Bytes); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v, want it malformed", v.Name, err)
		}
	}
}
