package cases

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// Offsets in the encoding of [pay]'s transaction, which has one input, two
// outputs and no data.
const (
	atInputs  = 2
	atIndex   = atInputs + 1 + core.HashSize
	atOwner   = atIndex + 1
	atOutputs = atOwner + 1
	atFee     = atOutputs + 1 + 2*29
	atData    = atFee + 8
	atWitness = atData + 1
	paySize   = atWitness + core.PublicKeySize + core.SignatureSize
)

// malformed tells
//
//	... -> b4 -> b5
//
// where b5 ends with pay's transaction, and is first sent with other bytes in
// its place, once for each of changes: nobody can say anything of b5 for that.
func malformed(changes ...func(tx []byte) []byte) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		raw := s.Next("b5", "b4", payment(nil)).Block.Bytes()
		at := len(raw) - paySize
		for _, f := range changes {
			s.BadBody("b5", slices.Concat(raw[:at], f(slices.Clone(raw[at:]))), core.ErrMalformed)
		}
		s.Accepted("b5")
	}
}

// replaced writes other bytes over the n at offset at.
func replaced(at, n int, with ...byte) func(tx []byte) []byte {
	return func(tx []byte) []byte { return splice(tx, at, n, with...) }
}

func uvarint(v uint64) []byte { return binary.AppendUvarint(nil, v) }

var txEncodings = []Case{
	{ID: "T20", Name: "a field that we do not know", Rule: "judge 1", Tell: malformed(
		replaced(paySize, 0, 0),         // behind the witnesses
		replaced(atWitness, 0, 0),       // behind the data
		replaced(atInputs, 0, 0, 1),     // as marker and flag of a newer kind
		replaced(atData, 1, 0x80, 1, 0), // data that reaches into the witnesses
	)},
	{ID: "T46", Name: "number of inputs in a byte too many", Rule: "judge 1", Tell: malformed(replaced(atInputs, 1, padded(1)...))},
	{ID: "T47", Name: "index in a byte too many", Rule: "judge 1", Tell: malformed(replaced(atIndex, 1, padded(0)...))},
	{ID: "T48", Name: "owner in a byte too many", Rule: "judge 1", Tell: malformed(replaced(atOwner, 1, padded(0)...))},
	{ID: "T49", Name: "number of outputs in a byte too many", Rule: "judge 1", Tell: malformed(replaced(atOutputs, 1, padded(2)...))},
	{ID: "T50", Name: "size of the data in a byte too many", Rule: "judge 1", Tell: malformed(replaced(atData, 1, padded(0)...))},
	{ID: "T51", Name: "integers of eleven bytes and of more than 64 bits", Rule: "judge 1", Tell: malformed(
		replaced(atIndex, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1),
		replaced(atIndex, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2),
		replaced(atIndex, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0),
	)},
	{ID: "T52", Name: "index of 2^32, 2^32 above the true one", Rule: "judge 1", Tell: malformed(
		replaced(atIndex, 1, uvarint(1<<32)...), replaced(atIndex, 1, uvarint(math.MaxUint64)...),
	)},
	{ID: "T53", Name: "owners of 65,535 and of 65,536", Rule: "judge 1", Tell: malformed(
		replaced(atOwner, 1, uvarint(1<<16-1)...), replaced(atOwner, 1, uvarint(1<<16)...), replaced(atOwner, 1, uvarint(math.MaxUint64)...),
	)},
	{ID: "T54", Name: "129 bytes of data", Rule: "judge 1, tx 4", Tell: malformed(
		replaced(atData, 1, slices.Concat(uvarint(core.MaxTxData+1), make([]byte, core.MaxTxData+1))...),
		replaced(atData, 1, uvarint(math.MaxUint64)...),
	)},
	{ID: "T55", Name: "more inputs and outputs claimed than bytes come", Rule: "judge 1", Tell: malformed(
		replaced(atInputs, 1, uvarint(1<<20)...), replaced(atInputs, 1, uvarint(1<<63)...), replaced(atInputs, 1, uvarint(math.MaxUint64)...),
		replaced(atOutputs, 1, uvarint(1<<20)...), replaced(atOutputs, 1, uvarint(1<<63)...), replaced(atOutputs, 1, uvarint(math.MaxUint64)...),
	)},
	{ID: "T56", Name: "cut short at every byte", Rule: "judge 1", Tell: func(s *coretest.Story) {
		var cuts []func(tx []byte) []byte
		for n := range paySize {
			cuts = append(cuts, func(tx []byte) []byte { return tx[:n] })
		}
		malformed(cuts...)(s)
	}},
	{ID: "T57", Name: "an owner without inputs: a witness for nobody", Rule: "tx 9", Tell: malformed(func(tx []byte) []byte {
		return slices.Concat(tx, tx[atWitness:])
	})},
	{ID: "T58", Name: "a gap in the owners and no witness for it", Rule: "tx 9", Tell: malformed(replaced(atOwner, 1, 1))},
	{ID: "T59", Name: "an owner of 65,534 and no witnesses for the others", Rule: "tx 9", Tell: malformed(replaced(atOwner, 1, uvarint(1<<16-2)...))},
	{ID: "T60", Name: "other witnesses for the same txid", Rule: "block 1", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5    (first sent with a witness changed in each byte)
		trunk(s, 4)
		raw := s.Next("b5", "b4", payment(nil)).Block.Bytes()
		for at := len(raw) - paySize + atWitness; at < len(raw); at++ {
			s.BadBody("b5", splice(raw, at, 1, raw[at]^1), core.ErrMerkleRoot)
		}
		s.Accepted("b5")
	}},
	{ID: "T61", Name: "every byte of a payment changed under one header", Rule: "block 1", Tell: func(s *coretest.Story) {
		trunk(s, 4)
		n := s.Next("b5", "b4", payment(nil))
		raw := n.Block.Bytes()
		for at := len(raw) - paySize; at < len(raw)-paySize+atWitness; at++ {
			switch at - (len(raw) - paySize) {
			case atInputs, atOwner, atOutputs, atData:
				continue // another number of things does not parse
			}
			s.BadBody("b5", splice(raw, at, 1, raw[at]^1), core.ErrMerkleRoot)
		}
		s.Accepted("b5")
	}},
}
