package api

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/ingchain/ingchain/core"
)

// SubmitTx implements [TxBackend].
func (c *Client) SubmitTx(ctx context.Context, raw []byte) (v TxAccepted, err error) {
	return v, c.post(ctx, "/v1/txs", submitRequest{Tx: hex.EncodeToString(raw)}, &v)
}

// SubmitTxs implements [TxBackend]. More bytes than one request may have go in
// several, one after another; if one fails, it returns the outcomes of those
// before, and the failure.
func (c *Client) SubmitTxs(ctx context.Context, raws [][]byte) ([]TxOutcome, error) {
	if len(raws) > MaxSubmit {
		return nil, fmt.Errorf("%w: %d payments, want 1 to %d", ErrBadRequest, len(raws), MaxSubmit)
	}
	all := []TxOutcome{}
	for begun := false; !begun || len(raws) > 0; begun = true {
		q := batchRequest{Txs: []string{}}
		for size := 0; len(raws) > 0; raws = raws[1:] {
			// With quotes and a comma.
			if size += hex.EncodedLen(len(raws[0])) + 3; size > maxBatchBytes-txBodyRoom && len(q.Txs) > 0 {
				break
			}
			q.Txs = append(q.Txs, hex.EncodeToString(raws[0]))
		}
		var v []TxOutcome
		if err := c.post(ctx, "/v1/txs/batch", q, &v); err != nil {
			return all, err
		}
		all = append(all, v...)
	}
	return all, nil
}

// Tx implements [TxBackend].
func (c *Client) Tx(ctx context.Context, id core.Hash, raw bool) (v TxDetail, err error) {
	return v, c.get(ctx, "/v1/txs/"+id.String(), flag("raw", raw), &v)
}

// Mempool implements [TxBackend].
func (c *Client) Mempool(ctx context.Context) (v Mempool, err error) {
	return v, c.get(ctx, "/v1/mempool", nil, &v)
}

// MempoolTxs implements [TxBackend].
func (c *Client) MempoolTxs(ctx context.Context, after uint64, limit int) (v []MempoolTx, err error) {
	q := page("", limit)
	q.Set("after", strconv.FormatUint(after, 10))
	return v, c.get(ctx, "/v1/mempool/txs", q, &v)
}

// Fees implements [TxBackend].
func (c *Client) Fees(ctx context.Context, targets []int) (v Fees, err error) {
	q := url.Values{}
	if len(targets) > 0 {
		words := make([]string, len(targets))
		for i, n := range targets {
			words[i] = strconv.Itoa(n)
		}
		q.Set("targets", strings.Join(words, ","))
	}
	return v, c.get(ctx, "/v1/fees", q, &v)
}

// Address implements [TxBackend].
func (c *Client) Address(ctx context.Context, address string) (v AddressInfo, err error) {
	return v, c.get(ctx, addressPath(address, ""), nil, &v)
}

// AddressCoins implements [TxBackend].
func (c *Client) AddressCoins(ctx context.Context, address, cursor string, limit int) (v CoinPage, err error) {
	return v, c.get(ctx, addressPath(address, "/utxos"), page(cursor, limit), &v)
}

// AddressHistory implements [TxBackend].
func (c *Client) AddressHistory(ctx context.Context, address, cursor string, limit int) (v HistoryPage, err error) {
	return v, c.get(ctx, addressPath(address, "/history"), page(cursor, limit), &v)
}

// WalletView implements [TxBackend].
func (c *Client) WalletView(ctx context.Context, q WalletQuery) (v WalletView, err error) {
	return v, c.post(ctx, "/v1/addresses/query", q, &v)
}

// addressPath escapes an address, which may be anything that a person typed.
func addressPath(address, below string) string {
	if strings.Trim(address, ".") == "" {
		address = "-" // the mux would take it for a step in the path
	}
	return "/v1/addresses/" + url.PathEscape(address) + below
}

func page(cursor string, limit int) url.Values {
	q := url.Values{}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return q
}
