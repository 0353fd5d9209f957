package chain

import (
	"bytes"
	"errors"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/ingchain/ingchain/chain/mempool"
	"github.com/ingchain/ingchain/chain/mempool/journal"
	"github.com/ingchain/ingchain/core"
)

// What was appended before a rewrite began does not stand for what was to be
// appended since, and could not be.
func TestAnOldAppendSavesNothingForANewOne(t *testing.T) {
	j := newTxJournal(nil)
	list := aKeepable(true)
	id := list[0].tx.ID()
	old, oldSerial := j.reserve(list)
	_, before := j.begin()
	newer, newSerial := j.reserve(list)
	if len(old) != 1 || len(newer) != 1 {
		t.Fatalf("%d and %d are to be written, want 1 each", len(old), len(newer))
	}
	j.written(old, oldSerial, true)
	j.written(newer, newSerial, false)
	if !j.lacks(id) {
		t.Error("the payment is taken for saved")
	}
	j.giveUp(before)
	list, serial := j.reserve(list)
	j.written(list, serial, true)
	if j.lacks(id) {
		t.Error("the payment is taken for lost")
	}
}

// If the journal fails while what it is said to hold is looked up, nothing is
// promised: the notes may be of a file that is not there any more.
func TestAFailureMeanwhilePromisesNothing(t *testing.T) {
	file, _, err := journal.Open(filepath.Join(t.TempDir(), "j"), core.Hash{}, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	j := newTxJournal(file)
	list, serial := j.reserve(aKeepable(true))
	j.written(list, serial, true)
	j.mu.Lock()
	appended := make(chan error)
	go func() { appended <- j.append(list) }()
	for stacks := make([]byte, 1<<20); !bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("(*txJournal).reserve(")); {
		runtime.Gosched()
	}
	if err := file.Close(); err != nil { // any failure will do
		t.Fatal(err)
	}
	j.mu.Unlock()
	if err := <-appended; !errors.Is(err, journal.ErrClosed) {
		t.Errorf("got %v, want %v", err, journal.ErrClosed)
	}
}

func aKeepable(told bool) []keepable {
	return []keepable{{tx: mempool.NewTx(&core.Transaction{Version: core.TxVersion}), told: told}}
}

// A payment that is in the file and could not be written as one that somebody was
// told of, is written again.
func TestAPromiseIsNotTakenForWritten(t *testing.T) {
	j := newTxJournal(nil)
	for i, told := range []bool{false, true, true} {
		list, serial := j.reserve(aKeepable(told))
		if len(list) != 1 {
			t.Fatalf("append %d writes %d payments, want 1", i, len(list))
		}
		j.written(list, serial, i != 1)
	}
	if list, _ := j.reserve(aKeepable(true)); len(list) != 0 {
		t.Error("what is saved is written again")
	}
}

// Whatever has left the pool, what is being written is not forgotten: its end is
// to be noted.
func TestWhatIsBeingWrittenIsNotForgotten(t *testing.T) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	pool, err := mempool.New(rules, mempool.DefaultPolicy(), 0)
	if err != nil {
		t.Fatal(err)
	}
	j := newTxJournal(nil)
	list, serial := j.reserve(aKeepable(true))
	j.forget(pool)
	j.written(list, serial, true)
	if k := j.kept[list[0].tx.ID()]; !k.saved || k.writing != 0 {
		t.Errorf("%+v", k)
	}
	if j.forget(pool); len(j.kept) != 0 {
		t.Error("it is not forgotten at all")
	}
}
