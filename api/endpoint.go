package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ingchain/ingchain/internal/atomicfile"
)

// EndpointFile is the file in a data directory that tells the verbs where the
// running node's API is.
const EndpointFile = "api.json"

// maxEndpointFile bounds what is read of an endpoint file, in bytes.
const maxEndpointFile = 4 << 10

// Endpoint is how to reach a running node's API.
type Endpoint struct {
	URL   string `json:"url"` // http://host:port
	Token string `json:"token"`
	PID   int    `json:"pid"` // process that serves it
}

// WriteEndpoint records e in the data directory, readable by the owner alone. It
// replaces what an earlier node left there, at once or not at all.
func WriteEndpoint(dataDir string, e Endpoint) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(dataDir, EndpointFile), append(b, '\n')); err != nil {
		return fmt.Errorf("write API endpoint: %w", err)
	}
	return nil
}

// ReadEndpoint finds the node that runs on a data directory, or the one that
// last died there: whether it answers, only a call tells. Without an endpoint
// file it fails with [ErrUnreachable].
func ReadEndpoint(dataDir string) (Endpoint, error) {
	f, err := os.Open(filepath.Join(dataDir, EndpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Endpoint{}, fmt.Errorf("%w: no node runs on %s", ErrUnreachable, dataDir)
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("read API endpoint: %w", err)
	}
	defer f.Close()
	var e Endpoint
	if err := json.NewDecoder(io.LimitReader(f, maxEndpointFile)).Decode(&e); err != nil || e.URL == "" {
		return Endpoint{}, fmt.Errorf("%w: %s does not name a node's API; it is written anew when a node starts",
			ErrUnreachable, f.Name())
	}
	return e, nil
}

// RemoveEndpoint removes the endpoint file if it is still that of e: another
// node may have taken the directory over.
func RemoveEndpoint(dataDir string, e Endpoint) error {
	now, err := ReadEndpoint(dataDir)
	if errors.Is(err, ErrUnreachable) || (err == nil && now.Token != e.Token) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dataDir, EndpointFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove API endpoint: %w", err)
	}
	return nil
}
