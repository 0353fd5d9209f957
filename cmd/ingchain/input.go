package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/ingchain/ingchain/api"
)

// readInput reads a file, or standard input for "-", of at most limit bytes.
func readInput(a *app, name string, limit int64) ([]byte, error) {
	in := a.in
	if name != stdFile {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %w", api.ErrNotFound, err)
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = usagef("%s has more than %d bytes", name, limit)
	}
	return b, err
}
