package host

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
)

// FuzzReadIdentity: a key file is used if it holds a key that signs, and is
// refused otherwise; in no case is it changed.
func FuzzReadIdentity(f *testing.F) {
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(make([]byte, 64)))
	if err != nil {
		f.Fatal(err)
	}
	good, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:40])
	f.Add(append(bytes.Clone(good), 0))
	torn := bytes.Clone(good)
	torn[len(torn)-1] ^= 1
	f.Add(torn)
	f.Add([]byte{})
	f.Add(make([]byte, maxIdentityFile+1))
	secp, _, err := crypto.GenerateSecp256k1Key(bytes.NewReader(bytes.Repeat([]byte{7}, 64)))
	if err != nil {
		f.Fatal(err)
	}
	other, err := crypto.MarshalPrivateKey(secp)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(other)
	path := filepath.Join(f.TempDir(), "identity.key")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := LoadOrCreateIdentity(path)
		if now, readErr := os.ReadFile(path); readErr != nil || !bytes.Equal(now, raw) {
			t.Fatalf("the file has become %x: %v", now, readErr)
		}
		if err != nil {
			if !errors.Is(err, ErrIdentity) || bytes.Equal(raw, good) {
				t.Fatalf("%x: %v", raw, err)
			}
			return
		}
		if got.Type() != crypto.Ed25519 || !signs(got) {
			t.Fatalf("%x is a %v key that signs: %v", raw, got.Type(), signs(got))
		}
		again, err := crypto.MarshalPrivateKey(got)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := crypto.UnmarshalPrivateKey(again); err != nil || !back.Equals(got) {
			t.Fatalf("%x is read back otherwise: %v", again, err)
		}
	})
}

// FuzzReadPorts reads the file of remembered ports.
func FuzzReadPorts(f *testing.F) {
	f.Add([]byte(`{"p2p":8555,"websocket":8556}`))
	f.Add([]byte(`{"p2p":-1}`))
	f.Add([]byte(`{"websocket":65536}`))
	f.Add([]byte(`[]`))
	path := filepath.Join(f.TempDir(), "ports.json")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := readPorts(path)
		if err != nil {
			if p != (Ports{}) {
				t.Fatalf("%v with %+v", err, p)
			}
			return
		}
		if p.P2P < 0 || p.P2P > 65535 || p.WebSocket < 0 || p.WebSocket > 65535 {
			t.Fatalf("%s gives %+v", raw, p)
		}
	})
}
