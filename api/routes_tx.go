package api

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/ingchain/ingchain/core"
)

const (
	maxBatchBytes  = 8 << 20          // body of a batch of payments, unless one payment may be larger
	maxWalletBytes = 256 << 10        // body of a wallet's query: its addresses
	maxBulk        = 8                // batches and wallet queries at work at once; more wait
	maxBulkWaiting = 64               // how many: beyond, they would take the connections of all others
	bulkPatience   = 10 * time.Second // how long they wait
	txBodyRoom     = 4 << 10          // JSON around a payment, in bytes
)

var errManyBulk = fmt.Errorf("%w: %d large requests are under way already", ErrBusy, maxBulk)

// txRoutes are about payments and addresses.
var txRoutes = []route{
	{"POST", "/v1/txs", (*Server).submitTx},
	{"POST", "/v1/txs/batch", (*Server).submitTxs},
	{"GET", "/v1/txs/{id}", (*Server).tx},
	{"GET", "/v1/mempool", get(Backend.Mempool)},
	{"GET", "/v1/mempool/txs", (*Server).mempoolTxs},
	{"GET", "/v1/fees", (*Server).fees},
	{"GET", "/v1/addresses/{a}", (*Server).address},
	{"GET", "/v1/addresses/{a}/utxos", addressPage(Backend.AddressCoins)},
	{"GET", "/v1/addresses/{a}/history", addressPage(Backend.AddressHistory)},
	{"POST", "/v1/addresses/query", (*Server).walletView},
}

// Bodies of POST requests. Payments are in hexadecimal.
type (
	submitRequest struct {
		Tx string `json:"tx"`
	}
	batchRequest struct {
		Txs []string `json:"txs"`
	}
)

// batchBody is a batchRequest as the server reads it.
type batchBody struct {
	Txs rawTxs `json:"txs"`
}

// rawTxs decodes a list of payments in hexadecimal without a string for each.
type rawTxs struct {
	params *core.Params
	raws   [][]byte // up to MaxSubmit and to the first that is bad; they share one array
	count  int      // how many the list has
	bad    error    // what is wrong with payment len(raws)+1; nil if nothing
}

// UnmarshalJSONFrom implements [jsonv2.UnmarshalerFrom]. A bad payment is no error
// before all are counted, unless it is a list or an object.
func (t *rawTxs) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case jsontext.KindBeginArray:
	case jsontext.KindNull, jsontext.KindInvalid:
		return dec.SkipValue() // which says what is invalid
	default:
		return &jsonv2.SemanticError{GoType: reflect.TypeFor[[]string]()}
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	// Two digits make a byte: this is enough for all payments.
	array := make([]byte, 0, len(dec.UnreadBuffer())/2)
	for {
		kind := dec.PeekKind()
		if kind == jsontext.KindEndArray {
			break
		}
		if kind == jsontext.KindBeginObject || kind == jsontext.KindBeginArray {
			return t.nested(dec)
		}
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if t.count++; t.count > MaxSubmit || t.bad != nil {
			continue
		}
		if t.raws == nil {
			t.raws = make([][]byte, 0, min(MaxSubmit, 1+len(dec.UnreadBuffer())/len(v)))
		}
		begin := len(array)
		if array, t.bad = appendRaw(array, t.params, v); t.bad == nil {
			t.raws = append(t.raws, array[begin:len(array):len(array)])
		}
	}
	_, err := dec.ReadToken()
	return err
}

// nested refuses a list or an object in the place of a payment, unread: to find keys
// that are there twice, the decoder would keep all of them, in fifteen times their length.
func (t *rawTxs) nested(dec *jsontext.Decoder) error {
	at := dec.StackPointer() // of the list, or of the last payment in it
	if t.count > 0 {
		at = at.Parent()
	}
	return &jsonv2.SemanticError{JSONPointer: at.AppendToken(strconv.Itoa(t.count)), GoType: reflect.TypeFor[string]()}
}

// appendRaw appends the payment that a JSON value is.
func appendRaw(to []byte, p *core.Params, v jsontext.Value) ([]byte, error) {
	if v.Kind() != jsontext.KindString {
		return to, fmt.Errorf("%w: want its bytes in hexadecimal, as a string", ErrBadRequest)
	}
	digits := v[1 : len(v)-1]
	if bytes.IndexByte(digits, '\\') >= 0 {
		var err error
		if digits, err = jsontext.AppendUnquote(nil, v); err != nil {
			return to, fmt.Errorf("%w: want its bytes in hexadecimal", ErrBadRequest)
		}
	}
	if err := checkRaw(p, len(digits)); err != nil {
		return to, err
	}
	raw, err := hex.AppendDecode(to, digits)
	if err != nil {
		return to, fmt.Errorf("%w: payment: %w", ErrBadRequest, err)
	}
	return raw, nil
}

// checkRaw says whether a node of these parameters may take a payment of so many
// hexadecimal digits: longer ones are refused unread.
func checkRaw(p *core.Params, digits int) error {
	most := int(p.MaxTxBytes)
	switch {
	case digits == 0:
		return fmt.Errorf("%w: no payment; want its bytes in hexadecimal", ErrBadRequest)
	case digits > 2*most:
		return &Refusal{Code: core.ErrTxSize, Detail: fmt.Sprintf("%d bytes, at most %d", digits/2, most)}
	}
	return nil
}

// rawTx reads a payment in hexadecimal that a node of these parameters may take.
func rawTx(p *core.Params, s string) ([]byte, error) {
	if err := checkRaw(p, len(s)); err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%w: payment: %w", ErrBadRequest, err)
	}
	return raw, nil
}

func (s *Server) submitTx(w http.ResponseWriter, r *http.Request) {
	p := s.backend.Params()
	var q submitRequest
	if !s.body(w, r, max(maxBodyBytes, 2*int64(p.MaxTxBytes)+txBodyRoom), &q) {
		return
	}
	raw, err := rawTx(p, q.Tx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v, err := s.backend.SubmitTx(r.Context(), raw)
	s.answer(w, r, v, err)
}

func (s *Server) submitTxs(w http.ResponseWriter, r *http.Request) {
	if !s.waitBulk(w, r) {
		return
	}
	defer s.bulk.give()
	p := s.backend.Params()
	q := batchBody{Txs: rawTxs{params: p}}
	if !s.body(w, r, max(maxBatchBytes, 2*int64(p.MaxTxBytes)+txBodyRoom), &q) {
		return
	}
	txs := &q.Txs
	if txs.count == 0 || txs.count > MaxSubmit {
		s.fail(w, r, fmt.Errorf("%w: %d payments, want 1 to %d", ErrBadRequest, txs.count, MaxSubmit))
		return
	}
	if txs.bad != nil {
		s.fail(w, r, fmt.Errorf("payment %d of %d: %w", len(txs.raws)+1, txs.count, txs.bad))
		return
	}
	v, err := s.backend.SubmitTxs(r.Context(), txs.raws)
	s.answer(w, r, orEmpty(v), err)
}

func (s *Server) tx(w http.ResponseWriter, r *http.Request) {
	raw, err := queryBool(r, "raw")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	id, err := core.ParseHash(r.PathValue("id"))
	if err != nil {
		s.fail(w, r, fmt.Errorf("%w: txid: %w", ErrBadRequest, err))
		return
	}
	v, err := s.backend.Tx(r.Context(), id, raw)
	s.answer(w, r, v, err)
}

func (s *Server) mempoolTxs(w http.ResponseWriter, r *http.Request) {
	after, err := queryUint(r, "after", 0, 1<<64-1)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	limit, err := queryUint(r, "limit", DefaultPageSize, MaxPageSize)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v, err := s.backend.MempoolTxs(r.Context(), after, int(limit))
	s.answer(w, r, orEmpty(v), err)
}

func (s *Server) fees(w http.ResponseWriter, r *http.Request) {
	targets, err := parseTargets(r.URL.Query().Get("targets"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v, err := s.backend.Fees(r.Context(), targets)
	s.answer(w, r, v, err)
}

// parseTargets reads numbers of blocks, with commas between them.
func parseTargets(list string) ([]int, error) {
	if list == "" {
		return nil, nil
	}
	if strings.Count(list, ",") >= MaxFeeTargets {
		return nil, fmt.Errorf("%w: more than %d targets", ErrBadRequest, MaxFeeTargets)
	}
	var targets []int
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil || n < 1 || n > MaxFeeTarget {
			return nil, fmt.Errorf("%w: target %.40q, want a number of blocks from 1 to %d", ErrBadRequest, word, MaxFeeTarget)
		}
		targets = append(targets, int(n))
	}
	return targets, nil
}

func (s *Server) address(w http.ResponseWriter, r *http.Request) {
	v, err := s.backend.Address(r.Context(), r.PathValue("a"))
	s.answer(w, r, v, err)
}

// addressPage makes a handler of a list of an address.
func addressPage[T any](call func(b Backend, ctx context.Context, address, cursor string, limit int) (T, error)) func(*Server, http.ResponseWriter, *http.Request) {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		limit, err := queryUint(r, "limit", DefaultPageSize, MaxPageSize)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		v, err := call(s.backend, r.Context(), r.PathValue("a"), r.URL.Query().Get("cursor"), int(limit))
		s.answer(w, r, v, err)
	}
}

func (s *Server) walletView(w http.ResponseWriter, r *http.Request) {
	if !s.waitBulk(w, r) {
		return
	}
	defer s.bulk.give()
	var q WalletQuery
	if !s.body(w, r, maxWalletBytes, &q) {
		return
	}
	if len(q.Addresses) == 0 || len(q.Addresses) > MaxWalletAddresses {
		s.fail(w, r, fmt.Errorf("%w: %d addresses, want 1 to %d", ErrBadRequest, len(q.Addresses), MaxWalletAddresses))
		return
	}
	v, err := s.backend.WalletView(r.Context(), q)
	s.answer(w, r, v, err)
}

// body reads a JSON body of at most limit bytes, or refuses it.
func (s *Server) body(w http.ResponseWriter, r *http.Request, limit int64, v any) bool {
	if !wantMedia(w, r, "application/json") {
		return false
	}
	if err := decodeBody(w, r, limit, v); err != nil {
		s.fail(w, r, err)
		return false
	}
	return true
}

// waitBulk waits for a place among the large requests, before any of the body is
// read. Who gets one gives it back. Where many wait already, it does not.
func (s *Server) waitBulk(w http.ResponseWriter, r *http.Request) bool {
	if !s.bulkQueue.take() {
		s.fail(w, r, errManyBulk)
		return false
	}
	defer s.bulkQueue.give()
	ctx, cancel := context.WithTimeout(r.Context(), bulkPatience)
	defer cancel()
	if s.bulk.wait(ctx) {
		return true
	}
	s.fail(w, r, errManyBulk)
	return false
}
