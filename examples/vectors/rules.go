package main

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"math/big"

	"filippo.io/edwards25519"
)

const maxAmount = 1<<53 - 1

// outputs are rules tx 5: it returns the sum, or a code.
func (t *transaction) outputs() (sum uint64, code string) {
	for _, out := range t.Outputs {
		switch {
		case out.Value < 1 || out.Value > maxAmount:
			return 0, "tx-value"
		case out.Kind != 0:
			return 0, "tx-kind"
		}
		if sum += out.Value; sum > maxAmount {
			return 0, "tx-sum"
		}
	}
	return sum, ""
}

// payment are rules tx 1 to 10.
func (p *params) payment(t *transaction) string {
	switch {
	case t.Version != 1:
		return "tx-version"
	case len(t.encode()) > int(p.MaxTx):
		return "tx-size"
	case len(t.Outputs) == 0:
		return "tx-no-outputs"
	}
	sum, code := t.outputs()
	if code != "" {
		return code
	}
	if t.Fee > maxAmount || sum+t.Fee > maxAmount {
		return "tx-sum"
	}
	owners, spent := 0, map[outpoint]bool{}
	for _, in := range t.Inputs {
		if in.Owner > owners {
			return "tx-owner-order"
		}
		owners = max(owners, in.Owner+1)
		if spent[in.outpoint] {
			return "tx-double-in"
		}
		spent[in.outpoint] = true
	}
	keys := map[string]bool{}
	for _, w := range t.Witnesses {
		if keys[string(w.PublicKey)] {
			return "tx-key-twice"
		}
		keys[string(w.PublicKey)] = true
	}
	return ""
}

// signatures are rules block 11 and 12: all keys come before all signatures.
func signatures(genesis hash, payments []transaction) string {
	for i := range payments {
		for _, w := range payments[i].Witnesses {
			if publicKey(w.PublicKey) == nil {
				return "tx-key"
			}
		}
	}
	for i := range payments {
		digest := payments[i].digest(genesis)
		for _, w := range payments[i].Witnesses {
			if !verify(w.PublicKey, digest[:], w.Signature) {
				return "tx-signature"
			}
		}
	}
	return ""
}

// publicKey returns nil if the key is no point or of small order.
func publicKey(key []byte) *edwards25519.Point {
	a, err := new(edwards25519.Point).SetBytes(key)
	if err != nil || smallOrder(a) {
		return nil
	}
	return a
}

// smallOrder reports whether 8·p is the identity.
func smallOrder(p *edwards25519.Point) bool {
	eight := new(edwards25519.Point).MultByCofactor(p)
	return eight.Equal(edwards25519.NewIdentityPoint()) == 1
}

// verify are rules signature 1 to 4.
func verify(key, message, signature []byte) bool {
	a := publicKey(key)
	r, err := new(edwards25519.Point).SetBytes(signature[:32])
	s, err2 := new(edwards25519.Scalar).SetCanonicalBytes(signature[32:])
	if a == nil || err != nil || err2 != nil {
		return false
	}
	sum := sha512.Sum512(join(signature[:32], key, message))
	k, _ := new(edwards25519.Scalar).SetUniformBytes(sum[:])
	kA := new(edwards25519.Point).ScalarMult(k, a)
	rest := new(edwards25519.Point).ScalarBaseMult(s)
	rest.Subtract(rest, r).Subtract(rest, kA)
	return smallOrder(rest)
}

// coinbase are rules coinbase 1 to 6.
func (p *params) coinbase(t *transaction, height uint32, fees uint64) string {
	switch {
	case t.Version != 1:
		return "tx-version"
	case t.Fee != 0:
		return "coinbase-fee"
	case len(t.Data) < 4 || binary.LittleEndian.Uint32(t.Data) != height:
		return "coinbase-height"
	case len(t.encode()) > int(p.MaxTx):
		return "tx-size"
	}
	sum, code := t.outputs()
	if code == "" && sum != p.subsidyAt(height)+fees {
		code = "coinbase-value"
	}
	return code
}

// form are rules block 1 to 12.
func (p *params) form(b *block, size int) string {
	switch {
	case b.merkleRoot() != b.Merkle:
		return "block-merkle-root"
	case b.Height == 0 && b.id() != p.genesis().id():
		return "header-genesis"
	case b.Height == 0:
		return ""
	case size > int(p.MaxBlock):
		return "block-size"
	case len(b.txs) == 0:
		return "block-no-txs"
	case len(b.txs[0].Inputs) > 0:
		return "block-first-tx"
	}
	coins := len(b.txs[0].Outputs)
	for i := range b.txs[1:] {
		t := &b.txs[i+1]
		if len(t.Inputs) == 0 {
			return "block-extra-coinbase"
		}
		coins += len(t.Inputs) + len(t.Outputs)
	}
	if coins > int(p.MaxCoins) {
		return "block-coins"
	}
	fees, spent := uint64(0), map[outpoint]bool{}
	for i := range b.txs[1:] {
		t := &b.txs[i+1]
		if code := p.payment(t); code != "" {
			return code
		}
		for _, in := range t.Inputs {
			if spent[in.outpoint] {
				return "block-double-spend"
			}
			spent[in.outpoint] = true
		}
		if fees += t.Fee; fees > maxAmount {
			return "tx-sum"
		}
	}
	if code := p.coinbase(&b.txs[0], b.Height, fees); code != "" {
		return code
	}
	return signatures(p.genesis().id(), b.txs[1:])
}

// connect are rules state 3 to 7: it returns the coins after the block.
func (p *params) connect(before map[outpoint]coin, b *block) (map[outpoint]coin, string) {
	coins := map[outpoint]coin{}
	for at, c := range before {
		coins[at] = c
	}
	for i := range b.txs {
		t := &b.txs[i]
		var in, out uint64
		for _, from := range t.Inputs {
			c, ok := coins[from.outpoint]
			owner := addressHash(t.Witnesses[from.Owner].PublicKey)
			switch {
			case !ok:
				return nil, "connect-missing-coin"
			case c.Coinbase && uint64(b.Height) < uint64(c.Height)+p.Maturity:
				return nil, "connect-immature"
			case c.Kind != 0 || !bytes.Equal(owner, c.Hash):
				return nil, "connect-owner"
			}
			if in += c.Value; in > maxAmount {
				return nil, "connect-input-sum"
			}
			delete(coins, from.outpoint)
		}
		for j, o := range t.Outputs {
			at := outpoint{t.txid(), uint32(j)}
			coins[at] = coin{at, o.Value, b.Height, i == 0, o.Kind, o.Hash}
			out += o.Value
		}
		if i > 0 && in != out+t.Fee {
			return nil, "connect-fee"
		}
	}
	return coins, ""
}

// judge gives the verdict on a block as judge 1 to 9 do, and the state after it
// if it is valid.
func (n *node) judge(raw []byte, clock uint64) (*state, string) {
	b, err := parseBlock(raw)
	if err != nil {
		return nil, "block-malformed"
	}
	id, p := b.id(), n.params
	parent := n.valid[b.Parent]
	switch {
	case n.valid[id] != nil && b.merkleRoot() == b.Merkle:
		return n.valid[id], ""
	case b.Height == 0:
		return nil, "header-genesis"
	case n.bad[b.Parent]:
		return nil, "header-bad-parent"
	case parent == nil:
		return nil, "header-no-parent"
	}
	if code := p.child(parent, &b.header); code != "" {
		return nil, code
	}
	if b.Time > clock+p.Interval*p.Window {
		return nil, "header-future"
	}
	if code := p.form(b, len(raw)); code != "" {
		return nil, code
	}
	if b.State != parent.commitment() {
		return nil, "connect-state"
	}
	coins, code := p.connect(parent.coins, b)
	if code != "" {
		return nil, code
	}
	next := &state{header: b.header, parentTime: parent.Time, coins: coins}
	next.work.Add(&parent.work, workOf(b.Bits.target()))
	if most := new(big.Int).Sub(power(256), big.NewInt(1)); next.work.Cmp(most) > 0 {
		next.work = *most
	}
	next.leaves = append(parent.leaves[:len(parent.leaves):len(parent.leaves)], historyLeaf(id, &next.work))
	return next, ""
}
