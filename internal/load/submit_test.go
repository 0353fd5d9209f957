package load

import (
	"testing"
	"time"

	"github.com/ingchain/ingchain/api"
	"github.com/ingchain/ingchain/core"
)

// BenchmarkSubmit hands payments of fresh coins to one node over HTTP, a
// thousand a request, and mines them now and then. An operation is a payment;
// its CPU time is the node's, signatures and journal included.
func BenchmarkSubmit(b *testing.B) {
	benchmarkSubmit(b, func(n *network, at *process, raws [][]byte) error {
		outcomes, err := at.api.SubmitTxs(n.Context(), raws)
		if err != nil {
			return err
		}
		if _, refused := refusals(outcomes); len(refused) > 0 {
			b.Fatalf("refused: %v", refused)
		}
		return nil
	})
}

// BenchmarkSubmitSingly is the same with a request for each payment, one after
// another.
func BenchmarkSubmitSingly(b *testing.B) {
	benchmarkSubmit(b, func(n *network, at *process, raws [][]byte) error {
		for _, raw := range raws {
			if _, err := at.api.SubmitTx(n.Context(), raw); err != nil {
				return err
			}
		}
		return nil
	})
}

func benchmarkSubmit(b *testing.B, submit func(n *network, at *process, raws [][]byte) error) {
	// minedAfter is how many payments may wait for a block: the pool holds them.
	const minedAfter = 20_000
	n := newNetwork(b, nodeConfig{}, "node")
	node := n.nodes[0]
	purse := n.fund(node, 1000, b.N, 10_000)
	var raws [][]byte
	for _, c := range purse.coins {
		tx, _ := purse.pay(c, 2000, nil)
		raws = append(raws, tx.AppendTo(nil))
	}
	stop := node.profiled(b.Name())
	var took, cpu time.Duration
	waiting := 0
	b.ResetTimer()
	for len(raws) > 0 {
		count := min(api.MaxSubmit, len(raws))
		before, began := node.report().CPU, time.Now()
		if err := submit(n, node, raws[:count]); err != nil {
			b.Fatal(err)
		}
		took += time.Since(began)
		cpu += node.report().CPU - before
		raws = raws[count:]
		if waiting += count; waiting >= minedAfter {
			b.StopTimer()
			n.mine(node, 1, purse.owners[0].address)
			waiting = 0
			b.StartTimer()
		}
	}
	b.StopTimer()
	stop()
	b.ReportMetric(float64(b.N)/took.Seconds(), "payments/s")
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N), "cpu-µs/payment")
}

// TestSubmitIsMined holds what the benchmarks rely on: what is accepted is mined,
// and the rest is told apart.
func TestSubmitIsMined(t *testing.T) {
	n := newNetwork(t, nodeConfig{}, "node")
	node := n.nodes[0]
	purse := n.fund(node, 10, 300, 10_000)
	var raws [][]byte
	for _, c := range purse.coins {
		tx, _ := purse.pay(c, 2000, nil)
		raws = append(raws, tx.AppendTo(nil))
	}
	raws[7][len(raws[7])-1] ^= 1 // of its signature
	outcomes, err := node.api.SubmitTxs(t.Context(), raws)
	if err != nil {
		t.Fatal(err)
	}
	if accepted, refused := refusals(outcomes); accepted != len(raws)-1 || refused[core.ErrTxSignature] != 1 {
		t.Errorf("%d accepted, refused %v", accepted, refused)
	}
	id := n.mine(node, 1, purse.owners[0].address)[0]
	if got, want := len(n.block(node, id).Txs)-1, len(raws)-1; got != want {
		t.Errorf("%d payments mined, want %d", got, want)
	}
}
