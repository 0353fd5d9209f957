package pebbledb_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/internal/fulldisk"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
)

var fullDiskStep = flag.Int64("full-disk-step", 5, "let the disk be full from every n-th write on; 1 is every write")

// tell opens a store, writes to it until something fails, and returns the last
// number that was acknowledged, and the failure. Table and log are so small that
// they are rotated, flushed and compacted on the way.
func tell(fs vfs.FS) (acknowledged uint64, err error) {
	db, err := pebbledb.Open("d", genesis, pebbledb.Options{FS: fs, CacheBytes: 1 << 16, MemTableBytes: 32 << 10})
	if err != nil {
		return 0, err
	}
	defer func() {
		if cerr := db.Close(); err == nil {
			err = cerr
		}
	}()
	rng := rand.New(rand.NewPCG(1, 2))
	for n := uint64(1); n <= 60; n++ {
		tips := make([]core.Hash, 1+rng.IntN(250))
		binary.BigEndian.PutUint64(tips[0][:], n)
		waiting := make([]chain.Kin, 1+rng.IntN(100))
		for i := range waiting {
			binary.BigEndian.PutUint64(waiting[i].Child[:], rng.Uint64())
		}
		if err := db.Save(&chain.Changes{Tips: tips, Waiting: waiting}); err != nil {
			return acknowledged, fmt.Errorf("save: %w", err)
		}
		if n%7 != 0 {
			continue
		}
		if err := db.Sync(); err != nil {
			return acknowledged, fmt.Errorf("sync: %w", err)
		}
		acknowledged = n
	}
	return acknowledged, nil
}

// The disk is full from the n-th write on, for many n: the store says so, lives
// to say it, and has what it acknowledged once there is space again, also if the
// power fails then.
func TestFullDiskAtEveryWrite(t *testing.T) {
	var counted fulldisk.From
	if n, err := tell(errorfs.Wrap(vfs.NewCrashableMem(), &counted)); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	t.Log(counted.Seen(), "writes")
	for n := int64(1); n <= counted.Seen(); n += *fullDiskStep {
		disk := vfs.NewCrashableMem()
		acknowledged, err := tell(errorfs.Wrap(disk, &fulldisk.From{N: n}))
		if err != nil && (!errors.Is(err, chain.ErrDisk) || !errors.Is(err, syscall.ENOSPC)) {
			t.Fatalf("write %d: %v, want a full disk", n, err)
		}
		for _, percent := range []int{0, 100} {
			after := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(n), 3))})
			if got := lastTold(t, after); got < acknowledged {
				t.Errorf("write %d, %d %% of what was not synced: %d is there, %d was acknowledged", n, percent, got, acknowledged)
			}
		}
	}
}

// lastTold opens what a failure left and returns the last number in it.
func lastTold(t *testing.T, fs vfs.FS) uint64 {
	t.Helper()
	db, err := pebbledb.Open("d", genesis, pebbledb.Options{FS: fs, CacheBytes: 1 << 16, MemTableBytes: 32 << 10})
	if err != nil {
		t.Fatal("open again:", err)
	}
	tips, err := db.Tips()
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal("open again:", err)
	}
	if len(tips) == 0 {
		return 0
	}
	return binary.BigEndian.Uint64(tips[0][:])
}
