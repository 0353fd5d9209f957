package core_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

func TestZeroValues(t *testing.T) {
	if !(core.Hash{}).IsZero() || (core.Hash{31: 1}).IsZero() {
		t.Error("Hash.IsZero")
	}
	if !(core.Address{}).IsZero() || (core.Address{Kind: 1}).IsZero() || coretest.Key("alice").Address.IsZero() {
		t.Error("Address.IsZero")
	}
	if w, err := core.WorkOf(0x1d80ffff); err == nil {
		t.Errorf("bits that are negative prove work %s", w)
	}
	one, err := core.WorkOf(0x2100ffff)
	if err != nil {
		t.Fatal(err)
	}
	if !(core.Work{}).IsZero() || one.IsZero() || one.Cmp(core.Work{}) != 1 || one.Float() != 1 || one.String() != "1" || (core.Work{}).String() != "0" {
		t.Errorf("work of the easiest target is %s, %f", one, one.Float())
	}
}

func TestHashText(t *testing.T) {
	const digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"
	h, err := core.ParseHash(digits)
	if err != nil || h[0] != 0 || h[10] != 10 || h[31] != 0xff || h.String() != digits || h.Short() != digits[:12] {
		t.Errorf("%s, short %s, %v", h, h.Short(), err)
	}
	var back core.Hash
	raw, err := json.Marshal(h)
	if err != nil || json.Unmarshal(raw, &back) != nil || back != h {
		t.Errorf("JSON %s gives %s, %v", raw, back, err)
	}
	for name, in := range map[string]string{
		"nothing": "", "a digit less": digits[1:], "a digit more": digits + "0", "capital": strings.ToUpper(digits),
		"below 0": strings.Replace(digits, "0", "/", 1), "above 9": strings.Replace(digits, "0", ":", 1),
		"below a": strings.Replace(digits, "a", "`", 1), "above f": strings.Replace(digits, "f", "g", 1), "last": digits[:63] + "x",
	} {
		if _, err := core.ParseHash(in); err == nil {
			t.Errorf("%s: %q is a hash", name, in)
		}
		before := back
		if err := back.UnmarshalText([]byte(in)); err == nil || back != before {
			t.Errorf("%s: %q is read, or changes what was there", name, in)
		}
	}
	if _, err := core.ParseHash(digits[:63] + "x"); err == nil || !strings.Contains(err.Error(), "'x' at position 64") {
		t.Errorf("the wrong digit is not told: %v", err)
	}
}

func TestWorkText(t *testing.T) {
	most := strings.Repeat("f", 64)
	for _, text := range []string{"0", "1", "a", "10", "ff", "123456789abcdef", most} {
		var w core.Work
		if err := w.UnmarshalText([]byte(text)); err != nil || w.String() != text || core.WorkFromBytes(w.Bytes()) != w {
			t.Errorf("%q gives %s, %v", text, w, err)
		}
		if raw, err := w.MarshalText(); err != nil || string(raw) != text {
			t.Errorf("%q becomes %q, %v", text, raw, err)
		}
	}
	for _, text := range []string{"", "g", "-1", "0x1", " 1", "0" + most} {
		w := core.WorkFromBytes([core.WorkSize]byte{31: 7})
		if err := w.UnmarshalText([]byte(text)); err == nil || w.String() != "7" {
			t.Errorf("%q is work %s", text, w)
		}
	}
	var low, high core.Work
	if low.UnmarshalText([]byte("ff")) != nil || high.UnmarshalText([]byte("100")) != nil {
		t.Fatal("UnmarshalText")
	}
	a, b := low.Bytes(), high.Bytes()
	if bytes.Compare(a[:], b[:]) >= 0 || low.Cmp(high) != -1 || high.Cmp(low) != 1 || low.Cmp(low) != 0 {
		t.Error("the order of work is not that of its bytes")
	}
}

func TestMostWork(t *testing.T) {
	work := func(text string) (w core.Work) {
		if err := w.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return w
	}
	most := work(strings.Repeat("f", 64))
	if got := work(strings.Repeat("f", 63) + "e").Add(work("1")); got != most {
		t.Errorf("one less than the most and one are %s", got)
	}
	for _, more := range []core.Work{work("1"), work("2"), most} {
		if got := most.Add(more); got != most {
			t.Errorf("the most work and %s are %s", more, got)
		}
	}
}

func TestAmountText(t *testing.T) {
	for text, want := range map[string]core.Amount{
		"0.1": 10_000_000, "0.10000000": 10_000_000, "00.5": 50_000_000, "10": 1_000_000_000, "100": 10_000_000_000,
		"0000000005": 500_000_000, "7.00000009": 700_000_009, "90071992": 9_007_199_200_000_000,
	} {
		if got, err := core.ParseAmount(text); err != nil || got != want {
			t.Errorf("ParseAmount(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"00000000005", "1.", "1.2.3", "1.-2", "1/2", "1:2", "1.0/", "1.0:", "0.000000001", "1 ", "٣"} {
		if got, err := core.ParseAmount(text); !errors.Is(err, core.ErrAmount) || got != 0 {
			t.Errorf("ParseAmount(%q) = %d, %v", text, got, err)
		}
	}
	for a, want := range map[core.Amount]string{
		10: "0.0000001", 99_999_999: "0.99999999", 100_000_001: "1.00000001", 1_000_000_000: "10", 10_010_000_000: "100.1",
	} {
		if got := a.String(); got != want {
			t.Errorf("%d grains are %q, want %q", a, got, want)
		}
	}
}

// A mistyped address must be told from one that is not an address at all.
func TestAddressErrorsSayWhatIsWrong(t *testing.T) {
	good := coretest.Key("alice").Address.Encode("ing")
	raw := append([]byte{0}, make([]byte, 20)...)
	for _, tc := range []struct{ in, want string }{
		{good[:len(good)-1], "the checksum does not match"},
		{good[:10] + "b" + good[11:], "not part of charset"},
		{encodeBech32(t, "ing", raw, false), "is bech32, want bech32m"},
		{encodeGroups(t, "ing", oddPadding(t, raw), true), "invalid incomplete group"},
		{encodeBech32(t, "ing", raw[:20], true), "holds 20 bytes, want 21"},
	} {
		if _, err := core.ParseAddress(tc.in, "ing"); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.in, err, tc.want)
		}
	}
	// With the checksum that it should have, a mistyped address is nobody's.
	mistyped := good[:10] + strings.Map(func(r rune) rune { return map[bool]rune{true: 'p', false: 'q'}[r == 'q'] }, good[10:11]) + good[11:]
	if _, err := core.ParseAddress(mistyped, "ing"); err == nil || strings.Contains(err.Error(), "expected") {
		t.Errorf("%s: %v", mistyped, err)
	}
}

// An address must not be trusted in parts: each failure is of one kind.
func TestAddressErrorsAreOfOneKind(t *testing.T) {
	kinds := []error{core.ErrAddress, core.ErrAddressNetwork, core.ErrAddressKind}
	alice := coretest.Key("alice").Address
	other := alice
	other.Kind = 1
	for name, tc := range map[string]struct {
		in   string
		want error
	}{
		"nothing":         {"", core.ErrAddress},
		"another network": {alice.Encode("ingd"), core.ErrAddressNetwork},
		"a kind to come":  {other.Encode("ing"), core.ErrAddressKind},
	} {
		a, err := core.ParseAddress(tc.in, "ing")
		for _, kind := range kinds {
			if errors.Is(err, kind) != errors.Is(tc.want, kind) {
				t.Errorf("%s: %v, want only %v", name, err, tc.want)
			}
		}
		if a != (core.Address{}) {
			t.Errorf("%s: a failure leaves %v", name, a)
		}
	}
}

func TestKindsOfErrors(t *testing.T) {
	for _, tc := range []struct {
		err                             error
		forever, punishable, isDeferred bool
		code                            core.Code
	}{
		{nil, false, false, false, ""},
		{errors.New("disk full"), false, false, false, ""},
		{&core.RuleError{Code: core.ErrWork, Detail: "d"}, true, true, false, core.ErrWork},
		{&core.BodyError{Code: core.ErrMalformed, Detail: "d"}, false, true, false, core.ErrMalformed},
		{&core.DeferError{Code: core.ErrFuture, Detail: "d"}, false, false, true, core.ErrFuture},
	} {
		for _, err := range []error{tc.err, wrapped(tc.err)} {
			if core.IsForever(err) != tc.forever || core.IsPunishable(err) != tc.punishable || core.IsDeferred(err) != tc.isDeferred || core.CodeOf(err) != tc.code {
				t.Errorf("%v: for ever %t, punishable %t, deferred %t, code %q", err, core.IsForever(err), core.IsPunishable(err), core.IsDeferred(err), core.CodeOf(err))
			}
		}
		if tc.code != "" && (tc.err.Error() != string(tc.code)+": d" || tc.code.Error() != string(tc.code)) {
			t.Errorf("%q says %q", tc.code, tc.err)
		}
	}
}

// Every verdict says more than its code.
func TestVerdictsHaveDetails(t *testing.T) {
	c := coretest.New(t, nil)
	h := c.Next("b", coretest.Genesis).Block.Header
	_, body := core.ParseBlock(nil)
	h.Time = 1 << 60
	future := c.Rules.CheckClock(&h, 0)
	h.Bits = 0
	rule := c.Rules.CheckWork(&h)
	for err, want := range map[error]string{
		body:   "block-malformed: malformed: byte 0: need 2 bytes, have 0",
		future: "header-future: time is 1152921504606846976 ms ahead of our clock, at most 600000",
		rule:   "header-bits: bits 00000000: compact target is zero, which no hash can meet",
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}

func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("while testing: %w", err)
}
