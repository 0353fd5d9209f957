package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
)

// batches are bodies with as many payments as one may have: usual payments, which
// make 0.6 MB, and larger ones, which make 2.5 MB.
func batches() map[string][]byte {
	all := make(map[string][]byte)
	for name, size := range map[string]int{"usual": 302, "2.5MB": 1250} {
		payment := `"` + strings.Repeat("0f", size) + `"`
		all[name] = []byte(`{"txs":[` + payment + strings.Repeat(","+payment, MaxSubmit-1) + `]}`)
	}
	return all
}

func postOf(path string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, io.NopCloser(bytes.NewReader(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Host = "localhost"
	r.ContentLength = int64(len(body))
	return r
}

// BenchmarkDecodeBody reads a full batch of payments into what its route wants.
func BenchmarkDecodeBody(b *testing.B) {
	for name, body := range batches() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				q := batchBody{Txs: rawTxs{params: core.Dev()}}
				if err := decodeBody(httptest.NewRecorder(), postOf("/v1/txs/batch", body), maxBatchBytes, &q); err != nil || q.Txs.count != MaxSubmit {
					b.Fatal(q.Txs.count, err)
				}
			}
		})
	}
}

// idleBackend takes payments and says nothing of them.
type idleBackend struct{ fakeBackend }

func (*idleBackend) SubmitTxs(context.Context, [][]byte) ([]TxOutcome, error) { return nil, nil }

// BenchmarkBatch hands a full batch of payments to a node that does nothing.
func BenchmarkBatch(b *testing.B) {
	s := NewServer(&idleBackend{}, Config{})
	for name, body := range batches() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				if s.ServeHTTP(w, postOf("/v1/txs/batch", body)); w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
