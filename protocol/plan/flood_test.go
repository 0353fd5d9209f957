package plan

import (
	"encoding/binary"
	"flag"
	"runtime"
	"testing"
	"time"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/protocol/internal/fakechain"
)

var floodHeaders = flag.Int("flood", 200_000, "how many headers of too little work TestLongFlood sends")

// heavyChain is a chain with much more work than its blocks have.
type heavyChain struct{ *fakechain.Chain }

var (
	heavyWork    = core.WorkFromBytes([core.WorkSize]byte{1})
	heavierWork  = core.WorkFromBytes([core.WorkSize]byte{2})
	floodMemory  = uint64(MaxBufferBytes + 2<<20) // with what the test itself holds
	floodAnswers = 10 * time.Millisecond          // from one to the next
)

func (c heavyChain) withWork(st core.HeaderState) core.HeaderState {
	st.Work = heavyWork
	return st
}

// Tip implements [Chain].
func (c heavyChain) Tip() core.HeaderState { return c.withWork(c.Chain.Tip()) }

// BestHeader implements [Chain].
func (c heavyChain) BestHeader() core.HeaderState { return c.withWork(c.Chain.BestHeader()) }

// bareHeaders mines n headers of no blocks behind st.
func bareHeaders(t *testing.T, rules *core.Rules, st *core.HeaderState, n int) []core.Header {
	t.Helper()
	hs := make([]core.Header, n)
	for i := range hs {
		h := core.Header{Version: 1, Height: st.Height + 1, Parent: st.ID, Time: st.Time + 1, Bits: rules.NextBits(st)}
		binary.LittleEndian.PutUint32(h.MerkleRoot[:], h.Height)
		for rules.CheckWork(&h) != nil {
			h.Nonce++
		}
		next, err := rules.ConnectHeader(st, &h)
		if err != nil {
			t.Fatal(err)
		}
		hs[i], *st = h, next
	}
	return hs
}

// A peer that claims the most work and sends valid headers of very little, without
// an end, costs a bounded memory; none of its headers goes to the chain.
func TestLongFlood(t *testing.T) {
	rules := devRules(t)
	p := New(rules, heavyChain{fakechain.New(rules)})
	now := time.UnixMilli(int64(rules.Params().GenesisTime)).Add(24 * time.Hour)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	st := rules.Params().GenesisState().HeaderState
	sent, most := 0, uint64(0)
	actions := p.Step(Joined{Peer: "a", Claim: Claim{core.Hash{9}, 1 << 31, heavierWork}}, now)
	for sent < *floodHeaders {
		var ask *GetHeaders
		for _, a := range actions {
			switch a := a.(type) {
			case GetHeaders:
				ask = &a
			case AddHeaders:
				t.Fatalf("%d headers go to the chain after %d", len(a.Headers), sent)
			}
		}
		if ask == nil {
			t.Fatalf("after %d headers the peer is asked for no more: %v", sent, actions)
		}
		hs := bareHeaders(t, rules, &st, HeadersPerRequest)
		sent += len(hs)
		now = now.Add(floodAnswers)
		actions = p.Step(HeadersArrived{Peer: "a", Req: ask.Req, Headers: hs}, now)
		if answers := sent / HeadersPerRequest; answers < 20 || answers%10 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			most = max(most, after.HeapAlloc-min(after.HeapAlloc, before.HeapAlloc))
		}
	}
	if most > floodMemory {
		t.Errorf("%d headers cost %d bytes of memory, at most %d", sent, most, floodMemory)
	}
	t.Logf("%d headers, none kept, at most %d KiB held", sent, most>>10)
	runtime.KeepAlive(p)
}
