package core_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The tests here hold tables of docs/spec to the source: what a page says of a
// code or a limit must be what is built.

func specPage(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "docs", "spec", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestSpecErrors: errors.md has a row for every code, with its Go name and the
// type that core gives it, and none besides.
func TestSpecErrors(t *testing.T) {
	const code, name, kind = 1, 2, 3
	rows := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| `(Err[A-Za-z]+)` \\| (rule|body|defer) \\|").FindAllStringSubmatch(specPage(t, "errors.md"), -1) {
		if rows[m[name]] != nil {
			t.Errorf("%s stands twice", m[name])
		}
		rows[m[name]] = m
	}
	codes, kinds := codesOf(t)
	for id, value := range codes {
		row := rows[id]
		if row == nil {
			t.Errorf("errors.md does not have %s (%s)", id, value)
			continue
		}
		delete(rows, id)
		if row[code] != value {
			t.Errorf("errors.md says that %s is %s, it is %s", id, row[code], value)
		}
		for _, k := range kinds[id] {
			if k != row[kind] {
				t.Errorf("errors.md says that %s is of type %s, core makes a %s of it", id, row[kind], k)
			}
		}
	}
	for id := range rows {
		t.Errorf("errors.md has %s, core does not", id)
	}
}

// codesOf reads core's source for the constants of type Code and for what
// ruleErr, bodyErr and deferErr are called with.
func codesOf(t *testing.T) (codes map[string]string, kinds map[string][]string) {
	t.Helper()
	codes, kinds = map[string]string{}, map[string][]string{}
	makers := map[string]string{"ruleErr": "rule", "bodyErr": "body", "deferErr": "defer"}
	for _, f := range parsePackage(t, token.NewFileSet(), ".") {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if id, ok := n.Type.(*ast.Ident); ok && id.Name == "Code" && len(n.Values) == 1 {
					value, err := strconv.Unquote(n.Values[0].(*ast.BasicLit).Value)
					if err != nil {
						t.Fatal(err)
					}
					codes[n.Names[0].Name] = value
				}
			case *ast.CallExpr:
				if maker, ok := n.Fun.(*ast.Ident); ok && makers[maker.Name] != "" {
					if arg, ok := n.Args[0].(*ast.Ident); ok {
						kinds[arg.Name] = append(kinds[arg.Name], makers[maker.Name])
					}
				}
			}
			return true
		})
	}
	if len(codes) < 30 || len(kinds) < 30 {
		t.Fatalf("found only %d codes, %d of them used", len(codes), len(kinds))
	}
	return codes, kinds
}

// TestSpecLimits: the values in limits.md are those of the constants that it
// names.
func TestSpecLimits(t *testing.T) {
	packages := constants{fset: token.NewFileSet(), t: t, known: map[string]*types.Package{}}
	rows := regexp.MustCompile("(?m)^\\| ([^|]+) \\| ([^|]+) \\| `([a-z/]+)\\.([A-Za-z]+)` \\|").FindAllStringSubmatch(specPage(t, "limits.md"), -1)
	if len(rows) < 80 {
		t.Fatalf("found only %d rows with a constant", len(rows))
	}
	for _, row := range rows {
		want, ok := parseLimit(row[2])
		if !ok {
			t.Errorf("%s: no figure in %q", row[1], row[2])
			continue
		}
		pkg, err := packages.Import(modulePath + row[3])
		if err != nil {
			t.Fatal(err)
		}
		c, ok := pkg.Scope().Lookup(row[4]).(*types.Const)
		if !ok {
			t.Errorf("%s: %s has no constant %s", row[1], row[3], row[4])
			continue
		}
		if got, exact := constant.Int64Val(constant.ToInt(c.Val())); !exact || got != want {
			t.Errorf("%s: limits.md says %s, %s.%s is %v", row[1], row[2], row[3], row[4], c.Val())
		}
	}
}

const modulePath = "github.com/ingchain/ingchain/"

var units = map[string]int64{
	"KiB": 1 << 10, "MiB": 1 << 20, "ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000,
}

// parseLimit reads a figure such as "8 MiB", "2,000" or "10 s": bytes, a plain
// number, or a time in nanoseconds.
func parseLimit(s string) (int64, bool) {
	m := regexp.MustCompile(`^([0-9,]+)(?: ([A-Za-z]+))?`).FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(m[1], ",", ""), 10, 64)
	if unit, ok := units[m[2]]; ok {
		n *= unit
	}
	return n, err == nil
}

func parsePackage(t *testing.T, fset *token.FileSet, dir string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// constants works out the constants of our packages from their source alone,
// without compiling what they import: of other packages it knows nothing but
// the units of time.
type constants struct {
	t     *testing.T
	fset  *token.FileSet
	known map[string]*types.Package
}

// Import implements types.Importer.
func (c *constants) Import(path string) (*types.Package, error) {
	if pkg := c.known[path]; pkg != nil {
		return pkg, nil
	}
	dir, ours := strings.CutPrefix(path, modulePath)
	pkg := types.NewPackage(path, filepath.Base(path))
	switch {
	case path == "time":
		duration := types.NewNamed(types.NewTypeName(0, pkg, "Duration", nil), types.Typ[types.Int64], nil)
		pkg.Scope().Insert(duration.Obj())
		for name, n := range map[string]int64{"Microsecond": 1000, "Millisecond": 1e6, "Second": 1e9, "Minute": 60e9, "Hour": 3600e9} {
			pkg.Scope().Insert(types.NewConst(0, pkg, name, duration, constant.MakeInt64(n)))
		}
	case path == "crypto/sha256":
		pkg.Scope().Insert(types.NewConst(0, pkg, "Size", types.Typ[types.UntypedInt], constant.MakeInt64(32)))
	case ours:
		// What cannot be resolved without the other packages is no constant of ours.
		conf := types.Config{Importer: c, IgnoreFuncBodies: true, Error: func(error) {}}
		pkg, _ = conf.Check(path, c.fset, parsePackage(c.t, c.fset, filepath.Join("..", dir)), nil)
	}
	pkg.MarkComplete()
	c.known[path] = pkg
	return pkg, nil
}
