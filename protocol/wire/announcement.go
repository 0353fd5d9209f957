package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// Bounds on an announcement. One with everything at its bound is about 513 KiB
// and stays below gossip's limit of 1 MiB.
const (
	MaxAnnouncedLeaves   = 8192      // transactions; a block with more is announced by its header
	MaxAnnouncedCoinbase = 256 << 10 // bytes; as above

	// MaxAnnouncementSize is the largest announcement, in bytes.
	MaxAnnouncementSize = 1 + core.HeaderSize + 3 + MaxAnnouncedCoinbase + 2 + MaxAnnouncedLeaves*core.HashSize
)

// Kinds of announcements: the first byte.
const (
	kindLeaves = 1 // header, coinbase, merkle leaves
	kindHeader = 2 // header alone
)

// ErrAnnouncement is wrapped by the failures of [Announcement.Check]: the header
// does not commit to what came with it.
var ErrAnnouncement = errors.New("announcement does not match its header")

// Announcement is what gossip carries of a new block: enough to check its work
// and its merkle root, and to rebuild it from known transactions. It is a pure
// function of the block: whoever announces it, the bytes are the same.
type Announcement struct {
	Header core.Header
	// ID is the block id.
	ID core.Hash
	// Coinbase is nil if only the header was announced.
	Coinbase *core.Transaction
	// Leaves are the merkle leaves of all transactions, the coinbase's first.
	// They are empty if only the header was announced.
	Leaves []core.Hash
	// Size is the length of the encoding, in bytes.
	Size int
}

// Announce returns the announcement of b.
func Announce(b *core.Block) []byte {
	leaves := b.Leaves()
	if len(leaves) > 0 && len(leaves) <= MaxAnnouncedLeaves {
		if coinbase := b.Txs[0].AppendTo(nil); len(coinbase) <= MaxAnnouncedCoinbase {
			out := make([]byte, 0, 1+core.HeaderSize+6+len(coinbase)+len(leaves)*core.HashSize)
			out = b.Header.AppendTo(append(out, kindLeaves))
			out = binary.AppendUvarint(out, uint64(len(coinbase)))
			out = append(out, coinbase...)
			return appendHashes(out, leaves)
		}
	}
	return b.Header.AppendTo([]byte{kindHeader})
}

// ParseAnnouncement parses what [Announce] made. It does not judge: see
// [Announcement.Check].
func ParseAnnouncement(b []byte) (*Announcement, error) {
	if len(b) > MaxAnnouncementSize {
		return nil, fmt.Errorf("%w: announcement of %d bytes, at most %d", ErrMalformed, len(b), MaxAnnouncementSize)
	}
	d := newDecoder(b)
	a := &Announcement{Size: len(b)}
	kind := d.U8()
	a.Header = d.header()
	switch {
	case d.Err() != nil:
	case kind == kindLeaves:
		d.announcedBody(a)
	case kind != kindHeader:
		d.Fail("announcement of unknown kind %d", kind)
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	a.ID = a.Header.ID()
	return a, nil
}

func (d *decoder) announcedBody(a *Announcement) {
	raw := d.Take(d.Count("coinbase bytes", MaxAnnouncedCoinbase, 1))
	a.Leaves = d.hashes("merkle leaves", MaxAnnouncedLeaves)
	if d.Err() != nil {
		return
	}
	if len(a.Leaves) == 0 {
		d.Fail("no merkle leaves")
		return
	}
	coinbase, err := core.ParseTransaction(raw)
	if err != nil {
		d.Fail("coinbase: %v", err)
		return
	}
	if !coinbase.IsCoinbase() {
		d.Fail("the first transaction has %d inputs, a coinbase none", len(coinbase.Inputs))
	}
	a.Coinbase = coinbase
}

// Check reports whether the header commits to the leaves and the first of them
// to the coinbase. Of a header alone there is nothing to check.
func (a *Announcement) Check() error {
	if a.Coinbase == nil {
		return nil
	}
	if leaf := core.MerkleLeaf(a.Coinbase.ID(), a.Coinbase.WitnessID()); leaf != a.Leaves[0] {
		return fmt.Errorf("%w: the coinbase's leaf is %s, the first leaf %s", ErrAnnouncement, leaf.Short(), a.Leaves[0].Short())
	}
	if root := core.MerkleRoot(a.Leaves); root != a.Header.MerkleRoot {
		return fmt.Errorf("%w: %w: the leaves have root %s, the header says %s", ErrAnnouncement, core.ErrMerkleRoot, root.Short(), a.Header.MerkleRoot.Short())
	}
	return nil
}

// Block returns the whole block if the announcement carries it, that is if the
// block has no transaction but the coinbase.
func (a *Announcement) Block() (*core.Block, bool) {
	if len(a.Leaves) != 1 {
		return nil, false
	}
	b, _, err := a.Rebuild(nil)
	return b, err == nil && b != nil
}

// Rebuild makes the block of the coinbase and of what lookup finds by merkle
// leaf. If some transactions are not found it returns no block but their
// positions. A header alone can't be rebuilt: it returns neither.
func (a *Announcement) Rebuild(lookup func(leaf core.Hash) *core.Transaction) (b *core.Block, missing []int, err error) {
	if a.Coinbase == nil {
		return nil, nil, nil
	}
	txs := make([]core.Transaction, len(a.Leaves))
	txs[0] = *a.Coinbase
	for i := 1; i < len(a.Leaves); i++ {
		var tx *core.Transaction
		if lookup != nil {
			tx = lookup(a.Leaves[i])
		}
		if tx == nil {
			missing = append(missing, i)
			continue
		}
		txs[i] = *tx
	}
	if len(missing) > 0 {
		return nil, missing, nil
	}
	if b, err = core.NewBlock(a.Header, txs); err != nil {
		return nil, nil, fmt.Errorf("rebuild block %s: %w", a.ID.Short(), err)
	}
	return b, nil, nil
}
