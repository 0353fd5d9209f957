package host

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"

	"github.com/libp2p/go-libp2p/core/crypto"

	"github.com/ingchain/ingchain/internal/atomicfile"
)

// maxIdentityFile is the largest key file that is read, in bytes. A marshalled
// Ed25519 key has 68.
const maxIdentityFile = 1 << 10

// ErrIdentity is wrapped by every error about a key file that exists and
// cannot be used.
var ErrIdentity = errors.New("unusable identity file")

// LoadOrCreateIdentity reads the node's Ed25519 key from path, or makes one and
// writes it there, mode 0600. The key is the node's peer id and nothing else;
// it signs no transaction.
//
// A file that is damaged or that others can read is an error that wraps
// ErrIdentity: replacing it silently would change the peer id behind the
// owner's back.
func LoadOrCreateIdentity(path string) (crypto.PrivKey, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createIdentity(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open identity: %w", err)
	}
	defer f.Close()
	return readIdentity(f)
}

func readIdentity(f *os.File) (crypto.PrivKey, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrIdentity, f.Name())
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s can be read by others (mode %04o): run `chmod 600 %s`",
			ErrIdentity, f.Name(), info.Mode().Perm(), f.Name())
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxIdentityFile+1))
	if err != nil {
		return nil, fmt.Errorf("read identity: %w", err)
	}
	const remedy = "restore it from a copy, or remove it to start with a new peer id"
	if len(raw) > maxIdentityFile {
		return nil, fmt.Errorf("%w: %s is too big for a key: %s", ErrIdentity, f.Name(), remedy)
	}
	key, err := crypto.UnmarshalPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is damaged (%w): %s", ErrIdentity, f.Name(), err, remedy)
	}
	if key.Type() != crypto.Ed25519 {
		return nil, fmt.Errorf("%w: %s holds a %s key, not Ed25519: %s", ErrIdentity, f.Name(), key.Type(), remedy)
	}
	if !signs(key) {
		return nil, fmt.Errorf("%w: %s is damaged (its two halves do not match): %s", ErrIdentity, f.Name(), remedy)
	}
	return key, nil
}

// signs reports whether the key's signatures verify. The encoding has no
// checksum, so a flipped bit is noticed only by use.
func signs(key crypto.PrivKey) bool {
	msg := []byte("ingchain identity check")
	sig, err := key.Sign(msg)
	if err != nil {
		return false
	}
	ok, err := key.GetPublic().Verify(msg, sig)
	return ok && err == nil
}

func createIdentity(path string) (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate identity: %w", err)
	}
	raw, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode identity: %w", err)
	}
	if err := atomicfile.Write(path, raw); err != nil {
		return nil, fmt.Errorf("save identity: %w", err)
	}
	return key, nil
}
