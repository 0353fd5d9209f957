// Package cases is the list of named stories that the rules are tested with:
// what each is about, which rule of the specification it holds up, and the
// blocks with the verdicts that it demands. The same stories are told to core
// alone, and to whole nodes by every way on which a block can come.
//
// It is for tests only. Start with [All].
package cases

import (
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// Case is one story.
type Case struct {
	// ID is a letter for the group and a number: H header, B block, C coinbase,
	// T transaction, S signature, O order and reorganisation.
	ID string
	// Name says in a few words what is special about it.
	Name string
	// Rule is where the specification has the rule, cited as its README says: table
	// and number, such as "work 4", or one of the sections that docs/rules.md lists,
	// such as "merkle". Several are joined by ", ".
	Rule string
	// Params are the network's; nil means the development network.
	Params func() *core.Params
	// Tell makes the blocks and claims the verdicts.
	Tell func(s *coretest.Story)
}

// Skipped is a case of other projects' lists that cannot apply here.
type Skipped struct {
	ID, Name, Reason string
}

// All returns every case, in the order of the groups.
func All() []Case {
	return slices.Concat(headers, blocks, coinbases, transactions, signatures, orders)
}

const ing = core.GrainsPerING
