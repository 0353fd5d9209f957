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

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// binaries are the test binaries of one build.
type binaries []binary

type binary struct {
	testPackage
	file string
	args []string
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
	bins, err := w.build(ctx, dir, overlay)
	if err != nil {
		return fmt.Errorf("build of all mutants: %w", err)
	}
	limit, err := bins.clean(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "%d mutants, each may compute for %s\n", len(mutants), limit.Round(time.Millisecond))
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
			errs[i] = w.tryAlone(ctx, dir, m, limit)
		}
		if n := done.Add(1); n%100 == 0 {
			fmt.Fprintf(progress, "%d of %d\n", n, len(mutants))
		}
	})
	return errors.Join(append(errs, ctx.Err())...)
}

// build compiles the test binaries with an overlay.
func (w *world) build(ctx context.Context, dir, overlay string) (binaries, error) {
	out := filepath.Join(dir, "bin")
	args := []string{"test", "-c", "-overlay", overlay, "-o", out + string(filepath.Separator)}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return nil, err
	}
	for _, t := range w.tests {
		args = append(args, t.path)
	}
	if _, err := goCommand(ctx, w.root, args...); err != nil {
		return nil, err
	}
	var bins binaries
	for _, t := range w.tests {
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

// clean runs the tests without a mutant and returns how long a mutant may
// compute.
func (bins binaries) clean(ctx context.Context) (time.Duration, error) {
	limit := minCPU
	for _, b := range bins {
		cmd := b.command(ctx, 0, time.Hour)
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("tests of %s fail without a mutant: %w\n%s", b.path, err, out)
		}
		limit = max(limit, cpuFactor*(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()))
	}
	return limit, nil
}

func (b *binary) command(ctx context.Context, mutant int, limit time.Duration) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.file, append(slices.Clone(b.args), "-test.timeout="+(wallFactor*limit).String())...)
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
		out, err := b.command(ctx, m.id, limit).CombinedOutput()
		var exit *exec.ExitError
		switch {
		case err == nil:
			continue
		case !errors.As(err, &exit):
			return err
		case bytes.Contains(out, []byte(mutantEnd)), bytes.Contains(out, []byte("panic: test timed out")):
			m.status, m.by = timedOut, path.Base(b.path)
		default:
			m.status, m.by = killed, path.Base(b.path)
			// The innermost test is named last of a run of failures.
			if all := failedTest.FindAllSubmatch(out, -1); len(all) > 0 {
				m.by = string(all[len(all)-1][1])
			}
		}
		return nil
	}
	m.status = survived
	return nil
}

// tryAlone builds the tests with one mutation written out and runs them.
func (w *world) tryAlone(ctx context.Context, dir string, m *mutant, limit time.Duration) error {
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
	bins, err := w.build(ctx, dir, overlay)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		m.status = invalid // tests, too, may need the constant as it is
		return nil
	}
	return bins.try(ctx, m, limit)
}
