package api

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

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

// rawTx reads a payment in hexadecimal that a node of these parameters may take:
// longer ones are refused unread.
func rawTx(p *core.Params, s string) ([]byte, error) {
	if len(s) == 0 {
		return nil, fmt.Errorf("%w: no payment; want its bytes in hexadecimal", ErrBadRequest)
	}
	if most := int(p.MaxTxBytes); len(s) > 2*most {
		return nil, &Refusal{Code: core.ErrTxSize, Detail: fmt.Sprintf("%d bytes, at most %d", len(s)/2, most)}
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
	var q batchRequest
	if !s.body(w, r, max(maxBatchBytes, 2*int64(p.MaxTxBytes)+txBodyRoom), &q) {
		return
	}
	if len(q.Txs) == 0 || len(q.Txs) > MaxSubmit {
		s.fail(w, r, fmt.Errorf("%w: %d payments, want 1 to %d", ErrBadRequest, len(q.Txs), MaxSubmit))
		return
	}
	raws := make([][]byte, len(q.Txs))
	for i, t := range q.Txs {
		var err error
		if raws[i], err = rawTx(p, t); err != nil {
			s.fail(w, r, fmt.Errorf("payment %d of %d: %w", i+1, len(q.Txs), err))
			return
		}
	}
	v, err := s.backend.SubmitTxs(r.Context(), raws)
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
