//go:build race

package simulation

// raceDetector is whether the race detector runs, under which everything takes
// about ten times as long.
const raceDetector = true
