// Package atomicfile replaces files so that a crash leaves either the old content
// or the new one, never a torn or empty file: in one call, or, for large ones, bit
// by bit. Start with [Write] or [Create].
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// bufferBytes is how much of a [Replacement] is written to the disk at once, in
// bytes.
const bufferBytes = 64 << 10

// FS is what replacing a file asks of the disk. [OS] is the real one; tests give
// others that fail.
type FS interface {
	Stat(path string) (fs.FileInfo, error)
	MkdirAll(dir string, mode fs.FileMode) error
	// CreateTemp makes a new file, readable by the owner alone.
	CreateTemp(dir, pattern string) (File, error)
	Rename(from, to string) error
	Remove(path string) error
	// SyncDir makes what was made and renamed inside dir durable.
	SyncDir(dir string) error
}

// File is a file that is being written.
type File interface {
	io.WriteCloser
	Name() string
	Sync() error
}

// OS is the disk.
var OS FS = osFS{}

// Write replaces path by data, readable by the owner alone (mode 0600). A
// temporary file beside it, named path.tmp-*, is written, synced and renamed over
// it. The directory is made, for the owner alone, if it is missing.
func Write(path string, data []byte) error { return WriteTo(OS, path, data) }

// WriteTo is [Write] on a disk of one's own.
func WriteTo(disk FS, path string, data []byte) error {
	r, err := Create(disk, path)
	if err != nil {
		return err
	}
	defer r.Discard()
	if _, err := r.Write(data); err != nil {
		return err
	}
	return r.Commit()
}

// Replacement is a file on its way into the place of another: what is written to
// it shows once it is committed. It is for one goroutine. Start with [Create].
type Replacement struct {
	disk FS
	path string
	file File // nil once it is committed or discarded
	buf  *bufio.Writer
}

// Create begins to replace path, as [Write] does: there is a temporary file until
// Commit or Discard is called.
func Create(disk FS, path string) (*Replacement, error) {
	dir := filepath.Dir(path)
	if err := MakeDir(disk, dir); err != nil {
		return nil, err
	}
	f, err := disk.CreateTemp(dir, TempPattern(filepath.Base(path))) // mode 0600
	if err != nil {
		return nil, err
	}
	return &Replacement{disk: disk, path: path, file: f, buf: bufio.NewWriterSize(f, bufferBytes)}, nil
}

// Write implements [io.Writer]. It is buffered: an error may show later.
func (r *Replacement) Write(b []byte) (int, error) {
	n, err := r.buf.Write(b)
	return n, r.failed(err)
}

// Sync returns once all that was written is on the disk. It leaves less to do for
// Commit, which does the same.
func (r *Replacement) Sync() error {
	err := r.buf.Flush()
	if err == nil {
		err = r.file.Sync()
	}
	return r.failed(err)
}

// Commit syncs what was written and renames it over path. After an error the old
// file stands; only if the directory could not be synced, it may be the new one.
// Nothing may be called after it but Discard, which does nothing.
func (r *Replacement) Commit() error {
	f := r.file
	err := r.Sync()
	if cerr := r.close(); err == nil {
		err = r.failed(cerr)
	}
	if err == nil {
		err = r.failed(r.disk.Rename(f.Name(), r.path))
	}
	if err != nil {
		_ = r.disk.Remove(f.Name())
		return err
	}
	return r.disk.SyncDir(filepath.Dir(r.path))
}

// Discard removes what was written. Path is as it was.
func (r *Replacement) Discard() {
	f := r.file
	if f == nil {
		return
	}
	_ = r.close()
	_ = r.disk.Remove(f.Name())
}

func (r *Replacement) close() error {
	f := r.file
	r.file = nil
	return f.Close()
}

// failed says at which file an error happened.
func (r *Replacement) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write a new %s: %w", r.path, err)
}

// TempPattern matches the names of temporary files that a crash leaves beside
// the file of that name.
func TempPattern(base string) string { return base + ".tmp-*" }

// Sweep removes the temporary files that a crash has left beside path, while nobody
// replaces it.
func Sweep(disk FS, path string) {
	entries, _ := os.ReadDir(filepath.Dir(path)) // what cannot be listed stays
	for _, e := range entries {
		if ok, _ := filepath.Match(TempPattern(filepath.Base(path)), e.Name()); ok {
			_ = disk.Remove(filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
}

// MakeDir makes a directory if it is missing, for the owner alone, so that it is
// still there after a power cut.
func MakeDir(disk FS, dir string) error {
	if _, err := disk.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := disk.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(dir))
}

type osFS struct{}

func (osFS) Stat(path string) (fs.FileInfo, error)       { return os.Stat(path) }
func (osFS) MkdirAll(dir string, mode fs.FileMode) error { return os.MkdirAll(dir, mode) }
func (osFS) Rename(from, to string) error                { return os.Rename(from, to) }
func (osFS) Remove(path string) error                    { return os.Remove(path) }

func (osFS) CreateTemp(dir, pattern string) (File, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// SyncDir does nothing on Windows, which cannot sync a directory and does not
// need to.
func (osFS) SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}
