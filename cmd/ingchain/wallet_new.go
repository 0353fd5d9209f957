package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// madeWallet is what the verbs that make a wallet print.
type madeWallet struct {
	Address string    `json:"address"` // the first one
	Network string    `json:"network"`
	Genesis core.Hash `json:"genesis"`
	DataDir string    `json:"data_dir"`
	// Payout is what mining pays if no other address is given.
	Payout   string   `json:"payout"`
	Language string   `json:"language,omitempty"`
	Words    []string `json:"words,omitempty"`
	// Used is how many addresses a search of the chain found; absent without one.
	Used *int `json:"used,omitempty"`
}

// seedFlags are the passphrase that belongs to the words (BIP-39).
type seedFlags struct {
	secretFlags
	ask bool
}

func (s *seedFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&s.ask, "seed-passphrase", false, "ask for a passphrase that belongs to the words, without which they restore nothing")
	s.register(cmd.Flags(), "seed-passphrase", "the passphrase that belongs to the words")
}

// read returns the passphrase of the words, mostly none.
func (s *seedFlags) read(ctx context.Context, a *app) (wallet.Passphrase, error) {
	if !s.ask && !s.given() {
		return wallet.Passphrase{}, nil
	}
	return a.newPassphrase(ctx, &s.secretFlags, "passphrase of the words")
}

func (w *walletVerbs) newCmd() *cobra.Command {
	var (
		words      int
		language   string
		passphrase secretFlags
		seed       seedFlags
	)
	cmd := &cobra.Command{
		Use: "new", Short: "Make a wallet and show its words, once",
		Long: `Make a wallet in the data directory. Its words are shown once: whoever has them
has the money, and without them a lost passphrase or disk is lost money. Mining
pays its first address from then on, unless another one was set.`,
		Example: `  ingchain wallet new
  ingchain wallet new --words 24 --language ko
  ingchain wallet new --passphrase-file secret.txt --json`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			lang, err := wallet.ParseLanguage(language)
			if err != nil || words != 12 && words != 24 {
				return usagef("--words %d --language %q, want 12 or 24 words, en or ko", words, language)
			}
			m, err := keystore.NewMnemonic(w.keys, words == 24, lang)
			if err != nil {
				return err
			}
			defer m.Wipe()
			p, _, err := w.make(cmd.Context(), &passphrase, &seed, func(context.Context) (wallet.Mnemonic, error) { return m, nil })
			if err != nil {
				return err
			}
			made, err := p.finish()
			if err != nil {
				return err
			}
			made.Language, made.Words = lang.String(), m.Reveal()
			return w.printMade(made)
		},
	}
	cmd.Flags().IntVar(&words, "words", 12, "how many words: 12 or 24")
	cmd.Flags().StringVar(&language, "language", "en", "language of the words: en or ko")
	passphrase.register(cmd.Flags(), "passphrase", "the wallet's passphrase")
	seed.add(cmd)
	return cmd
}

// make makes the wallet of words that take gets, and binds the directory to the
// network. It returns the passphrase as well, for whoever goes on to unlock it.
func (w *walletVerbs) make(ctx context.Context, passphrase *secretFlags, seed *seedFlags, take func(context.Context) (wallet.Mnemonic, error)) (*purse, wallet.Passphrase, error) {
	var secret wallet.Passphrase
	rules, err := w.rules()
	if err != nil {
		return nil, secret, err
	}
	if err := w.vacant(); err != nil {
		return nil, secret, err // before anybody types
	}
	m, err := take(ctx)
	if err != nil {
		return nil, secret, err
	}
	extra, err := seed.read(ctx, w.app)
	if err != nil {
		return nil, secret, err
	}
	if secret, err = w.newPassphrase(ctx, passphrase, "passphrase of the wallet"); err != nil {
		return nil, secret, err
	}
	if err := node.BindNetwork(w.dataDir, rules); err != nil {
		return nil, secret, err
	}
	store, err := keystore.Create(w.dataDir, rules, m, extra, secret, unixNow(), w.keys)
	if err != nil {
		return nil, secret, err
	}
	return &purse{w, rules, store}, secret, nil
}

// vacant fails if there are keys already.
func (w *walletVerbs) vacant() error {
	path := filepath.Join(w.dataDir, keystore.SecretFile)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%w (%s)", keystore.ErrExists, path)
	}
	return nil
}

// finish hands out the first address of a new wallet and lets mining pay it.
func (p *purse) finish() (madeWallet, error) {
	made := madeWallet{Network: p.rules.Params().Name, Genesis: p.rules.GenesisID(), DataDir: p.dataDir}
	st, err := p.store.State()
	if err != nil {
		return made, err
	}
	own, _ := st.Current(0)
	if len(st.Handed(0, wallet.Receive)) == 0 {
		if own, err = p.store.NewAddress(0); err != nil {
			return made, err
		}
	}
	made.Address = p.text(own.Address)
	made.Payout, err = p.setPayout(made.Address)
	return made, err
}

// setPayout lets mining pay an address, unless it pays another one already. It
// returns the one that it pays.
func (a *app) setPayout(address string) (string, error) {
	path := filepath.Join(a.dataDir, payoutFile)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return address, writeWhole(path, func(w io.Writer) error {
			_, err := io.WriteString(w, address+"\n")
			return err
		})
	case err != nil:
		return "", fmt.Errorf("read the payout address: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

func (w *walletVerbs) printMade(made madeWallet) error {
	if made.Payout != made.Address {
		fmt.Fprintf(w.err, "note: the file %s names another address, %s; mining goes on paying that one\n", payoutFile, clean(made.Payout))
	}
	return w.print(made, func(out io.Writer) {
		if len(made.Words) > 0 {
			printWords(w, out, made.Words)
		}
		rows := [][2]string{{"address", made.Address}, {"network", made.Network}, {"data", made.DataDir}}
		if made.Used != nil {
			rows = append(rows, [2]string{"found", counted(*made.Used, "address in use", "addresses in use")})
		}
		pairs(out, rows)
	})
}

// printWords writes the words in numbered columns, and on standard error what
// they are.
func printWords(w *walletVerbs, out io.Writer, words []string) {
	fmt.Fprint(w.err, `These words are the wallet. Write them down, in this order, and keep them where
nobody else finds them: whoever has them can spend all of it, and without them a
lost disk or passphrase is lost money. They are not shown again by themselves.

`)
	const columns = 4
	var rows [][]string
	for i := 0; i < len(words); i += columns {
		var row []string
		for j := i; j < min(i+columns, len(words)); j++ {
			row = append(row, fmt.Sprintf("%2d. %s", j+1, words[j]))
		}
		rows = append(rows, row)
	}
	grid(out, rows)
	fmt.Fprintln(out)
}
