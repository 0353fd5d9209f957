package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// maxSecretText bounds a passphrase or the words of a seed, in bytes.
const maxSecretText = wallet.MaxMnemonicText

// secretFlags are the ways to give a secret to a verb: a file or a descriptor,
// never an argument or a variable, which others on the machine can read.
type secretFlags struct {
	file string
	fd   int
	name string // of the flags, before -file and -fd
	what string
}

// register adds the flags NAME-file and NAME-fd.
func (s *secretFlags) register(f *pflag.FlagSet, name, what string) {
	s.name, s.what = name, what
	f.StringVar(&s.file, name+"-file", "", "file with "+what)
	f.IntVar(&s.fd, name+"-fd", -1, "open file descriptor to read "+what+" from")
}

func (s *secretFlags) given() bool { return s.file != "" || s.fd >= 0 }

// read returns the secret without one line end behind it.
func (s *secretFlags) read(a *app) (string, error) {
	if s.file != "" && s.fd >= 0 {
		return "", usagef("--%s-file and --%s-fd are both given", s.name, s.name)
	}
	in := a.in
	switch {
	case s.fd == 0: // standard input, by whatever handle a system knows it
	case s.fd > 0:
		f := os.NewFile(uintptr(s.fd), fmt.Sprintf("descriptor %d", s.fd))
		if f == nil {
			return "", usagef("--%s-fd %d is not open", s.name, s.fd)
		}
		in = f
	case s.file != stdFile:
		f, err := os.Open(s.file)
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%w: %w", api.ErrNotFound, err)
		}
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxSecretText+1))
	defer clear(b)
	if err != nil {
		return "", fmt.Errorf("read what --%s-%s names: %w", s.name, map[bool]string{true: "file", false: "fd"}[s.fd < 0], err)
	}
	if len(b) > maxSecretText {
		return "", usagef("--%s-file or -fd: more than %d bytes", s.name, maxSecretText)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
}

// canGive reports whether a secret can be had: from the flags, or by asking.
func (a *app) canGive(s *secretFlags) error {
	if s.given() {
		return nil
	}
	if _, ok := a.terminal(); !ok {
		return withHint(usagef("%s is missing, and without a terminal nothing asks for it", s.what), "give --%s-file FILE or --%s-fd N", s.name, s.name)
	}
	return nil
}

// secret returns what the flags name, else what a person types unseen.
func (a *app) secret(ctx context.Context, s *secretFlags, question string) (string, error) {
	if s.given() {
		return s.read(a)
	}
	if err := a.canGive(s); err != nil {
		return "", err
	}
	return a.askSecret(ctx, question)
}

// newPassphrase returns a passphrase to be: a person types it twice.
func (a *app) newPassphrase(ctx context.Context, s *secretFlags, what string) (wallet.Passphrase, error) {
	for range maxAsks {
		first, err := a.secret(ctx, s, "New "+what+": ")
		if err != nil {
			return wallet.Passphrase{}, err
		}
		if first == "" {
			if s.given() {
				return wallet.Passphrase{}, keystore.ErrEmpty
			}
			fmt.Fprintln(a.err, "It is empty: try again.")
			continue
		}
		if s.given() {
			return wallet.NewPassphrase(first), nil
		}
		second, err := a.askSecret(ctx, "The same again: ")
		if err != nil {
			return wallet.Passphrase{}, err
		}
		if first == second {
			return wallet.NewPassphrase(first), nil
		}
		fmt.Fprintln(a.err, "They differ: try again.")
	}
	return wallet.Passphrase{}, errors.New("no passphrase was given twice alike")
}

// unlock opens a wallet. At a terminal a wrong passphrase is asked for again.
func (a *app) unlock(ctx context.Context, store *keystore.Store, s *secretFlags) (*keystore.Unlocked, error) {
	if _, err := store.SecretBytes(); err != nil {
		return nil, err // before anybody types
	}
	for try := 1; ; try++ {
		text, err := a.secret(ctx, s, "Passphrase of the wallet: ")
		if err != nil {
			return nil, err
		}
		u, err := store.Unlock(wallet.NewPassphrase(text))
		if err == nil || !errors.Is(err, keystore.ErrPassphrase) && !errors.Is(err, keystore.ErrEmpty) || s.given() || try == maxAsks {
			return u, err
		}
		fmt.Fprintln(a.err, "Wrong passphrase: try again.")
	}
}
