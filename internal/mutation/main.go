package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
)

// Exit statuses.
const (
	exitOK       = 0
	exitSurvivor = 1 // a mutant survived that is not listed, or the list is stale
	exitFailure  = 2 // the tool could not do its work
)

type options struct {
	packages   []string
	tests      string
	run        *regexp.Regexp
	list       bool
	sample     int
	seed       uint64
	json       bool
	workers    int
	equivalent string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

func parseOptions(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("mutation", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprintln(stderr, "usage: mutation [flags] [package directories, else ./core ./core/canon ./core/signature]")
		fs.PrintDefaults()
	}
	pattern := fs.String("run", "", "only mutants whose `file:function` matches this regular expression")
	fs.StringVar(&o.tests, "tests", "./core/...", "packages whose tests are run")
	fs.BoolVar(&o.list, "list", false, "list the mutants and run nothing")
	fs.IntVar(&o.sample, "n", 0, "a random sample of so many mutants; 0 is all of them")
	fs.Uint64Var(&o.seed, "seed", 1, "seed of the sample")
	fs.BoolVar(&o.json, "json", false, "one JSON object for each mutant, and one with the score")
	fs.IntVar(&o.workers, "j", runtime.NumCPU(), "mutants to run at the same time")
	fs.StringVar(&o.equivalent, "equivalent", "internal/mutation/equivalent.txt", "list of mutants that change nothing")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if o.workers < 1 || o.sample < 0 {
		return nil, errors.New("-j must be at least 1 and -n at least 0")
	}
	var err error
	if o.run, err = regexp.Compile(*pattern); err != nil {
		return nil, fmt.Errorf("-run: %w", err)
	}
	if o.packages = fs.Args(); len(o.packages) == 0 {
		o.packages = []string{"./core", "./core/canon", "./core/signature"}
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err == nil {
		var status int
		if status, err = o.mutate(ctx, stdout, stderr); err == nil {
			return status
		}
	}
	fmt.Fprintln(stderr, "mutation:", err)
	return exitFailure
}

// mutate does all of the work.
func (o *options) mutate(ctx context.Context, stdout, stderr io.Writer) (int, error) {
	w, err := load(ctx, o.packages, o.tests)
	if err != nil {
		return 0, err
	}
	all := w.mutants()
	known, err := readEquivalents(o.equivalentPath(w))
	if err != nil {
		return 0, err
	}
	stale := known.attach(all)
	chosen, invalid := o.choose(w, all)
	rep := &report{out: stdout, json: o.json, invalid: invalid, stale: stale}
	if o.list {
		for _, m := range chosen {
			rep.print(m)
		}
		rep.listed(chosen)
		return exitOK, nil
	}
	if len(chosen) == 0 {
		return 0, errors.New("no mutant matches")
	}
	if err := w.test(ctx, chosen, o.workers, stderr); err != nil {
		return 0, err
	}
	return rep.results(chosen), nil
}

// equivalentPath is relative to the module's root.
func (o *options) equivalentPath(w *world) string {
	if filepath.IsAbs(o.equivalent) {
		return o.equivalent
	}
	return filepath.Join(w.root, o.equivalent)
}

// choose returns the mutants to run, each known to compile, and how many of
// those looked at do not.
func (o *options) choose(w *world, all []*mutant) (chosen []*mutant, invalid int) {
	var matching []*mutant
	for _, m := range all {
		if o.run.MatchString(m.file.name + ":" + m.function) {
			matching = append(matching, m)
		}
	}
	want := len(matching)
	if o.sample > 0 && o.sample < want {
		want = o.sample
		rng := rand.New(rand.NewPCG(o.seed, o.seed))
		rng.Shuffle(len(matching), func(i, j int) { matching[i], matching[j] = matching[j], matching[i] })
	}
	for len(chosen) < want && len(matching) > 0 {
		n := min(want-len(chosen), len(matching))
		for i, ok := range w.compile(matching[:n], o.workers) {
			if ok {
				chosen = append(chosen, matching[i])
			} else {
				invalid++
			}
		}
		matching = matching[n:]
	}
	slices.SortFunc(chosen, func(a, b *mutant) int { return cmp.Compare(a.id, b.id) })
	return chosen, invalid
}
