//go:build linux && multihost

package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/ingchain/ingchain/internal/lab"
)

// A block with a payment is reverted after a partition: the payment waits again
// everywhere, and another block confirms it. If the coins themselves were mined
// on the losing side, it is gone, and both wallets say so.
func TestPaymentThroughReorg(t *testing.T) {
	lab.Require(t)
	repeat(t, func(t *testing.T) {
		net := lab.New(t)
		nodes := moneyHosts(t, net, moneyNetwork(t, lab.BuildBinary(t)), "anna", "ben", "carl")
		s := &reorgStory{
			net: net, nodes: nodes, carl: nodes[2],
			anna: nodes[0].NewWallet(), ben: nodes[1].NewWallet(),
		}
		onTip(t, 5*time.Second, mine(t, s.anna.Node, maturity+1), nodes...)
		s.outAndIn(t)
		if t.Failed() {
			return
		}
		s.coinsVanish(t)
	})
}

// reorgStory is of Anna and Ben, who pay each other, and of Carl, who mines more
// than they do when he is cut off from them.
type reorgStory struct {
	net       *lab.Net
	nodes     []*lab.Node
	anna, ben *lab.Wallet
	carl      *lab.Node
}

// apart lets the payers have a history of their own, then Carl a heavier one,
// and heals. It returns how long one tip and state took.
func (s *reorgStory) apart(t *testing.T, blocks int, theirs func()) time.Duration {
	t.Helper()
	s.net.LAN.Partition(hostsOf(s.nodes[:2]), hostsOf(s.nodes[2:]))
	theirs()
	tip := mine(t, s.carl, blocks)
	healed := time.Now()
	s.net.LAN.Heal()
	onTip(t, time.Minute, tip, s.nodes...)
	took := time.Since(healed)
	if took > healLimit {
		t.Errorf("one tip %v after healing, want at most %v", took, healLimit)
	}
	return took
}

// outAndIn takes a payment out of the chain and in again. Its coins are older
// than the partition.
func (s *reorgStory) outAndIn(t *testing.T) {
	var paid lab.Payment
	var first lab.BlockRef
	const grains = ing * 3 / 2
	took := s.apart(t, 3, func() {
		paid = s.anna.MustSend(s.ben.Address, "1.5")
		awaitStatus(t, confirmedLimit, paid.TxID, "pending", s.ben)
		first = mine(t, s.anna.Node, 1)
		awaitStatus(t, confirmedLimit, paid.TxID, "confirmed", s.anna, s.ben)
		checkBalance(t, s.ben, lab.Balance{Confirmed: grains})
	})
	again := awaitStatus(t, confirmedLimit, paid.TxID, "pending", s.anna, s.ben)
	reached := lab.Until(t, confirmedLimit, "it is in the miner's pool", func() error { return s.carl.InPool(paid.TxID) })
	t.Logf("after healing: one tip %v, both wallets pending %v later, in the other side's pool %v after that", round(took), round(again), round(reached))
	checkRow(t, s.anna, lab.HistoryRow{TxID: paid.TxID, Status: "pending", Out: grains, Fee: paid.Fee})
	checkRow(t, s.ben, lab.HistoryRow{TxID: paid.TxID, Status: "pending", In: grains, Fee: paid.Fee})
	checkBalance(t, s.ben, lab.Balance{PendingIn: grains})

	second := mine(t, s.carl, 1)
	confirmed := awaitStatus(t, confirmedLimit, paid.TxID, "confirmed", s.anna, s.ben)
	t.Logf("confirmed again %v after the block, in %v in place of %v", round(confirmed), second, first)
	checkRow(t, s.anna, lab.HistoryRow{TxID: paid.TxID, Status: "confirmed", Confirmations: 1, Block: second.ID, Out: grains, Fee: paid.Fee})
	checkRow(t, s.ben, lab.HistoryRow{TxID: paid.TxID, Status: "confirmed", Confirmations: 1, Block: second.ID, In: grains, Fee: paid.Fee})
	checkBalance(t, s.ben, lab.Balance{Confirmed: grains})
}

// coinsVanish lets Ben pay from an old coin and a coinbase that only the losing
// side mined.
func (s *reorgStory) coinsVanish(t *testing.T) {
	var paid lab.Payment
	const grains, before = ing * 6, ing * 3 / 2
	s.apart(t, maturity+5, func() {
		onTip(t, confirmedLimit, mine(t, s.ben.Node, maturity), s.nodes[:2]...)
		paid = s.ben.MustSend(s.anna.Address, "6") // takes both
		awaitStatus(t, confirmedLimit, paid.TxID, "pending", s.anna)
		mine(t, s.ben.Node, 1)
		awaitStatus(t, confirmedLimit, paid.TxID, "confirmed", s.anna, s.ben)
	})
	awaitStatus(t, confirmedLimit, paid.TxID, "reorganised-out", s.anna, s.ben)
	checkRow(t, s.ben, lab.HistoryRow{TxID: paid.TxID, Status: "reorganised-out", Out: grains, Fee: paid.Fee, Resend: true})
	checkRow(t, s.anna, lab.HistoryRow{TxID: paid.TxID, Status: "reorganised-out", In: grains, Fee: paid.Fee, Resend: true})
	checkBalance(t, s.ben, lab.Balance{Confirmed: before})
	for _, n := range s.nodes[:2] {
		var tx lab.Tx
		n.MustJSON(&tx, "tx", "get", paid.TxID)
		if tx.Status != "gone" || tx.Gone == nil || tx.Gone.Reason != "coin-gone" {
			t.Errorf("%s tells of the payment: %+v, want gone for coin-gone", n.Name, tx)
		}
	}

	// The coinbase will not come again, so sending again is refused, with a reason,
	// and changes nothing. The old coin stays with the payment until Ben gives it up.
	wantExit(t, s.ben.Resend(paid.TxID), 1)
	wantExit(t, s.anna.Resend(paid.TxID), 1)
	_, err := s.ben.Send(s.anna.Address, "6", "--id", paid.ID)
	wantExit(t, err, 1)
	_, err = s.ben.Send(s.anna.Address, "1")
	wantExit(t, err, 1)
	checkBalance(t, s.ben, lab.Balance{Confirmed: before})
	s.ben.Node.MustJSON(nil, "wallet", "forget", paid.ID, "--yes")
	small := s.ben.MustSend(s.anna.Address, "1")
	lab.Until(t, confirmedLimit, "it is in the miner's pool", func() error { return s.carl.InPool(small.TxID) })
	block := mine(t, s.carl, 1)
	awaitStatus(t, confirmedLimit, small.TxID, "confirmed", s.anna, s.ben)
	checkRow(t, s.ben, lab.HistoryRow{TxID: small.TxID, Status: "confirmed", Confirmations: 1, Block: block.ID, Out: ing, Fee: small.Fee})
	checkRow(t, s.ben, lab.HistoryRow{TxID: paid.TxID, Status: "replaced", ReplacedBy: small.TxID, Out: grains, Fee: paid.Fee})
	checkBalance(t, s.ben, lab.Balance{Confirmed: before - ing - small.Fee})
}

// One seed on two machines that are parted pays the same coins to two people.
// Once healed, one of them is paid, and the other's wallet names what took the
// coins.
func TestConflictAcrossPartition(t *testing.T) {
	lab.Require(t)
	repeat(t, func(t *testing.T) {
		net := lab.New(t)
		nodes := moneyHosts(t, net, moneyNetwork(t, lab.BuildBinary(t)), "anna", "ben", "twin")
		anna, ben := nodes[0].NewWallet(), nodes[1].NewWallet()
		onTip(t, 5*time.Second, mine(t, nodes[0], maturity), nodes...) // one coin to spend
		twin := nodes[2].RestoreWallet(strings.Join(anna.Words, " "))

		net.LAN.Partition(hostsOf(nodes[:2]), hostsOf(nodes[2:]))
		const grains = ing * 3 / 2
		lost := anna.MustSend(ben.Address, "1.5")
		mine(t, nodes[0], 1)
		awaitStatus(t, confirmedLimit, lost.TxID, "confirmed", anna, ben)
		won := twin.MustSend(somebody(), "1.5")
		tip := mine(t, nodes[2], 2)
		net.LAN.Heal()
		onTip(t, healLimit, tip, nodes...)

		checkBalance(t, ben, lab.Balance{})
		for _, w := range []*lab.Wallet{anna, ben} {
			want := lab.HistoryRow{TxID: lost.TxID, Status: "replaced", ReplacedBy: won.TxID, Fee: lost.Fee, Out: grains}
			if w == ben {
				want.In, want.Out = want.Out, 0
			}
			checkRow(t, w, want)
			var tx lab.Tx
			w.Node.MustJSON(&tx, "tx", "get", lost.TxID)
			if tx.Status != "gone" || tx.Gone == nil || tx.Gone.Reason != "conflict" || tx.Gone.By != won.TxID {
				t.Errorf("%s tells of the payment: %+v, want gone for its conflict with %.12s", w.Node.Name, tx, won.TxID)
			}
			wantExit(t, w.Resend(lost.TxID), 1)
		}
		if a, b := anna.MustBalance(), twin.MustBalance(); a != b {
			t.Errorf("one seed has %+v here and %+v there", a, b)
		}
		checkRow(t, anna, rowOf(t, twin, won.TxID))
	})
}

// minersLimit is how soon after healing a payment must be with the miners.
const minersLimit = 10 * time.Second

// What was paid on a node that was alone reaches the miners once it is back.
func TestPaymentsReachTheMinersAfterHealing(t *testing.T) {
	lab.Require(t)
	repeat(t, func(t *testing.T) {
		net := lab.New(t)
		nodes := moneyHosts(t, net, moneyNetwork(t, lab.BuildBinary(t)), "anna", "ben", "carl")
		anna := nodes[0].NewWallet()
		onTip(t, 5*time.Second, mine(t, nodes[0], maturity+2), nodes...)
		payee := somebody()

		// Until the connections are lost: TCP must not deliver it afterwards.
		net.LAN.Partition(hostsOf(nodes[:1]), hostsOf(nodes[1:]))
		lab.Until(t, time.Minute, "alone", func() error { return lab.Mesh(nodes[:1]) })
		var paid []lab.Payment
		for range 2 {
			paid = append(paid, anna.MustSend(payee, "0.5"))
		}

		healed := time.Now()
		net.LAN.Heal()
		for _, p := range paid {
			for _, n := range nodes[1:] {
				lab.Until(t, time.Minute, "it is in the others' pools", func() error { return n.InPool(p.TxID) })
			}
		}
		took := time.Since(healed)
		t.Logf("in the pools of both others %v after healing", round(took))
		if took > minersLimit {
			t.Errorf("in the others' pools %v after healing, want at most %v", took, minersLimit)
		}

		// A node that has lost its pool is told again.
		nodes[1].Kill9()
		nodes[1].Start()
		nodes[1].Ready()
		for _, p := range paid {
			lab.Until(t, minersLimit, "it is told again", func() error { return nodes[1].InPool(p.TxID) })
		}

		block := mine(t, nodes[2], 1)
		for _, p := range paid {
			awaitStatus(t, confirmedLimit, p.TxID, "confirmed", anna)
		}
		onTip(t, confirmedLimit, block, nodes...)
	})
}

// paymentKills is how often TestKill9AfterSend kills.
const paymentKills = 3

// What wallet send has acknowledged outlives kill -9.
func TestKill9AfterSend(t *testing.T) {
	repeat(t, func(t *testing.T) {
		host, binary := lab.Local(t), lab.BuildBinary(t)
		cfg := localConfig(binary, moneyNetwork(t, binary))
		cfg.Name = "payer"
		payer := host.Node(cfg)
		wallet := payer.NewWallet()
		mine(t, payer, maturity+paymentKills)
		payee := somebody()
		var paid []lab.Payment
		for range paymentKills {
			p := wallet.MustSend(payee, "0.5")
			payer.Kill9()
			payer.Start()
			payer.Ready()
			paid = append(paid, p)
			for _, p := range paid {
				if err := payer.InPool(p.TxID); err != nil {
					t.Fatalf("after kill %d: %v", len(paid), err)
				}
			}
		}

		// Nobody else has heard of them yet.
		cfg.Name = "miner"
		miner := host.Node(cfg)
		miner.MustJSON(nil, "net", "connect", addrOn(t, payer.Ready(), "127.0.0.1"))
		for _, p := range paid {
			took := lab.Until(t, 30*time.Second, "it is in the miner's pool", func() error { return miner.InPool(p.TxID) })
			t.Logf("in the pool of a new miner after %v", round(took))
		}
		mine(t, miner, 1)
		for _, p := range paid {
			awaitStatus(t, confirmedLimit, p.TxID, "confirmed", wallet)
		}
	})
}
