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
		if d, err := speedUp(terms, &lie, []wallet.Coin{coin}, wallet.OwnAddress{}); err == nil {
			t.Errorf("%+v: a fee of %v", lie, d.Fee)
		}
	}
	d, err := speedUp(terms, &api.TxPending{PackageFee: 201, PackageSize: 201}, []wallet.Coin{coin}, wallet.OwnAddress{})
	if err != nil {
		t.Fatal(err)
	}
	if want := terms.FeeRate.Fee(201+d.Size()) - 201; d.Fee != want {
		t.Errorf("fee %v, want %v", d.Fee, want)
	}
}
