// Package wallet makes keys from words, chooses coins, and makes, signs and
// reads payments and messages. It is pure: no disk, clock, network, goroutine or
// source of randomness; whoever calls it brings those. The node never sees it.
//
// The way of a payment: [ParseMnemonic] → [Mnemonic.Seed] → [Seed.Account] →
// [Account.Key]; [Pay] chooses among [Coin] values and gives a [Draft], which
// can be shown ([Draft.Summary]), carried elsewhere ([Draft.Encode],
// [ParseDraft]), signed by one owner or several ([Draft.Sign], [Combine]) and
// becomes a transaction ([Draft.Transaction]).
//
// Words, seeds and keys are types that never print: whatever writes one with
// fmt, log/slog or encoding/json writes "[secret]". docs/spec/wallet.md has the
// formats. Files are package keystore's business.
package wallet
