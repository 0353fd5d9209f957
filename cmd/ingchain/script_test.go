package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ingchain/ingchain/wallet/keystore"
)

// asBinary makes this test binary be ingchain itself.
const asBinary = "INGCHAIN_TEST_AS_BINARY"

// raceOptions is read by programs that are built with the race detector. Such a
// program sleeps a second before it ends, unless told otherwise: with hundreds of
// runs of the command, that is most of the tests' time.
const raceOptions = "GORACE"

// quickKeys spend little on scrypt, which takes a second and 256 MiB otherwise.
var quickKeys = keystore.Options{WorkFactor: 4}

func TestMain(m *testing.M) {
	if os.Getenv(asBinary) != "" {
		os.Exit(run(quickKeys))
	}
	if os.Getenv(raceOptions) == "" {
		os.Setenv(raceOptions, "atexit_sleep_ms=0")
	}
	testscript.Main(m, map[string]func(){"ingchain": func() { os.Exit(run(quickKeys)) }})
}

// TestScripts runs the real command as its users do: testdata/script/*.txtar, one
// per subject. Nodes in them stay on loopback.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_DATA_HOME", env.WorkDir+"/share")
			env.Setenv("LOCALAPPDATA", env.WorkDir+"/share")
			env.Setenv(raceOptions, os.Getenv(raceOptions))
			env.Setenv("LISTEN", "/ip4/127.0.0.1/tcp/0")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": cmdExits, "eventually": cmdEventually, "keys": cmdKeys, "capture": cmdCapture, "write": cmdWrite, "words": cmdWords,
		},
	})
}

// cmdExits runs a command that must end with an exit code: exits CODE COMMAND...
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want, err := strconv.Atoi(args[0]); err != nil || code != want {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// cmdEventually repeats a command until its output matches: eventually REGEXP
// COMMAND... It gives up after 20 s.
func cmdEventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP COMMAND...")
	}
	re, err := regexp.Compile(args[0])
	ts.Check(err)
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && re.MatchString(ts.ReadFile("stdout")) {
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("no output that matches %q within 20 s (%v)", args[0], err)
		case <-tick.C:
		}
	}
}

// lookup finds a value in the JSON that the last command printed, by a path such
// as tip.height or addrs.0; the empty path is the whole.
func lookup(ts *testscript.TestScript, path string) any {
	var v any
	// A stream's first line counts.
	line, _, _ := strings.Cut(strings.TrimSpace(ts.ReadFile("stdout")), "\n{")
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		ts.Fatalf("not JSON: %v", err)
	}
	for key := range strings.SplitSeq(path, ".") {
		switch inner := v.(type) {
		case map[string]any:
			if key == "" {
				continue
			}
			var ok bool
			if v, ok = inner[key]; !ok {
				ts.Fatalf("no key %q of %s", key, path)
			}
		case []any:
			if key == "" {
				continue
			}
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(inner) {
				ts.Fatalf("no element %q of %s", key, path)
			}
			v = inner[i]
		default:
			ts.Fatalf("nothing at %s", path)
		}
	}
	return v
}

// cmdKeys checks that the JSON printed has keys: keys PATH KEY...
func cmdKeys(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: keys PATH KEY...")
	}
	obj, ok := lookup(ts, strings.TrimPrefix(args[0], ".")).(map[string]any)
	if !ok {
		ts.Fatalf("no object at %s", args[0])
	}
	for _, k := range args[1:] {
		v, ok := obj[k]
		if !ok || v == nil {
			ts.Fatalf("key %q is missing or null", k)
		}
	}
}

// cmdCapture puts a value of the JSON printed into a variable: capture VAR PATH
func cmdCapture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture VAR PATH")
	}
	s, ok := lookup(ts, args[1]).(string)
	if !ok {
		b, err := json.Marshal(lookup(ts, args[1]))
		ts.Check(err)
		s = string(b)
	}
	ts.Setenv(args[0], s)
}

// cmdWrite writes a word to a file: write FILE WORD
func cmdWrite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: write FILE WORD")
	}
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
	ts.Check(os.WriteFile(path, []byte(args[1]), 0o600))
}

// cmdWords writes the words that a wallet's JSON shows to a file: words stdout FILE
func cmdWords(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: words stdout FILE")
	}
	var shown struct {
		Words []string `json:"words"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &shown))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(shown.Words, " ")+"\n"), 0o600))
}
