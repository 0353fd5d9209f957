package keystore_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
	"golang.org/x/sys/unix"
)

// TestTheAgeToolOpensIt runs the age command on the file, at a terminal of its
// own, since it reads passphrases from nowhere else.
func TestTheAgeToolOpensIt(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the age command")
	}
	tool := buildAge(t)
	phrase := "암호 correct horse"
	dir := t.TempDir()
	_, err := keystore.Create(dir, rules(t), parse(t, words), wallet.Passphrase{}, wallet.NewPassphrase(phrase), now, keystore.Options{WorkFactor: 10})
	must(t, err)

	for _, c := range []struct {
		typed string
		good  bool
	}{{phrase, true}, {"wrong", false}} {
		out, err := atTerminal(t, c.typed, tool, "--decrypt", "--output", filepath.Join(dir, "plain"), filepath.Join(dir, keystore.SecretFile))
		if (err == nil) != c.good {
			t.Fatalf("passphrase %q: %v: %s", c.typed, err, out)
		}
	}
	plain, err := os.ReadFile(filepath.Join(dir, "plain"))
	must(t, err)
	if !bytes.Contains(plain, []byte(`"words":["legal","winner",`)) {
		t.Errorf("%s", plain)
	}
}

// buildAge builds the command from the tools' module, at the version of the
// library.
func buildAge(t *testing.T) string {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "age")
	build := exec.Command("go", "build", "-modfile=tools/go.mod", "-o", tool, "filippo.io/age/cmd/age")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("the age command can't be built here: %v: %s", err, out)
	}
	return tool
}

// atTerminal runs a command whose controlling terminal is new, and types a line
// once it asks.
func atTerminal(t *testing.T, line, name string, args ...string) (string, error) {
	t.Helper()
	master, slave := openTerminal(t)
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	must(t, cmd.Start())
	must(t, slave.Close())

	var shown strings.Builder
	must(t, master.SetReadDeadline(time.Now().Add(time.Minute)))
	buf := make([]byte, 1024)
	for typed := false; ; {
		n, err := master.Read(buf) // ends with EIO when the command does
		shown.Write(buf[:n])
		if err != nil {
			break
		}
		if !typed && strings.Contains(shown.String(), "passphrase") {
			typed = true
			_, err := master.WriteString(line + "\n")
			must(t, err)
		}
	}
	timeout := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer timeout.Stop()
	return shown.String(), cmd.Wait()
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { _ = master.Close() })
	must(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	must(t, err)
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	return master, slave
}
