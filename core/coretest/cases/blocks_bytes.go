package cases

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"github.com/ingchain/ingchain/core"
	"github.com/ingchain/ingchain/core/coretest"
)

// twoPayments tells
//
//	... -> b4 -> b5
//
// where b5 has a coinbase and two payments that could change places. Other
// transactions under its header are delivered first, then b5 as it is.
func twoPayments(others ...func(txs []core.Transaction) []core.Transaction) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		b5 := s.Next("b5", "b4", payment(nil), paymentFrom("b2", nil))
		for _, f := range others {
			s.BadBody("b5", body(b5, f(slices.Clone(b5.Block.Txs))...), core.ErrMerkleRoot)
		}
		s.Accepted("b5")
	}
}

var blockBodies = []Case{
	{ID: "B08", Name: "last transaction twice, then the honest block", Rule: "block 1, merkle", Tell: twoPayments(
		func(txs []core.Transaction) []core.Transaction { return append(txs, txs[2]) },
	)},
	{ID: "B10", Name: "a node that passes for a leaf", Rule: "block 1, merkle", Tell: func(s *coretest.Story) {
		// ... -> b4 -> odd
		//          \-> good
		// The root says two leaves, of which the first is the node above the first
		// two transactions: the top is that of all three.
		trunk(s, 4)
		odd := s.Next("odd", "b4", payment(nil), paymentFrom("b2", nil), root(func(txs []core.Transaction) core.Hash {
			l := leavesOf(txs)
			return core.MerkleRoot([]core.Hash{node(l[0], l[1]), l[2]})
		}))
		s.Next("good", "b4")
		s.BadBody("odd", odd.Block.Bytes(), core.ErrMerkleRoot)
		s.Accepted("good")
	}},
	{ID: "B20", Name: "blocks that are known already", Rule: "judge 2", Tell: func(s *coretest.Story) {
		// genesis -> b1 -> b2 -> b3 -> b4
		//                    \-> c3
		trunk(s, 4)
		s.Next("c3", "b2", in(1))
		s.Accepted("b4", "b4")
		s.SideChain("b3", "b1", coretest.Genesis, "c3", "c3")
		s.ExpectTip("b4")
	}},
	{ID: "B22", Name: "a bad block again and again", Rule: "judge 2", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad       once alone, once behind a better tip
		//          \-> good -> next
		trunk(s, 4)
		s.Next("bad", "b4", payment(nil), payment(nil))
		s.Next("good", "b4")
		s.Next("next", "good")
		s.Rejected("bad", core.ErrBlockDouble)
		s.Rejected("bad", core.ErrBlockDouble)
		s.Accepted("good")
		s.Rejected("bad", core.ErrBlockDouble)
		s.Accepted("next")
	}},
	{ID: "B43", Name: "payments in another order", Rule: "block 1, merkle", Tell: twoPayments(
		func(txs []core.Transaction) []core.Transaction { txs[1], txs[2] = txs[2], txs[1]; return txs },
		func(txs []core.Transaction) []core.Transaction { txs[0], txs[1] = txs[1], txs[0]; return txs },
	)},
	{ID: "B44", Name: "a transaction left out", Rule: "block 1, merkle", Tell: twoPayments(
		func(txs []core.Transaction) []core.Transaction { return txs[:2] },
		func(txs []core.Transaction) []core.Transaction { return slices.Delete(txs, 1, 2) },
		func(txs []core.Transaction) []core.Transaction { return txs[1:] },
		func([]core.Transaction) []core.Transaction { return nil },
	)},
	{ID: "B45", Name: "a transaction more", Rule: "block 1, merkle", Tell: func(s *coretest.Story) {
		twoPayments(func(txs []core.Transaction) []core.Transaction {
			return append(txs, payFrom(s.Chain, "b3", nil))
		})(s)
	}},
	{ID: "B46", Name: "a witness altered on the way", Rule: "block 1, merkle", Tell: twoPayments(
		func(txs []core.Transaction) []core.Transaction {
			txs[2].Witnesses = slices.Clone(txs[2].Witnesses)
			txs[2].Witnesses[0].Signature[63] ^= 0x80
			return txs
		},
		func(txs []core.Transaction) []core.Transaction {
			txs[1].Witnesses = slices.Clone(txs[1].Witnesses)
			txs[1].Witnesses[0].PublicKey[0] ^= 1
			return txs
		},
	)},
	{ID: "B47", Name: "an output and the fee altered on the way", Rule: "block 1, merkle", Tell: twoPayments(
		func(txs []core.Transaction) []core.Transaction {
			txs[0].Outputs = outputs(1, txs[0].Outputs[0].Value) // the reward to somebody else
			return txs
		},
		func(txs []core.Transaction) []core.Transaction { txs[1].Fee--; return txs },
	)},
	{ID: "B48", Name: "roots of other trees", Rule: "merkle", Tell: otherTrees},
	{ID: "B49", Name: "other bytes first, then a block that is bad itself", Rule: "judge 8", Tell: func(s *coretest.Story) {
		// ... -> b4 -> bad
		//          \-> good
		trunk(s, 4)
		bad := s.Next("bad", "b4", payment(nil), payment(nil))
		s.Next("good", "b4")
		s.BadBody("bad", body(bad, bad.Block.Txs[:2]...), core.ErrMerkleRoot)
		s.Rejected("bad", core.ErrBlockDouble)
		s.Accepted("good")
	}},
	{ID: "B80", Name: "other bytes that break each later rule, then the block", Rule: "block 1", Tell: twoPayments(
		// Any of these would condemn the id if it were looked at before the root.
		func([]core.Transaction) []core.Transaction { return nil },
		func(txs []core.Transaction) []core.Transaction { return append(txs, txs[0]) },
		func(txs []core.Transaction) []core.Transaction { txs[1].Version = 2; return txs },
		func(txs []core.Transaction) []core.Transaction { txs[1].Outputs = nil; return txs },
		func(txs []core.Transaction) []core.Transaction { txs[1].Fee = math.MaxUint64; return txs },
		func(txs []core.Transaction) []core.Transaction { txs[2].Inputs = txs[1].Inputs; return txs },
		func(txs []core.Transaction) []core.Transaction { txs[0].Fee = 1; return txs },
		func(txs []core.Transaction) []core.Transaction { txs[0].Data = nil; return txs },
		func(txs []core.Transaction) []core.Transaction {
			txs[0].Outputs = outputs(1, txs[0].Outputs[0].Value+1)
			return txs
		},
		func(txs []core.Transaction) []core.Transaction {
			txs[1].Witnesses = []core.Witness{{PublicKey: coretest.SmallOrder[1], Signature: txs[1].Witnesses[0].Signature}}
			return txs
		},
	)},
	{ID: "B50", Name: "a root that commits to one payment twice", Rule: "block 8, merkle", Tell: refused(core.ErrBlockDouble, payment(nil), paymentFrom("b2", nil), paymentFrom("b2", nil))},
}

// otherTrees tells of headers over the three transactions of one body whose
// roots were made by other rules.
//
//	... -> b4 -> odd1, odd2, ...
//	         \-> good
func otherTrees(s *coretest.Story) {
	trunk(s, 4)
	for i, tree := range []func(txs []core.Transaction) core.Hash{
		// Bitcoin's: an odd node is paired with itself.
		func(txs []core.Transaction) core.Hash {
			l := leavesOf(txs)
			return rootAbove(3, node(node(l[0], l[1]), node(l[2], l[2])))
		},
		// The count is missing, or another.
		func(txs []core.Transaction) core.Hash { return topOfThree(leavesOf(txs)) },
		func(txs []core.Transaction) core.Hash { return rootAbove(2, topOfThree(leavesOf(txs))) },
		func(txs []core.Transaction) core.Hash { return rootAbove(4, topOfThree(leavesOf(txs))) },
		// Leaves without witnesses, or bare txids.
		func(txs []core.Transaction) core.Hash {
			for i := range txs {
				txs[i].Witnesses = nil
			}
			return rootOf(txs)
		},
		func(txs []core.Transaction) core.Hash {
			return core.MerkleRoot([]core.Hash{txs[0].ID(), txs[1].ID(), txs[2].ID()})
		},
		// The odd one paired first.
		func(txs []core.Transaction) core.Hash {
			l := leavesOf(txs)
			return rootAbove(3, node(l[0], node(l[1], l[2])))
		},
	} {
		name := numbered("odd", i+1)
		odd := s.Next(name, "b4", payment(nil), paymentFrom("b2", nil), root(func(txs []core.Transaction) core.Hash {
			return tree(slices.Clone(txs))
		}))
		s.BadBody(name, odd.Block.Bytes(), core.ErrMerkleRoot)
	}
	s.Next("good", "b4", payment(nil), paymentFrom("b2", nil), root(func(txs []core.Transaction) core.Hash {
		return rootAbove(3, topOfThree(leavesOf(txs)))
	}))
	s.Accepted("good")
}

func leavesOf(txs []core.Transaction) (leaves []core.Hash) {
	for i := range txs {
		leaves = append(leaves, core.MerkleLeaf(txs[i].ID(), txs[i].WitnessID()))
	}
	return leaves
}

// node, topOfThree and rootAbove are the specification's tree, step by step.
func node(left, right core.Hash) core.Hash {
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

func topOfThree(l []core.Hash) core.Hash { return node(node(l[0], l[1]), l[2]) }

func rootAbove(count uint32, top core.Hash) core.Hash {
	return sha256.Sum256(append(binary.LittleEndian.AppendUint32([]byte{2}, count), top[:]...))
}

// field is where something stands in the encoding of [lastPayment].
type field struct{ at, size int }

// Fields of lastPayment, from its first byte on.
var (
	fieldVersion  = field{0, 2}
	fieldInputs   = field{2, 1}
	fieldTxID     = field{3, 32}
	fieldIndex    = field{35, 1}
	fieldOwner    = field{36, 1}
	fieldOutputs  = field{37, 1}
	fieldValue    = field{38, 8}
	fieldHash     = field{47, 20}
	fieldFee      = field{96, 8}
	fieldDataSize = field{104, 1}
	fieldData     = field{105, 3}
	fieldKey      = field{108, 32}
	fieldSig      = field{140, 64}
)

// lastPayment is the last transaction of a block that [bytesOf] cuts up: one
// input, two outputs, three bytes of data.
var lastPayment = payment(func(tx *core.Transaction) { tx.Data = []byte("abc") })

// bytesOf tells
//
//	... -> b4 -> b5
//
// where b5 has a coinbase and lastPayment. What f makes of its bytes is
// delivered first, raw being all and p where the payment begins; then b5.
func bytesOf(f func(raw []byte, p int) [][]byte) func(*coretest.Story) {
	return func(s *coretest.Story) {
		trunk(s, 4)
		b5 := s.Next("b5", "b4", lastPayment).Block
		p := b5.Size() - fieldSig.at - fieldSig.size
		for _, raw := range f(b5.Bytes(), p) {
			s.BadBody("b5", raw, core.ErrMalformed)
		}
		s.Accepted("b5")
	}
}

// put replaces fields of the payment at p by other bytes, one field a time.
func put(raw []byte, p int, f field, with ...byte) []byte {
	return splice(raw, p+f.at, f.size, with...)
}

// txCount is where the number of transactions stands, from the block's first
// byte on.
var txCount = field{core.HeaderSize, 1}

var blockBytes = []Case{
	{ID: "B12", Name: "bytes left over", Rule: "judge 1", Tell: bytesOf(func(raw []byte, p int) [][]byte {
		return [][]byte{append(slices.Clone(raw), 0), slices.Concat(raw, raw[p:]), slices.Concat(raw, raw)}
	})},
	{ID: "B13", Name: "cut within each field", Rule: "judge 1", Tell: bytesOf(func(raw []byte, p int) (cut [][]byte) {
		for _, f := range []field{fieldVersion, fieldInputs, fieldTxID, fieldIndex, fieldOwner, fieldOutputs, fieldValue, fieldHash, fieldFee, fieldDataSize, fieldData, fieldKey, fieldSig} {
			cut = append(cut, raw[:p+f.at+f.size/2])
		}
		return append(cut, raw[:len(raw)-1])
	})},
	{ID: "B51", Name: "no bytes, half a header, a header alone", Rule: "judge 1", Tell: bytesOf(func(raw []byte, p int) [][]byte {
		return [][]byte{nil, raw[:core.HeaderSize/2], raw[:core.HeaderSize-1], raw[:core.HeaderSize], raw[:core.HeaderSize+1], raw[:p]}
	})},
	{ID: "B52", Name: "integers a byte longer than they need be", Rule: "judge 1", Tell: bytesOf(func(raw []byte, p int) [][]byte {
		return [][]byte{
			put(raw, 0, txCount, padded(2)...),
			put(raw, p, fieldInputs, padded(1)...),
			put(raw, p, fieldIndex, padded(0)...),
			put(raw, p, fieldOwner, padded(0)...),
			put(raw, p, fieldOutputs, padded(2)...),
			put(raw, p, fieldDataSize, padded(3)...),
		}
	})},
	{ID: "B53", Name: "counts one too few or too many", Rule: "judge 1", Tell: bytesOf(func(raw []byte, p int) [][]byte {
		return [][]byte{
			put(raw, 0, txCount, 0), put(raw, 0, txCount, 1), put(raw, 0, txCount, 3),
			put(raw, p, fieldInputs, 0), put(raw, p, fieldInputs, 2),
			put(raw, p, fieldOutputs, 1), put(raw, p, fieldOutputs, 3),
			put(raw, p, fieldDataSize, 2), put(raw, p, fieldDataSize, 4),
		}
	})},
	{ID: "B54", Name: "counts that the bytes cannot hold", Rule: "judge 1", Tell: bytesOf(func(raw []byte, p int) [][]byte {
		most := binary.AppendUvarint(nil, 1<<64-1)
		return [][]byte{
			put(raw, 0, txCount, most...), put(raw, 0, txCount, 0xff, 0xff, 0x03),
			put(raw, p, fieldInputs, most...), put(raw, p, fieldOutputs, most...), put(raw, p, fieldDataSize, most...),
			put(raw, p, fieldOwner, binary.AppendUvarint(nil, 65_534)...), // 65,535 witnesses
		}
	})},
	{ID: "B55", Name: "integers above their field", Rule: "judge 1", Tell: bytesOf(func(raw []byte, p int) [][]byte {
		long := slices.Concat(slices.Repeat([]byte{0xff}, 10), []byte{1}) // more than 64 bits
		return [][]byte{
			put(raw, p, fieldIndex, binary.AppendUvarint(nil, 1<<32)...),
			put(raw, p, fieldOwner, binary.AppendUvarint(nil, 1<<16)...), // 0, if it were cut
			put(raw, 0, txCount, long...),
			put(raw, p, fieldIndex, long...),
		}
	})},
	{ID: "B56", Name: "a witness too few or too many", Rule: "judge 1", Tell: bytesOf(func(raw []byte, p int) [][]byte {
		w := raw[p+fieldKey.at:]
		return [][]byte{raw[:p+fieldKey.at], slices.Concat(raw, w), put(raw, p, fieldOwner, 1)}
	})},
	{ID: "B57", Name: "the bytes of other blocks", Rule: "judge 1, block 1", Tell: func(s *coretest.Story) {
		// ... -> b4 -> b5      b4 in its place, and its header with the body of c5
		//         \--> c5
		trunk(s, 4)
		b5 := s.Next("b5", "b4", payment(nil)).Block
		s.Next("c5", "b4", paymentFrom("b2", nil))
		s.BadBody("b5", s.Get("b4").Block.Bytes(), core.ErrMalformed)
		s.BadBody("b5", slices.Concat(b5.Bytes()[:core.HeaderSize], s.Get("c5").Block.Bytes()[core.HeaderSize:]), core.ErrMerkleRoot)
		s.Accepted("b5")
	}},
	{ID: "B58", Name: "more transactions than any network could have", Rule: "judge 1", Tell: bytesOf(func(raw []byte, _ int) [][]byte {
		const most = 1<<17 + 1 // 262,144 inputs and outputs make half as many payments
		txs := core.AppendBlock(nil, core.Header{}, make([]core.Transaction, most+1))
		return [][]byte{slices.Concat(raw[:core.HeaderSize], txs[core.HeaderSize:])}
	})},
	{ID: "B59", Name: "a header that commits to 129 bytes of data", Rule: "judge 1", Tell: unparsable(func(txs []core.Transaction) []core.Transaction {
		txs[1].Data = make([]byte, core.MaxTxData+1)
		return txs
	})},
	{ID: "B60", Name: "a header that commits to a witness too many", Rule: "judge 1", Tell: unparsable(func(txs []core.Transaction) []core.Transaction {
		txs[1].Witnesses = slices.Repeat(txs[1].Witnesses, 2)
		return txs
	})},
	{ID: "B61", Name: "a header that commits to a witness too few", Rule: "judge 1", Tell: unparsable(func(txs []core.Transaction) []core.Transaction {
		txs[1].Witnesses = nil
		return txs
	})},
}
