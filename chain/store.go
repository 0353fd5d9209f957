package chain

import (
	"encoding/binary"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// Flag says what is known of a block beyond its header.
type Flag byte

const (
	// FlagBody means that the body is stored.
	FlagBody Flag = 1 << iota
	// FlagComplete means that the bodies of the block and of all its ancestors
	// are stored, so that it can be connected.
	FlagComplete
)

// Record is a header in the tree, with what judging and finding its kin takes.
// A Record that others may hold is never changed; to alter one, make another.
type Record struct {
	core.Header
	// ID is the header's; stores need not write it.
	ID core.Hash
	// Work is the sum up to and including this header.
	Work core.Work
	// ParentTime is the time of the header before, in Unix milliseconds.
	ParentTime uint64
	// Far is the ancestor at the height whose lowest one bit is cleared; genesis
	// has none.
	Far   core.Hash
	Flags Flag
}

// RecordSize is the size of an encoded Record, in bytes.
const RecordSize = core.HeaderSize + core.WorkSize + 8 + core.HashSize + 1

// State returns what judging a child takes.
func (r *Record) State() core.HeaderState {
	return core.HeaderState{
		Height: r.Height, ID: r.ID, Time: r.Time, ParentTime: r.ParentTime, Bits: r.Bits, Work: r.Work,
	}
}

func (r *Record) has(f Flag) bool { return r.Flags&f == f }

// with returns a copy with more flags.
func (r *Record) with(f Flag) *Record {
	c := *r
	c.Flags |= f
	return &c
}

// AppendTo appends the encoding of r, for storage.
func (r *Record) AppendTo(b []byte) []byte {
	b = r.Header.AppendTo(b)
	w := r.Work.Bytes()
	b = append(b, w[:]...)
	b = binary.LittleEndian.AppendUint64(b, r.ParentTime)
	b = append(b, r.Far[:]...)
	return append(b, byte(r.Flags))
}

// ParseRecord is the inverse of [Record.AppendTo]. It works out the id, so that
// a damaged header shows as another id.
func ParseRecord(b []byte) (*Record, error) {
	if len(b) != RecordSize {
		return nil, fmt.Errorf("header record of %d bytes, want %d", len(b), RecordSize)
	}
	h, err := core.ParseHeader(b[:core.HeaderSize])
	if err != nil {
		return nil, err
	}
	r := &Record{Header: h, ID: h.ID()}
	b = b[core.HeaderSize:]
	r.Work = core.WorkFromBytes([core.WorkSize]byte(b[:core.WorkSize]))
	b = b[core.WorkSize:]
	r.ParentTime = binary.LittleEndian.Uint64(b)
	r.Far = core.Hash(b[8 : 8+core.HashSize])
	r.Flags = Flag(b[8+core.HashSize])
	return r, nil
}

// Verdict is a remembered judgement of a block.
type Verdict struct {
	ID     core.Hash
	Height uint32
	Code   core.Code
	Detail string
	// Revision is the [RulesRevision] that judged.
	Revision uint32
	// Operator marks a verdict by Invalidate, which no revision lifts.
	Operator bool
	// Seq orders verdicts by age.
	Seq uint64
}

// Err returns the verdict as the error that it was.
func (v *Verdict) Err() error { return &core.RuleError{Code: v.Code, Detail: v.Detail} }

// Kin is a stored block that waits for its parent's body.
type Kin struct{ Parent, Child core.Hash }

// Changes is what becomes known of blocks before any is connected. A store
// writes all of it or nothing.
type Changes struct {
	Records []*Record
	Bodies  []*core.Block
	// Tips, unless nil, replaces the leaves of the header tree.
	Tips []core.Hash
	// Waiting and Linked are added to and taken from the blocks that wait for
	// their parent's body.
	Waiting, Linked []Kin
	// Judged and Cleared are verdicts to add and ids to take them from.
	Judged  []*Verdict
	Cleared []core.Hash
	// Dropped are bodies to delete.
	Dropped []BodyKey
}

// BodyKey names a stored body.
type BodyKey struct {
	Height uint32
	ID     core.Hash
}

// Commit moves the flushed state. A store writes all of it or nothing: between
// two commits the coins on disk would be those of no block.
type Commit struct {
	// State is the state after the block that becomes flushed.
	State *core.State
	// Coins to write and to delete.
	Created []core.Coin
	Spent   []core.Outpoint
	Undo    []UndoRecord
	// Index names the flushed chain's block at each changed height; the zero
	// hash deletes the entry.
	Index map[uint32]core.Hash
}

// UndoRecord is what undoing a connected block takes beside its body.
type UndoRecord struct {
	BodyKey
	Undo []byte
}

// Reader reads a store. Missing things fail with [ErrNotFound], damaged ones
// with [ErrCorrupt]. Returned slices belong to the caller.
type Reader interface {
	Record(id core.Hash) (*Record, error)
	Body(height uint32, id core.Hash) ([]byte, error)
	Undo(height uint32, id core.Hash) ([]byte, error)
	// Index lists the flushed chain's ids from a height on: up to n, fewer where
	// the entries end or have a gap.
	Index(from uint32, n int) ([]core.Hash, error)
	// Coins adds those of the outpoints that are unspent to found.
	Coins(ops []core.Outpoint, found core.UTXOs) error
	// Flushed returns the state that the coins are those of; ErrNotFound means
	// that the store is new.
	Flushed() (*core.State, error)

	// EachCoin, EachIndex and EachBody call fn for every entry in key order,
	// bodies by height; the first error ends them. A damaged entry is passed as
	// err and ends them only if fn returns an error; fn must not keep a body.
	EachCoin(fn func(c core.Coin, err error) error) error
	EachIndex(fn func(height uint32, id core.Hash, err error) error) error
	EachBody(fn func(key BodyKey, body []byte, err error) error) error
}

// Snapshot is a Reader of one moment.
type Snapshot interface {
	Reader
	Close() error
}

// Store is where a [Manager] keeps its bytes. Its methods may be called at the
// same time. Changes are seen at once and in order; after a crash some of the
// newest may be missing, never older ones than a present one.
type Store interface {
	Reader
	Snapshot() (Snapshot, error)

	// Tips lists the leaves of the header tree as last saved.
	Tips() ([]core.Hash, error)
	Verdicts() ([]*Verdict, error)
	Waiting() ([]Kin, error)

	Save(*Changes) error
	Commit(*Commit) error

	// BeginReindex deletes all but bodies and operators' verdicts, and marks the
	// store until EndReindex.
	BeginReindex() error
	EndReindex() error
	Reindexing() (bool, error)

	ReadOnly() bool
	// Sync returns once everything written so far would survive a power cut.
	Sync() error
	Close() error
}
