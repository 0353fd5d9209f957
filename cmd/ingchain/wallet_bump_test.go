package main

import (
	"math"
	"testing"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

// What others in the pool pay is the node's word.
func TestALyingNodeMakesNoBumpAbsurd(t *testing.T) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	id := core.Hash{1}
	terms := wallet.Terms{Rules: rules, Height: 10, FeeRate: 5000, SpendPending: true}
	coin := wallet.Coin{Coin: core.Coin{Outpoint: core.Outpoint{TxID: id}, Value: 100 * core.GrainsPerING}, Pending: true}
	for _, lie := range []api.TxPending{
		{PackageFee: 0, PackageSize: 100_000_000}, {PackageFee: 0, PackageSize: math.MaxInt}, {PackageFee: 0, PackageSize: -1}, {PackageFee: 1, PackageSize: math.MinInt},
		{PackageFee: math.MaxUint64, PackageSize: 1}, {PackageFee: 1 << 62, PackageSize: 201}, {PackageFee: math.MaxUint64 / 1000, PackageSize: math.MaxInt},
	} {
		for _, tx := range []api.TxDetail{{Fee: 201, Size: 201, Pending: &lie}, {Fee: lie.PackageFee, Size: lie.PackageSize, Pending: &api.TxPending{PackageFee: 201, PackageSize: 201}}} {
			if d, err := speedUp(terms, &tx, []wallet.Coin{coin}, wallet.OwnAddress{}); err == nil {
				t.Errorf("%+v: a fee of %v", lie, d.Fee)
			}
		}
	}
}

// A payment that waits for one that pays more is mined after it, at its own rate:
// then that one's fee is no help. The fee of one that pays less is to be made up for.
func TestABumpCountsWhatHelps(t *testing.T) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	terms := wallet.Terms{Rules: rules, Height: 10, FeeRate: 5000, SpendPending: true}
	coin := wallet.Coin{Coin: core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{1}}, Value: 100 * core.GrainsPerING}, Pending: true}
	for name, c := range map[string]struct {
		packageFee  core.Amount
		packageSize int
	}{
		"alone":          {201, 201},
		"behind a rich":  {201 + 20_000, 402},
		"behind a poor":  {201 + 201, 402},
		"behind a tight": {201 + 1200, 402},
	} {
		tx := &api.TxDetail{Fee: 201, Size: 201, Pending: &api.TxPending{PackageFee: c.packageFee, PackageSize: c.packageSize}}
		d, err := speedUp(terms, tx, []wallet.Coin{coin}, wallet.OwnAddress{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := terms.FeeRate.Fee(tx.Size+d.Size()) - tx.Fee
		if all := terms.FeeRate.Fee(c.packageSize + d.Size()); all > c.packageFee {
			want = max(want, all-c.packageFee)
		}
		if d.Fee != want {
			t.Errorf("%s: fee %v, want %v", name, d.Fee, want)
		}
	}
	tx := &api.TxDetail{Fee: 1005, Size: 201, Pending: &api.TxPending{PackageFee: 1005, PackageSize: 201}}
	if d, err := speedUp(terms, tx, []wallet.Coin{coin}, wallet.OwnAddress{}); err == nil {
		t.Errorf("it pays that rate, and a fee of %v was to come on top", d.Fee)
	}
}
