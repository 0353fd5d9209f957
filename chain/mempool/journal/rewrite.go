package journal

import (
	"errors"
	"fmt"
	"io"
	"iter"
)

// copyBytes is how much of the old file is copied at once, in bytes.
const copyBytes = 64 << 10

// Mark is a place in the journal. What is appended after it was made is kept by
// the rewrite that it is given to.
type Mark struct {
	rewrites int
	at       int64
}

// Mark returns the present end. To rewrite, make a mark, then take what is to be
// kept from the pool, then call [Journal.Rewrite] with both: a payment that is
// put into the pool before it is appended is in one or the other.
func (j *Journal) Mark() Mark {
	j.mu.Lock()
	defer j.mu.Unlock()
	return Mark{j.rewrites, j.size}
}

// Rewrite replaces the file by one of these records and of all that were
// appended since the mark was made. It takes little memory: records are written
// one after the other, and the bytes of one are not looked at any more once the
// next is asked for. Appending goes on meanwhile, but for the moment in which what
// was appended is copied and the new file put in place.
//
// The old file is there until the new one is whole. If the disk fails, so has the
// journal, until another call succeeds; if it succeeds, a failure before is over.
func (j *Journal) Rewrite(m Mark, records iter.Seq[Record]) error {
	if err := j.voids(m); err != nil {
		return err
	}
	file, err := j.disk.Create(j.path)
	if err != nil {
		return j.failRewrite(err)
	}
	defer file.Discard()
	size, err := j.writeNew(file, records)
	if err != nil {
		return err
	}
	j.io.Lock()
	defer j.io.Unlock()
	if err := j.voids(m); err != nil {
		return err
	}
	tail, err := j.copyTail(file, m.at)
	if err != nil {
		return j.failRewrite(err)
	}
	return j.replace(file, size+tail)
}

// voids says why there is nothing to rewrite with a mark.
func (j *Journal) voids(m Mark) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return ErrClosed
	case m.rewrites != j.rewrites:
		return ErrMark
	}
	return nil
}

// failRewrite says that the disk has failed before the file was touched. Nothing
// is lost, but where there is no room for a new file, there soon is none to append.
func (j *Journal) failRewrite(cause error) error {
	return j.fail(fmt.Errorf("rewrite %s: %w", j.path, cause))
}

// writeNew writes a file of these records, and syncs it so that little is left to
// sync while appending waits.
func (j *Journal) writeNew(file Replacement, records iter.Seq[Record]) (size int64, err error) {
	b := appendHeader(nil, j.genesis)
	for r := range records {
		if b, err = appendRecord(b, &r); err != nil {
			return 0, err
		}
		if _, err := file.Write(b); err != nil {
			return 0, j.failRewrite(err)
		}
		size += int64(len(b))
		b = b[:0]
	}
	_, err = file.Write(b) // the header, if there are no records
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		return 0, j.failRewrite(err)
	}
	return size + int64(len(b)), nil
}

// copyTail appends what the old file has from an offset on, as far as it is
// synced. j.io is held.
func (j *Journal) copyTail(to io.Writer, from int64) (size int64, err error) {
	if size = j.written - from; size <= 0 {
		return 0, nil
	}
	old, err := j.disk.Read(j.path, from)
	if err != nil {
		return 0, fmt.Errorf("read it again: %w", err)
	}
	n, err := io.CopyBuffer(to, io.LimitReader(old, size), make([]byte, min(size, copyBytes)))
	if err == nil && n < size {
		err = fmt.Errorf("%d bytes, there were %d", from+n, j.written)
	}
	return size, errors.Join(err, old.Close())
}

// replace puts a file of that size in place. j.io is held.
func (j *Journal) replace(file Replacement, size int64) error {
	if j.file != nil {
		_ = j.file.Close() // all of it is synced; some systems replace no open file
		j.file = nil
	}
	err := file.Commit()
	if err == nil {
		j.file, err = j.disk.Append(j.path)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rewrites++
	if err != nil {
		// The old file may be there or the new one: offsets into it mean nothing, and
		// the next rewrite begins with a mark and a pool of its own.
		j.written, j.size, j.whole = 0, 0, 0
		j.failed = fmt.Errorf("%w: rewrite %s: %w", ErrFailed, j.path, err)
		return j.failed
	}
	waiting := 0
	if j.next != nil {
		waiting = j.next.size
	}
	j.written = size
	j.size, j.whole, j.failed = size+int64(waiting), size, nil
	return nil
}
