package core_test

import (
	"testing"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

type txVectors struct {
	about
	network
	Genesis   core.Hash         `json:"genesis"`
	Cases     []txVector        `json:"cases"`
	Malformed []malformedVector `json:"malformed"`
}

type txVector struct {
	Name string `json:"name"`
	// Fields of some, for whoever begins.
	Fields   *txFields `json:"fields,omitempty"`
	Bytes    hexBytes  `json:"bytes"`
	BodySize int       `json:"body_size"`
	TxID     core.Hash `json:"txid"`
	Wid      core.Hash `json:"wid"`
	Digest   core.Hash `json:"digest"`
	// Verdict of the rules that need no state: "" or a code.
	Verdict string `json:"verdict"`
}

type txFields struct {
	Version   uint16      `json:"version"`
	Inputs    []txInput   `json:"inputs"`
	Outputs   []txOutput  `json:"outputs"`
	Fee       uint64      `json:"fee,string"`
	Data      hexBytes    `json:"data"`
	Witnesses []txWitness `json:"witnesses"`
}

type txInput struct {
	TxID  core.Hash `json:"txid"`
	Index uint32    `json:"index"`
	Owner uint16    `json:"owner"`
}

type txOutput struct {
	Value uint64   `json:"value,string"`
	Kind  byte     `json:"kind"`
	Hash  hexBytes `json:"hash"`
}

type txWitness struct {
	PublicKey hexBytes `json:"public_key"`
	Signature hexBytes `json:"signature"`
}

func fieldsOf(t *core.Transaction) *txFields {
	f := &txFields{Version: t.Version, Fee: uint64(t.Fee), Data: append(hexBytes{}, t.Data...), Inputs: []txInput{}, Outputs: []txOutput{}, Witnesses: []txWitness{}}
	for _, in := range t.Inputs {
		f.Inputs = append(f.Inputs, txInput{in.TxID, in.Index, in.Owner})
	}
	for _, o := range t.Outputs {
		f.Outputs = append(f.Outputs, txOutput{uint64(o.Value), o.Address.Kind, o.Address.Hash[:]})
	}
	for _, w := range t.Witnesses {
		f.Witnesses = append(f.Witnesses, txWitness{w.PublicKey[:], w.Signature[:]})
	}
	return f
}

func (v *txVector) fill(t *core.Transaction, rules *core.Rules) {
	v.BodySize = len(t.AppendBody(nil))
	v.TxID, v.Wid, v.Digest = t.ID(), t.WitnessID(), t.SigningDigest(rules.GenesisID())
	v.Verdict = codeName(rules.CheckTx(t))
}

func madeUpCoin(name string, index uint32, value core.Amount) core.Coin {
	return core.Coin{Outpoint: core.Outpoint{TxID: filler(name), Index: index}, Value: value}
}

func makeTxs(t *testing.T) txVectors {
	n := newSigned(t, smallNetwork())
	v := txVectors{about: about{"Transactions that came alone: bytes, ids, signing digest, and the verdict of the rules that need no state (tx 0 to 11); then bytes that are none.", "transaction.md"},
		network: networkOf(t, n.chain.Rules.Params()), Genesis: n.genesis}
	add := func(name string, fields bool, tx core.Transaction) []byte {
		out := txVector{Name: name, Bytes: tx.AppendTo(nil)}
		if fields {
			out.Fields = fieldsOf(&tx)
		}
		out.fill(&tx, n.chain.Rules)
		v.Cases = append(v.Cases, out)
		return out.Bytes
	}
	const ing = core.GrainsPerING
	coins := []core.Coin{madeUpCoin("a", 0, 5*ing), madeUpCoin("b", 300, 5*ing), madeUpCoin("c", 1<<32-1, 5*ing)}
	plainTx := n.pay(coins[:1], []string{"alice"}, coretest.To("bob", 5*ing-1000))
	plain := add("one input, one output", true, plainTx)
	add("three inputs, two owners", true, n.pay(coins, []string{"alice", "bob", "alice"}, coretest.To("carol", 14*ing), coretest.To("alice", 1)))
	data := n.pay(coins[:1], []string{"alice"}, coretest.To("bob", 5*ing))
	data.Data = make([]byte, core.MaxTxData)
	coretest.Sign(n.genesis, &data, "alice")
	add("no fee, 128 bytes of data", false, data)
	add("the greatest value and no fee", false, n.pay([]core.Coin{madeUpCoin("d", 0, core.MaxAmount)}, []string{"alice"}, coretest.To("bob", core.MaxAmount)))
	add("coinbase, which is no payment", true, core.NewCoinbase(7, 5*ing, coretest.Key("miner").Address, []byte("extra")))

	// of makes a payment with outputs of one grain.
	of := func(outputs int, data int) core.Transaction {
		out := make([]core.Output, outputs)
		for i := range out {
			out[i] = coretest.To("bob", 1)
		}
		tx := n.pay(coins[:1], []string{"alice"}, out...)
		tx.Data = make([]byte, data)
		coretest.Sign(n.genesis, &tx, "alice")
		return tx
	}
	most := of(26, 127)
	for len(most.Data) > 0 && len(most.AppendTo(nil)) > 1024 {
		most = of(26, len(most.Data)-1)
	}
	add("1,024 bytes, the most here", false, most)
	change := func(f func(*core.Transaction)) core.Transaction {
		tx := n.pay(coins[:2], []string{"alice", "bob"}, coretest.To("bob", 9*ing))
		f(&tx)
		return tx
	}
	add("1,025 bytes", false, of(26, len(most.Data)+1))
	add("version 0", false, change(func(tx *core.Transaction) { tx.Version = 0 }))
	add("version 2", false, change(func(tx *core.Transaction) { tx.Version = 2 }))
	add("no outputs", false, change(func(tx *core.Transaction) { tx.Outputs = nil }))
	add("output of nothing", false, change(func(tx *core.Transaction) { tx.Outputs[0].Value = 0 }))
	add("output of 2^53 grains", false, change(func(tx *core.Transaction) { tx.Outputs[0].Value = 1 << 53 }))
	add("output of 2^64 - 1 grains", false, change(func(tx *core.Transaction) { tx.Outputs[0].Value = 1<<64 - 1 }))
	add("output of kind 1", false, change(func(tx *core.Transaction) { tx.Outputs[0].Address.Kind = 1 }))
	add("two outputs of 2^53 grains together", false, change(func(tx *core.Transaction) {
		tx.Outputs = append(tx.Outputs, coretest.To("carol", core.MaxAmount-9*ing+1))
	}))
	add("output and fee of 2^53 grains", false, change(func(tx *core.Transaction) { tx.Outputs[0].Value, tx.Fee = 1<<53-1, 1 }))
	add("fee of 2^64 - 1 grains", false, change(func(tx *core.Transaction) { tx.Fee = 1<<64 - 1 }))
	add("owners out of order", false, change(func(tx *core.Transaction) { tx.Inputs[0].Owner, tx.Inputs[1].Owner = 1, 0 }))
	add("an owner left out", false, change(func(tx *core.Transaction) {
		tx.Inputs[1].Owner = 2
		coretest.Sign(n.genesis, tx, "alice", "bob", "carol")
	}))
	add("one coin twice", false, change(func(tx *core.Transaction) { tx.Inputs[1].Outpoint = tx.Inputs[0].Outpoint }))
	add("one key for two owners", false, change(func(tx *core.Transaction) { coretest.Sign(n.genesis, tx, "alice", "alice") }))
	add("key of small order", false, change(func(tx *core.Transaction) { tx.Witnesses[0] = core.Witness{PublicKey: [32]byte{1}} }))
	add("key that is no point, in the second witness", false, change(func(tx *core.Transaction) {
		tx.Witnesses[0].Signature[0]++
		tx.Witnesses[1].PublicKey = [32]byte{2}
	}))
	add("signature of other bytes", false, change(func(tx *core.Transaction) { tx.Fee++ }))
	add("signature for another network", false, coretest.Pay(core.Dev().Genesis().ID(), coins[:1], []string{"alice"}, coretest.To("bob", ing)))
	add("version 2, no outputs, and a bad signature: the first names the code", false, change(func(tx *core.Transaction) { tx.Version, tx.Outputs = 2, nil }))

	v.Malformed = malformedTxs(plain, len(plainTx.AppendBody(nil)))
	return v
}

// malformedTxs changes the bytes of a transaction with one input of index and
// owner 0 and one output, and no data.
func malformedTxs(plain []byte, body int) []malformedVector {
	splice := func(at, n int, with ...byte) []byte {
		return append(append(plain[:at:at], with...), plain[at+n:]...)
	}
	return []malformedVector{
		{"no bytes", nil, "truncated"},
		{"version only", plain[:2], "truncated"},
		{"last byte missing", plain[:len(plain)-1], "truncated"},
		{"no witness", plain[:body], "truncated"},
		{"a byte too many", splice(len(plain), 0, 0), "left over"},
		{"a second witness", append(plain[:len(plain):len(plain)], plain[body:]...), "left over"},
		{"number of inputs in two bytes", splice(2, 1, 0x81, 0x00), "uvarint not minimal"},
		{"more inputs than bytes", splice(2, 1, 0xff, 0xff, 0x03), "count"},
		{"2^64 - 1 inputs", splice(2, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), "count"},
		{"2^64 inputs", splice(2, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02), "uvarint beyond 64 bits"},
		{"a uvarint that never ends", splice(2, 1, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00), "uvarint beyond 64 bits"},
		{"index 2^32", splice(35, 1, 0x80, 0x80, 0x80, 0x80, 0x10), "bound"},
		{"index 0 in two bytes", splice(35, 1, 0x80, 0x00), "uvarint not minimal"},
		{"owner 65,535", splice(36, 1, 0xff, 0xff, 0x03), "bound"},
		{"owner 65,534 without 65,535 witnesses", splice(36, 1, 0xfe, 0xff, 0x03), "count"},
		{"more outputs than bytes", splice(37, 1, 0x7f), "count"},
		{"129 bytes of data", append(append(plain[:body-1:body-1], append([]byte{0x81, 0x01}, make([]byte, 129)...)...), plain[body:]...), "bound"},
	}
}

func TestTransactionVectors(t *testing.T) {
	vs := vectors(t, "transaction.json", makeTxs)
	rules := vs.rules(t)
	equal(t, "genesis", rules.GenesisID(), vs.Genesis)
	for _, v := range vs.Cases {
		tx, err := core.ParseTransaction(v.Bytes)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		got := txVector{Name: v.Name, Bytes: tx.AppendTo(nil)}
		if v.Fields != nil {
			got.Fields = fieldsOf(tx)
		}
		got.fill(tx, rules)
		equal(t, v.Name, got, v)
	}
	for _, v := range vs.Malformed {
		if _, err := core.ParseTransaction(v.Bytes); codeName(err) != string(core.ErrTxMalformed) {
			t.Errorf("%s: %v, want it malformed", v.Name, err)
		}
	}
}
