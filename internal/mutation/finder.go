package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

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
