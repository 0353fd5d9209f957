// Package core holds the rules of an Ingchain network as pure values: types,
// canonical encodings, proof of work, difficulty, transactions, the coin-set
// commitment and fork choice.
//
// It is not a node: nothing here reads a clock, a disk or a network, logs, or
// starts a goroutine. Whatever a rule needs comes in as an argument, and the
// verdict goes out as a value or an error.
//
// Start with [Params] (what makes a network), [ParseBlock] and [CheckBlock]
// (what can be judged from a block's bytes alone), then [ConnectHeader] and
// [ConnectBlock] (what needs the state after the parent). Three error types
// tell a caller what a failure means: [RuleError] is false for ever,
// [BodyError] condemns the bytes that were sent but not the block id, and
// [DeferError] says that it cannot be told yet.
//
// The formats are specified byte by byte in docs/spec.
package core
