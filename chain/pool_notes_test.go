package chain

import (
	"testing"

	"github.com/ingchain/ingchain/chain/mempool"
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
