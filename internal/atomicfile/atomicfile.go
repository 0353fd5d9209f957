// Package atomicfile replaces small files so that a crash leaves either the old
// content or the new one, never a torn or empty file.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

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
	dir := filepath.Dir(path)
	if err := MakeDir(disk, dir); err != nil {
		return err
	}
	f, err := disk.CreateTemp(dir, TempPattern(filepath.Base(path))) // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = disk.Rename(f.Name(), path)
	}
	if err != nil {
		_ = disk.Remove(f.Name())
		return fmt.Errorf("write %s: %w", f.Name(), err)
	}
	return disk.SyncDir(dir)
}

// TempPattern matches the names of temporary files that a crash leaves beside
// the file of that name.
func TempPattern(base string) string { return base + ".tmp-*" }

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
