package core_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

type txVectors struct {
	Network string     `json:"network"`
	Genesis core.Hash  `json:"genesis"`
	Cases   []txVector `json:"cases"`
}

type txVector struct {
	Name  string   `json:"name"`
	Bytes hexBytes `json:"bytes"`
	// BodySize is how many of the bytes are the body; absent if malformed.
	BodySize int       `json:"body_size,omitempty"`
	TxID     core.Hash `json:"txid"`
	Wid      core.Hash `json:"wid"`
	Digest   core.Hash `json:"digest"`
	// Verdict of the rules that need no state: "" or a code.
	Verdict string `json:"verdict"`
}

func (v *txVector) fill(t *core.Transaction, rules *core.Rules) {
	v.BodySize = len(t.AppendBody(nil))
	v.TxID, v.Wid, v.Digest = t.ID(), t.WitnessID(), t.SigningDigest(rules.GenesisID())
	v.Verdict = codeName(rules.CheckTx(t))
}

func makeTxs(t *testing.T) txVectors {
	c := coretest.New(t, nil)
	genesis := c.Rules.GenesisID()
	v := txVectors{Network: core.NetworkDev, Genesis: genesis}
	add := func(name string, tx core.Transaction) []byte {
		out := txVector{Name: name, Bytes: tx.AppendTo(nil)}
		out.fill(&tx, c.Rules)
		v.Cases = append(v.Cases, out)
		return out.Bytes
	}
	malformed := func(name string, raw []byte) {
		_, err := core.ParseTransaction(raw)
		v.Cases = append(v.Cases, txVector{Name: name, Bytes: raw, Verdict: codeName(err)})
	}
	coin := func(name string, index uint32, value core.Amount) core.Coin {
		return core.Coin{Outpoint: core.Outpoint{TxID: filler(name), Index: index}, Value: value}
	}
	coins := []core.Coin{coin("a", 0, 5*ing), coin("b", 300, 5*ing), coin("c", 1<<32-1, 5*ing)}

	plain := add("one input, one output", coretest.Pay(genesis, coins[:1], []string{"alice"}, coretest.To("bob", 5*ing-1000)))
	add("three inputs, two owners", coretest.Pay(genesis, coins, []string{"alice", "bob", "alice"}, coretest.To("carol", 14*ing), coretest.To("alice", 1)))
	data := coretest.Pay(genesis, coins[:1], []string{"alice"}, coretest.To("bob", 5*ing))
	data.Data = make([]byte, core.MaxTxData)
	coretest.Sign(genesis, &data, "alice")
	add("no fee, 128 bytes of data", data)
	add("coinbase, which is no payment", core.NewCoinbase(7, 5*ing, coretest.Key("miner").Address, []byte("extra")))

	change := func(f func(*core.Transaction)) core.Transaction {
		tx := coretest.Pay(genesis, coins[:2], []string{"alice", "bob"}, coretest.To("bob", 9*ing))
		f(&tx)
		return tx
	}
	add("signature of other bytes", change(func(tx *core.Transaction) { tx.Fee++ }))
	add("key of small order", change(func(tx *core.Transaction) { tx.Witnesses[0] = core.Witness{PublicKey: [32]byte{1}} }))
	add("owners out of order", change(func(tx *core.Transaction) { tx.Inputs[0].Owner, tx.Inputs[1].Owner = 1, 0 }))
	add("one key for two owners", change(func(tx *core.Transaction) { coretest.Sign(genesis, tx, "alice", "alice") }))
	add("one coin twice", change(func(tx *core.Transaction) { tx.Inputs[1].Outpoint = tx.Inputs[0].Outpoint }))
	add("output of nothing", change(func(tx *core.Transaction) { tx.Outputs[0].Value = 0 }))
	add("output of 2^53 grains", change(func(tx *core.Transaction) { tx.Outputs[0].Value = 1 << 53 }))
	add("output and fee of 2^53 grains", change(func(tx *core.Transaction) { tx.Outputs[0].Value, tx.Fee = 1<<53-1, 1 }))
	add("output of kind 1", change(func(tx *core.Transaction) { tx.Outputs[0].Address.Kind = 1 }))
	add("version 2", change(func(tx *core.Transaction) { tx.Version = 2 }))
	add("no outputs", change(func(tx *core.Transaction) { tx.Outputs = nil }))

	malformed("no bytes", nil)
	malformed("last byte missing", plain[:len(plain)-1])
	malformed("a byte too many", append(plain[:len(plain):len(plain)], 0))
	malformed("number of inputs in two bytes", append(append(plain[:2:2], 0x81, 0x00), plain[3:]...))
	malformed("more inputs than bytes", append(append(plain[:2:2], 0xff, 0xff, 0x03), plain[3:]...))
	return v
}

func TestTransactionVectors(t *testing.T) {
	rules, err := core.NewRules(core.Dev())
	if err != nil {
		t.Fatal(err)
	}
	vs := vectors(t, "transaction.json", makeTxs)
	equal(t, "genesis", rules.GenesisID(), vs.Genesis)
	for _, v := range vs.Cases {
		got := txVector{Name: v.Name, Bytes: v.Bytes}
		tx, err := core.ParseTransaction(v.Bytes)
		if err != nil {
			got.Verdict = codeName(err)
		} else {
			equal(t, v.Name, hexBytes(tx.AppendTo(nil)), v.Bytes)
			got.fill(tx, rules)
		}
		equal(t, v.Name, got, v)
	}
}

type coinVector struct {
	TxID     core.Hash   `json:"txid"`
	Index    uint32      `json:"index"`
	Value    core.Amount `json:"value"`
	Height   uint32      `json:"height"`
	Coinbase bool        `json:"coinbase"`
	Kind     byte        `json:"kind"`
	Hash     hexBytes    `json:"hash"`
	Bytes    hexBytes    `json:"bytes"`
	// Alone is the hash of the set of this coin only, Sum that of the set of this
	// and all coins above.
	Alone core.Hash `json:"alone"`
	Sum   core.Hash `json:"sum"`
}

func (v *coinVector) coin() core.Coin {
	c := core.Coin{Outpoint: core.Outpoint{TxID: v.TxID, Index: v.Index}, Value: v.Value, Height: v.Height, Coinbase: v.Coinbase}
	c.Address.Kind = v.Kind
	copy(c.Address.Hash[:], v.Hash)
	return c
}

func (v *coinVector) fill(sum *core.CoinSet) {
	c := v.coin()
	enc := c.Encode()
	v.Bytes = enc[:]
	var alone core.CoinSet
	alone.Add(&c)
	sum.Add(&c)
	v.Alone, v.Sum = alone.Hash(), sum.Hash()
}

type coinSetVectors struct {
	Empty core.Hash    `json:"empty"`
	Coins []coinVector `json:"coins"`
}

func makeCoins(*testing.T) (v coinSetVectors) {
	alice, bob := coretest.Key("alice").Address, coretest.Key("bob").Address
	v.Coins = []coinVector{
		{TxID: filler("coin 0"), Value: 5 * ing, Height: 1, Coinbase: true, Hash: alice.Hash[:]},
		{TxID: filler("coin 1"), Index: 1, Value: 1, Height: 2, Hash: bob.Hash[:]},
		{TxID: filler("coin 1"), Index: 2, Value: 1, Height: 2, Hash: bob.Hash[:]},
		{TxID: filler("coin 3"), Index: 1<<32 - 1, Value: core.MaxAmount, Height: 1<<32 - 1, Hash: make([]byte, 20)},
	}
	var sum core.CoinSet
	v.Empty = sum.Hash()
	for i := range v.Coins {
		v.Coins[i].fill(&sum)
	}
	return v
}

func TestCoinSetVectors(t *testing.T) {
	vs := vectors(t, "coinset.json", makeCoins)
	var sum core.CoinSet
	equal(t, "empty", sum.Hash(), vs.Empty)
	for i, v := range vs.Coins {
		got := v
		got.fill(&sum)
		equal(t, fmt.Sprint("coin ", i), got, v)
		if c, err := core.ParseCoin(v.Bytes); err != nil || c != v.coin() {
			t.Errorf("coin %d: ParseCoin = %+v, %v", i, c, err)
		}
	}
	for i := len(vs.Coins) - 1; i > 0; i-- {
		c := vs.Coins[i].coin()
		sum.Remove(&c)
		equal(t, fmt.Sprint("without coin ", i), sum.Hash(), vs.Coins[i-1].Sum)
	}
}

type historyVectors struct {
	Empty  core.Hash       `json:"empty"`
	Blocks []historyVector `json:"blocks"`
}

type historyVector struct {
	ID   core.Hash `json:"id"`
	Work core.Work `json:"work"`
	// Root is that of the history up to and with this block.
	Root core.Hash `json:"root"`
}

func makeHistory(t *testing.T) (v historyVectors) {
	var h core.History
	v.Empty = h.Root()
	var work core.Work
	for i := range 9 {
		id := filler(fmt.Sprint("block ", i))
		core.PushHistory(&h, id, work)
		v.Blocks = append(v.Blocks, historyVector{id, work, h.Root()})
		w, err := core.WorkOf(0x1e010000)
		if err != nil {
			t.Fatal(err)
		}
		work = work.Add(w)
	}
	return v
}

func TestHistoryVectors(t *testing.T) {
	vs := vectors(t, "history.json", makeHistory)
	var h core.History
	equal(t, "empty", h.Root(), vs.Empty)
	for i, v := range vs.Blocks {
		core.PushHistory(&h, v.ID, v.Work)
		equal(t, fmt.Sprint(i+1, " blocks"), h.Root(), v.Root)
	}
}

type networkVector struct {
	File json.RawMessage `json:"file"`
	// Encoding is what genesis' parent field hashes.
	Encoding hexBytes  `json:"encoding"`
	Parent   core.Hash `json:"parent"`
	Genesis  hexBytes  `json:"genesis"`
	ID       core.Hash `json:"id"`
	// State is what block 1 must commit to.
	State core.Hash `json:"state"`
}

func makeNetworks(t *testing.T) (vs []networkVector) {
	salted := core.Dev()
	salted.Name, salted.AddressPrefix, salted.Salt = "vectors", "vec", filler("salt")
	for _, p := range []*core.Params{core.LAN(), core.Dev(), salted} {
		file, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		v := networkVector{File: file}
		v.fill(p)
		vs = append(vs, v)
	}
	return vs
}

func (v *networkVector) fill(p *core.Params) {
	g, st := p.Genesis(), p.GenesisState()
	v.Encoding, v.Parent = p.Encode(), g.Header.Parent
	v.Genesis, v.ID, v.State = g.Bytes(), g.ID(), st.Commitment()
}

func TestNetworkVectors(t *testing.T) {
	for i, v := range vectors(t, "network.json", makeNetworks) {
		p, err := core.ParseParams(v.File)
		if err != nil {
			t.Fatal(err)
		}
		got := networkVector{File: v.File}
		got.fill(p)
		equal(t, p.Name, got, v)
		if i < 2 {
			equal(t, "built-in "+p.Name, p, core.BuiltIn(p.Name))
		}
	}
}

type chainVectors struct {
	Network string       `json:"network"`
	Blocks  []chainBlock `json:"blocks"`
	// Children are blocks after the last one, valid or not.
	Children []childBlock `json:"children"`
}

type chainBlock struct {
	Height uint32    `json:"height"`
	Bytes  hexBytes  `json:"bytes"`
	ID     core.Hash `json:"id"`
	// All that follows is as it stands after the block.
	Work     core.Work `json:"work"`
	Coins    uint64    `json:"coins"`
	CoinHash core.Hash `json:"coin_hash"`
	History  core.Hash `json:"history"`
	State    core.Hash `json:"state"`
}

type childBlock struct {
	Name    string   `json:"name"`
	Bytes   hexBytes `json:"bytes"`
	Verdict string   `json:"verdict"`
}

func describe(b *core.Block, st *core.State) chainBlock {
	return chainBlock{Height: b.Header.Height, Bytes: b.Bytes(), ID: b.ID(), Work: st.Work, Coins: st.Coins.Count(),
		CoinHash: st.Coins.Hash(), History: st.History.Root(), State: st.Commitment()}
}

func makeChain(t *testing.T) (v chainVectors) {
	c, b3 := twoPayments(t)
	c.Next("b4", "b3")
	v.Network = core.NetworkDev
	for _, name := range []string{coretest.Genesis, "b1", "b2", "b3", "b4"} {
		n := c.Get(name)
		v.Blocks = append(v.Blocks, describe(n.Block, n.State))
	}
	pay := coretest.Pay(c.Rules.GenesisID(), []core.Coin{b3.Coinbase()}, []string{"miner"}, coretest.To("alice", ing))
	thief := coretest.Pay(c.Rules.GenesisID(), []core.Coin{b3.Coinbase()}, []string{"bob"}, coretest.To("bob", ing))
	spent := coretest.Pay(c.Rules.GenesisID(), []core.Coin{c.Get("b1").Coinbase()}, []string{"miner"}, coretest.To("bob", ing))
	wrongFee := pay
	wrongFee.Fee++
	coretest.Sign(c.Rules.GenesisID(), &wrongFee, "miner")
	unsigned := pay
	unsigned.Witnesses = []core.Witness{{PublicKey: pay.Witnesses[0].PublicKey}}
	for _, child := range []struct {
		name string
		mut  coretest.Mutator
	}{
		{"a payment", coretest.WithTx(pay)},
		{"a coin of somebody else", coretest.WithTx(thief)},
		{"a coin spent before", coretest.WithTx(spent)},
		{"a fee that is not the rest", coretest.WithTx(wrongFee)},
		{"a signature of zeros", coretest.WithTx(unsigned)},
		{"a grain too many", func(d *coretest.Draft) { d.KeepReward = true; d.Txs[0].Outputs[0].Value++ }},
		{"another state", coretest.WithHeader(func(h *core.Header) { h.State = filler("state") })},
		{"the parent's time", func(d *coretest.Draft) { d.Header.Time = d.Parent.State.Time }},
		{"harder bits", coretest.WithHeader(func(h *core.Header) { h.Bits-- })},
		{"version 2", coretest.WithHeader(func(h *core.Header) { h.Version = 2 })},
		{"transactions of another block", func(d *coretest.Draft) { d.KeepMerkle = true }},
	} {
		n := c.Next(child.name, "b4", child.mut)
		v.Children = append(v.Children, childBlock{child.name, n.Block.Bytes(), codeName(n.Err)})
	}
	return v
}

func TestChainVectors(t *testing.T) {
	vs := vectors(t, "chain.json", makeChain)
	rules, err := core.NewRules(core.BuiltIn(vs.Network))
	if err != nil {
		t.Fatal(err)
	}
	genesis := rules.Params().GenesisState()
	st, coins := &genesis, core.UTXOs{}
	connect := func(raw []byte) (*core.Block, *core.State, *core.Diff, error) {
		b, err := core.ParseBlock(raw)
		if err != nil {
			return nil, nil, nil, err
		}
		if err := rules.CheckBlock(b); err != nil {
			return b, nil, nil, err
		}
		next, diff, err := rules.ConnectBlock(st, b, coins)
		return b, next, diff, err
	}
	equal(t, "genesis", describe(rules.Genesis(), st), vs.Blocks[0])
	for _, v := range vs.Blocks[1:] {
		b, next, diff, err := connect(v.Bytes)
		if err != nil {
			t.Fatalf("block %d: %v", v.Height, err)
		}
		equal(t, fmt.Sprint("block ", v.Height), describe(b, next), v)
		st = next
		for i := range diff.Spent {
			delete(coins, diff.Spent[i].Outpoint)
		}
		for i := range diff.Created {
			coins[diff.Created[i].Outpoint] = diff.Created[i]
		}
	}
	for _, v := range vs.Children {
		_, _, _, err := connect(v.Bytes)
		equal(t, v.Name, codeName(err), v.Verdict)
	}
}
