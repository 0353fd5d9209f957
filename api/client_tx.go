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

// SubmitTx implements [TxBackend]: it hands in a signed payment, as
// core.Transaction.AppendTo encodes it. A payment that is not taken is an error in
// which errors.As finds the [Refusal]. After any other error the payment may have
// arrived; the same bytes can be handed in again, and are never paid twice.
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

// Tx implements [TxBackend]: it tells what has become of a transaction, confirmed,
// pending, orphan or gone, and fails with [ErrNotFound] for one that the node does
// not know. With raw, its encoding comes along.
func (c *Client) Tx(ctx context.Context, id core.Hash, raw bool) (v TxDetail, err error) {
	return v, c.get(ctx, "/v1/txs/"+id.String(), flag("raw", raw), &v)
}

// Mempool implements [TxBackend]: it sums up the payments that wait for a block.
func (c *Client) Mempool(ctx context.Context) (v Mempool, err error) {
	return v, c.get(ctx, "/v1/mempool", nil, &v)
}

// MempoolTxs implements [TxBackend]: it lists payments that wait for a block, as
// they came, from behind MempoolTx.Seq after on; 0 begins.
func (c *Client) MempoolTxs(ctx context.Context, after uint64, limit int) (v []MempoolTx, err error) {
	q := page("", limit)
	q.Set("after", strconv.FormatUint(after, 10))
	return v, c.get(ctx, "/v1/mempool/txs", q, &v)
}

// Fees implements [TxBackend]: it estimates fee rates, in grains per 1,000 bytes,
// for payments to be mined within so many blocks. The estimates are in the order of
// the targets; none means a few common ones.
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

// Address implements [TxBackend]: it sums up an address. Of several, [Client.WalletView]
// does it at one tip.
func (c *Client) Address(ctx context.Context, address string) (v AddressInfo, err error) {
	return v, c.get(ctx, addressPath(address, ""), nil, &v)
}

// AddressCoins implements [TxBackend]: it lists an address's coins, page by page. An
// empty cursor begins, CoinPage.Next goes on; limit 0 means [DefaultPageSize].
func (c *Client) AddressCoins(ctx context.Context, address, cursor string, limit int) (v CoinPage, err error) {
	return v, c.get(ctx, addressPath(address, "/utxos"), page(cursor, limit), &v)
}

// AddressHistory implements [TxBackend]: it lists an address's transactions, page by
// page. An empty cursor begins, HistoryPage.Next goes on; limit 0 means
// [DefaultPageSize].
func (c *Client) AddressHistory(ctx context.Context, address, cursor string, limit int) (v HistoryPage, err error) {
	return v, c.get(ctx, addressPath(address, "/history"), page(cursor, limit), &v)
}

// WalletView implements [TxBackend]: it tells what addresses have, their coins, which
// package wallet chooses from, and their transactions, all at one tip. It fails with
// [ErrBadRequest] for an address that is not of this network, and with [ErrNoIndex]
// if the node keeps no index of addresses, or not yet.
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
