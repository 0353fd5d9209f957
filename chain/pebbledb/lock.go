package pebbledb

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/ingchain/ingchain/chain"
)

// Names in a data directory. Where locks are mandatory, as on Windows, a locked
// file cannot be read by others, so that what is locked and what tells who
// locked it are two files.
const (
	lockFile   = ".lock"
	holderFile = "LOCK"
)

// Holder says who uses a data directory.
type Holder struct {
	PID     int       `json:"pid"`
	Name    string    `json:"name"`
	Started time.Time `json:"started"`
	// API is the address of its HTTP API, if it said so.
	API string `json:"api,omitempty"`
}

// LockedError says which process uses a data directory. It is a
// [chain.ErrLocked].
type LockedError struct {
	Dir string
	// Holder is zero if the LOCK file does not tell, or if it is Readers.
	Holder Holder
	// Readers says that processes hold it that only read, such as
	// `ingchain chain verify`.
	Readers bool
}

// Error implements error.
func (e *LockedError) Error() string {
	who := "another process"
	switch {
	case e.Readers:
		who = "another process, which reads its chain"
	case e.Holder.PID != 0:
		who = fmt.Sprintf("process %d (%s)", e.Holder.PID, e.Holder.Name)
	}
	return fmt.Sprintf("data directory %s is in use by %s; stop it or choose another --data-dir", e.Dir, who)
}

// Is makes errors.Is find chain.ErrLocked.
func (e *LockedError) Is(target error) bool { return target == chain.ErrLocked }

// Lock is the right to use a data directory. The system frees it when the
// process ends, however it ends; the files stay behind and mean nothing then.
type Lock struct {
	dir    string
	flock  *flock.Flock
	holder Holder
	shared bool
}

// Acquire locks a data directory, which must exist, for this process alone, or
// shared with others that only read. It does not wait: a directory in use is a
// [LockedError].
func Acquire(dir string, shared bool) (*Lock, error) {
	l := &Lock{dir: dir, flock: flock.New(filepath.Join(dir, lockFile)), shared: shared}
	try := l.flock.TryLock
	if shared {
		try = l.flock.TryRLock
	}
	ok, err := try()
	if err != nil {
		return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
	}
	if !ok {
		return nil, inUse(dir, shared)
	}
	if !shared {
		l.holder = Holder{PID: os.Getpid(), Name: filepath.Base(os.Args[0]), Started: time.Now().UTC().Truncate(time.Second)}
		if err := l.write(); err != nil {
			return nil, errors.Join(err, l.flock.Close())
		}
	}
	return l, nil
}

// SetAPI adds the address of the HTTP API to what the LOCK file tells.
func (l *Lock) SetAPI(addr string) error {
	if l.shared {
		return nil
	}
	l.holder.API = addr
	return l.write()
}

func (l *Lock) write() error {
	text, err := json.Marshal(l.holder)
	if err != nil {
		return fmt.Errorf("lock data directory %s: %w", l.dir, err)
	}
	if err := os.WriteFile(filepath.Join(l.dir, holderFile), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("lock data directory %s: %w", l.dir, err)
	}
	return nil
}

// inUse says who holds a directory that could not be locked.
func inUse(dir string, shared bool) *LockedError {
	e := &LockedError{Dir: dir}
	if !shared {
		// Readers leave no name; what the file tells is of a process that is gone.
		probe := flock.New(filepath.Join(dir, lockFile))
		defer probe.Close()
		if e.Readers, _ = probe.TryRLock(); e.Readers {
			return e
		}
	}
	e.Holder = readHolder(dir)
	return e
}

// HolderOf returns the process that holds a data directory for itself alone, if
// there is one.
func HolderOf(dir string) (Holder, bool) {
	h := readHolder(dir)
	// The lock itself is tried only then: whoever tries holds it for a moment, and
	// would be in the way of a node that starts.
	if h.PID == 0 || !runs(h.PID) {
		return Holder{}, false
	}
	probe := flock.New(filepath.Join(dir, lockFile))
	defer probe.Close()
	if free, err := probe.TryRLock(); free || err != nil {
		return Holder{}, false
	}
	return h, true
}

// runs reports whether there is a process of that id.
func runs(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }()
	// Where signal 0 asks nothing, as on Windows, having found it is the answer.
	return !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

func readHolder(dir string) (h Holder) {
	text, err := os.ReadFile(filepath.Join(dir, holderFile))
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}

// Release gives the directory free.
func (l *Lock) Release() error {
	if err := l.flock.Close(); err != nil {
		return fmt.Errorf("unlock data directory %s: %w", l.dir, err)
	}
	return nil
}
