package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// netnsDir is where the ip program keeps named namespaces.
	netnsDir = "/run/netns"

	// nsPrefix begins every namespace of every run. After it come the owner's
	// pid and start time, so that Sweep can tell the dead runs' ones.
	nsPrefix = "inglab-"
)

// runPrefix names this process's namespaces: prefix, pid and start time.
func runPrefix() (string, error) {
	start, err := processStart(os.Getpid())
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s%d-%s-", nsPrefix, os.Getpid(), start), nil
}

// processStart returns a process's start time in clock ticks after boot. With
// the pid it names a process for ever; a pid alone is used again.
func processStart(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The second field, the name, may hold spaces; it ends at the last ")".
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const startTime = 22 - 3 // proc(5) counts from 1, and two fields are gone
	if len(fields) <= startTime {
		return "", errors.New("lab: cannot read the start time of process " + strconv.Itoa(pid))
	}
	return fields[startTime], nil
}

// Sweep removes namespaces and directories that dead test processes left
// behind. [New] calls it.
func Sweep() error {
	spaces, err := filepath.Glob(filepath.Join(netnsDir, nsPrefix+"*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range spaces {
		if ns := filepath.Base(path); ownerDead(ns) {
			errs = append(errs, removeNS(ns))
		}
	}
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), nsPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if ownerDead(filepath.Base(dir)) {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

// ownerDead reports whether the process named in a namespace's or directory's
// name has ended.
func ownerDead(name string) bool {
	parts := strings.SplitN(strings.TrimPrefix(name, nsPrefix), "-", 3)
	if len(parts) != 3 {
		return false
	}
	pid, err := strconv.Atoi(parts[0])
	if err != nil {
		return false
	}
	start, err := processStart(pid)
	return err != nil || start != parts[1]
}

// removeNS kills what still runs in a namespace of ours and deletes it.
func removeNS(ns string) error {
	for _, pid := range nsPids(ns) {
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("ending process %d in namespace %s: %w", pid, ns, err)
		}
	}
	if err := ip("netns", "del", ns); err != nil {
		if _, statErr := os.Stat(filepath.Join(netnsDir, ns)); errors.Is(statErr, os.ErrNotExist) {
			return nil // another test process swept it first
		}
		return err
	}
	return nil
}

// nsPids lists the processes in a namespace.
func nsPids(ns string) []int {
	out, err := exec.Command("ip", "netns", "pids", ns).Output()
	if err != nil {
		return nil
	}
	var pids []int
	for _, field := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// ip runs the ip program.
func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// inNS runs fn on a thread that is in the namespace. Sockets and files that
// fn opens stay in it; fn must not start goroutines that open more.
func inNS(ns string, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		back, err := enterNS(ns)
		if err != nil {
			runtime.UnlockOSThread()
			done <- err
			return
		}
		err = fn()
		if backErr := back(); backErr != nil {
			// Never unlocked, so the thread ends with this goroutine instead
			// of running others in a foreign namespace.
			done <- errors.Join(err, backErr)
			return
		}
		runtime.UnlockOSThread()
		done <- err
	}()
	return <-done
}

// enterNS moves the calling thread and returns the way back.
func enterNS(ns string) (back func() error, err error) {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("opening the thread's namespace: %w", err)
	}
	target, err := os.Open(filepath.Join(netnsDir, ns))
	if err != nil {
		home.Close()
		return nil, fmt.Errorf("opening namespace %s: %w", ns, err)
	}
	defer target.Close()
	if err := unix.Setns(int(target.Fd()), unix.CLONE_NEWNET); err != nil {
		home.Close()
		return nil, fmt.Errorf("entering namespace %s: %w", ns, err)
	}
	return func() error {
		defer home.Close()
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("leaving namespace %s: %w", ns, err)
		}
		return nil
	}, nil
}

// openTAP makes a TAP device called dev inside a namespace and returns its
// other end: each Read gives a frame, each Write takes one.
func openTAP(ns, dev string) (*os.File, error) {
	var file *os.File
	err := inNS(ns, func() error {
		fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return fmt.Errorf("opening %s: %w", tunDevice, err)
		}
		req, err := unix.NewIfreq(dev)
		if err == nil {
			req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
		}
		if err != nil {
			unix.Close(fd)
			return fmt.Errorf("making TAP device %s in %s: %w", dev, ns, err)
		}
		// Only now: the poller refuses a descriptor without a device.
		file = os.NewFile(uintptr(fd), dev)
		return nil
	})
	return file, err
}
