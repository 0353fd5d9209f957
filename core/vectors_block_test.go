package core_test

import (
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

type blockVectors struct {
	about
	network
	Cases     []blockVector     `json:"cases"`
	Malformed []malformedVector `json:"malformed"`
}

// blockVector is a block with the verdict of what its bytes alone decide.
type blockVector struct {
	Name    string    `json:"name"`
	Bytes   hexBytes  `json:"bytes"`
	ID      core.Hash `json:"id"`
	Verdict string    `json:"verdict"`
	Kind    string    `json:"kind"`
}

func (v *blockVector) fill(rules *core.Rules, b *core.Block) {
	err := rules.CheckBlock(b)
	v.Bytes, v.ID, v.Verdict, v.Kind = b.Bytes(), b.ID(), codeName(err), kindName(err)
}

func makeBlocks(t *testing.T) blockVectors {
	n := newSigned(t, smallNetwork())
	v := blockVectors{about: about{"Blocks with the verdict of what their bytes alone decide (block 1 to 12), whether or not their headers and coins are good; then bytes that are no block.", "block.md"},
		network: networkOf(t, n.chain.Rules.Params())}
	put := func(name string, b *core.Block) []byte {
		c := blockVector{Name: name}
		c.fill(n.chain.Rules, b)
		v.Cases = append(v.Cases, c)
		return c.Bytes
	}
	add := func(name string, mutators ...coretest.Mutator) []byte {
		return put(name, n.chain.Next(name, coretest.Genesis, mutators...).Block)
	}
	put("the genesis block", n.chain.Rules.Genesis())
	plain := add("a coinbase alone")
	n.blockCases(func(name string, m ...coretest.Mutator) { add(name, m...) })
	n.coinbaseCases(func(name string, m ...coretest.Mutator) { add(name, m...) })

	cut := plain[:core.HeaderSize]
	v.Malformed = []malformedVector{
		{"no bytes", nil, "truncated"},
		{"117 bytes", plain[:117], "truncated"},
		{"a header without number of transactions", cut, "truncated"},
		{"last byte missing", plain[:len(plain)-1], "truncated"},
		{"a byte too many", append(plain[:len(plain):len(plain)], 0), "left over"},
		{"number of transactions in two bytes", append(append(cut[:118:118], 0x81, 0x00), plain[119:]...), "uvarint not minimal"},
		{"one transaction more than there is", append(append(cut[:118:118], 2), plain[119:]...), "truncated"},
		{"no transactions announced", append(append(cut[:118:118], 0), plain[119:]...), "left over"},
		{"2^63 transactions", append(append(cut[:118:118], 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01), plain[119:]...), "count"},
	}
	return v
}

// blockCases are blocks whose payments spend coins that nobody ever saw, which
// their bytes alone do not tell.
func (n signedNetwork) blockCases(add func(string, ...coretest.Mutator)) {
	const ing = core.GrainsPerING
	a, b := madeUpCoin("a", 0, 5*ing), madeUpCoin("b", 1, 5*ing)
	pay := n.pay([]core.Coin{a}, []string{"alice"}, coretest.To("bob", ing))
	two := n.pay([]core.Coin{a, b}, []string{"alice", "bob"}, coretest.To("carol", ing))
	other := n.pay([]core.Coin{b}, []string{"bob"}, coretest.To("carol", ing))
	again := n.pay([]core.Coin{a}, []string{"alice"}, coretest.To("carol", ing))
	with := func(txs ...core.Transaction) coretest.Mutator {
		return func(d *coretest.Draft) { d.Txs = append(d.Txs, txs...) }
	}
	changed := func(t core.Transaction, f func(*core.Transaction)) core.Transaction {
		t.Outputs, t.Inputs, t.Witnesses = append([]core.Output(nil), t.Outputs...), append([]core.Input(nil), t.Inputs...), append([]core.Witness(nil), t.Witnesses...)
		f(&t)
		return t
	}
	badKey := changed(other, func(t *core.Transaction) { t.Witnesses[0].PublicKey = [32]byte{1} })
	badSignature := changed(pay, func(t *core.Transaction) { t.Witnesses[0].Signature[0]++ })
	// split pays a coin in so many parts.
	split := func(coin core.Coin, parts int) core.Transaction {
		out := make([]core.Output, parts)
		for i := range out {
			out[i] = coretest.To("bob", 1)
		}
		return n.pay([]core.Coin{coin}, []string{"bob"}, out...)
	}

	add("two payments", with(pay, other))
	add("one payment of two owners", with(two))
	add("a payment that spends the one before", with(pay, n.pay([]core.Coin{{Outpoint: core.Outpoint{TxID: pay.ID()}, Value: ing}}, []string{"bob"}, coretest.To("carol", ing))))
	add("another merkle root", with(pay), coretest.WithHeader(func(h *core.Header) { h.MerkleRoot = filler("root") }), func(d *coretest.Draft) { d.KeepMerkle = true })
	add("height 0", coretest.WithHeader(func(h *core.Header) { h.Height = 0 }))
	add("no transactions", func(d *coretest.Draft) { d.Txs = nil })
	add("a payment in the coinbase's place", func(d *coretest.Draft) { d.Txs, d.KeepReward = []core.Transaction{pay}, true })
	add("two coinbases", with(core.NewCoinbase(1, ing, coretest.Key("miner").Address, nil)))
	add("40 inputs and outputs, the most here", with(split(a, 18), split(b, 19)))
	add("41 inputs and outputs", with(split(a, 19), split(b, 19)))
	add("4,096 bytes, the most here", wide(4096))
	add("4,097 bytes", wide(4097))
	add("a signature of other bytes under another root: the first rule names the code", with(badSignature), func(d *coretest.Draft) { d.KeepMerkle = true })
	add("version 2 of a payment", with(changed(pay, func(t *core.Transaction) { t.Version = 2 })))
	add("a payment of 1,025 bytes", with(changed(pay, func(t *core.Transaction) {
		t.Outputs = nil
		for range 29 {
			t.Outputs = append(t.Outputs, coretest.To("bob", 1))
		}
		for t.Data = nil; len(t.AppendTo(nil)) < 1025; {
			t.Data = append(t.Data, 0)
		}
	})))
	add("a payment to nobody", with(changed(pay, func(t *core.Transaction) { t.Outputs = nil })))
	add("an output of nothing", with(changed(pay, func(t *core.Transaction) { t.Outputs[0].Value = 0 })))
	add("an output of kind 1", with(changed(pay, func(t *core.Transaction) { t.Outputs[0].Address.Kind = 1 })))
	add("owners out of order", with(changed(two, func(t *core.Transaction) { t.Inputs[0].Owner, t.Inputs[1].Owner = 1, 0 })))
	add("one coin twice in a payment", with(changed(two, func(t *core.Transaction) { t.Inputs[1].Outpoint = t.Inputs[0].Outpoint })))
	add("one key for two owners", with(changed(two, func(t *core.Transaction) { coretest.Sign(n.genesis, t, "alice", "alice") })))
	add("one coin in two payments", with(pay, again))
	add("one payment twice", with(pay, pay))
	add("fees of 2^53 grains in all", with(changed(pay, func(t *core.Transaction) { t.Fee = core.MaxAmount }), changed(other, func(t *core.Transaction) { t.Fee = 1 })),
		func(d *coretest.Draft) { d.KeepReward = true })
	add("a key of small order", with(badKey))
	add("a signature of other bytes", with(badSignature))
	add("a bad signature, then a bad key: keys are looked at first", with(badSignature, badKey))
	add("a bad signature, then an output of nothing", with(badSignature, changed(other, func(t *core.Transaction) { t.Outputs[0].Value = 0 })))
	add("a bad signature and a coinbase of too much", with(badSignature), func(d *coretest.Draft) {
		d.KeepReward = true
		d.Txs[0].Outputs[0].Value += ing
	})
}

// wide fills a block up to so many bytes with payments of one input and one
// output each.
func wide(size int) coretest.Mutator {
	return func(d *coretest.Draft) {
		for i := range 18 {
			t := coretest.Pay(d.Chain.Rules.GenesisID(), []core.Coin{madeUpCoin("wide", uint32(i), 1)}, []string{"alice"}, coretest.To("bob", 1))
			d.Txs = append(d.Txs, t)
		}
		length := func() int { return len(core.AppendBlock(nil, d.Header, d.Txs)) }
		for i := 1; i < len(d.Txs) && length() < size; i++ {
			t := &d.Txs[i]
			for len(t.Data) < core.MaxTxData-2 && length() < size {
				t.Data = append(t.Data, 0)
			}
			coretest.Sign(d.Chain.Rules.GenesisID(), t, "alice")
		}
	}
}

func (n signedNetwork) coinbaseCases(add func(string, ...coretest.Mutator)) {
	const ing = core.GrainsPerING
	coinbase := func(f func(t *core.Transaction)) coretest.Mutator {
		return func(d *coretest.Draft) {
			d.KeepReward = true
			f(&d.Txs[0])
		}
	}
	fee := n.pay([]core.Coin{madeUpCoin("a", 0, 5*ing)}, []string{"alice"}, coretest.To("bob", 4*ing))
	add("a coinbase that shares the reward", coinbase(func(t *core.Transaction) {
		t.Outputs = []core.Output{coretest.To("miner", 2*ing), coretest.To("pool", 3*ing)}
	}))
	add("a coinbase that takes the fee", coretest.WithTx(fee))
	add("a coinbase with 128 bytes of data", coinbase(func(t *core.Transaction) { t.Data = append(t.Data[:4:4], make([]byte, 124)...) }))
	add("version 2 of the coinbase", coinbase(func(t *core.Transaction) { t.Version = 2 }))
	add("a coinbase that declares a fee", coinbase(func(t *core.Transaction) { t.Fee = 1 }))
	add("a coinbase of height 2", coinbase(func(t *core.Transaction) { t.Data[0] = 2 }))
	add("a coinbase with three bytes of data", coinbase(func(t *core.Transaction) { t.Data = t.Data[:3] }))
	add("a coinbase of 1,025 bytes", coinbase(func(t *core.Transaction) {
		t.Outputs = nil
		for range 33 {
			t.Outputs = append(t.Outputs, coretest.To("miner", 1))
		}
		for t.Data = t.Data[:4]; len(t.AppendTo(nil)) < 1025; {
			t.Data = append(t.Data, 0)
		}
	}))
	add("a coinbase with an output of nothing", coinbase(func(t *core.Transaction) { t.Outputs = append(t.Outputs, coretest.To("miner", 0)) }))
	add("a coinbase with an output of kind 255", coinbase(func(t *core.Transaction) { t.Outputs[0].Address.Kind = 255 }))
	add("a coinbase of 2^53 grains", coinbase(func(t *core.Transaction) {
		t.Outputs = []core.Output{coretest.To("miner", core.MaxAmount), coretest.To("miner", 1)}
	}))
	add("a coinbase of a grain too many", coinbase(func(t *core.Transaction) { t.Outputs[0].Value++ }))
	add("a coinbase of a grain too few", coinbase(func(t *core.Transaction) { t.Outputs[0].Value-- }))
	add("a coinbase without outputs", coinbase(func(t *core.Transaction) { t.Outputs = nil }))
	add("a coinbase that leaves the fee", coretest.WithTx(fee), coinbase(func(*core.Transaction) {}))
}

func TestBlockVectors(t *testing.T) {
	vs := vectors(t, "block.json", makeBlocks)
	rules := vs.rules(t)
	for _, v := range vs.Cases {
		b, err := core.ParseBlock(v.Bytes)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		got := blockVector{Name: v.Name}
		got.fill(rules, b)
		equal(t, v.Name, got, v)
		equal(t, v.Name+", encoded again", hexBytes(core.AppendBlock(nil, b.Header, b.Txs)), v.Bytes)
	}
	for _, v := range vs.Malformed {
		if _, err := core.ParseBlock(v.Bytes); codeName(err) != string(core.ErrMalformed) {
			t.Errorf("%s: %v, want it malformed", v.Name, err)
		}
	}
}
