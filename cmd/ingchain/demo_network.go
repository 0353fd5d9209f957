package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/ingchain/ingchain/core"
)

const (
	demoPrefix   = "demo-" // of the names of demos' networks
	demoInterval = 2000    // ms between blocks
	demoWindow   = 60      // blocks that the difficulty averages over
	// demoFirst is when the first block is expected after mining begins. The
	// wait is exponential: half of all runs see it within 0.7 of this, 95 % of
	// them within 3.0 of it. It is below the interval because a busy machine
	// mines slower than it measures, and people wait for the first block.
	demoFirst = 1000 * time.Millisecond
	// demoMeasure is how long the hash rate is measured.
	demoMeasure = 100 * time.Millisecond
	// demoEasier is how much easier than the first block others may get, as a
	// power of two: 6 means that a machine 64 times slower keeps its pace.
	demoEasier = 6
	// midstateGain is what a miner gains over hashing whole headers: two
	// compressions a nonce where this measurement does three, less the cost of
	// restoring the midstate (162 ns against 197, measured with SHA-NI).
	midstateGain = 1.2
)

// demoHashRate measures what a number of miners on this machine will do
// together, in hashes per second.
func demoHashRate(threads int) float64 {
	var wg sync.WaitGroup
	counts := make([]int, threads)
	start := time.Now()
	for i := range counts {
		wg.Go(func() {
			var header [core.HeaderSize]byte
			n := 0
			for time.Since(start) < demoMeasure {
				for range 256 {
					binary.LittleEndian.PutUint32(header[core.HeaderNonceOffset:], uint32(n))
					id := sha256.Sum256(header[:])
					id = sha256.Sum256(id[:])
					header[0] = id[0] // each hash depends on the last, so none is optimised away
					n++
				}
			}
			counts[i] = n
		})
	}
	wg.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / time.Since(start).Seconds() * midstateGain
}

// demoNetwork makes a network for one demo: its own salt, a block about every
// two seconds, and the first about demoFirst after its miners of hashRate begin.
func demoNetwork(hashRate float64, now time.Time) (*core.Params, error) {
	p := core.LAN()
	rand.Read(p.Salt[:]) // never fails
	p.Name = demoPrefix + hex.EncodeToString(p.Salt[:2])
	p.AddressPrefix = addressPrefix(p.Salt)
	p.GenesisTime = uint64(now.Add(-time.Second).UnixMilli())
	p.Retarget.IntervalMillis = demoInterval
	p.Retarget.Window = demoWindow
	first := uint64(hashRate * demoFirst.Seconds())
	var err error
	if p.GenesisBits, err = bitsForHashes(first); err != nil {
		return nil, err
	}
	if p.Retarget.LimitBits, err = bitsForHashes(first >> demoEasier); err != nil {
		return nil, err
	}
	return p, p.Validate()
}

// bitsForHashes returns the compact target that takes about n hashes to meet.
func bitsForHashes(n uint64) (uint32, error) {
	const easiest = 0x207fffff // half of all hashes meet it
	target, err := core.TargetFromBits(easiest)
	if err != nil {
		return 0, fmt.Errorf("target for %d hashes: %w", n, err)
	}
	if n > 2 {
		divisor := target
		divisor.SetUint64(n)
		target.Div(&target, &divisor)
		target.Lsh(&target, 1)
	}
	return core.BitsFromTarget(&target), nil
}
