package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strconv"
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

// finder walks one file.
type finder struct {
	w     *world
	p     *pkg
	f     *file
	base  int
	stack []ast.Node // from the file down to the parent of the node at hand
	name  string     // of the declaration at hand
	found []*mutant
}

func (fd *finder) offset(p token.Pos) int { return int(p) - fd.base }
func (fd *finder) text(n ast.Node) string {
	return string(fd.f.src[fd.offset(n.Pos()):fd.offset(n.End())])
}
func (fd *finder) parent() ast.Node             { return fd.above(1) }
func (fd *finder) typeOf(e ast.Expr) types.Type { return fd.p.info.Types[e].Type }

// above returns the n-th node above the one at hand.
func (fd *finder) above(n int) ast.Node {
	if n > len(fd.stack) {
		return nil
	}
	return fd.stack[len(fd.stack)-n]
}

// add notes a mutant that replaces the bytes between two places.
func (fd *finder) add(op string, from, to token.Pos, text string, host ast.Node) {
	m := &mutant{
		file: fd.f, function: fd.name, line: fd.w.fset.Position(from).Line, operator: op,
		start: fd.offset(from), end: fd.offset(to), text: text, host: host,
	}
	if e, ok := host.(ast.Expr); ok {
		if m.hostType = fd.typeText(e); m.hostType == "" {
			m.host = nil
		}
	}
	fd.found = append(fd.found, m)
}

// replace notes a mutant of an expression that is its own host.
func (fd *finder) replace(op string, e ast.Expr, text string) { fd.add(op, e.Pos(), e.End(), text, e) }

// typeText writes the type of an expression as the file would, or nothing if it
// can't.
func (fd *finder) typeText(e ast.Expr) string {
	t := fd.typeOf(e)
	if t == nil {
		return ""
	}
	ok := true
	text := types.TypeString(types.Default(t), func(p *types.Package) string {
		if p == fd.p.types {
			return ""
		}
		for _, imp := range fd.f.ast.Imports {
			if path, err := strconv.Unquote(imp.Path.Value); err == nil && path == p.Path() {
				if imp.Name != nil {
					return imp.Name.Name
				}
				return p.Name()
			}
		}
		ok = false
		return p.Name()
	})
	if !ok || strings.Contains(text, "untyped") {
		return ""
	}
	return text
}

// visit is called by ast.Inspect before a node's children, and with nil after.
func (fd *finder) visit(n ast.Node) bool {
	if n == nil {
		fd.stack = fd.stack[:len(fd.stack)-1]
		return false
	}
	if !fd.node(n) {
		return false
	}
	fd.stack = append(fd.stack, n)
	return true
}

// node generates the mutants of one node, and says whether to go on below it.
func (fd *finder) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.File, *ast.BlockStmt:
	case *ast.GenDecl:
		return fd.declaration(n)
	case *ast.FuncDecl:
		fd.name = funcName(n)
	case *ast.ValueSpec:
		if len(fd.stack) == 2 { // of the package
			fd.name = n.Names[0].Name
		}
	case *ast.CallExpr:
		return fd.call(n)
	case *ast.CaseClause:
		fd.caseClause(n)
	case *ast.ReturnStmt:
		return fd.returned(n)
	case ast.Stmt:
		fd.statement(n)
	case ast.Expr:
		return fd.expression(n)
	}
	return true
}

func funcName(n *ast.FuncDecl) string {
	if n.Recv == nil {
		return n.Name.Name
	}
	t := n.Recv.List[0].Type
	for {
		switch u := t.(type) {
		case *ast.StarExpr:
			t = u.X
			continue
		case *ast.IndexExpr:
			t = u.X
			continue
		case *ast.Ident:
			return u.Name + "." + n.Name.Name
		}
		return n.Name.Name
	}
}

// declaration mutates integer constants; imports and types hold nothing.
func (fd *finder) declaration(d *ast.GenDecl) bool {
	if d.Tok != token.CONST {
		return d.Tok == token.VAR
	}
	for _, spec := range d.Specs {
		vs := spec.(*ast.ValueSpec)
		if len(fd.stack) == 1 {
			fd.name = vs.Names[0].Name
		}
		for _, v := range vs.Values {
			if isInteger(fd.p.info.Types[v]) && !strings.Contains(fd.text(v), "iota") {
				for _, text := range fd.nextTo(v) {
					fd.add(opConstant, v.Pos(), v.End(), text, nil)
				}
			}
		}
	}
	return false
}

// call leaves text for people alone, and what make only takes as a hint.
func (fd *finder) call(n *ast.CallExpr) bool {
	name := ""
	switch fun := n.Fun.(type) {
	case *ast.Ident:
		name = fun.Name
	case *ast.SelectorExpr:
		name = fun.Sel.Name
	}
	if slices.Contains(textCalls, name) {
		return false
	}
	if !fd.expression(n) { // a conversion or call that is constant
		return false
	}
	if other := map[string]string{"min": "max", "max": "min"}[name]; other != "" && fd.p.info.Types[n.Fun].IsBuiltin() {
		fd.add(opArith, n.Fun.Pos(), n.Fun.End(), other, n)
	}
	if name != "make" || !fd.p.info.Types[n.Fun].IsBuiltin() {
		return true
	}
	args := n.Args[1:]
	if _, isSlice := fd.typeOf(n).Underlying().(*types.Slice); isSlice {
		args = args[:1] // the length, not the capacity
	} else {
		args = nil
	}
	fd.stack = append(fd.stack, n)
	for _, a := range args {
		ast.Inspect(a, fd.visit)
	}
	fd.stack = fd.stack[:len(fd.stack)-1]
	return false
}

// expression generates the mutants of an expression.
func (fd *finder) expression(e ast.Expr) bool {
	tv, known := fd.p.info.Types[e]
	if known && tv.IsType() {
		return false
	}
	if known && tv.Value != nil {
		fd.constant(e, tv)
		return false
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		fd.binary(e)
	case *ast.UnaryExpr:
		if e.Op == token.NOT && !fd.isCondition(e) || e.Op == token.SUB || e.Op == token.XOR {
			op := opArith
			if e.Op == token.NOT {
				op = opOperand
			}
			fd.replace(op, e, fd.text(e.X))
		}
	case *ast.SliceExpr:
		for _, bound := range []ast.Expr{e.Low, e.High, e.Max} {
			if bound != nil && fd.p.info.Types[bound].Value == nil {
				fd.replace(opBound, bound, fd.text(bound)+"+1")
				fd.replace(opBound, bound, fd.text(bound)+"-1")
			}
		}
	case *ast.CompositeLit:
		fd.fields(e)
	case *ast.KeyValueExpr:
		// A field's name or a table's index is no value.
		fd.stack = append(fd.stack, e)
		ast.Inspect(e.Value, fd.visit)
		fd.stack = fd.stack[:len(fd.stack)-1]
		return false
	}
	return true
}

func isInteger(tv types.TypeAndValue) bool {
	return tv.Value != nil && tv.Value.Kind() == constant.Int && is(tv.Type, types.IsInteger)
}

// is reports whether a type is a basic one with these properties.
func is(t types.Type, info types.BasicInfo) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&info != 0
}

// nextTo writes a constant one more and one less.
func (fd *finder) nextTo(e ast.Expr) []string {
	text := fd.text(e)
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.INT && !strings.HasPrefix(text, "0x") {
		if v, err := strconv.ParseInt(text, 0, 64); err == nil {
			return []string{fmt.Sprint(v + 1), fmt.Sprint(v - 1)}
		}
	}
	return []string{"(" + text + " + 1)", "(" + text + " - 1)"}
}

func (fd *finder) constant(e ast.Expr, tv types.TypeAndValue) {
	switch {
	case isInteger(tv):
		if b, ok := fd.parent().(*ast.BinaryExpr); ok && isOrdering(b.Op) {
			return // binary shifts it
		}
		for _, text := range fd.nextTo(e) {
			fd.replace(opConstant, e, text)
		}
	case tv.Value.Kind() == constant.Bool:
		fd.replace(opConstant, e, fmt.Sprint(!constant.BoolVal(tv.Value)))
	}
}

func isOrdering(op token.Token) bool {
	return op == token.LSS || op == token.LEQ || op == token.GTR || op == token.GEQ
}

func (fd *finder) binary(e *ast.BinaryExpr) {
	x, y := fd.text(e.X), fd.text(e.Y)
	switch {
	case e.Op == token.LAND || e.Op == token.LOR:
		fd.replace(opOperand, e, x)
		fd.replace(opOperand, e, y)
	case isOrdering(e.Op):
		fd.replace(opCompare, e, x+" "+swaps[e.Op].String()+" "+y)
		if is(fd.typeOf(e.X), types.IsInteger) {
			// The other step is what the swapped operator says already.
			step := map[token.Token]string{token.LSS: " - 1", token.LEQ: " + 1", token.GTR: " + 1", token.GEQ: " - 1"}[e.Op]
			fd.replace(opBound, e, x+" "+e.Op.String()+" "+y+step)
		}
	case e.Op == token.EQL || e.Op == token.NEQ:
		if !fd.isCondition(e) { // else negated
			fd.replace(opCompare, e, x+" "+swaps[e.Op].String()+" "+y)
		}
	default:
		if is(fd.typeOf(e), types.IsNumeric) {
			if to, ok := swaps[e.Op]; ok {
				fd.replace(opArith, e, x+" "+to.String()+" "+y)
			}
		}
	}
}

// isCondition reports whether the expression at hand is one that condition or
// returned negates.
func (fd *finder) isCondition(e ast.Expr) bool {
	switch p := fd.parent().(type) {
	case *ast.IfStmt:
		return p.Cond == e
	case *ast.ForStmt:
		return p.Cond == e
	case *ast.CaseClause:
		s, ok := fd.above(3).(*ast.SwitchStmt)
		return ok && s.Tag == nil && slices.Contains(p.List, e)
	case *ast.ReturnStmt:
		return true
	}
	return false
}

func (fd *finder) negated(e ast.Expr) string {
	if not, ok := e.(*ast.UnaryExpr); ok && not.Op == token.NOT {
		return fd.text(not.X)
	}
	if b, ok := e.(*ast.BinaryExpr); ok && (b.Op == token.EQL || b.Op == token.NEQ) {
		return fd.text(b.X) + " " + swaps[b.Op].String() + " " + fd.text(b.Y)
	}
	return "!(" + fd.text(e) + ")"
}

func (fd *finder) condition(e ast.Expr) {
	fd.replace(opCondition, e, fd.negated(e))
	fd.replace(opCondition, e, "true")
	fd.replace(opCondition, e, "false")
}

// fields leaves each field out of a struct literal, unless it is zero anyway.
func (fd *finder) fields(e *ast.CompositeLit) {
	if _, ok := fd.typeOf(e).Underlying().(*types.Struct); !ok {
		return
	}
	host := fd.literalHost(e)
	for i, el := range e.Elts {
		kv, ok := el.(*ast.KeyValueExpr)
		if !ok || fd.isZero(kv.Value) {
			continue
		}
		to := kv.End()
		if i+1 < len(e.Elts) {
			to = e.Elts[i+1].Pos()
			fd.add(opField, kv.Pos(), to, "", host)
			continue
		}
		from := kv.Pos()
		if i > 0 {
			from = e.Elts[i-1].End() // with the comma before
		}
		fd.add(opField, from, to, "", host)
	}
}

// literalHost is the literal itself, or what is around it that has a type
// written out and needs no address.
func (fd *finder) literalHost(e *ast.CompositeLit) ast.Node {
	var host ast.Expr = e
	for i := 1; ; i++ {
		above, ok := fd.above(i).(ast.Expr)
		if !ok {
			break
		}
		switch a := above.(type) {
		case *ast.CompositeLit:
			if lit, ok := host.(*ast.CompositeLit); !ok || lit.Type != nil {
				return host
			}
			host = a
		case *ast.KeyValueExpr:
		case *ast.UnaryExpr:
			if a.Op != token.AND {
				return host
			}
			return a
		default:
			return host
		}
	}
	return host
}

func (fd *finder) isZero(e ast.Expr) bool {
	tv := fd.p.info.Types[e]
	if tv.IsNil() {
		return true
	}
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) == 3 && fd.p.info.Types[call.Fun].IsBuiltin() {
		size := fd.p.info.Types[call.Args[1]].Value // make([]T, 0, hint) is as good as nil
		return size != nil && constant.Sign(size) == 0
	}
	if lit, ok := e.(*ast.CompositeLit); ok && len(lit.Elts) == 0 {
		_, isMap := fd.typeOf(e).Underlying().(*types.Map)
		return !isMap
	}
	if tv.Value == nil {
		return false
	}
	switch tv.Value.Kind() {
	case constant.Bool:
		return !constant.BoolVal(tv.Value)
	case constant.String:
		return constant.StringVal(tv.Value) == ""
	case constant.Int:
		return constant.Sign(tv.Value) == 0
	}
	return false
}

// statement generates the mutants of a statement.
func (fd *finder) statement(s ast.Stmt) {
	host := fd.statementHost(s)
	remove := func(op string) { fd.add(op, s.Pos(), s.End(), "", host) }
	token := func(pos token.Pos, tok token.Token, op string) {
		if to, ok := swaps[tok]; ok {
			fd.add(op, pos, pos+posLen(tok), to.String(), host)
		}
	}
	switch s := s.(type) {
	case *ast.IfStmt:
		fd.condition(s.Cond)
	case *ast.ForStmt:
		if s.Cond != nil {
			fd.replace(opCondition, s.Cond, fd.negated(s.Cond))
		}
		remove(opDelete)
	case *ast.RangeStmt:
		if is(fd.typeOf(s.X), types.IsInteger) && fd.p.info.Types[s.X].Value == nil {
			fd.replace(opBound, s.X, fd.text(s.X)+"+1")
			fd.replace(opBound, s.X, fd.text(s.X)+"-1")
		}
		remove(opDelete)
	case *ast.AssignStmt:
		if s.Tok.String() != ":=" {
			remove(opDelete)
			token(s.TokPos, s.Tok, opArith)
		}
	case *ast.IncDecStmt:
		remove(opDelete)
		token(s.TokPos, s.Tok, opArith)
	case *ast.ExprStmt:
		remove(opDelete)
	case *ast.BranchStmt:
		remove(opBranch)
		token(s.TokPos, s.Tok, opBranch)
	}
}

func posLen(tok token.Token) token.Pos { return token.Pos(len(tok.String())) }

// statementHost is the statement itself, or the one whose header it stands in;
// none for a statement with a label.
func (fd *finder) statementHost(s ast.Stmt) ast.Node {
	switch p := fd.parent().(type) {
	case *ast.BlockStmt, *ast.CaseClause:
		return s
	case *ast.IfStmt:
		if p.Else == s {
			return s
		}
		return fd.outer(p)
	case *ast.ForStmt:
		return fd.outer(p)
	case *ast.SwitchStmt:
		return fd.outer(p)
	}
	return nil
}

// outer is the host of a parent.
func (fd *finder) outer(s ast.Stmt) ast.Node {
	if _, labeled := fd.above(2).(*ast.LabeledStmt); labeled {
		return nil
	}
	return s
}

// returned negates returned bools and forgets returned errors. It says whether to
// go on below the statement.
func (fd *finder) returned(s *ast.ReturnStmt) bool {
	results := fd.results()
	if results == nil || results.Len() != len(s.Results) {
		return true
	}
	for i, e := range s.Results {
		tv := fd.p.info.Types[e]
		t := results.At(i).Type()
		switch {
		case is(t, types.IsBoolean) && tv.Value == nil:
			fd.replace(opReturn, e, fd.negated(e))
		case types.Identical(t, errorType) && !tv.IsNil():
			fd.add(opReturn, e.Pos(), e.End(), "nil", e)
			fd.found[len(fd.found)-1].hostType = "error"
			if fd.isFailure(e) {
				return false // what stands beside a failure means nothing
			}
		}
	}
	return true
}

var errorType = types.Universe.Lookup("error").Type()

// isFailure reports whether an expression is always an error: one made here, or
// one of a package's error values.
func (fd *finder) isFailure(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CallExpr:
		id, ok := e.Fun.(*ast.Ident)
		if sel, isSel := e.Fun.(*ast.SelectorExpr); isSel {
			id, ok = sel.Sel, true
		}
		return ok && slices.Contains(textCalls, id.Name)
	case *ast.Ident:
		v := fd.p.info.Uses[e]
		return v != nil && v.Parent() == fd.p.types.Scope()
	}
	return false
}

// results are those of the function around the node at hand.
func (fd *finder) results() *types.Tuple {
	for i := len(fd.stack) - 1; i >= 0; i-- {
		switch f := fd.stack[i].(type) {
		case *ast.FuncLit:
			return fd.typeOf(f).(*types.Signature).Results()
		case *ast.FuncDecl:
			return fd.p.info.Defs[f.Name].Type().(*types.Signature).Results()
		}
	}
	return nil
}

// caseClause mutates a clause's conditions, or removes the clause or a value.
func (fd *finder) caseClause(c *ast.CaseClause) {
	s, ok := fd.above(2).(*ast.SwitchStmt)
	if !ok {
		return
	}
	if s.Tag == nil {
		for _, e := range c.List {
			fd.condition(e)
		}
	}
	var host ast.Node = s
	if _, labeled := fd.above(3).(*ast.LabeledStmt); labeled {
		host = nil
	}
	if s.Tag != nil || c.List == nil {
		fd.add(opCase, c.Pos(), c.End(), "", host)
	}
	if s.Tag == nil || len(c.List) < 2 {
		return
	}
	for i, e := range c.List {
		if i+1 < len(c.List) {
			fd.add(opCase, e.Pos(), c.List[i+1].Pos(), "", host)
		} else {
			fd.add(opCase, c.List[i-1].End(), e.End(), "", host)
		}
	}
}
