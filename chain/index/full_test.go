package index

import (
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/internal/fulldisk"
)

// The disk is full from the n-th write on, for many n: the index says so, ends,
// and follows the chain from what it left once there is space again.
func TestFullDiskAtEveryWrite(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	w := newWorld(t, 2)
	for range 60 {
		w.tip = w.grow(rng, w.tip, 6).ID()
	}
	follow := func(fs vfs.FS) error {
		opts := smallOptions(fs)
		opts.MemTableBytes, opts.BatchBytes = 16<<10, 1
		x, err := Open("index", w, opts)
		if err != nil {
			return err
		}
		stop := start(t, x)
		werr := x.WaitFor(t.Context(), w.tip)
		rerr := stop()
		if werr != nil && !errors.Is(werr, ErrStopped) || werr != nil && rerr == nil {
			t.Errorf("waiting: %v; Run: %v", werr, rerr)
		}
		return errors.Join(rerr, x.Close())
	}
	var counted fulldisk.From
	if err := follow(errorfs.Wrap(vfs.NewMem(), &counted)); err != nil {
		t.Fatal(err)
	}
	t.Log(counted.Seen(), "writes")
	for n := int64(1); n <= counted.Seen(); n += 1 + counted.Seen()/20 {
		disk := vfs.NewCrashableMem()
		if err := follow(errorfs.Wrap(disk, &fulldisk.From{N: n})); err != nil && (!errors.Is(err, chain.ErrDisk) || !errors.Is(err, syscall.ENOSPC)) {
			t.Fatalf("write %d: %v, want a full disk", n, err)
		}
		x := openIndex(t, w, smallOptions(disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})))
		advance(t, x)
		check(t, w, x, rng)
		closeIndex(t, x)
	}
}
