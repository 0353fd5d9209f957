package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// Exit codes. Scripts rely on them; `ingchain help` lists them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitNotAllowed  = 4
	exitTimeout     = 5 // also: not synced
	exitUnreachable = 6
	exitInterrupted = 130
)

const exitHelp = `EXIT STATUS
  0    ok
  1    failed
  2    wrong usage
  3    not found
  4    not allowed, such as another network
  5    timed out, or not synced
  6    our node cannot be reached
  130  interrupted`

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// usageError is a command line that makes no sense.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// hinted is an error with a line that says what to do about it.
type hinted struct {
	err  error
	hint string
}

func (e hinted) Error() string { return e.err.Error() }
func (e hinted) Unwrap() error { return e.err }

func withHint(err error, format string, args ...any) error {
	return hinted{err, fmt.Sprintf(format, args...)}
}

// exitCode is the one place that maps failures to exit codes.
func exitCode(err error) int {
	var usage usageError
	var answer *api.Error
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.As(err, &usage), isOneOf(err, usageErrors):
		return exitUsage
	case isOneOf(err, notFoundErrors):
		return exitNotFound
	case isOneOf(err, notAllowedErrors):
		return exitNotAllowed
	case errors.Is(err, api.ErrTimeout), errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &answer) && (answer.Code == api.CodeIndexBuilding || answer.Code == api.CodeIndexBehind):
		return exitTimeout
	case errors.Is(err, api.ErrUnreachable), errors.Is(err, api.ErrShuttingDown):
		return exitUnreachable
	}
	return exitFailed
}

// Errors of other packages by what they come to.
var (
	usageErrors = []error{
		api.ErrBadRequest, core.ErrParams, core.ErrAddress, core.ErrAddressNetwork, core.ErrAddressKind, core.ErrAmount,
		wallet.ErrWordCount, wallet.ErrWord, wallet.ErrChecksum, wallet.ErrMnemonicText, wallet.ErrPassphraseText,
		wallet.ErrDraft, wallet.ErrMessage, keystore.ErrSendID, keystore.ErrEmpty,
	}
	notFoundErrors   = []error{api.ErrNotFound, keystore.ErrNoWallet}
	notAllowedErrors = []error{
		api.ErrNotAllowed, node.ErrWrongNetwork, keystore.ErrNetwork, wallet.ErrDraftNetwork,
		keystore.ErrPassphrase, keystore.ErrWatchOnly,
	}
)

func isOneOf(err error, kinds []error) bool {
	return slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
}

// hintFor says what to do about err, if there is more to say than err does.
func (a *app) hintFor(err error) string {
	var h hinted
	var usage usageError
	switch {
	case errors.As(err, &h):
		return h.hint
	case errors.As(err, &usage):
		return fmt.Sprintf("see '%s --help'", a.verb)
	case errors.Is(err, api.ErrUnreachable):
		return fmt.Sprintf("start a node with 'ingchain up%s', or name its directory with --data-dir", a.dataDirArg())
	case errors.Is(err, api.ErrBusy):
		return "wait a moment and try again"
	case errors.Is(err, keystore.ErrGap):
		return "'ingchain wallet list' shows the addresses that are out"
	case errors.Is(err, node.ErrWrongNetwork):
		return "a data directory belongs to one network for good; give this network a --data-dir of its own"
	}
	return ""
}
