// Package scenario holds the multi-host tests of whole nodes: real binaries in
// the namespaces of package lab, in real time. It has no other code.
//
// By default each scenario runs once and briefly. Flags repeat and lengthen
// them:
//
//	go test ./internal/lab/scenario -v -run TestMeshAndTip/latency -runs 10
//	go test ./internal/lab/scenario -v -run TestPartition -partition 60s -runs 3
//	go test ./internal/lab/scenario -v -run TestKill9 -kills 200 -timeout 60m
//	go test ./internal/lab/scenario -v -run TestSync -blocks 20000
//
// They need Linux and root and skip elsewhere, as they do with -short.
package scenario
