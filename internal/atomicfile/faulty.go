package atomicfile

import (
	"errors"
	"io/fs"
	"syscall"
)

// ErrCrashed is what a [Faulty] disk answers after its crash.
var ErrCrashed = errors.New("the process has ended")

// Faulty is a disk whose operations fail from one on: for tests of what a full
// disk or the end of the process leaves.
type Faulty struct {
	// Disk is what it works on; nil is [OS].
	Disk FS
	// FailAt is the number of the operation that fails, from 1; 0 is none.
	FailAt int
	// Crash makes all operations after it fail as well, as if the process had
	// ended there; else only the one fails, for lack of space.
	Crash bool
	// Ops counts operations.
	Ops int
}

var _ FS = (*Faulty)(nil)

func (d *Faulty) disk() FS {
	if d.Disk == nil {
		return OS
	}
	return d.Disk
}

// step counts an operation and says whether it fails.
func (d *Faulty) step() error {
	d.Ops++
	switch {
	case d.FailAt == 0 || d.Ops < d.FailAt:
		return nil
	case d.Crash:
		return ErrCrashed
	case d.Ops == d.FailAt:
		return syscall.ENOSPC
	}
	return nil
}

// Stat implements [FS]; it never fails by itself.
func (d *Faulty) Stat(path string) (fs.FileInfo, error) { return d.disk().Stat(path) }

// MkdirAll implements [FS].
func (d *Faulty) MkdirAll(dir string, mode fs.FileMode) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.disk().MkdirAll(dir, mode)
}

// Rename implements [FS].
func (d *Faulty) Rename(from, to string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.disk().Rename(from, to)
}

// Remove implements [FS].
func (d *Faulty) Remove(path string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.disk().Remove(path)
}

// SyncDir implements [FS].
func (d *Faulty) SyncDir(dir string) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.disk().SyncDir(dir)
}

// CreateTemp implements [FS].
func (d *Faulty) CreateTemp(dir, pattern string) (File, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	f, err := d.disk().CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	return &faultyFile{f, d}, nil
}

type faultyFile struct {
	File
	disk *Faulty
}

// Write leaves half of the data if it fails.
func (f *faultyFile) Write(b []byte) (int, error) {
	if err := f.disk.step(); err != nil {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, err
	}
	return f.File.Write(b)
}

func (f *faultyFile) Sync() error {
	if err := f.disk.step(); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f *faultyFile) Close() error {
	err := f.disk.step()
	if cerr := f.File.Close(); err == nil {
		err = cerr
	}
	return err
}
