package protocol

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	headersTimeout = 10 * time.Second // for an answer of headers, 236 KB at most
	blocksTimeout  = 60 * time.Second // for an answer of blocks; what came by then counts
	silenceTimeout = 10 * time.Second // between two frames of an answer
)

// RemoteError is an answer that a request isn't served.
type RemoteError struct {
	Code wire.ErrorCode
	Text string
}

// Error implements error.
func (e *RemoteError) Error() string {
	return fmt.Sprintf("peer answered error %d: %s", e.Code, e.Text)
}

// errNotFound ends an answer of blocks at one that the peer doesn't have.
var errNotFound = errors.New("peer doesn't have the block")

// request opens a stream, sends m and hands the frames of the answer to frame
// until that returns true or an error.
func (s *Service) request(ctx context.Context, p peer.ID, m wire.Message, need wire.Capabilities, timeout time.Duration,
	limit func(wire.Type) int, frame func(wire.Type, []byte) (done bool, err error)) error {
	if caps, joined := s.peerJoined(p); !joined || !caps.Has(need) {
		return fmt.Errorf("%s isn't joined or doesn't understand %v", p, m.Type())
	}
	ctx, cancel := context.WithTimeout(p2pnetwork.WithNoDial(ctx, "request"), timeout)
	defer cancel()
	str, err := s.host.NewStream(ctx, p, ID)
	if err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	defer func() { _ = str.Reset() }() // after the end of the answer it does nothing
	stop := context.AfterFunc(ctx, func() { _ = str.Reset() })
	defer stop()
	if err := str.Scope().SetService(serviceName); err != nil {
		return fmt.Errorf("attach to service: %w", err)
	}
	if err := str.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := str.Write(wire.AppendFrame(nil, m)); err != nil {
		return fmt.Errorf("send %v: %w", m.Type(), err)
	}
	if err := str.CloseWrite(); err != nil {
		return fmt.Errorf("send %v: %w", m.Type(), err)
	}
	r := bufio.NewReaderSize(&patientReader{str: str}, 64<<10)
	for {
		t, payload, err := wire.ReadFrame(r, limit)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err == nil && t == wire.TypeError {
			var e *wire.Error
			if e, err = wire.ParseError(payload); err == nil {
				err = &RemoteError{Code: e.Code, Text: e.Text}
			}
		}
		if t == wire.TypeBlock && errors.Is(err, wire.ErrTooLong) {
			err = &core.BodyError{Code: core.ErrBlockSize, Detail: err.Error()}
		}
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return fmt.Errorf("answer to %v: %w", m.Type(), err)
		}
		if done, err := frame(t, payload); done || err != nil {
			return err
		}
	}
}

// patientReader gives every read its own deadline; the context of the request
// bounds them all.
type patientReader struct{ str p2pnetwork.Stream }

func (r *patientReader) Read(b []byte) (int, error) {
	if err := r.str.SetReadDeadline(time.Now().Add(silenceTimeout)); err != nil {
		return 0, err
	}
	return r.str.Read(b)
}

// fetchHeaders asks a peer for headers behind a locator.
func (s *Service) fetchHeaders(ctx context.Context, p peer.ID, locator []core.Hash, max int) (hs []core.Header, err error) {
	q := &wire.GetHeaders{Locator: locator, Max: uint16(max)}
	limit := func(t wire.Type) int {
		if t == wire.TypeHeaders || t == wire.TypeError {
			return t.MaxSize()
		}
		return 0
	}
	err = s.request(ctx, p, q, wire.CapHeaders, headersTimeout, limit, func(_ wire.Type, payload []byte) (bool, error) {
		m, err := wire.ParseHeaders(payload)
		if err != nil {
			return false, err
		}
		hs = m.Headers
		return true, nil
	})
	return hs, err
}

// fetchBlocks asks a peer for blocks and returns those that came, in the order
// of ids. With fewer than asked for the error says why, if it is not nil:
// errNotFound, a core.BodyError, wire.ErrMalformed, or a failure.
func (s *Service) fetchBlocks(ctx context.Context, p peer.ID, ids []core.Hash) (blocks []*core.Block, err error) {
	maxBlock := int(s.rules.Params().MaxBlockBytes)
	limit := func(t wire.Type) int {
		switch t {
		case wire.TypeBlock:
			return maxBlock
		case wire.TypeNotFound, wire.TypeEnd, wire.TypeError:
			return t.MaxSize()
		}
		return 0
	}
	budget := maxResponse + maxBlock
	err = s.request(ctx, p, &wire.GetBlocks{IDs: ids}, wire.CapBlocks, blocksTimeout, limit, func(t wire.Type, payload []byte) (bool, error) {
		if t == wire.TypeEnd {
			_, err := wire.ParseEnd(payload)
			return true, err
		}
		if len(blocks) == len(ids) {
			return false, fmt.Errorf("%w: more than was asked for", wire.ErrMalformed)
		}
		want := ids[len(blocks)]
		if t == wire.TypeNotFound {
			m, err := wire.ParseNotFound(payload)
			if err == nil && m.ID != want {
				err = fmt.Errorf("%w: not-found of a block that wasn't asked for", wire.ErrMalformed)
			}
			if err == nil {
				err = errNotFound
			}
			return false, err
		}
		if budget -= len(payload); budget < 0 {
			return false, fmt.Errorf("%w: answer of more than %d bytes", wire.ErrMalformed, maxResponse+maxBlock)
		}
		b, err := core.ParseBlock(payload)
		if err != nil {
			return false, err
		}
		if b.ID() != want {
			return false, &core.BodyError{Code: core.ErrMalformed, Detail: fmt.Sprintf("block %s instead of %s", b.ID().Short(), want.Short())}
		}
		blocks = append(blocks, b)
		s.count(func(st *Stats) { st.BlocksFetched++; st.BlockBytes += len(payload) })
		return false, nil
	})
	return blocks, err
}

// maxResponse is where servers cut an answer of blocks, in bytes.
const maxResponse = 8 << 20
