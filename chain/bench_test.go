package chain_test

import (
	"context"
	"testing"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/chain/pebbledb"
	"github.com/ingchain/ingchain/core"
)

// BenchmarkAddBlocks adds 20,000 empty dev blocks, as bytes from the wire, to a
// store on disk: parsing, all checks, connecting and flushing.
func BenchmarkAddBlocks(b *testing.B) {
	const n = 20_000
	bl := newBuilder(b)
	raw := make([][]byte, n)
	headers := make([]core.Header, n)
	for i, blk := range bl.bare(bl.genesis(), n) {
		raw[i], headers[i] = blk.Bytes(), blk.Header
	}
	bl = nil
	for _, mode := range []string{"blocks", "headers first"} {
		b.Run(mode, func(b *testing.B) {
			for range b.N {
				addAll(b, raw, headers, mode == "headers first")
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "blocks/s")
		})
	}
}

func addAll(b *testing.B, raw [][]byte, headers []core.Header, first bool) {
	b.StopTimer()
	rules := devRules(b)
	db, err := pebbledb.Open(b.TempDir(), rules.GenesisID(), pebbledb.Options{})
	if err != nil {
		b.Fatal(err)
	}
	m, err := chain.Open(db, rules, chain.Options{Now: clockOf})
	if err != nil {
		b.Fatal(err)
	}
	b.StartTimer()
	for at := 0; first && at < len(headers); at += chain.MaxHeaders {
		if _, err := m.AddHeaders(headers[at:min(at+chain.MaxHeaders, len(headers))]); err != nil {
			b.Fatal(err)
		}
	}
	for at := 0; at < len(raw); at += 128 {
		var blocks []*core.Block
		for _, r := range raw[at:min(at+128, len(raw))] {
			blk, err := core.ParseBlock(r)
			if err != nil {
				b.Fatal(err)
			}
			blocks = append(blocks, blk)
		}
		if _, err := m.AddBlocks(context.Background(), blocks); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if int(m.Tip().Height) != len(raw) {
		b.Fatal("tip", m.Tip().Height)
	}
	if err := m.Close(); err != nil {
		b.Fatal(err)
	}
	b.StartTimer()
}
