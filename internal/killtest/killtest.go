// Package killtest lets a test kill a process in the midst of its work, as
// kill -9 does, and learn what the process had acknowledged by then.
//
// The process is the test's own binary, started again to run the same test. So a
// test has two halves: if [Dir] is not empty it is the one to be killed, works in
// that directory for ever, and calls [Say] for what it has done; else it calls
// [Kill], and looks at what is left.
package killtest

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

const (
	// startTimeout is how long a process may take to say what it is waited for.
	startTimeout = time.Minute
	// mostPause is how long it lives on after that at most, so that it is killed
	// anywhere in what it does next.
	mostPause = 12 * time.Millisecond

	dirVariable = "INGCHAIN_KILLTEST_DIR"
	argVariable = "INGCHAIN_KILLTEST_ARG"
	prefix      = "\x01said: " // tells its lines from the test's own output
)

// Kills is how many processes each test of this kind kills.
var Kills = flag.Int("kills", 12, "how often a process is killed in the midst of its work")

// Dir returns where the process that is to be killed works; "" in others.
func Dir() string { return os.Getenv(dirVariable) }

// Arg returns what [Kill] was given for the process.
func Arg() string { return os.Getenv(argVariable) }

// Say tells the killer a line: in one write, so that it arrives whole or not at
// all.
func Say(format string, args ...any) {
	line := prefix + fmt.Sprintf(format, args...) + "\n"
	if _, err := os.Stdout.WriteString(line); err != nil {
		panic(err) // nobody listens any more
	}
}

// Kill starts this test again in a process that works in dir, kills it within
// moments after it has said a number of lines, and returns all that it said. A
// process that ends by itself fails the test.
func Kill(t *testing.T, dir, arg string, after int) (said []string) {
	t.Helper()
	var stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), dirVariable+"="+dir, argVariable+"="+arg)
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal("start the process to kill:", err)
	}
	var other []string // what the test itself prints
	killed := make(chan struct{})
	in := bufio.NewReader(stdout)
	for {
		line, err := in.ReadString('\n')
		if err != nil { // what is left is no whole line
			break
		}
		own, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), prefix)
		if !ok {
			other = append(other, line)
			continue
		}
		if said = append(said, own); len(said) == max(after, 1) {
			go func() {
				defer close(killed)
				<-time.After(rand.N(mostPause))
				_ = cmd.Process.Kill() // it may have ended: seen below
			}()
		}
	}
	if len(said) >= max(after, 1) {
		<-killed
	}
	err = cmd.Wait()
	byItself := cmd.ProcessState.Exited() && runtime.GOOS != "windows"
	if byItself || ctx.Err() != nil || len(said) < max(after, 1) {
		t.Fatalf("the process was not killed at work: %v\nsaid %q\n%s%s", err, said, strings.Join(other, ""), stderr.String())
	}
	return said
}
