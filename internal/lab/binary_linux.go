package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// binaries holds what this test process has built, by build tags.
var binaries struct {
	sync.Mutex
	dir   string
	built map[string]string
}

// Main runs a package's tests and removes what they share. A TestMain calls
// it, so that an interrupt, too, leaves nothing behind.
func Main(m *testing.M) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		closeAll()
		removeBinaries()
		os.Exit(130)
	}()
	code := m.Run()
	removeBinaries()
	os.Exit(code)
}

// BuildBinary builds a main package of this module, ./cmd/ingchain unless
// told otherwise, with the given build tags, once per test process, and
// returns its path.
func BuildBinary(tb testing.TB, tags ...string) string {
	tb.Helper()
	return BuildPackage(tb, "./cmd/ingchain", tags...)
}

// BuildPackage is [BuildBinary] for another main package; pkg is relative to
// the module's root.
func BuildPackage(tb testing.TB, pkg string, tags ...string) string {
	tb.Helper()
	path, err := build(pkg, strings.Join(tags, ","))
	if err != nil {
		tb.Fatalf("lab: %v", err)
	}
	return path
}

func build(pkg, tags string) (string, error) {
	binaries.Lock()
	defer binaries.Unlock()
	key := pkg + " " + tags
	if path, ok := binaries.built[key]; ok {
		return path, nil
	}
	if binaries.dir == "" {
		prefix, err := runPrefix()
		if err != nil {
			return "", err
		}
		if binaries.dir, err = os.MkdirTemp("", prefix+"bin"); err != nil {
			return "", err
		}
		binaries.built = make(map[string]string)
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(binaries.dir, fmt.Sprintf("%s-%d", filepath.Base(pkg), len(binaries.built)))
	cmd := exec.Command("go", "build", "-tags", tags, "-o", path, pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	binaries.built[key] = path
	return path, nil
}

// removeBinaries deletes what was built; without it the next run's Sweep does.
func removeBinaries() {
	binaries.Lock()
	defer binaries.Unlock()
	if binaries.dir != "" {
		_ = os.RemoveAll(binaries.dir)
		binaries.dir, binaries.built = "", nil
	}
}

// moduleRoot is the nearest directory upwards with a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("lab: no go.mod above the working directory")
		}
		dir = parent
	}
}
