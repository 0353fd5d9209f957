package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// world is what is mutated and what tests it.
type world struct {
	root     string // the module's directory
	fset     *token.FileSet
	packages []*pkg
	tests    []testPackage
	exports  map[string]string // export data by import path
	imported types.Importer
}

// pkg is a package under mutation.
type pkg struct {
	path, name, dir string
	files           []*file
	info            *types.Info
	types           *types.Package
}

// file is one source file of a package.
type file struct {
	name string // relative to the module's root, with slashes
	path string
	src  []byte
	ast  *ast.File
	pkg  *pkg
}

// testPackage is a package whose test binary is run.
type testPackage struct {
	path, dir string
	deps      []string // all that it is built of
}

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath, Dir, Name, Export      string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

// load lists, parses and type-checks the packages.
func load(ctx context.Context, patterns []string, tests string) (*world, error) {
	root, err := goCommand(ctx, ".", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return nil, err
	}
	w := &world{root: strings.TrimSpace(string(root)), fset: token.NewFileSet(), exports: map[string]string{}}
	own, err := w.list(ctx, patterns...)
	if err != nil {
		return nil, err
	}
	deps, err := w.list(ctx, append([]string{"-deps"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	for _, l := range deps {
		w.exports[l.ImportPath] = l.Export
	}
	tested, err := w.list(ctx, tests)
	if err != nil {
		return nil, err
	}
	for _, l := range tested {
		if len(l.TestGoFiles)+len(l.XTestGoFiles) > 0 {
			deps, err := goCommand(ctx, w.root, "list", "-deps", "-test", l.ImportPath)
			if err != nil {
				return nil, err
			}
			// "path [test.test]" is the package as it is built for a test.
			t := testPackage{path: l.ImportPath, dir: l.Dir}
			for dep := range strings.Lines(string(deps)) {
				t.deps = append(t.deps, strings.Fields(dep)[0])
			}
			w.tests = append(w.tests, t)
		}
	}
	if len(w.tests) == 0 {
		return nil, fmt.Errorf("no package with tests in %s", tests)
	}
	w.imported = &lockedImporter{inner: importer.ForCompiler(w.fset, "gc", w.openExport)}
	for _, l := range own {
		p, err := w.parse(l)
		if err != nil {
			return nil, err
		}
		w.packages = append(w.packages, p)
	}
	return w, nil
}

func (w *world) list(ctx context.Context, args ...string) ([]listed, error) {
	out, err := goCommand(ctx, w.root, append([]string{"list", "-export", "-json=ImportPath,Dir,Name,Export,GoFiles,TestGoFiles,XTestGoFiles"}, args...)...)
	if err != nil {
		return nil, err
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, l)
	}
}

func (w *world) parse(l listed) (*pkg, error) {
	p := &pkg{path: l.ImportPath, name: l.Name, dir: l.Dir, info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
	}}
	for _, name := range l.GoFiles {
		f := &file{path: filepath.Join(l.Dir, name), pkg: p}
		rel, err := filepath.Rel(w.root, f.path)
		if err != nil {
			return nil, err
		}
		f.name = filepath.ToSlash(rel)
		if f.src, err = os.ReadFile(f.path); err != nil {
			return nil, err
		}
		if f.ast, err = parser.ParseFile(w.fset, f.path, f.src, parser.SkipObjectResolution); err != nil {
			return nil, err
		}
		p.files = append(p.files, f)
	}
	conf := types.Config{Importer: w.imported}
	var err error
	if p.types, err = conf.Check(p.path, w.fset, p.asts(nil, nil), p.info); err != nil {
		return nil, fmt.Errorf("type-check %s: %w", p.path, err)
	}
	return p, nil
}

// asts returns the package's syntax trees, with the one of f replaced.
func (p *pkg) asts(f *file, by *ast.File) []*ast.File {
	var trees []*ast.File
	for _, other := range p.files {
		if other == f {
			trees = append(trees, by)
		} else {
			trees = append(trees, other.ast)
		}
	}
	return trees
}

// compile reports of each mutant whether it would compile by itself.
func (w *world) compile(mutants []*mutant, workers int) []bool {
	ok := make([]bool, len(mutants))
	parallel(workers, len(mutants), func(i int) { ok[i] = w.compiles(mutants[i]) })
	return ok
}

// compiles type-checks the package with one mutation written out. That a
// variable or import has become unused does not count: the mutants are switched
// at run time, where it stays in use.
func (w *world) compiles(m *mutant) bool {
	f := m.file
	tree, err := parser.ParseFile(w.fset, f.path, m.apply(), parser.SkipObjectResolution)
	if err != nil {
		return false
	}
	ok := true
	conf := types.Config{Importer: w.imported, Error: func(err error) {
		var te types.Error
		if !errors.As(err, &te) || !te.Soft {
			ok = false
		}
	}}
	// Errors went to the handler.
	_, _ = conf.Check(f.pkg.path, w.fset, f.pkg.asts(f, tree), nil)
	return ok
}

func (w *world) openExport(path string) (io.ReadCloser, error) {
	name, ok := w.exports[path]
	if !ok || name == "" {
		return nil, fmt.Errorf("no export data of %s", path)
	}
	return os.Open(name)
}

// lockedImporter lets type checks that run at the same time share what was
// imported.
type lockedImporter struct {
	mu    sync.Mutex
	inner types.Importer // guarded by mu
}

// Import implements types.Importer.
func (i *lockedImporter) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.inner.Import(path)
}

// goCommand runs the go tool without cgo, as the project is built.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args[:min(len(args), 2)], " "), err, stderr.Bytes())
	}
	return out, nil
}

// parallel calls f for 0 to n-1 from so many goroutines, and waits.
func parallel(workers, n int, f func(int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
