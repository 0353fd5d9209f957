package killtest_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/killtest"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

const (
	tinyDisk  = 24 << 20  // bytes
	tinySpace = 400 << 10 // bytes left on it when the work begins
	tinyTries = 10_000    // more writes than it has room for
)

// The chain's store, the journal and the wallet's files share a disk that runs
// full. Each says so; what each had acknowledged is there; and once there is
// space again the wallet and the journal go on, and the store opens again.
func TestFullDiskOfAll(t *testing.T) {
	dir := killtest.TinyDisk(t, tinyDisk)
	rules, err := core.NewRules(core.Dev())
	must(t, err)
	db, err := pebbledb.Open(dir, rules.GenesisID(), pebbledb.Options{CacheBytes: 1 << 20, MemTableBytes: 256 << 10})
	must(t, err)
	j, _, err := journal.Open(filepath.Join(dir, "mempool.dat"), rules.GenesisID(), journal.Options{})
	must(t, err)
	phrase := wallet.NewPassphrase("correct horse")
	words, err := keystore.NewMnemonic(keystore.Options{}, false, wallet.English)
	must(t, err)
	s, err := keystore.Create(dir, rules, words, wallet.Passphrase{}, phrase, 1, keystore.Options{WorkFactor: 2})
	must(t, err)
	free := killtest.Fill(t, dir, tinySpace)

	var told uint64 // the store's last number that was synced
	var kept []journal.Record
	var handed []core.Address
	write := map[string]func(n uint64) error{
		"store": func(n uint64) error {
			tips := make([]core.Hash, 64)
			binary.BigEndian.PutUint64(tips[0][:], n)
			err := db.Save(&chain.Changes{Tips: tips})
			if err == nil {
				err = db.Sync()
			}
			if err == nil {
				told = n
			}
			return err
		},
		"journal": func(n uint64) error {
			r := journal.Record{Time: n, Acknowledged: true, Tx: make([]byte, 700)}
			err := j.Append(r)
			if err == nil {
				kept = append(kept, r)
			}
			return err
		},
		"wallet": func(uint64) error {
			own, err := s.NewAddress(0)
			if errors.Is(err, keystore.ErrLocked) {
				u, uerr := s.Unlock(phrase) // makes more, if there is room for them
				must(t, uerr)
				u.Close()
				if own, err = s.NewAddress(0); errors.Is(err, keystore.ErrLocked) {
					return syscall.ENOSPC
				}
			}
			if err == nil {
				handed = append(handed, own.Address)
				err = s.MarkUsed([]core.Address{own.Address})
			}
			return err
		},
	}
	for n := uint64(1); len(write) > 0; n++ {
		for name, do := range write {
			err := do(n)
			if err != nil && !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%s: %v, want that the disk is full", name, err)
			}
			if err != nil || n > tinyTries {
				t.Logf("%s after %d: %v", name, n, err)
				delete(write, name)
			}
		}
	}
	if told == 0 || len(kept) == 0 || len(handed) == 0 {
		t.Fatalf("nothing was written before the disk was full: %d, %d, %d", told, len(kept), len(handed))
	}
	if !errors.Is(db.Err(), chain.ErrDisk) || !errors.Is(j.Err(), journal.ErrFailed) {
		t.Errorf("store %v, journal %v", db.Err(), j.Err())
	}
	// Reading takes no space: the wallet opens, whatever the disk.
	u, err := s.Unlock(phrase)
	must(t, err)
	u.Close()
	wantHanded(t, s, handed)
	if err := db.Close(); !errors.Is(err, chain.ErrDisk) {
		t.Error(err)
	}

	free()
	wantHanded(t, s, handed)
	u, err = s.Unlock(phrase)
	must(t, err)
	u.Close()
	if _, err := s.NewAddress(0); err != nil {
		t.Error("the wallet does not go on:", err)
	}
	must(t, j.Rewrite(j.Mark(), slices.Values(kept)))
	must(t, j.Append(journal.Record{Time: tinyTries, Tx: []byte{1}}))
	must(t, j.Close())
	_, loaded, err := journal.Open(filepath.Join(dir, "mempool.dat"), rules.GenesisID(), journal.Options{})
	must(t, err)
	if len(loaded.Records) != len(kept)+1 || loaded.Torn+loaded.Damaged != 0 {
		t.Errorf("%d records, want %d", len(loaded.Records), len(kept)+1)
	}
	wantStore(t, dir, rules.GenesisID(), told)
}

// wantHanded looks for addresses that were handed out.
func wantHanded(t *testing.T, s *keystore.Store, handed []core.Address) {
	t.Helper()
	st, err := s.State()
	must(t, err)
	for _, a := range handed {
		if !st.Owns(a) {
			t.Errorf("address %x is forgotten", a.Hash)
		}
	}
}

// wantStore opens a copy of a store, since who has failed holds it for as long
// as the process lives, and looks for what was synced.
func wantStore(t *testing.T, dir string, genesis core.Hash, told uint64) {
	t.Helper()
	copied := t.TempDir()
	must(t, os.CopyFS(filepath.Join(copied, "chain"), os.DirFS(filepath.Join(dir, "chain"))))
	db, err := pebbledb.Open(copied, genesis, pebbledb.Options{})
	must(t, err)
	defer db.Close()
	tips, err := db.Tips()
	must(t, err)
	if n := binary.BigEndian.Uint64(tips[0][:]); n < told {
		t.Errorf("the store has %d, %d was synced", n, told)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
