// Package keystore keeps a wallet's files in a data directory.
//
//   - wallet.age: the seed, its words, labels and the address book, encrypted
//     with a passphrase. It is a plain age file (scrypt), which the age tool
//     opens as well.
//   - wallet.json: addresses, watched addresses, payments under way and what was
//     seen of late, without secrets, so that addresses, balance and history take
//     no passphrase. It can be rebuilt from wallet.age and the chain ([Rebuild]).
//   - wallet.seq: the number of the last wallet.json, so that an older one that
//     was put back is noticed.
//   - wallet.lock: locked while files change.
//
// All are readable by their owner alone and replaced whole: a crash or a full
// disk leaves the old file or the new one. Several processes may use a directory.
// docs/spec/wallet.md has the formats.
//
// All levels of a key's path are hardened, so only the seed makes addresses.
// [Ahead] of them are made whenever the wallet is unlocked; until they are used
// up, new ones take no passphrase.
//
// Start with [Create], [Open], [Store.State] and [Store.Unlock]. A payment goes
// [Store.Reserve] → sign → [Store.Record] → to the node, so that it is on disk
// before anybody can see it.
package keystore
