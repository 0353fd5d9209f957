//go:build race

package chain_test

// raceEnabled says whether the race detector watches.
const raceEnabled = true
