package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// Events implements [Backend]: it yields what happens to the best chain, and first
// what happened since the cursor, which is the [Event.Cursor] of an earlier event,
// "genesis", or "" for nothing. It listens from the call on, so whoever asks for the
// state after the call misses no change. The sequence ends without an error when
// ctx is cancelled, and with [ErrShuttingDown] or [ErrUnreachable] when the node
// goes; a client dialled anew goes on at the last cursor. A sequence that is not ranged over holds its
// connection until ctx is done.
func (c *Client) Events(ctx context.Context, since string) iter.Seq2[Event, error] {
	q := url.Values{}
	if since != "" {
		q.Set("since", since)
	}
	return follow[Event](ctx, c, "/v1/events", q)
}

// Announcements implements [Backend]. The request is made at once.
func (c *Client) Announcements(ctx context.Context) iter.Seq2[Announcement, error] {
	return follow[Announcement](ctx, c, "/v1/topics/blocks", nil)
}

// follow opens a stream and yields its lines. The sequence ends when ctx is done,
// or with an error: a stream that simply stops means that the node has gone.
func follow[T any](ctx context.Context, c *Client, path string, q url.Values) iter.Seq2[T, error] {
	res, err := c.open(ctx, http.MethodGet, path, q, "", nil)
	return func(yield func(T, error) bool) {
		var zero T
		if err != nil {
			if ctx.Err() == nil || !errors.Is(err, context.Canceled) {
				yield(zero, err)
			}
			return
		}
		defer res.Body.Close()
		lines := newLines(res.Body)
		for {
			line, err := lines.next(ctx)
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					yield(zero, err)
				}
				return
			}
			var v T
			if err := decodeLine(line, &v); err != nil {
				yield(zero, err)
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}

// decodeLine reads an item, or the problem that ended the stream.
func decodeLine(line []byte, v any) error {
	var last streamLine
	if err := json.Unmarshal(line, &last); err != nil {
		return fmt.Errorf("decode the node's stream: %w", err)
	}
	if last.Error != nil {
		return &Error{Problem: *last.Error}
	}
	if err := json.Unmarshal(line, v); err != nil {
		return fmt.Errorf("decode the node's stream: %w", err)
	}
	return nil
}

// lines reads NDJSON.
type lines struct{ sc *bufio.Scanner }

func newLines(r io.Reader) lines {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 4<<10), maxLineBytes)
	return lines{sc}
}

func (l lines) next(ctx context.Context) ([]byte, error) {
	if l.sc.Scan() {
		return l.sc.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, ctxError(ctx)
	}
	if err := l.sc.Err(); err != nil {
		return nil, fmt.Errorf("%w: the stream broke off: %w", ErrUnreachable, err)
	}
	return nil, fmt.Errorf("%w: the stream ended", ErrUnreachable)
}

// Verify implements [ChainReader].
func (c *Client) Verify(ctx context.Context, progress func(done, total uint32)) (VerifyResult, error) {
	res, err := c.open(ctx, http.MethodPost, "/v1/chain/verify", nil, "application/json", strings.NewReader("{}"))
	if err != nil {
		return VerifyResult{}, err
	}
	defer res.Body.Close()
	lines := newLines(res.Body)
	for {
		line, err := lines.next(ctx)
		if err != nil {
			return VerifyResult{}, err
		}
		var v verifyLine
		if err := decodeLine(line, &v); err != nil {
			return VerifyResult{}, err
		}
		if v.Result != nil {
			return *v.Result, nil
		}
		if progress != nil {
			progress(v.Done, v.Total)
		}
	}
}

// Export implements [ChainReader].
func (c *Client) Export(ctx context.Context, w io.Writer) (Ref, error) {
	res, err := c.open(ctx, http.MethodGet, "/v1/chain/export", nil, "", nil)
	if err != nil {
		return Ref{}, err
	}
	defer res.Body.Close()
	out := &writeErr{w: w}
	if _, err := io.Copy(out, res.Body); err != nil {
		switch {
		case ctx.Err() != nil:
			return Ref{}, ctxError(ctx)
		case out.err != nil:
			return Ref{}, out.err
		}
		return Ref{}, fmt.Errorf("%w: the export broke off: %w", ErrUnreachable, err)
	}
	if s := res.Trailer.Get(trailerProblem); s != "" {
		var p Problem
		if err := json.Unmarshal([]byte(s), &p); err != nil {
			return Ref{}, fmt.Errorf("decode the node's answer: %w", err)
		}
		return Ref{}, &Error{Problem: p}
	}
	var tip Ref
	if err := json.Unmarshal([]byte(res.Trailer.Get(trailerTip)), &tip); err != nil {
		return Ref{}, fmt.Errorf("%w: the export broke off", ErrUnreachable)
	}
	return tip, nil
}

// Import implements [Backend].
func (c *Client) Import(ctx context.Context, r io.Reader) (Ref, error) {
	res, err := c.open(ctx, http.MethodPost, "/v1/chain/import", nil, "application/octet-stream", r)
	if err != nil {
		return Ref{}, err
	}
	var tip Ref
	return tip, readAnswer(ctx, res, &tip)
}

// writeErr remembers that it was the writer that failed.
type writeErr struct {
	w   io.Writer
	err error
}

func (e *writeErr) Write(b []byte) (int, error) {
	n, err := e.w.Write(b)
	if err != nil {
		e.err = err
	}
	return n, err
}
