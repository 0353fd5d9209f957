package chain

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ingchain/ingchain/core"
)

// An export is: exportMagic, the genesis id, each block of the best chain from
// height 1 on behind its length (four bytes, little-endian), a length of zero,
// and the last block's id.
const exportMagic = "ingchain-blocks\x01"

// exportBuffer is how much of a stream is buffered, in bytes.
const exportBuffer = 1 << 20

// Export writes the best chain as it stands now as a stream that Import reads,
// and returns its tip.
func (m *Manager) Export(ctx context.Context, w io.Writer) (core.HeaderState, error) {
	snap, st, err := m.snapshot()
	if err != nil {
		return core.HeaderState{}, fmt.Errorf("export: %w", err)
	}
	err = m.export(ctx, snap, st, bufio.NewWriterSize(w, exportBuffer))
	if err = errors.Join(err, snap.Close()); err != nil {
		return core.HeaderState{}, fmt.Errorf("export: %w", err)
	}
	return st.HeaderState, nil
}

func (m *Manager) export(ctx context.Context, snap Reader, st *core.State, w *bufio.Writer) error {
	genesis := m.rules.GenesisID()
	head := append([]byte(exportMagic), genesis[:]...)
	if _, err := w.Write(head); err != nil {
		return err
	}
	for from := uint64(1); from <= uint64(st.Height); {
		ids, err := snap.Index(uint32(from), int(min(MaxHeaders, uint64(st.Height)-from+1)))
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return corruptf("no index entry at height %d", from)
		}
		for i, id := range ids {
			if err := ctx.Err(); err != nil {
				return err
			}
			raw, err := snap.Body(uint32(from)+uint32(i), id)
			if err != nil {
				return corrupt(err, "body of block %s", id)
			}
			if _, err := w.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(raw)))); err != nil {
				return err
			}
			if _, err := w.Write(raw); err != nil {
				return err
			}
		}
		from += uint64(len(ids))
	}
	if _, err := w.Write(append(make([]byte, 4), st.ID[:]...)); err != nil {
		return err
	}
	return w.Flush()
}

// Import adds the blocks of an export by AddBlocks and returns the tip
// afterwards. A stream of another genesis fails with ErrWrongNetwork, a broken
// or cut one with ErrBadExport after adding the blocks before. progress, which
// may be nil, is told the height reached.
//
// When ctx ends in the midst of a reorganisation, readers go on to see the old
// tip, and all of its chain. The branch that was imported is stored; the next
// AddBlocks of any block, or the next start, goes on with the way to it.
func (m *Manager) Import(ctx context.Context, r io.Reader, progress func(height uint32)) (core.HeaderState, error) {
	if err := m.importAll(ctx, bufio.NewReaderSize(r, exportBuffer), progress); err != nil {
		return m.Tip(), fmt.Errorf("import: %w", err)
	}
	return m.Tip(), nil
}

func (m *Manager) importAll(ctx context.Context, r *bufio.Reader, progress func(height uint32)) error {
	var head [len(exportMagic) + core.HashSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:len(exportMagic)]) != exportMagic {
		return fmt.Errorf("%w: it does not begin like one", ErrBadExport)
	}
	if genesis := core.Hash(head[len(exportMagic):]); genesis != m.rules.GenesisID() {
		return fmt.Errorf("the export %w: its genesis is %s, ours %s", ErrWrongNetwork, genesis, m.rules.GenesisID())
	}
	for {
		batch, last, err := m.readBatch(r)
		if len(batch) > 0 {
			if _, err := m.AddBlocks(ctx, batch); err != nil {
				return err
			}
			if progress != nil {
				progress(batch[len(batch)-1].Header.Height)
			}
		}
		if err != nil {
			return err
		}
		if last {
			return nil
		}
	}
}

// readBatch reads some blocks; last says that the stream ended as it should.
func (m *Manager) readBatch(r *bufio.Reader) (batch []*core.Block, last bool, err error) {
	for size := 0; len(batch) < chunkBlocks && size < chunkBytes; {
		var n [4]byte
		if _, err := io.ReadFull(r, n[:]); err != nil {
			return batch, false, fmt.Errorf("%w: it ends too early: %w", ErrBadExport, err)
		}
		length := binary.LittleEndian.Uint32(n[:])
		if length == 0 {
			var id core.Hash
			if _, err := io.ReadFull(r, id[:]); err != nil {
				return batch, false, fmt.Errorf("%w: it ends too early: %w", ErrBadExport, err)
			}
			return batch, true, nil
		}
		if most := m.rules.Params().MaxBlockBytes; length > most {
			err := &core.BodyError{Code: core.ErrBlockSize, Detail: fmt.Sprintf("a block of %d bytes, at most %d", length, most)}
			return batch, false, fmt.Errorf("%w: %w", ErrBadExport, err)
		}
		raw := make([]byte, length)
		if _, err := io.ReadFull(r, raw); err != nil {
			return batch, false, fmt.Errorf("%w: it ends too early: %w", ErrBadExport, err)
		}
		b, err := core.ParseBlock(raw)
		if err != nil {
			return batch, false, fmt.Errorf("%w: %w", ErrBadExport, err)
		}
		batch = append(batch, b)
		size += len(raw)
	}
	return batch, false, nil
}
