package main

import (
	"math/big"

	"github.com/holiman/uint256"

	"github.com/ingchain/ingchain/core"
)

// bitsOf is the compact target that takes about that many hashes to meet.
func bitsOf(hashes float64) uint32 {
	t, _ := new(big.Float).Quo(new(big.Float).SetMantExp(big.NewFloat(1), 256), big.NewFloat(hashes)).Int(nil)
	target, overflow := uint256.FromBig(t)
	if overflow {
		panic("difficulty below one hash")
	}
	return core.BitsFromTarget(target)
}

// hashesOf is the expected number of hashes to meet a compact target.
func hashesOf(bits uint32) float64 {
	work, err := core.WorkFromBits(bits)
	if err != nil {
		panic(err)
	}
	return work.Float64()
}
