package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const tiny = "./internal/mutation/testdata/tiny"

// mutateTiny runs the tool on the package in testdata and returns its exit
// status, its score and each mutant as "function: old -> new".
func mutateTiny(t *testing.T, equivalent string, flags ...string) (int, score, map[string]line) {
	t.Helper()
	list := filepath.Join(t.TempDir(), "equivalent.txt")
	if err := os.WriteFile(list, []byte(equivalent), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	args := append([]string{"-json", "-tests", tiny, "-equivalent", list}, flags...)
	status := run(t.Context(), append(args, tiny), &out, &log)
	if status == exitFailure {
		t.Fatal(log.String())
	}
	var s score
	mutants := map[string]line{}
	for text := range strings.Lines(out.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if l.File == "" {
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				t.Fatal(err)
			}
			continue
		}
		mutants[l.Function+": "+l.Old+" -> "+l.New] = l
	}
	return status, s, mutants
}

func TestSurvivorsAreWhatNoTestLooksAt(t *testing.T) {
	exit, s, mutants := mutateTiny(t, "")
	var alive []string
	for name, m := range mutants {
		if m.Status == survived {
			alive = append(alive, name)
		}
	}
	slices.Sort(alive)
	want := []string{
		"Name: , 2 -> ", "Name: 1 -> 0", "Name: 1, -> ", "Name: 2 -> 3",
		`Name: case 1, 2: return "few" -> `,
		"Sum: 9 -> 10", "Sum: 9 -> 8", "Sum: break -> ", "Sum: break -> continue", "Sum: n == 9 -> false",
	}
	if !slices.Equal(alive, want) {
		t.Errorf("survivors:\n%s\nwant:\n%s", strings.Join(alive, "\n"), strings.Join(want, "\n"))
	}
	for name, by := range map[string]status{
		"limit: 3 -> 4":                      killed,
		"limit: 3 -> 2":                      killed,
		"Check: n < 0 || n > limit -> n < 0": killed,
		"Check: n < 0 || n > limit -> true":  killed,
		"Check: n < 0 -> n <= 0":             killed,
		"Check: n > limit -> n > limit + 1":  killed,
		"Check: errLimit -> nil":             killed,
		"Sum: sum += n -> ":                  killed,
		"Sum: += -> -=":                      killed,
		"Sum: n == 9 -> n != 9":              killed,
		"at: , Y: 2 * x -> ":                 killed,
		"at: X: x, -> ":                      killed,
		"at: 2 * x -> 2 / x":                 killed,
		"endless: n-- -> ":                   timedOut,
		"endless: -- -> ++":                  timedOut,
	} {
		if m, ok := mutants[name]; !ok || m.Status != by {
			t.Errorf("%s is %q, want %q", name, m.Status, by)
		}
	}
	if exit != exitSurvivor || s.Survived != len(want) || s.Killed != s.Mutants-len(want) || s.TimedOut == 0 {
		t.Errorf("status %d, score %+v", exit, s)
	}
	if _, ok := mutants[`Name: default: return "many" -> `]; ok || s.Invalid == 0 {
		t.Error("a function without a return at its end does not compile, so it is no mutant")
	}
}

func TestListedMutantsMaySurvive(t *testing.T) {
	listed := `
# of a value that the test never has
tiny.go Sum
- n == 9
+ false
= a test of the tool
= goes on
`
	listed = strings.Replace(listed, "tiny.go", strings.TrimPrefix(tiny, "./")+"/tiny.go", 1)
	status, s, mutants := mutateTiny(t, listed, "-run", "Sum")
	if m := mutants["Sum: n == 9 -> false"]; m.Reason != "a test of the tool goes on" || s.Equivalent != 1 || status != exitSurvivor {
		t.Errorf("%+v, status %d, %+v", m, status, s)
	}
	killed := strings.Replace(listed, "+ false", "+ true", 1)
	if _, s, _ := mutateTiny(t, killed, "-run", "Sum"); len(s.Stale) != 1 || !strings.Contains(s.Stale[0], "killed by TestTiny") {
		t.Errorf("a listed mutant that is killed: %q", s.Stale)
	}
	shifted := strings.Replace(listed, "n == 9", "n == 8", 1)
	if _, s, _ := mutateTiny(t, shifted, "-run", "Check"); len(s.Stale) != 1 || !strings.Contains(s.Stale[0], "fits no mutant") {
		t.Errorf("a listed mutant that is none: %q", s.Stale)
	}
}

func TestTheListMustGiveReasons(t *testing.T) {
	name := filepath.Join(t.TempDir(), "list")
	for _, bad := range []string{"a.go\n", "a.go f\n- x\n+ y\n", "a.go f\n= why\n", "a.go f 0\n- x\n+ y\n= why\n"} {
		if err := os.WriteFile(name, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readEquivalents(name); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestSamplesRepeat(t *testing.T) {
	names := func(flags ...string) (all []string) {
		_, _, mutants := mutateTiny(t, "", append(flags, "-list")...)
		for name := range mutants {
			all = append(all, name)
		}
		slices.Sort(all)
		return all
	}
	a, b, c := names("-n", "9"), names("-n", "9"), names("-n", "9", "-seed", "2")
	if len(a) != 9 || !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Errorf("samples %q, %q, %q", a, b, c)
	}
}
