// Package simulation runs a whole network of nodes in one process and in
// virtual time: libp2p hosts that speak QUIC over a simulated network, each
// with the product's own gossip, chain, sync and dialer. A minute of the
// network takes a second or so.
//
// What is simulated is the world around the nodes: packets (latency, loss,
// partitions), the clock, how peers are found (a list instead of mDNS), and how
// long the search for a block takes (a timer per node instead of hashing). What
// judges blocks, fetches them, reorganises and dials is the product's.
//
// With [Config].Money there are people, too: wallets that pay each other through
// pools and journals, honestly and not, while nodes are cut off, stopped and
// killed. A [Teller] makes their payments, a [Book] remembers what nodes said, and
// [World.Audit] asks of each payment what became of it.
//
// It works in a bubble of testing/synctest only. It is not deterministic to the
// packet: gossip and encryption use randomness of their own. So tests assert
// what holds for every run, and print the seed.
//
// Start with [New] and [World.Run].
package simulation
