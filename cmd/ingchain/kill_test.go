package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/internal/killtest"
	"github.com/ingchain/ingchain/wallet"
	"github.com/ingchain/ingchain/wallet/keystore"
)

const (
	// nodeKilledEvery is the number of attempts to pay of which one has the node
	// killed under it.
	nodeKilledEvery = 8
	// triesPerPayment is how often a payment is killed at most before it may end.
	triesPerPayment = 4
	// paymentsPerBlock are made between blocks, so that some wait and some are
	// confirmed whenever anything is killed.
	paymentsPerBlock = 3
	// maxPause is how long after a write to the wallet's file the kill comes at
	// most.
	maxPause = 8 * time.Millisecond
)

// payer is a node, a wallet beside it, and what it has paid.
type payer struct {
	t        *testing.T
	dir      string
	password string // file
	payee    string
	node     *process
	client   *api.Client
	rules    *core.Rules
	// typical is how long a payment takes that nobody disturbs.
	typical time.Duration
	// acknowledged are payments that ended well, by id, with their txids.
	acknowledged map[string]core.Hash
	counts       map[string]int
}

// TestSendKill9 kills `wallet send` at random moments, and the node under it now
// and then, and repeats each payment with its id until it succeeds. Each id pays
// once; what was acknowledged is in the pool or the chain whenever the node is
// back; the wallet opens each time; and no money appears or is lost.
func TestSendKill9(t *testing.T) {
	p := newPayer(t, filepath.Join(t.TempDir(), "d"))
	payments, attempts := 0, 0
	for p.counts["wallet send killed"] < *killtest.Kills {
		payments++
		id := fmt.Sprintf("payment-%d", payments)
		for try := 1; ; try++ {
			attempts++
			killed := try <= 1+payments%triesPerPayment
			if done := p.attempt(id, payments, killed, attempts%nodeKilledEvery == 0); done {
				break
			}
			p.checkWallet(id)
		}
		if payments%paymentsPerBlock == 0 {
			p.mine(1)
		}
	}
	t.Logf("%d payments in %d attempts: %v", payments, attempts, p.counts)
	p.checkMoney(payments)
}

// newPayer makes a wallet in a data directory, and a node that has mined for it.
func newPayer(t *testing.T, dir string) *payer {
	p := &payer{t: t, dir: dir, password: filepath.Join(filepath.Dir(dir), "password"),
		acknowledged: map[string]core.Hash{}, counts: map[string]int{}}
	if err := os.WriteFile(p.password, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "wallet", "new", "--data-dir", p.dir, "--network", networkOf(t, p.dir), "--passphrase-file", p.password).ends(exitOK)
	p.node, p.client = upNode(t, p.dir)
	rules, err := core.NewRules(p.client.Params())
	if err != nil {
		t.Fatal(err)
	}
	p.rules = rules
	p.payee = core.Address{Hash: [20]byte{0xb0, 0xb}}.Encode(rules.Params().AddressPrefix)
	p.mine(30)
	p.typical = time.Minute // the first is not killed
	p.attempt("undisturbed", 0, false, false)
	return p
}

// amount tells payments apart by their value.
func amount(n int) core.Amount { return core.GrainsPerING/100 + core.Amount(n) }

// attempt runs the verb for the payment of an id, and may kill it or the node
// meanwhile. It reports whether the payment was acknowledged.
func (p *payer) attempt(id string, n int, killed, nodeKilled bool) bool {
	p.t.Helper()
	began := time.Now()
	run := start(p.t, "wallet", "send", p.payee, amount(n).String(), "--id", id, "--yes", "--json",
		"--data-dir", p.dir, "--passphrase-file", p.password)
	if nodeKilled {
		<-time.After(rand.N(p.typical))
		p.killNode()
	}
	var lines []string
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for l := range run.lines {
			lines = append(lines, l)
		}
	}()
	if killed && !nodeKilled {
		p.pause(ended)
		_ = run.cmd.Process.Kill() // it may have ended
	}
	<-ended
	_ = run.cmd.Wait() // the code says it
	switch code := run.cmd.ProcessState.ExitCode(); {
	case code == exitOK:
		var s sent
		if len(lines) != 1 || json.Unmarshal([]byte(lines[0]), &s) != nil || s.ID != id {
			p.t.Fatalf("%s printed %q", id, lines)
		}
		if !killed && !nodeKilled {
			p.typical = time.Since(began)
		}
		p.acknowledged[id] = s.TxID
		p.counts["acknowledged, "+s.Status]++
	case code == -1 && killed:
		p.counts["wallet send killed"]++
	case code == exitUnreachable && nodeKilled:
		p.counts["wallet send without its node"]++
	default:
		p.t.Fatalf("%s ended with %d; it said %s", id, code, run.said())
	}
	if nodeKilled {
		p.restartNode()
	}
	_, done := p.acknowledged[id]
	return done
}

// pause waits for a random moment in the life of a process that pays: any, or one
// soon after it has written the wallet's file, as it does when it has reserved
// coins, has signed, and hands over what was signed before.
func (p *payer) pause(ended <-chan struct{}) {
	writes := rand.IntN(3)
	if writes == 0 {
		<-time.After(rand.N(p.typical * 5 / 4))
		return
	}
	sequence := filepath.Join(p.dir, keystore.SequenceFile)
	last, _ := os.ReadFile(sequence)
	for writes > 0 {
		select {
		case <-ended:
			return
		case <-time.After(100 * time.Microsecond):
		}
		if now, err := os.ReadFile(sequence); err == nil && !bytes.Equal(now, last) {
			last = now
			writes--
		}
	}
	<-time.After(rand.N(maxPause))
}

func (p *payer) killNode() {
	p.t.Helper()
	if err := p.node.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	p.node.ends(-1)
	p.counts["node killed"]++
}

// restartNode starts the node again, and looks for what was acknowledged.
func (p *payer) restartNode() {
	p.t.Helper()
	p.client.Close()
	p.node, p.client = upNode(p.t, p.dir)
	// Of what blocks took before it tells once it has read them again.
	waitFor(p.t, func() bool {
		st, err := p.client.Status(p.t.Context())
		return err == nil && !st.Index.Building && st.Index.Height == st.Tip.Height
	})
	p.checkAcknowledged()
}

func (p *payer) checkAcknowledged() {
	p.t.Helper()
	for id, txid := range p.acknowledged {
		tx, err := p.client.Tx(p.t.Context(), txid, false)
		if err != nil || tx.Status != api.StatusPending && tx.Status != api.StatusConfirmed {
			p.t.Fatalf("acknowledged payment %s, %s: %q %+v, %v", id, txid, tx.Status, tx.Gone, err)
		}
	}
}

// checkWallet opens the wallet that a killed process left, and says how far the
// payment had come.
func (p *payer) checkWallet(id string) {
	p.t.Helper()
	s, err := keystore.Open(p.dir, p.rules, quickKeys)
	if err != nil {
		p.t.Fatal(err)
	}
	st, err := s.State()
	if err != nil {
		p.t.Fatal(err)
	}
	u, err := s.Unlock(wallet.NewPassphrase("correct horse"))
	if err != nil {
		p.t.Fatal(err)
	}
	u.Close()
	send, ok := st.Send(id)
	switch {
	case !ok:
		p.counts["left: nothing"]++
	case !send.Recorded():
		p.counts["left: coins reserved"]++
	default:
		tx, err := p.client.Tx(p.t.Context(), send.TxID, false)
		switch {
		case errors.Is(err, api.ErrNotFound):
			p.counts["left: signed, not sent"]++
		case err != nil:
			p.t.Fatal(err)
		default:
			p.counts["left: "+tx.Status]++
		}
	}
}

func (p *payer) mine(n int) {
	p.t.Helper()
	if _, err := p.client.MineOnce(p.t.Context(), n, ""); err != nil {
		p.t.Fatal(err)
	}
}

// checkMoney looks at who has what in the end.
func (p *payer) checkMoney(payments int) {
	t := p.t
	t.Helper()
	for range 50 {
		pool, err := p.client.Mempool(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if pool.Count == 0 {
			break
		}
		p.mine(1)
	}
	p.checkAcknowledged()
	times := map[core.Amount]int{}
	for cursor := ""; ; {
		page, err := p.client.AddressHistory(t.Context(), p.payee, cursor, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			times[e.Received]++
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	paid := core.Amount(0)
	for n := range payments + 1 {
		paid += amount(n)
		if times[amount(n)] != 1 {
			t.Errorf("payment %d came %d times", n, times[amount(n)])
		}
	}
	payee, err := p.client.Address(t.Context(), p.payee)
	if err != nil || payee.Confirmed != paid || len(times) != payments+1 {
		t.Errorf("the payee has %v in %d payments (%v), want %v in %d", payee.Confirmed, len(times), err, paid, payments+1)
	}
	// All that was mined went to the payer, with the fees that it paid.
	run := start(t, "wallet", "balance", "--json", "--data-dir", p.dir)
	var b walletBalance
	if err := json.Unmarshal([]byte(run.line()), &b); err != nil {
		t.Fatal(err)
	}
	run.ends(exitOK)
	var minted core.Amount
	for h := range b.Tip.Height {
		minted += p.rules.Params().SubsidyAt(h + 1)
	}
	if have := b.Confirmed + b.Immature; b.PendingIn+b.PendingOut != 0 || have+paid != minted {
		t.Errorf("the payer has %+v, the payee %v, %v were minted", b, paid, minted)
	}
	if len(p.acknowledged) != payments+1 {
		t.Errorf("%d ids were acknowledged, want %d", len(p.acknowledged), payments+1)
	}
}
