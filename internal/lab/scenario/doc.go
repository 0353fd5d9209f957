// Package scenario holds the multi-host tests of whole nodes: real binaries in
// the namespaces of package lab, in real time. It has no other code.
//
// They take minutes, so they are built only with a tag. By default each scenario
// runs once and briefly; flags repeat and lengthen them:
//
//	go test -tags multihost ./internal/lab/scenario -v -run TestMeshAndTip/latency -runs 10
//	go test -tags multihost ./internal/lab/scenario -v -run TestPartition -partition 60s -runs 3
//	go test -tags multihost ./internal/lab/scenario -v -run TestKill9 -kills 200 -timeout 60m
//	go test -tags multihost ./internal/lab/scenario -v -run TestSync -blocks 20000
//
// They need Linux; those with network namespaces need root too and say so where
// they skip.
package scenario
