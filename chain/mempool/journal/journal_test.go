package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/fuzzing"
)

var genesis = core.Hash{1, 2, 3}

// record is the nth of its kind; some look like other records inside.
func record(n int) Record {
	tx := bytes.Repeat([]byte{byte(n), byte(n >> 8)}, 20+n%7)
	if n%3 == 0 {
		tx = append(tx, mark...)
	}
	return Record{Time: uint64(n) * 1000, Acknowledged: n%2 == 0, Tx: tx}
}

func records(from, to int) (rs []Record) {
	for n := from; n < to; n++ {
		rs = append(rs, record(n))
	}
	return rs
}

func none(func(Record) bool) {}

func same(a, b Record) bool {
	return a.Time == b.Time && a.Acknowledged == b.Acknowledged && bytes.Equal(a.Tx, b.Tx)
}

func encode(t testing.TB, rs []Record) []byte {
	t.Helper()
	b := appendHeader(nil, genesis)
	for i := range rs {
		var err error
		if b, err = appendRecord(b, &rs[i]); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestAppendAndOpenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mempool.journal")
	j, loaded, err := Open(path, genesis, Options{})
	if err != nil || len(loaded.Records) != 0 {
		t.Fatal(loaded, err)
	}
	if err := j.Append(record(0)); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(records(1, 5)...); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != j.Size() {
		t.Fatal(info, err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Fatalf("mode %o", mode)
	}
	// What is synced is there, closed or not.
	other, loaded, err := Open(path, genesis, Options{})
	if err != nil || !slices.EqualFunc(loaded.Records, records(0, 5), same) || loaded.Torn != 0 || loaded.Damaged != 0 {
		t.Fatal(loaded, err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	m := j.Mark()
	if err := j.Append(record(7)); err != nil {
		t.Fatal(err)
	}
	if err := j.Rewrite(m, slices.Values(records(2, 4))); err != nil {
		t.Fatal(err)
	}
	if err := j.Rewrite(m, none); !errors.Is(err, ErrMark) {
		t.Fatalf("an old mark: %v", err)
	}
	if err := j.Append(record(8)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Close(), j.Close()); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(record(9)); !errors.Is(err, ErrClosed) || !errors.Is(j.Rewrite(j.Mark(), none), ErrClosed) {
		t.Fatal(err)
	}
	_, loaded, err = Open(path, genesis, Options{})
	if want := []Record{record(2), record(3), record(7), record(8)}; err != nil || !slices.EqualFunc(loaded.Records, want, same) {
		t.Fatal(loaded, err)
	}
	if _, _, err := Open(path, core.Hash{9}, Options{}); !errors.Is(err, ErrGenesis) {
		t.Fatalf("another network's: %v", err)
	}
}

func TestRecordsOfNoSize(t *testing.T) {
	j, _, err := Open("j", genesis, Options{Disk: newDisk()})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Record{}); err == nil {
		t.Fatal("an empty payment")
	}
	if err := j.Append(Record{Tx: make([]byte, MaxTxBytes+1)}); err == nil {
		t.Fatal("a payment that no network allows")
	}
	if err := j.Rewrite(j.Mark(), slices.Values([]Record{{}})); err == nil || j.Err() != nil {
		t.Fatal(err, j.Err())
	}
}

// TestTornEnd: wherever the file ends, the records before are there, and what is
// appended later follows them.
func TestTornEnd(t *testing.T) {
	all := records(0, 6)
	whole := encode(t, all)
	ends := []int{headerSize}
	for n := range all {
		ends = append(ends, len(encode(t, all[:n+1])))
	}
	for size := range len(whole) + 1 {
		disk := newDisk()
		disk.data = slices.Clone(whole[:size])
		j, loaded, err := Open("j", genesis, Options{Disk: disk})
		if size < headerSize {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("%d bytes: %v", size, err)
			}
			continue
		}
		n := 0
		for n+1 < len(ends) && ends[n+1] <= size {
			n++
		}
		if err != nil || !slices.EqualFunc(loaded.Records, all[:n], same) || loaded.Torn != int64(size-ends[n]) || loaded.Damaged != 0 {
			t.Fatalf("%d bytes: %d records, want %d; torn %d; %v", size, len(loaded.Records), n, loaded.Torn, err)
		}
		if err := j.Append(record(50)); err != nil {
			t.Fatal(err)
		}
		again, err := Parse(disk.data, genesis)
		if want := append(slices.Clone(all[:n]), record(50)); err != nil || !slices.EqualFunc(again.Records, want, same) || again.Torn != 0 {
			t.Fatalf("%d bytes, then one more: %+v, %v", size, again, err)
		}
	}
}

// TestDamage: whatever bit is lost, no record comes back that was not written,
// and only the one that was hit is missing.
func TestDamage(t *testing.T) {
	all := records(0, 6)
	whole := encode(t, all)
	for at := range whole {
		for bit := range 8 {
			b := slices.Clone(whole)
			b[at] ^= 1 << bit
			loaded, err := Parse(b, genesis)
			if at < headerSize {
				if !errors.Is(err, ErrFormat) {
					t.Fatalf("bit %d of byte %d: %v", bit, at, err)
				}
				continue
			}
			if err != nil || len(loaded.Records) != len(all)-1 || loaded.Torn+loaded.Damaged == 0 {
				t.Fatalf("bit %d of byte %d: %d records, %d torn, %d damaged, %v", bit, at, len(loaded.Records), loaded.Torn, loaded.Damaged, err)
			}
			for _, r := range loaded.Records {
				if !slices.ContainsFunc(all, func(o Record) bool { return same(r, o) }) {
					t.Fatalf("bit %d of byte %d: a record that nobody wrote", bit, at)
				}
			}
		}
	}
}

// TestDamageIsReadInBoundedTime: marks in a row, each of which claims all that
// follows, are given up on.
func TestDamageIsReadInBoundedTime(t *testing.T) {
	b := appendHeader(nil, genesis)
	for len(b) < 1<<20 {
		b = append(b, mark...)
		length := uint32(1<<20 - len(b) + 100)
		b = append(b, byte(length), byte(length>>8), byte(length>>16), 0, 0, 0, 0, 0)
	}
	b = append(b, make([]byte, 1<<20)...)
	loaded, err := Parse(b, genesis)
	if err != nil || len(loaded.Records) != 0 || loaded.Torn != int64(len(b)-headerSize) {
		t.Fatal(len(loaded.Records), loaded.Torn, err)
	}
}

func TestFullAndRewritten(t *testing.T) {
	one := int64(len(encode(t, records(1, 2)))) - headerSize
	j, _, err := Open("j", genesis, Options{Disk: newDisk(), MaxBytes: headerSize + 3*one})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := j.Append(record(1)); err != nil {
			t.Fatal(err)
		}
	}
	if !j.ShouldRewrite() {
		t.Fatal("a full one is not to be rewritten")
	}
	if err := j.Append(record(1)); !errors.Is(err, ErrFull) || j.Err() != nil {
		t.Fatal(err, j.Err())
	}
	if err := j.Rewrite(j.Mark(), slices.Values(records(1, 2))); err != nil || j.Size() != headerSize+one || j.ShouldRewrite() {
		t.Fatal(err, j.Size())
	}
	if err := j.Append(record(1)); err != nil {
		t.Fatal(err)
	}
}

func TestShouldRewriteOnceItHasDoubled(t *testing.T) {
	j, _, err := Open("j", genesis, Options{Disk: newDisk()})
	if err != nil {
		t.Fatal(err)
	}
	big := Record{Tx: make([]byte, rewriteBytes-200)}
	for i, want := range []bool{false, true} {
		if err := j.Append(big); err != nil || j.ShouldRewrite() != want {
			t.Fatalf("after %d: %v, %v", i+1, j.ShouldRewrite(), err)
		}
	}
	if err := j.Rewrite(j.Mark(), slices.Values([]Record{big, big})); err != nil || j.ShouldRewrite() {
		t.Fatal("rewritten with as much", err)
	}
	for i, want := range []bool{false, false, true} {
		if err := j.Append(big); err != nil || j.ShouldRewrite() != want {
			t.Fatalf("after %d more: %v, %v", i+1, j.ShouldRewrite(), err)
		}
	}
}

// TestAppendsShareASync: who comes while the disk is busy waits for one sync
// with all the others.
func TestAppendsShareASync(t *testing.T) {
	disk := newDisk()
	j, _, err := Open("j", genesis, Options{Disk: disk})
	if err != nil {
		t.Fatal(err)
	}
	disk.gate = make(chan struct{})
	var wg sync.WaitGroup
	size := j.Size()
	for n := range 30 {
		r := record(n)
		wg.Go(func() {
			if err := j.Append(r); err != nil {
				t.Error(err)
			}
		})
		size += int64(len(encode(t, []Record{r}))) - headerSize
	}
	for j.Size() < size {
		runtime.Gosched()
	}
	close(disk.gate)
	wg.Wait()
	loaded, err := Parse(disk.synced, genesis)
	if err != nil || len(loaded.Records) != 30 || disk.syncs > 30/2 {
		t.Fatalf("%d records with %d syncs, %v", len(loaded.Records), disk.syncs, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(encode(f, records(0, 3))[headerSize:])
	f.Add(append(encode(f, records(0, 3))[headerSize:], mark...))
	f.Fuzz(func(t *testing.T, body []byte) {
		b := append(appendHeader(nil, genesis), body...)
		var loaded Loaded
		fuzzing.Proportional(t, len(b), 8, func() {
			var err error
			if loaded, err = Parse(b, genesis); err != nil {
				t.Fatal(err)
			}
		})
		size := int64(headerSize) + loaded.Torn + loaded.Damaged
		for _, r := range loaded.Records {
			size += int64(frameSize + metaSize + len(r.Tx))
		}
		if size != int64(len(b)) {
			t.Fatalf("%d bytes are accounted for, of %d", size, len(b))
		}
		again, err := Parse(encode(t, loaded.Records), genesis)
		if err != nil || !slices.EqualFunc(again.Records, loaded.Records, same) || again.Torn+again.Damaged != 0 {
			t.Fatal("written again, it is not the same", err)
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	f.Add(encode(f, records(0, 2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Parse(b, genesis); err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrGenesis) {
			t.Fatal(err)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	j, _, err := Open(filepath.Join(b.TempDir(), "j"), genesis, Options{MaxBytes: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	r := Record{Acknowledged: true, Tx: make([]byte, 240)}
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprint(callers, " callers"), func(b *testing.B) {
			b.SetParallelism(callers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := j.Append(r); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
