package pebbledb_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
)

var genesis = core.Hash{1, 2, 3}

func TestDirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	db, err := pebbledb.Open(dir, genesis, pebbledb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(string, core.Hash, pebbledb.Options) (*pebbledb.DB, error){pebbledb.Open, pebbledb.OpenReadOnly} {
		_, err = open(dir, genesis, pebbledb.Options{})
		var locked *pebbledb.LockedError
		if !errors.Is(err, chain.ErrLocked) || !errors.As(err, &locked) {
			t.Fatal(err)
		}
		if locked.Holder.PID != os.Getpid() || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
			t.Errorf("the error does not name the holder: %v", err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	// The file stays and means nothing: also that of a process killed long ago.
	if _, err := os.Stat(filepath.Join(dir, "LOCK")); err != nil {
		t.Fatal(err)
	}
	first, err := pebbledb.OpenReadOnly(dir, genesis, pebbledb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := pebbledb.OpenReadOnly(dir, genesis, pebbledb.Options{})
	if err != nil {
		t.Fatal("readers exclude each other:", err)
	}
	_, err = pebbledb.Open(dir, genesis, pebbledb.Options{})
	var locked *pebbledb.LockedError
	if !errors.As(err, &locked) || !locked.Readers || strings.Contains(err.Error(), "process ") && strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Error("writer beside readers:", err)
	}
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestWrongNetwork(t *testing.T) {
	fs := vfs.NewMem()
	db, err := pebbledb.Open("d", genesis, pebbledb.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	other := core.Hash{9}
	_, err = pebbledb.Open("d", other, pebbledb.Options{FS: fs})
	if !errors.Is(err, chain.ErrWrongNetwork) || !strings.Contains(err.Error(), genesis.String()) || !strings.Contains(err.Error(), other.String()) {
		t.Fatalf("want both named: %v", err)
	}
}

func TestNothingToRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := pebbledb.OpenReadOnly(dir, genesis, pebbledb.Options{}); !errors.Is(err, chain.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Error("reading made the directory")
	}
}

func TestClosedStore(t *testing.T) {
	db, err := pebbledb.OpenMem(genesis)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Body(1, genesis); !errors.Is(err, chain.ErrClosed) {
		t.Error(err)
	}
	if err := db.Save(&chain.Changes{}); !errors.Is(err, chain.ErrClosed) {
		t.Error(err)
	}
	if _, err := db.Snapshot(); !errors.Is(err, chain.ErrClosed) {
		t.Error(err)
	}
}

// A log that cannot be written makes an error that says so, and the process
// lives to end in good order.
func TestFailingDisk(t *testing.T) {
	var failing errorfs.Toggle
	failing.Injector = errorfs.ErrInjected.If(errorfs.Writes)
	fs := errorfs.Wrap(vfs.NewMem(), &failing)
	db, err := pebbledb.Open("d", genesis, pebbledb.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	failing.On()
	err = db.Save(&chain.Changes{Tips: []core.Hash{genesis}})
	if err == nil {
		err = db.Sync()
	}
	if !errors.Is(err, chain.ErrDisk) {
		t.Fatalf("%v, want a disk failure", err)
	}
	<-db.Failed()
	if !errors.Is(db.Err(), chain.ErrDisk) {
		t.Error(db.Err())
	}
	if err := db.Save(&chain.Changes{Tips: []core.Hash{genesis}}); !errors.Is(err, chain.ErrDisk) {
		t.Errorf("a write after the failure: %v", err)
	}
	if err := db.Close(); !errors.Is(err, chain.ErrDisk) {
		t.Error(err)
	}
}
