package host

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
)

func TestIdentityIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "identity.key")
	made, err := LoadOrCreateIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadOrCreateIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	if !made.Equals(loaded) {
		t.Error("the second start has another key")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("%d files in the directory (%v), want the key only", len(files), err)
	}
}

func TestUnusableIdentity(t *testing.T) {
	rsa, _, err := crypto.GenerateRSAKeyPair(2048, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rawRSA, err := crypto.MarshalPrivateKey(rsa)
	if err != nil {
		t.Fatal(err)
	}
	good, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := crypto.MarshalPrivateKey(good)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		data []byte
		mode os.FileMode
		want string
	}{
		{"readable by the group", raw, 0o640, "chmod 600"},
		{"empty", nil, 0o600, "restore it from a copy"},
		{"cut", raw[:len(raw)-1], 0o600, "restore it from a copy"},
		{"one byte altered", append(bytes.Clone(raw[:len(raw)-1]), raw[len(raw)-1]^1), 0o600, "restore it from a copy"},
		{"too big", make([]byte, maxIdentityFile+1), 0o600, "too big"},
		{"RSA", rawRSA, 0o600, "restore it from a copy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.mode != 0o600 && runtime.GOOS == "windows" {
				t.Skip("Windows has no such modes")
			}
			path := filepath.Join(t.TempDir(), "identity.key")
			if err := os.WriteFile(path, tt.data, tt.mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadOrCreateIdentity(path)
			if !errors.Is(err, ErrIdentity) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want ErrIdentity naming the file and %q", err, tt.want)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(after, tt.data) {
				t.Error("the file was changed")
			}
		})
	}
}
