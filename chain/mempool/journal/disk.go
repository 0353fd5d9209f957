package journal

import (
	"errors"
	"io"
	"os"

	"github.com/ingchain/ingchain/internal/atomicfile"
)

// Disk is where a journal lies. Tests put one in between that fails.
type Disk interface {
	// ReadFile returns a file; its error is fs.ErrNotExist if there is none.
	ReadFile(path string) ([]byte, error)
	// Read opens a file for reading from an offset on, which is within it.
	Read(path string, from int64) (io.ReadCloser, error)
	// Append opens an existing file for writing at its end.
	Append(path string) (File, error)
	// Sweep removes what replacements have left that were neither put in place nor
	// discarded: a kill came between.
	Sweep(path string)
	// Create begins to replace a file, or none. The owner alone may read it (mode
	// 0600).
	Create(path string) (Replacement, error)
}

// Replacement is a file that is to take the place of another: after a crash there
// is the old one or the new one, whole.
type Replacement interface {
	io.Writer
	// Sync brings what was written to the disk: it leaves less to do for Commit.
	Sync() error
	// Commit puts the file in place, for good. If it fails, the old one may be there
	// or the new one.
	Commit() error
	// Discard removes what was written. After Commit it does nothing.
	Discard()
}

// File is an open journal.
type File interface {
	io.Writer
	io.Closer
	// Sync returns once all that was written would survive a power cut.
	Sync() error
	// Truncate cuts the file to a size, in bytes.
	Truncate(size int64) error
}

// osDisk is the operating system's.
type osDisk struct{}

func (osDisk) ReadFile(path string) ([]byte, error) { return os.ReadFile(path) }

func (osDisk) Read(path string, from int64) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (osDisk) Sweep(path string) { atomicfile.Sweep(atomicfile.OS, path) }

func (osDisk) Create(path string) (Replacement, error) {
	r, err := atomicfile.Create(atomicfile.OS, path)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (osDisk) Append(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}
