package chain

import (
	"context"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// reindex throws away everything but the bodies and what the operator said, and
// works it out again: headers and the tree from the bodies, all of which are
// judged anew, then coins, undo and index by connecting the best branch. Bodies
// that are damaged or break a rule are dropped; peers may have better ones. A
// crash in the midst of it starts it again.
func (m *Manager) reindex(ctx context.Context) error {
	m.opts.Logger.Info("rebuilding the chain from the stored blocks")
	if err := m.store.BeginReindex(); err != nil {
		return err
	}
	if err := m.create(); err != nil {
		return err
	}
	// The operator's word holds for the chain, not for what is kept of the blocks.
	m.verdicts.init()
	kept, dropped := 0, 0
	var batch []newBlockBytes
	size := 0
	put := func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		k, err := m.reindexBatch(batch)
		kept, dropped = kept+k, dropped+len(batch)-k
		batch, size = batch[:0], 0
		return err
	}
	err := m.store.EachBody(func(key BodyKey, body []byte, err error) error {
		if key.Height == 0 && key.ID == m.rules.GenesisID() {
			return nil
		}
		batch = append(batch, newBlockBytes{key, append([]byte(nil), body...), err})
		size += len(body)
		if len(batch) < chunkBlocks && size < chunkBytes {
			return nil
		}
		return put()
	})
	if err == nil {
		err = put()
	}
	if err != nil {
		return fmt.Errorf("reindex: %w", err)
	}
	m.opts.Logger.Info("rebuilt the header tree", "blocks", kept, "dropped", dropped)
	if err := m.loadVerdicts(); err != nil {
		return err
	}
	if err := m.rejudge(); err != nil {
		return err
	}
	if err := m.activate(ctx); err != nil {
		return fmt.Errorf("reindex: %w", err)
	}
	if err := m.flush(); err != nil {
		return err
	}
	return m.store.EndReindex()
}

// newBlockBytes is a stored body as read.
type newBlockBytes struct {
	key  BodyKey
	body []byte
	err  error
}

// reindexBatch takes bodies by rising height into the tree and drops those that
// fail.
func (m *Manager) reindexBatch(batch []newBlockBytes) (kept int, err error) {
	var drop []BodyKey
	var blocks []*core.Block
	for _, n := range batch {
		b, err := core.ParseBlock(n.body)
		if n.err != nil || err != nil || b.ID() != n.key.ID || b.Header.Height != n.key.Height {
			drop = append(drop, n.key)
			continue
		}
		blocks = append(blocks, b)
	}
	for len(blocks) > 0 {
		fresh, bad := m.screen(blocks, noClock)
		fresh, _, err := m.checkBodies(fresh)
		if err != nil {
			bad = err
		}
		n, err := m.accept(fresh, false)
		kept += n
		if n == len(blocks) {
			break
		}
		if err != nil {
			bad = err
		}
		if bad != nil && !core.IsPunishable(bad) && !core.IsDeferred(bad) {
			return kept, bad
		}
		// The block behind those that were taken is the one that failed. Blocks of
		// a batch are all new, so that screening leaves none out.
		b := blocks[n]
		m.opts.Logger.Warn("dropping a stored block", "id", b.ID(), "height", b.Header.Height, "error", bad)
		drop = append(drop, BodyKey{b.Header.Height, b.ID()})
		blocks = blocks[n+1:]
	}
	if len(drop) == 0 {
		return kept, nil
	}
	return kept, m.store.Save(&Changes{Dropped: drop})
}
