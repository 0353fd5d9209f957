package wallet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/signature"
)

// Errors of drafts, for errors.Is.
var (
	// ErrDraft means a draft that is malformed or contradicts itself.
	ErrDraft = errors.New("not a valid draft")
	// ErrDraftNetwork means a draft for another network.
	ErrDraftNetwork = errors.New("draft of another network")
	// ErrDraftSignature means a signature that does not verify.
	ErrDraftSignature = errors.New("bad signature in the draft")
	// ErrDraftDiffers means drafts of different transactions.
	ErrDraftDiffers = errors.New("drafts of different transactions")
	// ErrUnsigned means a draft that owners have yet to sign.
	ErrUnsigned = errors.New("not signed by every owner")
)

// Draft is a payment on its way to be signed, by one owner or several, here or
// elsewhere. Its txid and size are known before anybody has signed, since the
// txid leaves signatures out and there is one per owner.
//
// What inputs are worth is the drafter's word. A signer need not believe it: the
// fee is signed, and a network that finds other values refuses the transaction.
type Draft struct {
	// Network, Genesis and Prefix name the network.
	Network string
	Genesis core.Hash
	Prefix  string
	Inputs  []DraftInput
	Outputs []DraftOutput
	// Fee is what inputs leave after outputs.
	Fee  core.Amount
	Data []byte
	// Signatures are those so far, in the order of the owners.
	Signatures []core.Witness
}

// DraftInput is a coin to spend.
type DraftInput struct {
	core.Outpoint
	Value   core.Amount
	Address core.Address
	// Path is where the key lies in the drafter's wallet, if it does.
	Path *Path
}

// DraftOutput is a payment. Change tells that it goes back to the drafter, to
// the key at Path.
type DraftOutput struct {
	core.Output
	Change bool
	Path   *Path
}

// owners returns the addresses that must sign, in order of first use.
func (d *Draft) owners() (owners []core.Address, number map[core.Address]int) {
	number = make(map[core.Address]int)
	for i := range d.Inputs {
		a := d.Inputs[i].Address
		if _, known := number[a]; !known {
			number[a] = len(owners)
			owners = append(owners, a)
		}
	}
	return owners, number
}

// unsigned returns the transaction without witnesses.
func (d *Draft) unsigned() *core.Transaction {
	_, number := d.owners()
	t := &core.Transaction{Version: core.TxVersion, Fee: d.Fee, Data: d.Data}
	for i := range d.Inputs {
		in := &d.Inputs[i]
		t.Inputs = append(t.Inputs, core.Input{Outpoint: in.Outpoint, Owner: uint16(number[in.Address])})
	}
	for i := range d.Outputs {
		t.Outputs = append(t.Outputs, d.Outputs[i].Output)
	}
	return t
}

// TxID returns the id that the transaction has, signed or not.
func (d *Draft) TxID() core.Hash { return d.unsigned().ID() }

// Size returns the size of the signed transaction, in bytes.
func (d *Draft) Size() int {
	owners, _ := d.owners()
	return len(d.unsigned().AppendBody(nil)) + ownerSize*len(owners)
}

// FeeRate returns the rate that the fee comes to, rounded down.
func (d *Draft) FeeRate() FeeRate { return RateOf(d.Fee, d.Size()) }

// Missing returns the addresses whose owners have yet to sign.
func (d *Draft) Missing() []core.Address {
	signed := d.signed()
	owners, _ := d.owners()
	return slices.DeleteFunc(owners, func(a core.Address) bool { _, ok := signed[a]; return ok })
}

func (d *Draft) signed() map[core.Address]core.Witness {
	signed := make(map[core.Address]core.Witness, len(d.Signatures))
	for _, w := range d.Signatures {
		signed[core.AddressOf(w.PublicKey)] = w
	}
	return signed
}

// Check holds the draft against the network's rules, and each signature against
// what it signs. Whether the coins exist only the chain knows.
func (d *Draft) Check(rules *core.Rules) error {
	params := rules.Params()
	if d.Genesis != rules.GenesisID() {
		return fmt.Errorf("%w: it is for %.32q (genesis %s), this is %q (genesis %s)", ErrDraftNetwork,
			d.Network, d.Genesis.Short(), params.Name, rules.GenesisID().Short())
	}
	if d.Network != params.Name || d.Prefix != params.AddressPrefix {
		return fmt.Errorf("%w: genesis of %q, but it is called %.32q", ErrDraft, params.Name, d.Network)
	}
	if err := d.checkSums(); err != nil {
		return err
	}
	if err := d.checkForm(rules); err != nil {
		return err
	}
	return d.checkSignatures()
}

// CheckCoins holds the draft against the coins that the chain has: each input
// must be there, be worth what the draft says, be of that address, and be mature
// for the block after height.
func (d *Draft) CheckCoins(rules *core.Rules, coins core.UTXOs, height uint32) error {
	maturity := uint64(rules.Params().CoinbaseMaturity)
	for i := range d.Inputs {
		in := &d.Inputs[i]
		coin, ok := coins[in.Outpoint]
		switch {
		case !ok:
			return fmt.Errorf("%w: input %d (%s:%d) is spent or does not exist", ErrDraft, i+1, in.TxID.Short(), in.Index)
		case coin.Value != in.Value || coin.Address != in.Address:
			return fmt.Errorf("%w: input %d is %s ING of %s, the draft says otherwise", ErrDraft, i+1, coin.Value, coin.Address.Encode(d.Prefix))
		case coin.Coinbase && uint64(coin.Height)+maturity > uint64(height)+1:
			return fmt.Errorf("%w: input %d was mined at height %d and can be spent from height %d on", ErrDraft, i+1, coin.Height, uint64(coin.Height)+maturity)
		}
	}
	return nil
}

// checkSums checks that inputs are outputs and fee, in amounts that exist.
func (d *Draft) checkSums() error {
	var in core.Amount
	for i := range d.Inputs {
		v := d.Inputs[i].Value
		if v == 0 || v > core.MaxAmount-in {
			return fmt.Errorf("%w: input %d is worth %d grains", ErrDraft, i+1, v)
		}
		in += v
		if d.Inputs[i].Address.Kind != core.KindKeyHash {
			return fmt.Errorf("%w: input %d is of an unknown kind", ErrDraft, i+1)
		}
	}
	out := d.Fee
	for i := range d.Outputs {
		v := d.Outputs[i].Value
		if v > core.MaxAmount || out > core.MaxAmount {
			return fmt.Errorf("%w: output %d of %d grains", ErrDraft, i+1, v)
		}
		out += v
	}
	if in != out {
		return fmt.Errorf("%w: inputs are %d grains, outputs and fee %d", ErrDraft, in, out)
	}
	return nil
}

// checkForm asks the rules, with a stand-in for each signature.
func (d *Draft) checkForm(rules *core.Rules) error {
	owners, _ := d.owners()
	t := d.unsigned()
	t.Witnesses = make([]core.Witness, len(owners))
	for i := range t.Witnesses {
		t.Witnesses[i].PublicKey = [core.PublicKeySize]byte{byte(i), byte(i >> 8), byte(i >> 16), 1}
	}
	if _, err := rules.CheckTxForm(t); err != nil {
		return fmt.Errorf("%w: %w", ErrDraft, err)
	}
	return nil
}

func (d *Draft) checkSignatures() error {
	_, number := d.owners()
	digest := d.unsigned().SigningDigest(d.Genesis)
	last := -1
	for i := range d.Signatures {
		w := &d.Signatures[i]
		owner, known := number[core.AddressOf(w.PublicKey)]
		if !known {
			return fmt.Errorf("%w: signature %d is of a key that owns none of the coins", ErrDraftSignature, i+1)
		}
		if owner <= last {
			return fmt.Errorf("%w: signatures are not in the order of the owners, one each", ErrDraft)
		}
		last = owner
		if !signature.Verify(signature.Item{PublicKey: &w.PublicKey, Message: digest, Signature: &w.Signature}) {
			return fmt.Errorf("%w: signature %d does not verify", ErrDraftSignature, i+1)
		}
	}
	return nil
}

// Sign adds the signatures of owners whose keys are at hand and returns how many
// it added. keyOf returns the key of an address, or false; a key of another
// address is an error. The draft must have passed [Draft.Check].
func (d *Draft) Sign(keyOf func(core.Address) (Key, bool)) (added int, err error) {
	digest := d.unsigned().SigningDigest(d.Genesis)
	signed := d.signed()
	for _, a := range d.Missing() {
		key, ok := keyOf(a)
		if !ok {
			continue
		}
		if key.Address() != a {
			return 0, fmt.Errorf("sign for %s: got the key of %s", a.Encode(d.Prefix), key.Address().Encode(d.Prefix))
		}
		signed[a] = core.Witness{PublicKey: key.PublicKey(), Signature: key.sign(digest)}
		added++
	}
	d.setSignatures(signed)
	return added, nil
}

// setSignatures puts signatures in the order of the owners.
func (d *Draft) setSignatures(signed map[core.Address]core.Witness) {
	owners, _ := d.owners()
	d.Signatures = nil
	for _, a := range owners {
		if w, ok := signed[a]; ok {
			d.Signatures = append(d.Signatures, w)
		}
	}
}

// Combine returns a draft with the signatures of all, which must be of one
// transaction and have passed [Draft.Check]. Paths and marks of change are those
// of the first.
func Combine(first *Draft, others ...*Draft) (*Draft, error) {
	signed := first.signed()
	id := first.TxID()
	for i, o := range others {
		if o.Genesis != first.Genesis {
			return nil, fmt.Errorf("%w: draft %d is of another network", ErrDraftDiffers, i+2)
		}
		if other := o.TxID(); other != id {
			return nil, fmt.Errorf("%w: %s, and draft %d is %s", ErrDraftDiffers, id.Short(), i+2, other.Short())
		}
		if !slices.EqualFunc(first.Inputs, o.Inputs, sameInput) {
			return nil, fmt.Errorf("%w: draft %d says otherwise of what the inputs are", ErrDraftDiffers, i+2)
		}
		for a, w := range o.signed() {
			if _, have := signed[a]; !have {
				signed[a] = w
			}
		}
	}
	d := *first
	d.setSignatures(signed)
	return &d, nil
}

func sameInput(a, b DraftInput) bool {
	return a.Outpoint == b.Outpoint && a.Value == b.Value && a.Address == b.Address
}

// CheckFee fails with an [AbsurdFeeError] if the fee looks like a mistake, for
// whoever is to sign what somebody else drafted.
func (d *Draft) CheckFee() error {
	var paid core.Amount
	for _, out := range d.Payments() {
		paid += out.Value
	}
	return checkFee(d.Fee, paid, d.Size())
}

// Transaction returns the signed transaction, ready for the network, or
// [ErrUnsigned] with the addresses whose owners have yet to sign. It judges what
// it returns as every node will.
func (d *Draft) Transaction(rules *core.Rules) (*core.Transaction, error) {
	if missing := d.Missing(); len(missing) > 0 {
		var names []string
		for _, a := range missing[:min(len(missing), 5)] {
			names = append(names, a.Encode(d.Prefix))
		}
		return nil, fmt.Errorf("%w: %d of them missing, %s", ErrUnsigned, len(missing), strings.Join(names, ", "))
	}
	if err := d.Check(rules); err != nil {
		return nil, err
	}
	t := d.unsigned()
	t.Witnesses = slices.Clone(d.Signatures)
	if err := rules.CheckTx(t); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDraft, err)
	}
	return t, nil
}

// Payments returns the outputs that are not change, in order.
func (d *Draft) Payments() []core.Output {
	var outs []core.Output
	for i := range d.Outputs {
		if !d.Outputs[i].Change {
			outs = append(outs, d.Outputs[i].Output)
		}
	}
	return outs
}

// Mark says anew what is ours: own returns the path of an address of this
// wallet. A draft made elsewhere may call any output change; after Mark only what
// comes back to us is.
func (d *Draft) Mark(own func(core.Address) (Path, bool)) {
	for i := range d.Inputs {
		d.Inputs[i].Path = nil
		if p, ok := own(d.Inputs[i].Address); ok {
			d.Inputs[i].Path = &p
		}
	}
	for i := range d.Outputs {
		out := &d.Outputs[i]
		p, ok := own(out.Address)
		if !ok {
			out.Change, out.Path = false, nil
			continue
		}
		out.Path = &p
		out.Change = out.Change || p.Branch == Change
	}
}
