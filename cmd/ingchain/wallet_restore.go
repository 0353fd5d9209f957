package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/spf13/cobra"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/node"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

// maxKeystoreFile bounds a keystore file from elsewhere, in bytes.
const maxKeystoreFile = 8 << 20

// sinceNever asks for no transactions of the chain: no block is as high.
const sinceNever = math.MaxUint32

func (w *walletVerbs) restoreCmd() *cobra.Command {
	var (
		words, passphrase secretFlags
		seed              seedFlags
		rescan            bool
	)
	cmd := &cobra.Command{
		Use: "restore", Short: "Make a wallet of its words, or rebuild its list of addresses",
		Long: `Make the wallet that words stand for and look for its addresses on the chain.
Without a running node they are looked for later, as the wallet is used.

--rescan keeps the wallet that is here and rebuilds wallet.json, its list of
addresses, from the keys and the chain.`,
		Example: `  ingchain wallet restore
  ingchain wallet restore --words-file words.txt --passphrase-file secret.txt
  ingchain wallet restore --rescan`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rescan {
				if words.given() || seed.given() || seed.ask {
					return usagef("--rescan takes no words: it goes by the wallet that is here")
				}
				return w.rescan(cmd.Context(), &passphrase)
			}
			return w.restore(cmd.Context(), &words, &passphrase, &seed)
		},
	}
	cmd.Flags().BoolVar(&rescan, "rescan", false, "rebuild the list of addresses of the wallet that is here")
	words.register(cmd.Flags(), "words", "the words")
	passphrase.register(cmd.Flags(), "passphrase", "the wallet's passphrase")
	seed.add(cmd)
	return cmd
}

func (w *walletVerbs) restore(ctx context.Context, words, passphrase *secretFlags, extra *seedFlags) error {
	var m wallet.Mnemonic
	defer func() { m.Wipe() }()
	p, secret, err := w.make(ctx, passphrase, extra, func(ctx context.Context) (_ wallet.Mnemonic, err error) {
		m, err = w.takeWords(ctx, words)
		return m, err
	})
	if err != nil {
		return err
	}
	return p.finishSearched(ctx, secret)
}

// takeWords reads the words of a seed.
func (w *walletVerbs) takeWords(ctx context.Context, words *secretFlags) (wallet.Mnemonic, error) {
	for try := 1; ; try++ {
		text, err := w.secret(ctx, words, "Words (they are not shown): ")
		if err != nil {
			return wallet.Mnemonic{}, err
		}
		m, err := wallet.ParseMnemonic(text)
		if err == nil || words.given() || try == maxAsks {
			return m, err
		}
		fmt.Fprintf(w.err, "%s. Try again.\n", clean(err.Error()))
	}
}

// finishSearched looks for the addresses of a wallet that was made of words or a
// file, by what the node knows. It is no failure if none runs: each use of the
// wallet goes on from the addresses known.
func (p *purse) finishSearched(ctx context.Context, secret wallet.Passphrase) error {
	used, err := p.searchNew(ctx, secret)
	if err != nil {
		return withHint(fmt.Errorf("the wallet is made; the search for its addresses failed: %w", err),
			"'ingchain wallet restore --rescan%s' repeats the search", p.dataDirArg())
	}
	made, err := p.finish()
	if err != nil {
		return err
	}
	made.Used = used
	return p.printMade(made)
}

func (p *purse) searchNew(ctx context.Context, secret wallet.Passphrase) (*int, error) {
	c, err := p.connect(ctx)
	if errors.Is(err, api.ErrUnreachable) {
		fmt.Fprintln(p.err, "note: no node runs here, so the wallet's addresses are looked for later, when 'wallet balance' or another verb asks one")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer c.Close()
	u, err := p.store.Unlock(secret)
	if err != nil {
		return nil, err
	}
	defer u.Close()
	used, err := p.search(ctx, c, u)
	return &used, err
}

func (w *walletVerbs) rescan(ctx context.Context, passphrase *secretFlags) error {
	p, err := w.open()
	if err != nil {
		return err
	}
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	_, lost := p.store.State()
	u, err := w.unlock(ctx, p.store, passphrase)
	if err != nil {
		return err
	}
	defer u.Close()
	used, err := p.search(ctx, c, u)
	if err != nil {
		return err
	}
	made, err := p.finish()
	if err != nil {
		return err
	}
	if errors.Is(lost, keystore.ErrPublic) || errors.Is(lost, keystore.ErrOld) {
		fmt.Fprintln(w.err, "warning: with the list the ids of former payments are lost: 'wallet send' with the --id of one of them pays it again")
	}
	made.Used = &used
	return w.printMade(made)
}

// search finds the addresses of an open wallet that anybody has used, those of
// further accounts too, and rebuilds the list of addresses.
func (p *purse) search(ctx context.Context, c *api.Client, u *keystore.Unlocked) (used int, err error) {
	found := map[uint32]*wallet.Found{}
	scan := func(n uint32) (*wallet.Found, error) {
		account, err := u.Peek(n)
		if err != nil {
			return nil, err
		}
		defer account.Wipe()
		return wallet.Scan(account, p.usedBy(ctx, c))
	}
	var last uint32
	for _, n := range u.Accounts() {
		if found[n], err = scan(n); err != nil {
			return 0, err
		}
		used, last = used+len(found[n].Used), max(last, n)
	}
	// The list must be in order before an account is added to it.
	if err := p.store.Rebuild(u, found); err != nil {
		return 0, err
	}
	for len(found[last].Used) > 0 {
		last++
		if found[last], err = scan(last); err != nil || len(found[last].Used) == 0 {
			return used, err
		}
		if _, err := u.AddAccount(); err != nil {
			return 0, err
		}
		used += len(found[last].Used)
		if err := p.store.Rebuild(u, map[uint32]*wallet.Found{last: found[last]}); err != nil {
			return 0, err
		}
	}
	return used, nil
}

// usedBy asks the node which addresses anybody has used.
func (p *purse) usedBy(ctx context.Context, c *api.Client) func([]core.Address) ([]bool, error) {
	return func(addresses []core.Address) ([]bool, error) {
		q := api.WalletQuery{Since: sinceNever}
		for _, a := range addresses {
			q.Addresses = append(q.Addresses, p.text(a))
		}
		v, err := c.WalletView(ctx, q)
		if err != nil {
			return nil, err
		}
		var used []bool
		for _, a := range v.Addresses {
			used = append(used, a.Used)
		}
		return used, nil
	}
}

func (w *walletVerbs) importCmd() *cobra.Command {
	var passphrase secretFlags
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Take over a wallet from a copy of its file",
		Example: "  ingchain wallet import backup.age", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			rules, err := w.rules()
			if err != nil {
				return err
			}
			if err := w.vacant(); err != nil {
				return err
			}
			file, err := readInput(w.app, operands[0], maxKeystoreFile)
			if err != nil {
				return err
			}
			text, err := w.secret(cmd.Context(), &passphrase, "Passphrase of the file: ")
			if err != nil {
				return err
			}
			secret := wallet.NewPassphrase(text)
			store, err := keystore.Import(w.dataDir, rules, file, secret, w.keys)
			if err != nil {
				return err
			}
			if err := node.BindNetwork(w.dataDir, rules); err != nil {
				return err
			}
			p := &purse{w, rules, store}
			return p.finishSearched(cmd.Context(), secret)
		},
	}
	passphrase.register(cmd.Flags(), "passphrase", "the file's passphrase")
	return cmd
}

func (w *walletVerbs) exportCmd() *cobra.Command {
	var passphrase secretFlags
	var words bool
	cmd := &cobra.Command{
		Use: "export FILE", Short: "Copy the encrypted wallet, or show its words",
		Long: `Copy the encrypted wallet to a file that is not there yet; it opens with the same
passphrase, here ('wallet import') or with the age tool. The file - is standard
output. --words shows the words instead, for which it takes the passphrase.`,
		Example: `  ingchain wallet export backup.age
  ingchain wallet export --words`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, operands []string) error {
			if words != (len(operands) == 0) {
				return withHint(usagef("want either a file or --words"), "usage: %s", cmd.UseLine())
			}
			p, err := w.open()
			if err != nil {
				return err
			}
			if words {
				return p.showWords(cmd.Context(), &passphrase)
			}
			file, err := p.store.SecretBytes()
			if err != nil {
				return err
			}
			return w.writeNew(operands[0], file)
		},
	}
	cmd.Flags().BoolVar(&words, "words", false, "show the words")
	passphrase.register(cmd.Flags(), "passphrase", "the wallet's passphrase")
	return cmd
}

// writtenFile is what verbs print that write a file.
type writtenFile struct {
	File  string `json:"file"`
	Bytes int    `json:"bytes"`
}

// writeNew writes a file of the owner's alone, never over one that is there, and
// says so.
func (a *app) writeNew(path string, data []byte) error {
	if path == stdFile {
		if a.json {
			return usagef("--json would mix with the file on standard output; name a file")
		}
		_, err := a.out.Write(data)
		return err
	}
	if err := newFile(path, data); err != nil {
		return err
	}
	written := writtenFile{path, len(data)}
	return a.print(written, func(w io.Writer) { fmt.Fprintf(w, "wrote %s, %s bytes\n", path, grouped(written.Bytes)) })
}

func newFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already and is not written over", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path) // a torn copy is worse than none
	}
	return err
}

func (p *purse) showWords(ctx context.Context, passphrase *secretFlags) error {
	u, err := p.unlock(ctx, p.store, passphrase)
	if err != nil {
		return err
	}
	defer u.Close()
	m, withPassphrase, err := u.Mnemonic()
	if err != nil {
		return err
	}
	defer m.Wipe()
	if withPassphrase {
		fmt.Fprintln(p.err, "note: a passphrase belongs to these words, which is kept nowhere; without it they restore another wallet")
	}
	shown := struct {
		Language   string   `json:"language"`
		Words      []string `json:"words"`
		Passphrase bool     `json:"words_passphrase"`
	}{m.Language().String(), m.Reveal(), withPassphrase}
	return p.print(shown, func(out io.Writer) { printWords(p.walletVerbs, out, shown.Words) })
}
