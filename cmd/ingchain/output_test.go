package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

func TestAReasonOfSeveralLinesIsOne(t *testing.T) {
	var b bytes.Buffer
	printPeers(&b, []api.Peer{{PeerID: "p", Reason: "all dials failed\n  * [one] refused\n  * [two] refused"}})
	if !strings.Contains(b.String(), "all dials failed * [one] refused * [two] refused") {
		t.Errorf("%s", b.String())
	}
}

func TestExitCodes(t *testing.T) {
	for err, want := range map[error]int{
		nil:                               0,
		errors.New("anything"):            1,
		api.ErrFailed:                     1,
		usagef("no"):                      2,
		api.ErrBadRequest:                 2,
		core.ErrParams:                    2,
		api.ErrNotFound:                   3,
		api.ErrNotAllowed:                 4,
		node.ErrWrongNetwork:              4,
		api.ErrTimeout:                    5,
		context.DeadlineExceeded:          5,
		api.ErrUnreachable:                6,
		api.ErrShuttingDown:               6,
		errInterrupted:                    130,
		withHint(api.ErrNotFound, "look"): 3,
		// Of wallets and payments.
		core.ErrAmount:              2,
		core.ErrAddressNetwork:      2,
		wallet.ErrChecksum:          2,
		wallet.ErrDraft:             2,
		wallet.ErrMessage:           2,
		keystore.ErrSendID:          2,
		keystore.ErrEmpty:           2,
		keystore.ErrNoWallet:        3,
		keystore.ErrNetwork:         4,
		wallet.ErrDraftNetwork:      4,
		keystore.ErrPassphrase:      4,
		keystore.ErrWatchOnly:       4,
		keystore.ErrExists:          1,
		keystore.ErrIDUsed:          1,
		keystore.ErrPublic:          1,
		wallet.ErrMessageSignature:  1,
		&wallet.AbsurdFeeError{}:    1,
		&wallet.InsufficientError{}: 1,
		api.ErrRefused:              1,
		&api.Error{Problem: api.Problem{Code: api.CodeIndexOff}}:      1,
		&api.Error{Problem: api.Problem{Code: api.CodeIndexBuilding}}: 5,
	} {
		if err != nil {
			err = fmt.Errorf("while testing: %w", err)
		}
		if got := exitCode(err); got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
}

// Columns align by what a terminal shows, in any script.
func TestTableAligns(t *testing.T) {
	var b bytes.Buffer
	table(&b, "", []string{"NAME", "이름", "X"}, [][]string{
		{"잉체인 노드", "a", "|"}, {"x", "채굴자", "|"}, {"é", "", "|"},
	})
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	for i, l := range lines[1:] {
		if got, want := runewidth.StringWidth(l[:strings.Index(l, "|")]), runewidth.StringWidth(lines[0][:strings.Index(lines[0], "X")]); got != want {
			t.Errorf("row %d: last column at cell %d, want %d\n%s", i, got, want, b.String())
		}
	}
}

// What peers say cannot move the cursor or forge a line.
func TestTableCleans(t *testing.T) {
	var b bytes.Buffer
	table(&b, "", []string{"AGENT"}, [][]string{{"evil\r\n\x1b[2J\u202ename\u009b"}})
	if lines := strings.Count(b.String(), "\n"); lines != 2 || strings.ContainsAny(b.String(), "\r\x1b\u202e\u009b") {
		t.Errorf("got %q", b.String())
	}
}

// On a terminal, log lines go above the area, which is drawn again below them.
func TestLive(t *testing.T) {
	var b bytes.Buffer
	l := &live{w: &b, terminal: true, width: func() int { return 12 }}
	l.set("one", "a line that is too long")
	fmt.Fprintln(l, "log")
	l.close()
	const erase = "\x1b[2A\r\x1b[J"
	want := "one\na line tha…\n" + erase + "log\n" + "one\na line tha…\n" + erase
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}

	b.Reset()
	l.terminal = false
	l.set("nobody redraws this")
	if b.Len() > 0 {
		t.Errorf("without a terminal it draws %q", b.String())
	}
}

func TestDemoNetwork(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	a, err := demoNetwork(4e6, now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := demoNetwork(4e6, now)
	if err != nil {
		t.Fatal(err)
	}
	if a.Genesis().ID() == b.Genesis().ID() {
		t.Error("two demos share a network")
	}
	// The first block takes as many hashes as the miners do in demoFirst.
	w, err := core.WorkOf(a.GenesisBits)
	if err != nil {
		t.Fatal(err)
	}
	if want := 4e6 * demoFirst.Seconds(); w.Float() < want*0.99 || w.Float() > want*1.01 {
		t.Errorf("the first block takes %.0f hashes, want about %.0f", w.Float(), want)
	}
	// The slowest machine still gets a network.
	for _, rate := range []float64{0, 1, 100, 1e12} {
		if _, err := demoNetwork(rate, now); err != nil {
			t.Errorf("at %v H/s: %v", rate, err)
		}
	}
}

func TestNewNetworkPrefix(t *testing.T) {
	p, err := newNetwork(core.NetworkLAN, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a := core.Address{}.Encode(p.AddressPrefix)
	if _, err := core.ParseAddress(a, p.AddressPrefix); err != nil {
		t.Error(err)
	}
	if _, err := core.ParseAddress(a, core.LAN().AddressPrefix); !errors.Is(err, core.ErrAddressNetwork) {
		t.Errorf("an address of the new network in the default one: got %v", err)
	}
}

// Others on a machine can read arguments and variables, so no secret is one: what
// is secret comes from a file, a descriptor or the terminal.
func TestNoSecretIsAnArgument(t *testing.T) {
	var walk func(*cobra.Command)
	seen := 0
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(f.Name, "passphrase") && !strings.Contains(f.Name, "words") {
				return
			}
			seen++
			if f.Value.Type() == "string" && !strings.HasSuffix(f.Name, "-file") {
				t.Errorf("%s --%s takes a secret as an argument", cmd.CommandPath(), f.Name)
			}
			if slices.Contains(settings, f.Name) {
				t.Errorf("%s --%s is taken from the environment", cmd.CommandPath(), f.Name)
			}
		})
	}
	walk((&app{}).root())
	if seen < 20 {
		t.Errorf("saw %d flags of secrets", seen)
	}
}

// However long the data, the table of a payment stays as narrow as its amounts.
func TestLongDataStandsApart(t *testing.T) {
	var out strings.Builder
	printSummary(&out, wallet.Summary{Paid: core.GrainsPerING, Fee: 201, Data: strings.Repeat("ff", 80),
		Inputs: []wallet.SummaryInput{{Value: 2 * core.GrainsPerING, Address: "ing1q"}}})
	want := "spends  2 ING           ing1q                              000000000000:0\n" +
		"fee     0.00000201 ING  0 grains per 1,000 bytes, 0 bytes\n" +
		"total   1.00000201 ING  with the fee, without change\n" +
		"data    " + strings.Repeat("ff", 80) + "\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
