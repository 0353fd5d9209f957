package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// Whoever hands a payment in is told what to do about a failure of the node's
// own; only what nobody foresaw is an internal error.
func TestFailuresOfSubmitting(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want error
	}{
		{t.Context(), fmt.Errorf("%w: %w", chain.ErrNotKept, syscall.ENOSPC), api.ErrFailed},
		{t.Context(), fmt.Errorf("%w: %w", chain.ErrDisk, syscall.EIO), api.ErrFailed},
		{t.Context(), fmt.Errorf("%w: journal", chain.ErrClosed), api.ErrShuttingDown},
		{t.Context(), fmt.Errorf("add: %w", context.DeadlineExceeded), api.ErrBusy},
		{ended, context.Canceled, context.Canceled},
	} {
		if got := submitError(c.ctx, c.err); !errors.Is(got, c.want) || errors.Is(got, api.ErrRefused) {
			t.Errorf("%v is told as %v", c.err, got)
		}
	}
	if err := submitError(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// A journal that fails is a warning of the node, until it works again.
func TestFailedJournalIsAWarning(t *testing.T) {
	if list := journalWarnings(fmt.Errorf("%w: %w", chain.ErrNotKept, syscall.ENOSPC)); len(list) != 1 || !strings.Contains(list[0], "no space left") {
		t.Errorf("%q", list)
	}
	for _, err := range []error{nil, fmt.Errorf("%w: journal", chain.ErrClosed)} {
		if list := journalWarnings(err); len(list) != 0 {
			t.Errorf("%v: %q", err, list)
		}
	}
}

// Whoever asks for a change of the chain that cannot be is told so; a failure of
// the store alone is the node's own.
func TestFailuresOfChanges(t *testing.T) {
	for _, c := range []struct{ err, want error }{
		{chain.ErrBadExport, api.ErrBadRequest},
		{chain.ErrGenesis, api.ErrBadRequest},
		{chain.ErrNotFound, api.ErrNotFound},
		{chain.ErrWrongNetwork, api.ErrNotAllowed},
		{chain.ErrClosed, api.ErrShuttingDown},
		{&core.RuleError{Code: core.ErrTxSize, Detail: "long"}, api.ErrFailed},
		{&core.DeferError{Code: core.ErrMissingCoin}, api.ErrFailed},
		{context.Canceled, context.Canceled},
	} {
		if got := changeError("import", fmt.Errorf("block 5: %w", c.err)); !errors.Is(got, c.want) || !errors.Is(got, c.err) {
			t.Errorf("%v is told as %v", c.err, got)
		}
	}
	for _, err := range []error{chain.ErrDisk, fmt.Errorf("%w: %w", chain.ErrCorrupt, chain.ErrNotFound), errors.New("unforeseen")} {
		got := errors.Join(changeError("import", err), notFound(err))
		for _, kind := range []error{api.ErrBadRequest, api.ErrNotFound, api.ErrNotAllowed, api.ErrShuttingDown, api.ErrFailed} {
			if errors.Is(got, kind) {
				t.Errorf("%v is told as %v", err, got)
			}
		}
	}
	if err := changeError("import", nil); err != nil {
		t.Error(err)
	}
}
