package wallet_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func signedMessage(t testing.TB, text string) *wallet.Message {
	t.Helper()
	m, err := wallet.SignMessage(keyAt(t, testAccount(t, 0), wallet.Receive, 0), "ing", text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMessageReadsBack(t *testing.T) {
	for _, text := range []string{"hello", "two\nlines", "ends in a line\n", "\n\nbegins with two", "a dash\n- one\n-----BEGIN INGCHAIN SIGNATURE-----\n-", "tab\tand 한글",
		" spaces around ", "-----END INGCHAIN SIGNED MESSAGE-----", strings.Repeat("x", wallet.MaxMessage), strings.Repeat("-\n", wallet.MaxMessage/2)} {
		m := signedMessage(t, text)
		armor := m.String()
		for how, pasted := range map[string]string{"as it is": armor, "lines of Windows": strings.ReplaceAll(armor, "\n", "\r\n"), "space around": "\n\n  " + armor + "\n\n"} {
			got, err := wallet.VerifyMessage(pasted, "ing")
			if err != nil || got.Text != text || got.Address != m.Address {
				t.Fatalf("%.40q, %s: %v", text, how, err)
			}
		}
	}
	if m := signedMessage(t, "a\r\nb"); m.Text != "a\nb" {
		t.Errorf("%q", m.Text)
	}
}

func TestMessageRefuses(t *testing.T) {
	m := signedMessage(t, "I own this.\nReally.")
	armor := m.String()
	other, err := wallet.SignMessage(keyAt(t, testAccount(t, 0), wallet.Receive, 1), "ing", m.Text)
	if err != nil {
		t.Fatal(err)
	}
	sub := func(old, new string) string {
		t.Helper()
		if !strings.Contains(armor, old) {
			t.Fatalf("no %q in %s", old, armor)
		}
		return strings.Replace(armor, old, new, 1)
	}
	field := func(name string) string {
		_, rest, _ := strings.Cut(armor, name+": ")
		value, _, _ := strings.Cut(rest, "\n")
		return value
	}
	for name, c := range map[string]struct {
		armor string
		want  error
	}{
		"another text":        {sub("own", "owe"), wallet.ErrMessageSignature},
		"a space more":        {sub("Really.", "Really. "), wallet.ErrMessageSignature},
		"a line more":         {sub("Really.", "Really.\n"), wallet.ErrMessageSignature},
		"another address":     {sub(m.Address.Encode("ing"), other.Address.Encode("ing")), wallet.ErrMessageSignature},
		"no address":          {sub(m.Address.Encode("ing"), "ing1"), core.ErrAddress},
		"another network's":   {sub(m.Address.Encode("ing"), m.Address.Encode("ingd")), core.ErrAddressNetwork},
		"another signature":   {sub(field("Signature"), strings.Repeat("A", 86)+"=="), wallet.ErrMessageSignature},
		"a short signature":   {sub(field("Signature"), "AAAA"), wallet.ErrMessage},
		"a long signature":    {sub(field("Signature"), strings.Repeat("A", 88)), wallet.ErrMessage},
		"a short key":         {sub(field("Public-Key"), "AAAA"), wallet.ErrMessage},
		"not base64":          {sub(field("Signature"), "!"), wallet.ErrMessage},
		"no begin":            {sub("-----BEGIN INGCHAIN SIGNED MESSAGE-----\n", ""), wallet.ErrMessage},
		"no end":              {sub("-----END INGCHAIN SIGNED MESSAGE-----\n", ""), wallet.ErrMessage},
		"no signature":        {sub("Signature: ", "Sig: "), wallet.ErrMessage},
		"a dash not escaped":  {sub("Really.", "-Really."), wallet.ErrMessage},
		"an escape too many":  {sub("Really.", "- Really."), wallet.ErrMessage},
		"a control character": {sub("Really.", "\x1b[2J"), wallet.ErrMessage},
		"text behind":         {armor + "and I agree", wallet.ErrMessage},
		"nothing":             {"", wallet.ErrMessage},
		"too long":            {strings.Repeat("x", 100_000), wallet.ErrMessage},
	} {
		if _, err := wallet.VerifyMessage(c.armor, "ing"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := wallet.VerifyMessage(armor, "ingd"); !errors.Is(err, core.ErrAddressNetwork) {
		t.Errorf("on another network: %v", err)
	}
	key := keyAt(t, testAccount(t, 0), wallet.Receive, 0)
	for _, text := range []string{"", "\xff", "bell\a", "\u0085", "pay \u202eecila", "\u2067x", strings.Repeat("x", wallet.MaxMessage+1)} {
		if _, err := wallet.SignMessage(key, "ing", text); !errors.Is(err, wallet.ErrMessage) {
			t.Errorf("signs %.20q: %v", text, err)
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, text := range []string{"hello", "- a\n-b", "한글\n"} {
		f.Add(signedMessage(f, text).String(), text)
	}
	key := keyAt(f, testAccount(f, 0), wallet.Receive, 0)
	f.Fuzz(func(t *testing.T, armor, text string) {
		if m, err := wallet.VerifyMessage(armor, "ing"); err == nil {
			if again, err := wallet.VerifyMessage(m.String(), "ing"); err != nil || again.Text != m.Text {
				t.Fatalf("does not read back: %v", err)
			}
		}
		m, err := wallet.SignMessage(key, "ing", text)
		if err != nil {
			return
		}
		if got, err := wallet.VerifyMessage(m.String(), "ing"); err != nil || got.Text != m.Text {
			t.Fatalf("what was signed does not verify: %v", err)
		}
	})
}

// The signature alone, with address and text beside it, says the same.
func TestMessageSignatureAlone(t *testing.T) {
	for _, text := range []string{"hello", "-dash\nand more\n", "한글"} {
		m := signedMessage(t, text)
		address := m.Address.Encode("ing")
		got, err := wallet.VerifySignature(address, text, m.Signature(), "ing")
		if err != nil || got.String() != m.String() {
			t.Fatalf("%q: %v", text, err)
		}
		other := signedMessage(t, text+"!")
		for name, c := range map[string]struct {
			address, text, word string
			want                error
		}{
			"another text":       {address, text + ".", m.Signature(), wallet.ErrMessageSignature},
			"another signature":  {address, text, other.Signature(), wallet.ErrMessageSignature},
			"another address":    {core.Address{}.Encode("ing"), text, m.Signature(), wallet.ErrMessageSignature},
			"another network":    {m.Address.Encode("ingd"), text, m.Signature(), core.ErrAddressNetwork},
			"short":              {address, text, m.Signature()[4:], wallet.ErrMessage},
			"no base64":          {address, text, "!" + m.Signature()[1:], wallet.ErrMessage},
			"control characters": {address, "\x1b", m.Signature(), wallet.ErrMessage},
		} {
			if _, err := wallet.VerifySignature(c.address, c.text, c.word, "ing"); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
	}
}
