package core

import (
	"errors"
	"fmt"
)

// Code names a broken rule, readable by machines and stable: it stands in JSON,
// logs and the specification. It is an error, so that errors.Is(err, ErrX)
// finds it inside a [RuleError], [BodyError] or [DeferError].
type Code string

// Error implements error.
func (c Code) Error() string { return string(c) }

// Codes of headers.
const (
	ErrParentID   Code = "header-parent"     // the parent field is not the parent's id
	ErrHeight     Code = "header-height"     // height is not the parent's plus one
	ErrTime       Code = "header-time"       // time is not after the parent's
	ErrBits       Code = "header-bits"       // bits are not what the retarget rule gives
	ErrWork       Code = "header-work"       // the id is above the target
	ErrOldVersion Code = "header-version"    // version is below what its height asks for
	ErrNewRules   Code = "header-new-rules"  // version is above what these rules know (deferred)
	ErrFuture     Code = "header-future"     // time is too far ahead of our clock (deferred)
	ErrNoParent   Code = "header-no-parent"  // the parent is unknown (deferred)
	ErrBadParent  Code = "header-bad-parent" // an ancestor broke a rule
	ErrGenesis    Code = "header-genesis"    // height 0 that is not this network's genesis
)

// Codes of blocks that need no state.
const (
	ErrMalformed     Code = "block-malformed"      // bytes that are not the encoding of a block (body)
	ErrMerkleRoot    Code = "block-merkle-root"    // transactions are not those the header commits to (body)
	ErrBlockSize     Code = "block-size"           // more bytes than the network allows
	ErrNoTxs         Code = "block-no-txs"         // not even a coinbase
	ErrFirstTx       Code = "block-first-tx"       // the first transaction is not a coinbase
	ErrExtraCoinbase Code = "block-extra-coinbase" // a coinbase that is not first
	ErrBlockCoins    Code = "block-coins"          // more inputs and outputs than the network allows
	ErrBlockDouble   Code = "block-double-spend"   // two transactions of the block spend one coin

	ErrCoinbaseHeight Code = "coinbase-height" // data does not begin with the block's height
	ErrCoinbaseValue  Code = "coinbase-value"  // outputs are not exactly subsidy plus fees
	ErrCoinbaseFee    Code = "coinbase-fee"    // a coinbase that declares a fee
)

// Codes of transactions that need no state.
const (
	ErrTxMalformed  Code = "tx-malformed"   // bytes that are not the encoding of a transaction
	ErrTxVersion    Code = "tx-version"     // a version these rules don't know
	ErrTxSize       Code = "tx-size"        // more bytes than the network allows
	ErrTxNoInputs   Code = "tx-no-inputs"   // a payment that spends nothing
	ErrTxNoOutputs  Code = "tx-no-outputs"  // a payment that pays nobody
	ErrTxData       Code = "tx-data"        // more data than allowed
	ErrTxOwnerOrder Code = "tx-owner-order" // owner indexes are not in order of first use
	ErrTxDoubleIn   Code = "tx-double-in"   // one coin spent twice by one transaction
	ErrTxValue      Code = "tx-value"       // an output of nothing or above the maximum
	ErrTxSum        Code = "tx-sum"         // outputs plus fee above the maximum
	ErrTxKind       Code = "tx-kind"        // an output of an unknown kind
	ErrTxKeyTwice   Code = "tx-key-twice"   // one public key stands for two owners
	ErrTxKey        Code = "tx-key"         // a public key of small order or none at all
	ErrTxSignature  Code = "tx-signature"   // a signature that does not verify
)

// Codes of connecting a block to the state after its parent.
const (
	ErrStateRoot   Code = "connect-state"        // the header commits to another state
	ErrMissingCoin Code = "connect-missing-coin" // an input that is not an unspent coin
	ErrImmature    Code = "connect-immature"     // a coinbase output spent too early
	ErrOwner       Code = "connect-owner"        // the witness' key is not the coin's owner
	ErrFeeMismatch Code = "connect-fee"          // the declared fee is not inputs minus outputs
	ErrInputSum    Code = "connect-input-sum"    // inputs above the maximum amount
	ErrInvalidated Code = "operator-invalidated" // the operator called the block invalid
)

// RuleError is a verdict that stays false for ever: the block or transaction
// with this id broke a rule. The sender should have known.
type RuleError struct {
	Code   Code
	Detail string
}

// Error implements error.
func (e *RuleError) Error() string { return string(e.Code) + ": " + e.Detail }

// Unwrap lets errors.Is find the code.
func (e *RuleError) Unwrap() error { return e.Code }

// BodyError is a verdict on bytes: they are not the body that the header
// commits to. The block id stays unjudged; the sender should have known.
type BodyError struct {
	Code   Code
	Detail string
}

// Error implements error.
func (e *BodyError) Error() string { return string(e.Code) + ": " + e.Detail }

// Unwrap lets errors.Is find the code.
func (e *BodyError) Unwrap() error { return e.Code }

// DeferError says that it cannot be told yet: the parent is unknown, the time
// is ahead of our clock, the version is newer than these rules. Nobody is to
// blame.
type DeferError struct {
	Code   Code
	Detail string
}

// Error implements error.
func (e *DeferError) Error() string { return string(e.Code) + ": " + e.Detail }

// Unwrap lets errors.Is find the code.
func (e *DeferError) Unwrap() error { return e.Code }

func ruleErr(c Code, format string, args ...any) error {
	return &RuleError{Code: c, Detail: fmt.Sprintf(format, args...)}
}

func bodyErr(c Code, format string, args ...any) error {
	return &BodyError{Code: c, Detail: fmt.Sprintf(format, args...)}
}

func deferErr(c Code, format string, args ...any) error {
	return &DeferError{Code: c, Detail: fmt.Sprintf(format, args...)}
}

// IsForever reports whether err judged a block or transaction id for good.
func IsForever(err error) bool {
	var e *RuleError
	return errors.As(err, &e)
}

// IsPunishable reports whether whoever sent what err judged broke the protocol:
// true for a [RuleError] and a [BodyError].
func IsPunishable(err error) bool {
	var e *BodyError
	return IsForever(err) || errors.As(err, &e)
}

// IsDeferred reports whether err may go away with time.
func IsDeferred(err error) bool {
	var e *DeferError
	return errors.As(err, &e)
}

// CodeOf returns the code inside err, or "" if there is none.
func CodeOf(err error) Code {
	var c Code
	if errors.As(err, &c) {
		return c
	}
	return ""
}
