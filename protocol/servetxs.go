package protocol

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/wire"
)

// chainCapabilities are the messages that every node understands.
const chainCapabilities = wire.CapHeaders | wire.CapBlocks | wire.CapRange | wire.CapBlockTxs

// capabilities are the messages that this node understands.
func (s *Service) capabilities() wire.Capabilities {
	if s.txs == nil {
		return chainCapabilities
	}
	return chainCapabilities | wire.CapTxs
}

// firstFrames says what a stream may begin with.
func (s *Service) firstFrames(t wire.Type) int {
	switch t {
	case wire.TypeHello, wire.TypeGetHeaders, wire.TypeGetBlocks, wire.TypeGetRange, wire.TypeGetBlockTxs:
		return t.MaxSize()
	case wire.TypeGetTxs, wire.TypeGetPool:
		if s.txs != nil {
			return t.MaxSize()
		}
	}
	return 0
}

// sendTxs sends payments of our pool, which holds only what it has judged good.
func (s *Service) sendTxs(ctx context.Context, w *answerWriter, ids []core.Hash) error {
	txs := make([]*mempool.Tx, len(ids))
	s.cfg.Pool.ReadPool(func(p *mempool.Pool) {
		for i, id := range ids {
			if e, ok := p.Get(id); ok {
				txs[i] = e.Tx
			}
		}
	})
	sent := 0
	for i, tx := range txs {
		w.items++
		if sent >= maxTxsAnswer {
			return w.end(true)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if tx == nil {
			if err := w.gather(&wire.NotFound{ID: ids[i]}); err != nil {
				return err
			}
			continue
		}
		if err := w.gather(&wire.Tx{Bytes: tx.Transaction().AppendTo(make([]byte, 0, tx.Size()))}); err != nil {
			return err
		}
		sent += tx.Size()
		w.bytes += tx.Size()
	}
	return w.end(false)
}

// sendPool sends a page of what our pool holds.
func (s *Service) sendPool(w *answerWriter, m *wire.GetPool) error {
	answer := &wire.TxIDs{Epoch: s.txs.epoch}
	if m.Epoch == answer.Epoch {
		answer.Next = m.After
	}
	s.cfg.Pool.ReadPool(func(p *mempool.Pool) {
		page := p.List(answer.Next, wire.MaxPoolIDs)
		for i := range page {
			answer.IDs = append(answer.IDs, page[i].ID())
			answer.Next = page[i].Seq
		}
		answer.More = len(page) == wire.MaxPoolIDs
	})
	w.ids = len(answer.IDs)
	return w.message(answer)
}

// sendBlockTxs sends transactions of a block that was connected.
func (s *Service) sendBlockTxs(ctx context.Context, w *answerWriter, m *wire.GetBlockTxs) error {
	if !s.chain.Vouched(m.Block) {
		return errors.Join(w.message(&wire.NotFound{ID: m.Block}), w.message(&wire.End{}))
	}
	b, read, err := s.parsed.get(s.chain, m.Block)
	if err != nil {
		return errors.Join(err, w.fail(wire.CodeInternal, "cannot read a block"))
	}
	w.bytes += read // or one payment each of two blocks in turn would come cheap
	if last := int(m.Positions[len(m.Positions)-1]); last >= len(b.Txs) {
		return w.fail(wire.CodeBadRequest, fmt.Sprintf("the block has %d transactions", len(b.Txs)))
	}
	for _, at := range m.Positions {
		if err := ctx.Err(); err != nil {
			return err
		}
		raw := b.Txs[at].AppendTo(nil)
		w.items++
		w.bytes += len(raw)
		if err := w.gather(&wire.Tx{Bytes: raw}); err != nil {
			return err
		}
	}
	return w.end(false)
}

// parsedBlock keeps the block that was asked for last: when a new one is
// announced, many ask for it at once.
type parsedBlock struct {
	mu    sync.Mutex // guards all below, and lets one parse for all
	id    core.Hash
	block *core.Block
}

// get returns a block, and how many bytes had to be read for it.
func (c *parsedBlock) get(chain Chain, id core.Hash) (b *core.Block, read int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.block != nil && c.id == id {
		return c.block, 0, nil
	}
	raw, err := chain.BlockBytes(id)
	if err != nil {
		return nil, 0, fmt.Errorf("read block %s: %w", id.Short(), err)
	}
	if b, err = core.ParseBlock(raw); err != nil {
		return nil, 0, fmt.Errorf("read block %s: %w", id.Short(), err)
	}
	c.id, c.block = id, b
	return b, len(raw), nil
}

// gather writes a frame once there is enough for a chunk; end writes the rest.
func (w *answerWriter) gather(m wire.Message) error {
	if w.held = wire.AppendFrame(w.held, m); len(w.held) < writeChunk {
		return nil
	}
	return w.flush()
}

func (w *answerWriter) flush() error {
	held := w.held
	w.held = w.held[:0]
	return w.write(held)
}

func (w *answerWriter) end(more bool) error {
	w.held = wire.AppendFrame(w.held, &wire.End{More: more})
	return w.flush()
}
