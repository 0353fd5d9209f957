package core

import (
	"crypto/sha256"
	"encoding/binary"
)

// The first byte of what is hashed tells the levels of the tree apart, so that
// no leaf can pass for a node (as 64-byte transactions can in Bitcoin, BIP 54)
// and no tree for another of a different count (CVE-2012-2459).
const (
	merkleLeafPrefix = 0x00
	merkleNodePrefix = 0x01
	merkleRootPrefix = 0x02
)

// MerkleLeaf returns the leaf of a transaction: SHA-256(0x00, txid, wid).
func MerkleLeaf(txid, wid Hash) Hash {
	b := [1 + 2*HashSize]byte{merkleLeafPrefix}
	copy(b[1:], txid[:])
	copy(b[1+HashSize:], wid[:])
	return sha256.Sum256(b[:])
}

func merkleNode(left, right Hash) Hash {
	b := [1 + 2*HashSize]byte{merkleNodePrefix}
	copy(b[1:], left[:])
	copy(b[1+HashSize:], right[:])
	return sha256.Sum256(b[:])
}

// MerkleRoot returns SHA-256(0x02, number of leaves, top), where the top is
// reached by hashing neighbours, an odd one going up alone. The top of no
// leaves is the zero hash.
func MerkleRoot(leaves []Hash) Hash {
	b := [1 + 4 + HashSize]byte{merkleRootPrefix}
	binary.LittleEndian.PutUint32(b[1:], uint32(len(leaves)))
	top := merkleTop(leaves)
	copy(b[5:], top[:])
	return sha256.Sum256(b[:])
}

func merkleTop(leaves []Hash) Hash {
	if len(leaves) == 0 {
		return Hash{}
	}
	level := append([]Hash(nil), leaves...)
	for len(level) > 1 {
		next := level[:0]
		for i := 0; i+1 < len(level); i += 2 {
			next = append(next, merkleNode(level[i], level[i+1]))
		}
		if len(level)%2 == 1 {
			next = append(next, level[len(level)-1])
		}
		level = next
	}
	return level[0]
}
