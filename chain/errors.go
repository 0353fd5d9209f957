package chain

import (
	"errors"
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// Kinds of failure, for errors.Is. Verdicts on blocks are core's error types
// instead.
var (
	// ErrNotFound says that the chain has no such block, height or cursor.
	ErrNotFound = errors.New("not found")
	// ErrCorrupt says that stored data is damaged. Rebuilding with --reindex
	// helps if bodies are intact, else deleting the chain and syncing again.
	ErrCorrupt = errors.New("stored chain is corrupt")
	// ErrDisk says that the disk failed; nothing after it was stored.
	ErrDisk = errors.New("disk failure")
	// ErrWrongNetwork says that a store or an export belongs to another genesis.
	ErrWrongNetwork = errors.New("belongs to another network")
	// ErrSchema says that a store was written in a format of another release.
	ErrSchema = errors.New("unknown store format")
	// ErrLocked says that another process uses the data directory.
	ErrLocked = errors.New("data directory is in use")
	// ErrReadOnly is the answer of a store opened for reading to every change.
	ErrReadOnly = errors.New("store is open for reading only")
	// ErrClosed is the answer of a closed store.
	ErrClosed = errors.New("store is closed")
	// ErrNotKept says that payments cannot be written to the journal, so that they
	// may be in the pool and would not survive a kill. They may be submitted again.
	ErrNotKept = errors.New("payments are not kept safe")
	// ErrBadExport says that a stream is not what Export wrote, or not all of it.
	ErrBadExport = errors.New("not a complete block export")
	// ErrGenesis says that the genesis block cannot be invalidated.
	ErrGenesis = errors.New("the genesis block cannot be invalidated")
)

// corrupt wraps a failure to find what must be there, or a contradiction, as
// [ErrCorrupt]. Other failures of the store keep their kind.
func corrupt(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if errors.Is(err, ErrClosed) || errors.Is(err, ErrDisk) || errors.Is(err, ErrCorrupt) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrCorrupt, what, err)
}

func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

func deferred(code core.Code, format string, args ...any) error {
	return &core.DeferError{Code: code, Detail: fmt.Sprintf(format, args...)}
}

func ruleError(code core.Code, format string, args ...any) error {
	return &core.RuleError{Code: code, Detail: fmt.Sprintf(format, args...)}
}
