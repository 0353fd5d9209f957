package reference

import (
	"bytes"
	"math/big"
)

// maxAmount is 2^53 − 1 (README, conventions).
var maxAmount = big.NewInt(1<<53 - 1)

func amount(v uint64) *big.Int { return new(big.Int).SetUint64(v) }

func tooMuch(v *big.Int) bool { return v.Cmp(maxAmount) > 0 }

// checkAlone is block.md's table "What the bytes alone decide".
func (n *Network) checkAlone(b block) string {
	if n.breaks("block 1", n.merkleRoot(b.txs) != b.header.merkleRoot) {
		return "block-merkle-root"
	}
	if b.header.height == 0 {
		if n.breaks("block 2", !bytes.Equal(b.encode(), n.genesisBlock)) {
			return "header-genesis"
		}
		return ""
	}
	if n.breaks("block 3", int64(b.size) > int64(n.maxBlockBytes)+n.off("block size")) {
		return "block-size"
	}
	if len(b.txs) == 0 {
		return "block-no-txs"
	}
	if code := n.checkOrder(b.txs); code != "" {
		return code
	}
	fees, code := n.checkPayments(b.txs[1:])
	if code != "" {
		return code
	}
	if code := n.checkCoinbase(b.txs[0], b.header.height, fees); code != "" {
		return code
	}
	return n.checkWitnesses(b.txs)
}

// checkWitnesses is block 11 and 12: all keys come before all signatures.
func (n *Network) checkWitnesses(txs []transaction) string {
	keys := txs
	if n.has("only the first transaction's keys before signatures") {
		keys = txs[:min(2, len(txs))]
	}
	for _, t := range keys {
		for _, w := range t.witnesses {
			if !n.keyOK(w.key) {
				return "tx-key"
			}
		}
	}
	for _, t := range txs {
		digest := tagged("ingchain/sign", n.genesisID[:], t.body())
		for _, w := range t.witnesses {
			if n.breaks("block 12", !n.verify(w.key, w.signature, digest)) {
				return "tx-signature"
			}
		}
	}
	return ""
}

// checkOrder is block.md 5 and 6: who is a coinbase, and how many coins.
func (n *Network) checkOrder(txs []transaction) string {
	coins := int64(0)
	for i, t := range txs {
		if i == 0 && n.breaks("block 5 first", !t.isCoinbase()) {
			return "block-first-tx"
		}
		if i > 0 && n.breaks("block 5 extra", t.isCoinbase()) {
			return "block-extra-coinbase"
		}
		coins += int64(len(t.inputs) + len(t.outputs))
	}
	if n.breaks("block 6", coins > int64(n.maxBlockCoins)+n.off("block coins")) {
		return "block-coins"
	}
	return ""
}

// checkPayments is block.md 7 to 9, payment by payment. It gives the sum of the
// fees.
func (n *Network) checkPayments(payments []transaction) (*big.Int, string) {
	fees := new(big.Int)
	spent := map[outpoint]bool{}
	for _, t := range payments {
		if code := n.checkPayment(t); code != "" {
			return nil, code
		}
		for _, in := range t.inputs {
			if n.breaks("block 8", spent[in.coin]) {
				return nil, "block-double-spend"
			}
			spent[in.coin] = true
		}
		fees.Add(fees, amount(t.fee))
		if n.breaks("block 9", tooMuch(fees)) {
			return nil, "tx-sum"
		}
	}
	return fees, ""
}

// checkPayment is transaction.md 1 to 10.
func (n *Network) checkPayment(t transaction) string {
	if n.breaks("tx 1", t.version != 1) {
		return "tx-version"
	}
	if n.breaks("tx 2", int64(len(t.encode())) > int64(n.maxTxBytes)+n.off("tx size")) {
		return "tx-size"
	}
	if n.breaks("tx 3", len(t.outputs) == 0) {
		return "tx-no-outputs"
	}
	if len(t.data) > 128 {
		return "tx-data"
	}
	sum, code := n.checkOutputs(t.outputs)
	if code != "" {
		return code
	}
	if tooMuch(amount(t.fee)) || n.breaks("tx 6", tooMuch(sum.Add(sum, amount(t.fee)))) {
		return "tx-sum"
	}
	if code := n.checkInputs(t); code != "" {
		return code
	}
	keys := map[[32]byte]bool{}
	for _, w := range t.witnesses {
		if n.breaks("tx 10", keys[w.key]) {
			return "tx-key-twice"
		}
		keys[w.key] = true
	}
	return ""
}

// checkOutputs is transaction.md 5, for payments and coinbases. It gives the sum.
func (n *Network) checkOutputs(outputs []output) (*big.Int, string) {
	sum := new(big.Int)
	for _, out := range outputs {
		if n.breaks("tx 5 zero", out.value == 0) ||
			n.breaks("tx 5 value", tooMuch(amount(out.value))) {
			return nil, "tx-value"
		}
		if n.breaks("tx 5 kind", out.kind != 0) {
			return nil, "tx-kind"
		}
		sum.Add(sum, amount(out.value))
		if n.breaks("tx 5 sum", tooMuch(sum)) {
			return nil, "tx-sum"
		}
	}
	return sum, ""
}

// checkInputs is transaction.md 7 to 9: owners in the order of first use, no coin
// twice, one witness for each owner.
func (n *Network) checkInputs(t transaction) string {
	owners := map[uint64]bool{}
	coins := map[outpoint]bool{}
	for _, in := range t.inputs {
		if n.breaks("tx 7", in.owner > uint64(len(owners))) {
			return "tx-owner-order"
		}
		owners[in.owner] = true
		if n.breaks("tx 8", coins[in.coin]) {
			return "tx-double-in"
		}
		coins[in.coin] = true
	}
	if len(owners) != len(t.witnesses) {
		return "tx-owner-order"
	}
	return ""
}

// checkCoinbase is transaction.md's table of the coinbase at height h.
func (n *Network) checkCoinbase(t transaction, h uint32, fees *big.Int) string {
	if n.breaks("coinbase 1", t.version != 1) {
		return "tx-version"
	}
	if n.breaks("coinbase 2", t.fee != 0) {
		return "coinbase-fee"
	}
	if n.breaks("coinbase 3", !bytes.HasPrefix(t.data, writeFixed(nil, uint64(h), 4))) {
		return "coinbase-height"
	}
	if n.breaks("coinbase 4", int64(len(t.encode())) > int64(n.maxTxBytes)+n.off("tx size")) {
		return "tx-size"
	}
	sum, code := n.checkOutputs(t.outputs)
	if code != "" {
		return code
	}
	owed := new(big.Int).Add(n.subsidyAt(h), fees)
	c := sum.Cmp(owed)
	if n.breaks("coinbase 6 more", c > 0) || n.breaks("coinbase 6 less", c < 0) {
		return "coinbase-value"
	}
	return ""
}
