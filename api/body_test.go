package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

// Whoever sends a body that is not obeyed is told what is wrong with it, in words
// of the API's.
func TestBodyErrors(t *testing.T) {
	const plain = "the body must be one plain JSON object; it cannot be read beyond byte "
	for _, c := range []struct{ path, body, detail string }{
		{"/v1/peers/connect", ``, "the body must be one JSON object"},
		{"/v1/peers/connect", `null`, "the body must be one JSON object"},
		{"/v1/peers/connect", `["addr"]`, "the body must be one JSON object"},
		{"/v1/peers/connect", `{"addr":"a"`, "the body ends within its JSON object, after 11 bytes"},
		{"/v1/peers/connect", `{"addr":"a"} {}`, plain + "13"},
		{"/v1/peers/connect", `{"addr":'a'}`, plain + "8"},
		{"/v1/peers/connect", `{"addr":"\ud800"}`, plain + "9"},
		{"/v1/peers/connect", `{"addr":` + strings.Repeat("[", 100_000), plain + "10007"},
		{"/v1/peers/connect", "{\"addr\":\"\xff\"}", "the body is not UTF-8"},
		{"/v1/peers/connect", "{\"\xff\":1}", "the body is not UTF-8"},
		{"/v1/peers/connect", `{"addr":"a","addr":"b"}`, `key "addr" is there twice`},
		{"/v1/peers/connect", `{"addr":"a","\u0061ddr":"b"}`, `key "addr" is there twice`},
		{"/v1/peers/connect", `{"Addr":"a"}`, `key "Addr" is not known here; keys are exact, in lower case`},
		{"/v1/peers/connect", `{"` + strings.Repeat("x", 50) + `":1}`, `key "` + strings.Repeat("x", 40) + `" is not known here; keys are exact, in lower case`},
		{"/v1/mining/stop", `{"n":{"n":1}}`, `key "n" is not known here; keys are exact, in lower case`},
		{"/v1/peers/connect", `{"addr":7}`, "addr: want a string"},
		{"/v1/mining/once", `{"n":"2"}`, "n: want a whole number from -9223372036854775808 to 9223372036854775807"},
		{"/v1/mining/once", `{"n":2.0}`, "n: want a whole number from -9223372036854775808 to 9223372036854775807"},
		{"/v1/chain/invalidate", `{"id":[]}`, "id: want a string"},
		{"/v1/chain/invalidate", `{"id":"zz"}`, `id: id "zz" has 2 characters, want 64 hexadecimal digits`},
		{"/v1/addresses/query", `{"addresses":"a"}`, "addresses: want a list"},
		{"/v1/addresses/query", `{"addresses":["a",null,{}]}`, "addresses[2]: want a string"},
		{"/v1/addresses/query", `{"addresses":["a"],"since":-1}`, "since: want a whole number from 0 to 4294967295"},
		{"/v1/addresses/query", `{"addresses":["a"],"since":4294967296}`, "since: want a whole number from 0 to 4294967295"},
		{"/v1/txs", `{"tx":null}`, "no payment; want its bytes in hexadecimal"},
		{"/v1/txs/batch", `{"txs":{"tx":"00"}}`, "txs: want a list"},
		{"/v1/txs/batch", `{"txs":null}`, "0 payments, want 1 to 1000"},
		{"/v1/txs/batch", `{"txs":[`, "the body ends within its JSON object, after 8 bytes"},
		{"/v1/txs/batch", `{"txs":["00"}`, plain + "12"},
		{"/v1/txs/batch", `{"txs":["00"],"txs":["ff"]}`, `key "txs" is there twice`},
		{"/v1/txs/batch", `{"txs":[["00"]]}`, "txs[0]: want a string"},
		{"/v1/txs/batch", `{"txs":["00","zz",{"a":1,"a":2}]}`, "txs[2]: want a string"},
	} {
		b := &fakeBackend{}
		w := handle(t, b, http.MethodPost, c.path, "", "application/json", []byte(c.body))
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Detail != ErrBadRequest.Error()+": "+c.detail || p.Code != "bad-request" {
			t.Errorf("%s %.50q: %+v, want %q", c.path, c.body, p, c.detail)
		}
		if done := b.changes(); len(done) != 0 {
			t.Errorf("%s %.50q: did %q", c.path, c.body, done)
		}
	}
}

// A batch is refused for its first bad payment, which is named with how many there
// are; where they are too many, for that.
func TestBatchErrors(t *testing.T) {
	for body, detail := range map[string]string{
		`{"txs":["00","",3]}`:                                    "payment 2 of 3: " + ErrBadRequest.Error() + ": no payment; want its bytes in hexadecimal",
		`{"txs":["00",7,"z"]}`:                                   "payment 2 of 3: " + ErrBadRequest.Error() + ": want its bytes in hexadecimal, as a string",
		`{"txs":["0f","ff0","00","0"]}`:                          "payment 2 of 4: " + ErrBadRequest.Error() + ": payment: encoding/hex: odd length hex string",
		`{"txs":["0` + strings.Repeat(`","0`, MaxSubmit) + `"]}`: ErrBadRequest.Error() + ": 1001 payments, want 1 to 1000",
	} {
		b := &fakeBackend{}
		w := handle(t, b, http.MethodPost, "/v1/txs/batch", "", "application/json", []byte(body))
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Detail != detail || len(b.changes()) != 0 {
			t.Errorf("%.50q: %+v, want %q", body, p, detail)
		}
	}
}

// However the strings of a batch are written, the node gets their bytes, in order.
func TestBatchBytes(t *testing.T) {
	q := batchBody{Txs: rawTxs{params: core.Dev()}}
	if err := decodeObject([]byte(` {"txs" : [ "00ff", "\u0030A\u0062c" ,"07" ] } `), &q); err != nil {
		t.Fatal(err)
	}
	want := [][]byte{{0x00, 0xff}, {0x0a, 0xbc}, {0x07}}
	if !slices.EqualFunc(q.Txs.raws, want, bytes.Equal) {
		t.Errorf("got %x, want %x", q.Txs.raws, want)
	}
	// They share an array, in which none may grow into the next.
	if _ = append(q.Txs.raws[0], 1); !bytes.Equal(q.Txs.raws[1], want[1]) {
		t.Errorf("the second is %x after the first has grown", q.Txs.raws[1])
	}
}

// What was decoded stays when the buffer of its body is used again.
func TestBodiesAreCopied(t *testing.T) {
	decode := func(v any, body string) {
		t.Helper()
		if err := decodeBody(httptest.NewRecorder(), postOf("/", []byte(body)), maxBatchBytes, v); err != nil {
			t.Fatal(err)
		}
	}
	fill := func(digit string) string { return strings.Repeat(digit, firstRead) }
	var q WalletQuery
	txs := batchBody{Txs: rawTxs{params: core.Dev()}}
	decode(&q, `{"addresses":["`+fill("a")+`"]}`)
	decode(&txs, `{"txs":["`+fill("1")+`"]}`)
	for range 4 {
		var other WalletQuery
		decode(&other, `{"addresses":["`+fill("2")+`"]}`)
	}
	if q.Addresses[0] != fill("a") {
		t.Error("an address has changed")
	}
	if raws := txs.Txs.raws; !bytes.Equal(raws[0], bytes.Repeat([]byte{0x11}, firstRead/2)) {
		t.Error("a payment has changed")
	}
}

// A body costs memory for what has come of it, not for what it announces, nor for
// what is not wanted.
func TestBodyMemory(t *testing.T) {
	fuzzing.Proportional(t, firstRead, 1, func() {
		r := postOf("/", nil)
		r.ContentLength, r.Body = maxBatchBytes, io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
		if err := decodeBody(httptest.NewRecorder(), r, maxBatchBytes, new(WalletQuery)); err == nil {
			t.Error("a body that broke off is decoded")
		}
	})
	var keys []string
	for i := range 50_000 {
		keys = append(keys, fmt.Sprintf(`"%x":1`, i))
	}
	nested := []byte(`{"txs":[{` + strings.Join(keys, ",") + `}]}`)
	fuzzing.Proportional(t, len(nested), 1, func() {
		if err := decodeObject(nested, &batchBody{Txs: rawTxs{params: core.Dev()}}); err == nil {
			t.Error("an object is taken for a payment")
		}
	})
	const limit = 1 << 20
	for _, announced := range []int64{-1, 0, 1, firstRead, limit / 2, limit - 1, limit} {
		for _, length := range []int{0, 1, firstRead - 1, firstRead, limit/2 - 1, limit / 2, limit} {
			body := bytes.Repeat([]byte("body"), length/4+1)[:length]
			b := bodyBuffer{make([]byte, 0, 16)}
			if err := b.read(iotest.HalfReader(bytes.NewReader(body)), announced, limit); err != nil || !bytes.Equal(b.data, body) {
				t.Errorf("%d bytes, announced as %d: read %d, %v", length, announced, len(b.data), err)
			}
			most := max(16, 2*length)
			if int64(length) <= announced {
				most = min(most, int(announced)+1)
			}
			if cap(b.data) > max(most, 16)+8<<10 { // the allocator rounds up
				t.Errorf("%d bytes, announced as %d: took %d", length, announced, cap(b.data))
			}
		}
	}
}
