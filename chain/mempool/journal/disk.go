package journal

import (
	"io"
	"os"

	"github.com/ingchain/ingchain/internal/atomicfile"
)

// Disk is where a journal lies. Tests put one in between that fails.
type Disk interface {
	// ReadFile returns a whole file; its error is fs.ErrNotExist if there is none.
	ReadFile(path string) ([]byte, error)
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

func (osDisk) ReadFile(path string) ([]byte, error)   { return os.ReadFile(path) }
func (osDisk) Replace(path string, data []byte) error { return atomicfile.Write(path, data) }

func (osDisk) Append(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}
