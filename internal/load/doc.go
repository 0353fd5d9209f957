// Package load puts whole nodes under load and measures what it costs them:
// floods of bad payments, spam, payments as fast as a node takes them, and
// payments confirmed by four nodes.
//
// It holds tests and benchmarks only. Each node is a process of its own (the
// test binary, run again), so that CPU time and memory are that node's alone.
// Attackers are libp2p hosts that write gossip by hand, because a gossip router
// of theirs would be slower than the flood. Start at network_test.go.
//
//	go test ./internal/load                                  # small versions, seconds
//	go test ./internal/load -v -timeout 0 -load              # everything, half an hour
//	go test ./internal/load -run '^$' -bench .               # payments per second
//
// docs/performance.md has the figures.
package load
