//go:build linux && multihost

package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/lab"
)

const (
	// ing is grains in 1 ING.
	ing = 100_000_000

	// subsidy is what a block of the laboratory's networks makes.
	subsidy = 5 * ing

	// maturity is how many blocks after its own a coinbase may be spent in, on
	// the networks that these tests pay on.
	maturity = 2

	// moneyPrefix begins the addresses of these networks.
	moneyPrefix = "inglb"

	// pendingLimit is how soon the payee's wallet must show a payment.
	pendingLimit = time.Second

	// confirmedLimit is how soon a block's payments must be confirmed elsewhere.
	confirmedLimit = 5 * time.Second
)

// moneyNetwork is a network like dev whose coinbases take a while to mature.
func moneyNetwork(t *testing.T, binary string) string {
	t.Helper()
	return lab.NetworkFile(t, binary, "dev", "money", lab.Patch{"coinbase_maturity": maturity, "address_prefix": moneyPrefix})
}

// somebody is the address of one who does not appear.
func somebody() string { return core.AddressOf([core.PublicKeySize]byte{1}).Encode(moneyPrefix) }

// moneyHosts starts a node on a host for each name, and waits for the mesh.
func moneyHosts(t *testing.T, net *lab.Net, network string, names ...string) []*lab.Node {
	t.Helper()
	cfg := lab.NodeConfig{Binary: lab.BuildBinary(t), Network: network}
	nodes := make([]*lab.Node, len(names))
	for i, name := range names {
		nodes[i] = net.Host(name, fmt.Sprintf("10.77.0.%d/24", i+1)).NewNode(cfg)
		nodes[i].Start()
	}
	lab.Until(t, 30*time.Second, "mesh", func() error { return lab.Mesh(nodes) })
	return nodes
}

// Two machines that were told nothing of each other: one mines and pays the
// other, with the verbs of the README.
func TestPayment(t *testing.T) {
	lab.Require(t)
	repeat(t, func(t *testing.T) {
		nodes := moneyHosts(t, lab.New(t), moneyNetwork(t, lab.BuildBinary(t)), "anna", "ben")
		anna, ben := nodes[0].NewWallet(), nodes[1].NewWallet()

		mine(t, anna.Node, 1)
		if got, want := anna.MustBalance(), (lab.Balance{Immature: subsidy}); got != want {
			t.Errorf("after one block Anna has %+v, want %+v", got, want)
		}
		_, err := anna.Send(ben.Address, "1.5")
		wantExit(t, err, 1) // too young
		var filled struct {
			Mined int `json:"mined"`
		}
		anna.Node.MustJSON(&filled, "faucet")
		if filled.Mined != maturity-1 {
			t.Errorf("the faucet mined %d blocks, want %d to let the first one mature", filled.Mined, maturity-1)
		}
		converged(t, 5*time.Second, nodes...)

		const amount, id = "1.5", "invoice-17"
		const grains = ing * 3 / 2
		paid := anna.MustSend(ben.Address, amount, "--id", id)
		took := lab.Until(t, 10*time.Second, "Ben sees it pending", func() error {
			b, err := ben.Balance()
			if err == nil && b.PendingIn != grains {
				err = fmt.Errorf("Ben has %+v", b)
			}
			return err
		})
		t.Logf("pending in the payee's wallet %v after wallet send had returned", round(took))
		if took > pendingLimit {
			t.Errorf("pending after %v, want at most %v", took, pendingLimit)
		}
		checkRow(t, anna, lab.HistoryRow{TxID: paid.TxID, Status: "pending", Out: grains, Fee: paid.Fee})
		checkRow(t, ben, lab.HistoryRow{TxID: paid.TxID, Status: "pending", In: grains, Fee: paid.Fee})

		start := time.Now()
		block := mine(t, anna.Node, 1)
		awaitStatus(t, confirmedLimit, paid.TxID, "confirmed", ben)
		t.Logf("confirmed in the payee's wallet %v after the block had been ordered", round(time.Since(start)))
		checkRow(t, anna, lab.HistoryRow{TxID: paid.TxID, Status: "confirmed", Confirmations: 1, Block: block.ID, Out: grains, Fee: paid.Fee})
		checkRow(t, ben, lab.HistoryRow{TxID: paid.TxID, Status: "confirmed", Confirmations: 1, Block: block.ID, In: grains, Fee: paid.Fee})
		checkBalance(t, ben, lab.Balance{Confirmed: grains})

		if again := anna.MustSend(ben.Address, amount, "--id", id); again.TxID != paid.TxID {
			t.Errorf("sent again by its id it has txid %.12s, want %.12s", again.TxID, paid.TxID)
		}
		checkBalance(t, ben, lab.Balance{Confirmed: grains})
		// All that was ever mined is Anna's or Ben's.
		a := anna.MustBalance()
		if got, want := a.Confirmed+a.Immature+grains, uint64(block.Height)*subsidy; got != want || a.PendingIn+a.PendingOut != 0 {
			t.Errorf("%d grains with Anna %+v and Ben, want %d, and nothing pending", got, a, want)
		}
	})
}

// The same while the payer's node mines on its own, as on lan: the template that
// it searches takes the payment in, so that the next block or the one after has it.
func TestPaymentWhileMining(t *testing.T) {
	lab.Require(t)
	repeat(t, func(t *testing.T) {
		nodes := moneyHosts(t, lab.New(t), miningNetwork(t, lab.BuildBinary(t), 3*time.Second), "anna", "ben")
		anna, ben := nodes[0].NewWallet(), nodes[1].NewWallet()
		anna.Node.MustJSON(nil, "mine", "start", "--threads", "1")
		lab.Until(t, 2*time.Minute, "a coin matures", func() error {
			b, err := anna.Balance()
			if err == nil && b.Confirmed == 0 {
				err = fmt.Errorf("Anna has %+v", b)
			}
			return err
		})
		paid := anna.MustSend(ben.Address, "1.5")
		tip := tipOf(t, anna.Node)
		since := time.Now()
		lab.Until(t, 10*time.Second, "Ben sees it", func() error { _, err := ben.Row(paid.TxID); return err })
		pending := time.Since(since)
		awaitStatus(t, time.Minute, paid.TxID, "confirmed", ben)
		confirmed := time.Since(since)
		var tx lab.Tx
		ben.Node.MustJSON(&tx, "tx", "get", paid.TxID)
		t.Logf("paid at height %d: in the payee's wallet after %v, in block %d after %v", tip.Height, round(pending), tx.Block.Height, round(confirmed))
		if pending > pendingLimit {
			t.Errorf("in the payee's wallet after %v, want at most %v", pending, pendingLimit)
		}
		// One block may have been found of a template from before.
		if tx.Block.Height > tip.Height+2 {
			t.Errorf("in block %d, want %d at most", tx.Block.Height, tip.Height+2)
		}
		anna.Node.MustJSON(nil, "mine", "stop")
		converged(t, confirmedLimit, nodes...)
	})
}

// A wallet that is restored from its words on a third machine, started late,
// has the same money there.
func TestLateWallet(t *testing.T) {
	lab.Require(t)
	repeat(t, func(t *testing.T) {
		net, network := lab.New(t), moneyNetwork(t, lab.BuildBinary(t))
		nodes := moneyHosts(t, net, network, "anna", "ben")
		anna, ben := nodes[0].NewWallet("--language", "ko"), nodes[1].NewWallet()
		mine(t, anna.Node, maturity+1)
		first := anna.MustSend(ben.Address, "1.5")
		onTip(t, 5*time.Second, mine(t, anna.Node, 1), nodes...)
		second := anna.MustSend(ben.Address, "0.25") // waits when the third comes

		late := net.Host("late", "10.77.0.3/24").Node(lab.NodeConfig{Binary: lab.BuildBinary(t), Network: network})
		restored := late.RestoreWallet(asTyped(anna.Words)) // whether or not it has caught up
		took := lab.Until(t, 10*time.Second, "the same balance and history", func() error { return sameMoney(anna, restored) })
		t.Logf("the same balance and history %v after restoring", round(took))

		block := mine(t, late, 1) // pays the restored wallet, hence Anna
		awaitStatus(t, confirmedLimit, second.TxID, "confirmed", anna, ben, restored)
		if err := sameMoney(anna, restored); err != nil {
			t.Error(err)
		}
		checkBalance(t, ben, lab.Balance{Confirmed: ing * 7 / 4})
		checkRow(t, restored, lab.HistoryRow{TxID: first.TxID, Status: "confirmed", Confirmations: 2, Block: rowOf(t, anna, first.TxID).Block, Out: ing * 3 / 2, Fee: first.Fee})
		checkRow(t, restored, lab.HistoryRow{TxID: second.TxID, Status: "confirmed", Confirmations: 1, Block: block.ID, Out: ing / 4, Fee: second.Fee})
	})
}

// asTyped are words as a keyboard that composes no syllables gives them, and
// spaced by a person.
func asTyped(words []string) string { return norm.NFD.String(" " + strings.Join(words, "  ")) }

// sameMoney returns nil if two wallets tell the same balance and history.
func sameMoney(a, b *lab.Wallet) error {
	var balances [2]lab.Balance
	var histories [2][]lab.HistoryRow
	for i, w := range []*lab.Wallet{a, b} {
		var err error
		if balances[i], err = w.Balance(); err != nil {
			return err
		}
		if histories[i], err = w.History(); err != nil {
			return err
		}
	}
	if balances[0] != balances[1] {
		return fmt.Errorf("%s has %+v, %s %+v", a.Node.Name, balances[0], b.Node.Name, balances[1])
	}
	if len(histories[0]) == 0 || !slices.Equal(histories[0], histories[1]) {
		return fmt.Errorf("%s's history is %+v, %s's %+v", a.Node.Name, histories[0], b.Node.Name, histories[1])
	}
	return nil
}

// awaitStatus waits until a payment stands so in the wallets' histories.
func awaitStatus(t *testing.T, within time.Duration, txid, status string, wallets ...*lab.Wallet) time.Duration {
	t.Helper()
	return lab.Until(t, within, fmt.Sprintf("%.12s %s", txid, status), func() error {
		for _, w := range wallets {
			row, err := w.Row(txid)
			if err != nil {
				return err
			}
			if row.Status != status {
				return fmt.Errorf("%s says %s", w.Node.Name, row.Status)
			}
		}
		return nil
	})
}

func rowOf(t *testing.T, w *lab.Wallet, txid string) lab.HistoryRow {
	t.Helper()
	row, err := w.Row(txid)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func checkRow(t *testing.T, w *lab.Wallet, want lab.HistoryRow) {
	t.Helper()
	if got := rowOf(t, w, want.TxID); got != want {
		t.Errorf("%s's history has %+v, want %+v", w.Node.Name, got, want)
	}
}

func checkBalance(t *testing.T, w *lab.Wallet, want lab.Balance) {
	t.Helper()
	if got := w.MustBalance(); got != want {
		t.Errorf("%s has %+v, want %+v", w.Node.Name, got, want)
	}
}

// wantExit checks that a verb failed with an exit code, and said why.
func wantExit(t *testing.T, err error, code int) {
	t.Helper()
	var failed *lab.VerbError
	if !errors.As(err, &failed) || failed.Code != code || failed.Stderr == "" {
		t.Errorf("got %v, want exit code %d and a reason", err, code)
	}
}
