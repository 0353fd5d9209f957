package cases

import (
	"encoding/binary"
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// network returns the development network as changed by f.
func network(f func(p *core.Params)) func() *core.Params {
	return func() *core.Params {
		p := core.Dev()
		f(p)
		return p
	}
}

// Limits of [small].
const (
	smallBlockBytes = 4096
	smallTxBytes    = 2048
	smallBlockCoins = 140
	smallMaturity   = 3
	smallHalving    = 4
)

// small is a network whose limits a handful of transactions reaches.
var small = network(func(p *core.Params) {
	p.MaxBlockBytes = smallBlockBytes
	p.MaxTxBytes = smallTxBytes
	p.MaxBlockCoins = smallBlockCoins
	p.CoinbaseMaturity = smallMaturity
	p.HalvingInterval = smallHalving
})

// trunk delivers
//
//	genesis -> b1 -> ... -> bn
//
// whose coinbases pay 5 ING each to "miner".
func trunk(s *coretest.Story, n int) {
	for b, i := s.Get(coretest.Genesis), 0; i < n; i++ {
		b = s.Next(numbered("b", i+1), b.Name)
		s.Accepted(b.Name)
	}
}

// numbered returns the name that [coretest.Chain.Chain] gives to block i.
func numbered(prefix string, i int) string {
	digits := ""
	for ; i > 0; i /= 10 {
		digits = string(rune('0'+i%10)) + digits
	}
	return prefix + digits
}

// refused tells
//
//	genesis -> b1 -> b2 -> b3 -> b4 -> bad
//	                              \-> good
//
// where bad, changed by the mutators, breaks the rule of that code.
func refused(code core.Code, mutators ...coretest.Mutator) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		s.Next("bad", "b4", mutators...)
		s.Next("good", "b4")
		s.Rejected("bad", code)
		s.Accepted("good")
	}
}

// accepted tells
//
//	genesis -> b1 -> b2 -> b3 -> b4 -> odd -> next
//
// where odd is as changed by the mutators.
func accepted(mutators ...coretest.Mutator) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		s.Next("odd", "b4", mutators...)
		s.Next("next", "odd")
		s.Accepted("odd", "next")
	}
}

// header changes the header; merkle root and nonce are still made to fit.
func header(f func(h *core.Header)) coretest.Mutator { return coretest.WithHeader(f) }

// coinbase changes the coinbase, whose outputs then stay as f left them.
func coinbase(f func(tx *core.Transaction)) coretest.Mutator {
	return func(d *coretest.Draft) { d.KeepReward = true; f(&d.Txs[0]) }
}

// add appends transactions that are made when the block is.
func add(txs func(c *coretest.Chain) []core.Transaction) coretest.Mutator {
	return func(d *coretest.Draft) { d.Txs = append(d.Txs, txs(d.Chain)...) }
}

// pay spends b1's coinbase (5 ING of "miner"): 2 ING to "alice", 2 ING back, 1
// ING as the fee, as changed by f and signed again by the miner.
func pay(c *coretest.Chain, f func(tx *core.Transaction)) core.Transaction {
	return payFrom(c, "b1", f)
}

// payFrom is pay with the coinbase of another block.
func payFrom(c *coretest.Chain, block string, f func(tx *core.Transaction)) core.Transaction {
	tx := spend(c, []core.Coin{c.Get(block).Coinbase()}, []string{"miner"}, coretest.To("alice", 2*ing), coretest.To("miner", 2*ing))
	if f != nil {
		f(&tx)
		coretest.Sign(c.Rules.GenesisID(), &tx, "miner")
	}
	return tx
}

// payment adds pay(f).
func payment(f func(tx *core.Transaction)) coretest.Mutator {
	return func(d *coretest.Draft) { d.Txs = append(d.Txs, pay(d.Chain, f)) }
}

// paymentFrom adds payFrom(block, f).
func paymentFrom(block string, f func(tx *core.Transaction)) coretest.Mutator {
	return func(d *coretest.Draft) { d.Txs = append(d.Txs, payFrom(d.Chain, block, f)) }
}

// spend is [coretest.Pay] on the chain's network.
func spend(c *coretest.Chain, coins []core.Coin, owners []string, outputs ...core.Output) core.Transaction {
	return coretest.Pay(c.Rules.GenesisID(), coins, owners, outputs...)
}

// coinOf returns the coin that output index of tx makes, as far as a payment in
// the same block needs to know it.
func coinOf(tx *core.Transaction, index int) core.Coin {
	out := tx.Outputs[index]
	return core.Coin{Outpoint: core.Outpoint{TxID: tx.ID(), Index: uint32(index)}, Value: out.Value, Address: out.Address}
}

// outputs returns n outputs of value each to "bob".
func outputs(n int, value core.Amount) []core.Output {
	return slices.Repeat([]core.Output{coretest.To("bob", value)}, n)
}

// rootOf returns the merkle root of transactions.
func rootOf(txs []core.Transaction) core.Hash {
	leaves := make([]core.Hash, len(txs))
	for i := range txs {
		leaves[i] = core.MerkleLeaf(txs[i].ID(), txs[i].WitnessID())
	}
	return core.MerkleRoot(leaves)
}

// body returns the bytes of a block of n's header with other transactions.
func body(n *coretest.Named, txs ...core.Transaction) []byte {
	return core.AppendBlock(nil, n.Block.Header, txs)
}

// splice returns a copy of b with the n bytes at offset at replaced.
func splice(b []byte, at, n int, with ...byte) []byte {
	return slices.Concat(b[:at], with, b[at+n:])
}

// padded returns v as a uvarint one byte longer than it needs to be.
func padded(v uint64) []byte {
	b := binary.AppendUvarint(nil, v)
	b[len(b)-1] |= 0x80
	return append(b, 0)
}

// hard is a network of fixed difficulty on which one hash in 256 meets the
// target, so that what is changed after mining fails.
var hard = network(func(p *core.Params) { p.GenesisBits = 0x2000ffff })

// adjusting is a network whose difficulty follows the times, from that of hard.
var adjusting = network(func(p *core.Params) {
	p.GenesisBits = 0x2000ffff
	p.Retarget.Fixed = false
})

// in sets the time to so many milliseconds after the parent's.
func in(ms uint64) coretest.Mutator {
	return func(d *coretest.Draft) { d.Header.Time = d.Parent.Block.Header.Time + ms }
}

// bits sets the compact target.
func bits(b uint32) coretest.Mutator {
	return header(func(h *core.Header) { h.Bits = b })
}

// easier and harder are the compact targets next to b.
func easier(b uint32) uint32 {
	if b&0x7fffff == 0x7fffff {
		return (b>>24+1)<<24 | 0x8000
	}
	return b + 1
}

func harder(b uint32) uint32 {
	if b&0x7fffff == 0x8000 {
		return (b>>24-1)<<24 | 0x7fffff
	}
	return b - 1
}

// workless leaves a block, complete but for its nonce, with one that misses the
// target; it comes last among mutators.
func workless(d *coretest.Draft) {
	nonce(func(id core.Hash) bool {
		target, err := core.TargetFromBits(d.Header.Bits)
		return err == nil && !core.HashMeetsTarget(id, &target)
	})(d)
}

// nonce searches the first nonce whose id is wanted, for a block of a coinbase
// alone; it comes last among mutators.
func nonce(wanted func(id core.Hash) bool) coretest.Mutator {
	return func(d *coretest.Draft) {
		d.KeepMerkle, d.KeepNonce = true, true
		d.Header.MerkleRoot = rootOf(d.Txs)
		for !wanted(d.Header.ID()) {
			d.Header.Nonce++
		}
	}
}

// alteredCopy makes the block that original is, but for what f changes in its
// header after it was mined.
func alteredCopy(original string, f func(h *core.Header)) coretest.Mutator {
	return func(d *coretest.Draft) {
		d.KeepMerkle, d.KeepReward, d.KeepNonce = true, true, true
		b := d.Chain.Get(original).Block
		d.Header, d.Txs = b.Header, slices.Clone(b.Txs)
		f(&d.Header)
	}
}

// timeOf returns a block's time.
func timeOf(s *coretest.Story, name string) uint64 { return s.Get(name).Block.Header.Time }

// settle makes the coinbase's first output fit, for mutators that need the
// transactions as they will be.
func settle(d *coretest.Draft) {
	d.KeepReward = true
	reward := d.Chain.Rules.Params().SubsidyAt(d.Header.Height)
	for i := 1; i < len(d.Txs); i++ {
		reward += d.Txs[i].Fee
	}
	d.Txs[0].Outputs[0].Value = reward
}

// root sets the merkle root to what f makes of the transactions; it comes last
// among mutators.
func root(f func(txs []core.Transaction) core.Hash) coretest.Mutator {
	return func(d *coretest.Draft) {
		settle(d)
		d.KeepMerkle = true
		d.Header.MerkleRoot = f(d.Txs)
	}
}

// unparsable tells
//
//	... -> b4 -> odd -> child
//	         \-> good
//
// where the header of odd commits to transactions whose encoding is none. There
// is no body for it, and it stays unjudged.
func unparsable(f func(txs []core.Transaction) []core.Transaction) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		var txs []core.Transaction
		odd := s.Next("odd", "b4", payment(nil), root(func(good []core.Transaction) core.Hash {
			txs = f(slices.Clone(good))
			return rootOf(txs)
		}))
		s.Next("child", "odd")
		s.Next("good", "b4")
		s.BadBody("odd", body(odd, txs...), core.ErrMalformed)
		s.BadBody("odd", odd.Block.Bytes(), core.ErrMerkleRoot)
		s.Deferred("child", core.ErrNoParent)
		s.Accepted("good")
	}
}

// hops returns n payments of one input and one output, each of the coin that
// the one before made; the first spends a block's coinbase.
func hops(c *coretest.Chain, block string, n int) (txs []core.Transaction) {
	coin, owner := c.Get(block).Coinbase(), "miner"
	for range n {
		tx := spend(c, []core.Coin{coin}, []string{owner}, coretest.To("alice", coin.Value-1))
		txs = append(txs, tx)
		coin, owner = coinOf(&tx, 0), "alice"
	}
	return txs
}
