package reference

import (
	"encoding/binary"
	"slices"

	"github.com/ingchain/ingchain/core"
)

// alter makes a block that is most likely bad of a good one: by altering the
// draft and repairing what would hide the fault, or by altering bytes.
func (w *world) alter(base, valid *draft) []byte {
	switch n := w.c.n(100); {
	case n < 12:
		return w.alterBytes(valid)
	case n < 17:
		return w.splice(valid)
	case n < 20 && w.gift > 0:
		d := base.clone()
		spendTooMuch(d)
		d.finish()
		return d.encode()
	}
	d := base.clone()
	for range pick(w.c, 1, 1, 1, 2, 3) {
		all := headerAlterations
		switch n := w.c.n(100); {
		case n < 25:
		case n < 35:
			all = blockAlterations
		case n < 55:
			all = coinbaseAlterations
		default:
			all = paymentAlterations
			if len(d.txs) < 2 {
				d.addPayments(1)
			}
			if len(d.txs) < 2 {
				all = coinbaseAlterations
			}
		}
		all[w.c.n(len(all))](d)
	}
	switch w.c.n(12) { // how much is repaired
	case 0:
		d.keepMerkle, d.keepReward, d.keepNonce, d.keepWitnesses = true, true, true, true
	case 1:
		d.keepMerkle = true
	case 2:
		d.keepReward = true
	case 3:
		d.keepWitnesses = true
	}
	d.finish()
	return d.encode()
}

// flip changes one bit.
func flip(c *choices, b []byte) {
	if len(b) > 0 {
		b[c.n(len(b))] ^= 1 << c.n(8)
	}
}

// strange is an amount near one of the bounds.
func strange(c *choices, near core.Amount) core.Amount {
	return pick(c, 0, 1, near+1, near-1, core.MaxAmount-1, core.MaxAmount, core.MaxAmount+1, 1<<63, 1<<64-1, core.Amount(c.u64()), -near)
}

type alteration = func(*draft)

var headerAlterations = []alteration{
	func(d *draft) { d.header.Version = pick[uint16](d.w.c, 0, 2, 2, 256, 65535) },
	func(d *draft) { // newer rules without work
		d.header.Version = 2
		unmine(&d.header)
		d.keepNonce = d.w.c.percent(80)
	},
	func(d *draft) {
		d.header.Height = pick(d.w.c, d.header.Height+1, d.header.Height-1, 0, 1<<32-1, uint32(d.w.c.u64()))
		if d.w.c.percent(60) {
			setHeight(d)
		}
	},
	func(d *draft) { flip(d.w.c, d.header.Parent[:]) },
	func(d *draft) {
		if p := d.parent.parent; p != nil {
			d.header.Parent = p.core.ID
		}
	},
	func(d *draft) { d.keepMerkle = true; flip(d.w.c, d.header.MerkleRoot[:]) },
	func(d *draft) { flip(d.w.c, d.header.State[:]) },
	func(d *draft) {
		if p := d.parent.parent; p != nil {
			d.header.State = p.core.Commitment()
		}
	},
	func(d *draft) {
		t := d.parent.core.Time
		d.header.Time = pick(d.w.c, t, t-1, t+1, 0, 1<<64-1, t+d.w.params.MaxFutureMillis(), d.w.c.u64())
	},
	func(d *draft) {
		d.header.Bits = pick(d.w.c, d.header.Bits+1, d.header.Bits-1, d.w.params.Retarget.LimitBits, d.w.params.Retarget.LimitBits+1,
			d.w.params.GenesisBits, d.parent.core.Bits, 0x2100ffff, 0x207fffff)
	},
	func(d *draft) { // malformed, or a form of the same target that is not accepted
		bits := d.header.Bits
		d.header.Bits = pick(d.w.c, 0, bits|1<<23, (bits>>24+1)<<24|(bits&0xffffff)>>8, 0x01000001, 0x22000001, 0xff123456, uint32(d.w.c.u64()))
	},
	func(d *draft) { unmine(&d.header); d.keepNonce = true },
	func(d *draft) { d.header.Nonce = uint32(d.w.c.u64()); d.keepNonce = true },
	func(d *draft) { // the genesis block, or nearly
		g := d.w.nodes[0].block
		d.header = g.Header
		d.txs = []draftTx{{Transaction: g.Txs[0]}}
		d.keepReward, d.keepNonce = true, true
		if d.w.c.percent(50) {
			d.own(0).Data[0] ^= 1
		}
		if d.w.c.percent(50) {
			flip(d.w.c, d.header.State[:])
		}
	},
}

// setHeight makes the coinbase fit the header's height again.
func setHeight(d *draft) {
	if len(d.txs) > 0 && len(d.txs[0].Data) >= core.CoinbaseHeightSize {
		binary.LittleEndian.PutUint32(d.own(0).Data, d.header.Height)
	}
}

var blockAlterations = []alteration{
	func(d *draft) { d.txs = nil },
	func(d *draft) { // one transaction less
		if i := d.w.c.n(max(len(d.txs), 1)); len(d.txs) > 0 {
			d.txs = slices.Delete(slices.Clone(d.txs), i, i+1)
		}
	},
	func(d *draft) { // one twice
		if len(d.txs) > 0 {
			d.txs = append(d.txs, d.txs[d.w.c.n(len(d.txs))])
		}
	},
	func(d *draft) { // two change places
		if n := len(d.txs); n > 1 {
			i, j := d.w.c.n(n), d.w.c.n(n)
			if d.w.c.percent(70) && n > 2 {
				i, j = n-1, n-2
			}
			d.txs[i], d.txs[j] = d.txs[j], d.txs[i]
		}
	},
	func(d *draft) { // another coinbase
		d.txs = append(d.txs, draftTx{Transaction: d.w.coinbase(d.header.Height)})
	},
	func(d *draft) { fillCoins(d, 0) },
	func(d *draft) { fillCoins(d, 1) },
	func(d *draft) { fillBytes(d, 0) },
	func(d *draft) { fillBytes(d, 1) },
	spendOwnCoinbase,
	func(d *draft) { // two fees that are too much together
		for range 2 {
			t := d.w.payment([]core.Coin{d.someCoin()}, 0)
			t.Fee = core.MaxAmount - t.Outputs[0].Value
			if len(t.Outputs) > 1 {
				t.Fee, t.Outputs = core.MaxAmount-t.Outputs[0].Value, t.Outputs[:1]
			}
			t.Inputs[0].TxID[5] ^= byte(d.w.c.n(256))
			d.txs = append(d.txs, t)
		}
	},
	spendTooMuch,
	func(d *draft) { // more payments
		d.addPayments(1 + d.w.c.n(3))
	},
}

// spendTooMuch adds a payment of coins that are too much together, if the world
// began with such.
func spendTooMuch(d *draft) {
	t := d.w.payment([]core.Coin{d.someCoin()}, 0)
	for _, c := range d.parent.coins {
		if c.Value >= core.MaxAmount/2 && c.Outpoint != t.Inputs[0].Outpoint {
			t.spend(c.Outpoint, ownerOf[c.Address])
		}
	}
	d.txs = append(d.txs, t)
}

// someCoin is any coin of the parent's, or one that there is not.
func (d *draft) someCoin() core.Coin {
	if n := len(d.parent.coins); n > 0 {
		return d.parent.coins[d.w.c.n(n)]
	}
	return core.Coin{Outpoint: core.Outpoint{TxID: core.Hash{1}}, Value: 5, Address: d.w.someKey().address}
}

// fillCoins adds outputs to the coinbase until the block has as many inputs and
// outputs as it may, and some more.
func fillCoins(d *draft, more int) {
	if len(d.txs) == 0 {
		return
	}
	if missing := int(d.w.params.MaxBlockCoins) + more - d.coins(); missing < 64 {
		t := d.own(0)
		for range missing {
			t.Outputs = append(t.Outputs, core.Output{Value: 1, Address: signers[1].address})
		}
	}
}

// fillBytes adds outputs and data until the block is as large as it may be, and
// some more. It needs a payment that can give its value to many.
func fillBytes(d *draft, more int) {
	const outputBytes = 29
	d.finish()
	missing := int(d.w.params.MaxBlockBytes) + more - len(d.encode())
	if missing < 0 || len(d.txs) == 0 || len(d.txs[0].Outputs) == 0 {
		return
	}
	for i := len(d.txs) - 1; i >= 0 && missing > 0; i-- {
		t := d.own(i)
		if len(t.Outputs) == 0 {
			return
		}
		room := int(d.w.params.MaxTxBytes) - len(t.AppendTo(nil))
		for missing >= 2*outputBytes && room > 2*outputBytes && (i == 0 || t.Outputs[0].Value > 1) {
			if i > 0 {
				t.Outputs[0].Value--
			}
			t.Outputs = append(t.Outputs, core.Output{Value: 1, Address: signers[1].address})
			missing, room = missing-outputBytes, room-outputBytes
			if len(t.Outputs) == 128 { // its number takes a byte more
				missing, room = missing-1, room-1
			}
		}
		grow := min(missing, room, 127-len(t.Data))
		if grow > 0 {
			t.Data = append(t.Data, make([]byte, grow)...)
			missing -= grow
		}
	}
}

// spendOwnCoinbase adds a payment of the coin that the block itself mints.
func spendOwnCoinbase(d *draft) {
	if len(d.txs) == 0 {
		return
	}
	d.fixReward()
	d.keepReward = true
	coinbase := &d.txs[0].Transaction
	coins := made(coinbase, d.header.Height)
	if len(coins) == 0 {
		return
	}
	d.txs = append(d.txs, d.w.payment(coins[:1], 0))
}

var coinbaseAlterations = []alteration{
	func(d *draft) { // a grain more or less
		d.coinbase()
		d.fixReward()
		d.keepReward = true
		if o := d.txs[0].Outputs; len(o) > 0 {
			o[d.w.c.n(len(o))].Value += pick[core.Amount](d.w.c, 1, 1<<64-1, 2)
		}
	},
	func(d *draft) {
		if o := d.coinbase().Outputs; len(o) > 0 {
			i := d.w.c.n(len(o))
			o[i].Value = strange(d.w.c, o[i].Value)
			d.keepReward = d.w.c.percent(80)
		}
	},
	func(d *draft) { d.coinbase().Fee = strange(d.w.c, 1) },
	func(d *draft) { d.coinbase().Version = pick[uint16](d.w.c, 0, 2, 256) },
	func(d *draft) { t := d.coinbase(); t.Data = t.Data[:d.w.c.n(min(len(t.Data), 4)+1)] },
	func(d *draft) { flip(d.w.c, d.coinbase().Data) },
	func(d *draft) {
		t := d.coinbase()
		t.Data = append(t.Data, make([]byte, pick(d.w.c, 1, 4, 124, 125, 128))...)
	},
	func(d *draft) {
		if o := d.coinbase().Outputs; len(o) > 0 {
			o[d.w.c.n(len(o))].Address.Kind = byte(1 + d.w.c.n(255))
		}
	},
	func(d *draft) {
		t := d.coinbase()
		t.Outputs = append(t.Outputs, core.Output{Value: strange(d.w.c, 1), Address: d.w.someKey().address})
	},
	func(d *draft) { // two that are too much together
		t := d.coinbase()
		t.Outputs = append(t.Outputs, core.Output{Value: core.MaxAmount}, core.Output{Value: core.MaxAmount})
	},
	func(d *draft) { d.coinbase().Outputs = nil; d.keepReward = true },
	func(d *draft) { fillTx(d, 0, 0) },
	func(d *draft) { fillTx(d, 0, 1) },
	func(d *draft) { // the whole subsidy to one
		t := d.coinbase()
		t.Outputs = t.Outputs[:min(len(t.Outputs), 1)]
	},
}

// coinbase is the first transaction, free to be changed.
func (d *draft) coinbase() *draftTx {
	if len(d.txs) == 0 {
		d.txs = []draftTx{{Transaction: d.w.coinbase(d.header.Height)}}
	}
	return d.own(0)
}

// fillTx adds outputs and data to transaction i until it is as large as it may
// be, and some more.
func fillTx(d *draft, i, more int) {
	if i >= len(d.txs) {
		return
	}
	t := d.own(i)
	if i == 0 {
		d.fixReward()
	}
	if len(t.Outputs) == 0 || len(t.Data) > 127 {
		return
	}
	size := func() int { return len(t.AppendBody(nil)) + len(t.signers)*96 }
	for size()+29+60 < int(d.w.params.MaxTxBytes) && len(t.Outputs) < 126 && (i == 0 || t.Outputs[0].Value > 1) {
		if i > 0 {
			t.Outputs[0].Value--
		}
		t.Outputs = append(t.Outputs, core.Output{Value: 1, Address: signers[2].address})
	}
	missing := int(d.w.params.MaxTxBytes) + more - size()
	if 0 < missing && missing <= 127-len(t.Data) {
		t.Data = append(t.Data, make([]byte, missing)...)
	}
}
