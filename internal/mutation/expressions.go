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
