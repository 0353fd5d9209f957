package main

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
)

// field is one field of a message: its name and how it is written.
type field struct {
	name, kind string
	min, max   uint64 // of integers and counts; max of a text's bytes
}

// limits are those of the network that messages are of.
type limits struct{ block, tx uint64 }

type message struct {
	name   string
	most   uint64 // bytes of payload
	fields []field
}

func messages(lim limits) map[uint64]message {
	any16, any32, any64 := uint64(math.MaxUint16), uint64(math.MaxUint32), uint64(math.MaxUint64)
	return map[uint64]message{
		1: {"Hello", 459, []field{{"version", "u16", 1, any16}, {name: "genesis", kind: "hash"}, {name: "tip", kind: "hash"},
			{"height", "u32", 0, any32}, {name: "work", kind: "hash"}, {"clock", "u64", 0, any64}, {"capabilities", "u64", 0, any64},
			{"stamp", "u64", 0, any64}, {"echo", "u64", 0, any64}, {"held", "u32", 0, any32}, {"agent", "text", 0, 64}, {"more", "more", 0, 256}}},
		2:  {"HelloRefused", 163, []field{{"code", "u8", 0, 255}, {name: "genesis", kind: "hash"}, {"text", "text", 0, 128}}},
		3:  {"GetHeaders", 3267, []field{{"locator", "hashes", 0, 101}, {name: "stop", kind: "hash"}, {"max", "u16", 1, 2000}}},
		4:  {"Headers", 236_002, []field{{"headers", "headers", 0, 2000}}},
		5:  {"GetBlocks", 16_386, []field{{"ids", "hashes", 1, 512}}},
		6:  {"GetRange", 38, []field{{name: "tip", kind: "hash"}, {"first", "u32", 0, any32}, {"count", "u16", 1, 512}}},
		7:  {"Block", lim.block, []field{{"block", "rest", 0, lim.block}}},
		8:  {"NotFound", 32, []field{{name: "id", kind: "hash"}}},
		9:  {"End", 1, []field{{"cut", "u8", 0, 1}}},
		10: {"Error", 131, []field{{"code", "u8", 0, 255}, {"text", "text", 0, 128}}},
		11: {"GetTxs", 32_770, []field{{"ids", "hashes", 1, 1024}}},
		12: {"Tx", lim.tx, []field{{"tx", "rest", 0, lim.tx}}},
		13: {"GetPool", 16, []field{{"epoch", "u64", 0, any64}, {"after", "u64", 0, any64}}},
		14: {"TxIDs", 65_555, []field{{"epoch", "u64", 1, any64}, {"next", "u64", 0, any64}, {"cut", "u8", 0, 1}, {"ids", "hashes", 0, 2048}}},
		15: {"GetBlockTxs", 16_418, []field{{name: "block", kind: "hash"}, {"positions", "u16s", 1, 8192}}},
	}
}

var widths = map[string]int{"u8": 1, "u16": 2, "u32": 4, "u64": 8, "hash": 32, "headers": 118, "hashes": 32}

// parseFrame returns the message's name and fields: integers as decimal digits,
// bytes in hexadecimal, lists as arrays of that, texts as they are.
func parseFrame(raw []byte, lim limits) (string, map[string]any, error) {
	r := &reader{b: raw}
	m, known := messages(lim)[r.uint(1)]
	if !known {
		r.fail("unknown type")
	}
	if size := r.uvarint(m.most); r.err == nil && size != uint64(len(r.b)) {
		r.fail("length")
	}
	values := map[string]any{}
	for _, f := range m.fields {
		switch width := widths[f.kind]; f.kind {
		case "u8", "u16", "u32", "u64":
			v := r.uint(width)
			if v < f.min || v > f.max {
				r.fail(f.name)
			}
			values[f.name] = strconv.FormatUint(v, 10)
		case "hash":
			values[f.name] = hex.EncodeToString(r.take(width))
		case "hashes", "headers":
			list := []any{}
			n := r.count(width)
			if uint64(n) < f.min || uint64(n) > f.max {
				r.fail(f.name)
			}
			for range n {
				list = append(list, hex.EncodeToString(r.take(width)))
			}
			values[f.name] = list
		case "u16s": // ascending
			list := []any{}
			n, last := r.count(2), -1
			if uint64(n) < f.min || uint64(n) > f.max {
				r.fail(f.name)
			}
			for range n {
				v := int(r.uint(2))
				if v <= last {
					r.fail(f.name)
				}
				list, last = append(list, strconv.Itoa(v)), v
			}
			values[f.name] = list
		case "text":
			text := r.take(int(r.uvarint(f.max)))
			for _, c := range text {
				if c < 0x20 || c > 0x7e {
					r.fail("text")
				}
			}
			values[f.name] = string(text)
		case "more": // what later versions of a Hello may add
			if len(r.b) > 0 && (values["version"] == "1" || uint64(len(r.b)) > f.max) {
				r.fail("bytes left over")
			}
			fallthrough
		case "rest":
			values[f.name] = hex.EncodeToString(r.take(len(r.b)))
		}
	}
	if m.name == "GetRange" {
		first, _ := strconv.ParseUint(values["first"].(string), 10, 64)
		count, _ := strconv.ParseUint(values["count"].(string), 10, 64)
		if first+count > 1<<32 {
			r.fail("range")
		}
	}
	if m.name == "TxIDs" && r.err == nil && values["cut"] == "1" && len(values["ids"].([]any)) == 0 {
		r.fail("an empty page with more to come")
	}
	return m.name, values, r.end()
}

func encodeFrame(kind uint64, values map[string]any, lim limits) []byte {
	var payload []byte
	for _, f := range messages(lim)[kind].fields {
		switch v := values[f.name].(type) {
		case []any:
			payload = binary.AppendUvarint(payload, uint64(len(v)))
			for _, item := range v {
				b, _ := hex.DecodeString(item.(string))
				if f.kind == "u16s" {
					n, _ := strconv.ParseUint(item.(string), 10, 16)
					b = put(nil, n, 2)
				}
				payload = append(payload, b...)
			}
		case string:
			n, _ := strconv.ParseUint(v, 10, 64)
			b, _ := hex.DecodeString(v)
			switch f.kind {
			case "u8", "u16", "u32", "u64":
				b = put(nil, n, widths[f.kind])
			case "text":
				b = append(binary.AppendUvarint(nil, uint64(len(v))), v...)
			}
			payload = append(payload, b...)
		}
	}
	return append(binary.AppendUvarint([]byte{byte(kind)}, uint64(len(payload))), payload...)
}

func checkSync(t *tally, raw []byte) {
	var f struct {
		about
		MaxBlock uint64 `json:"max_block_bytes"`
		MaxTx    uint64 `json:"max_tx_bytes"`
		Valid    []struct {
			Name, Message string
			Type          uint64
			Fields        map[string]any
			Bytes         hexBytes
		}
		Malformed []malformed
	}
	load(t, raw, &f)
	lim := limits{f.MaxBlock, f.MaxTx}
	for _, c := range f.Valid {
		name, fields, err := parseFrame(c.Bytes, lim)
		same(t, c.Name, "error", err, nil)
		same(t, c.Name, "message", name, c.Message)
		got, _ := json.Marshal(fields)
		want, _ := json.Marshal(c.Fields)
		same(t, c.Name, "fields", string(got), string(want))
		same(t, c.Name, "encoding", hexBytes(encodeFrame(c.Type, c.Fields, lim)).String(), c.Bytes.String())
	}
	for _, c := range f.Malformed {
		_, _, err := parseFrame(c.Bytes, lim)
		t.ok(err != nil, "%s: parses, though: %s", c.Name, c.Reason)
	}
}

// announcement is a message of the topic of blocks.
type announcement struct {
	kind     byte
	header   header
	coinbase transaction
	leaves   []hash
}

func parseAnnouncement(raw []byte) (*announcement, error) {
	r := &reader{b: raw}
	a := &announcement{kind: byte(r.uint(1)), header: r.header()}
	if a.kind == 1 {
		inner := &reader{b: r.take(int(r.uvarint(262_144)))}
		a.coinbase = inner.transaction()
		if inner.end() != nil || len(a.coinbase.Inputs) > 0 {
			r.fail("coinbase")
		}
		n := r.count(32)
		if n < 1 || n > 8192 {
			r.fail("leaves")
		}
		for range n {
			a.leaves = append(a.leaves, r.hash())
		}
	} else if a.kind != 2 {
		r.fail("kind")
	}
	return a, r.end()
}

func (a *announcement) encode() []byte {
	b := append([]byte{a.kind}, a.header.encode()...)
	if a.kind == 2 {
		return b
	}
	coinbase := a.coinbase.encode()
	b = append(binary.AppendUvarint(b, uint64(len(coinbase))), coinbase...)
	b = binary.AppendUvarint(b, uint64(len(a.leaves)))
	for _, l := range a.leaves {
		b = append(b, l[:]...)
	}
	return b
}

// verdict is what the bytes alone say of it.
func (a *announcement) verdict(p *params) string {
	if code := p.headerAlone(&a.header); code != "" {
		return code
	}
	if a.kind == 1 && (a.leaves[0] != a.coinbase.leaf() || merkleRoot(a.leaves) != a.header.Merkle) {
		return "block-merkle-root"
	}
	return ""
}

// parseBatch reads a message of the topic of transactions.
func parseBatch(raw []byte) ([]transaction, error) {
	r := &reader{b: raw}
	if len(raw) > 524_288 || r.uint(1) != 1 {
		r.fail("size or kind")
	}
	n := r.count(14)
	if n < 1 || n > 1024 {
		r.fail("number of payments")
		n = 0
	}
	var txs []transaction
	for range n {
		inner := &reader{b: r.take(int(r.uvarint(524_288)))}
		tx := inner.transaction()
		if inner.end() != nil {
			r.fail("transaction")
			break
		}
		txs = append(txs, tx)
	}
	return txs, r.end()
}

func encodeBatch(txs []transaction) []byte {
	b := binary.AppendUvarint([]byte{1}, uint64(len(txs)))
	for i := range txs {
		raw := txs[i].encode()
		b = append(binary.AppendUvarint(b, uint64(len(raw))), raw...)
	}
	return b
}
