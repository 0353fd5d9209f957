package wallet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestSecretsNeverPrint writes every secret in every way, bare and inside of
// other values.
func TestSecretsNeverPrint(t *testing.T) {
	m, err := ParseMnemonic("legal winner thank year wave sausage worth useful legal winner thank yellow")
	if err != nil {
		t.Fatal(err)
	}
	pass := NewPassphrase("correct horse")
	seed, err := m.Seed(pass)
	if err != nil {
		t.Fatal(err)
	}
	account, err := seed.Account(0)
	if err != nil {
		t.Fatal(err)
	}
	key, err := account.Key(Receive, 0)
	if err != nil {
		t.Fatal(err)
	}

	words := m.box.get().words
	tells := []string{"winner", "legal", "horse", fmt.Sprint(words[:3])[1:], fmt.Sprintf("%#v", words[:3])[6:]}
	for _, raw := range [][]byte{seed.Reveal(), account.branches.get()[0].key[:], account.branches.get()[1].chain[:], key.box.get().seed[:]} {
		tells = append(tells, fmt.Sprintf("%x", raw[:6]), fmt.Sprintf("%X", raw[:6]), strings.Trim(fmt.Sprintf("%d", raw[:6]), "[]"),
			strings.Trim(fmt.Sprintf("%#v", raw[:6])[6:], "{}"), strings.Trim(fmt.Sprintf("%x", []int{int(raw[0]), int(raw[1]), int(raw[2]), int(raw[3])}), "[]"),
			strings.Trim(fmt.Sprintf("%o", raw[:6]), "[]"), fmt.Sprintf("%q", raw[:6]))
	}
	check := func(how, s string) {
		t.Helper()
		for _, tell := range tells {
			if strings.Contains(s, tell) {
				t.Errorf("%s shows %q: %.200s", how, tell, s)
			}
		}
	}
	secrets := []any{m, &m, pass, &pass, seed, &seed, account, &account, key, &key,
		struct{ S any }{seed}, struct{ hidden Seed }{seed}, struct{ hidden Passphrase }{pass}, &struct{ hidden Seed }{seed},
		struct{ hidden *Mnemonic }{&m}, struct{ hidden Mnemonic }{m}, struct{ hidden Account }{account}, struct{ hidden Key }{key},
		struct{ hidden []Key }{[]Key{key}}, struct{ hidden map[string]Seed }{map[string]Seed{"s": seed}}, struct{ hidden any }{seed},
		[]Key{key}, map[string]Passphrase{"p": pass}, map[string]any{"m": m}, fmt.Errorf("%w: %v %v", errors.New("x"), seed, m)}
	for i, s := range secrets {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%+s", "%#s", "%q", "%x", "% x", "%X", "%d", "%o", "%b", "%c", "%U", "%e", "%T", "%p", "%t", "%10.3v", "%w", "%!"} {
			check(fmt.Sprintf("%d %s", i, verb), fmt.Sprintf(verb, s))
		}
		b, err := json.Marshal(s)
		check(fmt.Sprintf("%d json", i), string(b)+fmt.Sprint(err))
		var buf bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&buf, nil), slog.NewJSONHandler(&buf, nil)} {
			slog.New(h).Info("x", "secret", s, slog.Group("g", "secret", s))
		}
		check(fmt.Sprintf("%d slog", i), buf.String())
	}
	if got := key.String() + seed.GoString() + account.String() + pass.String() + m.GoString(); got != strings.Repeat(hidden, 5) {
		t.Error(got)
	}
	if got := fmt.Sprintf("%s %v %x %#v", pass, key, seed, m); got != "[secret] [secret] [secret] [secret]" {
		t.Error(got)
	}
}
