package reference

import (
	"slices"

	"github.com/ingchain/ingchain/core"
)

// payment is one of the payments, free to be changed.
func (d *draft) payment() *draftTx {
	return d.own(1 + d.w.c.n(len(d.txs)-1))
}

var paymentAlterations = []alteration{
	func(d *draft) { d.payment().Version = pick[uint16](d.w.c, 0, 2, 256) },
	func(d *draft) { t := d.payment(); t.Fee += pick[core.Amount](d.w.c, 1, 1<<64-1) },
	func(d *draft) { t := d.payment(); t.Fee = strange(d.w.c, t.Fee) },
	func(d *draft) { // outputs that are more or less than the inputs
		if o := d.payment().Outputs; len(o) > 0 {
			o[d.w.c.n(len(o))].Value += pick[core.Amount](d.w.c, 1, 1<<64-1)
		}
	},
	func(d *draft) {
		if o := d.payment().Outputs; len(o) > 0 {
			i := d.w.c.n(len(o))
			o[i].Value = strange(d.w.c, o[i].Value)
		}
	},
	func(d *draft) {
		t := d.payment()
		t.Outputs = append(t.Outputs, core.Output{Value: strange(d.w.c, 1), Address: d.w.someKey().address})
	},
	func(d *draft) {
		if o := d.payment().Outputs; len(o) > 0 {
			o[d.w.c.n(len(o))].Address.Kind = byte(1 + d.w.c.n(255))
		}
	},
	func(d *draft) { d.payment().Outputs = nil },
	func(d *draft) { fillTx(d, 1, 0) },
	func(d *draft) { fillTx(d, 1, 1) },
	func(d *draft) { d.payment().Data = make([]byte, pick(d.w.c, 127, 128, 129, 130, 300)) },
	func(d *draft) { flip(d.w.c, d.someInput().TxID[:]) },
	func(d *draft) {
		in := d.someInput()
		in.Index = pick(d.w.c, in.Index+1, in.Index-1, 1<<32-1, 1<<31, 128)
	},
	func(d *draft) {
		in := d.someInput()
		in.Owner = pick(d.w.c, in.Owner+1, in.Owner-1, 0, 1, 65534, 65535)
	},
	func(d *draft) { // another coin in its place: immature, of somebody else, spent already
		d.someInput().Outpoint = d.someCoin().Outpoint
	},
	func(d *draft) { // a coin that the parent has spent
		if p := d.parent.parent; p != nil && len(p.coins) > 0 {
			d.someInput().Outpoint = p.coins[d.w.c.n(len(p.coins))].Outpoint
		}
	},
	func(d *draft) { // one more input, signed by whom it belongs to or by another
		t := d.payment()
		c := d.someCoin()
		who := d.w.c.n(signerCount)
		if d.w.c.percent(70) {
			who = ownerOf[c.Address]
		}
		t.spend(c.Outpoint, who)
		if len(t.Outputs) > 0 && d.w.c.percent(70) {
			t.Outputs[0].Value += c.Value
		}
	},
	func(d *draft) { // a coin that is not ripe yet
		for _, c := range d.parent.coins {
			if c.Coinbase && d.header.Height < c.Height+d.w.params.CoinbaseMaturity {
				d.txs = append(d.txs, d.w.payment([]core.Coin{c}, 0))
				return
			}
		}
	},
	func(d *draft) { // the coins of two payments, or one of its own twice
		t, in := d.payment(), d.someInput()
		t.Inputs = append(t.Inputs, *in)
	},
	func(d *draft) { // one of its inputs again
		t := d.payment()
		if len(t.Inputs) > 0 {
			t.Inputs = append(t.Inputs, t.Inputs[d.w.c.n(len(t.Inputs))])
		}
	},
	func(d *draft) { // owners the other way round
		t := d.payment()
		slices.Reverse(t.Inputs)
	},
	func(d *draft) { // an owner for each input, though two are one
		t := d.payment()
		if n := len(t.Inputs); n > 0 {
			t.Inputs[n-1].Owner = uint16(len(t.signers))
			t.signers = append(t.signers, t.signers[0])
		}
	},
	func(d *draft) { // another signs
		t := d.payment()
		if len(t.signers) > 0 {
			t.signers[d.w.c.n(len(t.signers))] = d.w.c.n(signerCount)
		}
	},
	func(d *draft) { d.payment().Inputs = nil },
	func(d *draft) { // a payment twice, with another fee
		t := d.payment()
		t.dirty = true
		again := *t
		again.Fee++
		d.txs = append(d.txs, again)
	},
	alterWitness, alterWitness, alterWitness, alterWitness,
}

// someInput is an input of a payment, free to be changed.
func (d *draft) someInput() *core.Input {
	t := d.payment()
	if len(t.Inputs) == 0 {
		t.spend(d.someCoin().Outpoint, 0)
	}
	return &t.Inputs[d.w.c.n(len(t.Inputs))]
}

// alterWitness changes a key or a signature once all are signed.
func alterWitness(d *draft) {
	d.late = append(d.late, func(d *draft) {
		if len(d.txs) < 2 {
			return
		}
		t := d.payment()
		t.dirty = false
		if len(t.Witnesses) == 0 {
			return
		}
		w := &t.Witnesses[d.w.c.n(len(t.Witnesses))]
		switch d.w.c.n(11) {
		case 0:
			flip(d.w.c, w.Signature[:32])
		case 1:
			flip(d.w.c, w.Signature[32:])
		case 2:
			flip(d.w.c, w.PublicKey[:])
		case 3:
			addOrder(&w.Signature)
		case 4:
			w.PublicKey = pick(d.w.c, smallKeys...)
		case 5:
			w.PublicKey = pick(d.w.c, oddKeys...)
		case 6:
			w.PublicKey = pick(d.w.c, noKeys...)
		case 7: // what a key of small order would sign anything with
			w.PublicKey = pick(d.w.c, smallKeys...)
			w.Signature = [64]byte{}
			small := pick(d.w.c, smallKeys...)
			copy(w.Signature[:], small[:])
		case 8:
			no := pick(d.w.c, noKeys...)
			copy(w.Signature[:], no[:])
		case 9:
			w.Signature = [64]byte{}
		case 10:
			t.Witnesses[0], t.Witnesses[len(t.Witnesses)-1] = t.Witnesses[len(t.Witnesses)-1], t.Witnesses[0]
		}
	})
}
