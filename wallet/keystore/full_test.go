package keystore_test

import (
	"errors"
	"syscall"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/atomicfile"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// A full disk keeps nobody from the words: the wallet opens, without addresses
// in advance.
func TestUnlockOnAFullDisk(t *testing.T) {
	s := create(t, t.TempDir())
	for {
		own, err := s.NewAddress(0)
		if errors.Is(err, keystore.ErrLocked) {
			break
		}
		must(t, err)
		must(t, s.MarkUsed([]core.Address{own.Address}))
	}
	disk := &atomicfile.Faulty{Disk: quick.FS, FailAt: 1}
	full, err := keystore.Open(s.Dir(), rules(t), keystore.Options{WorkFactor: 2, FS: disk})
	must(t, err)
	if _, _, err := unlock(t, full).Mnemonic(); err != nil {
		t.Error(err)
	}
	if _, err := full.NewAddress(0); disk.Ops == 0 || !errors.Is(err, keystore.ErrLocked) {
		t.Errorf("%d operations, then: %v", disk.Ops, err)
	}
	unlock(t, full) // there is space again
	if _, err := full.NewAddress(0); err != nil {
		t.Error(err)
	}
	full, err = keystore.Open(s.Dir(), rules(t), keystore.Options{WorkFactor: 2, FS: &atomicfile.Faulty{Disk: quick.FS, FailAt: 1}})
	must(t, err)
	if _, err := full.NewAddress(0); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("an address that is not kept: %v", err)
	}
}
