//go:build torncommit

package pebbledb

// tornCommit splits every commit in two with a gap between, so that a crash
// test can show that it would notice. Never build a node for use with it.
const tornCommit = true
