package pebbledb

import (
	"errors"
	"maps"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// Many coins are found like few: those that are there, and no others.
func TestManyCoinsAreFoundLikeFew(t *testing.T) {
	db, err := OpenMem(core.Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const n = 3 * sweptCoins
	var made []core.Coin
	var ask []core.Outpoint
	for i := range n {
		c := core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{byte(i * 7), byte(i >> 5)}, Index: uint32(i%32) << 27}, Value: core.Amount(i + 1)}
		if i%3 > 0 {
			made = append(made, c)
		}
		ask = append(ask, c.Outpoint)
	}
	st := core.Dev().GenesisState()
	if err := db.Commit(&chain.Commit{State: &st, Created: made}); err != nil {
		t.Fatal(err)
	}
	find := func(ops []core.Outpoint) core.UTXOs {
		found := core.UTXOs{}
		if err := db.Coins(ops, found); err != nil {
			t.Fatal(err)
		}
		return found
	}
	want := core.UTXOs{}
	for _, op := range ask {
		for _, c := range find([]core.Outpoint{op}) {
			want[op] = c
		}
	}
	if got := find(ask); len(want) != len(made) || !maps.Equal(got, want) {
		t.Errorf("%d coins together, %d one by one, %d made", len(got), len(want), len(made))
	}
	// One of them is damaged.
	if err := db.pebble.Set(coinKey(made[len(made)/2].Outpoint), []byte("damaged"), nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Coins(ask, core.UTXOs{}); !errors.Is(err, chain.ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt", err)
	}
}
