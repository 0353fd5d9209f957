// Package reference is a second, naive validator. It was written from the pages
// of docs/spec and from nothing else, and judges the same bytes as package core,
// so that a mistake in either one shows as a difference (differential_test.go).
//
// It is slow and plain on purpose: numbers are big integers, coins are a map
// that is copied for every block, a block is canonical if it encodes back to
// itself, signatures are verified one by one with the equation as it stands in
// the specification, and nothing is remembered between two blocks but the state
// itself. No node uses it, and it shares no code with core.
//
// Start with [New] and [Network.Judge]. The comments name page and number of the
// rule that a line checks, such as "transaction.md 7".
package reference

import (
	"bytes"
	"fmt"
)

// Kind says what a verdict means for the block and for whoever sent it
// (errors.md).
type Kind int

// The kinds of errors.md, and Accepted.
const (
	Accepted Kind = iota
	Rule          // the id is false for ever
	Body          // these bytes are not what the id means
	Defer         // cannot be told yet
)

func (k Kind) String() string {
	return [...]string{"accepted", "rule", "body", "defer"}[k]
}

// Verdict is what the rules say of a block: its kind, and unless it is accepted
// the code of the first rule that it breaks.
type Verdict struct {
	Kind Kind
	Code string
}

func (v Verdict) String() string {
	if v.Kind == Accepted {
		return "accepted"
	}
	return fmt.Sprintf("%s %s", v.Kind, v.Code)
}

// verdictOf gives a code the kind that the tables of errors.md give it. No code
// is a pass.
func verdictOf(code string) Verdict {
	switch code {
	case "":
		return Verdict{}
	case "block-malformed", "block-merkle-root", "tx-malformed":
		return Verdict{Body, code}
	case "header-new-rules", "header-future", "header-no-parent":
		return Verdict{Defer, code}
	}
	return Verdict{Rule, code}
}

// Network is one network's parameters and its genesis block. Build it with
// [New]. It is read-only and may be shared.
type Network struct {
	params
	genesisBlock []byte
	genesisID    [32]byte

	// planted is the bug that a test has put in; none in use.
	planted plant
}

// Judge says what the rules make of the bytes of a block as the child of parent,
// at the time now in milliseconds since 1970, and gives the state after it if it
// is accepted. The parent stays as it is.
//
// The pages leave open which comes first, header or body. Here bytes that are no
// block come first, then the header as far as it needs no body, then the body.
func (n *Network) Judge(parent *State, block []byte, now uint64) (*State, Verdict) {
	b, ok := n.parseBlock(block)
	if !ok {
		return nil, verdictOf("block-malformed")
	}
	for _, judge := range []func() string{
		func() string { return n.checkStranger(b.header) },
		func() string { return n.checkChild(parent, b.header) },
		func() string { return n.checkClock(b.header, now) },
		func() string { return n.checkAlone(b) },
	} {
		if code := judge(); code != "" {
			return nil, verdictOf(code)
		}
	}
	next, code := n.connect(parent, b)
	return next, verdictOf(code)
}

// JudgeStranger judges a header by its own bits, without a parent (work.md, after
// the table of the header's rules).
func (n *Network) JudgeStranger(header []byte) Verdict {
	h, ok := parseHeader(header)
	if !ok {
		return verdictOf("block-malformed")
	}
	return verdictOf(n.checkStranger(h))
}

// JudgeChild judges a header as the child of parent (work.md).
func (n *Network) JudgeChild(parent *State, header []byte) Verdict {
	h, ok := parseHeader(header)
	if !ok {
		return verdictOf("block-malformed")
	}
	return verdictOf(n.checkChild(parent, h))
}

// JudgeClock holds a header's time against a clock (work.md, the future limit).
func (n *Network) JudgeClock(header []byte, now uint64) Verdict {
	h, ok := parseHeader(header)
	if !ok {
		return verdictOf("block-malformed")
	}
	return verdictOf(n.checkClock(h, now))
}

// JudgeAlone judges what a block's bytes alone decide (block.md).
func (n *Network) JudgeAlone(block []byte) Verdict {
	b, ok := n.parseBlock(block)
	if !ok {
		return verdictOf("block-malformed")
	}
	return verdictOf(n.checkAlone(b))
}

// JudgeTransaction judges a payment that came alone, without any coin
// (transaction.md).
func (n *Network) JudgeTransaction(b []byte) Verdict {
	r := reader{rest: b}
	t := n.readTransaction(&r)
	if r.short || !bytes.Equal(t.encode(), b) {
		return verdictOf("tx-malformed")
	}
	if t.isCoinbase() {
		return verdictOf("tx-no-inputs")
	}
	if code := n.checkPayment(t); code != "" {
		return verdictOf(code)
	}
	return verdictOf(n.checkSignatures(t))
}

// plant is a bug that a test puts in to see that it is found: a rule that is not
// checked, or a number that is off by so much. Rules and numbers have the names
// that they have in the code.
type plant struct {
	name string
	by   int64
}

// breaks reports whether a rule is broken; the name is page and number.
func (n *Network) breaks(rule string, broken bool) bool {
	return broken && n.planted.name != rule
}

// off is how far a number is off: 0 unless a test has planted that.
func (n *Network) off(number string) int64 {
	if n.planted.name != number {
		return 0
	}
	return n.planted.by
}

// has reports whether a bug is planted that is no missing rule and no number.
func (n *Network) has(bug string) bool { return n.planted.name == bug }
