package main

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// Operators: what a mutation can be. Three things are left alone, since nobody may
// depend on them: text for people (arguments of the calls in textCalls), sizes
// that make only takes as hints, and what is returned beside a failure.
const (
	opCondition = "condition"  // an if, for or case condition negated; of an if or case also made true and made false
	opOperand   = "operand"    // one side of && or || dropped, a ! dropped
	opCompare   = "comparison" // == and != swapped, < and <= swapped, > and >= swapped
	opBound     = "bound"      // the right side of a comparison, a slice bound or a loop's count one more or one less
	opConstant  = "constant"   // an integer constant, where used or declared, one more or one less; true and false swapped
	opArith     = "arithmetic" // + and -, * and /, << and >>, & and |, ++ and --, min and max swapped; unary - and ^ dropped
	opDelete    = "delete"     // an assignment, a call or a loop deleted
	opReturn    = "return"     // a returned bool negated, a returned error made nil
	opCase      = "case"       // a case clause, or one value of it, removed
	opBranch    = "branch"     // break and continue swapped or deleted
	opField     = "field"      // a field left out of a struct literal
)

// textCalls make text that people read; the functions among them return failures.
var textCalls = []string{"ruleErr", "bodyErr", "deferErr", "inTx", "Errorf", "Fail", "fail", "panic"}

// swapped operators.
var swaps = map[token.Token]token.Token{
	token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.QUO,
	token.SHL: token.SHR, token.SHR: token.SHL, token.AND: token.OR, token.OR: token.AND, token.XOR: token.OR, token.AND_NOT: token.AND,
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN, token.MUL_ASSIGN: token.QUO_ASSIGN, token.QUO_ASSIGN: token.MUL_ASSIGN,
	token.SHL_ASSIGN: token.SHR_ASSIGN, token.SHR_ASSIGN: token.SHL_ASSIGN, token.AND_ASSIGN: token.OR_ASSIGN, token.OR_ASSIGN: token.AND_ASSIGN,
	token.REM_ASSIGN: token.QUO_ASSIGN, token.XOR_ASSIGN: token.OR_ASSIGN,
	token.INC: token.DEC, token.DEC: token.INC, token.BREAK: token.CONTINUE, token.CONTINUE: token.BREAK,
}

// mutant is one change of the source.
type mutant struct {
	id       int // from 1, in the order of the source
	file     *file
	function string // Func, Type.Method, or the name of a package's variable or constant
	line     int
	operator string

	// The bytes of the file from start to end become text.
	start, end int
	text       string

	// host is the expression or statement that is written twice to switch the
	// mutation, hostType the expression's type; no host: built by itself.
	host     ast.Node
	hostType string

	nth    int    // counts those of equal file, function, old and new text, from 1
	reason string // why it changes nothing, if known
	status status
	by     string // the test that failed
}

// old is the text that the mutation replaces, on one line.
func (m *mutant) old() string { return flat(string(m.file.src[m.start:m.end])) }

// new is the text that replaces it, on one line.
func (m *mutant) new() string { return flat(m.text) }

func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// apply returns the file's source with the mutation written out.
func (m *mutant) apply() []byte {
	src := m.file.src
	return slices.Concat(src[:m.start], []byte(m.text), src[m.end:])
}

// mutants generates all mutants.
func (w *world) mutants() []*mutant {
	var all []*mutant
	seen := map[string]int{}
	for _, p := range w.packages {
		for _, f := range p.files {
			fd := &finder{w: w, p: p, f: f, base: w.fset.File(f.ast.Pos()).Base()}
			ast.Inspect(f.ast, fd.visit)
			slices.SortStableFunc(fd.found, func(a, b *mutant) int { return a.start - b.start })
			all = append(all, fd.found...)
		}
	}
	for i, m := range all {
		m.id = i + 1
		key := m.key()
		seen[key]++
		m.nth = seen[key]
	}
	return all
}

// key names a mutant by what survives a shift of lines.
func (m *mutant) key() string {
	return strings.Join([]string{m.file.name, m.function, m.old(), m.new()}, "\n")
}
