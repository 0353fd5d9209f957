package chain_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// counting is a store that counts what it is asked to save.
type counting struct {
	chain.Store
	saves *int
}

// Save implements [chain.Store].
func (s counting) Save(c *chain.Changes) error {
	*s.saves++
	return s.Store.Save(c)
}

// Headers that break a rule are stored nowhere, however many come: those without
// work leave no trace at all, those that cost some a bounded one in memory.
func TestBadHeadersStoreNothing(t *testing.T) {
	b := newBuilder(t)
	saves := 0
	m, err := openWith(b.rules, memFS(), chain.Options{}, func(s chain.Store) chain.Store { return counting{s, &saves} })
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	saves = 0
	flood := func(n int, code core.Code, change func(h *core.Header), worked bool) {
		t.Helper()
		h := b.header(b.genesis())
		change(&h)
		for i := range n {
			binary.LittleEndian.PutUint32(h.MerkleRoot[:], uint32(i))
			for h.Nonce = 0; (b.rules.CheckWork(&h) == nil) != worked; h.Nonce++ {
			}
			if _, err := m.AddHeaders([]core.Header{h}); !errors.Is(err, code) {
				t.Fatalf("%v, want %s", err, code)
			}
		}
	}
	flood(100_000, core.ErrWork, func(*core.Header) {}, false)
	if n := m.HeaderVerdicts(); n != 0 {
		t.Errorf("%d verdicts on headers without work are remembered", n)
	}
	flood(10_000, core.ErrTime, func(h *core.Header) { h.Time = 0 }, true)
	if n := m.HeaderVerdicts(); n == 0 || n > chain.MaxVerdicts {
		t.Errorf("%d verdicts are remembered, at most %d", n, chain.MaxVerdicts)
	}
	if _, records := m.Held(); saves != 0 || records > 1 || m.BestHeader().ID != b.genesis() {
		t.Errorf("%d times something was stored, %d records are held", saves, records)
	}
}
