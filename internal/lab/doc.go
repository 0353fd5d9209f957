// Package lab is a laboratory of several hosts on one machine, for tests.
//
// A host is a network namespace. Its network card is a TAP device whose other
// end stays with the test process, where a learning switch written in Go
// passes frames from one card to the next. The switch adds latency, jitter
// and loss, and can be split into parts and healed, so nothing of it depends
// on kernel modules such as netem that many machines lack.
//
// The package is not a simulation: real processes talk over the kernel's real
// TCP/IP stack in real time. For many nodes in virtual time use
// testing/synctest. It runs on Linux as root only; elsewhere [Require] skips
// the test and says why.
//
// Start at [New], which gives an empty [Net]; [Net.Host] adds a host to its
// LAN; [Host.Command] makes a process inside one, and [Host.Node] an ingchain
// node. Everything is removed at the end of the test, also when it fails or
// panics; what a killed test process leaves behind, the next one removes
// ([Sweep]).
package lab
