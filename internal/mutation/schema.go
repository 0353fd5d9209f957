package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// switchFile is the file that each package gets in the build of all mutants. The
// number of the mutant comes from the environment; 0 is none. A mutant that eats
// memory or time ends itself: time is that of the processor, so that a busy
// machine kills no mutant.
const switchFile = `package %s

import (
	"os"
	"runtime/metrics"
	"strconv"
	"time"
	%s
)

var %s = func() int {
	n, _ := strconv.Atoi(os.Getenv(%q))
	limit, _ := strconv.ParseInt(os.Getenv(%q), 10, 64)
	if n > 0 {
		go func() {
			heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
			for ; ; time.Sleep(20 * time.Millisecond) {
				metrics.Read(heap)
				if heap[0].Value.Uint64() > %d || mutantCPU() > limit {
					println(%q)
					os.Exit(3)
				}
			}
		}()
	}
	return n
}()

// mutantCPU is the processor time so far, in nanoseconds.
func mutantCPU() int64 {
	%s
}
`

// Where the system tells a process how long it computed, and elsewhere.
const (
	unixCPU = `var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()`
	noCPU = `return 0`
)

const (
	mutantVar  = "mutantNumber"
	mutantEnv  = "INGCHAIN_MUTANT"
	mutantCPU  = "INGCHAIN_MUTANT_CPU" // nanoseconds that end a mutant's run
	mutantHeap = 1 << 30               // bytes of heap that end a mutant's run
	mutantEnd  = "mutant: too much time or memory"
)

// overlay writes sources into dir and returns the file that the go tool's
// -overlay takes: each package's switch file, and what content gives for a file.
func (w *world) overlay(dir string, content func(*file) []byte) (string, error) {
	replace := map[string]string{}
	write := func(orig string, content []byte) error {
		name := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		replace[orig] = name
		return os.WriteFile(name, content, 0o600)
	}
	imports, cpu := `"syscall"`, unixCPU
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		imports, cpu = "", noCPU
	}
	for _, p := range w.packages {
		source := fmt.Sprintf(switchFile, p.name, imports, mutantVar, mutantEnv, mutantCPU, mutantHeap, mutantEnd, cpu)
		if err := write(filepath.Join(p.dir, "mutant_number.go"), []byte(source)); err != nil {
			return "", err
		}
		for _, f := range p.files {
			if err := write(f.path, content(f)); err != nil {
				return "", err
			}
		}
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, raw, 0o600)
}

// site is a node that is written out once as it was and once for each of its
// mutants.
type site struct {
	node       ast.Node
	start, end int
	mutants    []*mutant
}

// switched returns the file's source with those of the mutants that have a host.
func (f *file) switched(mutants []*mutant) []byte {
	byNode := map[ast.Node]*site{}
	var sites []*site
	base := int(f.ast.FileStart)
	for _, m := range mutants {
		if m.file != f || m.host == nil {
			continue
		}
		s := byNode[m.host]
		if s == nil {
			s = &site{node: m.host, start: int(m.host.Pos()) - base, end: int(m.host.End()) - base}
			byNode[m.host] = s
			sites = append(sites, s)
		}
		s.mutants = append(s.mutants, m)
	}
	// Outer sites come before those inside them; of two with equal bounds, the
	// statement is the outer one.
	slices.SortStableFunc(sites, func(a, b *site) int {
		if c := cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end)); c != 0 {
			return c
		}
		_, aStmt := a.node.(ast.Stmt)
		_, bStmt := b.node.(ast.Stmt)
		switch {
		case aStmt == bStmt:
			return 0
		case aStmt:
			return -1
		}
		return 1
	})
	var out strings.Builder
	rest := sites
	f.write(&out, 0, len(f.src), &rest)
	return []byte(out.String())
}

// write writes the source from start to end with the sites at the front of rest
// that lie there.
func (f *file) write(out *strings.Builder, start, end int, rest *[]*site) {
	for len(*rest) > 0 && (*rest)[0].start < end {
		s := (*rest)[0]
		*rest = (*rest)[1:]
		out.Write(f.src[start:s.start])
		f.writeSite(out, s, rest)
		start = s.end
	}
	out.Write(f.src[start:end])
}

func (f *file) writeSite(out *strings.Builder, s *site, rest *[]*site) {
	if _, isExpr := s.node.(ast.Expr); isExpr {
		fmt.Fprintf(out, "func() %s {\nswitch %s {\n", s.mutants[0].hostType, mutantVar)
		for _, m := range s.mutants {
			fmt.Fprintf(out, "case %d:\nreturn %s\n", m.id, m.hostText(s))
		}
		out.WriteString("}\nreturn ")
		f.write(out, s.start, s.end, rest)
		out.WriteString("\n}()")
		return
	}
	for _, m := range s.mutants {
		fmt.Fprintf(out, "if %s == %d {\n%s\n} else ", mutantVar, m.id, m.hostText(s))
	}
	out.WriteString("{\n")
	f.write(out, s.start, s.end, rest)
	out.WriteString("\n}")
}

// hostText is the host's source with the mutation in it.
func (m *mutant) hostText(s *site) string {
	src := m.file.src
	return string(src[s.start:m.start]) + m.text + string(src[m.end:s.end])
}
