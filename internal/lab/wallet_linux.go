package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// passphrase is that of all the laboratory's wallets; nothing here is worth
	// another.
	passphrase = "correct horse battery staple"

	// unlockTimeout bounds verbs that open a keystore, which takes a second of
	// one core and 256 MiB by design.
	unlockTimeout = time.Minute
)

// Wallet is the wallet in a node's data directory. The node must run.
type Wallet struct {
	Node    *Node
	Address string   // its first one to receive
	Words   []string // of its seed
	secret  string   // path of the file with the passphrase
}

// NewWallet makes a wallet; args are further ones of "wallet new".
func (n *Node) NewWallet(args ...string) *Wallet {
	n.Host.net.tb.Helper()
	return n.makeWallet(append([]string{"new"}, args...)...)
}

// RestoreWallet makes a wallet of words that are written into a file as they
// are given.
func (n *Node) RestoreWallet(words string) *Wallet {
	n.Host.net.tb.Helper()
	return n.makeWallet("restore", "--words-file", n.secretFile("words", words))
}

func (n *Node) makeWallet(args ...string) *Wallet {
	n.Host.net.tb.Helper()
	w := &Wallet{Node: n, secret: n.secretFile("passphrase", passphrase)}
	var made struct {
		Address string   `json:"address"`
		Words   []string `json:"words"`
	}
	if err := w.unlocking(&made, append(args, "--network", n.cfg.Network)...); err != nil {
		n.Host.net.tb.Fatal(err)
	}
	if made.Address == "" {
		n.Host.net.tb.Fatalf("lab: wallet %s on node %s told no address", args[0], n.Name)
	}
	w.Address, w.Words = made.Address, made.Words
	return w
}

// secretFile writes a file beside the node's data directory.
func (n *Node) secretFile(name, text string) string {
	n.Host.net.tb.Helper()
	path := filepath.Join(n.Host.dir, n.Name+"."+name)
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		n.Host.net.tb.Fatalf("lab: %v", err)
	}
	return path
}

// unlocking runs a verb of the wallet that takes the passphrase.
func (w *Wallet) unlocking(v any, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), unlockTimeout)
	defer cancel()
	all := append([]string{"wallet"}, args...)
	return w.Node.JSONContext(ctx, v, append(all, "--passphrase-file", w.secret)...)
}

// Send pays an amount, in ING, without asking; args are further ones of
// "wallet send".
func (w *Wallet) Send(to, amount string, args ...string) (Payment, error) {
	var p Payment
	err := w.unlocking(&p, append([]string{"send", to, amount, "--yes"}, args...)...)
	return p, err
}

// MustSend is [Wallet.Send] that ends the test on failure.
func (w *Wallet) MustSend(to, amount string, args ...string) Payment {
	w.Node.Host.net.tb.Helper()
	p, err := w.Send(to, amount, args...)
	if err != nil {
		w.Node.Host.net.tb.Fatal(err)
	}
	if p.TxID == "" {
		w.Node.Host.net.tb.Fatalf("lab: wallet send on node %s told no txid", w.Node.Name)
	}
	return p
}

// Resend sends a payment's bytes again.
func (w *Wallet) Resend(txid string) error { return w.Node.JSON(nil, "wallet", "resend", txid) }

// Balance is "wallet balance".
func (w *Wallet) Balance() (Balance, error) {
	var b Balance
	err := w.Node.JSON(&b, "wallet", "balance")
	return b, err
}

// MustBalance is [Wallet.Balance] that ends the test on failure.
func (w *Wallet) MustBalance() Balance {
	w.Node.Host.net.tb.Helper()
	b, err := w.Balance()
	if err != nil {
		w.Node.Host.net.tb.Fatal(err)
	}
	return b
}

// History is "wallet history", the newest first.
func (w *Wallet) History() ([]HistoryRow, error) {
	var rows []HistoryRow
	err := w.Node.JSON(&rows, "wallet", "history")
	return rows, err
}

// Row is the row of a transaction in the wallet's history.
func (w *Wallet) Row(txid string) (HistoryRow, error) {
	rows, err := w.History()
	if err != nil {
		return HistoryRow{}, err
	}
	var ids []string
	for _, r := range rows {
		if r.TxID == txid {
			return r, nil
		}
		ids = append(ids, fmt.Sprintf("%.12s", r.TxID))
	}
	return HistoryRow{}, fmt.Errorf("%s's history lacks %.12s, it has: %s", w.Node.Name, txid, strings.Join(ids, " "))
}

// InPool returns nil if a transaction is in the node's pool.
func (n *Node) InPool(txid string) error {
	var pool []struct {
		TxID string `json:"txid"`
	}
	if err := n.JSON(&pool, "mempool", "ls"); err != nil {
		return err
	}
	for _, tx := range pool {
		if tx.TxID == txid {
			return nil
		}
	}
	return fmt.Errorf("%s's pool of %d lacks %.12s", n.Name, len(pool), txid)
}
