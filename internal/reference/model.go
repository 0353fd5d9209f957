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
// rule that a line checks, such as "tx 7".
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
	switch k {
	case Accepted:
		return "accepted"
	case Rule:
		return "rule"
	case Body:
		return "body"
	case Defer:
		return "defer"
	}
	return fmt.Sprintf("kind %d", int(k))
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

// Findings are the verdicts of every step that a block's bytes allow to be
// taken (validation.md), whatever the other steps say.
type Findings struct {
	Stranger Verdict // header 1 and 2, by the header's own bits
	Child    Verdict // judge 6
	Clock    Verdict // judge 7
	Alone    Verdict // judge 1 and 8
	Connect  Verdict // judge 9; taken only where judge 6 and 8 pass

	// Verdict is that of the first step that fails, in validation.md's order.
	Verdict Verdict
	// Next is the state after the block, if all but perhaps the clock passes.
	Next *State
}

// Judge says what the rules make of the bytes of a block as the child of parent,
// at the time now in milliseconds since 1970. The parent stays as it is.
// What only a node with many blocks can tell is not judged: judge 2, 4 and 5.
func (n *Network) Judge(parent *State, bytes []byte, now uint64) Findings {
	var f Findings
	if len(bytes) < headerSize {
		malformed := verdictOf("block-malformed")
		return Findings{malformed, malformed, malformed, malformed, malformed, malformed, nil}
	}
	h, _ := parseHeader(bytes[:headerSize])
	f.Stranger = verdictOf(n.checkStranger(h))
	f.Child = verdictOf(n.checkChild(parent, h))
	f.Clock = verdictOf(n.checkClock(h, now))
	f.Alone = n.JudgeAlone(bytes)
	b, ok := n.parseBlock(bytes)
	if !ok {
		f.Verdict = f.Alone
		return f
	}
	if f.Child.Kind == Accepted && f.Alone.Kind == Accepted {
		next, code := n.connect(parent, b)
		f.Next, f.Connect = next, verdictOf(code)
	}
	if h.height == 0 && h.id() != n.genesisID { // judge 3
		f.Verdict = verdictOf("header-genesis")
		return f
	}
	for _, v := range []Verdict{f.Child, f.Clock, f.Alone, f.Connect} {
		if v.Kind != Accepted {
			f.Verdict = v
			break
		}
	}
	return f
}

// JudgeAlone judges what a block's bytes alone decide (block.md): judge 1 and 8.
func (n *Network) JudgeAlone(bytes []byte) Verdict {
	b, ok := n.parseBlock(bytes)
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
	return verdictOf(n.checkWitnesses([]transaction{t}))
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
