package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/wallet"
)

// upCommand is a command with every setting, and the flags that it has.
func upCommand() *cobra.Command {
	a := &app{}
	root := a.root()
	for _, c := range root.Commands() {
		if c.Name() == "up" {
			c.Flags().AddFlagSet(root.PersistentFlags())
			return c
		}
	}
	return nil
}

// FuzzSettings reads settings files. A file that is accepted means what the same
// values mean as flags; one that isn't is a usage error and names the file.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{
		"", "mine = true\nmine_threads = 2\napi = \"none\"\n", "listen = [\"/ip4/127.0.0.1/tcp/0\", \"x\"]\npeer = []\n",
		"mine = \"yes\"", "mine_threads = 1.5", "mine_threads = -9223372036854775808", "network = 7", "listen = \"x\"", "listen = [1]",
		"unknown = 1", "[mine]\nx = 1", "api = 1979-05-27", "log_level = \"debug\"\nlog_level = \"info\"", "mdns = false\n\x00", "Mine = true", "mine-to = \"x\"",
	} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), settingsFile)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := upCommand()
		err := applySettings(cmd, path)
		if err != nil {
			if exitCode(err) != exitUsage || !strings.Contains(err.Error(), path) {
				t.Fatalf("%q: exit status %d, %v", raw, exitCode(err), err)
			}
			return
		}
		var values map[string]any
		if err := toml.Unmarshal(raw, &values); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		other := upCommand()
		for key, v := range values {
			name := strings.ReplaceAll(key, "_", "-")
			flag := other.Flags().Lookup(name)
			if flag == nil || strings.Contains(key, "-") {
				t.Fatalf("%q: key %q is accepted", raw, key)
			}
			many, isList := v.([]any)
			if _, takes := flag.Value.(pflag.SliceValue); isList && !takes {
				t.Fatalf("%q: %s is a list", raw, key)
			}
			if _, isText := v.(string); flag.Value.Type() == "string" && !isText {
				t.Fatalf("%q: %s is no text", raw, key)
			}
			if !isList {
				many = []any{v}
			}
			for _, one := range many {
				if err := other.Flags().Set(name, toText(one)); err != nil {
					t.Fatalf("%q: as a flag: %v", raw, err)
				}
			}
		}
		other.Flags().VisitAll(func(want *pflag.Flag) {
			if got := cmd.Flags().Lookup(want.Name); got.Value.String() != want.Value.String() {
				t.Fatalf("%q: %s is %s, as a flag %s", raw, want.Name, got.Value, want.Value)
			}
		})
	})
}

func toText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return "neither text nor number"
}

// asked notes which block a verb looks for.
type asked struct {
	api.ChainReader
	id     core.Hash
	height uint32
	byID   bool
}

func (a *asked) BlockByID(_ context.Context, id core.Hash, _ bool) (api.BlockDetail, error) {
	a.id, a.byID = id, true
	return api.BlockDetail{}, nil
}

func (a *asked) BlockByHeight(_ context.Context, height uint32, _ bool) (api.BlockDetail, error) {
	a.height = height
	return api.BlockDetail{}, nil
}

// FuzzParseBlockRef: an operand is a height, an id, or a usage error.
func FuzzParseBlockRef(f *testing.F) {
	for _, s := range []string{"0", "4294967295", "4294967296", "-1", "+1", "0x1", "1_0", core.Hash{1}.String(), strings.Repeat("1", 64), strings.Repeat("G", 64), ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		find, err := parseBlockRef(s)
		if err != nil {
			if exitCode(err) != exitUsage {
				t.Fatalf("%q: exit status %d, %v", s, exitCode(err), err)
			}
			return
		}
		var a asked
		if _, err := find(t.Context(), &a, false); err != nil {
			t.Fatal(err)
		}
		again := strconv.FormatUint(uint64(a.height), 10)
		if a.byID {
			again = a.id.String()
		}
		if s != again && strings.TrimLeft(s, "0") != again && strings.Trim(s, "0") != "" {
			t.Fatalf("%q asks for %s", s, again)
		}
	})
}

// FuzzClean: whatever a peer or a node says, one line of text comes of it that
// moves no cursor and turns no direction; what is harmless stays.
func FuzzClean(f *testing.F) {
	f.Add("ingchain/1.0")
	f.Add("a\x1b[2Jb\r\nc\u202ed\u0085\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if !utf8.ValidString(got) || clean(got) != got {
			t.Fatalf("%q becomes %q", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%q becomes %q with %U", s, got, r)
			}
		}
		if printable := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0; printable && got != s {
			t.Fatalf("%q becomes %q", s, got)
		}
		var out bytes.Buffer
		pairs(&out, [][2]string{{"k", s}})
		if n := strings.Count(out.String(), "\n"); n != 1 {
			t.Fatalf("%q takes %d lines", s, n)
		}
	})
}

// FuzzReadTx: what somebody hands over as a transaction or a draft is one, or a
// usage error or that of another network; what is one can be shown.
func FuzzReadTx(f *testing.F) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		f.Fatal(err)
	}
	coinbase := core.NewCoinbase(1, 5, core.Address{}, nil)
	raw := coinbase.AppendTo(nil)
	f.Add(raw)
	f.Add([]byte(hex.EncodeToString(raw)))
	f.Add([]byte(`{"ingchain_draft":1,"network":"dev"}`))
	f.Add([]byte(" \n"))
	path := filepath.Join(f.TempDir(), "tx")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		tx, d, err := readTx(&app{}, path, rules)
		switch {
		case err != nil:
			if code := exitCode(err); tx != nil || d != nil || code != exitUsage && code != exitNotAllowed && !errors.Is(err, wallet.ErrDraftSignature) {
				t.Fatalf("%q: exit status %d, %v", data, code, err)
			}
		case d != nil:
			printDraft(io.Discard, d.Summary())
		default:
			var out bytes.Buffer
			detail := describeTx(tx, rules.Params().AddressPrefix)
			printTx(&out, detail)
			if again, _, err := readTx(&app{}, detail.Raw, rules); len(detail.Raw) >= 40 && (err != nil || again.ID() != tx.ID()) {
				t.Fatalf("%q: its hexadecimal is not it: %v", data, err)
			}
		}
	})
}
