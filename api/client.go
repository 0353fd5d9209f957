package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ingchain/ingchain/core"
)

// Limits of the client, which need not trust what answers at an address.
const (
	maxAnswerBytes = 128 << 20 // a JSON answer: a raw block in hexadecimal, with room
	maxLineBytes   = 1 << 20   // a line of a stream
	dialTimeout    = 5 * time.Second
)

// Client calls a node's API. It implements [Backend], and may be used by many
// goroutines at once.
type Client struct {
	endpoint Endpoint
	http     *http.Client
	params   *core.Params
}

var _ Backend = (*Client)(nil)

// Dial finds the node that runs on a data directory of this machine and connects to
// it. It fails with [ErrUnreachable] if none answers. A node makes a new token at
// each start: after a restart, dial again.
func Dial(ctx context.Context, dataDir string) (*Client, error) {
	e, err := ReadEndpoint(dataDir)
	if err != nil {
		return nil, err
	}
	return NewClient(ctx, e)
}

// NewClient connects to the node at an endpoint and asks for its network. It fails
// with [ErrUnreachable] if none answers, and with [ErrNotAllowed] if the token is not
// the node's.
func NewClient(ctx context.Context, e Endpoint) (*Client, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	c := &Client{
		endpoint: e,
		// No proxy: a token for this machine does not belong in one.
		http: &http.Client{Transport: &http.Transport{
			DialContext: dialer.DialContext, DisableCompression: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: idleTimeout,
		}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	var raw json.RawMessage
	if err := c.get(ctx, "/v1/network", nil, &raw); err != nil {
		return nil, err
	}
	var err error
	if c.params, err = core.ParseParams(raw); err != nil {
		return nil, fmt.Errorf("the node's network: %w", err)
	}
	return c, nil
}

// Close closes idle connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Endpoint returns what the client talks to.
func (c *Client) Endpoint() Endpoint { return c.endpoint }

// Params implements [ChainReader]: it returns the parameters of the node's network,
// which the client asked for when it connected.
func (c *Client) Params() *core.Params { return c.params }

// Head implements [ChainReader].
func (c *Client) Head(ctx context.Context) (v BlockDetail, err error) {
	return v, c.get(ctx, "/v1/chain/head", nil, &v)
}

// BlockByID implements [ChainReader].
func (c *Client) BlockByID(ctx context.Context, id core.Hash, raw bool) (v BlockDetail, err error) {
	return v, c.get(ctx, "/v1/chain/blocks/"+id.String(), flag("raw", raw), &v)
}

// BlockByHeight implements [ChainReader].
func (c *Client) BlockByHeight(ctx context.Context, height uint32, raw bool) (v BlockDetail, err error) {
	return v, c.get(ctx, "/v1/chain/blocks/"+strconv.FormatUint(uint64(height), 10), flag("raw", raw), &v)
}

// Blocks implements [ChainReader]. The server gives at most 500; [ListBlocks]
// asks for more in pages.
func (c *Client) Blocks(ctx context.Context, from *uint32, limit int) (v []Block, err error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if from != nil {
		q.Set("from", strconv.FormatUint(uint64(*from), 10))
	}
	return v, c.get(ctx, "/v1/chain/blocks", q, &v)
}

// Forks implements [ChainReader].
func (c *Client) Forks(ctx context.Context) (v []Fork, err error) {
	return v, c.get(ctx, "/v1/chain/forks", nil, &v)
}

// StateHash implements [ChainReader].
func (c *Client) StateHash(ctx context.Context, full bool) (v StateHash, err error) {
	return v, c.get(ctx, "/v1/chain/statehash", flag("full", full), &v)
}

// Status implements [Backend].
func (c *Client) Status(ctx context.Context) (v Status, err error) {
	return v, c.get(ctx, "/v1/status", nil, &v)
}

// ID implements [Backend].
func (c *Client) ID(ctx context.Context) (v ID, err error) {
	return v, c.get(ctx, "/v1/id", nil, &v)
}

// Peers implements [Backend].
func (c *Client) Peers(ctx context.Context) (v []Peer, err error) {
	return v, c.get(ctx, "/v1/peers", nil, &v)
}

// Connect implements [Backend].
func (c *Client) Connect(ctx context.Context, addr string) (v Peer, err error) {
	return v, c.post(ctx, "/v1/peers/connect", connectRequest{Addr: addr}, &v)
}

// Disconnect implements [Backend].
func (c *Client) Disconnect(ctx context.Context, peerID string) error {
	var none struct{}
	return c.post(ctx, "/v1/peers/disconnect", disconnectRequest{PeerID: peerID}, &none)
}

// ListenAddrs implements [Backend].
func (c *Client) ListenAddrs(ctx context.Context) (v []string, err error) {
	return v, c.get(ctx, "/v1/listen", nil, &v)
}

// Topics implements [Backend].
func (c *Client) Topics(ctx context.Context) (v []Topic, err error) {
	return v, c.get(ctx, "/v1/topics", nil, &v)
}

// SyncStatus implements [Backend].
func (c *Client) SyncStatus(ctx context.Context) (v SyncStatus, err error) {
	return v, c.get(ctx, "/v1/sync", nil, &v)
}

// MineOnce implements [Backend].
func (c *Client) MineOnce(ctx context.Context, n int, address string) (v []MinedBlock, err error) {
	return v, c.post(ctx, "/v1/mining/once", mineOnceRequest{N: n, Address: address}, &v)
}

// StartMining implements [Backend].
func (c *Client) StartMining(ctx context.Context, address string, threads int) (v MiningStatus, err error) {
	return v, c.post(ctx, "/v1/mining/start", mineStartRequest{Address: address, Threads: threads}, &v)
}

// StopMining implements [Backend].
func (c *Client) StopMining(ctx context.Context) (v MiningStatus, err error) {
	return v, c.post(ctx, "/v1/mining/stop", struct{}{}, &v)
}

// MiningStatus implements [Backend].
func (c *Client) MiningStatus(ctx context.Context) (v MiningStatus, err error) {
	return v, c.get(ctx, "/v1/mining", nil, &v)
}

// Invalidate implements [Backend].
func (c *Client) Invalidate(ctx context.Context, id core.Hash) (v Ref, err error) {
	return v, c.post(ctx, "/v1/chain/invalidate", blockRequest{ID: id}, &v)
}

// Reconsider implements [Backend].
func (c *Client) Reconsider(ctx context.Context, id core.Hash) (v Ref, err error) {
	return v, c.post(ctx, "/v1/chain/reconsider", blockRequest{ID: id}, &v)
}

func flag(name string, on bool) url.Values {
	if !on {
		return nil
	}
	return url.Values{name: {"true"}}
}

func (c *Client) get(ctx context.Context, path string, q url.Values, into any) error {
	res, err := c.open(ctx, http.MethodGet, path, q, "", nil)
	if err != nil {
		return err
	}
	return readAnswer(ctx, res, into)
}

func (c *Client) post(ctx context.Context, path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	res, err := c.open(ctx, http.MethodPost, path, nil, "application/json", bytes.NewReader(data))
	if err != nil {
		return err
	}
	return readAnswer(ctx, res, into)
}

// open sends a request and returns the response once it is known to be a
// success; the caller closes its body.
func (c *Client) open(ctx context.Context, method, path string, q url.Values, media string, body io.Reader) (*http.Response, error) {
	u := strings.TrimSuffix(c.endpoint.URL, "/") + path
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u, body)
	if err != nil {
		return nil, fmt.Errorf("%w: API at %q: %w", ErrBadRequest, c.endpoint.URL, err)
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	if c.endpoint.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.endpoint.Token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(ctx, err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	var p Problem
	data, _ := io.ReadAll(io.LimitReader(res.Body, maxLineBytes))
	if json.Unmarshal(data, &p) != nil || p.Code == "" {
		return nil, fmt.Errorf("%w: what answers at %s is not a node (%s)", ErrUnreachable, c.endpoint.URL, res.Status)
	}
	e := &Error{Problem: p}
	if n, err := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 31); err == nil {
		e.RetryAfter = time.Duration(n) * time.Second
	}
	return nil, e
}

// broken words a failure of the connection itself.
func (c *Client) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctxError(ctx)
	}
	var uerr *url.Error
	if errors.As(err, &uerr) {
		err = uerr.Err // without the method and URL, which the message names already
	}
	return fmt.Errorf("%w: no answer at %s: %w", ErrUnreachable, c.endpoint.URL, err)
}

// ctxError is why ctx ended, as one of our kinds if it was a deadline.
func ctxError(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrTimeout, ctx.Err())
	}
	return ctx.Err()
}

func readAnswer(ctx context.Context, res *http.Response, into any) error {
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes))
	if err != nil {
		if ctx.Err() != nil {
			return ctxError(ctx)
		}
		return fmt.Errorf("%w: the answer broke off: %w", ErrUnreachable, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("decode the node's answer: %w", err)
	}
	return nil
}
