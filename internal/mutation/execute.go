package main

import (
	"bytes"
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
	"sync/atomic"
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
	cpuFactor  = 20              // a run that computes so many times as long as the clean one ends
	minCPU     = 2 * time.Second // or at least this long
	wallFactor = 100             // one that waits is ended after so many times its limit of computing
)

// slowShare is the share of a binary's time beyond which a test is slow. Slow
// tests run only on what the quick ones pass.
const slowShare = 1.0 / 20

var passedTest = regexp.MustCompile(`(?m)^--- PASS: (\S+) \(([0-9.]+)s\)`)

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// binaries are the test binaries of one build.
type binaries []binary

type binary struct {
	testPackage
	file string
	args []string
	slow string // a pattern of slow tests, or nothing
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
	limit, err := bins.clean(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "%d mutants, each may compute for %s\n", len(mutants), limit.Round(time.Millisecond))
	// Those that take a build of their own come last.
	mutants = slices.Clone(mutants)
	slices.SortStableFunc(mutants, func(a, b *mutant) int { return alone(a) - alone(b) })
	var done atomic.Int64
	errs := make([]error, len(mutants))
	parallel(workers, len(mutants), func(i int) {
		m := mutants[i]
		if ctx.Err() != nil {
			return
		}
		if m.host != nil {
			errs[i] = bins.try(ctx, m, limit)
		} else {
			errs[i] = w.tryAlone(ctx, dir, bins, m, limit)
		}
		if n := done.Add(1); n%100 == 0 {
			fmt.Fprintf(progress, "%d of %d\n", n, len(mutants))
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
		// Properties are drawn from a fixed seed, and leave no files.
		rapid := []string{"-rapid.seed=1", "-rapid.nofailfile", "-rapid.shrinktime=0s"}
		if exec.CommandContext(ctx, b.file, append(rapid, "-test.list=^$")...).Run() == nil {
			b.args = append(b.args, rapid...)
		}
		bins = append(bins, b)
	}
	return bins, nil
}

// clean runs the tests without a mutant, notes the slow ones and returns how long
// a mutant may compute.
func (bins binaries) clean(ctx context.Context) (time.Duration, error) {
	limit := minCPU
	for i := range bins {
		b := &bins[i]
		cmd := b.command(ctx, 0, time.Hour, "-test.v")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("tests of %s fail without a mutant: %w\n%s", b.path, err, out)
		}
		limit = max(limit, cpuFactor*(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()))
		b.noteSlow(string(out))
	}
	return limit, nil
}

// noteSlow reads what -test.v prints.
func (b *binary) noteSlow(out string) {
	seconds := map[string]float64{}
	total := 0.0
	for _, m := range passedTest.FindAllStringSubmatch(out, -1) {
		s, err := strconv.ParseFloat(m[2], 64)
		if err == nil {
			seconds[m[1]] = s
			total += s
		}
	}
	var slow []string
	for name, s := range seconds {
		if s > slowShare*total {
			slow = append(slow, name)
		}
	}
	if len(slow) > 0 {
		b.slow = "^(" + strings.Join(slow, "|") + ")$"
	}
}

// passes are the arguments of the runs that make up all tests.
func (b *binary) passes() [][]string {
	if b.slow == "" {
		return [][]string{nil}
	}
	return [][]string{{"-test.skip=" + b.slow}, {"-test.run=" + b.slow}}
}

func (b *binary) command(ctx context.Context, mutant int, limit time.Duration, args ...string) *exec.Cmd {
	args = append(args, "-test.timeout="+(wallFactor*limit).String())
	cmd := exec.CommandContext(ctx, b.file, append(slices.Clone(b.args), args...)...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", mutantEnv, mutant), fmt.Sprintf("%s=%d", mutantCPU, limit))
	return cmd
}

// try runs the test binaries until one fails, that of the mutant's own package
// first.
func (bins binaries) try(ctx context.Context, m *mutant, limit time.Duration) error {
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
		for _, pass := range b.passes() {
			if failed, err := m.judge(b.command(ctx, m.id, limit, pass...)); failed || err != nil {
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
func (w *world) tryAlone(ctx context.Context, dir string, bins binaries, m *mutant, limit time.Duration) error {
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
	slow := map[string]string{}
	for _, b := range bins {
		if slices.Contains(b.deps, m.file.pkg.path) {
			tests = append(tests, b.testPackage)
			slow[b.path] = b.slow
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
		own[i].slow = slow[own[i].path]
	}
	return own.try(ctx, m, limit)
}
