package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"sync"

	"github.com/ingchain/ingchain/core"
)

const (
	// DefaultMaxBytes bounds the file, in bytes: more encoded payments than the
	// default pool holds.
	DefaultMaxBytes = 64 << 20
	// rewriteBytes is the least size at which rewriting is worth while, in bytes.
	rewriteBytes = 1 << 20
)

var (
	// ErrFull means that the file would exceed its bound: rewrite it, and if that
	// does not help, refuse what was to be acknowledged.
	ErrFull = errors.New("the journal of payments is full")
	// ErrFailed means that writing has failed before. It is not known what the
	// file holds, so nothing more is promised until a rewrite succeeds.
	ErrFailed = errors.New("the journal of payments has failed")
	// ErrClosed means that the journal is closed.
	ErrClosed = errors.New("the journal of payments is closed")
	// ErrMark means that the journal was rewritten since the mark was made.
	ErrMark = errors.New("the journal was rewritten meanwhile")
)

// Options adjust a Journal. The zero value is a sensible default.
type Options struct {
	// MaxBytes bounds the file, in bytes; 0 means DefaultMaxBytes. A longer file
	// is still read.
	MaxBytes int64
	// Disk is where the file lies; nil means the operating system's.
	Disk Disk
}

// Journal is an open journal. Its methods may be called at the same time:
// appends that come while the disk is busy are written and synced together.
type Journal struct {
	path    string
	genesis core.Hash
	max     int64
	disk    Disk

	// io serialises all use of the file, and guards the fields up to mu. Where
	// both are taken, it comes before mu.
	io      sync.Mutex
	file    File  // nil after a rewrite that failed
	written int64 // bytes of the file that are synced

	mu sync.Mutex
	// next are the records that the next write takes, if anybody waits for one.
	next *batch
	// size is that of the file once all that wait are written.
	size int64
	// whole is the size after the last rewrite, or when it was opened.
	whole int64
	// rewrites counts those that came to put a new file in place, failed ones too:
	// marks from before are void.
	rewrites int
	failed   error // ErrFailed and why, until a rewrite succeeds
	closed   bool
}

// batch is a write that several appends share.
type batch struct {
	parts [][]byte      // of one append each
	size  int           // of all parts, in bytes
	done  chan struct{} // closed once err is set
	err   error
}

// Open opens the journal at path, or makes an empty one, and returns what it
// holds. A torn end is cut off. A file that is no journal fails with
// [ErrFormat], another network's with [ErrGenesis]: move it away.
func Open(path string, genesis core.Hash, opts Options) (*Journal, Loaded, error) {
	j := &Journal{path: path, genesis: genesis, max: opts.MaxBytes, disk: opts.Disk}
	if j.max <= 0 {
		j.max = DefaultMaxBytes
	}
	if j.disk == nil {
		j.disk = osDisk{}
	}
	loaded, err := j.open()
	if err != nil {
		return nil, Loaded{}, fmt.Errorf("journal of payments %s: %w", path, err)
	}
	return j, loaded, nil
}

func (j *Journal) open() (Loaded, error) {
	j.disk.Sweep(j.path)
	b, err := j.disk.ReadFile(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		b = appendHeader(nil, j.genesis)
		err = j.create(b)
	}
	if err != nil {
		return Loaded{}, err
	}
	loaded, err := Parse(b, j.genesis)
	if err != nil {
		return Loaded{}, err
	}
	if j.file, err = j.disk.Append(j.path); err != nil {
		return Loaded{}, err
	}
	j.written = int64(len(b)) - loaded.Torn
	j.size, j.whole = j.written, j.written
	if loaded.Torn > 0 {
		if err = j.file.Truncate(j.written); err == nil {
			err = j.file.Sync()
		}
		if err != nil {
			return Loaded{}, errors.Join(fmt.Errorf("cut off its torn end: %w", err), j.file.Close())
		}
	}
	return loaded, nil
}

// create makes the file.
func (j *Journal) create(b []byte) error {
	file, err := j.disk.Create(j.path)
	if err != nil {
		return err
	}
	defer file.Discard()
	if _, err := file.Write(b); err != nil {
		return err
	}
	return file.Commit()
}

// Append writes records and returns once they are synced. After an error the
// records may or may not be found at the next start: do not acknowledge them.
// [ErrFull] refuses these records only; any other failure of the disk is
// [ErrFailed] from then on.
func (j *Journal) Append(records ...Record) error {
	size := 0
	for i := range records {
		size += RecordBytes + len(records[i].Tx)
	}
	return j.AppendSeq(slices.Values(records), size)
}

// AppendSeq is [Journal.Append] for records that are made one after the other:
// the bytes of one are not looked at any more once the next is asked for. Size is
// what they take together, with [RecordBytes] each; another is only slower.
func (j *Journal) AppendSeq(records iter.Seq[Record], size int) error {
	b := make([]byte, 0, size)
	for r := range records {
		var err error
		if b, err = appendRecord(b, &r); err != nil {
			return err
		}
	}
	if len(b) == 0 {
		return nil
	}
	mine, first, err := j.enqueue(b)
	if err != nil {
		return err
	}
	if first {
		j.write(mine)
	}
	<-mine.done
	return mine.err
}

// enqueue adds bytes to the next write, and reports whether the caller is the
// one to do it. It keeps b.
func (j *Journal) enqueue(b []byte) (mine *batch, first bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.refuses(); err != nil {
		return nil, false, err
	}
	if j.size+int64(len(b)) > j.max {
		return nil, false, fmt.Errorf("%w: %d bytes, at most %d", ErrFull, j.size+int64(len(b)), j.max)
	}
	j.size += int64(len(b))
	if first = j.next == nil; first {
		j.next = &batch{done: make(chan struct{})}
	}
	j.next.parts = append(j.next.parts, b)
	j.next.size += len(b)
	return j.next, first, nil
}

// refuses says why nothing can be appended. j.mu is held.
func (j *Journal) refuses() error {
	if j.closed {
		return ErrClosed
	}
	return j.failed
}

// write waits for its turn, takes the batch off the queue and writes it.
func (j *Journal) write(b *batch) {
	j.io.Lock()
	defer j.io.Unlock()
	j.mu.Lock()
	j.next = nil // who comes from here on shares the next one
	err := j.refuses()
	j.mu.Unlock()
	if err == nil {
		err = j.writeSynced(b.join())
	}
	b.parts = nil
	b.err = err
	close(b.done)
}

// join returns all bytes of a batch, to be written at once.
func (b *batch) join() []byte {
	if len(b.parts) == 1 {
		return b.parts[0]
	}
	return slices.Concat(b.parts...)
}

// writeSynced writes and syncs, and never tries again: what an fsync has failed
// for may be gone for good, though the next one succeeds. j.io is held.
func (j *Journal) writeSynced(b []byte) error {
	_, err := j.file.Write(b)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return j.fail(fmt.Errorf("write to %s: %w", j.path, err))
	}
	j.written += int64(len(b))
	return nil
}

// fail stops appending until a rewrite succeeds.
func (j *Journal) fail(cause error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed = fmt.Errorf("%w: %w", ErrFailed, cause)
	return j.failed
}

// Size returns the size of the file, in bytes, with what is being written.
func (j *Journal) Size() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size
}

// Err returns why nothing can be appended, if that is so.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.refuses()
}

// ShouldRewrite reports whether it is time to: the file has doubled, is half
// full, or has failed.
func (j *Journal) ShouldRewrite() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.closed && (j.failed != nil || j.size > rewriteBytes && j.size > 2*j.whole || j.size > j.max/2 && j.size > j.whole+j.max/16)
}

// Close closes the file. What was appended is synced already. Closing again
// does nothing.
func (j *Journal) Close() error {
	j.io.Lock()
	defer j.io.Unlock()
	j.mu.Lock()
	closed := j.closed
	j.closed = true
	j.mu.Unlock()
	if closed || j.file == nil {
		return nil
	}
	return j.file.Close()
}
