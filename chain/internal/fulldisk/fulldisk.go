// Package fulldisk is a disk that runs full at a chosen write, for tests.
package fulldisk

import (
	"fmt"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// From is a disk's injector that makes its n-th write fail for lack of space,
// and all after it. Deleting and locking always succeed.
type From struct {
	// N is the number of the first write that fails, from 1; 0 is none.
	N    int64
	seen atomic.Int64
}

var _ errorfs.Injector = (*From)(nil)

// Seen returns how many writes there were.
func (f *From) Seen() int64 { return f.seen.Load() }

// String implements errorfs.Injector.
func (f *From) String() string { return fmt.Sprintf("full from write %d on", f.N) }

// MaybeError implements errorfs.Injector.
func (f *From) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpRemove, errorfs.OpRemoveAll, errorfs.OpLock:
		return nil
	default:
	}
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	if n := f.seen.Add(1); f.N > 0 && n >= f.N {
		return syscall.ENOSPC
	}
	return nil
}
