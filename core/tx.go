package core

import "encoding/binary"

const (
	// PublicKeySize is the size of an Ed25519 public key, in bytes.
	PublicKeySize = 32
	// SignatureSize is the size of an Ed25519 signature, in bytes.
	SignatureSize = 64
	// TxVersion is the only transaction version so far.
	TxVersion uint16 = 1
	// MaxTxData bounds the data of a transaction, in bytes.
	MaxTxData = 128
	// CoinbaseHeightSize is how many bytes of a coinbase's data hold the height.
	CoinbaseHeightSize = 4

	maxOwners = 1<<16 - 1 // distinct owners in one transaction

	witnessSize  = PublicKeySize + SignatureSize
	minInputSize = HashSize + 1 + 1        // txid, index, owner, in bytes
	outputSize   = 8 + 1 + AddressHashSize // value, kind, hash, in bytes
	minTxSize    = 2 + 1 + 1 + 8 + 1       // a transaction of nothing, in bytes
	maxSlab      = 1024                    // inputs, outputs or witnesses that one allocation serves
)

// Outpoint names an output: the transaction and the position in it.
type Outpoint struct {
	TxID  Hash
	Index uint32
}

// Input spends a coin. Owner is the index of the witness whose key owns the
// coin; owners are numbered in order of first use.
type Input struct {
	Outpoint
	Owner uint16
}

// Output pays Value to Address.
type Output struct {
	Value   Amount
	Address Address
}

// Witness proves that an owner agrees: a public key and its signature over the
// transaction's signing digest.
type Witness struct {
	PublicKey [PublicKeySize]byte
	Signature [SignatureSize]byte
}

// Transaction moves coins. A coinbase has no inputs and no witnesses, declares
// no fee, and its data begins with the block's height (four bytes,
// little-endian). The witnesses are one per distinct owner, in order.
type Transaction struct {
	Version   uint16
	Inputs    []Input
	Outputs   []Output
	Fee       Amount
	Data      []byte
	Witnesses []Witness
}

// IsCoinbase reports whether t has the form of a coinbase: no inputs.
func (t *Transaction) IsCoinbase() bool { return len(t.Inputs) == 0 }

// AppendBody appends all of t but the witnesses, which is what the txid and the
// signing digest cover.
func (t *Transaction) AppendBody(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, t.Version)
	b = binary.AppendUvarint(b, uint64(len(t.Inputs)))
	for i := range t.Inputs {
		in := &t.Inputs[i]
		b = append(b, in.TxID[:]...)
		b = binary.AppendUvarint(b, uint64(in.Index))
		b = binary.AppendUvarint(b, uint64(in.Owner))
	}
	b = binary.AppendUvarint(b, uint64(len(t.Outputs)))
	for i := range t.Outputs {
		out := &t.Outputs[i]
		b = binary.LittleEndian.AppendUint64(b, uint64(out.Value))
		b = append(b, out.Address.Kind)
		b = append(b, out.Address.Hash[:]...)
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(t.Fee))
	b = binary.AppendUvarint(b, uint64(len(t.Data)))
	return append(b, t.Data...)
}

// AppendWitnesses appends the witnesses of t. Their number is not written: it
// is the number of distinct owners in the body.
func (t *Transaction) AppendWitnesses(b []byte) []byte {
	for i := range t.Witnesses {
		b = append(b, t.Witnesses[i].PublicKey[:]...)
		b = append(b, t.Witnesses[i].Signature[:]...)
	}
	return b
}

// AppendTo appends the encoding of t: body, then witnesses.
func (t *Transaction) AppendTo(b []byte) []byte {
	return t.AppendWitnesses(t.AppendBody(b))
}

// ID returns the txid: SHA-256(tag, body).
func (t *Transaction) ID() Hash { return taggedHash(tagTx, t.AppendBody(nil)) }

// WitnessID returns the wid: SHA-256(tag, witnesses).
func (t *Transaction) WitnessID() Hash { return taggedHash(tagWitness, t.AppendWitnesses(nil)) }

// SigningDigest returns what every owner signs: SHA-256(tag, genesis id, body).
func (t *Transaction) SigningDigest(genesis Hash) Hash {
	return taggedHash(tagSign, genesis[:], t.AppendBody(nil))
}

// ParseTransaction reads exactly one transaction, which must be canonical.
func ParseTransaction(b []byte) (*Transaction, error) {
	d := newDecoder(b)
	var t Transaction
	d.transaction(&t, &txSlabs{})
	if err := d.End(); err != nil {
		return nil, bodyErr(ErrTxMalformed, "%v", err)
	}
	return &t, nil
}

// txSlabs hands out slices of shared arrays, so that a block of small
// transactions costs few allocations.
type txSlabs struct {
	inputs    slab[Input]
	outputs   slab[Output]
	witnesses slab[Witness]
}

// slab is what is left of an array. Each array is twice as long as the one
// before, up to maxSlab, so that no more than half of what was asked for is in
// vain.
type slab[T any] struct {
	free []T
	next int
}

// carve returns n fresh elements.
func (s *slab[T]) carve(n int) []T {
	if n > len(s.free) {
		s.next = min(max(2*s.next, 1), maxSlab)
		s.free = make([]T, max(n, s.next))
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

// bodyEnd is the offset just behind the body; the witnesses follow.
func (d *decoder) transaction(t *Transaction, slabs *txSlabs) (bodyEnd int) {
	t.Version = d.U16()
	t.Inputs = slabs.inputs.carve(d.Count("inputs", noLimit, minInputSize))
	owners := 0
	for i := range t.Inputs {
		in := &t.Inputs[i]
		in.TxID = d.hash()
		in.Index = uint32(d.Uvarint(1<<32 - 1))
		in.Owner = uint16(d.Uvarint(maxOwners - 1))
		owners = max(owners, int(in.Owner)+1)
	}
	t.Outputs = slabs.outputs.carve(d.Count("outputs", noLimit, outputSize))
	for i := range t.Outputs {
		out := &t.Outputs[i]
		out.Value = Amount(d.U64())
		out.Address.Kind = d.U8()
		copy(out.Address.Hash[:], d.Take(AddressHashSize))
	}
	t.Fee = Amount(d.U64())
	t.Data = d.Take(int(d.Uvarint(MaxTxData)))
	bodyEnd = d.Offset()
	if owners > d.Remaining()/witnessSize {
		d.Fail("%d witnesses do not fit in %d bytes", owners, d.Remaining())
	}
	if d.Err() != nil {
		return bodyEnd
	}
	t.Witnesses = slabs.witnesses.carve(owners)
	for i := range t.Witnesses {
		w := &t.Witnesses[i]
		copy(w.PublicKey[:], d.Take(PublicKeySize))
		copy(w.Signature[:], d.Take(SignatureSize))
	}
	return bodyEnd
}

// NewCoinbase returns a block's first transaction: it mints reward to address,
// or has no output if the reward is zero. Extra is a miner's own data, at most
// MaxTxData-CoinbaseHeightSize bytes.
func NewCoinbase(height uint32, reward Amount, address Address, extra []byte) Transaction {
	t := Transaction{
		Version: TxVersion,
		Data:    append(binary.LittleEndian.AppendUint32(nil, height), extra...),
	}
	if reward > 0 {
		t.Outputs = []Output{{Value: reward, Address: address}}
	}
	return t
}
