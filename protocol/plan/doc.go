// Package plan decides whom to ask for what, so that a node gets to the
// heaviest chain that its peers have. It is a state machine: [Plan.Step] takes
// an event and the time and returns actions. It does no I/O, starts no
// goroutine and reads no clock; package protocol carries its events and
// actions. What it reads of the chain comes from memory, through [Chain].
//
// Headers come first, in exchanges with one peer or, if that one brings
// nothing, with several. A branch is handed to the chain only once its work
// has reached ours; until then it costs at most [MaxBufferBytes] a peer: a
// short branch waits in a buffer, a longer one is read twice, first keeping
// only an id every [CheckpointInterval] headers, then again, checked against
// those ids.
//
// Bodies follow in the order of the best header chain, in batches from whoever
// has them. A batch that everything waits for and that doesn't come is asked
// of a second peer; whoever loses that race loses its place for a while.
//
// Start with [New] and [Plan.Step]; the tests tell the stories.
package plan
