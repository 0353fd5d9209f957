package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ingchain/ingchain/internal/killtest"
)

const (
	// killsPerJournal is how many kills one journal takes before there is a new
	// one.
	killsPerJournal = 25
	// keptAtMost is how many payments a rewrite keeps.
	keptAtMost = 30
)

// TestKill9 kills processes while several goroutines append to a journal and
// another rewrites it. Afterwards it opens; every payment is there that was
// acknowledged and not dropped by a rewrite since, and at most its end is torn.
func TestKill9(t *testing.T) {
	if dir := killtest.Dir(); dir != "" {
		appendUntilKilled(t, dir)
		return
	}
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 2))
	counts := map[string]int{}
	torn := 0
	var dir string
	var want, dropped map[string]bool
	for n := range *killtest.Kills {
		if n%killsPerJournal == 0 {
			dir, want, dropped = t.TempDir(), map[string]bool{}, map[string]bool{}
		}
		after := 1
		if n%killsPerJournal > 0 {
			after += rng.IntN(60)
		}
		said := killtest.Kill(t, dir, "", after)
		for _, line := range said {
			f := strings.Fields(line)
			counts[f[0]]++
			switch f[0] {
			case "appended":
				want[f[1]] = !dropped[f[1]] // which may be said first
			case "dropping":
				for _, id := range f[1:] {
					dropped[id], want[id] = true, false
				}
			}
		}
		if checkJournal(t, filepath.Join(dir, "journal"), want) {
			torn++
		}
		if t.Failed() {
			t.Fatalf("kill %d, after %q", n, said)
		}
	}
	t.Logf("%d kills, %d ends torn; said before: %v", *killtest.Kills, torn, counts)
}

// checkJournal reads what a killed process left, without mending it.
func checkJournal(t *testing.T, path string, want map[string]bool) (torn bool) {
	t.Helper()
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && len(want) == 0 {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Parse(b, genesis)
	if err != nil || loaded.Damaged != 0 {
		t.Fatalf("%d bytes are damaged, %v", loaded.Damaged, err)
	}
	found := map[string]bool{}
	for _, r := range loaded.Records {
		found[idOf(t, r)] = true
	}
	for id, wanted := range want {
		if wanted && !found[id] {
			t.Errorf("payment %s was acknowledged and is gone", id)
		}
	}
	return loaded.Torn > 0
}

// payment makes a record that tells by itself whether it is whole. Long ones are
// those that a kill tears.
func payment(id uint64, size int) Record {
	tx := binary.BigEndian.AppendUint64(nil, id)
	return Record{Time: id, Acknowledged: true, Tx: append(tx, bytes.Repeat(tx, size/len(tx))...)}
}

func idOf(t *testing.T, r Record) string {
	t.Helper()
	if want := payment(r.Time, len(r.Tx)-8); !bytes.Equal(r.Tx, want.Tx) || !r.Acknowledged {
		t.Errorf("payment %d has other bytes", r.Time)
	}
	return fmt.Sprintf("%x", r.Time)
}

// appendUntilKilled is the life of a
func appendUntilKilled(t *testing.T, dir string) {
	killtest.Say("begins")
	j, loaded, err := Open(filepath.Join(dir, "journal"), genesis, Options{})
	if err != nil {
		t.Fatal(err)
	}
	// kept stands for the pool: what is in it is put there before it is appended.
	var mu sync.Mutex
	kept := loaded.Records
	appended := make(chan struct{})
	for range 3 {
		go func() {
			for {
				r := payment(rand.Uint64(), 8+rand.IntN(300))
				if rand.IntN(4) == 0 {
					r = payment(r.Time, rand.IntN(1<<20))
				}
				mu.Lock()
				kept = append(kept, r)
				mu.Unlock()
				if err := j.Append(r); err != nil {
					panic(err)
				}
				killtest.Say("appended %x", r.Time)
				appended <- struct{}{}
			}
		}()
	}
	for {
		for range rand.IntN(2 * keptAtMost) {
			<-appended
		}
		mark := j.Mark()
		mu.Lock()
		dropped := max(len(kept)-keptAtMost, 0)
		gone := kept[:dropped]
		kept = slices.Clone(kept[dropped:])
		records := slices.Clone(kept)
		mu.Unlock()
		ids := make([]string, 0, len(gone))
		for _, r := range gone {
			ids = append(ids, fmt.Sprintf("%x", r.Time))
		}
		killtest.Say("dropping %s", strings.Join(ids, " "))
		if err := j.Rewrite(mark, slices.Values(records)); err != nil {
			t.Fatal(err)
		}
		killtest.Say("rewritten")
	}
}
