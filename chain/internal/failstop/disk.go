package failstop

import (
	"fmt"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ingchain/ingchain/chain"
)

// FS returns the disk as Pebble is to see it: what writes to it succeeds, or
// never returns. Reading, locking and deleting are as they were: their failures
// Pebble takes as it should.
func (f *Fault) FS(on vfs.FS) vfs.FS { return &disk{on, f} }

// disk writes to another one until that fails.
type disk struct {
	vfs.FS
	fault *Fault
}

// write runs something that writes to path, or to the file of that name.
func (f *Fault) write(what, path string, do func() error) {
	if f.StuckErr() != nil {
		select {} // no write may follow one that failed
	}
	if err := do(); err != nil {
		f.fail(fmt.Errorf("%w: %s %s: %w", chain.ErrDisk, what, path, err), true)
		select {}
	}
}

// create runs something that makes a file or opens it for writing.
func (d *disk) create(what, path string, do func() (vfs.File, error)) vfs.File {
	var made vfs.File
	d.fault.write(what, path, func() (err error) { made, err = do(); return err })
	return &file{made, path, d.fault}
}

// Unwrap implements vfs.FS.
func (d *disk) Unwrap() vfs.FS { return d.FS }

// Create implements vfs.FS.
func (d *disk) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return d.create("create", name, func() (vfs.File, error) { return d.FS.Create(name, category) }), nil
}

// OpenReadWrite implements vfs.FS.
func (d *disk) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return d.create("open", name, func() (vfs.File, error) { return d.FS.OpenReadWrite(name, category, opts...) }), nil
}

// ReuseForWrite implements vfs.FS.
func (d *disk) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return d.create("reuse", from, func() (vfs.File, error) { return d.FS.ReuseForWrite(from, to, category) }), nil
}

// OpenDir implements vfs.FS: opening may fail, syncing may not.
func (d *disk) OpenDir(name string) (vfs.File, error) {
	dir, err := d.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &file{dir, name, d.fault}, nil
}

// Link implements vfs.FS.
func (d *disk) Link(from, to string) error {
	d.fault.write("link", from, func() error { return d.FS.Link(from, to) })
	return nil
}

// Rename implements vfs.FS.
func (d *disk) Rename(from, to string) error {
	d.fault.write("rename", from, func() error { return d.FS.Rename(from, to) })
	return nil
}

// MkdirAll implements vfs.FS.
func (d *disk) MkdirAll(dir string, mode os.FileMode) error {
	d.fault.write("make directory", dir, func() error { return d.FS.MkdirAll(dir, mode) })
	return nil
}

// file is open for writing, or a directory to sync.
type file struct {
	vfs.File
	path  string
	fault *Fault
}

// Write implements vfs.File.
func (f *file) Write(b []byte) (n int, _ error) {
	f.fault.write("write", f.path, func() (err error) { n, err = f.File.Write(b); return err })
	return n, nil
}

// WriteAt implements vfs.File.
func (f *file) WriteAt(b []byte, at int64) (n int, _ error) {
	f.fault.write("write", f.path, func() (err error) { n, err = f.File.WriteAt(b, at); return err })
	return n, nil
}

// Sync implements vfs.File.
func (f *file) Sync() error {
	f.fault.write("sync", f.path, f.File.Sync)
	return nil
}

// SyncData implements vfs.File.
func (f *file) SyncData() error {
	f.fault.write("sync", f.path, f.File.SyncData)
	return nil
}

// SyncTo implements vfs.File.
func (f *file) SyncTo(length int64) (whole bool, _ error) {
	f.fault.write("sync", f.path, func() (err error) { whole, err = f.File.SyncTo(length); return err })
	return whole, nil
}

// Close implements vfs.File: some disks tell only here what they could not
// write.
func (f *file) Close() error {
	f.fault.write("close", f.path, f.File.Close)
	return nil
}
