package mempool

import (
	"fmt"

	"github.com/ingchain/ingchain/core"
)

// Codes of refusals by policy. They are stable: they stand in JSON, logs and
// docs/spec/pool.md. Nobody is punished for any of them.
const (
	ErrFeeLow             core.Code = "pool-fee-low"              // below the least fee rate, or the floor of a full pool
	ErrFull               core.Code = "pool-full"                 // the pool is full of payments that pay better
	ErrTooManyAncestors   core.Code = "pool-too-many-ancestors"   // too long a chain of payments that wait
	ErrTooManyDescendants core.Code = "pool-too-many-descendants" // an ancestor would have too many descendants
	ErrTooManyCoins       core.Code = "pool-too-many-coins"       // no block has room for so many inputs and outputs
	ErrReplaceFee         core.Code = "pool-replace-fee"          // pays too little to replace what spends its coins
	ErrReplaceMany        core.Code = "pool-replace-many"         // would remove too many others
	ErrReplaceNewParent   core.Code = "pool-replace-new-parent"   // a replacement with a parent in the pool that the replaced did not have
	ErrReplaceOwnParent   core.Code = "pool-replace-own-parent"   // spends an output of what it would replace
)

// PolicyError says that this node does not want a payment, which may be good by
// the rules. It is no fault of whoever sent it.
type PolicyError struct {
	Code   core.Code
	Detail string
}

// Error implements error.
func (e *PolicyError) Error() string { return string(e.Code) + ": " + e.Detail }

// Unwrap lets errors.Is and core.CodeOf find the code.
func (e *PolicyError) Unwrap() error { return e.Code }

func policyErr(c core.Code, format string, args ...any) error {
	return &PolicyError{Code: c, Detail: fmt.Sprintf(format, args...)}
}
