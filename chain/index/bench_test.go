package index

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ingchain/ingchain/chain"
	"github.com/ingchain/ingchain/core"
)

// stream is a Source that makes each block when it is asked for: a coinbase and
// three payments of three outputs each, among 20,000 addresses.
type stream struct {
	*world
	rng    *rand.Rand
	left   int
	height uint32
	coins  []core.Coin
	addrs  []core.Address
	made   time.Duration
}

const (
	streamAddresses = 20_000
	streamOutputs   = 10 // of a block
	streamCoins     = 200_000
)

func newStream(b *testing.B, blocks int) *stream {
	s := &stream{world: newWorld(b, 10), rng: rand.New(rand.NewPCG(1, 1)), left: blocks}
	for range streamAddresses {
		var a core.Address
		for i := range a.Hash {
			a.Hash[i] = byte(s.rng.Uint32())
		}
		s.addrs = append(s.addrs, a)
	}
	return s
}

func (s *stream) Tip() core.HeaderState {
	return core.HeaderState{Height: s.height + uint32(s.left), ID: core.Hash{1}}
}

func (s *stream) UpdatesSince(cursor core.Hash, n int) (u chain.Updates, err error) {
	began := time.Now()
	if cursor.IsZero() {
		u.Applied, u.Cursor, u.More = []*core.Block{s.rules.Genesis()}, s.rules.GenesisID(), true
		return u, nil
	}
	for ; n > 0 && s.left > 0; n-- {
		blk := s.next(cursor)
		cursor = blk.ID()
		u.Applied = append(u.Applied, blk)
		s.left--
	}
	u.Cursor, u.More = cursor, s.left > 0
	s.made += time.Since(began)
	return u, nil
}

func (s *stream) next(parent core.Hash) *core.Block {
	s.height++
	txs := []core.Transaction{core.NewCoinbase(s.height, 1e9, s.addrs[s.rng.IntN(len(s.addrs))], nil)}
	for range 3 {
		tx := core.Transaction{Version: core.TxVersion, Witnesses: make([]core.Witness, 1)}
		for range 3 {
			if len(s.coins) == 0 {
				break
			}
			i := s.rng.IntN(len(s.coins))
			tx.Inputs = append(tx.Inputs, core.Input{Outpoint: s.coins[i].Outpoint})
			s.coins[i] = s.coins[len(s.coins)-1]
			s.coins = s.coins[:len(s.coins)-1]
			if len(s.coins) < streamCoins {
				break // more coins first
			}
		}
		if len(tx.Inputs) == 0 {
			break
		}
		for range 3 {
			tx.Outputs = append(tx.Outputs, core.Output{Value: 1 + core.Amount(s.rng.Uint64N(1e9/4)), Address: s.addrs[s.rng.IntN(len(s.addrs))]})
		}
		txs = append(txs, tx)
	}
	blk, err := core.NewBlock(core.Header{Version: 1, Parent: parent, Height: s.height}, txs)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range blk.Txs {
		for j, o := range blk.Txs[i].Outputs {
			s.coins = append(s.coins, core.Coin{Outpoint: core.Outpoint{TxID: blk.TxID(i), Index: uint32(j)}, Value: o.Value})
		}
	}
	return blk
}

// BenchmarkBuild builds an index of b.N blocks of ten outputs on disk. The time
// in which the blocks are made is not counted.
//
//	go test ./chain/index -run '^$' -bench Build -benchtime 100000x
func BenchmarkBuild(b *testing.B) {
	s := newStream(b, b.N)
	x, err := Open(b.TempDir(), s, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	began := time.Now()
	advance(b, x)
	if err := x.store.db.Flush(); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began) - s.made
	b.StopTimer()
	disk := x.Status().DiskBytes
	outputs := float64(b.N * streamOutputs)
	b.ReportMetric(float64(b.N)/took.Seconds(), "blocks/s")
	b.ReportMetric(outputs/took.Seconds(), "outputs/s")
	b.ReportMetric(float64(disk)/outputs, "bytes/output")
	b.ReportMetric(took.Seconds(), "s")
	closeIndex(b, x)
}

// BenchmarkRead asks for a page of 25 and a balance, as the page of an address
// does.
func BenchmarkRead(b *testing.B) {
	s := newStream(b, 20_000)
	x, err := Open(b.TempDir(), s, Options{})
	if err != nil {
		b.Fatal(err)
	}
	advance(b, x)
	for b.Loop() {
		v, err := x.View()
		if err != nil {
			b.Fatal(err)
		}
		a := s.addrs[s.rng.IntN(len(s.addrs))]
		if _, err := v.Balance(a); err != nil {
			b.Fatal(err)
		}
		if _, err := v.History(a, Cursor{}, 25); err != nil {
			b.Fatal(err)
		}
		v.Close()
	}
	closeIndex(b, x)
}
