package journal

import (
	"errors"
	"io"
	"os"

	"github.com/ingchain/ingchain/internal/atomicfile"
)

// Disk is where a journal lies. Tests put one in between that fails.
type Disk interface {
	// ReadFile returns a file from an offset on; its error is fs.ErrNotExist if
	// there is none.
	ReadFile(path string, from int64) ([]byte, error)
	// Append opens an existing file for writing at its end.
	Append(path string) (File, error)
	// Replace puts a file of these bytes in the place of another, or of none:
	// after a crash there is the old one or the new one, whole. The owner alone
	// may read it (mode 0600).
	Replace(path string, data []byte) error
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

func (osDisk) ReadFile(path string, from int64) ([]byte, error) {
	if from == 0 {
		return os.ReadFile(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, max(0, info.Size()-from))
	n, err := f.ReadAt(b, from)
	if errors.Is(err, io.EOF) { // it was cut meanwhile
		err = nil
	}
	return b[:n], err
}

func (osDisk) Replace(path string, data []byte) error { return atomicfile.Write(path, data) }

func (osDisk) Append(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}
