//go:build !torncommit

package pebbledb

// tornCommit is false: a commit is one batch.
const tornCommit = false
