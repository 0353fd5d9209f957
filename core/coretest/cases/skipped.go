package cases

import "slices"

// SkippedCases lists the cases of other projects' matrices that are no stories
// of blocks here, each with the reason, in the order of the groups.
var SkippedCases = slices.Concat(skippedHeaders, skippedBlocks, skippedCoinbases, skippedTransactions, skippedSignatures, skippedOrders)

var skippedHeaders = []Skipped{
	{"H17", "a header that is its own parent", "no header can contain its own hash; H54 comes as near as one can"},
	{"H26", "the sum of work saturates", "no chain can be mined so far; core's TestHeavierIsATotalOrder adds up such work"},
	{"H28", "of equal work the first seen stays", "equal work goes to the lower id, in whatever order: O15 to O21"},
	{"H30", "a million headers of little work", "what a flood may cost is no verdict on a block; protocol/plan's TestLowWorkFloodCostsLittle"},
}

var skippedBlocks = []Skipped{
	{"B18", "most signature operations, and one more", "no script, so no operations: a signature for each owner, bounded by tx 2 and block 6"},
}

var skippedCoinbases = []Skipped{
	{"C15", "a coinbase that comes alone", "a story delivers blocks; alone it is tx-no-inputs, in core's TestPaymentsByThemselves"},
	{"C16", "a coinbase that is not final", "no lock time"},
}

var skippedTransactions = []Skipped{
	{"T17", "a payment that is not final", "no lock time"},
	{"T18", "a lock time at its boundary", "no lock time"},
}

var skippedSignatures = []Skipped{
	{"S10", "a signature's S in the upper half", "a matter of ECDSA; Ed25519's S must be below the order, S04"},
	{"S12", "lax DER", "signatures are 64 bytes, with no encoding around them"},
	{"S15", "Project Wycheproof's vectors", "their messages are not 32 bytes: core/signature's TestWycheproofVectors judges all 145"},
}
