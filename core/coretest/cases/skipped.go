package cases

// SkippedCases lists the cases of other projects' matrices that cannot apply to
// these formats and rules, each with the reason, in the order of the groups.
var SkippedCases = []Skipped{
	// Headers.

	// Blocks.

	// Coinbases.

	// Transactions.

	// Signatures.

	// Orders.
}
