package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// shownLog is how much of each host's log a failed test shows, in bytes
	// from the end.
	shownLog = 6 << 10

	// pipeWait bounds the wait for output after a process has ended.
	pipeWait = 2 * time.Second
)

// Command makes a command that runs inside the host. Its pid is the
// program's own: "ip netns exec" replaces itself. The program dies with the
// test process, however that ends.
func (h *Host) Command(ctx context.Context, path string, args ...string) *exec.Cmd {
	if h.ns != "" {
		args = append([]string{"netns", "exec", h.ns, path}, args...)
		path = "ip"
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = h.dir
	cmd.WaitDelay = pipeWait
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// Proc is a running process of a host.
type Proc struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	err  error         // of Wait; read after done
}

// Start starts a command made by [Host.Command] and watches it. Outputs that
// are not set go to the host's log. The cleanup kills it if it still runs.
func (h *Host) Start(cmd *exec.Cmd) (*Proc, error) {
	log, err := h.openLog()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(log, "=== %s %s\n", time.Now().Format("15:04:05.000"), cmd)
	if cmd.Stdout == nil {
		cmd.Stdout = log
	}
	if cmd.Stderr == nil {
		cmd.Stderr = log
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("lab: starting %s on %s: %w", cmd, h.Name, err)
	}
	p := &Proc{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	h.net.mu.Lock()
	h.net.procs = append(h.net.procs, p)
	h.net.mu.Unlock()
	return p, nil
}

// Pid is the program's process id.
func (p *Proc) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Proc) Done() <-chan struct{} { return p.done }

// Err waits for the end and returns how it came, nil for exit code 0.
func (p *Proc) Err() error {
	<-p.done
	return p.err
}

// Signal sends a signal; one to an ended process is no error.
func (p *Proc) Signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Kill9 kills the process as the kernel does, and waits for its end.
func (p *Proc) Kill9() {
	_ = p.Signal(syscall.SIGKILL) // fails only for a process that has ended
	<-p.done
}

// openLog opens the log that all the host's processes share.
func (h *Host) openLog() (*os.File, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.log == nil {
		f, err := os.OpenFile(h.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return nil, err
		}
		h.log = f
		h.net.tb.Cleanup(func() { f.Close() })
	}
	return h.log, nil
}

func (h *Host) logPath() string { return filepath.Join(h.dir, "processes.log") }

// showLogs prints the end of each host's log.
func (n *Net) showLogs() {
	for _, h := range n.Hosts() {
		if text := tail(h.logPath(), shownLog); len(text) > 0 {
			n.tb.Logf("log of %s:\n%s", h, text)
		}
	}
}

// tail returns the last lines of a file, at most limit bytes.
func tail(path string, limit int64) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > limit {
		if _, err := f.Seek(-limit, io.SeekEnd); err != nil {
			return nil
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil
	}
	if int64(len(text)) == limit {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return bytes.TrimSpace(text)
}
