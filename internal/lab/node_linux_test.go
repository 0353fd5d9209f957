package lab

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// fakeVariable makes the test binary behave as a little of ingchain does.
const fakeVariable = "INGCHAIN_LAB_FAKE"

// fake is "up" and "status" with a pid file for an API, and returns the exit
// code.
func fake(args []string) int {
	pidFile := filepath.Join(args[slices.Index(args, "--data-dir")+1], "pid")
	switch args[0] {
	case "up":
		if slices.Contains(args, "--broken") {
			return 1
		}
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		err := errors.Join(
			os.MkdirAll(filepath.Dir(pidFile), 0o755),
			os.WriteFile(pidFile, fmt.Append(nil, os.Getpid()), 0o644))
		if err != nil {
			return 1
		}
		<-stop
		return 0
	case "status":
		pid, err := os.ReadFile(pidFile)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 6
		}
		fmt.Printf(`{"peer_id":"%s"}`, pid)
		return 0
	}
	return 2
}

func TestNode(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(fakeVariable, "1")
	h := Local(t)
	n := h.NewNode(NodeConfig{Name: "n", Binary: self, Network: "dev"})

	var verb *VerbError
	if _, err := n.Status(); !errors.As(err, &verb) || verb.Code != 6 || verb.Stderr == "" {
		t.Errorf("status without a node: %v, want exit code 6 with its message", err)
	}
	n.Start("--broken")
	if _, err := n.WaitReady(10 * time.Second); err == nil {
		t.Error("a node that ended at once was ready")
	}
	n.Start()
	if got, want := n.Ready().PeerID, fmt.Sprint(n.Proc().Pid()); got != want {
		t.Errorf("the process that answers is %s, the one to kill is %s", got, want)
	}
	n.Freeze()
	n.Thaw()
	n.Restart()
	n.Kill9()
	if state := n.Proc().cmd.ProcessState.Sys().(syscall.WaitStatus); state.Signal() != syscall.SIGKILL {
		t.Errorf("ended by %v, want SIGKILL", state.Signal())
	}
}
