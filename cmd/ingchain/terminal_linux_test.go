package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// step is a part of a talk: once the terminal shows something, a person types.
type step struct{ shown, typed string }

// talk is what came of a talk at a terminal.
type talk struct {
	screen, stdout string
	code           int
	echoes         bool // the terminal shows what is typed, afterwards
}

// atTerminal runs ingchain at a terminal of its own and types as the steps say.
func atTerminal(t *testing.T, steps []step, args ...string) talk {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asBinary+"=yes", "XDG_DATA_HOME="+t.TempDir(), "NO_COLOR=1")
	return talkTo(t, cmd, steps)
}

// talkTo runs a command at a terminal of its own.
func talkTo(t *testing.T, cmd *exec.Cmd, steps []step) talk {
	t.Helper()
	master, slave := openTerminal(t)
	defer slave.Close()
	var stdout bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, &stdout, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer deadline.Stop()

	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	var screen strings.Builder
	buf := make([]byte, 1024)
	rest := "" // of the screen, behind what the last step waited for
	read := func(patience time.Duration) bool {
		_ = master.SetReadDeadline(time.Now().Add(patience))
		n, err := master.Read(buf)
		screen.Write(buf[:n])
		rest += string(buf[:n])
		return err == nil
	}
	for _, s := range steps {
		for !strings.Contains(rest, s.shown) {
			if !read(20 * time.Second) {
				t.Fatalf("the terminal never showed %q, but %s", s.shown, screen.String())
			}
		}
		_, rest, _ = strings.Cut(rest, s.shown)
		if s.typed != "" && !strings.Contains(s.shown, "[y/N]") {
			awaitSecret(t, slave)
		}
		if _, err := master.WriteString(s.typed); err != nil {
			t.Fatal(err)
		}
	}
	<-ended
	for read(50 * time.Millisecond) {
	}
	state, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return talk{screen.String(), stdout.String(), cmd.ProcessState.ExitCode(), state.Lflag&unix.ECHO != 0}
}

// awaitSecret waits until what is typed is not shown.
func awaitSecret(t *testing.T, slave *os.File) {
	t.Helper()
	waitFor(t, func() bool {
		state, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
		return err == nil && state.Lflag&unix.ECHO == 0
	})
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	return master, slave
}

// A person makes a wallet and restores it: secrets are asked for twice and never
// shown, and a mistake is asked about again.
func TestWalletAtTheTerminal(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	made := atTerminal(t, []step{
		{"New passphrase of the wallet:", "\n"}, {"empty", ""},
		{"New passphrase of the wallet:", "correct horse\n"}, {"The same again:", "correct house\n"}, {"They differ", ""},
		{"New passphrase of the wallet:", "correct horse\n"}, {"The same again:", "correct horse\n"}, {"These words are the wallet", ""},
	}, "wallet", "new", "--data-dir", a, "--network", "dev", "--language", "ko")
	if made.code != 0 || !made.echoes || strings.Contains(made.screen+made.stdout, "horse") || strings.Contains(made.screen, "1. ") {
		t.Fatalf("got %+v", made)
	}
	rules := devRules(t)
	s, err := keystore.Open(a, rules, quickKeys)
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.Unlock(wallet.NewPassphrase("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	m, _, err := u.Mnemonic()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Join(m.Reveal(), " ")
	restored := atTerminal(t, []step{
		{"Words (they are not shown):", "no words\n"}, {"Try again", ""},
		{"Words (they are not shown):", words + "\n"},
		{"New passphrase of the wallet:", "other\n"}, {"The same again:", "other\n"}, {"are looked for later", ""},
	}, "wallet", "restore", "--data-dir", b, "--network", "dev", "--json")
	if restored.code != 0 || !restored.echoes || strings.Contains(restored.screen, m.Reveal()[0]) {
		t.Fatalf("got %+v", restored)
	}
	first, _ := stateOf(t, a).Current(0)
	if !strings.Contains(restored.stdout, first.Address.Encode(rules.Params().AddressPrefix)) {
		t.Errorf("other addresses: %s", restored.stdout)
	}
	wrong := atTerminal(t, []step{
		{"Passphrase of the wallet:", "x\n"}, {"Wrong passphrase", ""},
		{"Passphrase of the wallet:", "\n"}, {"Wrong passphrase", ""},
		{"Passphrase of the wallet:", "y\n"},
	}, "wallet", "export", "--words", "--data-dir", a)
	if wrong.code != exitNotAllowed || wrong.stdout != "" {
		t.Errorf("got %+v", wrong)
	}
	// Ctrl-C ends it at once, and the terminal shows what is typed again.
	stopped := atTerminal(t, []step{{"Passphrase of the wallet:", "\x03"}}, "wallet", "export", "--words", "--data-dir", a)
	if stopped.code != exitInterrupted || !stopped.echoes {
		t.Errorf("got %+v", stopped)
	}
}

// What 'wallet new' writes the age tool opens with the same passphrase, and shows
// the words that were shown.
func TestTheAgeToolOpensTheWallet(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the age command")
	}
	age := filepath.Join(t.TempDir(), "age")
	build := exec.Command("go", "build", "-modfile=tools/go.mod", "-o", age, "filippo.io/age/cmd/age")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("the age command can't be built here: %v: %s", err, out)
	}
	dir := filepath.Join(t.TempDir(), "d")
	typed := "암호 correct horse\n"
	made := atTerminal(t, []step{{"New passphrase of the wallet:", typed}, {"The same again:", typed}},
		"wallet", "new", "--data-dir", dir, "--network", "dev", "--language", "ko", "--json")
	var shown, kept struct {
		Words []string `json:"words"`
	}
	if err := json.Unmarshal([]byte(made.stdout), &shown); err != nil || len(shown.Words) != 12 {
		t.Fatalf("%v: got %+v", err, made)
	}
	opened := talkTo(t, exec.Command(age, "--decrypt", filepath.Join(dir, keystore.SecretFile)), []step{{"passphrase", typed}})
	if err := json.Unmarshal([]byte(opened.stdout), &kept); err != nil || !slices.Equal(kept.Words, shown.Words) {
		t.Errorf("%v: ended with %d: %s", err, opened.code, opened.screen)
	}
	refused := talkTo(t, exec.Command(age, "--decrypt", filepath.Join(dir, keystore.SecretFile)), []step{{"passphrase", "wrong\n"}})
	if refused.code == 0 || refused.stdout != "" {
		t.Errorf("got %+v", refused)
	}
}

func devRules(t *testing.T) *core.Rules {
	t.Helper()
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// stateOf reads the wallet of a data directory.
func stateOf(t *testing.T, dir string) *keystore.State {
	t.Helper()
	p, err := node.NetworkOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := core.NewRules(p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keystore.Open(dir, rules, quickKeys)
	if err != nil {
		t.Fatal(err)
	}
	st, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// A payment is agreed to at the terminal. Until then everything can end, and its
// coins are free again.
func TestSendAtTheTerminal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	up, c := upNode(t, dir)
	made := atTerminal(t, []step{{"New passphrase", "pw\n"}, {"again", "pw\n"}}, "wallet", "new", "--data-dir", dir)
	if made.code != 0 {
		t.Fatalf("got %+v", made)
	}
	if _, err := c.MineOnce(t.Context(), 2, ""); err != nil {
		t.Fatal(err)
	}
	to := core.Address{Hash: [20]byte{1}}.Encode(c.Params().AddressPrefix)
	send := []string{"wallet", "send", to, "1", "--data-dir", dir}
	for name, c := range map[string]struct {
		steps []step
		code  int
	}{
		"no":                       {[]step{{"Send? [y/N]", "n\n"}, {"not sent", ""}}, exitFailed},
		"nothing":                  {[]step{{"Send? [y/N]", "\n"}}, exitFailed},
		"Ctrl-C at the question":   {[]step{{"Send? [y/N]", "\x03"}}, exitInterrupted},
		"Ctrl-C at the passphrase": {[]step{{"Send? [y/N]", "y\n"}, {"Passphrase of the wallet:", "\x03"}}, exitInterrupted},
		"wrong passphrases": {[]step{{"Send? [y/N]", "yes\n"}, {"Passphrase", "a\n"}, {"Wrong", ""}, {"Passphrase", "b\n"}, {"Wrong", ""}, {"Passphrase", "c\n"}},
			exitNotAllowed},
	} {
		got := atTerminal(t, c.steps, send...)
		if got.code != c.code || !got.echoes || !strings.Contains(got.screen, "change, back to this wallet") {
			t.Errorf("%s: got %+v", name, got)
		}
		if st := stateOf(t, dir); len(st.Sends()) != 0 {
			t.Errorf("%s: its coins are not free", name)
		}
	}
	got := atTerminal(t, []step{{"Send? [y/N]", "네\n"}, {"Passphrase of the wallet:", "wrong\n"}, {"Wrong passphrase", ""}, {"Passphrase", "pw\n"}, {"--id", ""}}, send...)
	if got.code != 0 || !strings.Contains(got.stdout, "accepted") {
		t.Errorf("got %+v", got)
	}
	if m, err := c.Mempool(t.Context()); err != nil || m.Count != 1 {
		t.Errorf("the pool has %d, %v", m.Count, err)
	}
	up.signal(os.Interrupt, 0, 5*time.Second)
}
