// Command difficultysim shows how Ingchain's difficulty rule behaves, beside
// LWMA-1 and ASERT, under events that a LAN has: hash rate that jumps,
// machines that sleep at night, a cold start, and miners who lie about the
// time. It prints the tables of docs/difficulty.md:
//
//	go run ./internal/difficultysim
//
// It simulates headers, not nodes: no block is hashed, and finding one is
// an exponentially distributed wait. Our rule is the node's own,
// core.Retarget. Runs are a function of the seed. Start reading at rules.go.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	runs := flag.Int("runs", 200, "runs per event and rule; half as many for whole networks")
	seed := flag.Uint64("seed", 1, "seed of all chance")
	flag.Parse()
	if *runs < 1 {
		fmt.Fprintln(os.Stderr, "difficultysim: -runs must be at least 1")
		os.Exit(2)
	}
	printAll(os.Stdout, *runs, *seed)
}

func printAll(out io.Writer, runs int, seed uint64) {
	count := 200 * runs // blocks in one long run

	fmt.Fprintln(out, "### Events on a settled chain")
	printEvents(out, runs, seed)
	fmt.Fprintln(out, "\n### Cold start")
	printColdStart(out, networkRuns(runs), seed)
	fmt.Fprintln(out, "\n### Timestamp games")
	printGames(out, count, seed)
	fmt.Fprint(out, "\n### Future limit\n\n")
	printFutureLimits(out, count, seed)
	fmt.Fprint(out, "\n### Variants\n\n")
	printVariants(out, runs, count, seed)
	fmt.Fprint(out, "\n### Ramps\n\n")
	printRamps(out, networkRuns(runs), seed)
}

// networkRuns is how often a whole network is simulated, which costs more.
func networkRuns(runs int) int { return max(1, runs/2) }
