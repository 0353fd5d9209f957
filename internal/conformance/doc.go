// Package conformance holds whole nodes to the rules: every named case of
// core/coretest/cases is told to a node by each way on which blocks come.
//
//   - chain: the chain's own doors, blocks alone and headers first;
//   - import: an export file;
//   - sync: a peer that claims a chain and serves its headers and blocks;
//   - gossip: a peer that announces blocks and serves them when asked;
//   - whole: as gossip, with the block in the announcement.
//
// Each must come to the verdict, tip and state that core's functions come to,
// punish whoever deserves it and nobody else, and take a good block afterwards.
// It is tests only; start with TestRules.
package conformance
