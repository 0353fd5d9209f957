package lab

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// tunDevice is where TAP devices come from.
const tunDevice = "/dev/net/tun"

// Require skips the test, with the reason, where the laboratory cannot run.
func Require(tb testing.TB) {
	tb.Helper()
	if err := available(); err != nil {
		tb.Skip("lab: ", err)
	}
}

// available returns what is missing for namespaces and TAP devices, or nil.
func available() error {
	if os.Geteuid() != 0 {
		return errors.New("needs root (network namespaces and TAP devices)")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return errors.New("needs the ip program (package iproute2)")
	}
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return errors.New("needs " + tunDevice + ": " + err.Error())
	}
	return unix.Close(fd)
}
