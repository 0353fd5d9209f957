package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

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
