package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// memDisk is a disk in memory. The failAt-th operation on it fails, in the midst
// if it writes. It may be used by several goroutines.
type memDisk struct {
	mu     sync.Mutex
	data   []byte // nil: no file
	synced []byte // what a power cut leaves at least
	syncs  int

	ops, failAt int
	always      bool          // fail from then on
	late        bool          // a failing replacement has happened
	gate        chan struct{} // Sync of the journal waits for it, unless nil

	begun int // replacements that are neither committed nor discarded
}

var errDisk = errors.New("no space left on device")

func newDisk() *memDisk { return &memDisk{failAt: -1} }

// fails counts an operation. d.mu is held.
func (d *memDisk) fails() bool {
	d.ops++
	return d.ops-1 == d.failAt || d.always && d.ops > d.failAt
}

func (d *memDisk) ReadFile(string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails() {
		return nil, errDisk
	}
	if d.data == nil {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(d.data), nil
}

func (d *memDisk) Read(_ string, from int64) (io.ReadCloser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails() {
		return nil, errDisk
	}
	return io.NopCloser(&memReader{disk: d, rest: d.data[from:]}), nil
}

type memReader struct {
	disk *memDisk
	rest []byte
}

func (r *memReader) Read(b []byte) (int, error) {
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	if r.disk.fails() {
		return 0, errDisk
	}
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func (d *memDisk) Append(string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails() {
		return nil, errDisk
	}
	return memFile{d}, nil
}

func (d *memDisk) Sweep(string) {}

func (d *memDisk) Create(string) (Replacement, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails() {
		return nil, errDisk
	}
	d.begun++
	return &memReplacement{disk: d}, nil
}

// memReplacement fails as [atomicfile.Replacement] does.
type memReplacement struct {
	disk *memDisk
	data []byte
	done bool
}

func (r *memReplacement) Write(b []byte) (int, error) {
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	if r.disk.fails() {
		return len(b) / 2, errDisk
	}
	r.data = append(r.data, b...)
	return len(b), nil
}

func (r *memReplacement) Sync() error {
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	if r.disk.fails() {
		return errDisk
	}
	return nil
}

func (r *memReplacement) Commit() error {
	err := r.Sync()
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	if err != nil {
		r.end()
		return err
	}
	r.end()
	fails := r.disk.fails()
	if !fails || r.disk.late {
		r.disk.data = slices.Clone(r.data)
		r.disk.synced = slices.Clone(r.data)
	}
	if fails {
		return errDisk
	}
	return nil
}

func (r *memReplacement) Discard() {
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	r.end()
}

// end takes note of the first Commit or Discard. disk.mu is held.
func (r *memReplacement) end() {
	if !r.done {
		r.done = true
		r.disk.begun--
	}
}

type memFile struct{ *memDisk }

func (f memFile) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails() {
		f.data = append(f.data, b[:len(b)/2]...)
		return len(b) / 2, errDisk
	}
	f.data = append(f.data, b...)
	return len(b), nil
}

func (f memFile) Sync() error {
	if f.gate != nil {
		<-f.gate
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.syncs++
	if f.fails() {
		return errDisk
	}
	f.synced = slices.Clone(f.data)
	return nil
}

func (f memFile) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails() {
		return errDisk
	}
	f.data = f.data[:size]
	return nil
}

func (memFile) Close() error { return nil }

// failSteps is more operations than the use of a journal in tell makes.
const failSteps = 150

// TestEveryFailure: wherever the disk fails, and whether or not it recovers,
// what was acknowledged is found again, nothing is acknowledged before a rewrite
// has succeeded, and a power cut then changes none of it.
func TestEveryFailure(t *testing.T) {
	for _, always := range []bool{false, true} {
		for _, late := range []bool{false, true} {
			for failAt := range failSteps + 1 {
				t.Run(fmt.Sprintf("%d %v %v", failAt, always, late), func(t *testing.T) {
					disk := newDisk()
					disk.failAt, disk.always, disk.late = failAt, always, late
					acknowledged := tell(t, disk)
					for _, image := range [][]byte{disk.data, disk.synced} {
						if image == nil && len(acknowledged) == 0 {
							continue
						}
						wantRecords(t, image, acknowledged)
					}
					if disk.begun != 0 {
						t.Errorf("%d replacements are left", disk.begun)
					}
					if failAt == failSteps && disk.ops > failSteps {
						t.Errorf("%d operations, of which the last are not tested", disk.ops)
					}
				})
			}
		}
	}
}

// wantRecords looks for records in a file.
func wantRecords(t *testing.T, image []byte, want []Record) {
	t.Helper()
	loaded, err := Parse(image, genesis)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range want {
		if !slices.ContainsFunc(loaded.Records, func(o Record) bool { return same(r, o) }) {
			t.Fatalf("payment %d was acknowledged and is lost", r.Time/1000)
		}
	}
}

// tell uses a journal as a node does and returns what it acknowledged.
func tell(t *testing.T, disk *memDisk) (acknowledged []Record) {
	j, _, err := Open("j", genesis, Options{Disk: disk})
	if err != nil {
		return nil
	}
	add := func(n int) {
		r := record(n)
		before := j.Err()
		switch err := j.Append(r); {
		case err == nil && before != nil:
			t.Fatalf("payment %d is acknowledged after %v", n, before)
		case err == nil:
			acknowledged = append(acknowledged, r)
		case !errors.Is(err, ErrFailed) || !errors.Is(err, errDisk) || j.Err() == nil || !j.ShouldRewrite():
			t.Fatal(err)
		}
	}
	for round := range 4 {
		for n := range 3 {
			add(round*10 + n)
		}
		m := j.Mark()
		pool := slices.Clone(acknowledged)
		add(round*10 + 5) // comes while the pool is read
		err := j.Rewrite(m, during(pool, func(written int) {
			add(round*10 + 6 + written) // comes while the new file is written
		}))
		if (err == nil) != (j.Err() == nil) {
			t.Fatal(err, j.Err())
		}
	}
	if !disk.always && j.Err() != nil && disk.ops > disk.failAt+60 {
		t.Fatal("the disk has recovered, the journal has not")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return acknowledged
}

// during yields records in one buffer, and calls do before the first two.
func during(records []Record, do func(written int)) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		var buf []byte
		for i, r := range records {
			if i < 2 {
				do(i)
			}
			buf = append(buf[:0], r.Tx...)
			r.Tx = buf
			if !yield(r) {
				return
			}
			clear(buf)
		}
	}
}

// TestAppendsBesideARewrite: what is acknowledged while a new file is written is
// in it, also where the tail is longer than what is copied at once, and also if
// the rewrite fails at any step: then the old file has it.
func TestAppendsBesideARewrite(t *testing.T) {
	big := Record{Acknowledged: true, Tx: bytes.Repeat([]byte("long"), copyBytes/8)}
	for failAt, done := 0, false; !done; failAt++ {
		disk := newDisk()
		j, _, err := Open("j", genesis, Options{Disk: disk})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Append(records(0, 3)...); err != nil {
			t.Fatal(err)
		}
		disk.failAt = disk.ops + failAt
		var mu sync.Mutex
		var acknowledged []Record
		begun, told := make(chan struct{}), make(chan struct{}, 100)
		var wg sync.WaitGroup
		for n := range 3 {
			wg.Go(func() {
				<-begun
				for i := range 5 {
					r := big
					r.Time = uint64(1000 * (100*n + i))
					if err := j.Append(r); err == nil {
						mu.Lock()
						acknowledged = append(acknowledged, r)
						mu.Unlock()
					} else if !errors.Is(err, ErrFailed) {
						t.Error(err)
					}
					told <- struct{}{}
				}
			})
		}
		err = j.Rewrite(j.Mark(), func(yield func(Record) bool) {
			close(begun)
			for range 4 {
				<-told // so that there is a tail
			}
			slices.Values(records(0, 3))(yield)
		})
		if err != nil && (!errors.Is(err, ErrFailed) || !errors.Is(err, errDisk)) {
			t.Error(err)
		}
		if err != nil {
			select {
			case <-begun:
			default:
				close(begun)
			}
		}
		wg.Wait()
		if disk.begun != 0 {
			t.Errorf("%d replacements are left", disk.begun)
		}
		want := append(records(0, 3), acknowledged...)
		wantRecords(t, disk.data, want)
		wantRecords(t, disk.synced, want)
		done = disk.ops <= disk.failAt
		if done && (err != nil || len(acknowledged) != 15) {
			t.Errorf("nothing failed, but %d are acknowledged, %v", len(acknowledged), err)
		}
	}
}

// TestRewriteTakesLittleMemory: neither the records nor the tail are in memory
// together.
func TestRewriteTakesLittleMemory(t *testing.T) {
	const (
		n     = 20_000
		bound = 1 << 20 // bytes; the file has ten times as much
	)
	j, _, err := Open(filepath.Join(t.TempDir(), "j"), genesis, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	tx := make([]byte, 300)
	m := j.Mark()
	if err := j.AppendSeq(repeat(Record{Tx: tx}, n), n*(RecordBytes+len(tx))); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = j.Rewrite(m, repeat(Record{Tx: tx}, n))
	runtime.ReadMemStats(&after)
	if err != nil || j.Size() != int64(headerSize+2*n*(RecordBytes+len(tx))) {
		t.Fatal(j.Size(), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > bound {
		t.Errorf("a rewrite takes %d bytes, want at most %d", took, bound)
	}
}

func repeat(r Record, n int) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for range n {
			if !yield(r) {
				return
			}
		}
	}
}
