module github.com/ingchain/ingchain/examples/vectors

go 1.26.0

require (
	filippo.io/edwards25519 v1.2.0
	lukechampine.com/blake3 v1.4.1
)

require (
	github.com/klauspost/cpuid/v2 v2.4.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
