// Package protocol lets nodes of one network agree on a chain: it says hello to
// every peer, serves and fetches headers and blocks over streams of
// /ingchain/sync/1.0.0, announces and judges new blocks on a gossip topic, and
// carries the events and actions of package plan.
//
// It neither finds nor dials peers (package discovery does) and judges no
// blocks (package chain does). Start with [New] and [Service.Run].
package protocol
