package protocol

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	p2pnetwork "github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/wire"
)

const (
	maxPending        = 256             // streams whose first frame is awaited, from all peers
	maxStreamsPerPeer = 8               // inbound streams of one peer, its hello included
	requestMemory     = 64 << 10        // bytes reserved for a request
	joinWait          = 3 * time.Second // for a hello that a request has overtaken
	rateWait          = 2 * time.Second // that a request may wait for its turn
	serveTimeout      = 2 * time.Minute // for a whole answer
	writeChunk        = 64 << 10        // bytes that writeTimeout is for
	lookUps           = 3               // times that headers are looked up if the chain changes meanwhile
)

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

// handleStream owns the fate of a stream that a peer opened: a hello stream, or
// one request and its answer.
func (s *Service) handleStream(ctx context.Context, str p2pnetwork.Stream) {
	p := str.Conn().RemotePeer()
	if !s.openStream(p) {
		_ = str.Reset()
		return
	}
	defer s.closeStream(p)
	stop := context.AfterFunc(ctx, func() { _ = str.Reset() })
	defer stop()
	m, r, err := s.firstFrame(str)
	if err == nil {
		if hello, ok := m.(*wire.Hello); ok {
			err := s.talk(ctx, &session{peer: p, stream: str, poke: make(chan struct{}, 1)}, r, hello)
			s.log.Debug("hello stream ended", "peer", p, "error", err)
			return
		}
		err = s.answer(ctx, str, m)
	}
	if err != nil {
		s.log.Debug("request", "peer", p, "error", err)
		_ = str.Reset()
		if errors.Is(err, wire.ErrMalformed) {
			s.disconnect(p, "request: "+err.Error())
		}
		return
	}
	_ = str.Close()
}

// openStream counts an inbound stream, unless there are too many.
func (s *Service) openStream(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(p)
	if e.streams >= maxStreamsPerPeer {
		return false
	}
	e.streams++
	return true
}

func (s *Service) closeStream(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.peers[p]; e != nil {
		e.streams--
	}
}

// firstFrame reads what a stream begins with. A silent or dripping peer is cut
// off after firstFrameTimeout.
func (s *Service) firstFrame(str p2pnetwork.Stream) (wire.Message, *bufio.Reader, error) {
	select {
	case s.pending <- struct{}{}:
		defer func() { <-s.pending }()
	default:
		return nil, nil, errors.New("too many streams wait for their first frame")
	}
	if err := str.Scope().SetService(serviceName); err != nil {
		return nil, nil, fmt.Errorf("attach to service: %w", err)
	}
	if err := str.Scope().ReserveMemory(requestMemory, p2pnetwork.ReservationPriorityAlways); err != nil {
		return nil, nil, fmt.Errorf("reserve memory: %w", err)
	}
	defer str.Scope().ReleaseMemory(requestMemory)
	if err := str.SetReadDeadline(time.Now().Add(firstFrameTimeout)); err != nil {
		return nil, nil, err
	}
	r := bufio.NewReader(str)
	t, payload, err := wire.ReadFrame(r, s.firstFrames)
	if err != nil {
		return nil, nil, err
	}
	m, err := wire.Parse(t, payload)
	return m, r, err
}

// answer serves a request of a joined peer, within its rate and our slots.
func (s *Service) answer(ctx context.Context, str p2pnetwork.Stream, m wire.Message) error {
	p := str.Conn().RemotePeer()
	ctx, cancel := context.WithTimeout(ctx, serveTimeout)
	defer cancel()
	w := &answerWriter{str: str, until: time.Now().Add(serveTimeout)}
	wait, done := context.WithTimeout(ctx, joinWait)
	err := s.WaitJoined(wait, p)
	done()
	if err != nil {
		return w.fail(wire.CodeNotJoined, "say hello first")
	}
	s.mu.Lock()
	limiter := s.entry(p).limiter
	s.mu.Unlock()
	wait, done = context.WithTimeout(ctx, rateWait)
	defer done()
	if limiter.Wait(wait) != nil {
		return w.fail(wire.CodeBusy, "too many requests")
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-wait.Done():
		return w.fail(wire.CodeBusy, "too many requests of all peers")
	}
	defer func() { limiter.ReserveN(time.Now(), min(w.cost(), requestBurst)) }()
	switch m := m.(type) {
	case *wire.GetHeaders:
		hs := s.headersAfter(m)
		w.items = len(hs)
		return w.message(&wire.Headers{Headers: hs})
	case *wire.GetBlocks:
		return s.sendBlocks(ctx, w, m.IDs)
	case *wire.GetRange:
		ids, err := s.chain.IDsInRange(m.Tip, m.From, int(m.Count))
		if err != nil {
			return errors.Join(w.message(&wire.NotFound{ID: m.Tip}), w.message(&wire.End{}))
		}
		return s.sendBlocks(ctx, w, ids)
	case *wire.GetTxs:
		return s.sendTxs(ctx, w, m.IDs)
	case *wire.GetPool:
		return s.sendPool(w, m)
	case *wire.GetBlockTxs:
		return s.sendBlockTxs(ctx, w, m)
	}
	return fmt.Errorf("%w: %v is not a request", wire.ErrMalformed, m.Type())
}

// headersAfter looks up what follows a locator. If the chain is reorganised in
// the midst of that, what is found may follow none of its blocks: a peer would
// take it for a lie, so the look-up is repeated.
func (s *Service) headersAfter(m *wire.GetHeaders) []core.Header {
	for range lookUps {
		hs := s.chain.HeadersAfter(m.Locator, m.Stop, int(m.Max))
		if len(hs) == 0 || hs[0].Parent == s.rules.GenesisID() || slices.Contains(m.Locator, hs[0].Parent) {
			return hs[:min(len(hs), wire.MaxHeaders)]
		}
	}
	return nil
}

// sendBlocks sends blocks up to ResponseBytes, at least one.
func (s *Service) sendBlocks(ctx context.Context, w *answerWriter, ids []core.Hash) error {
	sent := 0
	for _, id := range ids {
		w.items++
		if sent >= s.cfg.Limits.ResponseBytes {
			return w.message(&wire.End{More: true})
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		// What nobody has connected yet may turn out bad, and is asked for: whoever
		// sent it would be to blame.
		if !s.chain.Vouched(id) {
			if err := w.message(&wire.NotFound{ID: id}); err != nil {
				return err
			}
			continue
		}
		raw, err := s.chain.BlockBytes(id)
		if err != nil {
			return errors.Join(fmt.Errorf("read block %s: %w", id.Short(), err), w.fail(wire.CodeInternal, "cannot read a block"))
		}
		if err := w.block(raw); err != nil {
			return err
		}
		sent += len(raw)
	}
	return w.message(&wire.End{})
}

// answerWriter writes frames. A peer that doesn't read is cut off: each chunk
// has writeTimeout, and all of them together end at until.
type answerWriter struct {
	str   p2pnetwork.Stream
	until time.Time
	items int    // headers, blocks or transactions looked up
	ids   int    // txids listed
	bytes int    // of blocks and transactions, sent or read for the answer
	held  []byte // frames that wait for gather to have a chunk of them
}

// cost is what an answer counts against the peer's rate.
func (w *answerWriter) cost() int {
	return w.items/costItems + w.ids/costIDs + w.bytes/costBytes
}

func (w *answerWriter) message(m wire.Message) error {
	return w.write(wire.AppendFrame(nil, m))
}

// fail answers with an error. The request has been served by that.
func (w *answerWriter) fail(code wire.ErrorCode, text string) error {
	return w.message(&wire.Error{Code: code, Text: text})
}

func (w *answerWriter) block(raw []byte) error {
	scope := w.str.Scope()
	if err := scope.ReserveMemory(len(raw), p2pnetwork.ReservationPriorityMedium); err != nil {
		return errors.Join(fmt.Errorf("reserve memory: %w", err), w.fail(wire.CodeBusy, "out of memory for answers"))
	}
	defer scope.ReleaseMemory(len(raw))
	w.bytes += len(raw)
	if len(raw) <= writeChunk {
		frame := make([]byte, 0, wire.MaxFrameHeader+len(raw))
		return w.write(append(wire.AppendFrameHeader(frame, wire.TypeBlock, len(raw)), raw...))
	}
	if err := w.write(wire.AppendFrameHeader(nil, wire.TypeBlock, len(raw))); err != nil {
		return err
	}
	return w.write(raw)
}

func (w *answerWriter) write(b []byte) error {
	for len(b) > 0 {
		deadline := time.Now().Add(writeTimeout)
		if w.until.Before(deadline) {
			deadline = w.until
		}
		if err := w.str.SetWriteDeadline(deadline); err != nil {
			return err
		}
		n, err := w.str.Write(b[:min(len(b), writeChunk)])
		if err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
		b = b[n:]
	}
	return nil
}
