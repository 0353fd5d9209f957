package protocol

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	p2pnetwork "github.com/libp2p/go-libp2p/core/network"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
	"github.com/ingchain/ingchain/protocol/wire"
)

// liar is a peer that claims the most work there is and answers as it likes.
func (sim *simulation) liar(victim *testNode, answer func(p2pnetwork.Stream)) *testNode {
	n := sim.host()
	n.SetStreamHandler(ID, answer)
	sim.connect(n, victim)
	sim.join(n, victim, core.WorkFromBytes([core.WorkSize]byte{1}))
	return n
}

func TestLiarsAreDealtWith(t *testing.T) {
	rules := devRules(t)
	blocks := fakechain.Make(rules, genesisOf(rules), 5, 9)
	noWork := fakechain.Headers(blocks)
	for rules.CheckWork(&noWork[3]) == nil {
		noWork[3].Nonce++
	}
	wrongAndEarly := blocks[0].Header
	wrongAndEarly.Height, wrongAndEarly.Time = 7, 1<<50
	reply := func(m wire.Message) func(p2pnetwork.Stream) {
		return func(str p2pnetwork.Stream) {
			_, _ = io.Copy(io.Discard, str)
			_, _ = str.Write(wire.AppendFrame(nil, m))
			_ = str.Close()
		}
	}
	tests := []struct {
		name   string
		answer func(p2pnetwork.Stream)
		banned bool
		code   core.Code // of the rule broken, as people are told
	}{
		{"headers without work", reply(&wire.Headers{Headers: noWork}), true, core.ErrWork},
		{"another genesis", reply(&wire.Headers{Headers: []core.Header{{Parent: core.Hash{1}}}}), true, core.ErrGenesis},
		{"unconnected headers", reply(&wire.Headers{Headers: fakechain.Headers(blocks)[2:]}), true, ""},
		{"wrong and early", reply(&wire.Headers{Headers: []core.Header{wrongAndEarly}}), true, core.ErrHeight},
		{"blocks instead of headers", reply(&wire.Block{Bytes: blocks[0].Bytes()}), true, ""},
		{"nothing at all", func(str p2pnetwork.Stream) { _ = str.Reset() }, false, ""},
		{"silence", func(p2pnetwork.Stream) {}, false, ""},
		{"no headers", reply(&wire.Headers{}), false, ""},
		{"busy", reply(&wire.Error{Code: wire.CodeBusy}), false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := newSimulation(t)
				victim, honest := sim.node(), sim.node()
				tip := honest.mine(50, 1)
				liar := sim.liar(victim, tt.answer)
				sim.connect(victim, honest)
				if took := sim.until(20*time.Second, "synced", sim.agree(tip, victim)); took > 5*time.Second {
					t.Errorf("a liar held us up for %v", took)
				}
				time.Sleep(12 * time.Second)
				if got := victim.feedback.reason(liar.ID()) != ""; got != tt.banned {
					t.Errorf("banned: %v, want %v", got, tt.banned)
				}
				if got := victim.state(liar.ID()).Code; got != tt.code {
					t.Errorf("code %q, want %q", got, tt.code)
				}
				if victim.feedback.reason(honest.ID()) != "" || !sim.joined(victim, honest) {
					t.Error("the honest peer suffered")
				}
				if st := victim.service.Status(); !st.Synced {
					t.Errorf("the liar's claim still counts: %+v", st)
				}
			})
		})
	}
}
