package atomicfile

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestWriteReplacesAndLeavesNothingBehind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	path := filepath.Join(dir, "f")
	for _, content := range []string{"first, and longer", "second"} {
		if err := Write(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Fatalf("read %q, %v", got, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d files beside it, %v", len(entries)-1, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Fatalf("mode %o", mode)
	}
}

func TestWriteKeepsTheOldFileWhenItFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.Mkdir(path, 0o700); err != nil { // a directory cannot be replaced by a file
		t.Fatal(err)
	}
	if err := Write(path, []byte("x")); err == nil {
		t.Fatal("no error")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		t.Fatalf("%v, %v", entries, err)
	}
}

// TestWriteFailsAtEveryStep: whatever fails, and wherever the process ends, the
// old content stands or the new one, whole; and the new one if it succeeded.
func TestWriteFailsAtEveryStep(t *testing.T) {
	long := strings.Repeat("the new content, ", bufferBytes/8)
	for _, crash := range []bool{false, true} {
		failAtEveryStep(t, crash, "the new content", func(disk FS, path string) error {
			return WriteTo(disk, path, []byte("the new content"))
		})
		failAtEveryStep(t, crash, long, func(disk FS, path string) error {
			return writeInPieces(disk, path, long)
		})
	}
}

// writeInPieces streams a content, and syncs in between.
func writeInPieces(disk FS, path, content string) error {
	r, err := Create(disk, path)
	if err != nil {
		return err
	}
	defer r.Discard()
	for piece := range slices.Chunk([]byte(content), 1000) {
		if _, err := r.Write(piece); err != nil {
			return err
		}
	}
	if err := r.Sync(); err != nil {
		return err
	}
	return r.Commit()
}

func failAtEveryStep(t *testing.T, crash bool, content string, write func(disk FS, path string) error) {
	t.Helper()
	for step, done := 1, false; !done; step++ {
		dir := filepath.Join(t.TempDir(), "new")
		path := filepath.Join(dir, "f")
		if step%2 == 0 { // with and without an old file
			if err := Write(path, []byte("old")); err != nil {
				t.Fatal(err)
			}
		}
		disk := &Faulty{FailAt: step, Crash: crash}
		err := write(disk, path)
		got, rerr := os.ReadFile(path)
		switch {
		case err == nil && string(got) != content:
			t.Errorf("step %d: succeeds with %.30q", step, got)
		case rerr == nil && string(got) != "old" && string(got) != content:
			t.Errorf("step %d: leaves %.30q after %v", step, got, err)
		case rerr != nil && step%2 == 0:
			t.Errorf("step %d: the old file is gone: %v", step, rerr)
		}
		left, _ := filepath.Glob(filepath.Join(dir, TempPattern("f")))
		if len(left) > 0 && !crash {
			t.Errorf("step %d: leaves %v", step, left)
		}
		done = disk.Ops < step
		if done && err != nil {
			t.Errorf("no step failed, but %v", err)
		}
	}
}

func TestDiscard(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := Write(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	r, err := Create(OS, path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Write(make([]byte, 2*bufferBytes)); err != nil {
		t.Fatal(err)
	}
	r.Discard()
	r.Discard()
	got, err := os.ReadFile(path)
	if entries, derr := os.ReadDir(dir); err != nil || derr != nil || string(got) != "old" || len(entries) != 1 {
		t.Fatalf("%.30q and %d files, %v, %v", got, len(entries), err, derr)
	}
}
