package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// status is what became of a mutant.
type status string

// Statuses.
const (
	pending  status = ""
	killed   status = "killed"
	timedOut status = "timed out" // killed, too
	survived status = "survived"
	invalid  status = "does not compile"
)

const (
	cpuFactor  = 10              // a run that computes so many times as long as the clean one ends
	minCPU     = 2 * time.Second // or at least this long
	wallFactor = 100             // one that waits is ended after so many times its limit of computing
	tail       = 2000            // bytes of output that tell why the tests fail without a mutant
)

// passShares divide a binary's tests, the quickest first, by their share of its
// time: most mutants fall to what takes hardly any.
var passShares = []float64{0.05, 0.25, 1}

var passedTest = regexp.MustCompile(`(?m)^--- PASS: (\S+) \(([0-9.]+)s\)`)

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// binaries are the test binaries of one build.
type binaries []binary

type binary struct {
	testPackage
	file   string
	args   []string
	passes []pass
}

// pass is a run of some of a binary's tests; all passes make up all tests.
type pass struct {
	args  []string
	limit time.Duration // what a mutant may compute
}

// test runs the tests against each mutant.
func (w *world) test(ctx context.Context, mutants []*mutant, workers int, progress io.Writer) error {
	dir, err := os.MkdirTemp("", "mutation-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay, err := w.overlay(dir, func(f *file) []byte { return f.switched(mutants) })
	if err != nil {
		return err
	}
	bins, err := w.build(ctx, dir, overlay, w.tests)
	if err != nil {
		return fmt.Errorf("build of all mutants: %w", err)
	}
	if err := bins.clean(ctx); err != nil {
		return err
	}
	fmt.Fprintf(progress, "%d mutants\n", len(mutants))
	// Those that take a build of their own come last.
	mutants = slices.Clone(mutants)
	slices.SortStableFunc(mutants, func(a, b *mutant) int { return alone(a) - alone(b) })
	var mu sync.Mutex // of progress and done
	done := 0
	errs := make([]error, len(mutants))
	parallel(workers, len(mutants), func(i int) {
		m := mutants[i]
		if ctx.Err() != nil {
			return
		}
		if m.host != nil {
			errs[i] = bins.try(ctx, m)
		} else {
			errs[i] = w.tryAlone(ctx, dir, bins, m)
		}
		mu.Lock()
		defer mu.Unlock()
		if done++; done%100 == 0 {
			fmt.Fprintf(progress, "%d of %d\n", done, len(mutants))
		}
		if m.status == survived && m.reason == "" {
			fmt.Fprintf(progress, "%s:%d %s: %s -> %s\n", m.file.name, m.line, m.function, m.old(), m.new())
		}
	})
	return errors.Join(append(errs, ctx.Err())...)
}

// alone is 1 for a mutant that is built by itself, else 0.
func alone(m *mutant) int {
	if m.host == nil {
		return 1
	}
	return 0
}

// build compiles the test binaries with an overlay.
func (w *world) build(ctx context.Context, dir, overlay string, tests []testPackage) (binaries, error) {
	out := filepath.Join(dir, "bin")
	args := []string{"test", "-c", "-overlay", overlay, "-o", out + string(filepath.Separator)}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return nil, err
	}
	for _, t := range tests {
		args = append(args, t.path)
	}
	if _, err := goCommand(ctx, w.root, args...); err != nil {
		return nil, err
	}
	var bins binaries
	for _, t := range tests {
		b := binary{testPackage: t, file: filepath.Join(out, path.Base(t.path)+".test")}
		if _, err := os.Stat(b.file); err != nil {
			b.file += ".exe"
		}
		b.args = []string{"-test.failfast", "-test.short"}
		// Properties are drawn from a fixed seed, as often as without -test.short,
		// which takes a fifth, and leave no files.
		rapid := []string{"-rapid.seed=1", "-rapid.checks=500", "-rapid.nofailfile", "-rapid.shrinktime=0s"}
		if exec.CommandContext(ctx, b.file, append(rapid, "-test.list=^$")...).Run() == nil {
			b.args = append(b.args, rapid...)
		}
		bins = append(bins, b)
	}
	return bins, nil
}

// clean runs the tests without a mutant and divides them into passes.
func (bins binaries) clean(ctx context.Context) error {
	for i := range bins {
		b := &bins[i]
		all := pass{args: []string{"-test.v"}, limit: time.Hour}
		out, _, err := b.cleanRun(ctx, all)
		if err != nil {
			return err
		}
		b.passes = divide(string(out))
		for j := range b.passes {
			b.passes[j].limit = time.Hour
			_, took, err := b.cleanRun(ctx, b.passes[j])
			if err != nil {
				return err
			}
			b.passes[j].limit = max(minCPU, cpuFactor*took)
		}
	}
	return nil
}

func (b *binary) cleanRun(ctx context.Context, p pass) (out []byte, took time.Duration, err error) {
	cmd := b.command(ctx, 0, p)
	if out, err = cmd.CombinedOutput(); err != nil {
		return nil, 0, fmt.Errorf("tests of %s fail without a mutant: %w\n%s", b.path, err, out[max(0, len(out)-tail):])
	}
	return out, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// divide sorts tests into passes by what -test.v prints of a clean run.
func divide(out string) []pass {
	type test struct {
		name    string
		seconds float64
	}
	var tests []test
	total := 0.0
	for _, m := range passedTest.FindAllStringSubmatch(out, -1) {
		if s, err := strconv.ParseFloat(m[2], 64); err == nil {
			tests = append(tests, test{m[1], s})
			total += s
		}
	}
	slices.SortFunc(tests, func(a, b test) int {
		return cmp.Or(cmp.Compare(a.seconds, b.seconds), cmp.Compare(a.name, b.name))
	})
	var later []string // all that are not in the first pass
	passes := make([]pass, 1)
	sum, at := 0.0, 0
	for i, share := range passShares {
		var names []string
		for ; at < len(tests) && (sum+tests[at].seconds <= share*total || share == 1); at++ {
			names = append(names, tests[at].name)
			sum += tests[at].seconds
		}
		if i > 0 && len(names) > 0 {
			later = append(later, names...)
			passes = append(passes, pass{args: []string{"-test.run=" + anyOf(names)}})
		}
	}
	if len(later) > 0 {
		passes[0].args = []string{"-test.skip=" + anyOf(later)}
	}
	return passes
}

func anyOf(names []string) string { return "^(" + strings.Join(names, "|") + ")$" }

func (b *binary) command(ctx context.Context, mutant int, p pass) *exec.Cmd {
	args := append(slices.Clone(b.args), "-test.timeout="+(wallFactor*p.limit).String())
	cmd := exec.CommandContext(ctx, b.file, append(args, p.args...)...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", mutantEnv, mutant), fmt.Sprintf("%s=%d", mutantCPU, p.limit))
	return cmd
}

// try runs the test binaries until one fails, that of the mutant's own package
// first.
func (bins binaries) try(ctx context.Context, m *mutant) error {
	own := slices.Clone(bins)
	slices.SortStableFunc(own, func(a, b binary) int {
		switch p := m.file.pkg.path; {
		case a.path == p && b.path != p:
			return -1
		case b.path == p && a.path != p:
			return 1
		}
		return 0
	})
	for _, b := range own {
		if !slices.Contains(b.deps, m.file.pkg.path) {
			continue
		}
		for _, p := range b.passes {
			if failed, err := m.judge(b.command(ctx, m.id, p)); failed || err != nil {
				return err
			}
		}
	}
	m.status = survived
	return nil
}

// judge runs tests, notes whether they fail, and reports it.
func (m *mutant) judge(cmd *exec.Cmd) (failed bool, err error) {
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false, nil
	case !errors.As(err, &exit):
		return false, err
	case bytes.Contains(out, []byte(mutantEnd)), bytes.Contains(out, []byte("panic: test timed out")):
		m.status, m.by = timedOut, filepath.Base(cmd.Path)
	default:
		m.status, m.by = killed, filepath.Base(cmd.Path)
		// The innermost test is named last of a run of failures.
		if all := failedTest.FindAllSubmatch(out, -1); len(all) > 0 {
			m.by = string(all[len(all)-1][1])
		}
	}
	return true, nil
}

// tryAlone builds the tests with one mutation written out and runs them.
func (w *world) tryAlone(ctx context.Context, dir string, bins binaries, m *mutant) error {
	dir, err := os.MkdirTemp(dir, "alone-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay, err := w.overlay(dir, func(f *file) []byte {
		if f == m.file {
			return m.apply()
		}
		return f.src
	})
	if err != nil {
		return err
	}
	var tests []testPackage
	passes := map[string][]pass{}
	for _, b := range bins {
		if slices.Contains(b.deps, m.file.pkg.path) {
			tests = append(tests, b.testPackage)
			passes[b.path] = b.passes
		}
	}
	own, err := w.build(ctx, dir, overlay, tests)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		m.status = invalid // tests, too, may need the constant as it is
		return nil
	}
	for i := range own {
		own[i].passes = passes[own[i].path]
	}
	return own.try(ctx, m)
}
